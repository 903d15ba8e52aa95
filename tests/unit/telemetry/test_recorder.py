"""The flight recorder: what is in the file after a session, a crash, a long time, trouble."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapture_tui.model.errors import UsageError
from kapture_tui.model.snapshot import Snapshot
from kapture_tui.telemetry import recordings
from kapture_tui.telemetry.frames import Encoder, first_line
from kapture_tui.telemetry.recorder import SHARE, Recorder
from kapture_tui.telemetry.recording import Recording
from kapture_tui.telemetry.thin import THIN_PART, WHOLE_PART, thinned
from tests.unit.telemetry.tape import HEADER, recorded, snapshots

SESSION = [replace(snapshot, kafka=None) for snapshot in snapshots(400)]
LONG = recorded(SESSION, ended=False)
START = len(first_line(HEADER))


@cache
def counting(number: int) -> bytes:
    """A recording of next to nothing, of so many frames."""
    encoder = Encoder()
    frames = [encoder.frame({"seq": seq, "noise": str(seq**9)}, float(seq)) for seq in range(number)]
    return first_line(HEADER) + b"".join(frames)


def record(recorder: Recorder, session: list[Snapshot]) -> Path:
    """Offer Snapshots as slowly as they are taken."""
    for snapshot in session:
        while recorder._waiting is not None:
            time.sleep(0.001)
        recorder.offer(snapshot)
    recorder.close()
    assert recorder.path is not None
    return recorder.path


def unhurried(folder: Path, limit_bytes: int = 1 << 20) -> Recorder:
    """A recorder for which encoding costs nothing."""
    return Recorder(folder, limit_bytes, cpu=lambda: 0.0)


def test_a_session_is_recorded(tmp_path: Path) -> None:
    path = record(unhurried(tmp_path / "new"), SESSION[:5])
    recording = Recording.open(path)
    assert [snapshot.seq for snapshot in recording.snapshots()] == [0, 1, 2, 3, 4]
    assert recording.remark == ""
    assert (recording.header.namespace, recording.header.started) == ("perf-test", SESSION[0].time)
    assert path.name == "perf-test-20260102-170000.kapture"


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    path = record(unhurried(tmp_path / "new"), SESSION[:1])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_nothing_is_recorded_of_nothing(tmp_path: Path) -> None:
    recorder = unhurried(tmp_path)
    recorder.offer(Snapshot())
    recorder.close()
    assert recorder.path is None
    assert list(tmp_path.iterdir()) == []


def test_whoever_is_slow_records_the_latest(tmp_path: Path) -> None:
    """The first frame took so much CPU that the next one has to wait; closing ends the wait."""
    spent = iter((0.0, 3600 * SHARE))
    recorder = Recorder(tmp_path, cpu=lambda: next(spent, 0.0))
    recorder.offer(SESSION[0])
    while recorder._waiting is not None or recorder._not_before == 0:
        time.sleep(0.001)
    for snapshot in SESSION[1:9]:
        recorder.offer(snapshot)
    recorder.close()
    assert recorder.path is not None
    assert [snapshot.seq for snapshot in Recording.open(recorder.path).snapshots()] == [0, 8]


def test_a_folder_that_cannot_be_written_is_told_and_ends_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    recorder = unhurried(tmp_path / "file")
    recorder.offer(SESSION[0])
    while not recorder.trouble:
        time.sleep(0.001)
    recorder.offer(SESSION[1])
    recorder.close()
    assert recorder.trouble == "nothing more is recorded: File exists"
    assert recorder.path is None


KILLED = """
import os, signal, sys
from pathlib import Path
from kapture_tui.telemetry.recorder import Recorder
from tests.unit.telemetry.tape import snapshots
recorder = Recorder(Path(sys.argv[1]), cpu=lambda: 0.0)
for snapshot in snapshots(10):
    recorder.offer(snapshot)
    while recorder._waiting is not None:
        pass
while recorder._size < 5000:
    pass
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_recorder_that_is_killed_leaves_a_file_that_can_be_read(tmp_path: Path) -> None:
    code = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path)], env={**os.environ, "PYTHONPATH": os.getcwd()}
    )
    assert code.returncode == -9
    (path,) = tmp_path.iterdir()
    recording = Recording.open(path)
    assert "breaks off" in recording.remark
    assert [snapshot.seq for snapshot in recording.snapshots()] == list(range(len(recording)))
    assert not recordings.is_written(path)


def test_a_long_session_stays_within_its_size(tmp_path: Path) -> None:
    limit = len(LONG) // 2
    path = record(unhurried(tmp_path, limit), SESSION)
    recording = Recording.open(path)
    assert path.stat().st_size <= limit
    assert recording.remark == ""
    seqs = [snapshot.seq for snapshot in recording.snapshots()]
    assert seqs == sorted(seqs)
    assert seqs[-40:] == list(range(360, 400))
    assert seqs[0] == 0, "the beginning is still there, though not every second of it"
    assert [path.name for path in tmp_path.iterdir()] == [recording.name.rpartition("/")[2]]


@given(st.integers(60, 400), st.floats(0, 2.5))
def test_thinning(number: int, part: float) -> None:
    file = counting(number)
    limit = int(len(file) * part)
    less = thinned(file, START, limit)
    seqs = [Recording(less, "tape").kept(index)["seq"] for index in range(len(Recording(less, "tape")))]
    last = (number - 1) // 60 * 60
    assert seqs[-(number - last) :] == list(range(last, number)), "the block at work is whole"
    assert {after - before for before, after in pairwise(seqs)} <= {1, 60}
    assert all(seq % 60 == 0 or seq - 1 in seqs for seq in seqs), "of a block all frames, or the first"
    block = len(file) - len(counting(last))
    assert len(less) <= START + max(limit * WHOLE_PART, block) + limit * THIN_PART
    assert less == file or limit * WHOLE_PART < len(file)


def test_recordings_that_are_written_are_not_pruned(tmp_path: Path) -> None:
    older = record(unhurried(tmp_path), SESSION[:2])
    os.utime(older, (1, 1))
    living = unhurried(tmp_path)
    living.offer(replace(SESSION[0], time="2026-01-02T18:00:00.000Z"))
    while living.path is None:
        time.sleep(0.001)
    recordings.prune(tmp_path, 0)
    assert list(tmp_path.iterdir()) == [living.path]
    assert recordings.is_written(living.path)
    living.close()
    recordings.prune(tmp_path, 0)
    assert list(tmp_path.iterdir()) == []


def test_two_that_begin_in_the_same_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [record(unhurried(tmp_path), SESSION[:1]) for _ in range(2)]
    assert [path.name for path in paths] == [
        "perf-test-20260102-170000.kapture",
        "perf-test-20260102-170000-2.kapture",
    ]
    for seconds, path in enumerate(paths):
        os.utime(path, (seconds, seconds))
    assert recordings.find("perf-test", tmp_path) == paths[1]
    assert recordings.find(str(paths[0]), tmp_path) == paths[0]
    (tmp_path / "perf-test").mkdir()
    monkeypatch.chdir(tmp_path)
    assert recordings.find("perf-test", tmp_path) == paths[1], "a folder of that name is no recording"


def test_what_is_not_there_is_told_with_what_is(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there are none yet"):
        recordings.find("pets", tmp_path)
    record(unhurried(tmp_path), SESSION[:1])
    with pytest.raises(UsageError, match="recordings of perf-test"):
        recordings.find("pets", tmp_path)


def test_recordings_are_kept_where_the_environment_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KAPTURE_RECORDINGS", str(tmp_path))
    assert recordings.folder() == tmp_path
    monkeypatch.delenv("KAPTURE_RECORDINGS")
    assert recordings.folder().name == "flight_recorder"
