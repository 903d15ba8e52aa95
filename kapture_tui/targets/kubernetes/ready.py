"""Waiting until everything runs, saying what keeps what from it, and giving up on what will not end by itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence

from kapture_tui.model.errors import KaptureError
from kapture_tui.model.event import Event, EventKind
from kapture_tui.model.times import timestamp
from kapture_tui.targets.kubernetes.api import Api
from kapture_tui.targets.kubernetes.kinds import EVENT, OURS, POD, Kind, Manifest, name_of
from kapture_tui.targets.kubernetes.logs import last_words
from kapture_tui.targets.kubernetes.workloads import (
    PATIENCE_S,
    Trouble,
    has_failed,
    is_ready,
    progress,
    trouble,
)

EVERY_S = 0.5

LIMIT_S = 600.0
"""After so long without anything becoming ready nobody waits any more, seconds."""

REMEDIES = {
    "ErrImagePull": "check the image's name, --registry and --pull-secret",
    "ImagePullBackOff": "check the image's name, --registry and --pull-secret",
    "InvalidImageName": "check --image and --registry",
    "CreateContainerConfigError": "see kubectl describe pod",
    "Unschedulable": "choose a smaller scale, or free or add nodes",
    "FailedCreate": "ask for a larger quota or other limits, or choose a smaller scale",
    "CrashLoop": "see its log",
}

Waited = tuple[Kind, str]
"""A workload by kind and name."""


class Waiting:
    """Waits for workloads, each a step of the deploy.

    Args:
        api: the cluster.
        workloads: in the order they depend on each other.
    """

    def __init__(
        self,
        api: Api,
        namespace: str,
        workloads: Sequence[Waited],
        wall: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._api = api
        self._namespace = namespace
        self._left = list(workloads)
        self._wall, self._clock = wall, clock
        self._began_s = self._moved_s = clock()
        self._since: dict[str, float] = {}
        self._standing: list[Trouble] = []
        self._told: set[Trouble] = set()

    async def events(self) -> AsyncIterator[Event]:
        """What happens until all are ready. Raises KaptureError for the first one that will not be."""
        for _, name in self._left:
            yield self._step(name, False, f"waiting for {name}")
        while True:
            now = await self._look()
            for event in self._take(now):
                yield event
            if not self._left:
                return
            await self._give_up(now)
            await asyncio.sleep(EVERY_S)

    async def _look(self) -> _Seen:
        kinds = list(dict.fromkeys(kind for kind, _ in self._left))
        paths = [*(kind.collection(self._namespace) for kind in kinds), POD.collection(self._namespace)]
        ours = {"labelSelector": OURS}
        *found, pods, events = await asyncio.gather(
            *(self._api.request("GET", path, query=ours) for path in paths),
            self._api.request("GET", EVENT.collection(self._namespace), query={"limit": "500"}),
        )
        workloads = {
            (kind, name_of(item)): item
            for kind, listed in zip(kinds, found, strict=True)
            for item in listed["items"] or ()
        }
        return _Seen(workloads, pods["items"] or [], events["items"] or [])

    def _take(self, now: _Seen) -> list[Event]:
        """What is ready now, and what keeps the others, said once each."""
        told = []
        for waited in tuple(self._left):
            workload = now.workloads.get(waited)
            if workload is not None and is_ready(workload):
                self._left.remove(waited)
                self._moved_s = self._clock()
                told.append(
                    self._step(waited[1], True, f"{waited[1]} is ready", self._clock() - self._began_s)
                )
        standing = now.troubles([now.workloads[w] for w in self._left if w in now.workloads], self._wall())
        for found in standing:
            if found not in self._told:  # a crashing container goes back and forth between two of them
                self._told.add(found)
                told.append(Event(timestamp(self._wall()), EventKind.CHANGE, found.subject, found.text))
        self._standing = standing
        # By whom it befalls and not by what is said: an image that cannot be pulled is told in turns of two reasons.
        hard = {found.subject for found in standing if found.kind in PATIENCE_S}
        self._since = {subject: self._since.get(subject, self._clock()) for subject in hard}
        return told

    async def _give_up(self, now: _Seen) -> None:
        for waited in self._left:
            if has_failed(now.workloads.get(waited) or {}):
                raise await self._hopeless(waited[1], Trouble(waited[1], "CrashLoop", "has failed"), now)
        for found in self._standing:
            lasts_s = self._clock() - self._since.get(found.subject, self._clock())
            if found.kind == "CrashLoop" or lasts_s >= PATIENCE_S.get(found.kind, LIMIT_S):
                raise await self._hopeless(found.subject, found, now)
        if self._clock() - self._moved_s > LIMIT_S:
            raise self._too_long(now)

    async def _hopeless(self, subject: str, found: Trouble, now: _Seen) -> KaptureError:
        words = ""
        if found.kind == "CrashLoop":
            pods = [pod for pod in now.pods if name_of(pod).startswith(subject)]
            words = await last_words(self._api, self._namespace, pods[-1]) if pods else ""
        cause = f"{found.text}; its log ends: {words}" if words else found.text
        return KaptureError(f"starting {subject}", cause, REMEDIES.get(found.kind, ""))

    def _too_long(self, now: _Seen) -> KaptureError:
        late = ", ".join(
            f"{waited[1]} ({progress(now.workloads[waited]) if waited in now.workloads else 'not there'})"
            for waited in self._left
        )
        reasons = "; ".join(f"{found.subject}: {found.text}" for found in self._standing)
        return KaptureError(
            f"waiting for {late}",
            reasons or f"nothing became ready for {LIMIT_S:.0f} s",
            "see kubectl get events",
        )

    def _step(self, name: str, done: bool, text: str, seconds: float | None = None) -> Event:
        return Event(timestamp(self._wall()), EventKind.STEP, name, text, name, done, seconds)


class _Seen:
    """One look at the namespace."""

    def __init__(
        self, workloads: dict[Waited, Manifest], pods: list[Manifest], events: list[Manifest]
    ) -> None:
        self.workloads, self.pods, self.events = workloads, pods, events

    def troubles(self, workloads: Sequence[Manifest], now_s: float) -> list[Trouble]:
        found = (trouble(workload, self.pods, self.events, now_s) for workload in workloads)
        return [one for one in found if one is not None]
