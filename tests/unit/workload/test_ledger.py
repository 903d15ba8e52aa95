"""Both halves as they grow: sets of sequences, however the messages come in."""

from __future__ import annotations

import json
from itertools import accumulate
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from kapture_tui.model.intervals import IntervalSet
from kapture_tui.model.ledger import Read
from kapture_tui.model.wire import to_wire
from kapture_tui.workload import header
from kapture_tui.workload.consume import take
from kapture_tui.workload.kafka import Record
from kapture_tui.workload.ledger import PartitionLog, ReadLog, SentLog, partition_key, partition_of
from kapture_tui.workload.ledger_json import decode_group, encode

MA = ("transactions.MA", 0)
VALUE = b'{"id":1,"customer":{"id":2},"dateTime":1.5,"products":[]}'

sequences = st.lists(st.integers(0, 15), max_size=25)


@given(
    st.lists(st.sampled_from(["send", "answer", "settle"]), max_size=60), st.randoms(use_true_random=False)
)
def test_what_was_sent(script: list[str], random: Random) -> None:
    """An answer to any message holds for those before it; once nothing is in flight, all were answered."""
    log, acked = SentLog(), 0
    for step in script:
        if step == "send":
            log.attempted += 1
        elif step == "answer" and acked < log.attempted:
            acked = random.randint(acked, log.attempted - 1) + 1
            log.acknowledged(acked - 1)
        elif step == "settle":
            acked = log.attempted
            log.settled()
        found = log.sent()
        assert (found.attempted, list(IntervalSet(found.acked))) == (log.attempted, list(range(acked)))


@given(sequences)
def test_what_was_read(arrivals: list[int]) -> None:
    log, seen, duplicated, reordered = ReadLog(), set[int](), 0, 0
    for sequence in arrivals:
        duplicated += sequence in seen
        reordered += sequence not in seen and sequence < max(seen, default=-1)
        assert log.add(sequence) == (sequence not in seen)
        seen.add(sequence)
        found = log.read()
        assert set(found.delivered) == seen
        assert found.end == max(seen) + 1
        assert found.holes == IntervalSet.of(found.holes).ranges
        assert (found.duplicated, found.reordered) == (duplicated, reordered)


@given(sequences, sequences)
def test_a_read_log_goes_on_from_its_value(before: list[int], after: list[int]) -> None:
    whole, first = ReadLog(), ReadLog()
    for sequence in before + after:
        whole.add(sequence)
    for sequence in before:
        first.add(sequence)
    second = ReadLog(first.read())
    for sequence in after:
        second.add(sequence)
    assert second.read() == whole.read()
    assert ReadLog().read() == Read()


@given(st.text("transactions./MA-", min_size=1), st.integers(0, 999))
def test_partitions_have_names(topic: str, number: int) -> None:
    assert partition_of(partition_key((topic, number))) == (topic, number)
    assert partition_key(MA) == "transactions.MA/0"


# --- taking records -----------------------------------------------------------------------------------------------

foreign = st.sampled_from([
    (VALUE, None),
    (VALUE, b""),
    (VALUE, b"x" * 23),
    (None, header.pack(1, 0, 5)),
    (b"{}", header.pack(1, 0, 5)),
    (VALUE, header.pack(1, 1 << 62, 5)),
    (VALUE, header.pack(1, 0, 1 << 63)),
    (VALUE, header.pack(1, (1 << 64) - 1, 5)),
])  # fmt: skip
ours = st.tuples(st.integers(1, 2), st.integers(0, 12)).map(
    lambda m: (VALUE, header.pack(m[0], m[1], 1000 + m[1]))
)
gaps = st.sampled_from([0, 0, 0, 0, 1, 5])


@st.composite
def logs(draw: st.DrawFn) -> list[Record]:
    """A partition: ours and others' records, some offsets missing."""
    contents = draw(st.lists(ours | ours | foreign, max_size=20))
    steps = [1 + draw(gaps) for _ in contents]
    offsets = [stop - 1 for stop in accumulate(steps)]
    return [Record(at, None, value, packed) for at, (value, packed) in zip(offsets, contents, strict=True)]


@given(logs())
def test_taking_a_partition_from_its_start(records: list[Record]) -> None:
    log = PartitionLog("etl", MA)
    orders = take(log, records, 0)
    mine = [header.unpack(r.header) for r in records if r.value == VALUE and len(r.header or b"") == 24]
    mine = [m for m in mine if max(m) < 1 << 62]
    half = log.half("etl-0", 1.0)
    assert half.offset == (records[-1].offset + 1 if records else 0)
    assert half.expired == half.offset - len(records)
    assert half.foreign == len(records) - len(mine)
    assert half.redelivered == 0
    assert {(int(who, 16), n) for who, read in half.loaders.items() for n in read.delivered} == {
        m[:2] for m in mine
    }
    first_copies = list(dict.fromkeys(mine))
    assert [(o.loader, o.sequence, o.intended_us) for o in orders] == first_copies
    assert sum(read.duplicated for read in half.loaders.values()) == len(mine) - len(first_copies)


@given(logs(), st.lists(st.integers(1, 6), max_size=8), st.booleans())
def test_batches_and_restarts_make_no_difference(
    records: list[Record], sizes: list[int], restart: bool
) -> None:
    whole = PartitionLog("etl", MA)
    expected = take(whole, records, 0)
    log, orders, rest = PartitionLog("etl", MA), [], records
    for size in [*sizes, len(records)]:
        orders += take(log, rest[:size], 0)
        rest = rest[size:]
        if restart:
            log = PartitionLog("etl", MA, decode_group(encode(log.half("etl-0", 1.0))))
    assert orders == expected
    assert log.half("etl-0", 1.0) == whole.half("etl-0", 1.0)


@given(logs(), st.data())
def test_replays_have_no_effect_but_are_counted(records: list[Record], data: st.DataObject) -> None:
    log = PartitionLog("etl", MA)
    take(log, records, 0)
    before = to_wire(log.half("etl-0", 1.0))
    again = records[data.draw(st.integers(0, len(records))) :]
    assert take(log, again, log.offset) == []
    assert to_wire(log.half("etl-0", 1.0)) == before | {"redelivered": len(again)}


@given(logs(), st.integers(0, 20))
def test_going_back_counts_what_this_process_had_read(records: list[Record], at: int) -> None:
    """Somebody else stored less than was read here: the rest takes effect again, and is a second reading of it."""
    stored = PartitionLog("etl", MA)
    take(stored, records[:at], 0)
    half = stored.half("etl-0", 1.0)
    read_to = records[-1].offset + 1 if records else 0
    once, twice = PartitionLog("etl", MA, half), PartitionLog("etl", MA, half)
    assert take(twice, records[at:], read_to) == take(once, records[at:], 0)
    expected = to_wire(once.half("etl-0", 1.0)) | {"redelivered": len(records[at:])}
    assert to_wire(twice.half("etl-0", 1.0)) == expected


def test_a_half_with_greatest_numbers_can_be_written() -> None:
    log = PartitionLog("etl", MA)
    greatest = (1 << 62) - 1
    take(log, [Record(0, None, VALUE, header.pack((1 << 64) - 1, greatest, greatest))], 0)
    half = log.half("etl-0", 1.0)
    assert json.loads(encode(half))["loaders"]["f" * 16]["end"] == 1 << 62
    assert [len(read.delivered) for read in half.loaders.values()] == [1]
