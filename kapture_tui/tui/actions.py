"""What a person can do to a stack from the console, without any toolkit, so that others can call the same.

A `Session` belongs to one target, that is to one namespace somewhere. Every method raises KaptureError and nothing else
of its own, and returns a sentence on what was done.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from kapture_tui.model import ledger
from kapture_tui.model.errors import IntegrityViolated, KaptureError, UsageError
from kapture_tui.model.event import Event
from kapture_tui.model.snapshot import Phase, PodRow, RunInfo, Snapshot
from kapture_tui.model.spec import Component, StackSpec
from kapture_tui.targets.base import Place, Target
from kapture_tui.tui.byhand import ByHand
from kapture_tui.tui.figures import count, plural, size

_LEAVING = ("Terminating", "Succeeded")


@dataclass(frozen=True, slots=True)
class Removal:
    """What a teardown takes away.

    Attributes:
        goes: one line a kind, with its number.
        stays: what is not touched, one line each; may be empty.
    """

    goes: tuple[str, ...]
    stays: tuple[str, ...] = ()


class Session:
    """One stack as this console drives it.

    Attributes:
        target: where it is.
        namespace: its name.
        spec: what was asked for; None when attached to a stack somebody else started.
        readonly: nothing may be changed.
        latest: the last snapshot; assign it as they come.
        place: where the cluster says we are; None on this machine, and until it has answered.
        found: the same before we deployed anything there; None when attached.
        denied: what may not be done there, as `Target.denied` says it.
        agreed: a person has agreed to changes of that cluster.
        last: the latest action as a command line; "" before any.
    """

    def __init__(
        self, target: Target, namespace: str, spec: StackSpec | None = None, readonly: bool = False
    ) -> None:
        self.target = target
        self.namespace = namespace
        self.spec = spec
        self.readonly = readonly
        self.latest = Snapshot(run=RunInfo(namespace, target.name))
        self.place: Place | None = None
        self.found: Place | None = None
        self.denied: Mapping[str, str] = {}
        self.agreed = False
        self.last = ""
        self._wanted: dict[Component, int] = {}

    async def look_around(self) -> None:
        """Learn where this is and what may be done there. Raises KaptureError: nobody answers."""
        if self.target.name != "local":
            self.place = await self.target.place()
            self.denied = await self.target.denied()

    async def whereabouts(self) -> Place:
        """Return where this is. Raises KaptureError: nobody answers."""
        if self.place is None:
            self.place = await self.target.place()
        return self.place

    async def deploy(self) -> AsyncIterator[Event]:
        """Start the stack; see `Target.deploy`. Raises UsageError when there is none to start, or nothing may be."""
        self._check_writable()
        if self.spec is None:
            raise UsageError(
                "deploying", "there is no setup for this stack", "start it from the setup screen"
            )
        async for event in self.target.deploy(self.spec):
            yield event

    async def destroy(self) -> AsyncIterator[Event]:
        """Remove the stack; see `Target.destroy`."""
        self._check_writable()
        async for event in self.target.destroy():
            yield event

    def replicas(self, component: Component) -> int:
        """Return the number of a component that was last asked for, or that runs."""
        running = sum(
            pod.component == component.value and pod.phase not in _LEAVING for pod in self.latest.pods
        )
        if self._wanted.get(component) == running:
            del self._wanted[component]
        return self._wanted.get(component, running)

    def scalable(self) -> list[Component]:
        """Return the components of this stack whose number can be changed."""
        from kapture_tui.stack.catalogue import CATALOGUE

        present = {pod.component for pod in self.latest.pods}
        return [
            c
            for c, entry in CATALOGUE.items()
            if entry.scalable and (c.value in present or c in self._wanted)
        ]

    async def add_loaders(self, difference: int) -> str:
        """Run so many loaders more (or less). Presses in quick succession add up."""
        return await self.scale(Component.LOADER, self.replicas(Component.LOADER) + difference)

    async def scale(self, component: Component, replicas: int) -> str:
        """Set the number of a component. Raises UsageError for what cannot be scaled, or not to that number."""
        from kapture_tui.stack.catalogue import check_scale

        self._check_writable()
        check_scale(component, replicas)
        before = self.replicas(component)
        if before == replicas:
            return f"{component.value} stays at {replicas}"
        self._wanted[component] = replicas
        self.last = self.by_hand.scale(component, replicas)
        try:
            await self.target.scale(component, replicas)
        except KaptureError:
            self._wanted.pop(component, None)
            raise
        return f"{component.value} {before} → {replicas}"

    async def kill(self, pod: str) -> str:
        """End one pod without warning; whoever keeps the stack brings it back. See `Target.kill`."""
        self._check_writable()
        self.last = self.by_hand.kill(pod)
        await self.target.kill(pod)
        return f"{pod} killed"

    async def logs(self, subject: str) -> AsyncIterator[str]:
        """The log of a pod, or of all pods of a component, followed for ever; see `Target.logs`."""
        self.last = self.by_hand.logs(subject, any(pod.name == subject for pod in self.latest.pods))
        async for text in self.target.logs(subject, follow=True):
            yield text

    def described(self, pod: str) -> None:
        """Take note that a pod is being looked at."""
        self.last = self.by_hand.describe(pod) or self.last

    def shared(self) -> bool:
        """Return whether others may have things in the namespace: one on a cluster that was not made for the stack."""
        return self.target.name != "local" and (self.found is None or self.found.exists is not False)

    @property
    def by_hand(self) -> ByHand:
        """How the same is done without the console."""
        context = self.place.context if self.place else ""
        return ByHand(self.namespace, self.target.name, context)

    def _check_writable(self) -> None:
        if self.readonly:
            raise UsageError("changing the stack", "this console is read-only", "start it without --readonly")


_WORKLOADS = {"kafka": "StatefulSet", "redis": "StatefulSet"}


def removal(snapshot: Snapshot, place: Place | None = None, volumes: bool = False) -> Removal:
    """Return what tearing down the stack of a snapshot takes away, by kind and number.

    Args:
        place: on a cluster, as it was before the stack was deployed; None: not known.
        volumes: the stack has claimed some.
    """
    if snapshot.run.target != "local":
        return _cluster_removal(snapshot, place, volumes)
    present = {pod.component for pod in snapshot.pods}
    kind = "process" if snapshot.run.target == "local" else "pod"
    goes = [_pods(snapshot.pods, kind)] if snapshot.pods else []
    if snapshot.kafka is not None:
        goes.append(_topics(snapshot))
    if snapshot.redis is not None and "redis" in present:
        goes.append(f"Redis with {count(snapshot.redis.keys)} keys, {size(snapshot.redis.memory_bytes)}")
    if snapshot.run.target == "local":
        goes.append("its state directory, with the logs")
    # What is reached by address runs in no pod of ours: it was there before, and it stays.
    foreign = [name for name in ("kafka", "redis") if name in snapshot.run.components and name not in present]
    return Removal(
        tuple(goes), tuple(f"the {name} that was there already" for name in foreign if snapshot.pods)
    )


def _cluster_removal(snapshot: Snapshot, place: Place | None, volumes: bool) -> Removal:
    goes = [_pods(snapshot.pods, "pod")] if snapshot.pods else []
    kinds = Counter(_WORKLOADS.get(name, "Deployment") for name in {pod.component for pod in snapshot.pods})
    goes += [plural(number, kind) for kind, number in sorted(kinds.items())]
    goes.append("its Services, ConfigMaps, Secrets and Jobs")
    if snapshot.kafka is not None and not volumes:
        goes.append(_topics(snapshot))
    name = snapshot.run.namespace
    stays = ["what is not of this stack"]
    if place is not None and place.exists is False:
        goes.append(f"the namespace {name}, which was made for it")
    else:
        stays.append(f"the namespace {name}" + ("" if place else ", unless it was made for the stack"))
    if volumes:
        stays.append(f"claimed volumes and their data: kapture-tui down {name} --purge removes them too")
    return Removal(tuple(goes), tuple(stays))


def _pods(pods: tuple[PodRow, ...], kind: str) -> str:
    counts = Counter(pod.component for pod in pods)
    listed = ", ".join(f"{number} {component}" for component, number in sorted(counts.items()))
    return f"{plural(len(pods), kind, kind + ('es' if kind.endswith('s') else 's'))}: {listed}"


def _topics(snapshot: Snapshot) -> str:
    kafka = snapshot.kafka
    assert kafka is not None
    return f"{plural(len(kafka.states), 'topic')} with {count(kafka.total.end_offset)} transactions"


def exit_code(snapshot: Snapshot, failure: KaptureError | None) -> int:
    """Return the exit code of a console that is left: 4 when the ledger found fault or the run failed."""
    if failure is not None:
        return failure.exit_code
    return IntegrityViolated.exit_code if faults(snapshot) or snapshot.run.phase is Phase.FAILED else 0


def faults(snapshot: Snapshot) -> dict[str, int]:
    """Return what the ledger holds against the run, in messages by kind, all groups together; empty if nothing."""
    sums: Counter[str] = Counter()
    for _, fault, number in ledger.faults(snapshot.ledger) if snapshot.ledger else ():
        sums[fault] += number
    return dict(sums)
