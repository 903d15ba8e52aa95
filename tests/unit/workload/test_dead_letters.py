"""What becomes of records that are no transactions."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapture_tui.workload.dead_letters import SHOWN_BYTES, DeadLetters, encode
from kapture_tui.workload.kafka import Lane, OnDelivery, Record
from kapture_tui.workload.sinks.base import SinkUnavailable

MA = ("transactions.MA", 2)


class Mailbox:
    """A producer whose broker acknowledges as long as it is well."""

    def __init__(self) -> None:
        self.well = True
        self.letters: list[tuple[bytes | None, bytes]] = []
        self._open: list[OnDelivery | None] = []

    def lane(self, topic: str, partition: int, on_delivery: OnDelivery | None) -> Lane:
        assert (topic, partition) == ("transactions.dead", 0)

        def send(key: bytes | None, value: bytes, header: bytes | None, report: bool = True, /) -> bool:
            if self.well:
                self.letters.append((key, value))
                self._open.append(on_delivery)
            return True

        return send

    def poll(self, timeout_s: float) -> None:
        """Nothing is served before `flush`."""

    def in_flight(self) -> int:
        return len(self._open)

    def flush(self, timeout_s: float) -> int:
        for told in self._open:
            if told:
                told(True, 0, None)
        self._open.clear()
        return 0


def test_what_was_not_acknowledged_is_sent_again_before_anything_is_passed_over() -> None:
    box = Mailbox()
    dead = DeadLetters(box)
    dead.settle()
    dead.keep(MA, Record(7, None, b"nonsense", None), "not JSON")
    box.well = False
    with pytest.raises(SinkUnavailable, match="1 records were not acknowledged"):
        dead.settle()
    box.well = True
    dead.settle()
    dead.settle()
    ((key, letter),) = box.letters
    assert key == b"transactions.MA/2@7"
    assert json.loads(letter) == {
        "topic": "transactions.MA",
        "partition": 2,
        "offset": 7,
        "reason": "not JSON",
        "bytes": 8,
        "key": None,
        "value": "nonsense",
        "header": None,
    }


@given(st.none() | st.binary(max_size=40), st.none() | st.text(max_size=40).map(str.encode))
def test_a_letter_gives_back_what_was_read(key: bytes | None, value: bytes | None) -> None:
    letter = json.loads(encode(MA, Record(0, key, value, b"\xff"), "why"))

    def content(name: str) -> bytes | None:
        if f"{name}_base64" in letter:
            return base64.b64decode(letter[f"{name}_base64"])
        return None if letter[name] is None else letter[name].encode()

    assert (content("key"), content("value"), content("header")) == (key, value, b"\xff")


def test_a_letter_is_never_larger_than_a_broker_takes() -> None:
    letter = encode(MA, Record(0, b"k" * 10**6, b"\xff" * 10**6, None), "why")
    assert len(letter) < 700_000
    assert json.loads(letter)["bytes"] == 10**6
    assert len(base64.b64decode(json.loads(letter)["value_base64"])) == SHOWN_BYTES
