"""Unpacks the bundle: the init container's whole work, on nothing but python:3.13-slim.  unpack.py SOURCE TARGET

In the source lie, for each architecture, `ARCH.json` with what its bundle must be and the bundle itself in chunks
`ARCH-00`, `ARCH-01`, …: a ConfigMap holds 1 MiB, so it travels in pieces. The target will be on PYTHONPATH.
"""

from __future__ import annotations

import hashlib
import io
import json
import platform
import sys
import tarfile
import time
from pathlib import Path

ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


class Unusable(Exception):
    """The bundle cannot be used here; says why."""


def facts(source: Path, machine: str) -> tuple[str, dict[str, object]]:
    """(architecture, what its bundle must be). Raises Unusable if there is none for this machine."""
    architecture = ARCHITECTURES.get(machine, machine)
    path = source / f"{architecture}.json"
    if not path.exists():
        there = ", ".join(sorted(other.stem for other in source.glob("*.json"))) or "none at all"
        raise Unusable(
            f"there is no bundle for {architecture}, only for: {there}. Deploy again, so that one is made"
        )
    return architecture, json.loads(path.read_text())


def check_python(needed: object) -> None:
    """Raises Unusable if shared objects are in the bundle and this is not the Python they were built for."""
    found = "{}.{}".format(*sys.version_info)
    if needed and (found != needed or platform.libc_ver()[0] != "glibc"):
        libc = platform.libc_ver()[0] or "another C library"
        raise Unusable(
            f"the bundle needs CPython {needed} and glibc, the image has {found} and {libc}. Use python:{needed}-slim"
        )


def join(source: Path, architecture: str, count: int, sha256: str) -> bytes:
    """The whole bundle. Raises Unusable if a chunk is missing or the bytes are not those that were packed."""
    paths = [source / f"{architecture}-{number:02d}" for number in range(count)]
    if missing := [path.name for path in paths if not path.exists()]:
        raise Unusable(f"chunks are missing: {', '.join(missing)} of {count}. Deploy again")
    packed = b"".join(path.read_bytes() for path in paths)
    if (found := hashlib.sha256(packed).hexdigest()) != sha256:
        raise Unusable(f"the chunks do not fit together: sha256 is {found}, not {sha256}. Deploy again")
    return packed


def main(source: Path, target: Path, machine: str) -> str:
    """Unpack into the target; a line on what was done. Raises Unusable, OSError."""
    started = time.monotonic()
    architecture, wanted = facts(source, machine)
    check_python(wanted["python"])
    packed = join(source, architecture, int(str(wanted["chunks"])), str(wanted["sha256"]))
    with tarfile.open(fileobj=io.BytesIO(packed), mode="r:xz") as archive:
        archive.extractall(target, filter="data")
    return (
        f"{len(packed)} bytes for {architecture} unpacked into {target} in {time.monotonic() - started:.1f} s"
    )


if __name__ == "__main__":
    try:
        print(main(Path(sys.argv[1]), Path(sys.argv[2]), platform.machine()))
    except (Unusable, OSError) as exc:
        sys.exit(f"unpacking the bundle: {exc}")
