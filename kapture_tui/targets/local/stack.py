"""The stack inside the supervisor: its children, in which order they come and go, and what is done to them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Iterable
from dataclasses import replace

from kapture_tui.model.errors import IntegrityViolated, KaptureError, UsageError
from kapture_tui.model.event import EventKind
from kapture_tui.model.snapshot import Phase, PodRow
from kapture_tui.model.spec import SENDERS, Component, StackSpec, sink_of
from kapture_tui.stack.catalogue import CATALOGUE, check_quorum, check_scale
from kapture_tui.targets.local.child import Child, ChildSpec, OnDeath
from kapture_tui.targets.local.journal import Journal
from kapture_tui.targets.local.plan import Plan
from kapture_tui.targets.local.state import StateDirectory
from kapture_tui.targets.local.usage import Usage
from kapture_tui.workload.control import Order, send
from kapture_tui.workload.kafka import ClientSettings


def readers(spec: StackSpec) -> tuple[Component, ...]:
    """What reads the transactions."""
    return (Component.ETL, *map(sink_of, spec.databases))


def stop_order(spec: StackSpec) -> tuple[tuple[Component, ...], ...]:
    """Each after the one before it: senders first, so that consumers can read the rest, what they need last."""
    return (
        (Component.SHOPPERS,),
        SENDERS,
        (Component.SPOUT,),
        readers(spec),
        (Component.OBSERVER,),
        spec.databases,
        (Component.KAFKA,),
        (Component.ZOOKEEPER,),
    )


FAILED_GRACE_S = 3.0
"""Without a broker there is little left to do in order."""


class Stack:
    """All methods belong to the event loop's thread. Changes come one after the other; `stop` interrupts them.

    Attributes:
        journal: what happened.
        children: by name, in the order they were started.
        failure: why the run cannot go on; None while it can.
    """

    def __init__(self, plan: Plan, state: StateDirectory, run_id: str, journal: Journal) -> None:
        self.plan = plan
        self.run_id = run_id
        self.journal = journal
        self.children: dict[str, Child] = {}
        self.failure: KaptureError | None = None
        self._state = state
        self._order = Order(rate=plan.spec.load.rate)
        self._change = asyncio.Lock()
        self._changing: set[asyncio.Task[object]] = set()
        self._watches: set[asyncio.Task[None]] = set()
        self._deployed_s: float | None = None
        self._stopping = False

    @property
    def spec(self) -> StackSpec:
        """The stack as it is now."""
        return self.plan.spec

    @property
    def phase(self) -> Phase:
        """As far as the target knows: see `Observation`."""
        if self._stopping:
            return Phase.DESTROYING
        if self.failure is not None:
            return Phase.FAILED
        if self._deployed_s is None:
            return Phase.DEPLOYING
        if not any(True for sender in SENDERS for _ in self.of(sender)):
            return Phase.DRAINING
        return Phase.PAUSED if self._order.paused else Phase.STARTING

    @property
    def elapsed_s(self) -> float | None:
        """Since the deploy ended, seconds; None before."""
        return None if self._deployed_s is None else time.monotonic() - self._deployed_s

    @property
    def addresses(self) -> dict[str, str]:
        """What a person may open in a browser, of what runs."""
        return {name: url for name, url in self.plan.addresses().items() if any(self.of(Component(name)))}

    def of(self, component: Component) -> Iterable[Child]:
        """The children of a component, by ordinal."""
        return [child for child in self.children.values() if child.spec.component is component]

    def rows(self, usage: dict[str, Usage], sample_age_s: float | None) -> tuple[PodRow, ...]:
        """All children, sorted by component and name, with what was measured of them."""
        rows = []
        for child in self.children.values():
            row, measured = child.row(), usage.get(child.spec.name)
            if measured is not None and child.pid is not None:
                row = replace(
                    row,
                    cpu_cores=measured.cpu_cores,
                    memory_bytes=measured.memory_bytes,
                    sample_age_s=sample_age_s,
                    disk_bytes_per_s=measured.disk_bytes_per_s,
                )
            rows.append(row)
        order = {component.value: place for place, component in enumerate(CATALOGUE)}
        return tuple(sorted(rows, key=lambda row: (order[row.component], len(row.name), row.name)))

    async def deploy(self) -> None:
        """Start everything; returns when all of it is ready. Raises KaptureError; what runs by then is the caller's."""
        async with self._changes():
            try:
                self.plan.prepare()
                await together(self._start_kafka(), *map(self._bring, self.spec.databases))
                # All together: a loader by itself waits for its readers before it sends.
                workload = (
                    Component.OBSERVER,
                    *readers(self.spec),
                    Component.SPOUT,
                    *SENDERS,
                    Component.SHOPPERS,
                )
                await together(*map(self._bring, workload))
            except (KaptureError, OSError) as exc:
                if isinstance(exc, OSError):
                    exc = UsageError(f"state directory {self._state.path}", exc.strerror or str(exc))
                raise self.failure or exc from None
            self._deployed_s = time.monotonic()

    async def add(self, spec: StackSpec) -> None:
        """Add what `spec` has beyond the running stack. Raises UsageError if it differs in anything else."""
        new = spec.components - self.spec.components
        if not new:
            raise UsageError(
                f"deploying {spec.namespace}", "it is running", f"kapture-tui attach {spec.namespace}"
            )
        kept = replace(self.spec, components=spec.components, urls=spec.urls, keep=spec.keep)
        if spec != kept or not self.spec.components < spec.components:
            cause = "it is running, and differs in more than further components"
            raise UsageError(f"deploying {spec.namespace}", cause, f"kapture-tui down {spec.namespace} first")
        check_quorum(self.spec, spec)
        async with self._changes():
            gains_spout = spec.has(Component.SPOUT) and not self.spec.has(Component.SPOUT)
            self.plan.spec = spec
            added = [database for database in spec.databases if database in new]
            await together(*map(self._bring, added))
            self._renew_specs()
            if gains_spout:
                await self._create_topics()
            renewed = (Component.OBSERVER, *((Component.ETL,) if gains_spout else ()))
            await together(*(child.replace() for component in renewed for child in self.of(component)))
            await together(*(self._bring(sink_of(database)) for database in added))
            if gains_spout:
                await self._bring(Component.SPOUT)
            shop = (Component.WEBAPP, Component.SHOPPERS) if Component.WEBAPP in new else ()
            await together(*map(self._bring, shop))
            await self._send(replace(self._order, groups=spec.groups))
            self.journal.tell(EventKind.ACTION, "", "added " + ", ".join(sorted(c.value for c in new)))

    def _renew_specs(self) -> None:
        """Have the next life of every workload process know the stack as it is now."""
        for component in (Component.OBSERVER, *SENDERS, Component.ETL):
            for ordinal, child in enumerate(self.of(component)):
                child.spec = self.plan.child(component, ordinal)

    async def scale(self, component: Component, replicas: int) -> None:
        """Start what is missing, or stop the highest ordinals. Raises UsageError."""
        check_scale(component, replicas)
        if not self.spec.has(component):
            raise UsageError(f"scaling {component.value}", "this stack has none")
        async with self._changes():
            before = list(self.of(component))
            if replicas == len(before):
                return
            self.journal.tell(EventKind.ACTION, component.value, f"scaled {len(before)} → {replicas}")
            for ordinal in range(len(before), replicas):
                self._start(self.plan.child(component, ordinal))
            await self._stop(before[replicas:])

    async def restart(self, component: Component) -> None:
        """Replace each child of the component, one after the other. Raises UsageError for the embedded broker."""
        children = list(self.of(component))
        if not children:
            raise UsageError(f"restarting {component.value}", "this stack runs none of its own")
        if any(child.spec.on_death is OnDeath.FATAL for child in children):
            raise UsageError(
                "restarting the embedded broker", "all it has is in its memory", "use a real Kafka"
            )
        async with self._changes():
            self.journal.tell(EventKind.ACTION, component.value, "restarting")
            for child in children:
                await child.replace()
            self.journal.tell(EventKind.ACTION, component.value, "restarted")

    def kill(self, pod: str) -> None:
        """SIGKILL a child. Raises UsageError if there is none of that name."""
        child = self.children.get(pod)
        if child is None:
            raise UsageError(
                f"killing {pod}", "there is no such process", f"one of {', '.join(self.children)}"
            )
        child.kill()
        self.journal.tell(EventKind.ACTION, pod, "killed on request")

    async def control(self, rate: float | None, paused: bool) -> None:
        """Tell the loaders. Raises UsageError for a rate that is none, KafkaError when the brokers do not answer."""
        async with self._changes():
            await self._send(replace(self._order, rate=rate, paused=paused))
            pace = "as fast as the brokers take them" if rate is None else f"{rate:,.0f}/s each"
            self.journal.tell(EventKind.ACTION, Component.LOADER.value, "paused" if paused else pace)

    async def _send(self, order: Order) -> None:
        settings = ClientSettings(self.plan.bootstrap, "kapture-tui", embedded=self.plan.embedded)
        await asyncio.to_thread(send, settings, order)
        self._order = order

    async def stop(self) -> list[str]:
        """End every child in order, then remove what was left elsewhere; returns what could not be removed."""
        self._stopping = True
        for task in (*self._changing, *self._watches):
            task.cancel()
        for components in stop_order(self.spec):
            await together(*map(self._stop_component, components))
        await self._stop(list(self.children.values()))
        return await asyncio.to_thread(self.plan.clean_up)

    async def _stop_component(self, component: Component) -> None:
        if children := list(self.of(component)):
            with self.journal.step(
                f"stop-{component.value}", component.value, _count(len(children), "stopped")
            ):
                await self._stop(children)

    async def _stop(self, children: list[Child]) -> None:
        grace_s = FAILED_GRACE_S if self.failure else None
        await together(*(child.stop(grace_s) for child in children))
        for child in children:
            self.children.pop(child.spec.name, None)

    async def _start_kafka(self) -> None:
        with self.journal.step("broker", Component.KAFKA.value, "starting") as step:
            for spec in self.plan.kafka():
                child = self._start(spec)
                await child.wait_ready()
                if spec.on_death is OnDeath.ONCE:
                    del self.children[spec.name]
            self.plan.broker_is_ready()
            step.say(f"ready at {self.plan.bootstrap}")
        await self._create_topics()

    async def _create_topics(self) -> None:
        with self.journal.step("topics", Component.KAFKA.value, "creating topics") as step:
            spec_or_none = self.plan.topics()
            if spec_or_none is not None:
                await self._start(spec_or_none).wait_ready()
                del self.children[spec_or_none.name]
            step.say("topics created")

    async def _bring(self, component: Component) -> None:
        """Start a component's replicas and wait until they are ready."""
        count = self.plan.replicas(component)
        if count:
            with self.journal.step(component.value, component.value, _count(count, "starting")) as step:
                if setup := self.plan.setup(component):
                    await self._start(setup).wait_ready()
                    del self.children[setup.name]
                children = [self._start(self.plan.child(component, ordinal)) for ordinal in range(count)]
                await together(*(child.wait_ready() for child in children))
                address = self.plan.addresses().get(component.value)
                step.say(_count(count, f"ready at {address}" if address else "ready"))

    def _start(self, spec: ChildSpec) -> Child:
        child = Child(spec, self._state.logs / f"{spec.name}.log", self.journal.tell)
        self.children[spec.name] = child
        child.start()
        if spec.on_death is OnDeath.FATAL:
            self._watches.add(asyncio.create_task(self._watch(child), name=f"watch {spec.name}"))
        return child

    async def _watch(self, child: Child) -> None:
        """End the run if a child dies without which there is none."""
        await child.dead.wait()
        if child.stopping or self._stopping:
            return
        what = f"the embedded broker {child.reason}"
        self.failure = IntegrityViolated(
            "running the stack", f"{what}; what it held is gone", f"see {child.log}"
        )
        self.journal.tell(
            EventKind.ALARM, child.spec.name, f"{what}; what it held is gone, so the run ends here"
        )
        await together(*map(self._stop_component, (Component.SHOPPERS, *SENDERS, *readers(self.spec))))

    def _changes(self) -> _Change:
        if self._stopping or self.failure:
            raise self.failure or UsageError("changing the stack", "it is being torn down")
        return _Change(self._change, self._changing)


class _Change:
    """Holds the lock of changes, and lets `Stack.stop` find and cancel whoever does."""

    def __init__(self, lock: asyncio.Lock, tasks: set[asyncio.Task[object]]) -> None:
        self._lock = lock
        self._tasks = tasks
        self._task: asyncio.Task[object] | None = None

    async def __aenter__(self) -> None:
        self._task = asyncio.current_task()
        assert self._task is not None
        self._tasks.add(self._task)
        try:
            await self._lock.acquire()
        except BaseException:
            self._tasks.discard(self._task)
            raise

    async def __aexit__(self, *exc: object) -> None:
        self._lock.release()
        assert self._task is not None
        self._tasks.discard(self._task)


async def together(*work: Awaitable[None]) -> None:
    """Run all of it at the same time; the first that fails ends the others, and its error is raised."""
    tasks = [asyncio.ensure_future(each) for each in work]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _count(number: int, what: str) -> str:
    return what if number == 1 else f"{number} {what}"
