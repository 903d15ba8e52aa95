"""Writes a rendered stack as a kustomization that `kubectl apply --server-side -k DIR` runs without this program."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from kapture_tui.model.errors import KaptureError, UsageError
from kapture_tui.model.spec import StackSpec
from kapture_tui.stack.kustomize import FILE, Manifest

_MARK = "# Rendered by kapture-tui"
_BUNDLE = "bundle"


def write(spec: StackSpec, manifests: Sequence[Manifest], folder: Path) -> None:
    """Write the objects, a file for each component, readable for the user only: passwords are among them.

    A folder that this function has written before is written anew.

    Raises:
        UsageError: the folder holds something else.
        KaptureError: it cannot be written.
    """
    files = {f"{name}.yaml": found for name, found in _by_component(manifests).items()}
    try:
        _make_room(folder)
        for name, found in files.items():
            _write(
                folder / name,
                yaml.dump_all(found, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120),
            )
        _write(folder / FILE, _kustomization(spec, files, folder))
    except OSError as exc:
        raise KaptureError(f"writing {folder}", exc.strerror or str(exc)) from exc


def _by_component(manifests: Iterable[Manifest]) -> dict[str, list[Manifest]]:
    """The objects by the file they go to, in the order of their first ones."""
    found: dict[str, list[Manifest]] = {}
    for manifest in manifests:
        metadata = manifest["metadata"]
        name = metadata["labels"]["app.kubernetes.io/component"]
        if metadata["name"].startswith(_BUNDLE):
            name = _BUNDLE
        found.setdefault(name, []).append(manifest)
    return found


def _make_room(folder: Path) -> None:
    """Make the folder, or empty it if all that is in it is ours."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except FileExistsError:
        raise UsageError(f"writing {folder}", "it is a file", "choose a folder") from None
    there = list(folder.iterdir())
    if not there:
        folder.chmod(0o700)
        return
    mark = folder / FILE
    ours = mark.is_file() and mark.read_text(encoding="utf-8").startswith(_MARK)
    foreign = [path.name for path in there if path.suffix != ".yaml" or not path.is_file()]
    if not ours or foreign:
        raise UsageError(
            f"writing {folder}",
            f"it holds {(foreign or [path.name for path in there])[0]}",
            "choose an empty folder",
        )
    folder.chmod(0o700)
    for path in there:
        path.unlink()


def _kustomization(spec: StackSpec, files: Mapping[str, object], folder: Path) -> str:
    lines = [
        f"{_MARK}: {spec.namespace} at scale {spec.scale}. The namespace must exist. To run it:",
        f"#   kubectl create namespace {spec.namespace}",
        f"#   kubectl apply --server-side -k {shlex.quote(str(folder))}",
        "apiVersion: kustomize.config.k8s.io/v1beta1",
        "kind: Kustomization",
        "resources:",
        *(f"  - {name}" for name in files),
    ]
    return "\n".join(lines) + "\n"


def _write(path: Path, text: str) -> None:
    """Write a file that nobody else may read, from its first byte on."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


# libyaml, where PyYAML was built with it, takes a tenth of the time for the bundle's megabytes.
_Base: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class _Dumper(_Base):  # type: ignore[misc]
    """YAML for people: no anchors, and text of several lines as a block."""

    def ignore_aliases(self, data: Any) -> bool:
        """See the base class."""
        return True


def _text(dumper: Any, text: str) -> Any:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)
