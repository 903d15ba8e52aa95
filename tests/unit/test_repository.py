"""What must hold for the repository as a whole: light imports, pinned dependencies, documents that keep up."""

from __future__ import annotations

import importlib.metadata
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from kapture_tui import resources

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PINS = dict(
    line.split("==")
    for line in (ROOT / "constraints.txt").read_text().splitlines()
    if not line.startswith("#")
)


def requirements(*extras: str) -> list[Requirement]:
    project = PROJECT["project"]
    lines = project["dependencies"] + [
        line for name in extras for line in project["optional-dependencies"][name]
    ]
    return [Requirement(line) for line in lines]


def loaded_by(code: str) -> set[str]:
    """Top-level names of what a fresh interpreter has loaded after `code`, the standard library left out."""
    # Started without .pth files: those of an editable install or of a plug-in may load modules themselves.
    script = f"import sys; before = set(sys.modules); {code}; print(*(set(sys.modules) - before))"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)])}
    done = subprocess.run(
        [sys.executable, "-S", "-c", script], stdout=subprocess.PIPE, text=True, check=True, env=environment
    )
    return {name.partition(".")[0] for name in done.stdout.split()} - sys.stdlib_module_names


def test_values_load_the_standard_library_only() -> None:
    modules = sorted(path.stem for path in (ROOT / "kapture_tui/model").glob("[a-z]*.py"))
    names = ", ".join(["kapture_tui.model", *(f"kapture_tui.model.{module}" for module in modules)])
    assert loaded_by(f"import {names}") == {"kapture_tui"}


def test_command_line_starts_without_console_and_clients() -> None:
    heavy = {"textual", "rich", "confluent_kafka", "kafka", "redis", "aiohttp"}
    assert loaded_by("import kapture_tui.cli") & heavy == set()


def test_loaded_by_sees_what_is_loaded() -> None:
    assert "textual" in loaded_by("import textual.widget")


def test_import_contracts_cover_every_package() -> None:
    contracts = {contract["id"]: contract for contract in PROJECT["tool"]["importlinter"]["contracts"]}
    parts = {
        f"kapture_tui.{path.stem}"
        for path in (ROOT / "kapture_tui").iterdir()
        if (path.is_dir() or path.suffix == ".py") and not path.name.startswith("_")
    }
    assert parts - set(contracts["textual"]["source_modules"]) == {"kapture_tui.tui"}
    assert parts - set(contracts["kubernetes"]["source_modules"]) == {"kapture_tui.targets"}


@pytest.mark.parametrize("requirement", requirements("dev", "data"), ids=lambda requirement: requirement.name)
def test_tested_version_is_pinned_and_allowed(requirement: Requirement) -> None:
    pin = PINS[canonicalize_name(requirement.name)]
    assert requirement.specifier.contains(pin)


def test_tests_run_with_the_pinned_versions() -> None:
    installed = {
        canonicalize_name(found.metadata["Name"]): found.version
        for found in importlib.metadata.distributions()
    }
    other = {name: installed[name] for name, pin in PINS.items() if installed.get(name, pin) != pin}
    assert other == {}, "make venv installs what constraints.txt pins"


def test_architecture_gives_a_reason_for_every_dependency() -> None:
    section = (ROOT / "docs/architecture.md").read_text().split("\n## Dependencies\n")[1].split("\n## ")[0]
    table = re.findall(r"^\| `([^`]+)` \| .{20,} \|$", section, re.MULTILINE)
    assert sorted(table) == sorted(requirement.name for requirement in requirements())


def test_readme_starts_with_the_two_commands() -> None:
    title, _, rest = (ROOT / "README.md").read_text().partition("\n")
    assert title == "# kapture-tui"
    first_block = re.search(r"```\w*\n(.*?)```", rest, re.DOTALL)
    assert first_block is not None
    assert [line.partition("#")[0].strip() for line in first_block[1].splitlines()] == [
        "./kapture.sh",
        "make test",
    ]


@pytest.mark.parametrize("name", ["kapture.sh", ".ci/run"])
def test_scripts_can_be_started(name: str) -> None:
    assert os.access(ROOT / name, os.X_OK)


def test_data_is_found_in_the_checkout() -> None:
    assert resources.themes_dir() == ROOT / "themes"
    assert resources.manifests_dir() == ROOT / "manifests"
