"""The setup: what was typed and ticked so far, what is wrong with it, and the stack it stands for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from kapture_tui.model.errors import UsageError
from kapture_tui.model.spec import CHOICES, Component, LoadSpec, StackSpec, refuse_reserved
from kapture_tui.targets.base import Connection, Finding, Place

if TYPE_CHECKING:
    from kapture_tui.targets.kubernetes.kubeconfig import ContextInfo

DIGITS = "0123456789"
LABEL = "abcdefghijklmnopqrstuvwxyz0123456789-"


@dataclass(frozen=True, slots=True)
class Field:
    """A line of text being edited.

    Attributes:
        text: what is in it.
        allowed: characters it takes; empty: all that can be printed.
        cursor: index of the character the next one is inserted before.
        fresh: it was just entered: the first character typed replaces everything.
    """

    text: str
    allowed: str
    cursor: int = 0
    fresh: bool = True

    def entered(self) -> Field:
        """Return the field as it is when the selection comes to it."""
        return replace(self, cursor=len(self.text), fresh=True)

    def typed(self, text: str) -> Field:
        """Return the field after text was typed or pasted; characters it does not take are left out."""
        taken = "".join(
            char for char in text if (char in self.allowed if self.allowed else char.isprintable())
        )
        if not taken:
            return self
        before = "" if self.fresh else self.text[: self.cursor]
        after = "" if self.fresh else self.text[self.cursor :]
        return replace(
            self, text=(before + taken + after)[:63], cursor=min(63, len(before + taken)), fresh=False
        )

    def edited(self, key: str) -> Field | None:
        """Return the field after an editing key; None for a key that edits nothing."""
        at = len(self.text) if self.fresh else self.cursor
        if key == "backspace":
            return replace(
                self, text=self.text[: max(0, at - 1)] + self.text[at:], cursor=max(0, at - 1), fresh=False
            )
        if key == "delete":
            return replace(self, text=self.text[:at] + self.text[at + 1 :], cursor=at, fresh=False)
        if key == "ctrl+u":
            return replace(self, text="", cursor=0, fresh=False)
        moves = {
            "left": max(0, at - 1),
            "right": min(len(self.text), at + 1),
            "home": 0,
            "end": len(self.text),
        }
        return replace(self, cursor=moves[key], fresh=False) if key in moves else None


FIELDS = ("namespace", "scale", "stores", "customers", "days", "rate", "seed", "shoppers")
"""In the order of the screen. An empty rate is unbounded."""


@dataclass(slots=True)
class Form:
    """What the setup screen holds.

    Attributes:
        base: the stack it began with; what the screen does not show stays as it is there.
        target: name of the target.
        fields: by the names in `FIELDS`.
        components: those chosen.
        findings: what preflight said; None while it is being asked.
        connection: how the cluster is reached; its context is the one chosen.
        contexts: the clusters there are to choose from.
        no_cluster: why none can be chosen; "" if one can be.
        place: where the cluster says we are; None as long as it has not answered.
        denied: what may not be done there, as `Target.denied` says it.
        trouble: why the cluster does not answer; "" if it does, or has not been asked.
    """

    base: StackSpec
    target: str = "local"
    fields: dict[str, Field] = field(default_factory=dict)
    components: set[Component] = field(default_factory=set)
    findings: Sequence[Finding] | None = None
    connection: Connection = Connection()
    contexts: Sequence[ContextInfo] = ()
    no_cluster: str = "looking for a kubeconfig…"
    place: Place | None = None
    denied: Mapping[str, str] = field(default_factory=dict)
    trouble: str = ""

    @property
    def on_cluster(self) -> bool:
        """Whether the stack is to run on a cluster."""
        return self.target == "kubernetes"

    def choose(self, target: str, context: str | None = None) -> None:
        """Choose where the stack is to run; what was known about another place is forgotten."""
        self.target = target
        self.connection = replace(self.connection, context=context or self.connection.context)
        self.findings, self.place, self.denied, self.trouble = None, None, {}, ""

    @property
    def asked(self) -> tuple[str, ...]:
        """The fields that matter for what is chosen now: without a shop nobody is asked for its shoppers."""
        shop = Component.WEBAPP in self.components and not self.refusal(Component.WEBAPP)
        return FIELDS if shop else FIELDS[:-1]

    def context(self) -> str:
        """Return the name of the chosen context; "" if there is none."""
        current = next((info.name for info in self.contexts if info.current), "")
        return self.connection.context or current

    def here(self) -> Place | None:
        """Return the place, if it is that of the namespace as it is typed now."""
        known = self.place is not None and self.place.namespace == self.fields["namespace"].text
        return self.place if known else None

    def spec(self) -> StackSpec:
        """Return the stack. Raises UsageError for the first thing that is wrong."""
        for name in self.asked:
            if problem := self.problem(name):
                raise UsageError(name, problem)
        shoppers = self.fields["shoppers"].text if "shoppers" in self.asked else self.base.load.shoppers
        load = replace(
            self.base.load,
            stores=int(self.fields["stores"].text),
            customers=int(self.fields["customers"].text),
            days=int(self.fields["days"].text),
            seed=int(self.fields["seed"].text),
            rate=float(self.fields["rate"].text) if self.fields["rate"].text else None,
            shoppers=int(shoppers),
        )
        spec = replace(
            self.base,
            namespace=self.fields["namespace"].text,
            scale=int(self.fields["scale"].text),
            components=frozenset(c for c in self.components if not self.refusal(c)),
            load=load,
        )
        if self.on_cluster:
            # A cluster brings its own servers.
            spec = replace(spec, kafka_home=None, kafka_bootstrap=None, urls={})
        spec.check()
        return spec

    def problem(self, name: str) -> str:
        """Return what is wrong with one field; "" if nothing is."""
        text = self.fields[name].text
        try:
            _check(name, text)
            if name == "namespace" and self.on_cluster:
                refuse_reserved(text)
        except UsageError as exc:
            return f"{exc.cause}: {exc.remedy}" if exc.remedy else exc.cause
        except ValueError:
            return "not a number" if text else "a number is missing"
        return ""

    def toggle(self, component: Component) -> bool:
        """Choose a component or drop it; return False for one that cannot be chosen."""
        if self.refusal(component):
            return False
        self.components.symmetric_difference_update({component})
        return True

    def refusal(self, component: Component) -> str:
        """Return why a component cannot be chosen, with what would make it possible; "" if it can be."""
        found = self.finding(component)
        if found is not None:
            return "" if found.ok else f"{found.text}: {found.remedy}" if found.remedy else found.text
        from kapture_tui.stack.catalogue import CATALOGUE

        return "" if self.on_cluster or CATALOGUE[component].local else "not on this machine"

    def finding(self, component: Component) -> Finding | None:
        """Return what preflight said about a component; None if nothing (yet)."""
        found = [f for f in self.findings or () if f.subject == component.value]
        # One subject may have several findings; what speaks against it counts.
        return min(found, key=lambda f: f.ok, default=None)

    def obstacles(self) -> list[Finding]:
        """Return what preflight found against this machine, components aside; what prevents any start comes first."""
        named = {component.value for component in Component}
        found = [f for f in self.findings or () if not f.ok and f.subject not in named]
        return sorted(found, key=lambda f: not f.fatal)

    def memory(self) -> str:
        """Return what preflight says about memory; "" if nothing yet."""
        return next((f.text for f in self.findings or () if f.subject == "memory"), "")


def form_for(spec: StackSpec | None, target: str, connection: Connection | None = None) -> Form:
    """Return the form that stands for a stack; for None the stack of the first minute: Kafka and Redis, scale 1."""
    base = spec or StackSpec("demo", components=frozenset({Component.REDIS}))
    load = base.load
    texts = {
        "namespace": base.namespace,
        "scale": str(base.scale),
        "stores": str(load.stores),
        "customers": str(load.customers),
        "days": str(load.days),
        "rate": "" if load.rate is None else f"{load.rate:g}",
        "seed": str(load.seed),
        "shoppers": str(load.shoppers),
    }
    allowed = {"namespace": LABEL, "rate": DIGITS + "."}
    fields = {name: Field(text, allowed.get(name, DIGITS)).entered() for name, text in texts.items()}
    chosen = {c for c in base.components if c in CHOICES}
    return Form(base, target, fields, chosen, connection=connection or Connection())


def _check(name: str, text: str) -> None:
    """Raises UsageError or ValueError for a text that a field cannot mean."""
    if name == "namespace":
        StackSpec(text).check()
    elif name == "scale":
        StackSpec("any", scale=int(text)).check()
    elif name == "rate":
        LoadSpec(rate=float(text) if text else None).check()
    else:
        replace(LoadSpec(), **{name: int(text)}).check()  # type: ignore[arg-type]
