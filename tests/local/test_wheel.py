"""What is in the wheel is enough: built for real, installed into an environment of its own, run from there."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest

import kapture_tui

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Installed:
    bin: Path
    elsewhere: Path

    def run(self, *command: str) -> str:
        """Standard output of a command of the environment, started in a folder that has nothing of ours."""
        line = [str(self.bin / command[0]), *command[1:]]
        return subprocess.run(
            line, cwd=self.elsewhere, check=True, stdout=subprocess.PIPE, text=True
        ).stdout.strip()

    def folder(self, which: str) -> Path:
        code = f"from kapture_tui import resources; print(resources.{which}())"
        return Path(self.run("python", "-I", "-c", code))


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    base = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(base), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    venv.create(base / "venv", with_pip=True)
    python = base / "venv/bin/python"
    (wheel,) = base.glob("*.whl")
    pip = [python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", wheel]
    subprocess.run(pip, check=True, capture_output=True)
    # The dependencies are borrowed from here. Paths in a .pth file come last, and its own .pth files are not read,
    # so that kapture_tui is the one of the wheel.
    (site,) = (base / "venv/lib").glob("python*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    (base / "elsewhere").mkdir()
    return Installed(base / "venv/bin", base / "elsewhere")


def files(folder: Path) -> dict[str, bytes]:
    """What lies below a folder, but for what Python makes of it when somebody imports it."""
    found = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


@pytest.mark.parametrize(
    ("which", "source"),
    [("themes_dir", "themes"), ("manifests_dir", "manifests"), ("results_dir", "benchmark/results")],
)
def test_data_travels_with_it(installed: Installed, which: str, source: str) -> None:
    folder = installed.folder(which)
    assert folder.is_relative_to(installed.bin.parent)
    assert files(folder) == files(ROOT / source) != {}


def test_package_is_complete_and_typed(installed: Installed) -> None:
    package = installed.folder("themes_dir").parents[1]
    ours = files(ROOT / "kapture_tui").keys()
    assert "py.typed" in ours
    assert ours - files(package).keys() == set()


def test_command_answers(installed: Installed) -> None:
    assert installed.run("kapture-tui", "--version").endswith(kapture_tui.__version__)
    assert installed.run("python", "-m", "kapture_tui", "--version").endswith(kapture_tui.__version__)
