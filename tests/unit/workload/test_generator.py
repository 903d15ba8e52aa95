"""Transactions from somebody else's code: routed like our own, and what is wrong with them is said."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from zlib import crc32

import pytest

from kapture_tui.model.errors import KaptureError, UsageError
from kapture_tui.model.states import STATES
from kapture_tui.workload.fastjson import dumps
from kapture_tui.workload.generator import GeneratorStream, load
from kapture_tui.workload.settings import Settings

SETTINGS = Settings("data-loader-0", "r1", "kafka:9092")


def line(customer: int, number: int = 0) -> bytes:
    return dumps({"id": number, "customer": {"id": customer}, "dateTime": 1.5, "products": []})


def stream(*transactions: tuple[str, int, bytes]) -> GeneratorStream:
    return GeneratorStream("mine:make", iter(transactions))


def test_customers_get_slots_as_they_turn_up() -> None:
    made = itertools.cycle(
        [("MA", 7, line(7) + b"\n"), ("WY", 7, line(7)), ("MA", 8, line(8)), ("MA", 7, line(7))]
    )
    found = GeneratorStream("mine:make", made)
    assert found.next_batch(2) == [(0, line(7)), (1, line(7))]
    assert found.keys == [b"7", b"7"]
    assert found.next_batch(3) == [(2, line(8)), (0, line(7)), (0, line(7))]
    assert found.keys == [b"7", b"7", b"8"]
    assert found.key_crcs == [crc32(key) for key in found.keys]
    assert [STATES[state] for state in found.states] == ["MA", "WY", "MA"]


@pytest.mark.parametrize(
    ("transaction", "match"),
    [
        (("XX", 1, line(1)), "generating transactions with mine:make: ValueError: there is no state 'XX'"),
        (("MA", "one", line(1)), "mine:make: TypeError"),
        (("MA", 1, b"{}"), "mine:make: ValueError: not a transaction"),
        (("MA", 1, "text"), "mine:make: "),
        (("MA", 1), "mine:make: ValueError: not enough values"),
    ],
)
def test_what_nobody_could_read_is_not_sent(transaction: tuple[str, int, bytes], match: str) -> None:
    with pytest.raises(KaptureError, match=match):
        stream(transaction, transaction).next_batch(1)


def test_one_that_fails_or_ends_is_said() -> None:
    def failing() -> Iterator[tuple[str, int, bytes]]:
        yield "MA", 1, line(1)
        raise OSError("no more tapes")

    with pytest.raises(KaptureError, match="OSError: no more tapes"):
        GeneratorStream("mine:make", failing()).next_batch(2)
    with pytest.raises(KaptureError, match="it ended"):
        stream(("MA", 1, line(1))).next_batch(2)


def test_it_is_found_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sold_here.py").write_text("def make(settings):\n    yield settings.name\nprice = 3\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert next(load("sold_here:make")(SETTINGS)) == "data-loader-0"
    for name, cause in [
        ("sold_here:take", "take"),
        ("sold_here", "KAPTURE_GENERATOR=sold_here"),
        ("sold_there:make", "sold_there"),
        (":make", "Empty module name"),
        ("sold_here:price", "it is no function"),
    ]:
        with pytest.raises(UsageError, match=cause):
            load(name)
