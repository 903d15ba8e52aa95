"""The command line as a process: one clear line, the right exit code, nothing else."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

KAPTURE = [sys.executable, "-m", "kapture_tui"]


def kapture(*words: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*KAPTURE, *words],
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def shell(line: str) -> subprocess.CompletedProcess[str]:
    """A line of bash in which $K stands for the command."""
    command = ["bash", "-c", f'K="{" ".join(KAPTURE)}"; {line}']
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    "line",
    [
        "up demo 0",
        "up demo x",
        "up demo 1 -q",
        "up demo 1 --deploy-cassandra",
        "up demo 1 -erp",
        "up demo 1 --target kubernetes",
        "scale demo cassandra=2",
        "scale demo etl=0",
        "bench demo 3 --repeats 2",
        "nonsense",
        "up demo 1 --log-file /nonexistent/log",
        "generate -c 0",
        "completion csh",
        "",
        "demo7 1 -r",
        "attach demo7",
    ],
)
def test_bad_input_is_one_line_and_exit_2(line: str):
    done = kapture(*line.split())
    assert done.returncode == 2
    assert done.stdout == ""
    (said,) = done.stderr.splitlines()
    assert said.startswith("kapture-tui: ")


def test_a_dumb_terminal_is_told_what_to_use_instead():
    done = kapture(TERM="dumb")
    assert done.returncode == 2
    assert "TERM=dumb" in done.stderr
    assert "kapture-tui up" in done.stderr


def test_version_and_help_are_answers():
    version = kapture("--version")
    assert (version.returncode, version.stderr) == (0, "")
    assert version.stdout.startswith("kapture-tui ")
    assert "kapture-tui up" in kapture("--help").stdout


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from kapture_tui.cli import main; main(['--help']); print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {
        "asyncio",
        "textual",
        "redis",
        "confluent_kafka",
        "kafka",
        "psutil",
        "yaml",
        "kapture_tui.workload.petstore",
    }
    assert heavy & set(done.stderr.split()) == set()


def test_generate_writes_as_many_transactions_as_asked_for():
    done = kapture("generate", "-s", "5", "-c", "20", "-d", "100", "--count", "7")
    assert done.returncode == 0
    assert len([json.loads(line) for line in done.stdout.splitlines()]) == 7


def test_generate_gives_the_same_bytes_with_any_number_of_workers():
    load = ["-s", "5", "-c", "31", "-d", "60", "--seed", "9"]
    alone = kapture("generate", *load)
    shared = kapture("generate", *load, "--workers", "3")
    assert len(alone.stdout.splitlines()) > 100
    assert shared.stdout == alone.stdout
    assert kapture("generate", *load[:-1], "10").stdout != alone.stdout


@pytest.mark.parametrize("workers", ["1", "2"])
def test_generate_bears_a_reader_that_leaves(workers: str):
    done = shell(f"$K generate -s 5 -c 50 --workers {workers} | head -1; echo ${{PIPESTATUS[0]}}")
    line, code = done.stdout.splitlines()
    assert json.loads(line)["id"] == 0
    assert code == "0"
    assert done.stderr == ""


def test_generate_on_a_full_disk_is_one_line_and_exit_1():
    done = shell("$K generate -s 5 -c 50 --count 1000 > /dev/full; echo $?")
    assert done.stdout == "1\n"
    assert done.stderr == "kapture-tui: No space left on device\n"


def test_ctrl_c_ends_generate_at_once_without_a_traceback():
    process = subprocess.Popen(
        [*KAPTURE, "generate", "-s", "5", "-c", "50", "--workers", "2"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    )
    assert process.stdout is not None
    process.stdout.readline()
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert (process.returncode, said) == (130, "")


def test_doctor_says_what_there_is(tmp_path: Path):
    config = tmp_path / "config"
    config.write_text("current-context: lab\n")
    done = kapture("doctor", KUBECONFIG=str(config), KAFKA_HOME=str(tmp_path))
    for part in (
        "python",
        "textual",
        "kafka client",
        "redis",
        "memory",
        "disk",
        "terminal",
        "context 'lab'",
        "stacks",
    ):
        assert part in done.stdout
    lines = done.stdout.splitlines()
    at = next(number for number, line in enumerate(lines) if "KAFKA_HOME" in line)
    assert lines[at].startswith("NO")
    assert any("→" in line for line in lines[at + 1 : at + 5])
    assert done.returncode == 1
    assert kapture("doctor", KAFKA_HOME="").returncode == 0


def test_status_of_nothing_is_exit_2_and_down_of_nothing_exit_0():
    status = kapture("status", "nothing-here", "--json")
    assert (status.returncode, status.stdout) == (2, "")
    assert "no stack runs as 'nothing-here'" in status.stderr
    down = kapture("down", "nothing-here")
    assert down.returncode == 0
    assert "nothing to do" in down.stderr


def test_adding_to_nothing_is_exit_2():
    assert kapture("nothing-here", "-r").returncode == 2


def test_the_log_file_has_the_traceback_the_terminal_has_not(tmp_path: Path):
    log = tmp_path / "log"
    done = kapture("status", "nothing-here", "--log-file", str(log))
    assert len(done.stderr.splitlines()) == 1
    assert "Traceback" in log.read_text()


def complete(line: str) -> set[str]:
    """What a real bash offers for the last word of a line."""
    words = line.split(" ")
    script = (
        'source <($K completion bash); kapture() { $K "$@"; }; '
        f"COMP_WORDS=({' '.join(repr(word) for word in ['kapture', *words[1:]])}); COMP_CWORD={len(words) - 1}; "
        '_kapture_tui; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    return set(shell(script).stdout.split())


def test_bash_completes_commands_options_and_values():
    assert {"up", "status", "generate"} <= complete("kapture-tui ")
    assert complete("kapture-tui comp") == {"completion"}
    assert complete("kapture-tui completion f") == {"fish"}
    assert complete("kapture-tui up demo 1 --comp") == {"--compat"}
    assert complete("kapture-tui generate --deploy") == set()
    assert complete("kapture-tui status --target demo --j") == {"--json"}
    assert complete("kapture-tui up demo 1 --target l") == {"local"}
    assert complete("kapture-tui up demo 1 --target = l") == {"local"}
    assert complete("kapture-tui scale demo data") == {"data-loader="}
    assert complete("kapture-tui up demo 1 --rate ") == set()


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_completion_scripts_are_valid(name: str, tmp_path: Path):
    script = tmp_path / "script"
    script.write_text(kapture("completion", name).stdout)
    try:
        done = subprocess.run([name, "-n", str(script)], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip(f"there is no {name} on this machine")
    assert (done.returncode, done.stderr) == (0, "")
