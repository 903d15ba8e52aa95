"""What every target promises: the same tests for child processes here and for pods of a cluster."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import aclosing
from dataclasses import replace

import pytest

from kapture_tui.model.errors import UsageError
from kapture_tui.model.event import EventKind
from kapture_tui.model.snapshot import Phase
from kapture_tui.model.spec import Component
from kapture_tui.targets import open_target
from kapture_tui.targets.base import ACTIONS
from tests.target.conftest import Stack
from tests.watching import pods

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.slow, pytest.mark.timeout(600)]


async def test_every_step_of_the_deploy_began_and_ended(stack: Stack) -> None:
    steps = [event for event in stack.deployed if event.kind is EventKind.STEP]
    begun = [event.step for event in steps if event.done is False]
    ended = [event.step for event in steps if event.done]
    assert begun
    assert set(begun) <= set(ended)
    assert all(event.seconds is None or event.seconds >= 0 for event in steps)


async def test_the_place_names_the_stack(stack: Stack) -> None:
    place = await stack.target.place()
    assert (place.namespace, place.exists) == (stack.spec.namespace, True)


async def test_whoever_deployed_may_do_the_rest(stack: Stack) -> None:
    assert set(await stack.target.denied()) <= set(ACTIONS)
    assert await stack.target.denied() == {}


async def test_the_first_observation_tells_the_whole_stack(stack: Stack) -> None:
    async with aclosing(stack.target.observe()) as observations:
        seen = await anext(observations)
    assert seen.spec is not None
    assert await stack.target.spec() == seen.spec
    assert (seen.spec.namespace, seen.spec.scale, seen.spec.load) == (
        stack.spec.namespace,
        1,
        stack.spec.load,
    )
    assert seen.run_id
    assert {Component.ETL.value, Component.LOADER.value, Component.OBSERVER.value} <= {
        row.component for row in seen.pods
    }


async def test_pods_are_measured(stack: Stack) -> None:
    seen = await stack.until(
        lambda s: all(row.cpu_cores is not None and row.memory_bytes for row in s.pods) and bool(s.pods),
        "CPU and memory of every pod",
    )
    assert all(row.ready for row in seen.pods)
    assert seen.unavailable.get("redis") == "not deployed"


async def test_scaling_is_seen_and_told(stack: Stack) -> None:
    await stack.target.scale(Component.ETL, 2)
    seen = await stack.until(
        lambda s: sum(row.ready for row in pods(s, Component.ETL.value)) == 2, "two ETLs"
    )
    assert any(event.subject == "etl" and event.kind is EventKind.ACTION for event in seen.events)
    await stack.target.scale(Component.ETL, 1)
    await stack.until(lambda s: len(pods(s, Component.ETL.value)) == 1, "one ETL")


@pytest.mark.parametrize(("component", "replicas"), [(Component.KAFKA, 2), (Component.ETL, 0)])
async def test_what_cannot_be_scaled_is_refused(stack: Stack, component: Component, replicas: int) -> None:
    with pytest.raises(UsageError):
        await stack.target.scale(component, replicas)


async def test_the_only_broker_cannot_be_done_without(stack: Stack) -> None:
    with pytest.raises(UsageError):
        await stack.target.lose_one(Component.KAFKA)
    with pytest.raises(UsageError):
        await stack.target.lose_one(Component.MONGO)


async def test_the_load_is_paused_and_goes_on(stack: Stack) -> None:
    await stack.target.control(None, paused=True)
    await stack.until(lambda s: s.run.phase is Phase.PAUSED, "paused")
    await stack.target.control(50.0, paused=False)
    seen = await stack.until(
        lambda s: s.run.phase is Phase.FLOWING and any(row.rate == 50.0 for row in s.loaders), "50 a second"
    )
    assert seen.flow is not None


async def test_a_killed_pod_comes_back_and_loses_nothing(stack: Stack) -> None:
    before = await stack.until(lambda s: all(row.ready for row in pods(s, Component.ETL.value)), "an ETL")
    (victim,) = pods(before, Component.ETL.value)
    await stack.target.kill(victim.name)
    seen = await stack.until(
        lambda s: any(
            row.ready and (row.name != victim.name or row.restarts > victim.restarts)
            for row in pods(s, Component.ETL.value)
        ),
        "another ETL",
    )
    assert any(event.subject == victim.name for event in seen.events)
    with pytest.raises(UsageError):
        await stack.target.kill("no-such-pod")


async def test_a_restart_replaces_every_pod(stack: Stack) -> None:
    before = await stack.until(
        lambda s: all(row.ready for row in pods(s, Component.OBSERVER.value)), "observer"
    )
    (old,) = pods(before, Component.OBSERVER.value)
    await stack.target.restart(Component.OBSERVER)
    await stack.until(
        lambda s: any(
            row.ready
            and (row.name != old.name or row.restarts > old.restarts or (row.age_s or 0) < (old.age_s or 0))
            for row in pods(s, Component.OBSERVER.value)
        ),
        "a new observer",
    )


async def test_logs_are_read_and_followed(stack: Stack) -> None:
    lines = [line async for line in stack.target.logs(Component.ETL.value, lines=5)]
    assert lines
    assert max(Counter(line.partition(" | ")[0] for line in lines).values()) <= 5, "five of each pod"
    with pytest.raises(UsageError):
        [line async for line in stack.target.logs("nothing-like-it")]
    reader = stack.target.logs(Component.ETL.value, lines=2, follow=True)
    assert await asyncio.wait_for(anext(aiter(reader)), 30)


async def test_a_component_is_added_to_the_running_stack(stack: Stack) -> None:
    larger = replace(stack.spec, components=frozenset({Component.REDIS}))
    async for _ in stack.target.deploy(larger):
        pass
    seen = await stack.until(
        lambda s: s.ledger is not None and "etl-redis" in s.ledger.groups and s.redis is not None,
        "Redis in the ledger",
    )
    assert "redis" in seen.run.components


async def test_what_a_running_stack_cannot_become_is_refused(stack: Stack) -> None:
    with pytest.raises(UsageError):
        async for _ in stack.target.deploy(replace(stack.spec, scale=2)):
            pass


async def test_a_drained_stack_has_lost_nothing(stack: Stack) -> None:
    await stack.target.scale(Component.LOADER, 0)
    seen = await stack.until(lambda s: s.drained, "drained")
    assert seen.ledger is not None
    assert seen.ledger.acked > 0
    etl = seen.ledger.groups["etl"]
    assert (etl.lost, etl.duplicated, etl.unexpected) == (0, 0, 0)


async def test_nothing_there_is_said_to_be_nothing(kind: str) -> None:
    target = open_target(kind, "no-stack-of-that-name")
    try:
        async with aclosing(target.observe()) as observations:
            seen = await anext(observations)
        assert (seen.spec, seen.phase) == (None, Phase.NONE)
        with pytest.raises(UsageError):
            async for _ in target.destroy():
                pass
    finally:
        await target.close()
