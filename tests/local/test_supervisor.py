"""The supervisor: what it starts is there, what dies comes back, and nothing is left whatever happens to it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import stat
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, suppress
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import redis

from kapture_tui.model.errors import KaptureError, Unreachable, UsageError
from kapture_tui.model.event import Event, EventKind
from kapture_tui.model.snapshot import Phase
from kapture_tui.model.spec import Component, LoadSpec
from kapture_tui.targets.local import namespaces
from kapture_tui.targets.local.protocol import Deploy
from kapture_tui.targets.local.state import Owner
from kapture_tui.targets.local.supervisor import Supervisor
from kapture_tui.targets.local.target import LocalTarget
from kapture_tui.targets.local.usage import processes_of_run
from kapture_tui.workload.control import ControlReader, Order
from kapture_tui.workload.kafka import ClientSettings
from tests.local.stand_ins import MODULE
from tests.local.supervised import WAIT_S, every, pods, run_id, see, spec_of, supervisor_of, wait_for_none

Make = Callable[[str], LocalTarget]


@pytest.fixture
def habits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a stand-in's habit is written down, in a file of its name."""
    folder = tmp_path / "habits"
    folder.mkdir()
    monkeypatch.setenv("KAPTURE_HABITS", str(folder))
    return folder


@pytest.fixture
async def make(own_home: Path, monkeypatch: pytest.MonkeyPatch, habits: Path) -> AsyncIterator[Make]:
    """Makes targets whose workload is stand-ins; removes their stacks afterwards."""
    monkeypatch.setenv("KAPTURE_STATE_DIR", str(own_home / "stacks"))
    made: list[LocalTarget] = []

    def new(namespace: str) -> LocalTarget:
        made.append(LocalTarget(namespace, MODULE))
        return made[-1]

    yield new
    for target in made:
        if target.state.owner() in (Owner.LIVE, Owner.DEAD):
            with suppress(KaptureError):
                await every(target.destroy())


async def test_everything_comes_and_everything_goes(make: Make) -> None:
    target = make("whole")
    began = await every(target.deploy(spec_of("whole", 2, redis=True)))
    done = [event.step for event in began if event.done]
    assert done[:1] == ["state"]
    assert max(map(done.index, ("broker", "topics", "redis"))) == 3  # what the others need comes before them
    assert set(done) == {"state", "broker", "topics", "redis", "observer", "etl", "etl-redis", "data-loader"}
    assert all(event.seconds is not None for event in began if event.done)

    state, run = target.state, run_id(target)
    assert stat.S_IMODE(state.path.stat().st_mode) == 0o700
    assert stat.S_IMODE(state.socket_path().stat().st_mode) == 0o600
    supervisor = supervisor_of(target).pid
    assert os.getsid(supervisor) == supervisor != os.getsid(0)  # a terminal that hangs up does not reach it
    seen, events = await see(target, lambda o: all(row.cpu_cores is not None for row in o.pods))
    assert pods(seen) == dict.fromkeys(
        [
            "kafka",
            "data-loader-0",
            "data-loader-1",
            "etl-0",
            "etl-1",
            "observer",
            "redis",
            "etl-redis-0",
            "etl-redis-1",
        ],
        "Running",
    )
    assert all(row.memory_bytes and row.age_s is not None and row.node is None for row in seen.pods)
    assert seen.phase is Phase.STARTING
    assert seen.spec == spec_of("whole", 2, redis=True)
    assert [event.step for event in events if event.done] == done[1:]
    ports = {
        c.laddr.port
        for p in processes_of_run(run)
        for c in p.net_connections()
        if c.status == psutil.CONN_LISTEN
    }
    assert len(ports) == 2  # broker and Redis

    ended = await every(target.destroy())
    gone = [event.step for event in ended if event.done]
    assert gone[0] == "stop-data-loader"
    assert set(gone[1:3]) == {"stop-etl", "stop-etl-redis"}
    assert gone[3:] == ["stop-observer", "stop-redis", "stop-kafka", "remove-state", "nothing-left"]
    assert ended[-1].text == "nothing left in whole"
    assert processes_of_run(run) == []
    assert not state.path.exists()
    assert not ports & {c.laddr.port for c in psutil.net_connections("tcp") if c.status == psutil.CONN_LISTEN}
    with pytest.raises(UsageError, match="no stack called whole"):
        await every(target.destroy())


async def test_services_listen_on_loopback_only(make: Make) -> None:
    target = make("loop")
    await every(target.deploy(spec_of("loop", redis=True)))
    listening = [
        connection.laddr.ip
        for process in processes_of_run(run_id(target))
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert set(listening) == {"127.0.0.1"}


async def test_nothing_outlives_a_killed_supervisor(make: Make, habits: Path) -> None:
    (habits / "etl-0").write_text("stubborn")
    target = make("orphan")
    await every(target.deploy(spec_of("orphan", redis=True)))
    run, supervisor = run_id(target), supervisor_of(target)
    names = [process.name() for process in processes_of_run(run)]
    assert names.count("sleep") == 4  # the stand-ins' own children count too
    supervisor.kill()
    assert await wait_for_none(run) == []

    assert target.state.owner() is Owner.DEAD
    seen, events = await see(target, lambda o: o.phase is Phase.FAILED)
    assert seen.pods == ()
    assert [event.kind for event in events] == [EventKind.ALARM]
    with pytest.raises(Unreachable, match="supervisor died"):
        await target.scale(Component.ETL, 2)
    assert "etl-0 is up" in [line async for line in target.logs("etl-0")]


async def test_a_stale_state_directory_is_refused_until_removed(make: Make) -> None:
    target = make("stale")
    await every(target.deploy(spec_of("stale")))
    run = run_id(target)
    supervisor_of(target).kill()
    await wait_for_none(run)
    with pytest.raises(UsageError, match="left behind") as refused:
        await every(target.deploy(spec_of("stale")))
    assert "kapture-tui down stale" in str(refused.value)
    assert "\n" not in str(refused.value)
    assert (await every(target.destroy()))[-1].text == "nothing left in stale"
    await every(target.deploy(spec_of("stale")))
    assert target.state.owner() is Owner.LIVE


async def test_an_occupied_namespace_is_refused(make: Make) -> None:
    target = make("taken")
    await every(target.deploy(spec_of("taken")))
    with pytest.raises(UsageError, match="it is running"):
        await every(target.deploy(spec_of("taken")))
    with pytest.raises(UsageError, match="more than further components"):
        await every(make("taken").deploy(replace(spec_of("taken", 2, redis=True), load=LoadSpec(seed=2))))
    with pytest.raises(UsageError, match="keep their metadata in KRaft"):
        await every(make("taken").deploy(spec_of("taken").with_component(Component.ZOOKEEPER)))
    fatal = [finding for finding in await target.preflight(spec_of("taken")) if finding.fatal]
    assert [finding.subject for finding in fatal] == ["state"]
    assert pods((await see(target, lambda o: o.phase is Phase.STARTING))[0])["etl-0"] == "Running"


async def test_two_namespaces_run_side_by_side(make: Make) -> None:
    one, two = make("one"), make("two")
    await asyncio.gather(
        every(one.deploy(spec_of("one", redis=True))), every(two.deploy(spec_of("two", redis=True)))
    )
    assert namespaces() == ["one", "two"]
    run_two = run_id(two)
    before = {process.pid for process in processes_of_run(run_two)}
    await every(one.destroy())
    assert {process.pid for process in processes_of_run(run_two)} == before
    assert namespaces() == ["two"]


async def test_a_component_is_added_to_a_running_stack(make: Make) -> None:
    target = make("grow")
    await every(target.deploy(spec_of("grow")))
    before, _ = await see(target, lambda o: o.phase is Phase.STARTING)
    assert before.spec is not None
    added = await every(target.deploy(before.spec.with_component(Component.REDIS)))
    assert [event.step for event in added if event.done] == ["redis", "etl-redis"]
    after, _ = await see(target, lambda o: "etl-redis-0" in pods(o))
    assert after.spec == spec_of("grow", redis=True)
    assert (await orders(target))[-1].groups == ("etl", "etl-redis")


async def test_the_shop_is_added_to_a_running_stack_and_says_where_it_is(make: Make) -> None:
    target = make("mall")
    await every(target.deploy(spec_of("mall", redis=True)))
    before, _ = await see(target, lambda o: o.phase is Phase.STARTING)
    assert before.spec is not None
    assert before.addresses == {}
    added = await every(target.deploy(before.spec.with_component(Component.WEBAPP)))
    assert {event.step for event in added if event.done} == {"webapp", "shoppers"}
    after, _ = await see(target, lambda o: "shoppers-0" in pods(o))
    address = after.addresses["webapp"]
    assert any(event.text == f"ready at {address}" for event in added)
    told = {p.environ()["KAPTURE_NAME"]: p.environ() for p in processes_of_run(run_id(target))}
    assert told["shoppers-0"]["KAPTURE_WEBAPP_ADDRESS"] == address
    assert address.endswith(f":{told['webapp-0']['KAPTURE_PORT']}")
    gone = [event.step for event in await every(target.destroy()) if event.done and event.step]
    assert gone.index("stop-shoppers") < gone.index("stop-webapp") < gone.index("stop-etl")


async def test_a_deploy_that_fails_says_why_and_leaves_nothing(make: Make, habits: Path) -> None:
    (habits / "etl-0").write_text("crash")
    target = make("broken")
    events: list[Event] = []

    async def deploy() -> None:
        async for event in target.deploy(spec_of("broken", redis=True)):
            events.append(event)

    with pytest.raises(KaptureError, match="starting etl-0: ended with exit code 3: etl-0 cannot go on"):
        await deploy()
    assert "stop-kafka" in [event.step for event in events]
    assert target.state.owner() is Owner.NOBODY
    assert namespaces() == []


async def test_what_dies_comes_back_under_the_same_name(make: Make) -> None:
    target = make("lazarus")
    await every(target.deploy(spec_of("lazarus", 2)))
    await target.kill("data-loader-1")
    seen, events = await see(target, lambda o: any(row.restarts == 1 and row.ready for row in o.pods))
    assert [row.name for row in seen.pods if row.restarts] == ["data-loader-1"]
    texts = [event.text for event in events if event.subject == "data-loader-1"]
    assert texts[0] == "killed on request"
    assert texts[1].startswith("killed by SIGKILL")
    assert texts[2].startswith("back, ready after")


async def test_crashing_on_and_on_waits_longer_each_time(make: Make, habits: Path) -> None:
    target = make("backoff")
    await every(target.deploy(spec_of("backoff")))
    (habits / "observer").write_text("crash")
    await target.kill("observer")
    # It is down more and more of the time; a slow machine may look only after further crashes.
    seen, events = await see(target, lambda o: any(r.restarts >= 2 and r.phase == "Pending" for r in o.pods))
    waits = [event.text.rpartition("back in ")[2] for event in events if "back in" in event.text]
    assert waits[:2] == ["0.5 s", "1 s"]
    (row,) = [row for row in seen.pods if row.name == "observer"]
    assert (row.phase, row.ready, row.cpu_cores) == ("Pending", False, None)
    assert row.reason == "ended with exit code 3: observer cannot go on"
    (habits / "observer").unlink()
    await see(target, lambda o: any(row.name == "observer" and row.ready for row in o.pods))


async def test_scaling_takes_the_highest_first_and_does_not_restart_it(make: Make) -> None:
    target = make("scale")
    await every(target.deploy(spec_of("scale", 2)))
    await target.scale(Component.LOADER, 4)
    await see(target, lambda o: pods(o).get("data-loader-3") == "Running")
    await target.scale(Component.LOADER, 1)
    seen, events = await see(target, lambda o: o.phase is Phase.STARTING)
    assert [row.name for row in seen.pods if row.component == "data-loader"] == ["data-loader-0"]
    scaled = [event.text for event in events if event.kind is EventKind.ACTION]
    assert scaled == ["scaled 2 → 4", "scaled 4 → 1"]
    log = target.state.logs / "data-loader-3.log"
    assert log.read_text().endswith("data-loader-3 says goodbye\n")
    await target.scale(Component.LOADER, 0)
    await see(target, lambda o: o.phase is Phase.DRAINING)
    await target.scale(Component.LOADER, 1)
    await see(target, lambda o: o.phase is Phase.STARTING)


async def test_what_cannot_be_done_is_refused_with_the_reason(make: Make) -> None:
    target = make("refuse")
    await every(target.deploy(spec_of("refuse")))
    with pytest.raises(UsageError, match="this stack has none"):
        await target.scale(Component.REDIS_SINK, 2)
    with pytest.raises(UsageError, match="there is no such process"):
        await target.kill("data-loader-7")
    with pytest.raises(UsageError, match="all it has is in its memory"):
        await target.restart(Component.KAFKA)
    with pytest.raises(UsageError, match="runs none of its own"):
        await target.restart(Component.REDIS)
    with pytest.raises(UsageError, match="must be more than 0"):
        await target.control(0.0, False)


async def orders(target: LocalTarget) -> list[Order]:
    """What has been told to the loaders so far, oldest first."""
    facts = json.loads((target.state.ready / "kafka.json").read_text())
    reader = ControlReader(ClientSettings(facts["bootstrap"], "test", embedded=True))
    seen: list[Order] = []
    async with asyncio.timeout(WAIT_S):
        while not seen:
            if order := await asyncio.to_thread(reader.poll):
                seen.append(order)
            await asyncio.sleep(0.02)
    reader.close()
    return seen


async def test_loaders_are_told_rate_and_pause(make: Make) -> None:
    target = make("orders")
    await every(target.deploy(spec_of("orders")))
    await target.control(50.0, True)
    assert await orders(target) == [Order(50.0, True)]
    _, events = await see(target, lambda o: o.phase is Phase.PAUSED)
    assert events[-1].text == "paused"
    await target.control(None, False)
    _, events = await see(target, lambda o: o.phase is Phase.STARTING)
    assert events[-1].text == "as fast as the brokers take them"


async def test_a_restart_replaces_each_process(make: Make) -> None:
    target = make("renew")
    await every(target.deploy(spec_of("renew", 2)))
    before = {
        p.pid
        for p in processes_of_run(run_id(target))
        if p.environ().get("KAPTURE_NAME", "").startswith("etl-")
    }
    await target.restart(Component.ETL)
    after = {
        p.pid
        for p in processes_of_run(run_id(target))
        if p.environ().get("KAPTURE_NAME", "").startswith("etl-")
    }
    assert len(before) == len(after)
    assert not before & after
    seen, _ = await see(target, lambda o: o.phase is Phase.STARTING)
    assert [row.restarts for row in seen.pods if row.component == "etl"] == [0, 0]
    assert all(row.ready for row in seen.pods if row.component == "etl")


async def test_the_embedded_brokers_death_ends_the_run(make: Make) -> None:
    target = make("doomed")
    await every(target.deploy(spec_of("doomed", redis=True)))
    await target.kill("kafka")
    seen, events = await see(target, lambda o: o.phase is Phase.FAILED and "etl-redis-0" not in pods(o))
    assert set(pods(seen)) == {"kafka", "observer", "redis"}
    alarms = [event for event in events if event.kind is EventKind.ALARM]
    assert [event.subject for event in alarms] == ["kafka"]
    assert "killed by SIGKILL" in alarms[0].text
    with pytest.raises(KaptureError) as refused:
        await target.scale(Component.LOADER, 2)
    assert refused.value.exit_code == 4
    assert (await every(target.destroy()))[-1].text == "nothing left in doomed"


async def test_a_killed_redis_loses_nothing_it_acknowledged(make: Make) -> None:
    target = make("durable")
    await every(target.deploy(spec_of("durable", redis=True)))
    process = next(
        p for p in processes_of_run(run_id(target)) if "valkey" in p.name() or "redis-server" in p.name()
    )
    port = next(c.laddr.port for c in process.net_connections("inet") if c.status == psutil.CONN_LISTEN)
    with redis.Redis(port=port) as client:
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        for number in range(2000):
            client.set("acknowledged", number)
    await target.kill("redis")
    await see(
        target, lambda o: any(row.name == "redis" and row.restarts == 1 and row.ready for row in o.pods)
    )
    with redis.Redis(port=port) as client:
        assert client.get("acknowledged") == b"1999"


async def test_a_stack_nobody_looks_at_goes_after_its_grace(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAPTURE_GRACE", "1.5")
    left, kept = make("left"), make("kept")
    await every(kept.deploy(spec_of("kept", keep=True)))
    await every(left.deploy(spec_of("left")))
    run = run_id(left)
    # Somebody who looks keeps it, however long.
    async with aclosing(left.observe()) as seen:
        count = 0
        async for observation in seen:
            count += 1
            assert observation.phase is Phase.STARTING
            if count == 4:
                break
    assert await wait_for_none(run) == []
    assert left.state.owner() is Owner.NOBODY
    assert kept.state.owner() is Owner.LIVE


async def test_sigterm_ends_the_supervisor_in_order(make: Make) -> None:
    target = make("term")
    await every(target.deploy(spec_of("term", redis=True)))
    run = run_id(target)
    async with aclosing(target.observe()) as seen:
        phases = []
        async for observation in seen:
            phases.append(observation.phase)
            if len(phases) == 1:
                os.kill(supervisor_of(target).pid, signal.SIGTERM)
            if observation.phase is Phase.GONE:
                break
    assert await wait_for_none(run) == []
    assert target.state.owner() is Owner.NOBODY


async def test_destroying_interrupts_a_deploy(make: Make, habits: Path) -> None:
    (habits / "observer").write_text("stubborn")
    target = make("hasty")

    async def deploy() -> None:
        await every(target.deploy(spec_of("hasty", 3, redis=True)))

    deploying = asyncio.create_task(deploy())
    while target.state.run() is None:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    assert (await every(make("hasty").destroy()))[-1].text == "nothing left in hasty"
    with pytest.raises(KaptureError):
        await deploying


async def test_a_deploy_that_arrives_after_a_teardown_leaves_nothing(make: Make) -> None:
    state = make("late").state
    lock = state.claim()
    supervisor = Supervisor(state, "run")
    assert await supervisor._tear_down() == []
    with pytest.raises(KaptureError, match="torn down meanwhile"):
        await supervisor._deploy(Deploy(spec_of("late", redis=True), 1))
    assert not state.path.exists()
    os.close(lock)


async def test_a_path_too_long_for_a_socket_gets_one_elsewhere(make: Make, own_home: Path) -> None:
    target = make("n" * 60)
    deep = own_home / ("d" * 60)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KAPTURE_STATE_DIR", str(deep))
        target = LocalTarget("n" * 60, MODULE)
        await every(target.deploy(spec_of("n" * 60)))
        run = target.state.run()
        assert run is not None
        assert len(run.socket) <= 100
        assert stat.S_IMODE(os.stat(run.socket).st_mode) == 0o600
        assert stat.S_IMODE(os.stat(Path(run.socket).parent).st_mode) == 0o700
        assert (await every(target.destroy()))[-1].kind is EventKind.STEP
        assert not Path(run.socket).parent.exists()
        assert not deep.exists()


async def test_logs_of_a_component_name_their_pods(make: Make) -> None:
    target = make("logs")
    await every(target.deploy(spec_of("logs", 2)))
    assert [line async for line in target.logs("etl")] == ["etl-0 | etl-0 is up", "etl-1 | etl-1 is up"]
    with pytest.raises(UsageError, match=r"one of .*etl-0"):
        await anext(target.logs("webapp"))
    async with asyncio.timeout(20), aclosing(target.logs("etl-1", lines=0, follow=True)) as following:
        first = asyncio.ensure_future(anext(following))
        await asyncio.sleep(0)
        await target.scale(Component.ETL, 1)
        assert await first == "etl-1 says goodbye"
