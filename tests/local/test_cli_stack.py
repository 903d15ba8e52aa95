"""The command line on the real embedded stack, as a shell sees it."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from kapture_tui.targets import open_target

KAPTURE = [sys.executable, "-m", "kapture_tui"]
LOAD = ["-s", "20", "-c", "200", "--seed", "3"]
"""Few customers: they are there at once."""


@pytest.fixture
def state(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A root of state directories that must be gone, and all processes with it, when the test is over."""
    # Not tmp_path: sockets lie below it, and their paths must be short.
    folder = Path(tempfile.mkdtemp(prefix="kt-"))
    root = folder / "state"
    monkeypatch.setenv("KAPTURE_STATE_DIR", str(root))
    monkeypatch.delenv("KAFKA_HOME", raising=False)  # what is tried here is the embedded broker
    yield root
    left = processes_of(root)
    for process in left:
        with suppress(psutil.Error):
            process.kill()
    remains = sorted(str(path.relative_to(root)) for path in root.rglob("*")) if root.exists() else []
    shutil.rmtree(folder)
    assert (left, remains) == ([], [])


def processes_of(root: Path) -> list[psutil.Process]:
    """Supervisors and children of stacks below this root."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            mine = process.cwd().startswith(str(root)) or process.environ().get("KAPTURE_STATE_DIR") == str(
                root
            )
            if mine and process.pid != os.getpid() and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def kapture(*words: str, timeout: float = 90) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*KAPTURE, *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def start(*words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*KAPTURE, *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_until_it_says(process: subprocess.Popen[str], text: str) -> None:
    assert process.stderr is not None
    said = []
    for line in process.stderr:
        said.append(line)
        if text in line:
            return
    pytest.fail(f"it never said {text!r}:\n{''.join(said)}")


def snapshot_of(stdout: str) -> dict[str, Any]:
    snapshot = json.loads(stdout.splitlines()[-1])
    assert isinstance(snapshot, dict)
    return snapshot


def test_a_measured_run_delivers_everything_once_and_leaves_nothing(state: Path):
    log = state.parent / "log"
    line = ["up", "demo", "1", "-r", "--target", "local", "--for", "3", "--json", "--log-file", str(log)]
    done = kapture(*line, *LOAD)
    assert done.returncode == 0, done.stderr
    assert "snapshot" in log.read_text()
    snapshot = snapshot_of(done.stdout)
    acked = snapshot["ledger"]["acked"]
    assert acked > 0
    assert set(snapshot["ledger"]["groups"]) == {"etl", "etl-redis"}
    for name, group in snapshot["ledger"]["groups"].items():
        faults = {kind: group[kind] for kind in ("lost", "duplicated", "unexpected")}
        assert (name, group["delivered"], faults) == (name, acked, dict.fromkeys(faults, 0))
        assert snapshot["kafka"]["total"]["groups"][name]["lag"] == 0
    assert snapshot["drained"] is True
    sold = snapshot["sales"].values()
    assert sold
    assert all(state["stores"] >= len(state["busiest"]) > 0 and state["latest"][0]["store"] for state in sold)
    assert not state.exists()


def test_the_life_of_a_stack_that_is_left_running(state: Path):
    assert kapture("up", "pets", "1", "--rate", "200", *LOAD).returncode == 0

    status = kapture("status", "pets", "--json")
    snapshot = snapshot_of(status.stdout)
    assert snapshot["run"]["namespace"] == "pets"
    assert snapshot["ledger"]["acked"] > 0
    assert "redis" not in snapshot["run"]["components"]

    time.sleep(2)  # nobody looks on meanwhile
    later = snapshot_of(kapture("status", "pets", "--json").stdout)
    assert later["ledger"]["acked"] > snapshot["ledger"]["acked"]

    watch = start("status", "pets", "--watch", "1")
    assert watch.stdout is not None
    first, second = json.loads(watch.stdout.readline()), json.loads(watch.stdout.readline())
    assert second["seq"] > first["seq"]

    again = kapture("up", "pets", "1")
    assert again.returncode == 2
    assert "a stack called pets is running" in again.stderr

    added = kapture("pets", "-r")
    assert added.returncode == 0, added.stderr
    scaled = kapture("scale", "pets", "etl=2")
    assert (scaled.returncode, scaled.stdout) == (0, "etl 1 → 2\n")
    assert kapture("completion", "namespaces").stdout == "pets\n"

    table = kapture("status", "pets")
    assert table.returncode == 0
    assert "etl-redis" in table.stdout
    assert [line for line in table.stdout.splitlines() if len(line) > 80] == []

    down = kapture("pets", "--delete")
    assert down.returncode == 0
    assert "nothing left in pets" in down.stderr
    rest, _ = watch.communicate(timeout=60)
    assert snapshot_of(rest)["run"]["phase"] == "gone"
    assert watch.returncode == 0
    assert kapture("status", "pets").returncode == 2


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (signal.SIGTERM, 143),
        pytest.param(signal.SIGINT, 130, marks=pytest.mark.thorough),
        pytest.param(signal.SIGHUP, 129, marks=pytest.mark.thorough),
    ],
)
def test_a_signal_removes_a_measured_stack(state: Path, number: signal.Signals, code: int):
    process = start("up", "demo", "1", "--for", "600", "--rate", "100", *LOAD)
    wait_until_it_says(process, "transactions flow")
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == code
    assert "nothing left in demo" in said
    assert "Traceback" not in said


def test_a_second_ctrl_c_leaves_the_rest_to_the_supervisor(state: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("KAPTURE_GRACE", "0.2")
    process = start("up", "demo", "1", "--for", "600", "--rate", "100", *LOAD)
    wait_until_it_says(process, "transactions flow")
    process.send_signal(signal.SIGINT)
    wait_until_it_says(process, "once more to leave at once")
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in said
    psutil.wait_procs(processes_of(state), timeout=30)


def test_a_signal_during_the_deploy_removes_what_was_started(state: Path):
    process = start("up", "demo", "1", "-r", *LOAD)
    wait_until_it_says(process, "kafka")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130


def test_the_death_of_the_embedded_broker_is_exit_4(state: Path):
    process = start("up", "demo", "1", "--for", "600", "--json", "--rate", "100", *LOAD)
    wait_until_it_says(process, "transactions flow")
    asyncio.run(open_target("local", "demo").kill("kafka"))
    out, said = process.communicate(timeout=60)
    assert process.returncode == 4
    assert "broker" in said.splitlines()[-1]
    assert snapshot_of(out)["run"]["phase"] == "failed"


def refused(*words: str) -> str:
    """The one line of a refusal."""
    done = kapture(*words)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    return line


def test_a_redis_that_is_not_there_is_refused(state: Path):
    line = refused("up", "demo", "1", "-r", "--redis-url", "redis://:hunter2@127.0.0.1:1/0")
    assert "redis" in line
    assert "hunter2" not in line


def test_a_kafka_that_is_not_there_is_refused(state: Path):
    assert "127.0.0.1:1" in refused("up", "demo", "1", "--kafka-bootstrap", "127.0.0.1:1")


def test_a_kafka_home_without_kafka_is_refused(state: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("KAFKA_HOME", str(tmp_path))
    assert str(tmp_path) in refused("up", "demo", "1")


def test_a_state_directory_of_somebody_else_is_refused(state: Path):
    (state / "demo").mkdir(parents=True)
    letter = state / "demo" / "letter"
    letter.write_text("mine")
    assert "no state directory" in refused("up", "demo", "1")
    assert letter.read_text() == "mine"
    shutil.rmtree(state)


def on_terminal(*words: str) -> tuple[int, str]:
    """Exit code and output of a command on a terminal of its own."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ["TERM"] = "xterm-256color"
        os.execv(KAPTURE[0], [*KAPTURE, *words])
    output = b""
    with suppress(OSError):  # that is how a terminal says that nobody is at the other end
        while part := os.read(terminal, 4096):
            output += part
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), output.decode()


@pytest.mark.parametrize(
    ("file", "text", "names"),
    [
        ("keymap.yaml", "stack.scale: s\nstack.scael: t\n", "line 2, key 'stack.scael'"),
        ("console.yaml", "thme: light\n", "line 1, key 'thme'"),
    ],
)
def test_a_broken_file_of_the_console_is_refused_before_the_screen_is_touched(
    own_home: Path, file: str, text: str, names: str
):
    path = own_home / "config" / "kapture-tui" / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    try:
        code, output = on_terminal()
    finally:
        path.unlink()
    assert code == 2
    (line,) = output.splitlines()
    assert f"{path}, {names}" in line


def test_an_unknown_theme_is_refused():
    code, output = on_terminal("--theme", "nonsense")
    assert (code, len(output.splitlines())) == (2, 1)
    assert "nonsense" in output
