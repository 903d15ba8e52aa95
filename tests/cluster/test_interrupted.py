"""What is begun and not ended, and what cannot succeed: the next call picks it up, or nothing is left of it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from kapture_tui.targets.kubernetes.api import Api
from kapture_tui.targets.kubernetes.destroy import find
from kapture_tui.targets.kubernetes.record import find_record

pytestmark = pytest.mark.slow

LOAD = ("-c", "200", "--rate", "50")


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "kapture_tui", *words, "--target", "kubernetes", "--yes"]


def environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if key != "KAFKA_HOME"}


def kapture(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*words), capture_output=True, text=True, timeout=250, env=environment())


def killed_at(said: str, *words: str) -> str:
    """Run a command line and kill it without warning when it says something; what it had said by then."""
    process = subprocess.Popen(command(*words), stderr=subprocess.PIPE, text=True, env=environment())
    assert process.stderr is not None
    lines: list[str] = []
    for line in _lines(process):
        lines.append(line)
        if said in line:
            break
    process.kill()
    process.wait()
    assert said in lines[-1], lines
    return "".join(lines)


def _lines(process: subprocess.Popen[str]) -> Iterator[str]:
    assert process.stderr is not None
    yield from process.stderr


async def test_what_was_interrupted_is_picked_up(api: Api, namespace: str) -> None:
    killed_at("objects applied", "up", namespace, "1", *LOAD)
    record = await find_record(api, namespace)
    assert record is not None
    assert not record.deployed
    done = kapture("up", namespace, "1", *LOAD)
    assert done.returncode == 0, done.stderr
    again = await find_record(api, namespace)
    assert again is not None
    assert (again.run_id, again.deployed) == (record.run_id, True)
    killed_at("last pods have ended", "down", namespace)
    assert await find(api, namespace)
    done = kapture("down", namespace)
    assert done.returncode == 0, done.stderr
    assert await find(api, namespace) == []


@pytest.mark.thorough
async def test_a_teardown_that_was_interrupted_is_ended_before_the_next_deploy(
    api: Api, namespace: str
) -> None:
    killed_at("objects applied", "up", namespace, "1", *LOAD)
    killed_at("last pods have ended", "down", namespace)
    done = kapture("up", namespace, "1", *LOAD, "--for", "2")
    assert done.returncode == 0, done.stderr
    assert "interrupted" in done.stderr
    assert await find(api, namespace) == []


@pytest.mark.thorough  # it waits whether the registry comes back
async def test_an_image_that_cannot_be_pulled_is_named_and_nothing_is_left(api: Api, namespace: str) -> None:
    done = kapture("up", namespace, "1", *LOAD, "--image", "no-such-registry.invalid/workload:1")
    assert done.returncode == 1
    message = done.stderr.splitlines()[-1]
    assert "no-such-registry.invalid/workload:1" in message
    assert "--image" in message or "image's name" in message
    assert await find(api, namespace) == []
