"""A namespace of the cluster that KUBECONFIG names, for a measurement; gone at the end."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from benchmark.perf.result import CannotRun

LIMIT_S = 300.0
FLOWS = "transactions flow"
"""What `up` says when the first transaction has arrived in every database."""


@contextmanager
def namespace() -> Iterator[str]:
    """A new namespace that enforces restricted pods. Raises CannotRun without a cluster or kubectl."""
    if not os.environ.get("KUBECONFIG"):
        raise CannotRun("KUBECONFIG names no cluster")
    if not shutil.which("kubectl"):
        raise CannotRun("kubectl is not installed")
    name = f"kapture-perf-{secrets.token_hex(2)}"
    kubectl("create", "namespace", name)
    try:
        kubectl("label", "namespace", name, "pod-security.kubernetes.io/enforce=restricted")
        yield name
    finally:
        kubectl("delete", "namespace", name, "--wait=true")


def kubectl(*words: str, limit_s: float = LIMIT_S) -> None:
    """Run kubectl. Raises CannotRun with what it said when it fails."""
    done = subprocess.run(("kubectl", *words), capture_output=True, text=True, timeout=limit_s)
    if done.returncode:
        raise CannotRun(f"kubectl {' '.join(words[:3])}: {done.stderr.strip()[-300:]}")


def kapture(*words: str) -> None:
    """Run one command line of ours. Raises CannotRun with what it said when it fails."""
    done = subprocess.run(
        _command(words), capture_output=True, text=True, timeout=LIMIT_S, env=_environment()
    )
    if done.returncode:
        raise CannotRun(f"kapture-tui {' '.join(words[:3])}: {done.stderr.strip()[-300:]}")


def seconds_until(said: str, *words: str) -> float:
    """How long one of our command lines takes to say something, seconds; then it is waited for."""
    began_s = time.monotonic()
    process = subprocess.Popen(_command(words), stderr=subprocess.PIPE, text=True, env=_environment())
    assert process.stderr is not None
    took_s, last = None, ""
    for last in process.stderr:
        if took_s is None and said in last:
            took_s = time.monotonic() - began_s
    if process.wait() or took_s is None:
        raise CannotRun(f"kapture-tui {' '.join(words[:3])}: {last.strip()[-300:]}")
    return took_s


def _command(words: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", "kapture_tui", *words]


def _environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if key != "KAFKA_HOME"}
