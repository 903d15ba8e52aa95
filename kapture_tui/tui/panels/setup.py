"""The setup form: every choice with what was found, what it will start, and what that takes."""

from __future__ import annotations

import os

from kapture_tui.model.errors import UsageError
from kapture_tui.model.spec import CHOICES, Component, StackSpec, sink_of
from kapture_tui.stack import sizing
from kapture_tui.tui.figures import count, plural, size
from kapture_tui.tui.form import Field, Form
from kapture_tui.tui.lines import Line, fit, line, line_width
from kapture_tui.tui.picture import Picture, Spot
from kapture_tui.tui.questions import namespace_state, pods
from kapture_tui.tui.text import clean, clip, left, wrap

WHERE, COMPONENT, FIELD, START = "where/", "component/", "field/", "start"
"""What keys of the selection begin with."""

_LABEL = 12
_NAME = 15
_FIELDS = (("namespace",), ("scale",), ("stores", "customers", "days"), ("rate", "seed"), ("shoppers",))
_WIDTHS = {
    "namespace": 24,
    "scale": 4,
    "stores": 8,
    "customers": 9,
    "days": 8,
    "rate": 10,
    "seed": 12,
    "shoppers": 8,
}
_LABELS = {"namespace": "name", "rate": "load"}


class _Sheet:
    """Rows and spots as they are collected."""

    def __init__(self, cells: int) -> None:
        self.cells = cells
        self.rows: list[Line] = []
        self.spots: list[Spot] = []

    def add(self, *parts: str | tuple[str, str]) -> None:
        self.rows.append(line(*parts))

    def spot(self, key: str, x: int, cells: int) -> None:
        self.spots.append(Spot(key, len(self.rows), x, cells))


def picture(form: Form, cells: int, height: int, selected: str | None) -> Picture:
    """Return the form's picture; `selected` is the key whose explanation is shown and whose field has the cursor."""
    sheet = _Sheet(cells)
    airy = height >= 19
    _where(sheet, form)
    if airy:
        sheet.add()
    _components(sheet, form)
    if airy:
        sheet.add()
    _fields(sheet, form, selected)
    _advice(sheet, form, selected, 2 if airy else 1)
    _summary(sheet, form)
    return Picture(
        title=line(("new run", "title")),
        rows=tuple(fit(row, cells) for row in sheet.rows),
        spots=tuple(sheet.spots),
    )


def _where(sheet: _Sheet, form: Form) -> None:
    facts = ", ".join(filter(None, (machine(), form.memory())))
    place = (left("where", _LABEL), "this machine", facts, not form.on_cluster)
    _choice(sheet, f"{WHERE}local", *place)
    _choice(sheet, f"{WHERE}kubernetes", " " * _LABEL, "cluster", _cluster(form), form.on_cluster)


def _choice(sheet: _Sheet, key: str, label: str, name: str, facts: str, chosen: bool) -> None:
    sheet.spot(key, _LABEL, sheet.cells - _LABEL)
    facts = clip(clean(facts), sheet.cells - _LABEL - 20)
    mark = ("● ", "accent") if chosen else ("○ ", "dim")
    sheet.add((label, "dim"), mark, (left(name, _NAME + 2), "text" if chosen else "dim"), (facts, "dim"))


def _cluster(form: Form) -> str:
    """Return which cluster is chosen or would be, and who we are there; or why none can be."""
    if form.no_cluster:
        return form.no_cluster
    info = next((info for info in form.contexts if info.name == form.context()), None)
    name = form.context() or "no current context: space chooses one"
    server = form.place.server if form.place else info.server if info else ""
    user = f" as {form.place.user}" if form.place else ""
    return f"{name}  {server}{user}"


def machine() -> str:
    """Return what this machine has, as far as can be told without asking anybody."""
    return plural(os.cpu_count() or 1, "core")


def _components(sheet: _Sheet, form: Form) -> None:
    for index, component in enumerate((Component.KAFKA, *CHOICES)):
        sheet.spot(COMPONENT + component.value, _LABEL, sheet.cells - _LABEL)
        label = left("components" if index == 0 else "", _LABEL)
        sheet.rows.append(
            fit(((label, "dim"), *_component(form, component, sheet.cells - _LABEL)), sheet.cells)
        )


def _component(form: Form, component: Component, cells: int) -> Line:
    refusal = form.refusal(component)
    always = component is Component.KAFKA
    chosen = always or component in form.components
    room = cells - _NAME - 4
    if refusal:
        return line((f"[-] {left(component.value, _NAME)}{clip(clean(refusal), room)}", "dim"))
    box = ("[x] ", "accent") if chosen else ("[ ] ", "text")
    return line(box, left(component.value, _NAME), (clip(clean(_found(form, component)), room), "dim"))


def _found(form: Form, component: Component) -> str:
    from kapture_tui.stack.catalogue import CATALOGUE

    found = form.finding(component)
    if found is None and form.findings is None:
        return "looking…"
    return found.text if found is not None else CATALOGUE[component].title


def _fields(sheet: _Sheet, form: Form, selected: str | None) -> None:
    for names in _FIELDS:
        if names[0] not in form.asked:
            continue
        row: Line = ()
        for name in names:
            label = name if form.on_cluster and name == "namespace" else _LABELS.get(name, name)
            row += line((left(label, _LABEL) if not row else f"{label} ", "dim"))
            chosen = selected == FIELD + name
            drawn = _field(form, name, chosen)
            sheet.spot(FIELD + name, line_width(row), line_width(drawn))
            row += (*drawn, ("  ", "text"))
        if names == ("scale",):
            row += line((_replicas(form), "dim"))
        if names == ("namespace",) and (place := form.here()):
            row += line((namespace_state(place), "dim"))
        if names == ("shoppers",):
            row += line((" visit the shop, each a page a second on average", "dim"))
        sheet.add(*row)


def _field(form: Form, name: str, chosen: bool) -> Line:
    content, cells = form.fields[name], _WIDTHS[name]
    role = "trouble" if form.problem(name) else "text"
    if chosen:
        return line(("[", "accent"), *_edited(content, cells, role), ("]", "accent"))
    text, role = ("unbounded", "dim") if name == "rate" and not content.text else (content.text, role)
    unit = line((_unit(form), "dim")) if name == "rate" else ()
    return (*line(("[", "dim"), (left(text, cells), role), ("]", "dim")), *unit)


def _edited(content: Field, cells: int, role: str) -> Line:
    start = max(0, content.cursor - cells + 1)
    shown = left(content.text[start:], cells)
    at = content.cursor - start
    if content.fresh and content.text:
        typed = min(cells, len(content.text))
        return line((shown[:typed], "cursor"), (shown[typed:], role))
    return line((shown[:at], role), (shown[at], "cursor"), (shown[at + 1 :], role))


def _advice(sheet: _Sheet, form: Form, selected: str | None, rows: int) -> None:
    """Say what is to be known about the selected place, in so many rows; what stands in the way comes first."""
    text, role = advice(form, selected)
    lines = wrap(clean(text), sheet.cells)
    if len(lines) > rows:
        lines = [*lines[: rows - 1], clip(" ".join(lines[rows - 1 :]), sheet.cells)]
    for index in range(rows):
        sheet.add((lines[index] if index < len(lines) else "", role))


def advice(form: Form, selected: str | None) -> tuple[str, str]:
    """Return text and role of what is to be said about the selected place."""
    if form.on_cluster and form.trouble:
        return form.trouble, "trouble"
    for found in form.obstacles():
        text = f"{found.subject}: {found.text}{': ' if found.remedy else ''}{found.remedy}"
        return text, "trouble" if found.fatal else "warn"
    kind, _, name = (selected or "").partition("/")
    if kind == "field":
        problem = form.problem(name)
        return (f"{name}: {problem}", "trouble") if problem else (_hint(form, name), "dim")
    if kind == "where":
        return _about(form, name), "dim"
    if kind == "component":
        return _component_advice(form, Component(name))
    return "", "dim"


def _about(form: Form, target: str) -> str:
    if target == "local":
        return "child processes of this machine"
    if form.no_cluster:
        return f"cluster: {form.no_cluster}"
    if not form.on_cluster:
        return "pods in a namespace; space chooses it"
    return f"pods in a namespace; space chooses one of {plural(len(form.contexts), 'context')}"


def _hint(form: Form, name: str) -> str:
    if form.on_cluster and name == "namespace":
        return "where the stack goes; space lists those that are there"
    return _HINTS[name]


_HINTS = {
    "namespace": "what the stack is called; two names run side by side",
    "scale": "loaders, etl processes and sinks of each database",
    "stores": "pet stores, shared by all loaders",
    "customers": "customers of each loader",
    "days": "simulated days of a round; loaders begin another one when it is over",
    "rate": "transactions a second and loader; empty: as fast as Kafka takes them",
    "seed": "the same seed and names give the same transactions",
    "shoppers": "of each process of them; one page in ten is an order",
}


def _component_advice(form: Form, component: Component) -> tuple[str, str]:
    from kapture_tui.stack.catalogue import CATALOGUE

    if refusal := form.refusal(component):
        return f"{component.value}: {refusal}", "warn"
    return f"{component.value}: {CATALOGUE[component].title}", "dim"


def _summary(sheet: _Sheet, form: Form) -> None:
    button = "[ enter  start ]"
    text, role = summary(form)
    room = sheet.cells - len(button) - 2
    lines = wrap(text, room)
    for row in lines[:-1]:
        sheet.add((row, role))
    ready = role == "strong"
    sheet.spot(START, sheet.cells - len(button), len(button))
    sheet.add((left(lines[-1], room + 2), role), (button, "accent" if ready else "dim"))


def summary(form: Form) -> tuple[str, str]:
    """Return text and role of what would be started now, and what that takes."""
    try:
        spec = form.spec()
    except UsageError as exc:
        return f"not yet: {exc.doing}, {exc.cause}", "trouble"
    if form.on_cluster:
        return hindrance(form) or (_cluster_summary(form, spec), "strong")
    takes = sizing.estimate(spec, os.cpu_count() or 1)
    started = plural(takes.processes, "process", "processes")
    ready_s = max(1, round(takes.seconds))
    return f"starts {started}, about {size(takes.memory_bytes)}, ready in about {ready_s} s", "strong"


def hindrance(form: Form) -> tuple[str, str] | None:
    """Return text and role of what keeps a stack from being started on the cluster; None if nothing does."""
    context = form.context()
    if form.no_cluster or not context:
        return f"not yet: {form.no_cluster or 'choose a context'}", "trouble"
    if form.trouble:
        return f"not yet: {context} cannot be used", "trouble"
    if "deploy" in form.denied:
        return f"you may not {form.denied['deploy']}", "trouble"
    for found in form.findings or ():
        if found.fatal and not found.ok:
            return f"not yet: {found.subject}, {found.text}", "trouble"
    if form.here() is None:
        return f"asking {context}…", "dim"
    return None


def _cluster_summary(form: Form, spec: StackSpec) -> str:
    place = form.here()
    also = "makes the namespace and " if place is not None and place.exists is False else ""
    return f"{also}starts {plural(pods(spec), 'pod')} in {spec.namespace} on {form.context()}"


def _unit(form: Form) -> str:
    """Return what the rate means; with several loaders, what they offer together."""
    try:
        spec = form.spec()
    except UsageError:
        return " /s and loader"
    if spec.load.rate is None or spec.scale == 1:
        return " /s and loader"
    return f" /s each, {count(spec.load.rate * sizing.size(spec.scale).loaders)}/s in all"


def _replicas(form: Form) -> str:
    """Return what the scale means for what is chosen now; "" while something is wrong."""
    try:
        spec = form.spec()
    except UsageError:
        return ""
    scaled = sizing.size(spec.scale)
    parts = [plural(scaled.loaders, "loader"), f"{scaled.etl} etl"]
    parts += [f"{scaled.sinks} {sink_of(database).value}" for database in spec.databases]
    return f"{', '.join(parts)}, {scaled.topics} topics x {plural(scaled.partitions, 'partition')}"
