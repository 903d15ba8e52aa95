"""What a console is opened with."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

from kapture_tui.model.snapshot import Snapshot
from kapture_tui.model.spec import StackSpec
from kapture_tui.targets.base import Target

OpenTarget = Callable[[str, str], Target]
"""From a target's name ("local") and a namespace to the target; may raise KaptureError."""

Watch = Callable[[Target], AsyncIterator[Snapshot]]
"""From a target to its snapshots, one a second."""


def hub_snapshots(target: Target) -> AsyncIterator[Snapshot]:
    """Return the telemetry hub's snapshots of a target; the hub is imported when the first one is wanted."""
    from kapture_tui.telemetry.hub import Hub

    return Hub(target).snapshots()


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
