"""Packs files for the pods: the same files give the same bytes, whoever packs them and when."""

from __future__ import annotations

import io
import lzma
import tarfile
import zipfile
from collections.abc import Iterable, Mapping
from importlib.metadata import Distribution
from pathlib import Path, PurePosixPath

Files = Mapping[str, bytes]
"""Contents by path below the folder that will be on PYTHONPATH."""

PRESET = 6
"""Of xz. For the wheels 2, 6 and 9e give 4.6, 4.1 and 4.1 MB in 3, 9 and 10 s of CPU, once a release; zip gives 5.5 MB.
Unpacking takes 0.3 s."""

_USELESS_SUFFIXES = {".pyi", ".pyc", ".c", ".h", ".md", ".rst"}
_USELESS_NAMES = {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "py.typed"}
_USELESS_FOLDERS = {"__pycache__", "benchmarks", "docs", "kafkatest", "sboms", "test", "tests"}


def needed(path: str) -> bool:
    """Whether a pod may need this file of a wheel. Licences are always needed."""
    parts = PurePosixPath(path).parts
    if "licenses" in parts:
        return True
    name = PurePosixPath(path)
    return (
        name.suffix not in _USELESS_SUFFIXES
        and name.name not in _USELESS_NAMES
        and not _USELESS_FOLDERS.intersection(parts[:-1])
        and ".." not in parts  # a console script, installed beside the libraries
    )


def of_wheel(wheel: Path) -> dict[str, bytes]:
    """What a pod needs of a wheel. Raises OSError, zipfile.BadZipFile."""
    with zipfile.ZipFile(wheel) as archive:
        return {n: archive.read(n) for n in archive.namelist() if not n.endswith("/") and needed(n)}


def of_installed(distribution: Distribution) -> dict[str, bytes]:
    """What a pod needs of a package that is installed here. Raises OSError."""
    files = distribution.files or ()
    return {file.as_posix(): file.read_binary() for file in files if needed(file.as_posix())}


def of_package(package: Path, folders: Iterable[str]) -> dict[str, bytes]:
    """`__init__.py` and these folders of a package, data files included. Raises OSError."""
    paths = [package / "__init__.py"]
    for folder in folders:
        paths += (path for path in (package / folder).rglob("*") if path.is_file())
    names = {path.relative_to(package.parent).as_posix(): path for path in paths}
    return {name: path.read_bytes() for name, path in names.items() if needed(name)}


def pack(files: Files, *, more_follows: bool = False) -> bytes:
    """A tar archive as one xz stream.

    Args:
        more_follows: leave out the end mark, so that the streams of several archives, one after the other, are one.
    """
    buffer = io.BytesIO()
    archive = tarfile.open(fileobj=buffer, mode="w")  # noqa: SIM115 - closing writes the end mark
    for name in sorted(files, key=_alike_together):
        entry = tarfile.TarInfo(name)
        entry.size = len(files[name])
        archive.addfile(entry, io.BytesIO(files[name]))
    if not more_follows:
        archive.close()
    return lzma.compress(buffer.getvalue(), preset=PRESET)


def _alike_together(name: str) -> tuple[str, str]:
    return PurePosixPath(name).suffix, name
