"""Where the dashboard's panels go: a pure function of the terminal's size and of what the panels would like."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

PANELS = ("lag", "pods", "flow", "databases", "ledger", "events")
"""In the order the tab key goes through them."""


@dataclass(frozen=True, slots=True)
class Wants:
    """Rows of content that panels would like.

    Attributes:
        pods: rows of the pods panel, its heading aside.
        groups: consumer groups.
        lag: rows of the lag grid for a width in cells, its heading aside.
        restocks: further lines of the ledger, for those who read what the spout brings back.
        ghosts: further lines of the flow, for what an earlier run did.
    """

    pods: int
    groups: int
    lag: Mapping[int, int]
    restocks: int = 0
    ghosts: int = 0


@dataclass(frozen=True, slots=True)
class Place:
    """A rectangle of cells."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Arrangement:
    """The places of the panels that are shown, and whether they have a frame all around."""

    boxed: bool
    places: Mapping[str, Place]


def arrange(cells: int, rows: int, wants: Wants, header: int = 1) -> Arrangement:
    """Return where the panels go below a header of some rows and above the line of keys.

    Essentials only below 72 x 18; one or two columns with rules where room is short, two columns of boxes otherwise.
    """
    room = rows - header - 1
    if cells < 72 or room < 16:
        return Arrangement(False, _essentials(cells, room, header, wants))
    if cells < 110:
        return Arrangement(False, _stacked(cells, room, header, wants))
    if room < 32:
        return Arrangement(False, _columns(cells, room, header, wants, edge=1))
    return Arrangement(True, _columns(cells, room, header, wants, edge=2))


def lag_widths(cells: int) -> tuple[int, int]:
    """Return the widths inside the lag panel for one column and for two, in cells."""
    return cells - 2, _left(cells) - 4


def _left(cells: int) -> int:
    """Return the width of the left of two columns: at 120 cells the states have a gap between them."""
    return max(cells // 2, 63) if cells >= 118 else cells // 2


def _essentials(cells: int, room: int, top: int, wants: Wants) -> dict[str, Place]:
    flow = 3 + wants.groups + wants.ghosts
    flow = flow if room >= flow + 4 and cells >= 44 else 0
    events = Place(0, top + flow, cells, max(0, room - flow))
    return {"flow": Place(0, top, cells, flow), "events": events} if flow else {"events": events}


def _stacked(cells: int, room: int, top: int, wants: Wants) -> dict[str, Place]:
    """One column; flow and databases share a row. What is left over goes to lag, then to pods, then to events."""
    flow, ledger, events, pods, lag = 3 + wants.groups + wants.ghosts, 1 + wants.groups, 2, 2, 2
    spare = room - flow - ledger - events - pods - lag
    taken = min(max(0, spare), wants.restocks)
    ledger, spare = ledger + taken, spare - taken
    for most in (5, 1 + wants.lag[lag_widths(cells)[0]]):
        taken = min(spare, max(0, most - lag))
        lag, spare = lag + taken, spare - taken
        taken = min(spare, max(0, 1 + wants.pods - pods))
        pods, spare = pods + taken, spare - taken
    heights = _stack(top, lag=lag, pods=pods, flow=flow, ledger=ledger, events=events + spare)
    places = {name: Place(0, y, cells, height) for name, (y, height) in heights.items()}
    y, height = heights["flow"]
    left = cells // 2
    places["flow"], places["databases"] = Place(0, y, left, height), Place(left, y, cells - left, height)
    return places


def _columns(cells: int, room: int, top: int, wants: Wants, edge: int) -> dict[str, Place]:
    """Two columns above the events; `edge` is the number of rows a frame takes."""
    left = _left(cells)
    heading = edge - 1
    flow, events = edge + 2 + wants.groups + wants.ghosts, edge + 1
    ledger = edge + heading + wants.groups + wants.restocks
    spare = room - flow - ledger - events
    lag = min(spare, edge + heading + wants.lag[lag_widths(cells)[1]])
    # Pods that are unfolded may take what is left, but for a few events.
    lag += max(0, min(spare - lag - 4, edge + heading + wants.pods - lag))
    body = lag + flow + ledger
    return {
        "lag": Place(0, top, left, lag),
        "flow": Place(0, top + lag, left, flow),
        "ledger": Place(0, top + lag + flow, left, ledger),
        "pods": Place(left, top, cells - left, lag),
        "databases": Place(left, top + lag, cells - left, flow + ledger),
        "events": Place(0, top + body, cells, room - body),
    }


def _stack(top: int, **heights: int) -> dict[str, tuple[int, int]]:
    placed = {}
    for name, height in heights.items():
        placed[name] = (top, height)
        top += height
    return placed
