"""Every option as data: parser, help, shell completions and the search for the first word all read this table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from kapture_tui.model.spec import STORAGE, ClusterSpec, Component, LoadSpec

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Option:
    """One option.

    Attributes:
        flags: "-s", "--stores"; the last one names its value in the parsed result.
        help: one line; "" hides it from the help.
        metavar: what its value is called; "" for a switch, which takes none.
        parse: makes the value from the text; raises ValueError whose text says what would be valid.
        default: the value without the option; None where that means something of its own.
        choices: the only values there are; empty: any.
        many: may be given several times; the value is the tuple of all.
        component: the component a switch adds; None for everything else.
    """

    flags: tuple[str, ...]
    help: str
    metavar: str = ""
    parse: Callable[[str], Any] = str
    default: Any = None
    choices: tuple[str, ...] = ()
    many: bool = False
    component: Component | None = None

    @property
    def name(self) -> str:
        """What the value is called in the parsed result: "stores"."""
        return self.flags[-1].lstrip("-").replace("-", "_")


@dataclass(frozen=True, slots=True)
class Group:
    """Options that stand together in the help."""

    title: str
    options: tuple[Option, ...]


def whole(text: str) -> int:
    """A whole number. Raises ValueError."""
    try:
        return int(text)
    except ValueError:
        raise ValueError("must be a whole number") from None


def number(text: str) -> float:
    """A finite number. Raises ValueError."""
    try:
        value = float(text)
    except ValueError:
        raise ValueError("must be a number") from None
    if value != value or value in (float("inf"), float("-inf")):
        raise ValueError("must be a number")
    return value


def seconds(text: str) -> float:
    """A length of time in seconds, 0 or more. Raises ValueError."""
    value = number(text)
    if value < 0:
        raise ValueError("must be seconds, 0 or more")
    return value


def positive(text: str) -> int:
    """A whole number from 1. Raises ValueError."""
    value = whole(text)
    if value < 1:
        raise ValueError("must be 1 or more")
    return value


def position(text: str) -> float:
    """A place in a recording in seconds: "90", "1:30", "1:00:00"; "-30": so long before its end. Raises ValueError."""
    parts = text.removeprefix("-").split(":")
    if len(parts) > 3 or not all(part.isdecimal() for part in parts):
        raise ValueError("must be seconds or MM:SS, with - from the end")
    total = sum(int(part) * 60**power for power, part in enumerate(reversed(parts)))
    return -float(total) if text.startswith("-") else float(total)


def speed(text: str) -> float:
    """How many seconds of a recording pass in one. Raises ValueError."""
    value = number(text)
    if not 0.25 <= value <= 60:
        raise ValueError("must be from 0.25 to 60")
    return value


def size(text: str) -> tuple[int, int]:
    """Columns and rows: "120x40". Raises ValueError."""
    columns, _, rows = text.partition("x")
    if not (
        columns.isdecimal() and rows.isdecimal() and 40 <= int(columns) <= 300 and 12 <= int(rows) <= 100
    ):
        raise ValueError("must be COLUMNSxROWS, from 40x12 to 300x100")
    return int(columns), int(rows)


def path(text: str) -> Path:
    """A path, with a leading "~" expanded. Raises ValueError for an empty one."""
    if not text:
        raise ValueError("must be a path")
    from pathlib import Path

    return Path(text).expanduser()


def existing(text: str) -> Path:
    """A path of something that is there. Raises ValueError."""
    found = path(text)
    if not found.exists():
        raise ValueError("is not there")
    return found


def overlay(text: str) -> Path:
    """A directory with a kustomization. Raises ValueError."""
    folder = existing(text)
    if not any((folder / name).is_file() for name in KUSTOMIZATIONS):
        raise ValueError(f"must be a directory with a {KUSTOMIZATIONS[0]}")
    return folder


def amount(text: str) -> float:
    """A number above 0. Raises ValueError."""
    value = number(text)
    if value <= 0:
        raise ValueError("must be more than 0")
    return value


def scales(text: str) -> tuple[int, ...]:
    """Whole numbers from 1, parted by commas. Raises ValueError."""
    return tuple(positive(part) for part in text.split(","))


KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml", "Kustomization")
ARCHITECTURES = ("amd64", "arm64")

_LOAD = LoadSpec()
_CLUSTER = ClusterSpec()


COMPONENTS = Group(
    "components (can be combined: -rp)",
    (
        Option(
            ("-r", "--deploy-redis"),
            "Redis and the consumer that writes every transaction into it",
            component=Component.REDIS,
        ),
        Option(
            ("-e", "--deploy-elastic-search"),
            "Elasticsearch and the consumer that stores every transaction in it",
            component=Component.ELASTICSEARCH,
        ),
        Option(
            ("-p", "--prometheus"),
            "Prometheus, or a PodMonitor where its operator runs (on Kubernetes)",
            component=Component.PROMETHEUS,
        ),
        Option(
            ("-m", "--deploy-mongo"),
            "MongoDB and the consumer that keeps every transaction as a document",
            component=Component.MONGO,
        ),
        Option(
            ("-o", "--deploy-postgres"),
            "Postgres and the consumer that writes every transaction into its tables",
            component=Component.POSTGRES,
        ),
        Option(
            ("-w", "--deploy-webapp"),
            "a small shop over HTTP, and shoppers who visit it (needs Redis)",
            component=Component.WEBAPP,
        ),
        Option(
            ("-z", "--zookeeper"),
            "Kafka 3.9 with ZooKeeper in place of KRaft",
            component=Component.ZOOKEEPER,
        ),
        Option(
            ("--sink",),
            "a database that an installed package adds; may be repeated",
            "NAME[=URL]",
            many=True,
        ),
    ),
)

POPULATION = Group(
    "load",
    (
        Option(("-s", "--stores"), "pet stores, shared by all loaders", "N", whole, _LOAD.stores),
        Option(("-c", "--customers"), "customers of each loader", "N", whole, _LOAD.customers),
        Option(("-d", "--days"), "simulated days of a round", "N", whole, _LOAD.days),
        Option(("--models",), "purchasing models the customers are spread over", "N", whole, _LOAD.models),
        Option(("--seed",), "the same seed gives the same transactions", "N", whole, _LOAD.seed),
        Option(("--compat",), "publish products as field names only, as the queue loader of 2016 did"),
    ),
)

LOAD = Group(
    POPULATION.title,
    (
        *POPULATION.options[:4],
        Option(("--rate",), "transactions a second and loader (default: unbounded)", "N", number),
        *POPULATION.options[4:],
        Option(
            ("--shoppers",), "with -w: who visit the shop, a page a second each", "N", whole, _LOAD.shoppers
        ),
    ),
)

COUNT = Group(
    "output",
    (
        Option(("--count",), "stop after so many transactions (default: all of the days)", "N", positive),
        Option(("--workers",), "processes that share the work; the bytes stay the same", "N", positive, 1),
    ),
)

WHERE = Group(
    "where",
    (
        Option(
            ("--target",),
            "local: this machine; kubernetes: a cluster (default: kubernetes where a kubeconfig has a current context)",
            "WHERE",
            choices=("local", "kubernetes"),
        ),
        Option(("--kubeconfig",), "default: KUBECONFIG, then ~/.kube/config", "FILE", existing),
        Option(("--context",), "of the kubeconfig (default: its current one)", "NAME"),
    ),
)

CLUSTER = Group(
    "on a cluster",
    (
        Option(
            ("--redis-count",), "1, or 3 to 9 Redis servers with fail-over", "N", whole, _CLUSTER.redis_count
        ),
        Option(
            ("--storage",),
            "persistent: claimed volumes; ephemeral: gone with the pod",
            "KIND",
            default=_CLUSTER.storage,
            choices=STORAGE,
        ),
        Option(("--storage-class",), "of claimed volumes (default: the cluster's)", "NAME"),
        Option(("--kustomize",), "deploy this kustomization instead of the built-in one", "DIR", overlay),
        Option(("--image",), "the workload's image, instead of python and ConfigMaps", "REF"),
        Option(("--registry",), "take every image from below this prefix", "PREFIX"),
        Option(("--pull-secret",), "Secret of the namespace that pulls images", "NAME"),
        Option(("--node-selector",), "label of nodes to run on; may be repeated", "K=V", many=True),
        Option(("--toleration",), "taint that is borne; may be repeated", "K=V:EFFECT", many=True),
        Option(("--cpu-limits",), "limit CPU as well: the limits are then what is measured"),
    ),
)

PURGE = Option(("--purge",), "remove claimed volumes too, with the data in them")

SERVERS = Group(
    "servers that are there already (on this machine)",
    (
        Option(
            ("--kafka-bootstrap",),
            "Kafka brokers to use (default: those of KAFKA_HOME, else the embedded broker)",
            "HOST:PORT,…",
        ),
        Option(("--redis-url",), "Redis to use, redis://… or unix://… (default: a packaged one)", "URL"),
        Option(("--mongo-url",), "MongoDB or FerretDB to use, mongodb://…; -m needs it", "URL"),
        Option(
            ("--postgres-url",), "Postgres to use, postgresql://… (default: one that is installed)", "URL"
        ),
        Option(
            ("--elasticsearch-url",),
            "Elasticsearch or OpenSearch to use, http(s)://… (default: that of ELASTICSEARCH_HOME)",
            "URL",
        ),
    ),
)

PLAIN = Option(("--plain",), "lines of plain text instead of the console, as for a pipe or TERM=dumb")

NO_RECORD = Option(("--no-record",), "do not record the session (see replay)")

RUN = Group(
    "run",
    (
        Option(
            ("--for",),
            "run so long, stop the loaders, drain, print the ledger, tear down",
            "SECONDS",
            seconds,
        ),
        Option(
            ("--drain",), "with --for: time the consumers have for what is left", "SECONDS", seconds, 120.0
        ),
        Option(("--json",), "print the final Snapshot as the last line"),
        Option(("--keep",), "leave the stack running where it would be torn down"),
        PURGE,
        NO_RECORD,
        Option(("--yes",), "do not ask"),
    ),
)

LOOK = Group(
    "console",
    (
        PLAIN,
        NO_RECORD,
        Option(("--readonly",), "show only: nothing can be changed"),
        Option(("--theme",), "name of a theme (default: that of your configuration)", "NAME"),
    ),
)

CONSOLE = Group(
    "console",
    (
        Option(("--yes",), "start at once, without the setup screen"),
        Option(("--keep",), "leave the stack running when the console goes"),
        *LOOK.options,
        Option(("--delete",), "tear NAMESPACE down, as `down` does"),
        PURGE,
        Option(("--json",), ""),
        Option(("--for",), "", "SECONDS", seconds),
        Option(("--drain",), "", "SECONDS", seconds),
    ),
)

_RESULTS = Option(
    ("--results",),
    "folder of the result files (default: benchmark/results of a checkout, else your data directory)",
    "DIR",
    path,
)

BENCH = Group(
    "what the verdict rests on",
    (
        Option(
            ("--budget",), "time for all of it (default: 90, or 15 a deployment if more)", "MINUTES", amount
        ),
        Option(("--p99",), "99 of 100 transactions must be stored within this time", "SECONDS", amount, 1.0),
        Option(("--repeats",), "fresh deployments, at least 3", "N", positive, 6),
        Option(("--scales",), "measure these scales too and fit a scaling curve: 1,2,4", "N,N,…", scales),
        Option(("--minus-one",), "measure again with one broker away (scale 3 or more, on a cluster)"),
        Option(("--auto-loaders",), "double the loaders when they are what limits the run"),
        Option(
            ("--heartbeat",), "instead: a small constant load for --budget, to see the cluster's own noise"
        ),
        Option(
            ("--rule",),
            "kapture: measure as Kapture did in 2019",
            "RULE",
            default="capacity",
            choices=("capacity", "kapture"),
        ),
        Option(
            ("--price-per-hour",), "of the cluster; gives the cost of a million transactions", "N", amount
        ),
        Option(("--simulate",), "a simulated cluster in place of a real one", "MODULE:FACTORY"),
        Option(("--resume",), "go on with the latest run like this one that was cut off"),
        _RESULTS,
        Option(("--with-names",), "keep host names in the result"),
        Option(("--json",), "no console; print the result as the last line"),
        PLAIN,
        *(option for option in LOOK.options if option.name == "theme"),
        Option(("--yes",), "do not ask"),
    ),
)

RESULTS = Group(
    "output",
    (
        _RESULTS,
        Option(("--json",), "as JSON"),
        Option(("--plot",), "draw it in the terminal"),
        Option(("--svg",), "write the plots into this folder, one file each", "DIR", path),
        Option(("--html",), "write a page with table and plots", "FILE", path),
    ),
)

WATCH = Group(
    "output",
    (
        Option(("--json",), "one Snapshot as a line of JSON"),
        Option(
            ("--watch",), "a Snapshot a line, every so often, until the stack is gone", "SECONDS", seconds
        ),
        NO_RECORD,
    ),
)

TOUR = Group("console", tuple(option for option in LOOK.options if option.name in ("theme", "no_record")))

REPLAY = Group(
    "replay",
    (
        Option(
            ("--at",), "where to begin, or what moment to picture; -30: before the end", "MM:SS", position
        ),
        Option(("--speed",), "seconds of the recording in one second", "N", speed, 1.0),
        PLAIN,
        *(option for option in LOOK.options if option.name == "theme"),
    ),
)

EXPORT = Group(
    "export, instead of playing it",
    (
        Option(("--json",), "every Snapshot as a line of JSON"),
        Option(("--csv",), "a line a Snapshot, a column a figure; without those of single states and pods"),
        Option(("--svg",), "a picture of the dashboard at one moment (default: the last one)"),
        Option(("--size",), "of the picture, in characters", "COLUMNSxROWS", size, (120, 40)),
        Option(("-o", "--output"), "file to write to (default: standard output)", "FILE", path),
    ),
)

YES = Group("run", (Option(("--yes",), "do not ask"),))

DOWN = Group(YES.title, (PURGE, *YES.options))

RENDERED = Group(
    COMPONENTS.title,
    tuple(
        replace(option, flags=option.flags[1:]) if "-o" in option.flags else option
        for option in COMPONENTS.options
    ),
)
"""`render` has -o for its output."""

OUTPUT = Group(
    "output",
    (
        Option(("-o", "--output"), "directory to write to; made if it is not there", "DIR", path),
        Option(
            ("--architecture",),
            "of the nodes; may be repeated (default: amd64)",
            "ARCH",
            choices=ARCHITECTURES,
            many=True,
        ),
    ),
)

GENERAL = Group(
    "general",
    (
        Option(("--log-file",), "log everything in detail to this file, secrets left out", "FILE", path),
        Option(("--version",), "print the version"),
        Option(("-h", "--help"), "print this help"),
    ),
)
