"""What a namespace shows, put together once a second from what runs beside: watches, usage, the observer's report."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

from kapture_tui.model.errors import KaptureError
from kapture_tui.model.event import Event
from kapture_tui.model.snapshot import Phase
from kapture_tui.model.spec import SENDERS, Component
from kapture_tui.targets.base import Observation
from kapture_tui.targets.kubernetes import changes
from kapture_tui.targets.kubernetes.api import Api
from kapture_tui.targets.kubernetes.kinds import (
    CONFIG_MAP,
    DEPLOYMENT,
    EVENT,
    OURS,
    POD,
    STATEFUL_SET,
    Manifest,
    replicas_of,
)
from kapture_tui.targets.kubernetes.podrows import PodRows, needed
from kapture_tui.targets.kubernetes.record import NAME as RECORD
from kapture_tui.targets.kubernetes.record import RunRecord, read_record
from kapture_tui.targets.kubernetes.reflector import Reflector
from kapture_tui.targets.kubernetes.report import ReportWatch
from kapture_tui.targets.kubernetes.usage import UsageWatch
from kapture_tui.targets.kubernetes.workloads import is_ready

SILENT_S = 3.0
"""An API server that has not answered for so long is shown as away, seconds."""

HISTORY = 100
"""How many past events the first observation brings."""


class NamespaceWatch:
    """Watches one namespace while `start`ed.

    Args:
        wall: seconds since the epoch.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        api: Api,
        namespace: str,
        wall: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wall, self._clock = wall, clock
        self._namespace = namespace
        self.report = ReportWatch(api, namespace, clock)
        self.usage = UsageWatch(api, namespace)
        self.pods = Reflector(
            api, POD.collection(namespace), label_selector=OURS, on_change=self._pod, keep=needed
        )
        self._rows = PodRows()
        self.deployments = Reflector(
            api,
            DEPLOYMENT.collection(namespace),
            label_selector=OURS,
            on_change=self._scale,
            managed_fields=True,
        )
        self.sets = Reflector(
            api,
            STATEFUL_SET.collection(namespace),
            label_selector=OURS,
            on_change=self._scale,
            managed_fields=True,
        )
        self.records = Reflector(
            api, CONFIG_MAP.collection(namespace), field_selector=f"metadata.name={RECORD}"
        )
        telling = ",".join(f"reason!={reason}" for reason in changes.ROUTINE)
        self.events = Reflector(
            api, EVENT.collection(namespace), field_selector=telling, on_change=self._event
        )
        self._tasks: list[asyncio.Task[None]] = []
        self._news: list[Event] = []
        self._history_told = False
        self._was_up = False
        self._seen: RunRecord | None = None

    @property
    def _reflectors(self) -> tuple[Reflector, ...]:
        return (self.records, self.pods, self.deployments, self.sets, self.events)

    def start(self) -> None:
        """Begin to watch."""
        jobs = [*(reflector.run() for reflector in self._reflectors), self.usage.run(), self.report.run()]
        self._tasks = [asyncio.create_task(job) for job in jobs]

    async def stop(self) -> None:
        """End watching."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError, KaptureError):
                await task
        self._tasks = []

    async def synced(self, timeout_s: float) -> None:
        """Wait until everything was listed once, or until the time is over."""
        waits = [asyncio.ensure_future(reflector.synced.wait()) for reflector in self._reflectors]
        _, late = await asyncio.wait(waits, timeout=timeout_s)
        for wait in late:
            wait.cancel()

    def observation(self) -> Observation:
        """What is known now. Raises whatever is no KaptureError and ended one of the watches."""
        for task in self._tasks:
            if task.done() and not task.cancelled():
                task.result()
        record = self._record()
        self._seen = record or self._seen
        report = self.report
        now_s = self._clock()
        return Observation(
            spec=self._seen.spec if self._seen else None,
            run_id=self._seen.run_id if self._seen else "",
            phase=self._phase(record),
            elapsed_s=self._elapsed_s(),
            pods=self._rows.rows(self.pods.objects, self.usage.latest, self._wall()),
            report=report.latest,
            report_age_s=now_s - report.read_at_s if report.latest else None,
            events=self._take_news(),
            unavailable=dict(self._unavailable(now_s)),
            age_s=self._silence_s(now_s),
            addresses=self._addresses(),
        )

    def _addresses(self) -> dict[str, str]:
        shop = Component.WEBAPP.value
        if self._seen is None or shop not in self.deployments.objects:
            return {}
        forward = f"kubectl port-forward -n {self._seen.spec.namespace} service/{shop} 8080"
        return {shop: f"{forward}, then http://127.0.0.1:8080"}

    def _elapsed_s(self) -> float | None:
        ready_at_s = self._seen.ready_at_s if self._seen and self._was_up else None
        return None if ready_at_s is None else max(0.0, self._wall() - ready_at_s)

    def _record(self) -> RunRecord | None:
        config_map = self.records.objects.get(RECORD)
        return read_record(config_map) if config_map else None

    def _phase(self, record: RunRecord | None) -> Phase:
        if record is None:
            return Phase.GONE if self._seen else Phase.NONE
        if record.destroying:
            return Phase.DESTROYING
        workloads = [*self.deployments.objects.values(), *self.sets.objects.values()]
        self._was_up |= record.deployed or (bool(workloads) and all(map(is_ready, workloads)))
        if not self._was_up:
            return Phase.DEPLOYING
        senders = [d for sender in SENDERS if (d := self.deployments.objects.get(sender.value))]
        stopped = bool(senders) and not any(map(replicas_of, senders))
        return Phase.DRAINING if stopped else Phase.STARTING

    def _silence_s(self, now_s: float) -> float:
        silent_s = now_s - self.report.heard_at_s
        return silent_s if silent_s > SILENT_S else 0.0

    def _unavailable(self, now_s: float) -> Iterator[tuple[str, str]]:
        if self._silence_s(now_s):
            yield "target", self.report.problem
        if self.report.problem:
            yield "observer", self.report.problem
        if self.usage.problem:
            yield "usage", self.usage.problem
        if self.pods.problem:
            yield "pods", self.pods.problem

    def _take_news(self) -> tuple[Event, ...]:
        news, self._news = self._news, []
        if not self._history_told and self.events.synced.is_set():
            self._history_told = True
            past = (
                changes.told(event, changes.TELLING | changes.HISTORY)
                for event in self.events.objects.values()
            )
            news = sorted(filter(None, past), key=lambda event: event.time)[-HISTORY:] + news
        return tuple(news)

    def _pod(self, _kind: str, old: Manifest | None, new: Manifest | None) -> None:
        if self.pods.synced.is_set():
            self._news += changes.pod_changed(old, new, self._wall())

    def _scale(self, _kind: str, old: Manifest | None, new: Manifest | None) -> None:
        if old is not None and new is not None:
            self._news += changes.scaled(old, new, self._wall())

    def _event(self, _kind: str, _old: Manifest | None, new: Manifest | None) -> None:
        if new is not None and self._history_told:
            told = changes.told(new, changes.TELLING)
            self._news += [told] if told else []
