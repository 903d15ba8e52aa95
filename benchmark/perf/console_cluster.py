"""The console beside thousands of pods of a cluster, and k9s beside the same ones where it is on the PATH.

The pods are pretended: they want nodes that kwok plays (label `type=kwok`, taint `kwok.x-k8s.io/node=fake`).
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from benchmark.perf.cluster import kapture, kubectl, namespace
from benchmark.perf.console_pods import (
    CHANGES,
    K9S_BYTES,
    K9S_BYTES_PER_S,
    K9S_CORE,
    KEY_GOAL_S,
    KEYS,
    MIB,
    UNFOLDED,
    key_s,
)
from benchmark.perf.result import CannotRun, Effort, Result
from benchmark.perf.terminal import Terminal, program
from kapture_tui.model.times import seconds_of
from kapture_tui.targets import Connection
from kapture_tui.targets.kubernetes.api import Api
from kapture_tui.targets.kubernetes.kinds import POD

PODS = int(os.environ.get("KAPTURE_PERF_PODS", "10000"))
COMPONENT = "etl"
NAME = "fake-pod"
LIMIT_S = 900.0
SETTLE_S = 10.0

LISTED_GOAL_S = 2.0
"""From the arrival of the list of pods to their first rows."""

K9S_FIRST_S = 12.0
"""k9s 0.50 until its first rows of 10,000 pods; see `console_pods` for its other figures."""

FAKE = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": NAME},
    "spec": {
        "replicas": PODS,
        "selector": {"matchLabels": {"perf": NAME}},
        "template": {
            "metadata": {
                "labels": {
                    "perf": NAME,
                    "app.kubernetes.io/part-of": "kapture",
                    "app.kubernetes.io/managed-by": "kapture-tui",
                    "app.kubernetes.io/component": COMPONENT,
                }
            },
            "spec": {
                "nodeSelector": {"type": "kwok"},
                "tolerations": [{"key": "kwok.x-k8s.io/node", "operator": "Exists", "effect": "NoSchedule"}],
                "automountServiceAccountToken": False,
                "securityContext": {
                    "runAsNonRoot": True,
                    "runAsUser": 1000,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "containers": [
                    {
                        "name": "fake",
                        "image": "busybox",
                        "securityContext": {
                            "allowPrivilegeEscalation": False,
                            "capabilities": {"drop": ["ALL"]},
                        },
                    }
                ],
            },
        },
    },
}


@dataclass(frozen=True, slots=True)
class Use:
    """What a program uses.

    Attributes:
        core: part of a core.
        bytes_per_s: to the terminal.
        others: cores that all else on this machine takes meanwhile, a cluster that runs on it included.
    """

    core: float
    bytes_per_s: float
    others: float = 0.0


@dataclass(frozen=True, slots=True)
class Cost:
    """What a program that shows pods costs.

    Attributes:
        first_s: until its first rows, from its start.
        first_at_s: when they were there, seconds since the epoch.
        used: idle, and while pods change.
        memory_bytes: at the end.
        keys_s: how long it took to answer each key, while pods changed.
    """

    first_s: float
    first_at_s: float
    used: Sequence[Use]
    memory_bytes: int
    keys_s: Sequence[float]


def measure(effort: Effort) -> Iterator[Result]:
    """See `Result`."""
    with namespace() as name:
        kapture("up", name, "1", "--rate", "100", "--target", "kubernetes", "--yes")
        with fake_pods(name), TemporaryDirectory() as folder:
            log = Path(folder, "log")
            words = ("-m", "kapture_tui", "attach", name, "--target", "kubernetes", "--log-file", str(log))
            # The stack has one pod of that component as well.
            ours = _cost(words, f"{PODS + 1}/{PODS + 1}", UNFOLDED, name, effort)
            k9s = _k9s(name, effort)
            # Before so many pods are removed, which takes minutes.
            after_s = ours.first_at_s - _listed_at_s(log, name)
            yield _against("first rows after the list", after_s, "s", LISTED_GOAL_S, "its last page has come")
            yield from _compared(ours, k9s)


def _listed_at_s(log: Path, name: str) -> float:
    """When the list of pods was complete, as the log says, seconds since the epoch. Raises CannotRun: it does not."""
    listed = f" {POD.collection(name)}: "
    lines = (line for line in log.read_text().splitlines() if listed in line and line.endswith(" listed"))
    if (line := next(lines, None)) is None:
        raise CannotRun("the log does not say when the pods were listed")
    return seconds_of(line.partition(" ")[0])


def _k9s(name: str, effort: Effort) -> Cost | None:
    """The same of k9s; None: it is not on the PATH."""
    if not shutil.which("k9s"):
        return None
    run = f"import os; os.execvp('k9s', ['k9s', '-n', {name!r}, '-c', 'pods'])"
    return _cost(("-c", run), NAME, (), name, effort)


def _compared(ours: Cost, k9s: Cost | None) -> Iterator[Result]:
    """Our figures against its; where it is not here, against those it was once seen to have."""
    note = f"{PODS:,} pods of a cluster, 120x40; " + (
        "k9s in the same run"
        if k9s
        else "k9s is not on the PATH: the figures of 0.50 from docs/performance.md"
    )
    seen = Use(K9S_CORE, K9S_BYTES_PER_S)
    other = k9s or Cost(K9S_FIRST_S, 0.0, (seen, seen), K9S_BYTES, ())
    yield _against("first rows", ours.first_s, "s", other.first_s, note)
    for index, state in enumerate(("idle", f"{CHANGES} changes a second")):
        used, beside = ours.used[index], other.used[index]
        machine = f"all else on its {os.cpu_count()} cores took {used.others:.1f} of them; {note}"
        yield _against(f"CPU, {state}", 100 * used.core, "% of a core", 25 * beside.core, machine)
        limit = beside.bytes_per_s if index or k9s else None
        yield _against(f"to the terminal, {state}", used.bytes_per_s, "bytes / s", limit, note)
    yield _against("memory", ours.memory_bytes / MIB, "MiB", other.memory_bytes / 3 / MIB, note)
    median = f"the slowest of {len(ours.keys_s)}, the median {1000 * statistics.median(ours.keys_s):.0f} ms"
    yield _against("a key answered", 1000 * max(ours.keys_s), "ms", 1000 * KEY_GOAL_S, median)


def _against(name: str, value: float, unit: str, limit: float | None, note: str) -> Result:
    """A figure that must not be above a limit, if there is one: a quarter of its CPU, a third of its memory."""
    if limit is None:
        return Result(name, value, unit, note=note)
    return Result(name, value, unit, limit, limit / max(value, 1e-9), 1.0, note)


def _cost(words: Sequence[str], shown: str, keys: Sequence[str], name: str, effort: Effort) -> Cost:
    """What a program costs; its first rows are there once something is shown."""
    began_s = time.monotonic()
    with program(words, 120, 40) as terminal:
        if not terminal.read(lambda: shown.encode() in terminal.tail, LIMIT_S):
            raise CannotRun(f"no rows within {LIMIT_S:.0f} s")
        first_s, first_at_s = time.monotonic() - began_s, time.time()
        for key in keys:
            terminal.press(key)
        terminal.read(lambda: False, SETTLE_S)
        window_s = 3 * effort.window_s
        used: list[Use] = []
        keys_s: list[float] = []
        for changes in (0, CHANGES):
            with changing(name, changes):
                used.append(_use(terminal, window_s))
                if changes:
                    keys_s = [key_s(terminal, key) for key in ("j", "k") * (KEYS // 2)]
        return Cost(first_s, first_at_s, used, terminal.memory_bytes, keys_s)


def _use(terminal: Terminal, window_s: float) -> Use:
    """What its program uses over a window."""
    written, cpu_s, machine_s = terminal.written, terminal.cpu_s, _machine_s()
    terminal.read(lambda: False, window_s)
    own_s = terminal.cpu_s - cpu_s
    others_s = _machine_s() - machine_s - own_s
    return Use(own_s / window_s, (terminal.written - written) / window_s, others_s / window_s)


def _machine_s() -> float:
    """What all of this machine's processes have had of its cores so far, seconds."""
    times = psutil.cpu_times()
    return float(times.user + times.system + getattr(times, "nice", 0.0))


@contextmanager
def fake_pods(name: str) -> Iterator[None]:
    """Thousands of pods that run nowhere. Raises CannotRun: there are no nodes for them, or they do not come."""
    nodes = subprocess.run(
        ("kubectl", "get", "nodes", "-l", "type=kwok", "-o", "name"), capture_output=True, text=True
    ).stdout.split()
    if not nodes:
        raise CannotRun("no fake nodes: kwok must play some, labelled type=kwok")
    try:
        subprocess.run(
            ("kubectl", "apply", "-n", name, "-f", "-"), input=json.dumps(FAKE), text=True, check=True
        )
        kubectl(
            "rollout",
            "status",
            "-n",
            name,
            f"deployment/{NAME}",
            f"--timeout={LIMIT_S:.0f}s",
            limit_s=LIMIT_S,
        )
        yield
    finally:
        kubectl(
            "delete",
            "deployment",
            NAME,
            "-n",
            name,
            "--cascade=foreground",
            "--ignore-not-found",
            limit_s=LIMIT_S,
        )


@contextmanager
def changing(name: str, changes: int) -> Iterator[None]:
    """So many pods get another restart count each second."""
    if not changes:
        yield
        return
    changer = subprocess.Popen((sys.executable, "-m", __name__, name, str(changes)))
    try:
        yield
    finally:
        changer.terminate()
        changer.wait()


async def change(name: str, changes: int) -> None:
    """Change them until killed; Raises KaptureError."""
    api = await Api.open(Connection())
    listed = await api.request(
        "GET", POD.collection(name), query={"labelSelector": f"perf={NAME}", "limit": "500"}
    )
    pods = [pod["metadata"]["name"] for pod in listed["items"]]
    merge = "application/strategic-merge-patch+json"
    for number in range(10**9):
        pod = pods[number * 7919 % len(pods)]
        status = {"containerStatuses": [{"name": "fake", "restartCount": 1 + number // len(pods)}]}
        await api.request(
            "PATCH", f"{POD.path(name, pod)}/status", body={"status": status}, content_type=merge
        )
        await asyncio.sleep(1 / changes)


if __name__ == "__main__":
    asyncio.run(change(sys.argv[1], int(sys.argv[2])))
