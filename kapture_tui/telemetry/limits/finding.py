"""Where the limit is: the first rule that holds, said in one sentence with its evidence. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping

from kapture_tui.model.snapshot import Evidence, FlowView, Limit, Snapshot
from kapture_tui.model.spec import Component
from kapture_tui.telemetry.limits.figures import Figures, Look, Roles, look_at, over
from kapture_tui.telemetry.limits.rules import MOST_SIGNS, NO_LIMIT, RULES, SIGNS, STAYS, Rule

WINDOW_S = 10.0
"""What figures are taken over, seconds."""


class LimitWatch:
    """Where the limit is, from one Snapshot to the next."""

    def __init__(self) -> None:
        self._looks: deque[Look] = deque()
        self._run_id = ""
        self._last: Limit | None = None

    def look(self, snapshot: Snapshot) -> Limit | None:
        """Where it is now; None: there is no report to say it by."""
        if snapshot.run.run_id != self._run_id:
            self._looks.clear()
            self._run_id, self._last = snapshot.run.run_id, None
        if snapshot.flow is None or snapshot.kafka is None:
            return None
        now = look_at(snapshot)
        while self._looks and not now.time_s - WINDOW_S <= self._looks[0].time_s <= now.time_s:
            self._looks.popleft()
        self._looks.append(now)
        self._last = _limit(over(self._looks), snapshot.flow, self._last)
        return self._last


def _limit(roles: Roles, flow: FlowView, before: Limit | None) -> Limit:
    for rule in RULES:
        subject = _found(rule, roles[rule.role], before)
        if subject is not None:
            return _told(rule, subject, roles)
    return Limit(NO_LIMIT, "", _room(flow, roles))


def _found(rule: Rule, subjects: Mapping[str, Figures], before: Limit | None) -> str | None:
    """The subject for which a rule holds, the worst of several."""
    holding = {
        name: figures[rule.worst].value if rule.worst in figures else 0.0
        for name, figures in subjects.items()
        if _holds(rule, figures, before is not None and (before.rule, before.subject) == (rule.id, name))
    }
    return max(holding, key=lambda name: holding[name]) if holding else None


def _holds(rule: Rule, figures: Figures, held: bool) -> bool:
    part = STAYS if held else 1.0
    return all(name in figures and figures[name].value >= least * part for name, least in rule.needs)


def _told(rule: Rule, subject: str, roles: Roles) -> Limit:
    database = subject.removeprefix("etl-") if subject.startswith("etl-") else ""
    about = {rule.role: (subject, roles[rule.role][subject])}
    if rule.role == "group" and database in roles["database"]:
        about["database"] = (database, roles["database"][database])
    evidence = tuple(_signs(about))[:MOST_SIGNS]
    said = ", ".join(found.text for found in evidence)
    head = rule.says.format(subject=subject)
    return Limit(rule.id, subject, f"{head}: {said}" if said else head, evidence)


def _signs(about: Mapping[str, tuple[str, Figures]]) -> Iterator[Evidence]:
    for sign in SIGNS:
        name, figures = about.get(sign.role, ("", {}))
        found = figures.get(sign.figure)
        if found is not None and found.value >= sign.at_least and sign.unless not in figures:
            whose = found.pod or name
            text = sign.says.format(value=written(sign.figure, found.value), pod=whose, database=name)
            yield Evidence(whose, sign.figure, found.value, text)


def written(figure: str, value: float) -> str:
    """A figure for people, by the end of its name."""
    if figure.endswith("_cores"):
        return f"{value:.1f} cores"
    if figure.endswith("_ratio"):
        return f"{value:.1%}".replace("%", " %") if value < 0.0995 else f"{value:.0%}".replace("%", " %")
    if figure.endswith("_per_s"):
        return f"{value:,.0f}/s" if value >= 10 else f"{value:.1f}/s"
    if figure.endswith("_ms"):
        return f"{value:,.0f} ms" if value < 10_000 else f"{value / 1000:,.1f} s"
    if figure.endswith("_s"):
        return f"{value:.1f} s" if value < 10 else f"{value:,.0f} s"
    return f"{value:,.0f}"


def _room(flow: FlowView, roles: Roles) -> str:
    """How much is left where nothing is short."""
    if flow.mode is None:
        return "no loader is running"
    if flow.mode == "paused":
        return "the loaders are paused"
    if flow.mode == "waiting":
        return f"the loaders wait for {flow.limited_by}"
    parts = ["nothing is short"]
    latest = max((f["lag_s"].value for f in roles["group"].values() if "lag_s" in f), default=None)
    if latest is not None:
        parts.append(f"all groups within {written('lag_s', max(latest, 0.1))}")
    busy = roles["loaders"][Component.LOADER.value].get("cpu_ratio")
    if busy is not None:
        parts.append(f"the loaders have {written('_ratio', max(0.0, 1 - busy.value))} of a core to spare")
    return ": ".join((parts[0], ", ".join(parts[1:]))) if parts[1:] else parts[0]
