"""Rows for any number of pods, a second apart: what has not changed is not made anew."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from random import uniform
from sys import intern
from typing import Any, NamedTuple

from kapture_tui.model.snapshot import PodRow
from kapture_tui.targets.kubernetes.kinds import Manifest
from kapture_tui.targets.kubernetes.pods import pod_row
from kapture_tui.targets.kubernetes.usage import Usage

FEW = 500
"""So many pods get new rows every second: all their ages are exact."""

AGE_SHARE = 0.05
"""Of more, a row's age may be wrong by this part of it, and by what follows at least: ages are read as 31s, 4m, 3h."""

AGED = 500
"""However many there are, about so many rows a second get another age: that of each may be wrong for as long as it
takes to come to all."""

USED_SHARE = 0.1
"""Of more, so many a second are told of what they use anew: a cluster measures all of them at once, every 15 s."""

YOUNG_S, YOUNG_AGE_S, AGE_S = 120.0, 5.0, 60.0
"""Until when a pod's age is read in seconds, and by how much it may be wrong before and after."""


class _Made(NamedTuple):
    """What a row was made from, when (seconds since the epoch), until when it is right, and the row."""

    pod: Manifest | None
    usage: Usage | None
    at_s: float
    until_s: float
    row: PodRow


_NOTHING = _Made(None, None, 0.0, 0.0, PodRow("", ""))


class PodRows:
    """Remembers the rows it made. When none has changed, the answer is the same tuple."""

    def __init__(self) -> None:
        self._made: dict[str, _Made] = {}
        self._order: list[str] = []
        self._rows: tuple[PodRow, ...] = ()

    def rows(
        self, pods: Mapping[str, Manifest], usage: Mapping[str, Usage], now_s: float
    ) -> tuple[PodRow, ...]:
        """Return the rows of all pods that have not done their work, sorted by component and name.

        Args:
            pods: by name; one that changes is another object.
            usage: by pod's name.
            now_s: seconds since the epoch.
        """
        changed = self._renew(pods, usage, now_s)
        # Every pod has a row by now: where there are as many rows as pods, they are of the same names.
        if not len(pods) == len(self._made) == len(self._order):
            self._made = {name: self._made[name] for name in pods}
            self._order = sorted(pods, key=lambda name: (self._made[name].row.component, name))
            changed = True
        if changed:
            rows = [self._made[name].row for name in self._order]
            self._rows = tuple([row for row in rows if row.phase != "Succeeded"])
        return self._rows

    def _renew(self, pods: Mapping[str, Manifest], usage: Mapping[str, Usage], now_s: float) -> bool:
        """Make the rows that are not right any more; return whether there were any."""
        exact, changed = len(pods) <= FEW, False
        told = max(FEW, int(USED_SHARE * len(pods)))
        for name, pod in pods.items():
            made, used = self._made.get(name, _NOTHING), usage.get(name)
            if made.pod is not pod or exact:
                row = pod_row(pod, used, now_s)
            elif told and made.usage != used:
                told -= 1
                row = pod_row(pod, used, now_s)
            elif now_s >= made.until_s:
                used, row = made.usage, _aged(made, pod, now_s)
            else:
                continue
            self._made[name] = _Made(pod, used, now_s, now_s + _right_s(row, len(pods)), row)
            changed = True
        return changed


def _aged(made: _Made, pod: Manifest, now_s: float) -> PodRow:
    """A row of a pod that has only grown older; what a restart has to say is over after a while."""
    row, passed_s = made.row, now_s - made.at_s
    if row.age_s is None or row.restarts or row.reason:
        return pod_row(pod, made.usage, now_s)
    sample_s = None if row.sample_age_s is None else row.sample_age_s + passed_s
    return replace(row, age_s=row.age_s + passed_s, sample_age_s=sample_s)


def _right_s(row: PodRow, pods: int) -> float:
    """For how long a row is right enough, seconds: each for another time, as thousands that are made in the same second
    would all be made anew in the same second later on, which takes most of it."""
    age_s = row.age_s or 0.0
    most_s = max(YOUNG_AGE_S if age_s < YOUNG_S else AGE_S, AGE_SHARE * age_s, pods / AGED)
    return most_s * uniform(0.4, 1.0)


_METADATA = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp", "deletionTimestamp")
_LABELS = "app.kubernetes.io/"
_STATUS = ("phase", "reason", "message", "startTime")
_CONDITION = ("type", "status", "reason", "message")
_CONTAINER = ("name", "state", "lastState", "restartCount")


def needed(pod: Manifest) -> Manifest:
    """Return the part of a pod that rows and events are made from, a tenth of it: thousands are kept.

    Raises what an object of another shape raises.
    """
    metadata, status = pod["metadata"], pod.get("status") or {}
    labels = metadata.get("labels") or {}
    spec = pod["spec"]
    kept = {
        "metadata": {
            **_only(metadata, _METADATA),
            "labels": {intern(k): intern(v) for k, v in labels.items() if k.startswith(_LABELS)},
        },
        "spec": {
            **({"nodeName": intern(spec["nodeName"])} if spec.get("nodeName") else {}),
            "containers": [_limits(container) for container in spec["containers"]],
        },
        "status": {
            **_only(status, _STATUS),
            "conditions": [_only(one, _CONDITION) for one in status.get("conditions") or () if _telling(one)],
        },
    }
    for states in ("initContainerStatuses", "containerStatuses"):
        if status.get(states):
            kept["status"][states] = [_only(one, _CONTAINER) for one in status[states]]
    return kept


def _telling(condition: Mapping[str, Any]) -> bool:
    return condition.get("type") in ("Ready", "PodScheduled")


def _limits(container: Mapping[str, Any]) -> dict[str, Any]:
    limits = (container.get("resources") or {}).get("limits")
    return {"resources": {"limits": limits}} if limits else {}


def _only(whole: Mapping[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    return {key: _shared(whole[key]) for key in keys if key in whole}


def _shared(value: Any) -> Any:
    """Short words are many times the same."""
    return intern(value) if isinstance(value, str) and len(value) < 24 else value
