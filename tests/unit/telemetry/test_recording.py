"""Recordings: what goes in comes out, whatever happens to the file."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapture_tui.model.errors import UsageError
from kapture_tui.model.event import Event, EventKind
from kapture_tui.model.snapshot import FlowView, Phase, PodRow, RunInfo, Snapshot
from kapture_tui.model.times import seconds_of, timestamp
from kapture_tui.model.wire import to_wire
from kapture_tui.telemetry.frames import FORMAT, WHOLE_EVERY, Encoder, end_frame, first_line
from kapture_tui.telemetry.pack import Packer, packed, rounded, unpacked
from kapture_tui.telemetry.recording import Recording
from tests.unit.telemetry.tape import BEGAN_S, HEADER, recorded, snapshots

SESSION = snapshots(WHOLE_EVERY * 2 + 5)
FILE = recorded(SESSION)
BRIEF = [replace(snapshot, kafka=None, loaders=()) for snapshot in SESSION[:4]]
SHORT = recorded(BRIEF)
READ = list(Recording(SHORT, "tape").snapshots())
FIRST_FRAME = len(recorded(BRIEF[:1], ended=False))

amounts = st.none() | st.floats(0, 1e7, allow_subnormal=False)
words = st.text(max_size=12)
pods = st.builds(
    PodRow,
    name=words,
    component=words,
    reason=words,
    ready=st.booleans(),
    restarts=st.integers(0, 9),
    age_s=amounts,
    cpu_cores=amounts,
    memory_bytes=st.none() | st.integers(0, 2**50),
    sample_age_s=amounts,
)
figures = st.dictionaries(
    words, st.none() | st.booleans() | st.integers() | words | st.lists(words), max_size=3
)
anything = st.builds(
    Snapshot,
    time=st.integers(0, 2**31 * 1000).map(lambda ms: timestamp(ms / 1000)),
    seq=st.integers(1),
    run=st.builds(RunInfo, namespace=words, phase=st.sampled_from(Phase), elapsed_s=amounts),
    pods=st.lists(pods, max_size=3).map(tuple),
    flow=st.none() | st.builds(FlowView, offered_per_s=amounts, mode=st.none() | words),
    postgres=st.none() | figures,
    events=st.lists(st.builds(Event, words, st.sampled_from(EventKind), words, words), max_size=3).map(tuple),
    age_s=st.floats(0, 1e6),
)


def close(kept: Any, true: Any, name: str = "") -> bool:
    """Whether a recorded value says what the true one said, as exactly as `pack` promises."""
    if isinstance(true, dict):
        return list(kept) == list(true) and all(close(kept[key], true[key], key) for key in true)
    if isinstance(true, list):
        return len(kept) == len(true) and all(map(close, kept, true))
    if isinstance(true, float):
        slack = 0.61 if name.endswith(("age_s", "elapsed_s")) else max(abs(true) * 0.5e-3, 1e-9)
        return abs(kept - true) <= slack
    return kept == true or isinstance(true, str)  # secrets go: see below


@given(st.lists(anything, min_size=1, max_size=4))
def test_what_goes_in_comes_out(session: list[Snapshot]) -> None:
    recording = Recording(recorded(session), "tape")
    assert len(recording) == len(session)
    assert recording.remark == ""
    for back, true in zip(recording.snapshots(), session, strict=True):
        assert close(to_wire(back), to_wire(true))


def test_a_session_in_any_order() -> None:
    recording = Recording(FILE, "tape")
    forth = list(recording.snapshots())
    assert [snapshot.seq for snapshot in forth] == [snapshot.seq for snapshot in SESSION]
    for index in (3, 100, 99, 59, 60, 61, 124, 0, 124, 2):
        assert recording.snapshot(index) == forth[index]


@given(st.integers(0, len(SHORT)))
def test_a_file_that_ends_anywhere_is_read_up_to_there(length: int) -> None:
    if length < FIRST_FRAME:
        with pytest.raises(UsageError, match=r"no recording|no Snapshot"):
            Recording(SHORT[:length], "tape")
        return
    part = Recording(SHORT[:length], "tape")
    assert list(part.snapshots()) == READ[: len(part)]
    assert bool(part.remark) is (length < len(SHORT))


@given(st.integers(0, len(SHORT) - 1), st.integers(1, 255))
def test_a_file_that_is_damaged_anywhere_says_so(at: int, change: int) -> None:
    harmed = SHORT[:at] + bytes([SHORT[at] ^ change]) + SHORT[at + 1 :]
    try:
        recording = Recording(harmed, "tape")
    except UsageError:
        return
    assert list(recording.snapshots()) == READ[: len(recording)]
    assert recording.remark or at < len(first_line(HEADER))  # another name in the first line is no damage


@given(st.binary(max_size=300))
def test_what_is_no_recording_is_refused(data: bytes) -> None:
    with pytest.raises(UsageError, match=r"no recording|no Snapshot"):
        Recording(data, "tape")


json_values = st.recursive(
    st.none() | st.integers() | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)


@given(json_values.filter(lambda value: not isinstance(value, dict)))
def test_frames_that_no_recorder_writes_are_refused(contents: Any) -> None:
    file = first_line(HEADER) + Encoder().frame(contents, BEGAN_S) + end_frame(BEGAN_S)
    with pytest.raises(UsageError, match="it is broken"):
        Recording(file, "tape").snapshot(0)


@pytest.mark.parametrize("versions", [{"format": FORMAT + 1}, {"schema": 99}])
def test_a_newer_recording_is_refused_by_version(versions: dict[str, int]) -> None:
    newer = replace(HEADER, program="9.9", **versions)
    with pytest.raises(UsageError, match=r"recorded by kapture-tui 9\.9.*update kapture-tui"):
        Recording(first_line(newer) + b"whatever is new there", "tape")


def test_fields_of_other_releases_are_borne() -> None:
    kept = packed(SESSION[3], BEGAN_S)
    del kept["redis"]
    kept |= {"weather": {"rain": 1.25}, "run": {**kept["run"], "mood": "good"}}
    file = first_line(HEADER) + Encoder().frame(kept, BEGAN_S) + end_frame(BEGAN_S)
    recording = Recording(file, "tape")
    assert recording.snapshot(0) == replace(unpacked(packed(SESSION[3], BEGAN_S), BEGAN_S), redis=None)
    assert recording.kept(0)["weather"] == {"rain": 1.25}


def test_positions() -> None:
    recording = Recording(FILE, "tape")
    assert recording.length_s == len(SESSION) - 1
    assert [recording.index_at(s) for s in (-5, 0, 0.9, 1, 61.5, 1e9)] == [0, 0, 0, 1, 61, len(SESSION) - 1]
    assert [recording.index_from(s) for s in (-5, 0, 0.9, 1, 61.5, 1e9)] == [0, 0, 1, 1, 62, len(SESSION) - 1]
    assert recording.position_of(61) == 61


def test_a_clock_that_was_set_back_does_not_turn_time() -> None:
    back = [replace(SESSION[n], time=timestamp(BEGAN_S + s)) for n, s in enumerate((0, 10, 3, 11))]
    recording = Recording(recorded(back), "tape")
    assert [recording.position_of(n) for n in range(4)] == [0, 10, 10, 11]
    assert recording.snapshot(2).time == back[2].time


def test_counts_are_exact_and_fractions_have_four_digits() -> None:
    true = SESSION[-1]
    assert true.flow is not None
    back = unpacked(packed(true, BEGAN_S), BEGAN_S)
    assert back.flow is not None
    assert back.ledger == true.ledger
    assert back.flow.offered_per_s == round(true.flow.offered_per_s or 0)
    assert rounded(0.000123456) == 0.0001235


@given(st.floats(-1e15, 1e15))
def test_rounding_twice_changes_nothing(value: float) -> None:
    assert rounded(rounded(value)) == rounded(value)


def test_ages_cost_nothing_while_they_grow() -> None:
    pod = PodRow("etl-0", "etl", age_s=100.2, restarts=1)
    first, later = (Snapshot(pods=(replace(pod, age_s=100.2 + time_s),)) for time_s in (0.0, 1.0))
    kept = packed(later, 1.003)
    assert kept["pods"] == packed(first, 0.0)["pods"]
    assert unpacked(kept, 1.003).pods[0].age_s == pytest.approx(101.2, abs=0.5)


@given(st.lists(anything, min_size=1, max_size=4))
def test_a_packer_that_remembers_says_what_one_without_memory_says(session: list[Snapshot]) -> None:
    packer = Packer()
    for snapshot in [*session, *session]:
        time_s = seconds_of(snapshot.time)
        assert packer.pack(snapshot, time_s) == packed(snapshot, time_s)


def test_what_is_kept_is_what_programs_get() -> None:
    assert close(unpacked_wire(SESSION[9]), to_wire(SESSION[9]))
    assert list(packed(SESSION[9], BEGAN_S)) == list(to_wire(SESSION[9]))


def unpacked_wire(snapshot: Snapshot) -> Any:
    return to_wire(unpacked(packed(snapshot, BEGAN_S), BEGAN_S))


def test_rows_in_which_nothing_changes_are_not_packed_again() -> None:
    packer, pods = Packer(), (PodRow("etl-0", "etl", age_s=20.0), PodRow("etl-1", "etl", age_s=20.0))
    first = packer.pack(Snapshot(pods=pods), 100.0)["pods"]
    aged = (replace(pods[0], age_s=21.0), replace(pods[1], age_s=21.0, restarts=1))
    second = packer.pack(Snapshot(pods=aged), 101.0)["pods"]
    assert [after is before for before, after in zip(first, second, strict=True)] == [True, False]


def test_a_row_that_a_target_did_not_make_anew_has_not_changed() -> None:
    """With thousands of pods a target leaves rows as they are for a while, so that their ages stand still."""
    packer, pods = Packer(), (PodRow("etl-0", "etl", age_s=20.0), PodRow("etl-1", "etl", age_s=20.0))
    first = packer.pack(Snapshot(pods=pods), 100.0)["pods"]
    for second in range(1, 9):
        pods = (pods[0], replace(pods[1]))
        later = packer.pack(Snapshot(pods=pods), 100.0 + second)["pods"]
        assert [row is before for row, before in zip(later, first, strict=True)] == [True, False]


def test_secrets_are_not_recorded() -> None:
    told = Event("t", EventKind.ALARM, "redis", "redis://jay:hunter2@host:1 refused, token=hunter2")
    secret = replace(SESSION[0], events=(told,), unavailable={"redis": "password: hunter2"})
    text = json.dumps(packed(secret, BEGAN_S))
    assert "redis://jay:***@host" in text
    assert "hunter2" not in text


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        Recording.open(tmp_path / "none.kapture")


def test_times_of_snapshots_are_times_of_frames() -> None:
    recording = Recording(FILE, "tape")
    assert recording.times_s[7] == seconds_of(SESSION[7].time)
