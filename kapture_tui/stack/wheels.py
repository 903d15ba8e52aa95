"""The wheels that travel to the pods: which, from where, and how we know that they are what they should be.

`wheels.sha256` names every file with its hash, for `sha256sum -c` too. A file is fetched once, by pip with whatever
index the user has set up, into the user's cache; it is used only if its hash is the one in the list.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path

from kapture_tui.model.errors import KaptureError

PYTHON = "3.13"
"""The CPython in the pods."""

MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
"""What wheels call the architectures of Kubernetes."""

GLIBC = ("2_28", "2_17")
"""The manylinux levels that wheels of these packages are built for."""

PURE = ("kafka-python", "prometheus-client", "redis")
"""What is enough where only pure Python can be had; kafka-python stands in for confluent-kafka."""

FETCH_S = 600.0
"""How long pip may take, seconds. It gives up on an index that does not answer long before."""

_LIST = Path(__file__).with_name("wheels.sha256")


class NotFetched(KaptureError):
    """No index gave the wheels: not reachable, or it does not have them."""


@dataclass(frozen=True, slots=True)
class Wheel:
    """A wheel as it must be.

    Attributes:
        file: its name.
        sha256: of its bytes, in hex.
    """

    file: str
    sha256: str

    @property
    def package(self) -> str:
        """What it is a wheel of: "confluent-kafka"."""
        return self.file.split("-")[0].replace("_", "-")

    @property
    def requirement(self) -> str:
        """How pip is asked for it: "redis==8.1.0"."""
        return f"{self.package}=={self.file.split('-')[1]}"

    def fits(self, machine: str) -> bool:
        """Whether it runs on x86_64 or aarch64."""
        return self.file.endswith(("-none-any.whl", f"_{machine}.whl"))

    def is_at(self, path: Path) -> bool:
        """Whether the file there is this wheel, to the byte."""
        try:
            return hashlib.sha256(path.read_bytes()).hexdigest() == self.sha256
        except OSError:
            return False


def wanted(architecture: str, without: Collection[str] = ()) -> tuple[Wheel, ...]:
    """The wheels for an architecture of Kubernetes, by file name, some packages left out.

    Raises: NotFetched: there are none for it.
    """
    if architecture not in MACHINES:
        raise NotFetched(
            f"looking for wheels for {architecture}", f"there are some for {', '.join(MACHINES)}"
        )
    lines = (line.split() for line in _LIST.read_text().splitlines())
    wheels = (Wheel(file, sha256) for sha256, file in lines)
    fit = (w for w in wheels if w.fits(MACHINES[architecture]) and w.package not in without)
    return tuple(sorted(fit, key=lambda wheel: wheel.file))


def fetch(architecture: str, cache: Path, without: Collection[str] = ()) -> list[Path]:
    """The `wanted` wheels, from the cache as far as they are there unharmed.

    Raises:
        NotFetched: some are not there, and no index gave them.
        KaptureError: what an index gave is not what was listed.
        OSError: the cache cannot be written.
    """
    cache.mkdir(parents=True, exist_ok=True)
    wheels = wanted(architecture, without)
    missing = [wheel for wheel in wheels if not wheel.is_at(cache / wheel.file)]
    if missing:
        with tempfile.TemporaryDirectory(dir=cache, prefix=".fetching-") as folder:
            _download(missing, architecture, Path(folder))
            for wheel in missing:
                _accept(wheel, Path(folder), cache)
    return [cache / wheel.file for wheel in wheels]


def download_command(requirements: Sequence[str], architecture: str, folder: Path) -> list[str]:
    """The arguments of pip that fetch wheels for the pods rather than for this machine."""
    platforms = [f"--platform=manylinux_{level}_{MACHINES[architecture]}" for level in GLIBC]
    python = ["--implementation=cp", f"--python-version={PYTHON}"]
    return [
        *("download", "--quiet", "--disable-pip-version-check", "--no-input", "--retries=1"),
        *("--no-deps", "--only-binary=:all:", *platforms, *python, "--dest", str(folder), *requirements),
    ]


def _download(wheels: Sequence[Wheel], architecture: str, folder: Path) -> None:
    doing = f"fetching {len(wheels)} wheels for the pods"
    line = [*_pip(), *download_command([wheel.requirement for wheel in wheels], architecture, folder)]
    try:
        done = subprocess.run(
            line, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=FETCH_S
        )
    except subprocess.TimeoutExpired:
        raise NotFetched(doing, f"pip was not done in {FETCH_S:.0f} s") from None
    if done.returncode:
        raise NotFetched(doing, _last_error(done.stderr) or f"pip ended with exit code {done.returncode}")


def _pip() -> list[str]:
    if find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    # Environments that uv makes have none, but their Python brings the one it would install; a wheel can be run.
    spec = find_spec("ensurepip")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        for wheel in Path(folder, "_bundled").glob("pip-*.whl"):
            return [sys.executable, str(wheel / "pip")]
    raise NotFetched("fetching wheels for the pods", "pip is not installed here")


def _last_error(stderr: str) -> str:
    errors = [line for line in stderr.splitlines() if line.startswith("ERROR:")]
    return errors[-1].removeprefix("ERROR:").strip() if errors else ""


def _accept(wheel: Wheel, folder: Path, cache: Path) -> None:
    """Move it into the cache. Raises KaptureError if it is not what it should be."""
    if wheel.is_at(folder / wheel.file):
        os.replace(folder / wheel.file, cache / wheel.file)
        return
    cause = "its hash is not the one this release lists"
    if not (folder / wheel.file).exists():
        there = sorted(path.name for path in folder.iterdir())
        cause = f"the index has other files instead: {', '.join(there)}"
    raise KaptureError(
        f"fetching {wheel.file}",
        cause,
        "see which index pip uses (pip config list); an --image needs no wheels",
    )


def installed_pure(also: Collection[str] = ()) -> list[Distribution]:
    """The packages that pods can use as they are installed here, some more if they are needed.

    Raises: KaptureError: one is not of pure Python.
    """
    found = []
    for name in (*PURE, *also):
        try:
            package = distribution(name)
        except PackageNotFoundError:
            raise KaptureError("packing what is installed for the pods", f"{name} is not installed") from None
        if "Root-Is-Purelib: true" not in (package.read_text("WHEEL") or ""):
            raise KaptureError("packing what is installed for the pods", f"{name} is not of pure Python here")
        found.append(package)
    return found
