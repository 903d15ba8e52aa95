"""One state over the whole screen."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

from textual.geometry import Size
from textual.widget import Widget

from kapture_tui.model.snapshot import Sale, Snapshot
from kapture_tui.model.states import STATES
from kapture_tui.tui.arrange import Place
from kapture_tui.tui.panels import state
from kapture_tui.tui.picture import Picture
from kapture_tui.tui.screens.base import bindings
from kapture_tui.tui.screens.tables import TableStage
from kapture_tui.tui.table import kept
from kapture_tui.tui.widgets.panel import Panel

KEPT = 500
"""Transactions kept while a state is looked at."""

_TWO_COLUMNS = 100


class StateScreen(TableStage):
    """Topic, products and passing transactions of one state; left and right go to its neighbours in the alphabet."""

    PLACES: ClassVar[tuple[str, ...]] = ("table", "dialog")
    UNSAID = ("dialog.accept", "table.sort", "table.turn")
    BINDINGS = bindings("table", "dialog", "list")
    AUTO_FOCUS = "#sales"

    def __init__(self, code: str) -> None:
        super().__init__()
        self._state = code
        self._snapshot = Snapshot()
        self._passed: deque[tuple[str, Sale]] = deque(maxlen=KEPT)
        self._topic = Panel("topic", lambda cells, rows: self._draw_topic(cells))
        self._products = Panel("products", lambda cells, rows: self._draw_products(cells))
        self._sales = Panel("sales", lambda cells, rows: self._draw_sales(cells))

    def compose(self) -> Iterable[Widget]:
        """Three panels and the keys."""
        yield from (self._topic, self._products, self._sales)
        yield self.make_keybar()
        yield self.prompt

    def on_mount(self) -> None:
        """Show what is known now."""
        self.show(self.latest)

    def show(self, snapshot: Snapshot) -> None:
        """Draw a new snapshot, and note what has passed since the last one."""
        self._snapshot = snapshot
        self._note(snapshot)
        for panel in (self._topic, self._products, self._sales):
            panel.redraw()

    def _note(self, snapshot: Snapshot) -> None:
        known = {(sale.customer, sale.number) for _, sale in self._passed}
        told = snapshot.sales.get(self._state)
        for sale in reversed(told.latest if told else ()):
            if (sale.customer, sale.number) not in known:
                self._passed.appendleft((snapshot.time, sale))

    def _draw_topic(self, cells: int) -> Picture:
        return state.topic(self._snapshot, self.history, self._state, cells)

    def _draw_products(self, cells: int) -> Picture:
        return state.products(self._snapshot, self._state, cells)

    def _draw_sales(self, cells: int) -> Picture:
        passed = kept(self._passed, self._sales.view, state.texts)
        return state.sales(passed, self._snapshot, cells)

    def table(self) -> Panel:
        """Return the transactions."""
        return self._sales

    def texts(self, panel: Panel) -> Sequence[str]:
        """Return the columns that words of a filter can name."""
        return ("customer", "product", "store")

    def rectangles(self, size: Size) -> Mapping[str, Place]:
        """Topic and products side by side where there is room, transactions below; small ones lack the products."""
        wide = size.width >= _TWO_COLUMNS
        high = 2 + max(state.topic_rows(self._snapshot), 8 if wide else 0)
        high = min(high, max(4, size.height // 2))
        rest = size.height - 1 - high
        keys = self.keys_line(size)
        if wide:
            half = size.width // 2
            top = {"topic": Place(0, 0, half, high), "products": Place(half, 0, size.width - half, high)}
            return {**top, "sales": Place(0, high, size.width, rest), **keys}
        products = min(10, rest // 2) if rest >= 8 else 0
        places = {"topic": Place(0, 0, size.width, high), **keys}
        if products:
            places["products"] = Place(0, high, size.width, products)
        return {**places, "sales": Place(0, high + products, size.width, rest - products)}

    def action_move(self, where: str) -> None:
        """Left and right go to another state."""
        if where not in ("left", "right"):
            super().action_move(where)
            return
        index = STATES.index(self._state) + (1 if where == "right" else -1)
        self._state = STATES[index % len(STATES)]
        self._passed.clear()
        self.show(self._snapshot)

    def action_accept(self) -> None:
        """Enter goes back, too."""
        self.action_close()
