"""What a console is opened with."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kapture_tui.model.snapshot import Snapshot
from kapture_tui.model.spec import Component, LoadSpec, StackSpec
from kapture_tui.targets.base import Connection, Target

if TYPE_CHECKING:
    from kapture_tui.targets.kubernetes.kubeconfig import ContextInfo

OpenTarget = Callable[[str, str, Connection], Target]
"""From a target's name ("local"), a namespace and the way to a cluster to the target; may raise KaptureError."""

Contexts = Callable[[Connection], "Sequence[ContextInfo]"]
"""From a kubeconfig to its contexts; may raise KaptureError."""

Namespaces = Callable[[Connection], Awaitable[Sequence[str]]]
"""From the way to a cluster to the namespaces it has; may raise KaptureError."""

Watch = Callable[[Target], AsyncIterator[Snapshot]]
"""From a target to its snapshots, one a second."""


TOUR_STACK = StackSpec("demo", 1, frozenset({Component.REDIS}), LoadSpec(rate=3000.0))
"""What the guided tour shows: enough for every panel to move, little enough for any laptop."""


def hub_snapshots(target: Target) -> AsyncIterator[Snapshot]:
    """Return the telemetry hub's snapshots of a target; the hub is imported when the first one is wanted."""
    from kapture_tui.telemetry.hub import Hub

    return Hub(target).snapshots()


def kubeconfig_contexts(connection: Connection) -> Sequence[ContextInfo]:
    """Return the contexts of a kubeconfig; it is read when they are wanted."""
    from kapture_tui.targets.kubernetes.kubeconfig import contexts

    return contexts(connection)


async def cluster_namespaces(connection: Connection) -> Sequence[str]:
    """Return the namespaces of a cluster. Raises KaptureError, NotAllowed where they may not be listed."""
    from kapture_tui.targets.kubernetes.api import Api

    api = await Api.open(connection)
    try:
        return await api.namespaces()
    finally:
        await api.close()


def recordings_folder() -> Path:
    """Return where sessions are recorded."""
    from kapture_tui.telemetry import recordings

    return recordings.folder()


@dataclass(frozen=True, slots=True)
class ConsoleOptions:
    """What a console is opened with.

    Attributes:
        open_target: makes the target that a setup names.
        spec: prefills the setup screen; None: the defaults. What the screen does not show stays as it is here.
        target: which target is preselected or attached to.
        attach: go straight to the dashboard of `spec.namespace`; leaving then leaves that stack running.
        start: start `spec` at once instead of showing the setup screen.
        theme: name of a theme; None: the default.
        readonly: offer nothing that changes a stack.
        keep: leave a local stack running when the console is left; the spec's own `keep` counts as well.
        log_file: where the log goes, for the help screen; None: nowhere.
        watch: where snapshots come from.
        connection: how a cluster is reached; its context is the one preselected.
        yes: do not ask before a cluster is changed.
        recording: where the session is recorded, once it is.
        contexts, namespaces: what clusters there are to choose from, and what is in one.
        results: folder of what `bench` finds; None: the usual one.
        recordings: the folder of recorded sessions.
    """

    open_target: OpenTarget
    spec: StackSpec | None = None
    target: str = "local"
    attach: bool = False
    start: bool = False
    theme: str | None = None
    readonly: bool = False
    keep: bool = False
    log_file: Path | None = None
    watch: Watch = hub_snapshots
    connection: Connection = Connection()
    yes: bool = False
    recording: Callable[[], Path | None] = lambda: None
    contexts: Contexts = kubeconfig_contexts
    namespaces: Namespaces = cluster_namespaces
    results: Path | None = None
    recordings: Callable[[], Path] = recordings_folder
