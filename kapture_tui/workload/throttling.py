"""How much of the time a CPU limit holds this process back, as its control group counts it.

metrics.k8s.io does not tell it, so each process of ours tells its own, through `kapture.figures`. Where there is no
limit there is nothing to tell.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from kapture_tui.workload.figures import Figures, FiguresPublisher
from kapture_tui.workload.kafka import Producer
from kapture_tui.workload.rates import RATE_S, Window

PART = "throttling"
"""Under which processes report it; see `FiguresReport`."""

FIGURE = "throttled_ratio"

GROUPS = Path("/sys/fs/cgroup")

_LIMITS = (("cpu.max", "cpu.stat"), ("cpu/cpu.cfs_quota_us", "cpu/cpu.stat"))
"""Where the limit and the counters are, in version 2 of control groups and in version 1."""

_UNLIMITED = ("max", "-1")


@dataclass(frozen=True, slots=True)
class Periods:
    """What the kernel counts: periods in which the group wanted to run, and those in which the limit stopped it."""

    all: int
    throttled: int


class Throttling:
    """Looks at the control group of this process.

    Args:
        groups: where control groups are mounted.
    """

    def __init__(self, groups: Path = GROUPS, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._stat = next((groups / stat for limit, stat in _LIMITS if _limited(groups / limit)), None)
        self._window: Window[Periods] = Window(RATE_S)

    @property
    def limited(self) -> bool:
        """Whether there is a limit."""
        return self._stat is not None

    def ratio(self) -> float | None:
        """Part of the last seconds' periods that were cut short, 0 to 1; None: no limit, or asked only once so far."""
        periods = self._periods()
        if periods is None:
            return None
        self._window.add(self._clock(), periods)
        span = self._window.span()
        if span is None:
            return None
        _, before, after = span
        passed = after.all - before.all
        return (after.throttled - before.throttled) / passed if passed > 0 else 0.0

    def _periods(self) -> Periods | None:
        if self._stat is None:
            return None
        try:
            told = dict(line.split() for line in self._stat.read_text().splitlines())
            return Periods(int(told["nr_periods"]), int(told["nr_throttled"]))
        except (OSError, ValueError, KeyError):  # a kernel that tells it in another way: it is not known
            return None


def _limited(path: Path) -> bool:
    try:
        return path.read_text().split()[0] not in _UNLIMITED
    except (OSError, IndexError):
        return False


class ThrottlingReporter:
    """Tells the observer how much this process is held back.

    Args:
        producer: see `FiguresPublisher`.
        name: of the pod or process.
    """

    def __init__(self, producer: Producer, name: str, throttling: Throttling | None = None) -> None:
        self._throttling = throttling or Throttling()
        self._publisher = FiguresPublisher(producer, PART, name) if self._throttling.limited else None

    def report_due(self) -> None:
        """Report if a second is over, and there is something to report."""
        if self._publisher is not None:
            self._publisher.publish_due(self._told)

    def _told(self) -> Figures | None:
        ratio = self._throttling.ratio()
        return None if ratio is None else Figures({FIGURE: ratio})
