"""What a command line asks for: one frozen value a command."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kapture_tui.model.spec import Component, LoadSpec, StackSpec
from kapture_tui.targets.base import Connection

if TYPE_CHECKING:
    from pathlib import Path  # a tenth of the time --help takes, if it were imported


@dataclass(frozen=True, slots=True)
class Console:
    """Open the console.

    Attributes:
        target: where the stack runs, "local" or "kubernetes".
        spec: what the setup screen starts from; None: its defaults.
        start: begin at once instead of showing the setup screen, and ask nothing (--yes).
        readonly: show only; nothing can be changed from this console.
        keep: leave the stack running when the console goes.
        theme: its name; None: the one of the user's configuration.
        connection: how a cluster is reached.
        plain: lines of text instead.
        record: write the session down.
    """

    target: str = "local"
    spec: StackSpec | None = None
    start: bool = False
    readonly: bool = False
    keep: bool = False
    theme: str | None = None
    connection: Connection = Connection()
    plain: bool = False
    record: bool = True


@dataclass(frozen=True, slots=True)
class Attach:
    """Open the console on a stack that runs. All but its name: see `Console`."""

    target: str
    namespace: str
    readonly: bool = False
    theme: str | None = None
    connection: Connection = Connection()
    plain: bool = False
    record: bool = True


@dataclass(frozen=True, slots=True)
class Up:
    """Deploy without the console.

    Attributes:
        spec: the stack; its `keep` says whether it outlives this process should that vanish.
        run_s: seconds to run once transactions flow, then drain, print the ledger, tear down; None: leave it running.
        drain_s: seconds the consumers have for what is left when the loaders have stopped.
        json: print the final Snapshot as the last line of standard output.
        keep: leave the stack, without loaders, where `run_s` would tear it down.
        purge: tear down its claimed volumes too.
        connection: how a cluster is reached.
        yes: do not ask before a cluster is changed.
        record: write the session down.
    """

    target: str
    spec: StackSpec
    run_s: float | None = None
    drain_s: float = 120.0
    json: bool = False
    keep: bool = False
    purge: bool = False
    connection: Connection = Connection()
    yes: bool = False
    record: bool = True


@dataclass(frozen=True, slots=True)
class Add:
    """Add components to a stack that runs. `connection` and `yes`: see `Up`."""

    target: str
    namespace: str
    components: frozenset[Component]
    connection: Connection = Connection()
    yes: bool = False


@dataclass(frozen=True, slots=True)
class Status:
    """Print what runs.

    Attributes:
        json: as a Snapshot instead of a table.
        watch_s: a Snapshot a line every so many seconds until the stack is gone; None: once.
        record: write down what is watched.
    """

    target: str
    namespace: str
    json: bool = False
    watch_s: float | None = None
    connection: Connection = Connection()
    record: bool = True


@dataclass(frozen=True, slots=True)
class Demo:
    """Show the guided tour, on this machine. `theme`, `record`: see `Console`."""

    theme: str | None = None
    record: bool = True


@dataclass(frozen=True, slots=True)
class Replay:
    """Play a recording, or export it.

    Attributes:
        recording: a file, or the name of a stack for its latest one.
        at_s: where to begin, seconds, below 0 from the end; None: the beginning, or for a picture the end.
        speed: seconds of it in one second.
        plain: lines of text instead of the console.
        export: "json", "csv" or "svg"; None: play it.
        size: columns and rows of a picture.
        output: where an export goes; None: standard output.
    """

    recording: str
    at_s: float | None = None
    speed: float = 1.0
    plain: bool = False
    theme: str | None = None
    export: str | None = None
    size: tuple[int, int] = (120, 40)
    output: Path | None = None


@dataclass(frozen=True, slots=True)
class Scale:
    """Set the replicas of components, in the order given. `connection` and `yes`: see `Up`."""

    target: str
    namespace: str
    replicas: tuple[tuple[Component, int], ...]
    connection: Connection = Connection()
    yes: bool = False


@dataclass(frozen=True, slots=True)
class Down:
    """Tear a stack down. `purge`, `connection` and `yes`: see `Up`."""

    target: str
    namespace: str
    purge: bool = False
    connection: Connection = Connection()
    yes: bool = False


@dataclass(frozen=True, slots=True)
class Render:
    """Write a stack as a kustomization.

    Attributes:
        folder: where to.
        architectures: of the nodes that will run it.
    """

    spec: StackSpec
    folder: Path
    architectures: tuple[str, ...] = ("amd64",)


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
class Bench:
    """Find out what a stack carries.

    Attributes:
        target: "local", "kubernetes" or, with `simulate`, "simulated".
        spec: the stack; it is deployed anew for every repeat.
        budget_min: minutes for all of it; None: see `order.asked_for`.
        p99_s: what 99 of 100 transactions must keep to, seconds.
        scales: the one that gives the score first; more of them for a scaling curve.
        heartbeat: a small constant load instead of a search.
        rule: "capacity" or "kapture".
        price_per_hour: of the cluster; None: no cost is told.
        simulate: "MODULE:FACTORY"; None: a real stack.
        resume: go on with an unfinished run like this one.
        folder: of the result files; None: see `catalogue.own_folder`.
        with_names: host names stay in the result.
        connection, yes: see `Up`.
        plain, theme: see `Console`.
    """

    target: str
    spec: StackSpec
    budget_min: float | None = None
    p99_s: float = 1.0
    repeats: int = 6
    scales: tuple[int, ...] = (1,)
    minus_one: bool = False
    auto_loaders: bool = False
    heartbeat: bool = False
    rule: str = "capacity"
    price_per_hour: float | None = None
    simulate: str | None = None
    resume: bool = False
    folder: Path | None = None
    with_names: bool = False
    json: bool = False
    connection: Connection = Connection()
    yes: bool = False
    plain: bool = False
    theme: str | None = None


@dataclass(frozen=True, slots=True)
class Results:
    """Show what `bench` found.

    Attributes:
        action: "list", "show" or "compare".
        names: of results: one for "show", two for "compare".
        folder: of the result files; None: see `catalogue.own_folder`. The catalogue is looked through as well.
        plot: draw in the terminal.
        svg: folder for one file a plot; None: none.
        html: file for a page; None: none.
    """

    action: str
    names: tuple[str, ...] = ()
    folder: Path | None = None
    json: bool = False
    plot: bool = False
    svg: Path | None = None
    html: Path | None = None


@dataclass(frozen=True, slots=True)
class Doctor:
    """Say what this machine and a cluster allow.

    Attributes:
        target: "local": this machine only; "kubernetes": the cluster has to answer; None: if there is one.
        connection: how it is reached.
    """

    target: str | None = None
    connection: Connection = Connection()


@dataclass(frozen=True, slots=True)
class Completion:
    """Print the completion script of a shell: "bash", "zsh" or "fish"."""

    shell: str


Command = (
    Console
    | Attach
    | Up
    | Add
    | Status
    | Demo
    | Replay
    | Scale
    | Down
    | Render
    | Generate
    | Bench
    | Results
    | Doctor
    | Completion
)


@dataclass(frozen=True, slots=True)
class Invocation:
    """A whole command line.

    Attributes:
        log_file: where everything is logged in detail; None: nowhere.
        note: what to tell before the command is run; "" for nothing.
    """

    command: Command
    log_file: Path | None = None
    note: str = ""
