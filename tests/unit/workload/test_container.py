"""What a process reads of its own container."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapture_tui.workload.container import CPU, DISK, NETWORK, PERIODS, THROTTLED, counters

NET = """Inter-|   Receive  |  Transmit
 face |bytes packets errs drop fifo frame compressed multicast|bytes packets errs drop fifo colls carrier compressed
    lo: 9000 10 0 0 0 0 0 0 9000 10 0 0 0 0 0 0
  eth0: 1200 4 0 0 0 0 0 0 300 5 0 0 0 0 0 0
  net1:{} 4 0 0 0 0 0 0 {} 5 0 0 0 0 0 0
"""
IO = "rchar: 7\nwchar: 8\nsyscr: 1\nsyscw: 1\nread_bytes: 4096\nwrite_bytes: 8192\ncancelled_write_bytes: 0\n"
LIMITED = "usage_usec 5\nnr_periods 40\nnr_throttled 10\nthrottled_usec 77\n"


def root(
    folder: Path, cpu: str = LIMITED, at: str = "sys/fs/cgroup/cpu.stat", sent: tuple[int, int] = (0, 0)
) -> Path:
    for name, text in (("proc/net/dev", NET.format(*sent)), ("proc/self/io", IO), (at, cpu)):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize("at", ["sys/fs/cgroup/cpu.stat", "sys/fs/cgroup/cpu/cpu.stat"])
def test_both_versions_of_cgroups_are_read(at: str, tmp_path: Path) -> None:
    found = counters(root(tmp_path, at=at))
    assert {**found.figures, CPU: None} == {
        CPU: None,
        NETWORK: 1500.0,
        DISK: 12288.0,
        PERIODS: 40.0,
        THROTTLED: 10.0,
    }
    assert not found.unavailable


@given(st.tuples(st.integers(0, 2**63), st.integers(0, 2**63)))
def test_every_interface_but_the_loopback_counts(sent: tuple[int, int]) -> None:
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        found = counters(root(Path(folder), sent=sent)).figures[NETWORK]
    assert found == float(1500 + sum(sent))


def test_what_is_not_there_is_not_known_and_has_a_reason(tmp_path: Path) -> None:
    found = counters(tmp_path)
    assert {name for name, value in found.figures.items() if value is not None} == {CPU}
    assert found.unavailable.keys() == found.figures.keys() - {CPU}
    assert "cpu.stat" in found.unavailable[THROTTLED]
    found = counters(root(tmp_path, cpu="usage_usec 5\n"))
    assert found.figures[NETWORK] == 1500.0
    assert found.unavailable == dict.fromkeys((PERIODS, THROTTLED), "no CPU limit is set")


def test_the_cpu_time_of_this_process_is_counted() -> None:
    before = counters().figures[CPU]
    assert before is not None
    while time.process_time() < before + 0.1:
        pass
    after = counters().figures[CPU]
    assert after is not None
    assert after - before >= 0.1


@pytest.mark.skipif(not Path("/proc/self/io").exists(), reason="only Linux has /proc")
def test_what_this_process_writes_to_a_disk_is_counted(tmp_path: Path) -> None:
    before = counters().figures[DISK]
    with (tmp_path / "file").open("wb") as file:
        file.write(os.urandom(1 << 20))
        file.flush()
        os.fsync(file.fileno())
    after = counters().figures[DISK]
    assert before is not None
    assert after is not None
    assert after >= before
