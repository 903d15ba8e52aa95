"""Where a stack runs: one small protocol, implemented by child processes here and by a Kubernetes namespace."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from kapture_tui.model.event import Event
from kapture_tui.model.snapshot import ObserverReport, Phase, PodRow
from kapture_tui.model.spec import Component, StackSpec


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing preflight looked at.

    Attributes:
        subject: what was looked at: a component's name, or "python", "memory", "ports", …
        ok: whether it can be used as it is.
        text: what was found ("valkey 9.1, packaged"), or why it cannot be used ("no server").
        remedy: what would make it possible; "" if it is ok or nothing can be done.
        fatal: the stack that was asked for cannot start without it.
        forbidden: what is missing is a right of the user: the command line ends with 3 instead of 2.
    """

    subject: str
    ok: bool
    text: str
    remedy: str = ""
    fatal: bool = False
    forbidden: bool = False


@dataclass(frozen=True, slots=True)
class Observation:
    """What a target sees in one tick.

    Attributes:
        spec: the stack as it runs now (scales may differ, see `pods`); None when there is none.
        run_id: identifies this deployment of it.
        phase: as far as the target itself knows: it never says FLOWING or DRAINED, the telemetry hub does.
        elapsed_s: since the deploy ended, seconds; None before.
        pods: pods or processes, sorted by component and name.
        report: the observer's report; None with its reason in `unavailable["observer"]`.
        report_age_s: age of that report, seconds.
        events: new ones since the last observation of this iterator; the first one brings the run's last hundred.
        unavailable: reasons for what is missing.
        age_s: how old this picture is, seconds: more than a moment when the target itself does not answer, which
            `unavailable["target"]` then explains.
        addresses: by component, where a person opens it: an address, or the command that makes it reachable.
    """

    spec: StackSpec | None
    run_id: str
    phase: Phase
    elapsed_s: float | None = None
    pods: tuple[PodRow, ...] = ()
    report: ObserverReport | None = None
    report_age_s: float | None = None
    events: tuple[Event, ...] = ()
    unavailable: dict[str, str] = field(default_factory=dict)
    age_s: float = 0.0
    addresses: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Connection:
    """How a cluster is reached.

    Attributes:
        kubeconfig: path (or several, parted as KUBECONFIG has them); None: KUBECONFIG, then ~/.kube/config.
        context: name of the context; None: the current one.
    """

    kubeconfig: str | None = None
    context: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a target is, in words for the question before a change and for the head of the screen.

    Attributes:
        context: of the kubeconfig; "" for this machine.
        server: address of the API server; "" for this machine.
        user: who we are there; "" for this machine.
        namespace: the stack's name.
        exists: whether the namespace is there already; None: may not be asked.
    """

    context: str
    server: str
    user: str
    namespace: str
    exists: bool | None = None


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine that carries the stack: this one, or a node.

    Attributes:
        name: its host name; not for publishing.
        type: as its provider calls it ("n1-standard-2"), or its processor; "" if not known.
        cores, memory_bytes: what a stack can have of it.
        system: its operating system.
        kernel: its release.
    """

    name: str
    type: str
    cores: float
    memory_bytes: int
    architecture: str = ""
    system: str = ""
    kernel: str = ""


@dataclass(frozen=True, slots=True)
class Environment:
    """What figures measured here depend on.

    Attributes:
        machines: empty, with the reason in `unavailable["machines"]`, when one may not ask.
        versions: of what runs, by component, and of Kubernetes.
    """

    machines: tuple[Machine, ...]
    versions: Mapping[str, str] = field(default_factory=dict)
    unavailable: Mapping[str, str] = field(default_factory=dict)


ACTIONS = ("deploy", "scale", "restart", "kill", "logs", "control", "destroy")
"""What a user may be forbidden: keys of `Target.denied`."""


class Target(Protocol):
    """A place for one stack, named by its namespace. All methods raise KaptureError and nothing else of their own."""

    name: str
    """ "local" or "kubernetes"."""
    namespace: str

    async def place(self) -> Place:
        """Where this is. Raises Unreachable, NotAllowed or UsageError when that cannot even be asked."""
        ...

    async def spec(self) -> StackSpec | None:
        """The stack that runs, as `Observation.spec`; None when there is none. Costs less than observing it all."""
        ...

    async def denied(self) -> Mapping[str, str]:
        """What this user may not do: one of `ACTIONS` to the missing right ("patch deployments/scale in pets")."""
        ...

    async def preflight(self, spec: StackSpec) -> list[Finding]:
        """What is missing or not allowed; creates nothing. Without a finding that is fatal, deploy may be called."""
        ...

    async def environment(self, spec: StackSpec) -> Environment:
        """What the stack runs on. Raises Unreachable when nothing at all can be said."""
        ...

    def deploy(self, spec: StackSpec) -> AsyncIterator[Event]:
        """Start the stack, step by step; ends when all of it is ready.

        Raises: KaptureError when a step fails; what was started until then is removed again.
        """
        ...

    def observe(self) -> AsyncGenerator[Observation, None]:
        """One observation a second, at once and then for ever; survives whatever it watches.

        Whoever leaves before should close the iterator, so that what it holds is let go at once.
        """
        ...

    async def scale(self, component: Component, replicas: int) -> None:
        """Set the number of replicas. Raises UsageError for what cannot be scaled (or not to that number)."""
        ...

    async def restart(self, component: Component) -> None:
        """Stop every pod of the component in order and start it anew."""
        ...

    async def kill(self, pod: str) -> None:
        """End one pod without warning (SIGKILL); whoever keeps the stack brings it back."""
        ...

    async def lose_one(self, component: Component) -> None:
        """Have one pod of the component less than was asked for, until the stack is removed.

        Raises UsageError where there is none to lose.
        """
        ...

    def logs(self, subject: str, lines: int = 200, follow: bool = False) -> AsyncIterator[str]:
        """The last lines of a pod's log, or of each of a component's pods, then with `follow` new ones as they come.

        Raises UsageError when there is no such component or pod.
        """
        ...

    async def control(self, rate: float | None, paused: bool) -> None:
        """Set the loaders' rate (None: unbounded) or pause them, without a restart, through `kapture.control`."""
        ...

    def destroy(self, purge: bool = False) -> AsyncIterator[Event]:
        """Remove everything; the last event says what is left: nothing, or what and why.

        Args:
            purge: remove claimed volumes and the data in them as well.
        """
        ...

    async def close(self) -> None:
        """Let connections go; the stack stays as it is. What is called afterwards opens new ones."""
        ...
