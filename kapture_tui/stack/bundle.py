"""What pods run, as ConfigMaps: our package and the wheels it needs, so that no image of our own has to be pulled.

A bundle is two xz streams, the wheels and the package, cut into chunks that fit a ConfigMap. `unpack.py` in
manifests/base joins and unpacks them in an init container.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import kapture_tui
from kapture_tui.model.errors import KaptureError
from kapture_tui.model.spec import Component
from kapture_tui.stack import pack, wheels
from kapture_tui.stack.catalogue import CATALOGUE
from kapture_tui.workload.sinks import outside

CHUNK_BYTES = 800 * 1024
"""A ConfigMap holds 1 MiB, everything included."""

CONFIG_MAP = "bundle"
"""The ConfigMap with `unpack.py` and, an architecture, `ARCH.json`."""

PACKAGE_FOLDERS = ("model", "workload")


@dataclass(frozen=True, slots=True)
class Bundle:
    """What the pods of one architecture run.

    Attributes:
        architecture: as Kubernetes calls it: "amd64" or "arm64".
        digest: sha256 of all chunks together, in hex.
        chunks: in order, each at most `CHUNK_BYTES`.
        slow: why it has packages of pure Python only, so that loaders and sinks are slower; "" if it has all.
    """

    architecture: str
    digest: str
    chunks: tuple[bytes, ...]
    slow: str = ""

    @property
    def config_maps(self) -> dict[str, bytes]:
        """The chunks by the name of the ConfigMap that carries each, under the key `chunk`."""
        return {
            f"{CONFIG_MAP}-{self.architecture}-{self.digest[:8]}-{n:02d}": c
            for n, c in enumerate(self.chunks)
        }


def facts(bundles: Iterable[Bundle]) -> dict[str, str]:
    """What the ConfigMap `bundle` says about these bundles, beside `unpack.py`."""
    return {
        f"{bundle.architecture}.json": json.dumps(
            {
                "sha256": bundle.digest,
                "chunks": len(bundle.chunks),
                "python": None if bundle.slow else wheels.PYTHON,
            }
        )
        for bundle in bundles
    }


def volume_sources(bundles: Iterable[Bundle]) -> list[dict[str, Any]]:
    """The `sources` of the projected volume in which `unpack.py` finds everything."""
    sources: list[dict[str, Any]] = [{"configMap": {"name": CONFIG_MAP}}]
    for bundle in bundles:
        for number, name in enumerate(bundle.config_maps):
            items = [{"key": "chunk", "path": f"{bundle.architecture}-{number:02d}"}]
            sources.append({"configMap": {"name": name, "items": items}})
    return sources


def bundle(architecture: str, cache: Path | None = None, *, components: Collection[Component] = ()) -> Bundle:
    """The bundle for "amd64" or "arm64". Blocks: seconds the first time, when it fetches and packs the wheels.

    Args:
        cache: where wheels, fetched and packed, are kept; None: the user's cache directory.
        components: what the stack has; their clients are packed, and no others.

    Raises:
        KaptureError: neither wheels nor installed packages will do, or the cache cannot be written.
    """
    folder = _user_cache() if cache is None else cache
    try:
        packed, slow = _packed_wheels(architecture, folder, components)
        package = own_files(components)
    except OSError as exc:
        remedy = "set XDG_CACHE_HOME to a folder that can be written"
        raise KaptureError(f"packing the bundle, with its cache in {folder}", str(exc), remedy) from exc
    whole = packed + pack.pack(package)
    chunks = tuple(whole[at : at + CHUNK_BYTES] for at in range(0, len(whole), CHUNK_BYTES))
    return Bundle(architecture, hashlib.sha256(whole).hexdigest(), chunks, slow)


def own_files(components: Collection[Component]) -> dict[str, bytes]:
    """Our package, and those that bring the databases from outside. Raises OSError."""
    files = pack.of_package(Path(kapture_tui.__file__).parent, PACKAGE_FOLDERS)
    for name, point in outside().items():
        if point.dist is not None and Component(name) in components:
            files |= pack.of_installed(point.dist)
    return files


def _user_cache() -> Path:
    from platformdirs import user_cache_path

    return user_cache_path("kapture-tui", appauthor=False)


def _packed_wheels(architecture: str, cache: Path, components: Collection[Component]) -> tuple[bytes, str]:
    """(the first stream, why it is of pure Python only or "")."""
    known = {name for entry in CATALOGUE.values() for name in entry.wheels}
    used = {name for component in components for name in CATALOGUE[component].wheels}
    try:
        return _cached_pack(architecture, cache, frozenset(known - used)), ""
    except wheels.NotFetched as exc:
        files: dict[str, bytes] = {}
        for package in wheels.installed_pure(sorted(used)):
            files |= pack.of_installed(package)
        return pack.pack(files, more_follows=True), str(exc)


def _cached_pack(architecture: str, cache: Path, without: frozenset[str]) -> bytes:
    """The wheels of an architecture as one stream; packing takes ten seconds of CPU, so the result is kept."""
    stem = f"wheels-{architecture}-{_recipe(architecture, without)}"
    for path in cache.glob(f"{stem}-*.tar.xz"):
        found = path.read_bytes()
        if path.name == _named(stem, found):
            return found
        path.unlink(missing_ok=True)
    files: dict[str, bytes] = {}
    for wheel in wheels.fetch(architecture, cache / "wheels", without):
        files |= pack.of_wheel(wheel)
    packed = pack.pack(files, more_follows=True)
    _write(cache / _named(stem, packed), packed)
    return packed


def _recipe(architecture: str, without: frozenset[str]) -> str:
    """Changes with what is packed and how."""
    parts = [wheel.sha256 for wheel in wheels.wanted(architecture, without)]
    parts.append(Path(pack.__file__).read_text())
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def _named(stem: str, content: bytes) -> str:
    # Its own hash in its name: a file that was cut short or damaged is known as such.
    return f"{stem}-{hashlib.sha256(content).hexdigest()[:32]}.tar.xz"


def _write(path: Path, content: bytes) -> None:
    """Write a file, all of it or nothing."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".packing-", delete=False) as part:
        part.write(content)
    os.replace(part.name, path)
