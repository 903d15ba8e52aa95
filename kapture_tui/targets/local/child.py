"""One child process of the supervisor, through all its lives: started, watched, restarted with backoff, stopped."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from kapture_tui.model.errors import KaptureError
from kapture_tui.model.event import EventKind
from kapture_tui.model.snapshot import PodRow
from kapture_tui.model.spec import Component
from kapture_tui.targets.local.logs import last_line
from kapture_tui.targets.local.ready import AtOnce, Ready

WRAPPER = Path(__file__).with_name("wrapper.py")

POLL_S = 0.03
BACKOFF_S = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
"""Waits before the first restart, the second, …; the last one from then on."""

STEADY_S = 30.0
"""A process that was ready for that long begins again with the shortest wait when it dies."""

TRIES = 2
"""Lives a child may lose before it was ever ready; then its start has failed."""

ORPHAN_GRACE_S = 2.0
"""From SIGTERM to SIGKILL where the supervisor died: the whole stack goes at once, so little can be done in order."""

WRAPPER_S = 5.0
"""How much longer than its child's grace a wrapper may take before it is ended itself."""


class OnDeath(Enum):
    """What the death of a child means."""

    RESTART = "restart"
    FATAL = "fatal"
    """Nothing can go on without it, and it cannot come back."""
    ONCE = "once"
    """It has done its work, if its exit code is 0."""


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """What is to run.

    Attributes:
        name: unique in the stack; names the pod, the log file and, for a loader, its identity.
        command: program and arguments.
        env: its whole environment.
        ready: how to see that it does its work.
        on_death: see `OnDeath`.
        grace_s: from SIGTERM to SIGKILL, seconds.
        start_s: how long it may take to become ready, seconds.
    """

    name: str
    component: Component
    command: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    ready: Ready = field(default_factory=AtOnce)
    on_death: OnDeath = OnDeath.RESTART
    grace_s: float = 10.0
    start_s: float = 60.0


Tell = Callable[[EventKind, str, str], None]
"""Told (kind, subject, text) of what happens to a child."""


class Child:
    """Keeps one process running. All methods belong to the event loop's thread.

    Attributes:
        spec: may be replaced; the next life follows it.
        pid: of the process itself; None while there is none.
        restarts: how often it died and was started again.
        dead: set when it is over for good: stopped, done, or fatally dead.
        reason: why the last life ended; "" while there was none.
        exit_code: of the last life; below 0: the signal that ended it.
    """

    def __init__(self, spec: ChildSpec, log: Path, tell: Tell) -> None:
        self.spec = spec
        self.log = log
        self.pid: int | None = None
        self.restarts = 0
        self.is_ready = False
        self.ever_ready = False
        self.stopping = False
        self.exit_code: int | None = None
        self.dead = asyncio.Event()
        self._tell = tell
        self._changed = asyncio.Condition()
        self._stop_asked = asyncio.Event()
        self._wrapper: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._started_s = time.monotonic()
        self._ready_s = 0.0
        self._log_start = 0
        self._losses = 0
        self.reason = ""

    def start(self) -> None:
        """Begin to keep it running; returns at once."""
        self._keeper = asyncio.create_task(self._keep(), name=f"keep {self.spec.name}")

    async def wait_ready(self) -> None:
        """Return once it does its work (of a child that runs once: when it has done it).

        Raises: KaptureError: it died instead, or took too long; its last log line is quoted.
        """
        doing = f"starting {self.spec.name}"
        try:
            async with asyncio.timeout(self.spec.start_s), self._changed:
                await self._changed.wait_for(self._settled)
        except TimeoutError:
            said = last_line(self.log, self._log_start)
            cause = f"not ready after {self.spec.start_s:.0f} s" + (f": {said}" if said else "")
            raise KaptureError(doing, cause) from None
        done = self.exit_code == 0 if self.spec.on_death is OnDeath.ONCE else self.ever_ready
        if not done:
            raise KaptureError(doing, self.reason or "stopped")

    def _settled(self) -> bool:
        if self.ever_ready and self.spec.on_death is not OnDeath.ONCE:
            return True
        return self.dead.is_set() or self._losses >= TRIES

    async def stop(self, grace_s: float | None = None) -> None:
        """End it: SIGTERM, and SIGKILL when the grace is over (None: the spec's). Returns when it is gone."""
        self.stopping = True
        self.is_ready = False
        self._stop_asked.set()
        if self._wrapper is not None:
            self._order(self._wrapper, self.spec.grace_s if grace_s is None else grace_s)
        if self._keeper is not None:
            await asyncio.wait([self._keeper])
        self.dead.set()

    def _order(self, wrapper: asyncio.subprocess.Process, grace_s: float) -> None:
        """Have the wrapper end the process; end the wrapper if it does not obey."""
        if wrapper.stdin is not None:
            wrapper.stdin.write(f"stop {grace_s}\n".encode())
        asyncio.get_running_loop().call_later(grace_s + WRAPPER_S, self._force, wrapper)

    def _force(self, wrapper: asyncio.subprocess.Process) -> None:
        if wrapper is self._wrapper:
            with suppress(ProcessLookupError):
                wrapper.kill()  # what it held is ended when its death is noticed

    def kill(self) -> None:
        """SIGKILL the process itself, as if it had crashed. Raises KaptureError if there is none."""
        if self.pid is None:
            raise KaptureError(f"killing {self.spec.name}", "it is not running")
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    async def replace(self) -> None:
        """Stop the process in order and start it anew at once; returns when the new one is ready."""
        await self.stop()
        self.stopping, self.ever_ready, self._losses = False, False, 0
        self._stop_asked.clear()
        self.dead.clear()
        self.start()
        await self.wait_ready()

    def row(self) -> PodRow:
        """How it stands, without usage."""
        return PodRow(
            name=self.spec.name,
            component=self.spec.component.value,
            phase=self._phase(),
            reason="" if self.is_ready else self.reason,
            ready=self.is_ready,
            restarts=self.restarts,
            age_s=time.monotonic() - self._started_s if self.pid is not None else None,
        )

    def _phase(self) -> str:
        if self.dead.is_set():
            return "Succeeded" if self.exit_code == 0 else "Failed"
        if self.stopping:
            return "Terminating"
        return "Running" if self.is_ready else "Pending"

    async def _keep(self) -> None:
        while not self.stopping:
            try:
                self.exit_code = await self._live()
            except OSError as exc:
                self.exit_code = None
                self.reason = f"cannot be started: {exc.strerror}"
            if self.stopping:
                break
            self.reason = self._why() if self.exit_code is not None else self.reason
            if self.spec.on_death is not OnDeath.RESTART:
                break
            await self._wait_for_next_life()
        self.dead.set()
        await self._say_changed()

    async def _wait_for_next_life(self) -> None:
        steady = self.ever_ready and self._ready_s and time.monotonic() - self._ready_s >= STEADY_S
        self._losses = 1 if steady else self._losses + 1
        wait_s = BACKOFF_S[min(self._losses, len(BACKOFF_S)) - 1]
        self._tell(EventKind.CHANGE, self.spec.name, f"{self.reason}; back in {wait_s:g} s")
        await self._say_changed()
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self._stop_asked.wait()
        self.restarts += 1

    async def _live(self) -> int:
        """One life, from start to exit code."""
        self.spec.ready.reset()
        self._ready_s = 0.0
        with self.log.open("ab", buffering=0) as log:
            self._log_start = log.seek(0, os.SEEK_END)
            self._wrapper = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-S", str(WRAPPER), str(ORPHAN_GRACE_S), *self.spec.command),
                stdin=PIPE,
                stdout=PIPE,
                stderr=log,
                env=dict(self.spec.env),
                cwd=self.log.parent,
            )
        self._started_s = time.monotonic()
        if self.stopping:  # asked for while the wrapper was being started
            self._order(self._wrapper, self.spec.grace_s)
        look = asyncio.create_task(self._look(), name=f"look at {self.spec.name}")
        try:
            return await self._listen(self._wrapper)
        finally:
            look.cancel()
            self.is_ready = False
            self.pid = None
            self._wrapper = None

    async def _listen(self, wrapper: asyncio.subprocess.Process) -> int:
        """What the wrapper says until it ends; returns the process' exit code."""
        assert wrapper.stdout is not None
        code: int | None = None
        async for said in wrapper.stdout:
            word, _, number = said.decode().strip().partition(" ")
            if word == "pid":
                self.pid = int(number)
            elif word == "exit":
                code = int(number)
        own = await wrapper.wait()
        if code is None and self.pid is not None:
            # The wrapper itself was killed: nobody else will end what it held.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
        return own if code is None else code

    async def _look(self) -> None:
        # A file or a port has no event to wait for.
        while self.pid is None or not await self.spec.ready.check():  # noqa: ASYNC110
            await asyncio.sleep(POLL_S)
        self.is_ready, self._ready_s = True, time.monotonic()
        if self.ever_ready:
            took_s = self._ready_s - self._started_s
            self._tell(EventKind.CHANGE, self.spec.name, f"back, ready after {took_s:.1f} s")
        self.ever_ready = True
        await self._say_changed()

    async def _say_changed(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    def _why(self) -> str:
        assert self.exit_code is not None
        # A signal comes from outside: whatever was logged last has nothing to do with it.
        said = last_line(self.log, self._log_start) if self.exit_code >= 0 else ""
        return f"{describe_exit(self.exit_code)}: {said}" if said else describe_exit(self.exit_code)


def describe_exit(code: int) -> str:
    """An exit code in words; below 0 it is a signal."""
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"
