"""`status` against a scripted target."""

from __future__ import annotations

import itertools
import json

import pytest

from kapture_tui.cli.settings import Status
from kapture_tui.cli.status import lines, status
from kapture_tui.model.errors import UsageError
from kapture_tui.model.event import EventKind
from kapture_tui.model.snapshot import Phase, PodRow, RunInfo, Snapshot
from tests.unit.cli.scripted import NOTHING, ScriptedTarget, event, seen


async def test_json_is_one_snapshot_that_has_the_observers_figures(capsys):
    target = ScriptedTarget([seen(), seen(delivered=50)])
    assert await status(Status("local", "demo", json=True), target) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["ledger"]["groups"]["etl"]["delivered"] == 50


async def test_without_an_observer_it_does_not_wait_for_ever(capsys):
    assert await status(Status("local", "demo", json=True), ScriptedTarget([seen()])) == 0
    snapshot = json.loads(capsys.readouterr().out)
    assert snapshot["ledger"] is None
    assert snapshot["unavailable"]


@pytest.mark.parametrize("command", [Status("local", "demo"), Status("local", "demo", watch_s=1)])
async def test_of_nothing_it_is_refused(command: Status):
    with pytest.raises(UsageError, match="no stack runs as 'demo'"):
        await status(command, ScriptedTarget([NOTHING]))


async def test_watching_prints_one_line_every_so_often_until_the_stack_is_gone(capsys):
    target = ScriptedTarget([*(seen(delivered=n, seq=n) for n in range(1, 8)), seen(Phase.GONE)])
    ticks = itertools.count()
    await status(Status("local", "demo", watch_s=3), target, lambda: float(next(ticks)))
    phases = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    figures = [s["ledger"] and s["ledger"]["groups"]["etl"]["delivered"] for s in phases]
    assert figures[:3] == [1, 4, 7]
    assert phases[-1]["run"]["phase"] == "gone"
    assert len(phases) == 4


async def test_the_table_fits_80_columns_and_shows_every_part(capsys):
    alarm = event(EventKind.ALARM, "etl-1 was killed, back after 0.8 s", "etl-1")
    await status(Status("local", "demo"), ScriptedTarget([seen(Phase.STARTING, alarm, delivered=50)]))
    text = capsys.readouterr().out
    assert [line for line in text.splitlines() if len(line) > 80] == []
    for part in (
        "demo on local",
        "delivered 9/s",
        "etl-redis",
        "2/2",
        "12:00:00  etl-1 was killed",
        "unexpect.",
    ):
        assert part in text


def test_a_figure_that_is_missing_is_a_dash_and_has_its_reason():
    snapshot = Snapshot(
        run=RunInfo("demo", phase=Phase.STARTING),
        pods=(PodRow("etl-0", "etl", "Pending", "starts again in 2 s"),),
        unavailable={"observer": "\x1b[2Jnot ready"},
    )
    text = "\n".join(lines(snapshot))
    (row,) = [line for line in text.splitlines() if line.startswith("etl ")]
    assert row.split() == ["etl", "0/1", "-", "-", "0"]
    assert "starts again in 2 s" in text
    assert "\x1b" not in text
    assert "not ready" in text


def test_where_a_person_can_open_what_runs():
    shop = {"webapp": "kubectl port-forward -n perf-test service/webapp 8080, then http://127.0.0.1:8080"}
    found = list(lines(Snapshot(run=RunInfo("perf-test", phase=Phase.STARTING, addresses=shop))))
    assert " ".join(" ".join(found[1:]).split()) == f"webapp: {shop['webapp']}"
    assert max(map(len, found)) <= 80
