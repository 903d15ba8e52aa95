"""What the flight recorder costs beside a stack at full speed: bytes to the disk, and share of a core."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

from benchmark.perf.result import Effort, Result
from benchmark.perf.stack import stack, watch
from kapture_tui.model.snapshot import Phase, PodRow, Snapshot
from kapture_tui.model.times import seconds_of, timestamp
from kapture_tui.model.wire import to_json
from kapture_tui.telemetry.frames import Encoder
from kapture_tui.telemetry.hub import Hub
from kapture_tui.telemetry.pack import Packer
from kapture_tui.telemetry.recorder import SHARE, Recorder

KILOBYTES_A_MINUTE = 200.0
CORE_SHARE = 0.01
PODS = 10_000
RESTARTED = 20


def measure(effort: Effort) -> Iterator[Result]:
    """See `Result`."""
    session, kilobytes, share = asyncio.run(_measure(3 * effort.window_s))
    plain = sum(len(to_json(snapshot)) for snapshot in session) / 1000
    yield Result(
        "recording to the disk",
        kilobytes,
        "kB / min",
        KILOBYTES_A_MINUTE,
        KILOBYTES_A_MINUTE / kilobytes,
        1.0,
        f"a stack of scale 1 at full speed; {plain * 60 / len(session) / kilobytes:.0f} times less than as JSON lines",
    )
    yield Result("recorder CPU", 100 * share, "% of a core", 100 * CORE_SHARE, CORE_SHARE / share, 1.0)
    cost_s = _many_pods(session[-1])
    pace_s = max(1.0, cost_s / SHARE)
    yield Result(
        f"a frame with {PODS:,} pods",
        1000 * cost_s,
        "ms",
        note=f"{RESTARTED} changing each second; one frame in {pace_s:.1f} s, {100 * cost_s / pace_s:.1f} % of a core",
    )


async def _measure(window_s: float) -> tuple[list[Snapshot], float, float]:
    """The Snapshots of a while, kilobytes a minute, and the recorder's share of a core."""
    with tempfile.TemporaryDirectory(prefix="kapture-perf-") as folder:
        async with stack(scale=1) as target:
            await watch(target, lambda snapshot: snapshot.run.phase is Phase.FLOWING, "transactions flowing")
            spent: list[float] = []
            recorder = Recorder(Path(folder), cpu=lambda: _noted(spent))
            session: list[Snapshot] = []
            async with aclosing(Hub(target).snapshots()) as snapshots:
                async for snapshot in snapshots:
                    session.append(snapshot)
                    recorder.offer(snapshot)
                    if len(session) > window_s:
                        break
            recorder.close()
        assert recorder.path is not None
        seconds = seconds_of(session[-1].time) - seconds_of(session[0].time)
        return session, recorder.path.stat().st_size / 1000 * 60 / seconds, (spent[-1] - spent[0]) / seconds


def _noted(spent: list[float]) -> float:
    spent.append(time.thread_time())
    return spent[-1]


def _many_pods(like: Snapshot) -> float:
    """CPU seconds of a frame in which a few of very many pods have changed; the others' rows are the same ones."""
    time_s = seconds_of(like.time)
    pods = [PodRow(f"etl-{n:05}-x{n:04}", "etl", "Running", ready=True, age_s=100.0) for n in range(PODS)]
    packer, encoder, costs = Packer(), Encoder(), []
    for second in range(6):
        for n in range(RESTARTED):
            pods[(second * 977 + n * 31) % PODS] = PodRow(f"etl-{second}-y{n:04}", "etl", age_s=0.0)
        now_s = time_s + second
        snapshot = replace(like, time=timestamp(now_s), pods=tuple(pods))
        began_s = time.thread_time()
        encoder.frame(packer.pack(snapshot, now_s), now_s)
        costs.append(time.thread_time() - began_s)
    return sum(costs[1:]) / len(costs[1:])
