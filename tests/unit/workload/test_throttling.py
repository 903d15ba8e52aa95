"""What a control group says of its CPU limit, in both versions, and what reaches the observer of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from kapture_tui.workload.kafka import Lane, OnDelivery
from kapture_tui.workload.observer.figures_watch import SILENT_S, FiguresBook, parts_of, throttled_of
from kapture_tui.workload.throttling import Throttling, ThrottlingReporter

V1 = {
    "cpu/cpu.cfs_quota_us": "200000\n",
    "cpu/cpu.stat": "nr_periods {}\nnr_throttled {}\nthrottled_time 9\n",
}
V2 = {"cpu.max": "200000 100000\n", "cpu.stat": "usage_usec 7\nnr_periods {}\nnr_throttled {}\nnr_bursts 0\n"}


class Group:
    """A control group that is only files, and a clock."""

    def __init__(self, folder: Path, files: dict[str, str]) -> None:
        self.folder = folder
        self._files = files
        self.now_s = 50.0
        self.counted(100, 7)

    def counted(self, periods: int, throttled: int) -> None:
        for name, text in self._files.items():
            path = self.folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text.format(periods, throttled))

    def throttling(self) -> Throttling:
        return Throttling(self.folder, lambda: self.now_s)


@pytest.mark.parametrize("files", [V1, V2])
def test_the_share_of_periods_that_were_cut_short(tmp_path: Path, files: dict[str, str]) -> None:
    group = Group(tmp_path, files)
    throttling = group.throttling()
    assert throttling.limited
    assert throttling.ratio() is None  # one look is no share yet
    group.now_s += 1
    group.counted(110, 11)
    assert throttling.ratio() == pytest.approx(0.4)
    group.now_s += 1
    assert throttling.ratio() == pytest.approx(0.4)  # of the last seconds together
    group.now_s += 100
    throttling.ratio()
    group.now_s += 1
    assert throttling.ratio() == 0.0  # it did not want to run


@pytest.mark.parametrize(
    "files",
    [
        {},
        V1 | {"cpu/cpu.cfs_quota_us": "-1\n"},
        V2 | {"cpu.max": "max 100000\n"},
        V2 | {"cpu.max": ""},
        V2 | {"cpu.stat": "usage_usec 7\n"},
        V2 | {"cpu.stat": "something else altogether\n"},
    ],
)
def test_without_a_limit_or_counters_it_is_not_known(tmp_path: Path, files: dict[str, str]) -> None:
    throttling = Group(tmp_path, files).throttling()
    assert throttling.ratio() is None
    assert throttling.ratio() is None


class Book:
    """A producer whose records the observer reads at once."""

    def __init__(self) -> None:
        self.book = FiguresBook()

    def lane(self, topic: str, partition: int, on_delivery: OnDelivery | None) -> Lane:
        def send(key: bytes | None, value: bytes, header: bytes | None, report: bool = True, /) -> bool:
            self.book.add(key, value, 50.0)
            return True

        return send

    def poll(self, timeout_s: float) -> None: ...

    def in_flight(self) -> int:
        return 0

    def flush(self, timeout_s: float) -> int:
        return 0


def test_the_observer_hears_it_of_each_process_that_lives(tmp_path: Path) -> None:
    kafka, group = Book(), Group(tmp_path, V2)
    for name in ("etl-0", "etl-1"):
        throttling = group.throttling()
        throttling.ratio()
        group.now_s += 1
        group.counted(200, 107 if name == "etl-0" else 7)
        ThrottlingReporter(kafka, name, throttling).report_due()
        group.counted(100, 7)
    told = kafka.book.parts(50.0)
    assert throttled_of(told) == {"etl-0": 1.0, "etl-1": 0.0}
    assert set(parts_of(told, "")) == {"webapp", "spout"}  # it is no part of the stack
    assert throttled_of(kafka.book.parts(50.0 + SILENT_S + 1)) == throttled_of(None) == {}


def test_without_a_limit_nothing_is_told(tmp_path: Path) -> None:
    kafka = Book()
    ThrottlingReporter(kafka, "etl-0", Group(tmp_path, {}).throttling()).report_due()
    assert kafka.book.parts(50.0) == {}
