"""The rules of the limit line, as data. docs/limits.md lists both tables, and a test keeps it so.

`RULES` say who is at the limit, and the first that holds decides: whoever is furthest down the stream comes first, as
a consumer that cannot follow fills everything before it. `SIGNS` say what is told about whoever that is. A figure that
is not known makes no rule hold and gives no sign.
"""

from __future__ import annotations

from dataclasses import dataclass

STAYS = 0.7
"""A rule that held a moment ago holds on down to this part of its threshold, so that the sentence does not flicker."""

MOST_SIGNS = 3

NO_LIMIT = "none"


@dataclass(frozen=True, slots=True)
class Rule:
    """One way to be at the limit.

    Attributes:
        id: stable, for programs.
        role: whose figures are looked at: "group" (each consumer group), "kafka", "loaders", "webapp" or "spout".
        needs: figures and what each must reach; all of them.
        worst: of several subjects that fulfil them, the one with most of this is named.
        says: the beginning of the sentence.
    """

    id: str
    role: str
    needs: tuple[tuple[str, float], ...]
    worst: str
    says: str


@dataclass(frozen=True, slots=True)
class Sign:
    """A figure worth telling.

    Attributes:
        role: whose it is: as above, or "database" of a group.
        figure: its name; `at_least` so much is worth a word.
        says: that word; {value} is the figure in the unit its name ends with, {pod} the pod it is the highest of.
        unless: a figure that says the same better; nothing is said of this one when that is known.
    """

    role: str
    figure: str
    at_least: float
    says: str
    unless: str = ""


RULES = (
    Rule("group.holds", "group", (("holds_ratio", 0.3),), "holds_ratio", "{subject} holds the loaders back"),
    Rule(
        "group.falls-behind",
        "group",
        (("lag_growth_ratio", 0.03), ("lag_s", 2.0)),
        "lag_s",
        "{subject} is falling behind",
    ),
    Rule("group.behind", "group", (("lag_s", 10.0),), "lag_s", "{subject} is behind, and catching up"),
    Rule("kafka.slow", "kafka", (("answer_p99_ms", 500.0),), "answer_p99_ms", "kafka is slow to answer"),
    Rule("loaders.late", "loaders", (("slip_s", 1.0),), "slip_s", "the loaders are late"),
    Rule(
        "webapp.refuses", "webapp", (("errors_ratio", 0.01),), "errors_ratio", "the shop fails its visitors"
    ),
    Rule("webapp.late", "webapp", (("behind_s", 1.0),), "behind_s", "the shop keeps its visitors waiting"),
    Rule("spout.behind", "spout", (("behind_s", 10.0),), "behind_s", "the spout is behind"),
    Rule(
        "loaders.busy",
        "loaders",
        (("unbounded_ratio", 0.5),),
        "unbounded_ratio",
        "the loaders send as fast as they can, and all follow",
    ),
)

SIGNS = (
    Sign("database", "rejected_ratio", 0.001, "{database} rejects {value}"),
    Sign("database", "rejected_per_s", 0.1, "{database} rejects {value}", "rejected_ratio"),
    Sign("database", "heap_ratio", 0.85, "heap {value}"),
    Sign("database", "throttled_ratio", 0.05, "{pod} is throttled in {value} of the time"),
    Sign("database", "cpu_ratio", 0.9, "{pod} uses {value} of its CPU"),
    Sign("database", "cpu_cores", 0.8, "{pod} uses {value}", "cpu_ratio"),
    Sign("database", "cache_miss_ratio", 0.05, "{database} has {value} of its blocks to fetch from disk"),
    Sign("group", "throttled_ratio", 0.05, "{pod} is throttled in {value} of the time"),
    Sign("group", "cpu_ratio", 0.8, "{pod} uses {value} of its core"),
    Sign("group", "lag_growth_per_s", 10.0, "its lag grows by {value}"),
    Sign("group", "lag_s", 0.5, "{value} late"),
    Sign("database", "memory_ratio", 0.9, "{pod} uses {value} of its memory"),
    Sign("kafka", "answer_p99_ms", 100.0, "p99 of acknowledgements {value}"),
    Sign("kafka", "away", 1.0, "{value} of its brokers away"),
    Sign("kafka", "throttled_ratio", 0.05, "{pod} is throttled in {value} of the time"),
    Sign("kafka", "cpu_ratio", 0.9, "{pod} uses {value} of its CPU limit"),
    Sign("loaders", "slip_s", 0.5, "{value} behind schedule"),
    Sign("loaders", "throttled_ratio", 0.05, "{pod} is throttled in {value} of the time"),
    Sign("loaders", "cpu_ratio", 0.8, "{pod} uses {value} of its core"),
    Sign("webapp", "errors_ratio", 0.001, "{value} of the visits fail"),
    Sign("webapp", "behind_s", 0.5, "the next one waits {value}"),
    Sign("webapp", "visit_p99_ms", 500.0, "p99 of the slowest page {value}"),
    Sign("webapp", "throttled_ratio", 0.05, "{pod} is throttled in {value} of the time"),
    Sign("webapp", "cpu_ratio", 0.8, "{pod} uses {value} of its core"),
    Sign("spout", "behind_s", 0.5, "orders come back after {value}"),
    Sign("spout", "throttled_ratio", 0.05, "{pod} is throttled in {value} of the time"),
    Sign("spout", "cpu_ratio", 0.8, "{pod} uses {value} of its core"),
)
