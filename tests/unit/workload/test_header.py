"""The header's 24 bytes, and numbers that tell loader processes apart."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapture_tui.workload import header

numbers = st.integers(0, (1 << 64) - 1)


@given(numbers, numbers, numbers)
def test_there_and_back(loader: int, sequence: int, intended_us: int) -> None:
    packed = header.pack(loader, sequence, intended_us)
    assert len(packed) == header.SIZE == 24
    assert header.unpack(packed) == (loader, sequence, intended_us)


def test_the_layout_is_big_endian_in_the_order_of_the_docstring() -> None:
    assert header.pack(1, 2, 3).hex() == f"{1:016x}{2:016x}{3:016x}"


@given(st.binary(max_size=40).filter(lambda packed: len(packed) != header.SIZE))
def test_any_other_length_is_refused(packed: bytes) -> None:
    with pytest.raises(struct.error):
        header.unpack(packed)


def test_each_process_has_its_own_number_and_always_the_same() -> None:
    processes = [
        ("r1", "a", 0),
        ("r1", "a", 1),
        ("r1", "b", 0),
        ("r2", "a", 0),
        ("r1", "a1", 0),
        ("r", "1a", 0),
    ]
    found = [header.loader_number(*process) for process in processes]
    assert len(set(found)) == len(processes)
    assert found == [header.loader_number(*process) for process in processes]
    assert header.loader_id(header.loader_number("r1", "a", 0)) == "33470a47cb6ff006"


@given(numbers)
def test_ids_are_the_numbers_in_16_digits(number: int) -> None:
    assert len(header.loader_id(number)) == 16
    assert int(header.loader_id(number), 16) == number
