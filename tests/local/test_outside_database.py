"""A database that another package brings, by nothing but its entry point."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

import kapture_tui

ROOT = Path(kapture_tui.__file__).parents[1]


@pytest.fixture
def env(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The environment of somebody who has installed the package `kapture-paper`."""
    site = tmp_path / "site"
    metadata = site / "kapture_paper-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: kapture-paper\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[kapture_tui.sinks]\npaper = paper:PaperSink\n")
    (metadata / "RECORD").write_text("paper.py,,\nkapture_paper-1.0.dist-info/entry_points.txt,,\n")
    shutil.copy(Path(__file__).with_name("paper.py"), site / "paper.py")
    kept = {name: value for name, value in os.environ.items() if name != "KAFKA_HOME"}
    return kept | {"PYTHONPATH": os.pathsep.join((str(site), str(ROOT)))}


def kapture(env: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "kapture_tui", *words], capture_output=True, text=True, timeout=100, env=env
    )


def test_a_stack_writes_to_it_and_shows_its_figures(env: dict[str, str], tmp_path: Path) -> None:
    base = tmp_path / "paper.db"
    load = ("--rate", "200", "-c", "100", "-s", "20", "--target", "local")
    done = kapture(env, "up", "paper", "1", "--sink", f"paper=sqlite://{base}", *load, "--for", "3", "--json")
    assert done.returncode == 0, done.stderr
    snapshot = json.loads(done.stdout.splitlines()[-1])
    acked = snapshot["ledger"]["acked"]
    verdict = snapshot["ledger"]["groups"]["etl-paper"]
    assert acked > 0
    assert {name: verdict[name] for name in ("delivered", "lost", "unexpected")} == {
        "delivered": acked,
        "lost": 0,
        "unexpected": 0,
    }
    assert snapshot["databases"] == {"paper": {"rows": acked, "pages": None}}
    assert snapshot["unavailable"]["paper.pages"] == "nobody counts them"
    with closing(sqlite3.connect(base)) as database:
        ((rows, different),) = database.execute(
            "SELECT count(*), count(DISTINCT loader || part || '/' || sequence) FROM orders"
        )
    assert (rows, different) == (acked, acked)


def test_without_a_url_this_machine_has_no_server_for_it(env: dict[str, str]) -> None:
    done = kapture(env, "up", "paper", "1", "--sink", "paper", "--target", "local")
    assert (done.returncode, done.stdout) == (2, "")
    assert "no server that could be started (give --sink paper=URL)" in done.stderr


def test_one_that_nobody_brings_is_refused(env: dict[str, str]) -> None:
    done = kapture(env, "up", "paper", "1", "--sink", "scissors")
    assert done.returncode == 2
    assert "--sink scissors: no installed package adds a database of that name (one of paper)" in done.stderr


def test_it_travels_to_the_pods(env: dict[str, str]) -> None:
    """Its files are in the bundle of a stack that has it, entry point included, and in no other."""
    script = (
        "from kapture_tui.stack.bundle import own_files\n"
        "from kapture_tui.model.spec import Component\n"
        "from kapture_tui.stack import catalogue\n"
        "for components in ([], [Component('paper')]):\n"
        "    print(sorted(name for name in own_files(components) if 'paper' in name))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=env)
    without, within = done.stdout.splitlines()
    assert without == "[]", done.stderr
    assert within == "['kapture_paper-1.0.dist-info/entry_points.txt', 'paper.py']"
