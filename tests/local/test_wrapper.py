"""The wrapper ends what it holds, whatever happens to the one who asked for it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack

import psutil
import pytest

from kapture_tui.targets.local.child import WRAPPER

# Says who it is and who its own child is, and obeys SIGTERM only if asked to.
PARENT = """
import os, signal, subprocess, sys
if sys.argv[1] == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen(["sleep", "1000"])
print(os.getpid(), child.pid, flush=True)
if sys.argv[1] == "leaves":
    sys.exit(5)
signal.pause()
"""


class Held:
    """A wrapper with its child and grandchild, as a supervisor sees them."""

    def __init__(self, stack: ExitStack, habit: str, grace: str = "20") -> None:
        command = [sys.executable, "-I", "-S", "-c", PARENT, habit]
        self.wrapper = stack.enter_context(
            subprocess.Popen(
                [sys.executable, "-I", "-S", str(WRAPPER), grace, *command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
        )
        assert self.wrapper.stderr is not None
        child, grandchild = map(int, self.wrapper.stderr.readline().split())
        self.processes = [psutil.Process(grandchild)]
        if habit != "leaves":
            self.processes.append(psutil.Process(child))

    def said(self) -> list[str]:
        """All the wrapper said, once it has ended."""
        assert self.wrapper.stdout is not None
        words = self.wrapper.stdout.read().decode().split("\n")
        self.wrapper.wait(20)
        return [line for line in words if line and not line.startswith("pid ")]

    def all_gone(self) -> bool:
        return not psutil.wait_procs(self.processes, timeout=20)[1]


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as held:
        yield held


def test_the_end_of_the_pipe_ends_the_group(stack: ExitStack) -> None:
    held = Held(stack, "obedient")
    assert held.wrapper.stdin is not None
    held.wrapper.stdin.close()
    assert held.said() == ["exit -15"]
    assert held.wrapper.returncode == 128 + signal.SIGTERM
    assert held.all_gone()


def test_what_ignores_sigterm_is_killed_after_its_grace(stack: ExitStack) -> None:
    held = Held(stack, "stubborn", grace="0.2")
    assert held.wrapper.stdin is not None
    held.wrapper.stdin.close()
    assert held.said() == ["exit -9"]
    assert held.all_gone()


def test_an_order_to_stop_brings_its_own_grace_and_may_be_hurried(stack: ExitStack) -> None:
    held = Held(stack, "stubborn", grace="600")
    assert held.wrapper.stdin is not None
    for order in (b"stop 500\n", b"stop 0.1\n"):
        os.write(held.wrapper.stdin.fileno(), order)
    assert held.said() == ["exit -9"]
    assert held.all_gone()


def test_a_child_that_leaves_takes_its_own_children_along(stack: ExitStack) -> None:
    held = Held(stack, "leaves")
    assert held.said() == ["exit 5"]
    assert held.wrapper.returncode == 5
    assert held.all_gone()


def test_a_signal_to_the_wrapper_is_one_to_the_group(stack: ExitStack) -> None:
    held = Held(stack, "obedient")
    held.wrapper.terminate()
    assert held.said() == ["exit -15"]
    assert held.all_gone()


def test_a_command_that_does_not_exist_says_so() -> None:
    command = [sys.executable, "-I", "-S", str(WRAPPER), "1", "/nowhere/at-all"]
    done = subprocess.run(
        command, stdin=subprocess.PIPE, capture_output=True, text=True, timeout=20, check=False
    )
    assert done.returncode == 127
    assert "cannot run /nowhere/at-all: No such file or directory" in done.stderr
