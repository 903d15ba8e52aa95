"""Pods by component, with their sums: added up once for each list of pods, however many panels ask."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kapture_tui.model.pods import by_component
from kapture_tui.model.snapshot import PodRow

_RUNNING = ("Running", "Succeeded")


@dataclass(frozen=True, slots=True)
class Group:
    """The pods of one component.

    Attributes:
        name: of the component.
        pods: in the order they came.
        ready, restarts: their numbers.
        cpu_cores, memory_bytes: sums of what is known; None when nothing is.
        age_s: of the youngest, seconds; None when not known.
        ailing: those with something wrong.
    """

    name: str
    pods: Sequence[PodRow]
    ready: int
    restarts: int
    cpu_cores: float | None
    memory_bytes: float | None
    age_s: float | None
    ailing: Sequence[PodRow]


def group(name: str, pods: Sequence[PodRow]) -> Group:
    """Return a group of pods."""
    return Group(
        name,
        pods,
        sum([pod.ready for pod in pods]),
        sum([pod.restarts for pod in pods]),
        total([pod.cpu_cores for pod in pods]),
        total([pod.memory_bytes for pod in pods]),
        min([pod.age_s for pod in pods if pod.age_s is not None], default=None),
        [pod for pod in pods if pod.reason or pod.phase not in _RUNNING],
    )


class _Last:
    """The groups of the list that was asked for last."""

    def __init__(self) -> None:
        self.pods: Sequence[PodRow] = ()
        self.groups: tuple[Group, ...] = ()


_last = _Last()


def groups(pods: Sequence[PodRow]) -> tuple[Group, ...]:
    """Return the pods of each component, in the order the components first appear."""
    if pods is not _last.pods:
        _last.pods, _last.groups = pods, tuple(group(name, own) for name, own in by_component(pods).items())
    return _last.groups


def ailment(pod: PodRow) -> str:
    """Return what is wrong with a pod, in a few words; "" if nothing is."""
    if pod.reason:
        return pod.reason
    return "" if pod.phase in _RUNNING else pod.phase.lower()


def total(values: Iterable[float | None] | Iterable[int | None]) -> float | None:
    """Return the sum of the figures that are known; None when none is."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None
