"""One state: its topic and groups, what sells, and the transactions as they pass."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from kapture_tui.model.snapshot import Sale, Snapshot, StateSales, TopicView
from kapture_tui.tui import figures
from kapture_tui.tui.history import History
from kapture_tui.tui.lateness import shade, slowest
from kapture_tui.tui.lines import Line, fit, line, line_width
from kapture_tui.tui.panels.lag import group_names
from kapture_tui.tui.picture import Picture, reasons, staleness
from kapture_tui.tui.text import clean, clip, left, right, width

_LABEL = 11

_STORE = 24
"""Cells of a store's name, at most."""


def topic(snapshot: Snapshot, history: History, state: str, cells: int) -> Picture:
    """Return what Kafka knows: partitions, rates, and how far every group is."""
    view = _topic(snapshot, state)
    bars = max(0, min(60, cells - _LABEL - 22))
    glyph, role = shade(slowest(view))
    rows = [
        line(
            (left("partitions", _LABEL), "dim"),
            left(str(view.partitions) if view.partitions else figures.DASH, 8),
            ("written ", "dim"),
            f"{figures.whole(view.end_offset)} records",
        ),
        _series("comes in", figures.rate(view.in_per_s), history, ("in", state), bars),
        _series("lag", figures.count(_lag(view)), history, ("lag", state), bars),
        (),
        line((_heading(), "dim")),
        *(_group(name, view) for name in group_names(snapshot)),
    ]
    return Picture(
        line((f"state {state}", "title"), (f"  transactions.{state}", "dim")),
        staleness(snapshot) or line((f"{glyph} ", role), ("  ← → other states", "dim")),
        rows=tuple(fit(row, cells) for row in rows),
        foot=reasons(snapshot, "kafka"),
    )


def topic_rows(snapshot: Snapshot) -> int:
    """Return how many rows `topic` has."""
    return 5 + len(group_names(snapshot))


def products(snapshot: Snapshot, state: str, cells: int) -> Picture:
    """Return what has been sold, and what sells best."""
    sales = snapshot.sales.get(state) or StateSales()
    named = snapshot.popular.get(state, ())
    rows = [
        line(
            ("orders ", "dim"), f"{left(figures.count(sales.orders), 7)}",
            ("items ", "dim"), f"{left(figures.count(sales.items), 7)}",
            ("revenue ", "dim"), money(sales.revenue_cents),
        ),
        line(("stores ", "dim"), figures.whole(sales.stores), *_busiest(sales.busiest)),
        (),
        *(line((f"{rank:2} ", "dim"), clean(name)) for rank, name in enumerate(named, 1)),
    ]  # fmt: skip
    return Picture(
        line(("sells best", "title")),
        rows=tuple(fit(row, cells) for row in rows),
        foot=reasons(snapshot, "popular"),
    )


def sales(passed: Sequence[tuple[str, Sale]], snapshot: Snapshot, cells: int) -> Picture:
    """Return transactions that passed, newest first; each with the time of the Snapshot that brought it."""
    customers = max((len(str(sale.customer)) for _, sale in passed), default=0)
    stores = min(_STORE, max((width(clean(sale.store)) for _, sale in passed), default=0))
    rows = [_sale(time, sale, cells, customers, stores) for time, sale in passed]
    return Picture(
        line(("transactions as they pass", "title")),
        staleness(snapshot),
        rows=tuple(fit(row, cells) for row in rows) or (line(("none yet", "dim")),),
        foot=reasons(snapshot, "sales"),
    )


def texts(passed: tuple[str, Sale]) -> Mapping[str, str]:
    """Return a transaction's texts, by the columns a filter can name."""
    _, sale = passed
    return {"customer": str(sale.customer), "product": ", ".join(sale.products), "store": sale.store}


def money(cents: int | None) -> str:
    """Return an amount: $12.34, $1.2M."""
    if cents is None:
        return figures.DASH
    return f"${cents / 100:,.2f}" if abs(cents) < 1_000_000 else f"${figures.count(cents / 100)}"


def _topic(snapshot: Snapshot, state: str) -> TopicView:
    return snapshot.kafka.states.get(state, TopicView()) if snapshot.kafka else TopicView()


def _lag(view: TopicView) -> int | None:
    slow = slowest(view)
    return slow.lag if slow else None


def _series(name: str, value: str, history: History, key: tuple[str, str], bars: int) -> Line:
    drawn = left(figures.spark(history.bars(*key, bars)), bars)
    return ((left(name, _LABEL), "dim"), (left(value, 8), "text"), (drawn, "spark"))


def _heading() -> str:
    return left("group", _LABEL + 4) + right("lag", 9) + right("behind", 9) + right("read", 10)


def _group(name: str, view: TopicView) -> Line:
    group = view.groups.get(name)
    glyph, role = shade(group)
    return line(
        left(clean(name), _LABEL + 4),
        right(figures.whole(group.lag if group else None), 9),
        (right(figures.seconds(group.lag_s if group else None), 8), role),
        (glyph, role),
        right(figures.rate(group.out_per_s if group else None), 10),
    )


def _busiest(stores: Iterable[str]) -> Line:
    named = ", ".join(clean(store) for store in stores)
    return line((f"  busiest {named}", "dim")) if named else ()


def _sale(time: str, sale: Sale, cells: int, customer: int, store: int) -> Line:
    """Return one transaction; the last two are how many cells customer and store have, so that columns align."""
    price = right(money(sale.cents) if sale.cents else "", 9)
    where = f"{left(clean(sale.store), store)} " if store else ""
    who = f"customer {left(str(sale.customer), customer)} {where}"
    head = line((f"{time[11:19]} ", "dim"), f"{price} ", (who, "dim"))
    return (*head, *line(clip(", ".join(map(clean, sale.products)), max(0, cells - line_width(head)))))
