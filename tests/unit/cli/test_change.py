"""`scale`, `down` and adding components, against a scripted target."""

from __future__ import annotations

import pytest

from kapture_tui.cli.change import add, down, scale
from kapture_tui.cli.settings import Add, Down, Scale
from kapture_tui.model.errors import KaptureError, UsageError
from kapture_tui.model.snapshot import Phase
from kapture_tui.model.spec import Component, StackSpec
from kapture_tui.targets.base import Observation
from tests.unit.cli.scripted import NOTHING, ScriptedTarget, seen

REDIS = frozenset({Component.REDIS})
PLAIN = Observation(StackSpec("demo", 2), "run", Phase.STARTING)


async def test_scale_sets_each_component_in_order(capsys):
    target = ScriptedTarget([seen()])
    assert await scale(Scale("local", "demo", ((Component.LOADER, 3), (Component.ETL, 1))), target) == 0
    assert target.calls == ["scale data-loader 3", "scale etl 1"]
    assert "etl 2 → 1" in capsys.readouterr().out


async def test_scale_of_nothing_is_refused():
    target = ScriptedTarget([NOTHING])
    with pytest.raises(UsageError, match="no stack runs as 'demo'"):
        await scale(Scale("local", "demo", ((Component.LOADER, 3),)), target)
    assert target.calls == []


async def test_adding_deploys_the_running_stack_with_one_component_more():
    target = ScriptedTarget([PLAIN])
    assert await add(Add("local", "demo", REDIS), target) == 0
    assert target.calls == ["deploy ['redis']"]


async def test_adding_what_is_there_does_nothing(capsys):
    target = ScriptedTarget([seen()])
    assert await add(Add("local", "demo", REDIS), target) == 0
    assert target.calls == []
    assert "already" in capsys.readouterr().out


async def test_adding_to_nothing_is_refused():
    with pytest.raises(UsageError, match="no stack runs"):
        await add(Add("local", "demo", REDIS), ScriptedTarget([NOTHING]))


async def test_down_removes():
    target = ScriptedTarget([seen()])
    assert await down(Down("local", "demo"), target) == 0
    assert target.calls == ["destroy"]


async def test_down_of_nothing_says_so_and_is_no_failure(capsys):
    assert await down(Down("local", "demo"), ScriptedTarget([NOTHING])) == 0
    assert "nothing to do" in capsys.readouterr().err


async def test_down_that_leaves_something_fails():
    with pytest.raises(KaptureError, match="port 9092"):
        await down(Down("local", "demo"), ScriptedTarget([seen()], left="left in demo: port 9092"))
