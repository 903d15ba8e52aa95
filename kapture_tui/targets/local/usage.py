"""What the children use: CPU and memory, with everything they have started themselves."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import psutil

DESCENDANTS_EVERY = 5
"""Samples between two looks for descendants: that means a look at every process of the machine."""


@dataclass(frozen=True, slots=True)
class Usage:
    """One child's usage.

    Attributes:
        cpu_cores: mean since the sample before; None in the first sample.
        memory_bytes: resident set, bytes.
        disk_bytes_per_s: read from and written to a disk; None in the first sample, and where the system does not say.
    """

    cpu_cores: float | None
    memory_bytes: int
    disk_bytes_per_s: float | None = None


@dataclass(slots=True)
class _Seen:
    process: psutil.Process
    cpu_s: float
    at_s: float
    disk_bytes: int | None


class UsageMeter:
    """Samples a changing set of processes."""

    def __init__(self) -> None:
        self._seen: dict[int, _Seen] = {}
        self._descendants: dict[int, list[int]] = {}
        self._round = 0

    def sample(self, pids: Mapping[str, int]) -> dict[str, Usage]:
        """Usage by name; a process that is gone is left out. Call about once a second."""
        if self._round % DESCENDANTS_EVERY == 0 or pids.values() - self._descendants.keys():
            self._descendants = _descendants(pids.values())
        self._round += 1
        alive: dict[int, _Seen] = {}
        usage: dict[str, Usage] = {}
        for name, pid in pids.items():
            members = [self._measure(member, alive) for member in (pid, *self._descendants.get(pid, ()))]
            if members[0] is not None:
                usage[name] = _sum([member for member in members if member is not None])
        self._seen = alive
        return usage

    def _measure(self, pid: int, alive: dict[int, _Seen]) -> Usage | None:
        before = self._seen.get(pid)
        try:
            process = before.process if before else psutil.Process(pid)
            with process.oneshot():
                times, memory = process.cpu_times(), process.memory_info().rss
                disk = _disk_bytes(process)
            if before and not process.is_running():
                return None
        except psutil.Error:
            return None
        now = _Seen(process, times.user + times.system, time.monotonic(), disk)
        alive[pid] = now
        if before is None or now.at_s <= before.at_s:
            return Usage(None, memory)
        seconds = now.at_s - before.at_s
        moved = disk - before.disk_bytes if disk is not None and before.disk_bytes is not None else None
        return Usage((now.cpu_s - before.cpu_s) / seconds, memory, None if moved is None else moved / seconds)


def _sum(members: list[Usage]) -> Usage:
    cores = [member.cpu_cores for member in members if member.cpu_cores is not None]
    known = members[0].cpu_cores is not None
    disk = [member.disk_bytes_per_s for member in members if member.disk_bytes_per_s is not None]
    return Usage(
        sum(cores) if known else None,
        sum(member.memory_bytes for member in members),
        sum(disk) if members[0].disk_bytes_per_s is not None else None,
    )


def _disk_bytes(process: psutil.Process) -> int | None:
    """Read and written since it began; None: the system does not count it (macOS), or not for us."""
    try:
        io = process.io_counters()
    except (AttributeError, NotImplementedError, psutil.Error):
        return None
    return io.read_bytes + io.write_bytes


def _descendants(roots: Iterable[int]) -> dict[int, list[int]]:
    """For each root the pids of all processes below it."""
    children: dict[int, list[int]] = {}
    for process in psutil.process_iter():
        try:
            children.setdefault(process.ppid(), []).append(process.pid)
        except psutil.Error:
            continue
    found: dict[int, list[int]] = {}
    for root in roots:
        below: list[int] = []
        queue = list(children.get(root, ()))
        while queue:
            pid = queue.pop()
            below.append(pid)
            queue += children.get(pid, ())
        found[root] = below
    return found


def processes_of_run(run_id: str) -> list[psutil.Process]:
    """The processes that carry this run id in their environment, as far as it may be read; not the caller itself."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("KAPTURE_RUN_ID") == run_id and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.Error, OSError):
            continue
    own = psutil.Process().pid
    return [process for process in found if process.pid != own]
