"""The ledger: what was acknowledged, and what became of it in every group."""

from __future__ import annotations

from collections.abc import Mapping

from kapture_tui.model.ledger import GroupLedger, Ledger, verdicts
from kapture_tui.model.snapshot import Snapshot
from kapture_tui.tui.figures import count, short, whole
from kapture_tui.tui.lines import Line, fit, line
from kapture_tui.tui.panels.lag import group_names
from kapture_tui.tui.picture import Picture, beside, reasons, staleness
from kapture_tui.tui.table import PLAIN, View, kept, ordered
from kapture_tui.tui.text import clean, left, right

FIGURES = (
    ("lost", "lost", True),
    ("duplicated", "dup", True),
    ("unexpected", "unexp", True),
    ("redelivered", "redel", False),
    ("reordered", "reord", False),
    ("recovered", "recov", False),
)
"""Field, short name, and whether more than 0 is a fault. Faults come first."""


COLUMNS = ("group", "delivered", *(field for field, _, _ in FIGURES))
"""What the rows can be sorted by."""


def picture(snapshot: Snapshot, cells: int, boxed: bool = True, view: View = PLAIN) -> Picture:
    """Return the panel's picture for `cells` cells.

    Args:
        boxed: the upper frame has room for more than the number of acknowledged messages.
    """
    ledger = snapshot.ledger
    found = verdicts(ledger) if ledger else {}
    names = tuple(found) or group_names(snapshot)
    name = max([len(group) for group in names] + [6]) + 1
    wide = cells - name - _DELIVERED >= sum(len(field) + 3 for field, _, _ in FIGURES)
    widths = [len(field) + 3 if wide else max(4, len(brief)) + 1 for field, brief, _ in FIGURES]
    seen = kept(names, view, lambda name: {"group": name})
    seen = ordered(seen, view, lambda name, column: _value(found, name, column))
    rows = [_group(group, found.get(group), name, widths) for group in seen]
    return Picture(
        title=line(("ledger", "title")),
        extra=beside(staleness(snapshot), _sums(ledger)) if boxed else staleness(snapshot) or _acked(ledger),
        heading=(fit(_heading(name, widths, wide), cells),),
        rows=tuple(fit(row, cells) for row in rows),
        foot=reasons(snapshot, "ledger") or (() if boxed else _notable(ledger)),
    )


def restocks(snapshot: Snapshot) -> int:
    """Return how many lines there are beyond those of the consumer groups."""
    back = snapshot.ledger.restock if snapshot.ledger else None
    return len(back.groups) if back else 0


_DELIVERED = 12


def _value(found: Mapping[str, GroupLedger], group: str, column: str) -> str | int | None:
    if column == "group":
        return group
    known = found.get(group)
    return getattr(known, column) if known else None


def _sums(ledger: Ledger | None) -> Line:
    if ledger is None:
        return ()
    expired = (whole(ledger.expired), "trouble" if ledger.expired else "text")
    return line(
        *(("acked ", "dim"), whole(ledger.acked)),
        *(("  indeterminate ", "dim"), whole(ledger.indeterminate)),
        *(("  expired ", "dim"), expired),
    )


def _acked(ledger: Ledger | None) -> Line:
    return () if ledger is None else line(("acked ", "dim"), count(ledger.acked))


def _notable(ledger: Ledger | None) -> Line:
    """Return what is left out of the frame while it is 0."""
    if ledger is None or not (ledger.indeterminate or ledger.expired):
        return ()
    return line(
        ("indeterminate ", "dim"), whole(ledger.indeterminate), ("  expired ", "dim"), whole(ledger.expired)
    )


def _heading(name: int, widths: list[int], wide: bool) -> Line:
    titles = [field if wide else brief for field, brief, _ in FIGURES]
    columns = "".join(right(title, cells) for title, cells in zip(titles, widths, strict=True))
    return line((left("group", name) + right("delivered", _DELIVERED) + columns, "dim"))


def _group(name: str, ledger: GroupLedger | None, cells: int, widths: list[int]) -> Line:
    delivered = whole(ledger.delivered if ledger else None)
    spans = [(left(clean(name), cells), "dim"), (right(delivered, _DELIVERED), "text")]
    for (field, _, fault), width in zip(FIGURES, widths, strict=True):
        number = getattr(ledger, field) if ledger else None
        spans.append((right(short(number), width), "trouble" if fault and number else "text"))
    return tuple(spans)
