"""What a command line asks for: one frozen value a command."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kapture_tui.model.spec import Component, LoadSpec, StackSpec

if TYPE_CHECKING:
    from pathlib import Path  # a tenth of the time --help takes, if it were imported


@dataclass(frozen=True, slots=True)
class Console:
    """Open the console.

    Attributes:
        target: where the stack runs, "local".
        spec: what the setup screen starts from; None: its defaults.
        start: begin at once instead of showing the setup screen (--yes).
        readonly: show only; nothing can be changed from this console.
        keep: leave the stack running when the console goes.
        theme: its name; None: the one of the user's configuration.
    """

    target: str = "local"
    spec: StackSpec | None = None
    start: bool = False
    readonly: bool = False
    keep: bool = False
    theme: str | None = None


@dataclass(frozen=True, slots=True)
class Attach:
    """Open the console on a stack that runs. `readonly` and `theme`: see `Console`."""

    target: str
    namespace: str
    readonly: bool = False
    theme: str | None = None


@dataclass(frozen=True, slots=True)
class Up:
    """Deploy without the console.

    Attributes:
        spec: the stack; its `keep` says whether it outlives this process should that vanish.
        run_s: seconds to run once transactions flow, then drain, print the ledger, tear down; None: leave it running.
        drain_s: seconds the consumers have for what is left when the loaders have stopped.
        json: print the final Snapshot as the last line of standard output.
        keep: leave the stack, without loaders, where `run_s` would tear it down.
    """

    target: str
    spec: StackSpec
    run_s: float | None = None
    drain_s: float = 120.0
    json: bool = False
    keep: bool = False


@dataclass(frozen=True, slots=True)
class Add:
    """Add components to a stack that runs."""

    target: str
    namespace: str
    components: frozenset[Component]


@dataclass(frozen=True, slots=True)
class Status:
    """Print what runs.

    Attributes:
        json: as a Snapshot instead of a table.
        watch_s: a Snapshot a line every so many seconds until the stack is gone; None: once.
    """

    target: str
    namespace: str
    json: bool = False
    watch_s: float | None = None


@dataclass(frozen=True, slots=True)
class Scale:
    """Set the replicas of components, in the order given."""

    target: str
    namespace: str
    replicas: tuple[tuple[Component, int], ...]


@dataclass(frozen=True, slots=True)
class Down:
    """Tear a stack down."""

    target: str
    namespace: str


@dataclass(frozen=True, slots=True)
class Generate:
    """Write transactions to standard output.

    Attributes:
        load: `rate` has no meaning here.
        count: transactions to write; None: all of the simulated days.
        workers: processes that share the work; the bytes do not depend on it.
    """

    load: LoadSpec
    count: int | None = None
    workers: int = 1


@dataclass(frozen=True, slots=True)
class Doctor:
    """Say what this machine allows."""


@dataclass(frozen=True, slots=True)
class Completion:
    """Print the completion script of a shell: "bash", "zsh" or "fish"."""

    shell: str


Command = Console | Attach | Up | Add | Status | Scale | Down | Generate | Doctor | Completion


@dataclass(frozen=True, slots=True)
class Invocation:
    """A whole command line. `log_file`: where everything is logged in detail; None: nowhere."""

    command: Command
    log_file: Path | None = None
