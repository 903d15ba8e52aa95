"""Figures as text for a table. What is not known is a dash: it is never 0."""

from __future__ import annotations

from kapture_tui.model.snapshot import PodRow, Snapshot

UNKNOWN = "-"


def whole(value: int | float | None) -> str:
    """18,204; a dash for None."""
    return UNKNOWN if value is None else f"{value:,.0f}"


def rate(value: float | None) -> str:
    """18,204/s; a dash for None."""
    return UNKNOWN if value is None else f"{value:,.0f}/s"


def milliseconds(value: float | None) -> str:
    """212 ms, 9.1 s; a dash for None."""
    if value is None:
        return UNKNOWN
    return f"{value:,.0f} ms" if value < 10_000 else f"{value / 1000:,.1f} s"


def mebibytes(value: int | None) -> str:
    """212 MiB; a dash for None."""
    return UNKNOWN if value is None else f"{value / 2**20:,.0f} MiB"


def cores(value: float | None) -> str:
    """1.92; a dash for None."""
    return UNKNOWN if value is None else f"{value:.2f}"


def clock(seconds: float | None) -> str:
    """04:12, or 1:04:12 from an hour on; a dash for None."""
    if seconds is None:
        return UNKNOWN
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes:02}:{rest:02}"


def total(values: list[float | None]) -> float | None:
    """The sum of what is known; None when nothing is."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def component_row(name: str, pods: list[PodRow]) -> list[str]:
    """A component's pods in one row: name, ready, CPU, memory, restarts."""
    memory = total([pod.memory_bytes for pod in pods])
    return [
        name,
        f"{sum(pod.ready for pod in pods)}/{len(pods)}",
        cores(total([pod.cpu_cores for pod in pods])),
        mebibytes(None if memory is None else int(memory)),
        whole(sum(pod.restarts for pod in pods)),
    ]


def lag(snapshot: Snapshot, group: str) -> int | None:
    """Records the group has still to read, all topics; None: not known."""
    view = snapshot.kafka.total.groups.get(group) if snapshot.kafka else None
    return view.lag if view else None
