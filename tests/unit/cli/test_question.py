"""What is asked, and of whom, before a cluster is changed."""

from __future__ import annotations

import asyncio
import os
import pty
import sys
from collections.abc import Iterator

import pytest

from kapture_tui.cli import question
from kapture_tui.cli.change import add, down, scale
from kapture_tui.cli.question import Declined
from kapture_tui.cli.settings import Add, Down, Scale, Status, Up
from kapture_tui.cli.stack import closed
from kapture_tui.cli.status import status
from kapture_tui.cli.up import up
from kapture_tui.model.errors import KaptureError, NotAllowed, Unreachable, UsageError
from kapture_tui.model.snapshot import Phase
from kapture_tui.model.spec import Component, StackSpec
from kapture_tui.targets.base import Connection, Finding, Observation, Place
from tests.unit.cli.scripted import NOTHING, SPEC, ScriptedTarget, seen

PLAIN = Observation(StackSpec("demo", 2), "run", Phase.STARTING)
NAMED = Connection(context="lab")


def cluster(*observations: Observation, **script: object) -> ScriptedTarget:
    return ScriptedTarget(observations or [NOTHING], name="kubernetes", **script)  # type: ignore[arg-type]


class Terminal:
    """A terminal that answers what it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.hand, line = pty.openpty()
        self.stdin = os.fdopen(line, "r")
        monkeypatch.setattr(sys, "stdin", self.stdin)
        monkeypatch.setattr(question, "_can_ask", lambda: True)

    def type(self, text: str) -> None:
        os.write(self.hand, text.encode())

    def close(self) -> None:
        self.stdin.close()
        os.close(self.hand)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Terminal]:
    opened = Terminal(monkeypatch)
    yield opened
    opened.close()


async def test_a_yes_scales_and_the_question_says_where(terminal: Terminal, capsys):
    terminal.type("y\n")
    target = cluster(seen())
    assert await scale(Scale("kubernetes", "demo", ((Component.LOADER, 3),)), target) == 0
    assert target.calls == ["scale data-loader 3"]
    asked = capsys.readouterr().err
    for part in ("lab", "https://lab:6443", "jay", "demo, which will be made", "data-loader to 3", "[y/N]"):
        assert part in asked


@pytest.mark.parametrize("answer", ["\n", "n\n", "yesterday\n", "\x04"])
async def test_anything_else_changes_nothing(terminal: Terminal, answer: str):
    terminal.type(answer)
    target = cluster(seen())
    with pytest.raises(Declined, match="nothing was changed"):
        await down(Down("kubernetes", "demo"), target)
    assert target.calls == []


async def test_a_question_that_waits_can_be_given_up(terminal: Terminal, capsys):
    task = asyncio.ensure_future(down(Down("kubernetes", "demo"), cluster(seen())))
    while "[y/N]" not in capsys.readouterr().err:  # noqa: ASYNC110 - what is printed has no event to wait for
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("words", [{"yes": True}, {"connection": NAMED}])
async def test_without_a_terminal_a_context_or_a_yes_will_do(words: dict[str, object], capsys):
    target = cluster(seen())
    assert await down(Down("kubernetes", "demo", **words), target) == 0  # type: ignore[arg-type]
    assert target.calls == ["destroy"]
    told = capsys.readouterr().err
    assert "https://lab:6443" in told
    assert "[y/N]" not in told


async def test_with_a_terminal_a_named_context_is_asked_about(terminal: Terminal):
    terminal.type("n\n")
    with pytest.raises(Declined):
        await down(Down("kubernetes", "demo", connection=NAMED), cluster(seen()))


@pytest.mark.parametrize("what", ["up", "add", "scale", "down"])
async def test_without_anybody_to_ask_nothing_is_even_looked_at(what: str):
    target = cluster(seen())
    jobs = {
        "up": lambda: up(Up("kubernetes", SPEC), target),
        "add": lambda: add(Add("kubernetes", "demo", frozenset({Component.REDIS})), target),
        "scale": lambda: scale(Scale("kubernetes", "demo", ((Component.ETL, 2),)), target),
        "down": lambda: down(Down("kubernetes", "demo"), target),
    }
    with pytest.raises(UsageError, match=r"--context NAME, or add --yes") as failure:
        await jobs[what]()
    assert failure.value.exit_code == 2
    assert (target.calls, len(target.script)) == ([], 1)


async def test_a_missing_right_ends_with_3_and_is_never_asked_about():
    finding = Finding("rights", False, "you may not create statefulsets in demo", "ask", True, forbidden=True)
    target = cluster(findings=[finding])
    with pytest.raises(NotAllowed, match="create statefulsets") as failure:
        await up(Up("kubernetes", SPEC, yes=True), target)
    assert failure.value.exit_code == 3
    assert target.calls == []


async def test_up_says_what_it_makes_and_how_it_ends(capsys):
    target = cluster(NOTHING, seen(delivered=50))
    await up(Up("kubernetes", SPEC, yes=True), target)
    told = capsys.readouterr().err
    assert "makes      6 pods: 1 kafka, 1 data-loader, 1 etl, 1 observer, 1 redis, 1 etl-redis" in told
    assert "it stays, until kapture-tui down" in told


async def test_up_on_what_runs_says_that_it_changes_it_and_leaves_it_when_that_fails(capsys):
    target = cluster(seen(delivered=50), seen(delivered=50), seen(Phase.GONE))
    with pytest.raises(KaptureError, match="somebody"):
        await up(Up("kubernetes", SPEC, run_s=1e9, yes=True), target)
    assert "changes    the stack that runs there" in capsys.readouterr().err
    assert [call for call in target.calls if call.startswith("destroy")] == []


async def test_adding_asks_too(terminal: Terminal):
    terminal.type("y\n")
    target = cluster(PLAIN)
    await add(Add("kubernetes", "demo", frozenset({Component.PROMETHEUS})), target)
    assert target.calls == ["deploy ['prometheus']"]


async def test_purge_reaches_the_target(capsys):
    target = cluster(seen())
    await down(Down("kubernetes", "demo", purge=True, yes=True), target)
    assert target.calls == ["destroy, volumes too"]


async def test_a_cluster_that_does_not_answer_is_an_error_and_not_an_empty_table():
    class Away(ScriptedTarget):
        async def place(self) -> Place:
            raise Unreachable("reaching https://lab:6443", "connection refused", "check the VPN")

    with pytest.raises(Unreachable) as failure:
        await status(Status("kubernetes", "demo"), Away([seen()], name="kubernetes"))
    assert failure.value.exit_code == 3


async def test_the_target_is_closed_whatever_happens():
    target = cluster(seen())
    with pytest.raises(UsageError):
        await closed(target, down(Down("kubernetes", "demo"), target))
    assert target.calls == ["close"]


async def test_this_machine_is_never_asked_about(capsys):
    target = ScriptedTarget([seen()])
    assert await scale(Scale("local", "demo", ((Component.LOADER, 3),)), target) == 0
    assert "context" not in capsys.readouterr().err
