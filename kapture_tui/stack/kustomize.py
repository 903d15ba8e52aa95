"""Builds a kustomization: a named subset of it in Python, anything else by kubectl.

The subset is what the project's own manifests use, so that deploying them needs no kubectl. It is not meant to grow
into kustomize: a field it does not know is refused by name, and `--kustomize` goes through kubectl.
"""

from __future__ import annotations

import copy
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from kapture_tui.model.errors import KaptureError, UsageError
from kapture_tui.stack.patch import json_patch, merge

Manifest = dict[str, Any]
"""A Kubernetes object as it is written in JSON."""

FILE = "kustomization.yaml"
KUBECTL_S = 60.0
"""How long kubectl may take, seconds: an overlay may fetch remote bases."""

_IGNORED = {"apiVersion", "kind"}


def build(folder: Path, components: Sequence[Path] = ()) -> list[Manifest]:
    """The objects of a kustomization, with further components added to it.

    Raises:
        UsageError: a file is missing or broken, or uses a field beyond the subset; both are named.
    """
    objects = _build(folder, [])
    for component in components:
        objects = _build(component, objects)
    return objects


def kubectl_build(folder: Path) -> list[Manifest]:
    """The objects `kubectl kustomize` makes of a folder. Blocks.

    Raises:
        UsageError: there is no kubectl, or it refuses the kustomization; what it says is passed on.
        KaptureError: it did not end in time.
    """
    doing = f"building --kustomize {folder}"
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        raise UsageError(doing, "kubectl is not on PATH", "install kubectl, which brings kustomize along")
    if not folder.is_dir():
        raise UsageError(doing, "there is no such directory")
    try:
        done = subprocess.run(
            [kubectl, "kustomize", str(folder)],
            capture_output=True,
            text=True,
            timeout=KUBECTL_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        raise KaptureError(doing, f"kubectl did not end within {KUBECTL_S:.0f} s") from None
    if done.returncode:
        raise UsageError(doing, done.stderr.strip() or f"kubectl ended with {done.returncode}")
    return [found for found in yaml.safe_load_all(done.stdout) if found]


def template_of(manifest: Manifest) -> Manifest | None:
    """The pod template of an object that has one."""
    spec = manifest.get("spec")
    if not isinstance(spec, dict):
        return None
    if manifest.get("kind") == "CronJob":
        spec = spec.get("jobTemplate", {}).get("spec", {})
    template = spec.get("template")
    return template if isinstance(template, dict) else None


# --- the subset ------------------------------------------------------------------------------------------


def _build(folder: Path, objects: list[Manifest]) -> list[Manifest]:
    """One kustomization on top of `objects`. The order is kustomize's: a component changes what was generated, too."""
    file = folder / FILE
    content = _read(file)
    known = _IGNORED | _FIELDS.keys() | {"resources", "configMapGenerator", "components", "generatorOptions"}
    _refuse(file, "", content.keys() - known)
    _check_generators(file, content)
    objects = objects + [found for name in content.get("resources", ()) for found in _resource(folder / name)]
    _generate(file, objects, content.get("configMapGenerator", ()))
    for name in content.get("components", ()):
        objects = _build(folder / name, objects)
    for field, apply in _FIELDS.items():
        if field in content:
            apply(file, objects, content[field])
    return objects


def _resource(path: Path) -> list[Manifest]:
    if path.is_dir():
        return _build(path, [])
    return [found for found in _load_all(path) if found]


def _check_generators(file: Path, content: Manifest) -> None:
    options = content.get("generatorOptions", {})
    _refuse(file, "generatorOptions.", options.keys() - {"disableNameSuffixHash"})
    if "configMapGenerator" in content and options.get("disableNameSuffixHash") is not True:
        raise UsageError(
            f"building {file}",
            "configMapGenerator with a hash in the name",
            "set generatorOptions.disableNameSuffixHash: true",
        )


def _generate(file: Path, objects: list[Manifest], entries: Iterable[Manifest]) -> None:
    for entry in entries:
        _refuse(file, "configMapGenerator.", entry.keys() - {"name", "behavior", "files", "literals"})
        data = dict(literal.split("=", 1) for literal in entry.get("literals", ()))
        for name in entry.get("files", ()):
            key, _, path = name.rpartition("=")
            data[key or Path(path).name] = _text(file.parent / path)
        if entry.get("behavior") == "merge":
            _find(file, objects, entry["name"])["data"].update(data)
        else:
            metadata = {"name": entry["name"]}
            objects.append({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})


def _find(file: Path, objects: list[Manifest], name: str) -> Manifest:
    for found in objects:
        if (found["kind"], found["metadata"]["name"]) == ("ConfigMap", name):
            return found
    raise UsageError(f"building {file}", f"there is no ConfigMap {name} to merge with")


def _patches(file: Path, objects: list[Manifest], entries: Iterable[Manifest]) -> None:
    for entry in entries:
        _refuse(file, "patches.", entry.keys() - {"path", "patch", "target"})
        text = entry["patch"] if "patch" in entry else _text(file.parent / entry["path"])
        patch = yaml.safe_load(text)
        target = entry.get("target") or {"kind": patch["kind"], "name": patch["metadata"]["name"]}
        _refuse(file, "patches.target.", target.keys() - {"kind", "name"})
        matching = [index for index, found in enumerate(objects) if _matches(found, target)]
        if not matching and "target" not in entry:
            raise UsageError(f"building {file}", f"there is no {target['kind']} {target['name']} to patch")
        for index in matching:
            try:
                change = json_patch if isinstance(patch, list) else merge
                objects[index] = change(objects[index], patch)
            except (KeyError, IndexError, ValueError, TypeError) as exc:
                name = objects[index]["metadata"]["name"]
                raise UsageError(f"building {file}", f"a patch does not fit {name}: {exc}") from exc


def _matches(found: Manifest, target: Mapping[str, str]) -> bool:
    values = {"kind": found["kind"], "name": found["metadata"]["name"]}
    return all(re.fullmatch(pattern, values[field]) for field, pattern in target.items())


def _namespace(_file: Path, objects: list[Manifest], name: str) -> None:
    for found in objects:
        found["metadata"]["namespace"] = name


def _labels(file: Path, objects: list[Manifest], entries: Iterable[Manifest]) -> None:
    for entry in entries:
        _refuse(file, "labels.", entry.keys() - {"pairs", "includeTemplates"})
        for found in objects:
            places = [found]
            if entry.get("includeTemplates") and (template := template_of(found)):
                places.append(template)
            for place in places:
                place.setdefault("metadata", {}).setdefault("labels", {}).update(entry["pairs"])


def _replicas(file: Path, objects: list[Manifest], entries: Iterable[Manifest]) -> None:
    for entry in entries:
        _refuse(file, "replicas.", entry.keys() - {"name", "count"})
        for found in objects:
            scaled = found["kind"] in ("Deployment", "StatefulSet", "ReplicaSet")
            if scaled and found["metadata"]["name"] == entry["name"]:
                found["spec"]["replicas"] = entry["count"]


def _images(file: Path, objects: list[Manifest], entries: Iterable[Manifest]) -> None:
    for entry in entries:
        _refuse(file, "images.", entry.keys() - {"name", "newName", "newTag"})
        for found in objects:
            for container in containers_of(found):
                name, _, tag = container["image"].rpartition(":")
                if name == entry["name"]:
                    container["image"] = f"{entry.get('newName', name)}:{entry.get('newTag', tag)}"


def containers_of(manifest: Manifest) -> list[Manifest]:
    """All containers of an object's pod template, init containers first."""
    template = template_of(manifest)
    if template is None:
        return []
    spec = template.get("spec", {})
    return [*spec.get("initContainers", ()), *spec.get("containers", ())]


_FIELDS: Mapping[str, Callable[[Path, list[Manifest], Any], None]] = {
    "patches": _patches,
    "namespace": _namespace,
    "labels": _labels,
    "replicas": _replicas,
    "images": _images,
}
"""What can be done to the objects so far, in kustomize's order."""


# --- reading ------------------------------------------------------------------------------------------


def _read(file: Path) -> Manifest:
    documents = _load_all(file)
    if len(documents) != 1 or not isinstance(documents[0], dict):
        raise UsageError(f"reading {file}", "not one YAML mapping")
    return copy.deepcopy(documents[0])


def _load_all(path: Path) -> list[Any]:
    try:
        return list(yaml.load_all(_text(path), Loader=_LOADER))
    except yaml.YAMLError as exc:
        raise UsageError(f"reading {path}", str(exc)) from exc


# libyaml is ten times faster, where PyYAML was built with it.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as exc:
        raise UsageError(f"reading {path}", exc.strerror or str(exc)) from exc


def _refuse(file: Path, where: str, unknown: Iterable[str]) -> None:
    names = ", ".join(sorted(f"{where}{name}" for name in unknown))
    if names:
        raise UsageError(f"building {file}", f"{names}: not in the subset that is built without kubectl")
