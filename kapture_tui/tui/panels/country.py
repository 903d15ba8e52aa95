"""The states laid out like the country, each the darker the later it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from kapture_tui.model.snapshot import GroupLag, TopicView
from kapture_tui.tui.figures import seconds, short, tiny
from kapture_tui.tui.lateness import rank, shade, slowest
from kapture_tui.tui.lines import Line, Span, fit, line_width
from kapture_tui.tui.picture import Spot
from kapture_tui.tui.text import left

_COUNTRY = """
AK .. .. .. .. .. .. .. .. .. ME
.. .. .. .. .. WI .. .. .. VT NH
WA ID MT ND MN IL MI .. NY MA ..
OR NV WY SD IA IN OH PA NJ CT RI
CA UT CO NE MO KY WV VA MD DE ..
.. AZ NM KS AR TN NC SC DC .. ..
.. .. .. OK LA MS AL GA .. .. ..
HI .. .. TX .. .. .. .. FL .. ..
"""

PLACES: Mapping[str, tuple[int, int]] = {
    code: (column, row)
    for row, codes in enumerate(_COUNTRY.split("\n")[1:-1])
    for column, code in enumerate(codes.split())
    if code != ".."
}
"""Column and row of every state."""

COLUMNS, ROWS = 11, 8

_LEAST, _WITH_FIGURE, _WIDEST = 5, 7, 16


@dataclass(frozen=True, slots=True)
class Layout:
    """Cells of the screen that one state takes, the gap to its neighbour included.

    Attributes:
        width: cells.
        height: 1: code, shade and figure in one row; 2: the figure below; 3: how late it is as well.
    """

    width: int
    height: int

    @property
    def rows(self) -> int:
        """Rows that the country takes."""
        return ROWS * self.height


def layout(cells: int, rows: int) -> Layout | None:
    """Return the largest layout for so much room; None where the country does not fit."""
    width = min(_WIDEST, (cells + 1) // COLUMNS)
    if width < _LEAST or rows < ROWS:
        return None
    if width < _WITH_FIGURE:
        return Layout(width, 2) if rows >= 2 * ROWS else None
    return Layout(width, min(3, rows // ROWS))


def drawn(
    states: Mapping[str, TopicView], group: str | None, layout_: Layout
) -> tuple[list[Line], tuple[Spot, ...]]:
    """Return the map's rows and the places of the states in them.

    Args:
        states: topics by state; one that is missing is left out.
        group: the consumer group whose lag is shown; None: in each state that of the slowest.
    """
    rows: list[Line] = [()] * layout_.rows
    spots = []
    for state, (column, row) in sorted(PLACES.items(), key=lambda item: item[1][::-1]):
        if state not in states:
            continue
        x, y = column * layout_.width, row * layout_.height
        for line_, cell in enumerate(_cell(state, _lag(states[state], group), layout_), y):
            rows[line_] = (*fit(rows[line_], x), *fit(cell, layout_.width))
        spots.append(Spot(state, y, x, layout_.width - 1, layout_.height))
    return rows, tuple(spots)


def hottest(states: Mapping[str, TopicView], group: str | None) -> list[tuple[str, GroupLag]]:
    """Return the states that are later than they should be, and their lag; the latest first."""
    found = [(state, _lag(topic, group)) for state, topic in states.items()]
    late = [(state, lag) for state, lag in found if lag is not None and rank(lag)]
    return sorted(late, key=lambda item: -(item[1].lag_s or 0.0))


def _lag(topic: TopicView, group: str | None) -> GroupLag | None:
    return slowest(topic) if group is None else topic.groups.get(group)


def _cell(state: str, lag: GroupLag | None, layout_: Layout) -> Iterable[Line]:
    glyph, role = shade(lag)
    code: Span = (state, "dim" if glyph == " " else role if role != "text" else "strong")
    records = lag.lag if lag else None
    # A lag below 0 cannot be: it is shown as it is, and as trouble.
    figure_role = "trouble" if records is not None and records < 0 else "text"
    if layout_.height == 1:
        figure = short(records) if layout_.width > _WITH_FIGURE else tiny(records)
        yield (code, (glyph, role), (figure, figure_role))
        return
    yield (code, (glyph * (layout_.width - 3), role))
    yield ((left(short(records), layout_.width - 1), figure_role),)
    if layout_.height > 2:
        yield ((seconds(lag.lag_s if lag else None), role if glyph != " " else "dim"),)


def caption(states: Mapping[str, TopicView], group: str | None, cells: int) -> Line:
    """Return the latest states in words, as many as fit."""
    spans: Line = ()
    for state, lag in hottest(states, group):
        glyph, role = shade(lag)
        part: Line = ((f"{state} ", "text"), (f"{seconds(lag.lag_s)}{glyph}", role), ("  ", "text"))
        if line_width(spans) + line_width(part) > cells:
            break
        spans += part
    return spans[:-1]
