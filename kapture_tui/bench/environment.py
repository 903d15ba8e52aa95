"""What a result says of where it was measured. Nothing in it names a host unless that was asked for."""

from __future__ import annotations

import hashlib
import json
import platform
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from importlib import metadata
from pathlib import Path

from kapture_tui import __version__
from kapture_tui.bench.result import Environment, Machine
from kapture_tui.resources import manifests_dir
from kapture_tui.stack.kustomize import kubectl_build
from kapture_tui.targets import base

_OURS = ("confluent-kafka", "kafka-python", "redis", "orjson")


def environment(found: base.Environment, with_names: bool) -> Environment:
    """What the target found, machines of a kind put together, and what we run on."""
    return Environment(
        machines=tuple(_grouped(found.machines, with_names)),
        versions={**versions(), **found.versions},
        unavailable=dict(found.unavailable),
    )


def _grouped(machines: Iterable[base.Machine], with_names: bool) -> list[Machine]:
    kinds = Counter(replace(machine, name="") for machine in machines)
    names = {kind: [m.name for m in machines if replace(m, name="") == kind] for kind in kinds}
    return [
        Machine(
            count=count,
            type=kind.type,
            cores=kind.cores,
            memory_bytes=kind.memory_bytes,
            architecture=kind.architecture,
            system=kind.system,
            kernel=kind.kernel,
            names=tuple(sorted(names[kind])) if with_names else (),
        )
        for kind, count in kinds.items()
    ]


def versions() -> dict[str, str]:
    """Our own, and those of the packages that decide how fast we are."""
    found = {"kapture-tui": __version__, "python": platform.python_version()}
    for package in _OURS:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def manifests_hash(overlay: Path | None) -> str:
    """SHA-256 of the manifests: of all that ship with the program, or of what the overlay makes of them.

    Raises: UsageError: the overlay cannot be built.
    """
    digest = hashlib.sha256()
    if overlay is not None:
        digest.update(json.dumps(kubectl_build(overlay), sort_keys=True).encode())
        return digest.hexdigest()
    folder = manifests_dir()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(folder).as_posix()}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()
