"""`bench` and `results` as they are typed."""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmark.verdict.clusters import Model
from kapture_tui.bench.catalogue import entries
from kapture_tui.bench.result import Status
from kapture_tui.cli import main, settings
from kapture_tui.cli.parse import parse
from kapture_tui.model.errors import UsageError
from kapture_tui.model.spec import Component

NOISY = "benchmark.verdict.clusters:noisy"
SLOWER = "benchmark.verdict.clusters:slower"
ROOT = Path(__file__).parents[3]


def command(line: str) -> settings.Command:
    return parse(line.split(), {}).command


def simulated(folder: Path, factory: str = NOISY, more: str = "") -> int:
    line = f"bench sim 1 --simulate {factory} --repeats 3 --budget 20 --results {folder} {more}"
    return main(line.split())


def test_every_option_of_bench_arrives() -> None:
    line = "bench perf 3 -r --budget 30 --p99 0.25 --repeats 4 --scales 1,2,3 --auto-loaders --rule kapture"
    found = command(f"{line} --price-per-hour 1.5 --with-names --resume --results /r --json --seed 7 --yes")
    assert isinstance(found, settings.Bench)
    assert (found.spec.scale, found.spec.components) == (3, {Component.REDIS})
    assert (found.budget_min, found.p99_s, found.repeats, found.scales) == (30.0, 0.25, 4, (3, 1, 2))
    assert (found.rule, found.price_per_hour, found.folder) == ("kapture", 1.5, Path("/r"))
    assert found.auto_loaders
    assert found.with_names
    assert found.resume
    assert found.yes
    assert found.spec.load.seed == 7


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("bench p 1 --repeats 2", "fewer than 3"),
        ("bench p 1 --scales 2", "three scales"),
        ("bench p 1 --minus-one", "three brokers"),
        ("bench p 1 -rw", "no trial has asked for"),
        ("bench p 3 --heartbeat --rule kapture", "one deployment"),
        ("bench p 1 --simulate a:b --auto-loaders", "--auto-loaders: a simulated"),
        ("bench p 1 --budget 0", "more than 0"),
        ("bench p 1 --scales 1,x", "whole number"),
        ("bench p 1 --rule best", "best"),
        ("results", "ACTION"),
        ("results drop", "choose from list, show, compare"),
        ("results show", "wants 1 results, 0 are named"),
        ("results compare a", "wants 2 results, 1 are named"),
    ],
)
def test_what_cannot_be_meant_is_refused(line: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        command(line)


def test_a_simulated_run_is_kept_shown_and_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert simulated(tmp_path, more="--price-per-hour 3") == 0
    said = capsys.readouterr()
    capacity = re.search(r"capacity ([\d,]+)/s", said.out)
    assert capacity, said.out
    assert int(capacity[1].replace(",", "")) == pytest.approx(Model().truth, rel=0.06)
    assert "for a million transactions" in said.out
    assert "3 simulated deployments" in said.err
    (first,) = [entry.path.stem for entry in entries((tmp_path,))]
    (tmp_path / f"{first}.json").rename(tmp_path / "usual.json")
    assert simulated(tmp_path, SLOWER, "--seed 9 --json") == 0
    slower = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert slower["status"] == "complete"
    assert main(["results", "compare", "usual", slower["id"], "--results", str(tmp_path), "--plot"]) == 0
    said = capsys.readouterr()
    assert f"{slower['id']} is slower than" in said.out
    assert "not the same" not in said.out
    drawn = tmp_path / "drawn"
    line = ["results", "show", "usual", "--results", str(tmp_path), "--plot"]
    assert main([*line, "--svg", str(drawn), "--html", str(tmp_path / "page.html")]) == 0
    said = capsys.readouterr()
    assert "Latency of the trials" in said.out
    assert max(map(len, said.out.splitlines())) <= 120
    assert [path.suffix for path in drawn.iterdir()] == [".svg"]
    assert "<svg" in (tmp_path / "page.html").read_text()
    assert main(["results", "list", "--results", str(tmp_path)]) == 0
    assert "kapture-2019-gke-3xn1-highmem-4" in capsys.readouterr().out


def test_figures_of_different_rules_are_not_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert simulated(tmp_path) == 0
    (run,) = [entry.path.stem for entry in entries((tmp_path,))]
    names = [run, "kapture-2019-gke-3xn1-standard-2"]
    assert main(["results", "compare", *names, "--results", str(tmp_path)]) == 2
    assert "these figures mean different things" in capsys.readouterr().err


def test_a_factory_that_is_not_there_is_wrong_usage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert simulated(tmp_path, "no.such:thing") == 2
    assert "MODULE:FACTORY" in capsys.readouterr().err


def test_the_cluster_of_the_manual_carries_what_the_manual_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "methodology.md").read_text(), re.DOTALL)
    (tmp_path / "of_the_manual.py").write_text(next(block for block in blocks if "class Cluster" in block))
    monkeypatch.syspath_prepend(tmp_path)
    assert simulated(tmp_path / "results", "of_the_manual:exact") == 0
    (entry,) = entries((tmp_path / "results",))
    assert entry.result is not None
    assert entry.result.capacities() == pytest.approx([5000.0] * 3, rel=0.02)


async def test_ctrl_c_leaves_a_file_that_goes_on(tmp_path: Path) -> None:
    line = ["bench", "sim", "1", "--simulate", "tests.unit.cli.slow_cluster:slow", "--repeats", "3"]
    line += ["--budget", "20", "--results", str(tmp_path)]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "kapture_tui",
        *line,
        cwd=ROOT,
        stderr=subprocess.PIPE,
        env={**os.environ, "SLOW": "1"},
        # Whoever runs the tests in the background has it ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stderr is not None
    while b"held" not in await process.stderr.readline():
        pass
    process.send_signal(signal.SIGINT)
    said = (await process.stderr.read()).decode()
    assert await process.wait() == 130
    assert "--resume goes on" in said
    (entry,) = entries((tmp_path,))
    assert entry.result is not None
    assert entry.result.status is Status.INTERRUPTED
    assert entry.result.deployments[0].tried
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "kapture_tui", *line, "--resume", cwd=ROOT, stdout=subprocess.DEVNULL
    )
    assert await process.wait() == 0
    (entry,) = entries((tmp_path,))
    assert entry.result is not None
    assert entry.result.status is Status.COMPLETE
    assert [one.status for one in entry.result.deployments] == [Status.INTERRUPTED, *[Status.COMPLETE] * 3]


def started(line: list[str], *before: str, **other: object) -> subprocess.Popen[str]:
    """A run in a process of its own; `before`: a program that starts it."""
    return subprocess.Popen(
        [*before, sys.executable, "-m", "kapture_tui", *line],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        **other,  # type: ignore[call-overload]
    )


@pytest.mark.parametrize("seconds", [0.3, *random.Random(7).sample(range(1, 7), 3)])
def test_an_interrupt_at_any_second_leaves_what_can_be_gone_on_with(seconds: float, tmp_path: Path) -> None:
    line = ["bench", "sim", "1", "--simulate", "tests.unit.cli.slow_cluster:slow", "--repeats", "3"]
    line += ["--budget", "20", "--results", str(tmp_path)]
    process = started(line, env={**os.environ, "SLOW": "1"})
    time.sleep(seconds)
    process.send_signal(signal.SIGINT)
    process.communicate()
    assert process.returncode in (130, -signal.SIGINT), "the latter before the program has begun"
    kept = [entry.result for entry in entries((tmp_path,))]
    assert None not in kept, "a file cannot be read"
    process = started([*line, "--resume"] if kept else line)
    process.communicate()
    assert process.returncode == 0
    (entry,) = entries((tmp_path,))
    assert entry.result is not None
    assert entry.result.status is Status.COMPLETE
    for before in kept:
        assert before is not None
        for one in before.deployments:
            assert entry.result.deployments[one.number - 1].tried[: len(one.tried)] == one.tried


@pytest.mark.parametrize("kilobytes", [4, 16, 40])
def test_a_disk_without_room_ends_it_with_what_to_do_and_the_file_stays_whole(
    kilobytes: int, tmp_path: Path
) -> None:
    line = ["bench", "sim", "1", "--simulate", NOISY, "--repeats", "3", "--budget", "20"]
    line += ["--results", str(tmp_path)]
    # A limit on the size of files: writing fails in the middle, as on a disk that is full.
    process = started(line, "bash", "-c", f'ulimit -f {kilobytes}; exec "$@"', "bash")
    _, said = process.communicate()
    assert process.returncode == 1
    assert "keeping the result in" in said
    assert "--resume" in said
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == [], (
        "something half is left"
    )
    (entry,) = entries((tmp_path,))
    assert entry.result is not None, entry.problem
    before = entry.result
    assert before.status is not Status.COMPLETE
    assert before.deployments[-1].capacity is None
    process = started([*line, "--resume"])
    process.communicate()
    assert process.returncode == 0
    (entry,) = entries((tmp_path,))
    assert entry.result is not None
    assert entry.result.status is Status.COMPLETE
    kept = entry.result.deployments[len(before.deployments) - 1].tried
    assert kept[: len(before.deployments[-1].tried)] == before.deployments[-1].tried
