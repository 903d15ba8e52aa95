"""How a person wants to see a table: which rows, in which order. What rows hold is told by whoever draws them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Term:
    """One word of a filter.

    Attributes:
        text: what a row has to have somewhere, in lower case.
        column: only there; "" for anywhere.
        wanted: False: what a row must not have.
    """

    text: str
    column: str = ""
    wanted: bool = True

    def holds(self, row: Mapping[str, str]) -> bool:
        """Return whether a row, its texts by column, passes."""
        if self.column and self.column in row:
            found = self.text in row[self.column].lower()
        else:
            whole = f"{self.column}:{self.text}" if self.column else self.text
            found = whole in "\n".join(row.values()).lower()  # no word has a line's end in it
        return found is self.wanted


@dataclass(frozen=True, slots=True)
class Filter:
    """Words that all have to hold: `word`, `!word`, `column:word`, `!column:word`. Case does not matter.

    A word with a colon whose first half is no column of the table is looked for as it stands.
    """

    text: str = ""
    terms: tuple[Term, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Filter:
        """Return the filter a person typed; there is nothing that cannot be meant."""
        return cls(text.strip(), tuple(filter(None, map(_term, text.lower().split()))))

    def holds(self, row: Mapping[str, str]) -> bool:
        """Return whether a row, its texts by column, passes."""
        return all(term.holds(row) for term in self.terms)

    def __bool__(self) -> bool:
        return bool(self.terms)


def _term(word: str) -> Term | None:
    wanted = not word.startswith("!")
    column, colon, text = word.removeprefix("!").partition(":")
    if not colon:
        return Term(column, wanted=wanted) if column else None
    return Term(text, column, wanted) if text else None


@dataclass(frozen=True, slots=True)
class View:
    """What a person wants to see of one table.

    Attributes:
        filter: which rows.
        order: the column they are sorted by; "" leaves them in the order they come.
        down: the largest first.
    """

    filter: Filter = Filter()
    order: str = ""
    down: bool = False

    def by(self, column: str) -> View:
        """Return the view sorted by a column: words from A, figures from the largest; "" leaves rows as they come."""
        return replace(self, order=column, down=column not in ("", *WORDS))

    def by_next(self, columns: Sequence[str]) -> View:
        """Return the view sorted by the next column; after the last one rows are as they come."""
        known = ("", *columns)
        return self.by(known[(known.index(self.order) + 1) % len(known)] if self.order in known else "")

    def turned(self) -> View:
        """Return the view sorted the other way round."""
        return replace(self, down=not self.down)


WORDS = frozenset({"name", "node", "state", "group", "kind", "subject"})
"""Columns that begin at A; others at the largest."""

PLAIN = View()


def kept(rows: Iterable[T], view: View, texts: Callable[[T], Mapping[str, str]]) -> list[T]:
    """Return the rows that pass a view's filter; `texts` tells a row's by column."""
    return [row for row in rows if view.filter.holds(texts(row))] if view.filter else list(rows)


def ordered(rows: Iterable[T], view: View, key: Callable[[T, str], Any]) -> list[T]:
    """Return rows sorted as a view wants them; what is not known comes last either way, equals stay as they come.

    Args:
        key: from a row and a column to what it is sorted by; None: not known.
    """
    rows = list(rows)
    if not view.order:
        return rows
    known = [(value, row) for row in rows if (value := key(row, view.order)) is not None]
    rest = [row for row in rows if key(row, view.order) is None]
    return [row for _, row in sorted(known, key=lambda pair: pair[0], reverse=view.down)] + rest
