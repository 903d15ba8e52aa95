"""From nothing to the first transaction in Redis, by `up`; and to everything ready, by kubectl and the same objects."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from benchmark.perf.cluster import FLOWS, kapture, kubectl, namespace, seconds_until
from benchmark.perf.result import Effort, Result

STACK = ("1", "-r", "--rate", "100")
MOST = 1.15
"""What `up` may take, in units of what kubectl takes."""

WAITS = (
    ("--for=jsonpath={.status.readyReplicas}=1", "statefulset", "--all"),
    ("--for=condition=complete", "job", "--all"),
    ("--for=condition=Available", "deployment", "--all"),
)


def measure(effort: Effort) -> Iterator[Result]:
    """See `Result`."""
    pairs = [(_by_kubectl(), _by_up()) for _ in range(effort.pairs)]
    ratio = median(theirs / ours for theirs, ours in pairs)
    yield Result(
        "up to the first transaction in Redis",
        median(ours for _, ours in pairs),
        "s",
        median(theirs for theirs, _ in pairs),
        ratio,
        1 / MOST,
        "against kubectl apply and kubectl wait on the rendered directory, scale 1",
    )


def _by_up() -> float:
    with namespace() as name:
        return seconds_until(FLOWS, "up", name, *STACK, "--target", "kubernetes", "--yes")


def _by_kubectl() -> float:
    with namespace() as name, tempfile.TemporaryDirectory(prefix="kapture-perf-") as folder:
        rendered = Path(folder) / "stack"
        kapture("render", name, *STACK, "-o", str(rendered))
        began_s = time.monotonic()
        kubectl("apply", "--server-side", "-k", str(rendered))
        for wait in WAITS:
            kubectl("wait", "-n", name, "--timeout=240s", *wait)
        return time.monotonic() - began_s
