"""One child through its lives, and what it uses."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import psutil
import pytest

from kapture_tui.model.errors import KaptureError
from kapture_tui.model.event import EventKind
from kapture_tui.model.spec import Component
from kapture_tui.targets.local.child import Child, ChildSpec, OnDeath, describe_exit
from kapture_tui.targets.local.ready import PortAnswers, ReadyFile
from kapture_tui.targets.local.usage import UsageMeter


def child_of(tmp_path: Path, script: str, on_death: OnDeath = OnDeath.RESTART, **more: object) -> Child:
    spec = ChildSpec(
        "one",
        Component.ETL,
        ("sh", "-c", script),
        dict(os.environ),
        on_death=on_death,
        **more,  # type: ignore[arg-type]
    )
    said: list[str] = []
    child = Child(spec, tmp_path / "one.log", lambda _kind, _subject, text: said.append(text))
    child.said = said  # type: ignore[attr-defined]
    return child


async def test_a_job_is_over_when_it_has_done_its_work(tmp_path: Path) -> None:
    job = child_of(tmp_path, "echo done", OnDeath.ONCE)
    job.start()
    await job.wait_ready()
    assert (job.row().phase, job.restarts) == ("Succeeded", 0)


async def test_a_job_that_fails_says_why(tmp_path: Path) -> None:
    job = child_of(tmp_path, "echo trying; echo no luck >&2; exit 4", OnDeath.ONCE)
    job.start()
    with pytest.raises(KaptureError, match="starting one: ended with exit code 4: no luck"):
        await job.wait_ready()
    assert job.row().phase == "Failed"


async def test_what_never_gets_ready_is_given_up(tmp_path: Path) -> None:
    child = child_of(tmp_path, "echo still busy; sleep 100", ready=ReadyFile(tmp_path / "never"), start_s=0.3)
    child.start()
    with pytest.raises(KaptureError, match="not ready after 0 s: still busy"):
        await child.wait_ready()
    await child.stop()


async def test_stopping_between_two_lives_is_prompt(tmp_path: Path) -> None:
    child = child_of(tmp_path, "exit 1", ready=ReadyFile(tmp_path / "never"))
    child.start()
    with pytest.raises(KaptureError):
        await child.wait_ready()  # has died twice by now, and waits
    async with asyncio.timeout(5):
        await child.stop()
    assert child.dead.is_set()


async def test_the_wrappers_own_death_leaves_nothing(tmp_path: Path) -> None:
    child = child_of(tmp_path, "sleep 1000 & wait", OnDeath.FATAL)
    child.start()
    await child.wait_ready()
    assert child.pid is not None
    process = psutil.Process(child.pid)
    family = [process, *process.children()]
    process.parent().kill()  # type: ignore[union-attr]
    await child.dead.wait()
    assert not (await asyncio.to_thread(psutil.wait_procs, family, 10))[1]


async def test_a_port_that_says_something_else_is_not_ready() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"-LOADING\r\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert not await PortAnswers(port, b"PING\r\n", b"+PONG").check()
        assert await PortAnswers(port).check()
    assert not await PortAnswers(port).check()


async def test_usage_covers_descendants_and_forgets_the_dead(tmp_path: Path) -> None:
    burn = f"{sys.executable} -I -S -c 'while True: pass' & wait"
    child = child_of(tmp_path, burn)
    child.start()
    await child.wait_ready()
    assert child.pid is not None
    while not psutil.Process(child.pid).children():  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    meter = UsageMeter()
    first = meter.sample({"one": child.pid})["one"]
    assert first.cpu_cores is None
    assert first.memory_bytes > psutil.Process(child.pid).memory_info().rss
    await asyncio.sleep(0.3)
    second = meter.sample({"one": child.pid})["one"]
    assert second.cpu_cores is not None
    assert second.cpu_cores > 0.05
    gone = child.pid
    await child.stop()
    assert meter.sample({"one": gone}) == {}


def test_exits_in_words() -> None:
    assert describe_exit(3) == "ended with exit code 3"
    assert describe_exit(-signal.SIGKILL) == "killed by SIGKILL"
    assert describe_exit(-250) == "killed by signal 250"
    assert EventKind.CHANGE.value == "change"
