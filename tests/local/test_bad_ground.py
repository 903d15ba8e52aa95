"""What this machine may lack: one clear line and exit 2, and nothing left behind."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import redis

from kapture_tui.model.errors import UsageError
from kapture_tui.model.spec import Component
from kapture_tui.targets.local.redis import check_there, clear, command, find_server
from kapture_tui.targets.local.state import Owner, StateDirectory
from kapture_tui.targets.local.target import LocalTarget
from tests.local.supervised import every, spec_of

DEPLOY = """
import asyncio, sys
from kapture_tui.model.errors import KaptureError
from kapture_tui.targets.local.target import LocalTarget
from tests.local.supervised import every, spec_of
async def main():
    try:
        await every(LocalTarget("ground").deploy(spec_of("ground")))
    except KaptureError as exc:
        print(exc)
        sys.exit(exc.exit_code)
asyncio.run(main())
"""


def in_own_namespace(setup: str, state: Path) -> subprocess.CompletedProcess[str]:
    """Deploy in new mount and network namespaces after some shell commands. Skips where that is not allowed."""
    unshare = shutil.which("unshare")
    if (
        unshare is None
        or subprocess.run([unshare, "-rmn", "true"], capture_output=True, check=False).returncode
    ):
        pytest.skip("no user namespaces here")
    script = f'{setup} && exec {sys.executable} -c "$DEPLOY"'
    env = os.environ | {"KAPTURE_STATE_DIR": str(state), "DEPLOY": DEPLOY, "PYTHONPATH": os.getcwd()}
    return subprocess.run(
        [unshare, "-rmn", "sh", "-c", script],
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def state(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    place = own_home / "ground"
    monkeypatch.setenv("KAPTURE_STATE_DIR", str(place))
    yield place
    shutil.rmtree(place, ignore_errors=True)


def test_a_full_disk(state: Path) -> None:
    state.mkdir()
    done = in_own_namespace(f"ip link set lo up; mount -t tmpfs -o size=64k none {state}", state)
    assert done.returncode == 2, done.stderr
    assert done.stdout.count("\n") == 1
    assert "the disk is full" in done.stdout


def test_no_free_port(state: Path) -> None:
    done = in_own_namespace(
        "ip link set lo up; echo 40000 40001 > /proc/sys/net/ipv4/ip_local_port_range", state
    )
    assert done.returncode == 2, done.stderr
    assert done.stdout.count("\n") == 1
    assert "looking for a free port on 127.0.0.1" in done.stdout
    assert not (state / "ground").exists()


async def test_a_redis_that_is_not_there(state: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"redis://:secret@127.0.0.1:{free.getsockname()[1]}/0"
    with pytest.raises(UsageError, match="refused") as refused:
        await every(LocalTarget("ground").deploy(replace(spec_of("ground", redis=True), urls={"redis": url})))
    assert "secret" not in str(refused.value)
    assert "\n" not in str(refused.value)
    assert StateDirectory.of("ground").owner() is Owner.NOBODY


async def test_a_grace_that_is_no_number(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAPTURE_GRACE", "soon")
    with pytest.raises(UsageError, match="KAPTURE_GRACE='soon': not a number"):
        await every(LocalTarget("ground").deploy(spec_of("ground")))
    assert StateDirectory.of("ground").owner() is Owner.NOBODY


async def test_somebody_elses_directory(state: Path) -> None:
    (state / "ground").mkdir(parents=True)
    (state / "ground" / "letters.txt").write_text("dear")
    with pytest.raises(UsageError, match="no state directory of yours"):
        await every(LocalTarget("ground").deploy(spec_of("ground")))
    assert (state / "ground" / "letters.txt").read_text() == "dear"
    assert StateDirectory.of("ground").owner() is Owner.FOREIGN


async def test_zookeeper_needs_a_kafka_that_knows_it(state: Path) -> None:
    spec = spec_of("ground").with_component(Component.ZOOKEEPER)
    with pytest.raises(UsageError, match=r"embedded broker.*KAFKA_HOME"):
        await every(LocalTarget("ground").deploy(spec))
    for wanted, fatal, text in (
        (spec_of("ground"), False, "no use for it"),
        (replace(spec, kafka_bootstrap="127.0.0.1:1"), True, "the brokers are elsewhere"),
    ):
        findings = await LocalTarget("ground").preflight(wanted)
        [found] = [finding for finding in findings if finding.subject == "zookeeper"]
        assert (found.ok, found.fatal) == (False, fatal)
        assert text in found.text


async def test_components_of_later_releases(state: Path) -> None:
    spec = spec_of("ground").with_component(Component.PROMETHEUS)
    with pytest.raises(UsageError, match="prometheus: this machine runs none"):
        await every(LocalTarget("ground").deploy(spec))


async def test_a_kafka_home_without_kafka(state: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"kafka-server-start.sh is not there"):
        await every(LocalTarget("ground").deploy(replace(spec_of("ground"), kafka_home=str(tmp_path))))


async def test_brokers_that_are_not_there(state: Path) -> None:
    spec = replace(spec_of("ground"), kafka_bootstrap="127.0.0.1:1")
    with pytest.raises(UsageError, match=r"brokers at 127.0.0.1:1"):
        await every(LocalTarget("ground").deploy(spec))


def test_a_redis_with_another_runs_data_is_refused_and_can_be_cleared(tmp_path: Path) -> None:
    server = find_server()
    assert server is not None
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"redis://127.0.0.1:{port}/3"
    with subprocess.Popen(command(server, port, tmp_path), stdout=subprocess.DEVNULL) as process:
        client = redis.Redis(
            port=port, db=3, retry=redis.retry.Retry(redis.backoff.ConstantBackoff(0.02), 200)
        )
        client.ping()
        assert "valkey" in check_there(url)
        client.set("somebody:else", 1)
        client.hset("kapture:position:etl-redis", "transactions.CA/0", "{}")
        client.hset("customer:1", "orders", 1)
        with pytest.raises(UsageError, match="3 keys of somebody else"):
            check_there(url)
        assert clear(url) == 2
        assert client.keys() == [b"somebody:else"]
        client.close()
        process.terminate()
