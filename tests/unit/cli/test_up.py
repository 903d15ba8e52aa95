"""`up` against a target that shows what each test wrote down."""

from __future__ import annotations

import asyncio
import errno
import io
import itertools
import json
import os
from dataclasses import replace

import pytest

from kapture_tui.cli.settings import Up
from kapture_tui.cli.up import up
from kapture_tui.model.errors import IntegrityViolated, KaptureError, UsageError
from kapture_tui.model.event import EventKind
from kapture_tui.model.snapshot import Phase
from kapture_tui.model.spec import Component
from kapture_tui.targets.base import Finding
from kapture_tui.telemetry.recording import Recording
from tests.unit.cli.scripted import NOTHING, SPEC, ScriptedTarget, event, seen

FLOWS = seen(delivered=50)
DRAINED = seen(Phase.DRAINING, delivered=100, drained=True)
MEASURED = Up("local", SPEC, run_s=3, drain_s=5, json=True)


def clock():
    """Each look at it is a second later."""
    ticks = itertools.count()
    return lambda: float(next(ticks))


async def run(command: Up, target: ScriptedTarget) -> int:
    return await up(command, target, clock())


async def test_a_measured_run_ends_with_its_snapshot_and_nothing_left(capsys):
    target = ScriptedTarget([seen(), FLOWS], [seen(Phase.DRAINING, delivered=99), DRAINED])
    assert await run(MEASURED, target) == 0
    assert target.calls == ["deploy ['redis']", "scale data-loader 0", "destroy"]
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert last["drained"] is True
    assert last["ledger"]["groups"]["etl-redis"]["delivered"] == 100
    assert last["kafka"]["total"]["groups"]["etl"]["lag"] == 0


async def test_everything_that_sends_is_stopped_before_the_drain():
    spec = replace(SPEC, components=SPEC.components | {Component.WEBAPP})
    target = ScriptedTarget([FLOWS], [DRAINED])
    assert await run(replace(MEASURED, spec=spec), target) == 0
    stopped = [call for call in target.calls if call.startswith("scale")]
    assert stopped == ["scale shoppers 0", "scale data-loader 0", "scale webapp 0"]


async def test_without_json_the_ledger_is_on_standard_output(capsys):
    target = ScriptedTarget([FLOWS], [DRAINED])
    await run(Up("local", SPEC, run_s=3), target)
    printed = capsys.readouterr()
    assert "etl-redis" in printed.out
    assert "unexpect." in printed.out
    assert "0.25 s  broker ready" in printed.err
    assert "broker starts" not in printed.err


async def test_without_a_time_it_stays_and_says_how_to_get_at_it(capsys):
    target = ScriptedTarget([seen(), FLOWS])
    assert await run(Up("local", SPEC), target) == 0
    assert target.calls == ["deploy ['redis']"]
    assert "kapture-tui attach demo" in capsys.readouterr().err


async def test_keep_leaves_a_measured_stack(capsys):
    target = ScriptedTarget([FLOWS], [DRAINED])
    assert await run(Up("local", SPEC, run_s=1, keep=True), target) == 0
    assert "destroy" not in target.calls
    assert "its loaders stopped" in capsys.readouterr().err


async def test_a_lost_message_is_exit_4_and_the_stack_is_removed_all_the_same():
    target = ScriptedTarget([FLOWS], [seen(Phase.DRAINING, delivered=99, drained=True, lost=1)])
    with pytest.raises(IntegrityViolated, match="etl: 1 lost; etl-redis: 1 lost"):
        await run(MEASURED, target)
    assert target.calls[-1] == "destroy"


async def test_what_does_not_drain_in_time_is_exit_1(capsys):
    target = ScriptedTarget([FLOWS], [seen(Phase.DRAINING, delivered=60)])
    with pytest.raises(KaptureError, match="draining for 5 s: etl is 40 records behind") as failure:
        await run(MEASURED, target)
    assert failure.value.exit_code == 1
    assert target.calls[-1] == "destroy"
    assert json.loads(capsys.readouterr().out)["drained"] is False


async def test_a_broker_that_dies_is_exit_4_with_its_words():
    died = seen(Phase.FAILED, event(EventKind.ALARM, "the embedded broker died"), delivered=50)
    target = ScriptedTarget([FLOWS, died])
    with pytest.raises(IntegrityViolated, match="the embedded broker died"):
        await run(MEASURED, target)
    assert target.calls[-1] == "destroy"


async def test_a_stack_that_never_flows_is_given_up_and_removed():
    target = ScriptedTarget([seen()])
    with pytest.raises(KaptureError, match="first transaction"):
        await run(Up("local", SPEC), target)
    assert target.calls[-1] == "destroy"


@pytest.mark.parametrize("phase", [Phase.DESTROYING, Phase.GONE])
async def test_a_stack_that_somebody_else_removes_is_exit_1(phase: Phase):
    target = ScriptedTarget([FLOWS, seen(phase)])
    with pytest.raises(KaptureError, match="somebody") as failure:
        await run(MEASURED, target)
    assert failure.value.exit_code == 1


async def test_what_preflight_forbids_is_never_deployed():
    finding = Finding("redis", False, "no server at cache:6379", "start it", fatal=True)
    target = ScriptedTarget([NOTHING], findings=[finding])
    with pytest.raises(UsageError, match=r"redis: no server at cache:6379 \(start it\)"):
        await run(MEASURED, target)
    assert target.calls == []


async def test_what_preflight_only_warns_of_is_said(capsys):
    findings = [
        Finding("memory", False, "0.2 GB free", "stop something"),
        Finding("postgres", False, "not in this release"),
    ]
    await run(Up("local", SPEC), ScriptedTarget([FLOWS], findings=findings))
    said = capsys.readouterr().err
    assert "memory: 0.2 GB free (stop something)" in said
    assert "postgres" not in said, "nobody asked for it"


async def test_something_left_behind_is_a_failure_with_its_name():
    target = ScriptedTarget([FLOWS], [DRAINED], left="left in demo: process 77")
    with pytest.raises(KaptureError, match="process 77"):
        await run(MEASURED, target)


async def test_cancelled_while_it_runs_it_removes_the_stack(capsys):
    def cancel(number: int) -> None:
        if number == 2:
            task.cancel()

    target = ScriptedTarget([FLOWS], on_observation=cancel)
    task = asyncio.ensure_future(up(Up("local", SPEC, run_s=1e9), target, clock()))
    with pytest.raises(asyncio.CancelledError):
        await task
    assert target.calls[-1] == "destroy"


async def test_outside_text_cannot_act_on_the_terminal(capsys):
    nasty = seen(Phase.STARTING, event(EventKind.CHANGE, "etl-0 said \x1b]0;owned\x07"), delivered=50)
    await run(Up("local", SPEC), ScriptedTarget([seen(Phase.STARTING), nasty]))
    printed = capsys.readouterr()
    assert "\x1b" not in printed.err + printed.out
    assert r"\x1b]0;owned\x07" in printed.err


async def test_what_changed_before_the_run_is_no_news_of_it(capsys):
    old, new = event(EventKind.CHANGE, "long ago"), event(EventKind.CHANGE, "just now")
    flowing = seen(Phase.STARTING, old, new, delivered=50)
    await run(Up("local", SPEC), ScriptedTarget([seen(Phase.STARTING, old), flowing]))
    told = capsys.readouterr().err
    assert "just now" in told
    assert "long ago" not in told


class FullDisk(io.StringIO):
    def flush(self) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


async def test_output_that_cannot_be_written_does_not_leave_the_stack_behind(monkeypatch):
    monkeypatch.setattr("sys.stdout", FullDisk())
    target = ScriptedTarget([FLOWS], [DRAINED])
    with pytest.raises(OSError, match="No space left"):
        await run(MEASURED, target)
    assert target.calls[-1] == "destroy"


async def test_a_deploy_that_is_refused_leaves_nobody_looking():
    looks: list[int] = []
    looked = asyncio.Event()

    def look(number: int) -> None:
        looks.append(number)
        looked.set()

    class Refusing(ScriptedTarget):
        async def deploy(self, spec):
            await looked.wait()
            raise UsageError("changing demo", "that is fixed")
            yield

    target = Refusing([FLOWS], name="kubernetes", on_observation=look)
    with pytest.raises(UsageError, match="that is fixed"):
        await run(Up("kubernetes", SPEC, yes=True), target)
    seen_by_then = len(looks)
    for _ in range(20):
        await asyncio.sleep(0)
    assert len(looks) == seen_by_then


async def test_a_run_is_recorded_unless_it_should_not_be(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("KAPTURE_RECORDINGS", str(tmp_path))
    for record, files in ((False, 0), (True, 1)):
        target = ScriptedTarget([seen(), FLOWS], [DRAINED])
        await run(Up("local", SPEC, run_s=3, record=record), target)
        assert len(list(tmp_path.iterdir())) == files
        assert ("recorded: kapture-tui replay" in capsys.readouterr().err) is record
    (path,) = tmp_path.iterdir()
    recording = Recording.open(path)
    assert recording.remark == ""
    assert recording.snapshot(len(recording) - 1).drained


async def test_a_run_that_cannot_be_recorded_goes_on(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("KAPTURE_RECORDINGS", str(tmp_path / "file"))
    assert await run(Up("local", SPEC, run_s=3), ScriptedTarget([FLOWS], [DRAINED])) == 0
    assert "nothing more is recorded: File exists" in capsys.readouterr().err
