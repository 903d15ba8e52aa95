"""Every command as data: its words, its options, its examples."""

from __future__ import annotations

from dataclasses import dataclass

from kapture_tui.cli import options
from kapture_tui.cli.options import Group

NAMESPACES = "namespaces"
"""What completion scripts ask `completion` for instead of a shell: the stacks that run, one a line."""


@dataclass(frozen=True, slots=True)
class CommandLine:
    """One command.

    Attributes:
        name: its word; "" for the line without one: `kapture-tui NAMESPACE SCALE [options]`.
        summary: what it does, one line.
        words: names of what follows it; one that ends in "…" stands for one or more, "[WORD…]" for any number.
        groups: its options.
        examples: (command line, what it does).
        choices: the values its first word may have; empty: any.
        hidden: more of them that no help mentions.
    """

    name: str
    summary: str
    words: tuple[str, ...] = ()
    groups: tuple[Group, ...] = ()
    examples: tuple[tuple[str, str], ...] = ()
    choices: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()


CONSOLE = CommandLine(
    "",
    "Kafka pipelines under realistic load, live in a console.",
    ("NAMESPACE", "SCALE"),
    (
        options.COMPONENTS,
        options.LOAD,
        options.SERVERS,
        options.WHERE,
        options.CLUSTER,
        options.CONSOLE,
        options.GENERAL,
    ),
    (
        ("kapture-tui", "the console, at its setup screen"),
        ("kapture-tui pets 2 -r --yes", "the console on a new stack with Redis, at once"),
        ("kapture-tui pets -r", "add Redis to the stack that runs as pets"),
        ("kapture-tui pets --delete", "tear pets down"),
        ("kapture-tui pets 3 -rp --context lab", "the console, set up for a cluster"),
        ("kapture-tui up pets 2 -r --for 60 --json", "one minute without the console, verdict as JSON"),
        ("kapture-tui generate --count 3", "three transactions on standard output"),
    ),
)

COMMANDS = (
    CommandLine(
        "up",
        "deploy without the console and wait until transactions flow",
        ("NAMESPACE", "SCALE"),
        (
            options.RUN,
            options.COMPONENTS,
            options.LOAD,
            options.SERVERS,
            options.WHERE,
            options.CLUSTER,
            options.GENERAL,
        ),
        (
            ("kapture-tui up pets 2 -r", "deploy and leave it running; `attach pets` shows it"),
            ("kapture-tui up pets 2 -r --for 60", "run a minute, drain, print the ledger, tear down"),
            ("kapture-tui up pets 1 --rate 500 --for 30 --json", "500 a second, final Snapshot as JSON"),
            ("kapture-tui up pets 3 -rp --context lab --yes", "on a cluster, without a question"),
        ),
    ),
    CommandLine(
        "attach",
        "open the console on a stack that runs",
        ("NAMESPACE",),
        (options.LOOK, options.WHERE, options.GENERAL),
        (("kapture-tui attach pets --readonly", "look, touch nothing"),),
    ),
    CommandLine(
        "status",
        "print what runs and how it does",
        ("NAMESPACE",),
        (options.WATCH, options.WHERE, options.GENERAL),
        (
            ("kapture-tui status pets", "a table"),
            ("kapture-tui status pets --json | jq .ledger", "one Snapshot"),
            ("kapture-tui status pets --watch 5", "a Snapshot every five seconds, one a line"),
        ),
    ),
    CommandLine(
        "replay",
        "play a recorded session in the console, or export it",
        ("FILE",),
        (options.REPLAY, options.EXPORT, options.GENERAL),
        (
            ("kapture-tui replay pets", "the latest session of pets; FILE may be a file as well"),
            (
                "kapture-tui replay pets --at 12:30 --speed 8",
                "from 12 minutes and a half on, eight times as fast",
            ),
            ("kapture-tui replay pets --csv > pets.csv", "its figures for a spreadsheet"),
            ("kapture-tui replay pets --svg --at -60 -o pets.svg", "the dashboard a minute before the end"),
        ),
    ),
    CommandLine(
        "demo",
        "a guided tour of three minutes, on a stack of this machine",
        (),
        (options.TOUR, options.GENERAL),
    ),
    CommandLine(
        "scale",
        "set how many processes a component has",
        ("NAMESPACE", "COMPONENT=N…"),
        (options.YES, options.WHERE, options.GENERAL),
        (("kapture-tui scale pets data-loader=5 etl=3", "five loaders, three ETL processes"),),
    ),
    CommandLine(
        "down",
        "tear a stack down; nothing is left of it",
        ("NAMESPACE",),
        (options.DOWN, options.WHERE, options.GENERAL),
        (("kapture-tui down pets", "tear pets down"),),
    ),
    CommandLine(
        "generate",
        "write transactions as lines of JSON to standard output",
        (),
        (options.COUNT, options.POPULATION, options.GENERAL),
        (
            ("kapture-tui generate | head -3", "the first three"),
            ("kapture-tui generate -s 10 -c 500 -d 365 --seed 7 > year.jsonl", "a year of 500 customers"),
        ),
    ),
    CommandLine(
        "render",
        "write a complete kustomization, secrets included",
        ("NAMESPACE", "SCALE"),
        (options.OUTPUT, options.RENDERED, options.LOAD, options.CLUSTER, options.GENERAL),
        (
            ("kapture-tui render pets 3 -rp -o pets", "then: kubectl apply --server-side -n pets -k pets"),
            ("kapture-tui render pets 1 -r --architecture arm64 -o pets", "for nodes of another kind"),
        ),
    ),
    CommandLine(
        "doctor",
        "say what this machine and this cluster allow, each line with its remedy",
        (),
        (options.WHERE, options.GENERAL),
    ),
    CommandLine(
        "completion",
        "print the completion script of a shell",
        ("SHELL",),
        (options.GENERAL,),
        (
            ("source <(kapture-tui completion bash)", "complete in this bash"),
            ("kapture-tui completion fish > ~/.config/fish/completions/kapture-tui.fish", "in every fish"),
        ),
        choices=("bash", "zsh", "fish"),
        hidden=(NAMESPACES,),
    ),
    CommandLine(
        "bench",
        "say what the stack carries, how sure that is and what limits it",
        ("NAMESPACE", "SCALE"),
        (
            options.BENCH,
            options.COMPONENTS,
            options.POPULATION,
            options.SERVERS,
            options.WHERE,
            options.CLUSTER,
            options.GENERAL,
        ),
        (
            ("kapture-tui bench pets 1 -r --target local --budget 60", "an hour on this machine"),
            ("kapture-tui bench perf-test 3 -r --context lab --yes", "six fresh deployments on a cluster"),
            ("kapture-tui bench perf-test 3 -r --resume", "go on with what was cut off"),
            (
                "kapture-tui bench perf-test 1 -r --heartbeat --budget 120",
                "two hours of the cluster's own noise",
            ),
        ),
    ),
    CommandLine(
        "results",
        "list, show and compare what bench found",
        ("ACTION", "[RESULT…]"),
        (options.RESULTS, options.GENERAL),
        (
            ("kapture-tui results list", "all results, the catalogue's too"),
            (
                "kapture-tui results show ID --plot",
                "one, with plots; ID may be what it ends with, or a file",
            ),
            ("kapture-tui results compare A B", "is B faster than A?"),
            ("kapture-tui results show ID --html report.html", "a page to pass on"),
        ),
        choices=("list", "show", "compare"),
    ),
)

BY_NAME = {command.name: command for command in COMMANDS}
