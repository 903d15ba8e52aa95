"""What a person must look at, said once when it begins, with what to do about it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kapture_tui.model.event import Event, EventKind
from kapture_tui.model.ledger import faults
from kapture_tui.model.snapshot import PodRow, Snapshot
from kapture_tui.model.spec import Component
from kapture_tui.telemetry.assemble import RUNNING

STALE_S = 5.0
"""A report older than this is no picture of the present any more, seconds."""

_INTEGRITY = {
    "lost": (
        "{n:,} acknowledged messages are lost for {group}: look at the brokers' logs, at retention and at "
        "min.insync.replicas"
    ),
    "duplicated": (
        "{n:,} messages reached {group} twice: a producer wrote them again; look at the loaders' logs for errors and "
        "restarts"
    ),
    "unexpected": (
        "{n:,} messages reached {group} that no loader says it sent: something else writes to these topics; stop it, "
        "or use another namespace"
    ),
}


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that is wrong now.

    Attributes:
        key: the same as long as it is the same trouble; what has been said under it is not said again.
        subject, text: see `Event`.
    """

    key: str
    subject: str
    text: str


def standing(snapshot: Snapshot, previous: Snapshot) -> Iterator[Alarm]:
    """Everything that is wrong in a Snapshot, compared with the one before."""
    if snapshot.run.phase not in RUNNING:
        return
    yield from _integrity(snapshot)
    yield from _report(snapshot, previous)
    yield from _brokers(snapshot, previous)


def new_alarms(
    snapshot: Snapshot, previous: Snapshot, said: frozenset[str]
) -> tuple[tuple[Event, ...], frozenset[str]]:
    """What to say now, and the keys of what has been said.

    A verdict on the ledger is said once a run; everything else again when it has been well in between.
    """
    now = tuple(standing(snapshot, previous))
    events = tuple(
        Event(snapshot.time, EventKind.ALARM, alarm.subject, alarm.text)
        for alarm in now
        if alarm.key not in said
    )
    run = f"{snapshot.run.run_id}/"
    kept = {key for key in said if key.startswith(run)}
    return events, frozenset(kept | {alarm.key for alarm in now})


def _integrity(snapshot: Snapshot) -> Iterator[Alarm]:
    for group, fault, number in faults(snapshot.ledger) if snapshot.ledger else ():
        key = f"{snapshot.run.run_id}/{fault}/{group}"
        yield Alarm(key, group, _INTEGRITY[fault].format(n=number, group=group))


def _report(snapshot: Snapshot, previous: Snapshot) -> Iterator[Alarm]:
    age_s = snapshot.report_age_s
    if age_s is not None and age_s > STALE_S:
        text = f"no report for {age_s:.0f} s, what is shown is that old: look at the observer's log"
        yield Alarm("stale", Component.OBSERVER.value, text)
    elif age_s is None and previous.report_age_s is not None and previous.run.run_id == snapshot.run.run_id:
        reason = snapshot.unavailable.get("observer", "its report is gone")
        yield Alarm("stale", Component.OBSERVER.value, f"{reason}: look at the observer's log")


def _brokers(snapshot: Snapshot, previous: Snapshot) -> Iterator[Alarm]:
    now = _brokers_of(snapshot)
    same = previous.run.run_id == snapshot.run.run_id and previous.run.phase in RUNNING
    before = _brokers_of(previous) if same else {}
    for pod in now.values():
        if _is_down(pod, before.get(pod.name)):
            yield _broker_alarm(pod.name, pod.reason or pod.phase)
    for name in before.keys() - now.keys():
        if before[name].ready:
            yield _broker_alarm(name, "it is gone")


def _brokers_of(snapshot: Snapshot) -> dict[str, PodRow]:
    kafka = Component.KAFKA.value
    return {pod.name: pod for pod in snapshot.pods if pod.component == kafka}


def _is_down(pod: PodRow, before: PodRow | None) -> bool:
    if pod.phase in ("Failed", "Unknown") or (pod.restarts > 0 and not pod.ready):
        return True
    return pod.phase == "Succeeded" and before is not None and before.ready


def _broker_alarm(name: str, reason: str) -> Alarm:
    return Alarm(
        f"broker/{name}",
        name,
        f"the broker is down ({reason}): its partitions take and give nothing until it is back; look at its log",
    )
