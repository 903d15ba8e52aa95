"""kapture.sh on machines of all kinds.

Python, venv and pip are the real ones; the project is one so small that it needs no package index.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# What the scripts may use besides Python; a machine without Python has these.
TOOLS = [
    "sh",
    "cat",
    "cksum",
    "dirname",
    "env",
    "grep",
    "head",
    "ln",
    "mkdir",
    "mv",
    "readlink",
    "rm",
    "rmdir",
    "sleep",
    "uname",
]

PYPROJECT = """\
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[project]
name = "kapture-tui"
version = "1"
[project.optional-dependencies]
dev = []
"""

# A build backend without dependencies: the command repeats its arguments, one a line.
BACKEND = """\
import os, zipfile

FILES = {
    "kapture_app.py": "import sys\\ndef main():\\n    print('started', *sys.argv[1:], sep='\\\\n')\\n",
    "kapture_tui-1.dist-info/METADATA":
        "Metadata-Version: 2.1\\nName: kapture-tui\\nVersion: 1\\nProvides-Extra: dev\\n",
    "kapture_tui-1.dist-info/WHEEL": "Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
    "kapture_tui-1.dist-info/entry_points.txt": "[console_scripts]\\nkapture-tui = kapture_app:main\\n",
    "kapture_tui-1.dist-info/RECORD": "",
}

def build_wheel(folder, config_settings=None, metadata_directory=None):
    name = "kapture_tui-1-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(folder, name), "w") as wheel:
        for path, text in FILES.items():
            wheel.writestr(path, text)
    return name

build_editable = build_wheel
"""


Done = subprocess.CompletedProcess[str]


@dataclass(frozen=True)
class Checkout:
    root: Path
    bin: Path
    """The only folder on PATH."""

    def start(self, *args: str, script: Path | None = None, cwd: Path | None = None) -> Done:
        command = [str(script or self.root / "kapture.sh"), *args]
        return subprocess.run(
            command, cwd=cwd or self.root, env=self.environment(), capture_output=True, text=True
        )

    def environment(self) -> dict[str, str]:
        keep = {name: value for name, value in os.environ.items() if name in {"HOME", "TMPDIR", "LANG"}}
        return {**keep, "PATH": str(self.bin)}

    def program(self, name: str, script: str) -> None:
        (self.bin / name).write_text(f"#!/bin/sh\n{script}\n")
        (self.bin / name).chmod(0o755)


def make_checkout(base: Path) -> Checkout:
    """A checkout in a folder with a space in its name, on a machine without Python."""
    root = base / "a checkout"
    (root / "tools").mkdir(parents=True)
    for name in ("kapture.sh", "tools/venv.sh"):
        shutil.copy(ROOT / name, root / name)
    (root / "pyproject.toml").write_text(PYPROJECT)
    (root / "backend.py").write_text(BACKEND)
    (root / "constraints.txt").write_text("")
    (base / "bin").mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found, f"{tool} is not on PATH"
        (base / "bin" / tool).symlink_to(found)
    return Checkout(root, base / "bin")


def add_python(checkout: Checkout, name: str = "python3") -> None:
    checkout.program(name, f'exec "{sys._base_executable}" "$@"')


@pytest.fixture
def bare(tmp_path: Path) -> Checkout:
    return make_checkout(tmp_path)


@pytest.fixture(scope="module")
def first_start(tmp_path_factory: pytest.TempPathFactory) -> tuple[Checkout, Done]:
    """A checkout and its first start, where only the second Python on the list will do."""
    checkout = make_checkout(tmp_path_factory.mktemp("made"))
    checkout.program("python3.13", "exit 127")
    add_python(checkout, "python3.12")
    checkout.program("python3", "exit 127")
    return checkout, checkout.start("up", "two words", "--json")


@pytest.fixture
def ready(first_start: tuple[Checkout, Done]) -> Iterator[Checkout]:
    """A checkout that has been started; what a test breaks, the next start repairs."""
    checkout, _ = first_start
    yield checkout
    assert checkout.start().returncode == 0


def actions(done: Done) -> list[str]:
    """What kapture.sh said it does, a line each."""
    assert all(line.startswith("kapture-tui: ") for line in done.stderr.splitlines()), done.stderr
    return [line.removeprefix("kapture-tui: ") for line in done.stderr.splitlines()]


# --- machines where it cannot run -------------------------------------------------------------------------------


def refused(done: Done, checkout: Checkout) -> str:
    assert (done.returncode, done.stdout) == (3, "")
    assert not [*checkout.root.glob(".venv*")]
    return done.stderr


def test_without_python(bare: Checkout) -> None:
    said = refused(bare.start(), bare)
    assert "Python 3.11 or newer" in said
    assert "no python3 on PATH" in said


@pytest.mark.parametrize(
    ("manager", "remedy"),
    [
        ("apt-get", "sudo apt install python3 python3-venv"),
        ("dnf", "sudo dnf install"),
        ("pacman", "sudo pacman -S"),
    ],
)
def test_remedy_fits_the_system(bare: Checkout, manager: str, remedy: str) -> None:
    bare.program("uname", "echo Linux")
    bare.program(manager, "exit 1")
    assert f"Install it: {remedy}" in refused(bare.start(), bare)


def test_remedy_on_macos(bare: Checkout) -> None:
    (bare.bin / "uname").unlink()
    bare.program("uname", "echo Darwin")
    assert "Install it: brew install python" in refused(bare.start(), bare)


def test_python_is_too_old(bare: Checkout) -> None:
    bare.program("python3", '[ "$1" = --version ] && echo Python 3.9.2 && exit; exit 1')
    assert "python3 is Python 3.9.2" in refused(bare.start(), bare)


def test_python_lacks_venv(bare: Checkout, tmp_path: Path) -> None:
    # As Debian does without python3-venv: the import fails.
    (tmp_path / "ensurepip.py").write_text("raise ImportError('not installed')")
    bare.program("python3", f'PYTHONPATH="{tmp_path}" exec "{sys._base_executable}" "$@"')
    bare.program("apt-get", "exit 1")
    bare.program("uname", "echo Linux")
    said = refused(bare.start(), bare)
    assert "python3 lacks the venv module" in said
    assert f"python3-venv   (or python3.{sys.version_info.minor}-venv)" in said


# --- starts -----------------------------------------------------------------------------------------------------


def test_first_start_says_what_it_does(first_start: tuple[Checkout, Done]) -> None:
    _, done = first_start
    assert done.stdout.splitlines() == ["started", "up", "two words", "--json"]
    assert actions(done) == ["making .venv with python3.12", "installing what kapture-tui needs into .venv"]


def test_later_start_says_and_does_nothing(ready: Checkout) -> None:
    before = (ready.root / ".venv/kapture-runtime.stamp").stat().st_mtime_ns
    done = ready.start("--help")
    assert (done.stdout, done.stderr) == ("started\n--help\n", "")
    assert (ready.root / ".venv/kapture-runtime.stamp").stat().st_mtime_ns == before


def test_later_start_needs_no_python_on_path(ready: Checkout) -> None:
    (ready.bin / "python3.12").unlink()
    done = ready.start()
    add_python(ready, "python3.12")
    assert (done.stdout, done.stderr) == ("started\n", "")


def test_starts_from_elsewhere_through_links(ready: Checkout, tmp_path: Path) -> None:
    (tmp_path / "there").symlink_to(ready.root / "kapture.sh")
    (tmp_path / "deeper").mkdir()
    (tmp_path / "deeper/link").symlink_to("../there")
    done = ready.start("x", script=tmp_path / "deeper/link", cwd=tmp_path)
    assert (done.stdout, done.stderr) == ("started\nx\n", "")


def test_exit_code_is_that_of_the_program(ready: Checkout) -> None:
    (ready.root / ".venv/bin/kapture-tui").write_text("#!/bin/sh\nexit 4\n")
    assert ready.start().returncode == 4
    (ready.root / ".venv/kapture-runtime.stamp").unlink()


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt"])
def test_installs_again_when_the_project_changes(ready: Checkout, name: str) -> None:
    with (ready.root / name).open("a") as file:
        file.write("# changed\n")
    assert actions(ready.start()) == ["installing what kapture-tui needs into .venv"]


# --- repairs ----------------------------------------------------------------------------------------------------


def kill_in_mid_setup(checkout: Checkout) -> None:
    """Leave what a killed setup leaves: a lock whose process is gone, and half of .venv."""
    gone = subprocess.Popen(["true"])
    gone.wait()
    (checkout.root / ".venv.setup").symlink_to(f"pid-{gone.pid}")
    for stamp in (checkout.root / ".venv").glob("*.stamp"):
        stamp.unlink()
    (next((checkout.root / ".venv/lib").glob("python*/site-packages")) / "kapture_app.py").unlink()


def cut_python_off(checkout: Checkout) -> None:
    """As a package manager does that replaces the Python that .venv was made with."""
    (checkout.root / ".venv/bin/python").unlink()
    (checkout.root / ".venv/bin/python").symlink_to("/nowhere/python3")


def remove_pip(checkout: Checkout) -> None:
    (checkout.root / ".venv/kapture-runtime.stamp").unlink()
    shutil.rmtree(next((checkout.root / ".venv/lib").glob("python*/site-packages")) / "pip")


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (cut_python_off, "its Python does not run"),
        (remove_pip, "it has no pip"),
    ],
)
def test_repairs(ready: Checkout, damage: Callable[[Checkout], None], reason: str) -> None:
    damage(ready)
    done = ready.start()
    assert (done.returncode, done.stdout) == (0, "started\n")
    assert actions(done)[0] == f"{reason}: making again .venv with python3.12"
    assert not [*ready.root.glob(".venv.*")]


def test_interrupted_setup_is_repaired_once_when_two_start(ready: Checkout) -> None:
    kill_in_mid_setup(ready)
    command = [str(ready.root / "kapture.sh"), "x"]
    both = [
        subprocess.Popen(
            command, env=ready.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    ends = [process.communicate() for process in both]
    assert [out for out, _ in ends] == ["started\nx\n"] * 2
    repair = "its last setup was interrupted: making again .venv with python3.12"
    assert sum(err.count(repair) for _, err in ends) == 1
    assert not [*ready.root.glob(".venv.*")]


def test_moved_checkout(ready: Checkout, tmp_path: Path) -> None:
    moved = Checkout(shutil.copytree(ready.root, tmp_path / "moved", symlinks=True), ready.bin)
    done = moved.start()
    assert (done.returncode, done.stdout) == (0, "started\n")
    assert actions(done)[0].startswith("it was made for another folder")


def test_failed_install_is_tried_again(ready: Checkout) -> None:
    whole = (ready.root / "backend.py").read_text()
    (ready.root / "backend.py").write_text("raise SystemExit('the index is out of reach')")
    (ready.root / "constraints.txt").write_text("# changed for a new installation\n")
    failed = ready.start()
    assert (failed.returncode, failed.stdout) == (1, "")
    assert "the index is out of reach" in failed.stderr
    assert "installing failed" in failed.stderr
    (ready.root / "backend.py").write_text(whole)
    assert actions(ready.start()) == ["installing what kapture-tui needs into .venv"]


def test_development_tools_share_the_environment(ready: Checkout) -> None:
    done = subprocess.run(
        ["sh", ready.root / "tools/venv.sh", "dev"],
        env=ready.environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert actions(done) == ["installing the development tools and what kapture-tui needs into .venv"]
    assert ready.start().stderr == ""


@pytest.mark.skipif(shutil.which("uv") is None, reason="uv is not on PATH")
def test_uv_is_used_where_it_is(bare: Checkout) -> None:
    (bare.bin / "uv").symlink_to(str(shutil.which("uv")))
    add_python(bare)
    done = bare.start("x")
    assert (done.returncode, done.stdout) == (0, "started\nx\n")
    assert actions(done)[0] == "making .venv with uv, python3"
