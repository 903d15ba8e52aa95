"""The console's end of the supervisor's socket, and starting a supervisor."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import IO, Any

from kapture_tui.model.errors import KaptureError, Unreachable, UsageError
from kapture_tui.targets.local import protocol
from kapture_tui.targets.local.plan import child_environment
from kapture_tui.targets.local.protocol import Request
from kapture_tui.targets.local.state import Owner, StateDirectory

START_S = 20.0
SUPERVISOR = "kapture_tui.targets.local.supervisor"


async def start_supervisor(state: StateDirectory, module: str) -> str:
    """Start a supervisor for a state directory; returns the new run's id once it listens.

    Raises: UsageError: the directory is taken or cannot be used. Unreachable: it did not start.
    """
    run_id = secrets.token_hex(8)
    process = _spawn(module, state.namespace, run_id)
    assert process.stdout is not None
    said = asyncio.create_task(asyncio.to_thread(process.stdout.readline))
    done, _ = await asyncio.wait({said}, timeout=START_S)
    if not done:
        process.kill()
    first_line = await said
    threading.Thread(target=process.wait, name="reap the supervisor", daemon=True).start()
    with process.stdout:
        return _accept(first_line, process.stdout, run_id)


def _spawn(module: str, namespace: str, run_id: str) -> subprocess.Popen[bytes]:
    # Not with asyncio: its transport kills the process when the console's event loop ends.
    return subprocess.Popen(
        [sys.executable, "-P", "-m", module, namespace, run_id],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=_environment(run_id),
        start_new_session=True,
    )


def _environment(run_id: str) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if name.startswith("KAPTURE_")}
    return own | child_environment(run_id, "supervisor")


def _accept(first_line: bytes, more: IO[bytes], run_id: str) -> str:
    try:
        answer = json.loads(first_line)
    except ValueError:
        rest = (first_line + more.read(4000)).decode(errors="replace").strip()
        cause = rest.splitlines()[-1] if rest else f"no sign of life in {START_S:.0f} s"
        raise Unreachable("starting the supervisor", cause) from None
    if "error" in answer:
        raise protocol.error_from_wire(answer["error"])
    return run_id


async def ask(state: StateDirectory, request: Request) -> AsyncIterator[tuple[str, Any]]:
    """Send a request; yields (kind, value) of each reply, "done" as the last one.

    Raises: UsageError: there is no such stack. Unreachable: the supervisor does not answer or went meanwhile.
        Any KaptureError it answers with.
    """
    reader, writer = await _connect(state)
    try:
        writer.write(protocol.encode(request))
        await writer.drain()
        while line := await reader.readline():
            ((kind, value),) = json.loads(line).items()
            if kind == "error":
                raise protocol.error_from_wire(value)
            yield kind, value
            if kind == "done":
                return
        raise Unreachable(f"asking the supervisor of {state.namespace}", "it ended", "see what `status` says")
    except (ConnectionError, ValueError) as exc:
        raise Unreachable(f"asking the supervisor of {state.namespace}", str(exc)) from exc
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def _connect(state: StateDirectory) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    doing = f"reaching {state.namespace}"
    run = state.run()
    if run is not None:
        with suppress(OSError):
            return await asyncio.open_unix_connection(run.socket, limit=protocol.MAX_LINE_BYTES)
    raise absent(state, doing)


def absent(state: StateDirectory, doing: str) -> KaptureError:
    """Why nobody listens for this state directory."""
    owner = state.owner()
    if owner is Owner.NOBODY:
        return UsageError(doing, f"no stack called {state.namespace} runs on this machine")
    if owner is Owner.LIVE:
        return Unreachable(doing, "its supervisor does not answer", "try again in a moment")
    if owner is Owner.DEAD:
        remedy = f"kapture-tui down {state.namespace} removes what is left"
        return Unreachable(doing, "its supervisor died; its processes ended with it", remedy)
    return UsageError(doing, f"{state.path} is no state directory of yours")
