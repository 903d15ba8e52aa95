"""What a process that is alone in its container knows of it: CPU time, sooner than a cluster tells it; and what nobody
outside may ask: bytes over its network, bytes to and from its disk, and how often its CPU limit held it back. Goes to
the observer with the other figures.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

from kapture_tui.workload.figures import Figures, FiguresPublisher
from kapture_tui.workload.kafka import Producer
from kapture_tui.workload.settings import Settings

PART = "container"
"""What these figures are told under."""

CPU = "cpu_seconds_total"
NETWORK, DISK = "network_bytes_total", "disk_bytes_total"
PERIODS, THROTTLED = "periods_total", "throttled_total"

CPU_STATS = ("sys/fs/cgroup/cpu.stat", "sys/fs/cgroup/cpu/cpu.stat", "sys/fs/cgroup/cpu,cpuacct/cpu.stat")
"""Where a container sees its own: of cgroup v2, and of v1 by its two names."""


class ContainerReporter:
    """Tells the observer once a second; of a process that shares its machine nothing: it would be the machine's.

    Args:
        producer: sends the records; nobody else may use it from another thread.
    """

    def __init__(self, settings: Settings, producer: Producer) -> None:
        self._publisher = FiguresPublisher(producer, PART, settings.name) if settings.contained else None

    def report_due(self) -> None:
        """Report if a second is over. Does not wait."""
        if self._publisher is not None:
            self._publisher.publish_due(counters)


def counters(root: Path = Path("/")) -> Figures:
    """Counters since the container began; None, with the reason, for what the kernel does not tell."""
    figures: dict[str, float | None] = dict.fromkeys((NETWORK, DISK, PERIODS, THROTTLED))
    figures[CPU] = time.process_time()
    unavailable: dict[str, str] = {}
    try:
        figures[NETWORK] = _network((root / "proc/net/dev").read_text().splitlines())
    except (OSError, ValueError, IndexError) as exc:
        unavailable[NETWORK] = str(exc)
    try:
        io = _pairs((root / "proc/self/io").read_text(), ":")
        figures[DISK] = io["read_bytes"] + io["write_bytes"]
    except (OSError, ValueError, KeyError) as exc:
        unavailable[DISK] = str(exc)
    stat = next((path for path in (root / name for name in CPU_STATS) if path.is_file()), None)
    try:
        if stat is None:
            raise OSError("the container sees no cpu.stat")
        cpu = _pairs(stat.read_text(), " ")
        figures[PERIODS], figures[THROTTLED] = cpu["nr_periods"], cpu["nr_throttled"]
    except KeyError:
        unavailable[PERIODS] = unavailable[THROTTLED] = "no CPU limit is set"
    except (OSError, ValueError) as exc:
        unavailable[PERIODS] = unavailable[THROTTLED] = str(exc)
    return Figures(figures, unavailable=unavailable)


def _network(lines: Iterable[str]) -> float:
    """Received and sent bytes of all interfaces but the loopback, from /proc/net/dev."""
    total = 0
    for line in lines:
        name, colon, rest = line.partition(":")
        if colon and name.strip() != "lo":
            fields = rest.split()
            total += int(fields[0]) + int(fields[8])
    return float(total)


def _pairs(text: str, separator: str) -> dict[str, float]:
    """Lines such as "read_bytes: 4096" by name."""
    found = (line.partition(separator) for line in text.splitlines())
    return {name.strip(): float(value) for name, _, value in found if value.strip()}
