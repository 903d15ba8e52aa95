"""The process that owns a stack of this machine: `python -m kapture_tui.targets.local.supervisor NAMESPACE RUN_ID`.

It listens on a unix socket (protocol.py) and lives in a session of its own, so neither a console that ends nor a
terminal that hangs up takes it along. Standard output gets one JSON line: {"socket": PATH}, or an error.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sys
import time
import traceback
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from kapture_tui.model.errors import KaptureError, UsageError
from kapture_tui.model.event import EventKind
from kapture_tui.model.snapshot import Phase
from kapture_tui.model.spec import Component
from kapture_tui.model.wire import to_wire
from kapture_tui.targets.base import Observation
from kapture_tui.targets.local import protocol
from kapture_tui.targets.local.journal import Journal, now
from kapture_tui.targets.local.logs import rotate
from kapture_tui.targets.local.plan import LocalPlan, Plan
from kapture_tui.targets.local.protocol import (
    Control,
    Deploy,
    Destroy,
    Kill,
    Observe,
    Request,
    Restart,
    Scale,
)
from kapture_tui.targets.local.ready import ReadyFile
from kapture_tui.targets.local.reports import ReportReader
from kapture_tui.targets.local.stack import Stack
from kapture_tui.targets.local.state import RunFile, StateDirectory, prepare_socket_folder
from kapture_tui.targets.local.usage import Usage, UsageMeter

TICK_S = 1.0
HOUSEKEEPING_TICKS = 10
LOW_DISK_BYTES = 64 * 1024 * 1024
GRACE_S = 300.0
LAST_WORDS_S = 2.0
"""How long the supervisor waits at its end for clients to take their last lines."""

PlanOf = Callable[[Deploy, str, StateDirectory], Plan]


def local_plan(request: Deploy, run_id: str, state: StateDirectory) -> Plan:
    """The plan of a real stack."""
    return LocalPlan(request.spec, run_id, state, request.brokers)


def grace_s() -> float:
    """KAPTURE_GRACE: how long a stack outlives its last console, seconds. Raises UsageError if it is no number."""
    text = os.environ.get("KAPTURE_GRACE", "")
    try:
        return float(text) if text else GRACE_S
    except ValueError:
        raise UsageError(f"KAPTURE_GRACE={text!r}", "not a number", "give it in seconds") from None


class Supervisor:
    """Serves one state directory that has been claimed, until the stack in it is gone."""

    def __init__(self, state: StateDirectory, run_id: str, plan_of: PlanOf = local_plan) -> None:
        self._state = state
        self._run_id = run_id
        self._plan_of = plan_of
        self._grace_s = grace_s()
        self._journal = Journal()
        self._stack: Stack | None = None
        self._meter = UsageMeter()
        self._usage: dict[str, Usage] = {}
        self._sampled_s: float | None = None
        self._reports = ReportReader()
        self._attached = 0
        self._alone_since_s = time.monotonic()
        self._tick = asyncio.Event()
        self._disk_low = False
        self._teardown: asyncio.Task[list[str]] | None = None
        self._over = asyncio.Event()
        self._talks: set[asyncio.Task[None]] = set()

    async def run(self, listening: Callable[[Path], None]) -> None:
        """Serve until torn down; `listening` is called with the socket's path once clients may come."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._tear_down)
        path = self._state.socket_path()
        prepare_socket_folder(path, self._state)
        server = await asyncio.start_unix_server(self._serve, path, limit=protocol.MAX_LINE_BYTES)
        path.chmod(0o600)
        self._state.write_run(RunFile(self._run_id, os.getpid(), now(), str(path)))
        listening(path)
        ticking = asyncio.create_task(self._keep_ticking(), name="tick")
        await self._over.wait()
        ticking.cancel()
        server.close()
        self._tick.set()
        if self._talks:
            await asyncio.wait(self._talks, timeout=LAST_WORDS_S)

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        """One connection: one request, its answer."""
        task = asyncio.current_task()
        assert task is not None
        self._talks.add(task)
        try:
            request = protocol.decode(await reader.readline())
            await self._answer(request, reader, writer)
        except KaptureError as exc:
            _send(writer, {"error": protocol.error_to_wire(exc)})
        except (ConnectionError, ValueError):
            pass  # the peer went, or is none of ours
        finally:
            self._talks.discard(task)
            with suppress(ConnectionError):
                await writer.drain()
            writer.close()

    async def _answer(self, request: Request, reader: StreamReader, writer: StreamWriter) -> None:
        match request:
            case Observe():
                await self._observe(reader, writer)
            case Deploy():
                await self._stream(self._deploy(request), reader, writer)
            case Destroy():
                await self._stream(self._tear_down(), reader, writer)
            case _:
                await self._change(request)
                _send(writer, {"done": []})

    async def _change(self, request: Request) -> None:
        stack = self._stack
        if stack is None:
            raise UsageError("changing the stack", "it has not been deployed yet")
        match request:
            case Scale():
                await stack.scale(request.component, request.replicas)
            case Restart():
                await stack.restart(request.component)
            case Kill():
                stack.kill(request.pod)
            case Control():
                await stack.control(request.rate, request.paused)

    async def _stream(
        self, work: asyncio.Task[list[str]], reader: StreamReader, writer: StreamWriter
    ) -> None:
        """Send events while the work goes on, then its result. The work does not depend on the client."""
        gone = asyncio.create_task(reader.read(1))
        self._attached += 1
        try:
            with self._journal.listen() as queue:
                while not (work.done() or gone.done()):
                    event = asyncio.create_task(queue.get())
                    await asyncio.wait({event, work, gone}, return_when=asyncio.FIRST_COMPLETED)
                    if event.done():
                        _send(writer, {"event": to_wire(event.result())})
                        await writer.drain()
                    event.cancel()
                while not queue.empty():
                    _send(writer, {"event": to_wire(queue.get_nowait())})
            if gone.done():
                return
            if work.cancelled():
                raise KaptureError("deploying", "the stack was torn down meanwhile")
            _send(writer, {"done": work.result()})
        finally:
            gone.cancel()
            self._detach()

    def _deploy(self, request: Deploy) -> asyncio.Task[list[str]]:
        if self._teardown is not None:  # a hasty one came first, and what is made now would be left behind
            raise KaptureError("deploying", "the stack was torn down meanwhile")
        if self._stack is None:
            plan = self._plan_of(request, self._run_id, self._state)
            self._stack = Stack(plan, self._state, self._run_id, self._journal)
            work = self._first_deploy(self._stack)
        else:
            work = self._add(self._stack, request)
        return asyncio.create_task(work, name="deploy")

    async def _first_deploy(self, stack: Stack) -> list[str]:
        try:
            await stack.deploy()
        except KaptureError:
            await asyncio.wait([self._tear_down()])
            raise
        return []

    async def _add(self, stack: Stack, request: Deploy) -> list[str]:
        await stack.add(request.spec)
        return []

    async def _observe(self, reader: StreamReader, writer: StreamWriter) -> None:
        gone = asyncio.create_task(reader.read(1))
        self._attached += 1
        since = 0
        try:
            if self._attached == 1:  # nobody has looked since the last one left
                await self._look()
            while not gone.done():
                tick = asyncio.create_task(self._tick.wait())
                _send(writer, {"observation": self._observation(since)})
                since = self._journal.count
                await writer.drain()
                if self._over.is_set():
                    return
                await asyncio.wait({tick, gone}, return_when=asyncio.FIRST_COMPLETED)
                tick.cancel()
        finally:
            gone.cancel()
            self._detach()

    def _detach(self) -> None:
        self._attached -= 1
        self._alone_since_s = time.monotonic()

    def _observation(self, since: int) -> dict[str, Any]:
        """An observation as a JSON value; the report is passed on as it came."""
        stack, report = self._stack, self._reports.newest
        sample_age_s = None if self._sampled_s is None else time.monotonic() - self._sampled_s
        seen = Observation(
            spec=stack.spec if stack else None,
            run_id=self._run_id,
            phase=self._phase(),
            elapsed_s=stack.elapsed_s if stack else None,
            pods=stack.rows(self._usage, sample_age_s) if stack else (),
            report_age_s=time.monotonic() - report.at_s if report else None,
            events=self._journal.since(since),
            unavailable={"observer": self._reports.problem} if self._reports.problem else {},
            addresses=stack.addresses if stack else {},
        )
        wire: dict[str, Any] = to_wire(seen)
        wire["report"] = report.value if report else None
        return wire

    def _phase(self) -> Phase:
        if self._over.is_set():
            return Phase.GONE
        return self._stack.phase if self._stack else Phase.DEPLOYING

    async def _keep_ticking(self) -> None:
        loop = asyncio.get_running_loop()
        due_s, number = loop.time(), 0
        while True:
            try:
                await self._tick_once(number)
            except Exception:
                # Whoever watches would otherwise wait for ever for the next tick.
                traceback.print_exc()
            number += 1
            due_s = max(due_s + TICK_S, loop.time())
            await asyncio.sleep(due_s - loop.time())

    async def _tick_once(self, number: int) -> None:
        if self._attached:
            await self._look()
        self._tick.set()
        self._tick = asyncio.Event()
        if number % HOUSEKEEPING_TICKS == 0:
            self._keep_house()
        self._mind_the_grace()

    async def _look(self) -> None:
        if self._stack is None:
            return
        pids = {name: child.pid for name, child in self._stack.children.items() if child.pid is not None}
        self._usage = self._meter.sample(pids)
        self._sampled_s = time.monotonic()
        for child in self._stack.of(Component.OBSERVER):
            port = child.spec.ready.facts().get("port") if isinstance(child.spec.ready, ReadyFile) else None
            if isinstance(port, int):
                await self._reports.poll(port)
            elif not child.is_ready:
                self._reports.problem = f"the observer is starting; {child.reason}".rstrip("; ")

    def _keep_house(self) -> None:
        for path in self._state.logs.glob("*.log"):
            rotate(path)
        with suppress(OSError):
            free = shutil.disk_usage(self._state.path).free
            if free < LOW_DISK_BYTES and not self._disk_low:
                text = f"the disk of {self._state.path} is almost full: {free // 2**20} MiB free"
                self._journal.tell(EventKind.ALARM, "", text)
            self._disk_low = free < LOW_DISK_BYTES

    def _mind_the_grace(self) -> None:
        if self._attached or (self._stack is not None and self._stack.spec.keep):
            return
        if time.monotonic() - self._alone_since_s > self._grace_s:
            self._tear_down()

    def _tear_down(self) -> asyncio.Task[list[str]]:
        if self._teardown is None:
            self._teardown = asyncio.create_task(self._remove_everything(), name="teardown")
        return self._teardown

    async def _remove_everything(self) -> list[str]:
        try:
            left = await self._stack.stop() if self._stack else []
            with self._journal.step("remove-state", "", "state directory removed"):
                self._state.remove()
            return left
        finally:
            self._over.set()


def _send(writer: StreamWriter, value: dict[str, Any]) -> None:
    if not writer.is_closing():
        writer.write(protocol.line(value))


def serve(namespace: str, run_id: str, plan_of: PlanOf = local_plan) -> int:
    """Be the supervisor of a namespace; returns the exit code."""
    os.umask(0o077)
    os.environ["KAPTURE_RUN_ID"] = run_id
    state = StateDirectory.of(namespace)
    try:
        lock = state.claim()
    except KaptureError as exc:
        return _refuse(exc)
    try:
        log = os.open(state.logs / "supervisor.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.dup2(log, 2)
        asyncio.run(_run(state, run_id, plan_of, log))
    except (KaptureError, OSError) as exc:
        state.remove()
        return _refuse(
            exc if isinstance(exc, KaptureError) else KaptureError("starting the supervisor", str(exc))
        )
    finally:
        os.close(lock)
    return 0


async def _run(state: StateDirectory, run_id: str, plan_of: PlanOf, log: int) -> None:
    def listening(path: Path) -> None:
        print(json.dumps({"socket": str(path)}), flush=True)
        os.dup2(log, 1)

    await Supervisor(state, run_id, plan_of).run(listening)


def _refuse(error: KaptureError) -> int:
    print(json.dumps({"error": protocol.error_to_wire(error)}), flush=True)
    return error.exit_code


if __name__ == "__main__":
    sys.exit(serve(sys.argv[1], sys.argv[2]))
