"""Parts of the local target that need no process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapture_tui.model.errors import IntegrityViolated, KaptureError, Unreachable, UsageError
from kapture_tui.model.event import EventKind
from kapture_tui.model.spec import Component, LoadSpec, StackSpec
from kapture_tui.targets import open_target
from kapture_tui.targets.local import kafka, protocol, redis, state
from kapture_tui.targets.local.journal import SHOWN, Journal
from kapture_tui.targets.local.logs import KEPT_BYTES, MAX_BYTES, last_line, last_lines, log_files, rotate
from kapture_tui.targets.local.stack import stop_order
from kapture_tui.targets.local.state import Owner, RunFile, StateDirectory, check_space, prepare_socket_folder


@pytest.fixture
def directory(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StateDirectory]:
    monkeypatch.setenv("KAPTURE_STATE_DIR", str(own_home / "parts"))
    directory = StateDirectory.of("demo")
    yield directory
    directory.remove()


def test_a_claim_is_exclusive_and_ends_with_its_holder(directory: StateDirectory) -> None:
    assert directory.owner() is Owner.NOBODY
    lock = directory.claim()
    assert directory.owner() is Owner.LIVE
    assert state.namespaces() == ["demo"]
    with pytest.raises(UsageError, match="is running"):
        directory.claim()
    os.close(lock)
    assert directory.owner() is Owner.DEAD
    assert state.namespaces() == []
    with pytest.raises(UsageError, match="left behind"):
        directory.claim()
    directory.remove()
    assert directory.owner() is Owner.NOBODY
    assert not directory.path.parent.exists()


def test_run_json_is_read_as_written_or_not_at_all(directory: StateDirectory) -> None:
    with closing(os.fdopen(directory.claim())):
        assert directory.run() is None
        run = RunFile("ab12", 42, "2026-01-01T00:00:00.000Z", "/somewhere/socket")
        directory.write_run(run)
        assert directory.run() == run
        (directory.path / "run.json").write_text('{"pid": 4')
        assert directory.run() is None


def test_removing_leaves_what_is_not_ours_in_the_root(directory: StateDirectory) -> None:
    with closing(os.fdopen(directory.claim())):
        neighbour = directory.path.parent / "neighbour"
        neighbour.mkdir()
        directory.remove()
        directory.remove()
        assert list(directory.path.parent.iterdir()) == [neighbour]
    neighbour.rmdir()
    neighbour.parent.rmdir()


def test_a_link_is_no_state_directory(directory: StateDirectory, tmp_path: Path) -> None:
    directory.path.parent.mkdir(exist_ok=True)
    directory.path.symlink_to(tmp_path)
    assert directory.owner() is Owner.FOREIGN
    with pytest.raises(UsageError, match="no state directory of yours"):
        directory.claim()
    directory.path.unlink()


def test_a_socket_folder_open_to_others_is_refused(directory: StateDirectory, tmp_path: Path) -> None:
    folder = tmp_path / "kapture-x"
    folder.mkdir(mode=0o755)
    with pytest.raises(UsageError, match="not yours alone"):
        prepare_socket_folder(folder / "s", directory)


def test_space_is_looked_for_where_the_directory_would_be(tmp_path: Path) -> None:
    check_space(tmp_path / "not" / "yet", 1)
    with pytest.raises(UsageError, match="the disk is full"):
        check_space(tmp_path / "not" / "yet", 1 << 60)


@pytest.mark.parametrize(
    "request_",
    [
        protocol.Deploy(
            StackSpec(
                "n",
                3,
                frozenset({Component.REDIS}),
                LoadSpec(rate=2.5),
                urls={"redis": "redis://x"},
                keep=True,
            ),
            3,
        ),
        protocol.Observe(),
        protocol.Scale(Component.ETL, 4),
        protocol.Restart(Component.KAFKA),
        protocol.Kill("etl-0"),
        protocol.Control(None, True),
        protocol.Control(12.0, False),
        protocol.Destroy(),
    ],
)
def test_requests_survive_the_wire(request_: protocol.Request) -> None:
    line = protocol.encode(request_)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert protocol.decode(line) == request_


@pytest.mark.parametrize(
    "line", [b"", b"{}\n", b"[]\n", b'{"ask":"dance"}\n', b'{"ask":"scale","component":"x"}\n', b"\xff"]
)
def test_what_is_no_request_is_refused(line: bytes) -> None:
    with pytest.raises(UsageError, match="reading a request"):
        protocol.decode(line)


@pytest.mark.parametrize("kind", [KaptureError, UsageError, Unreachable, IntegrityViolated])
def test_errors_keep_kind_and_words(kind: type[KaptureError]) -> None:
    class Special(kind):  # type: ignore[misc, valid-type]
        """One that only this side knows."""

    back = protocol.error_from_wire(protocol.error_to_wire(Special("doing", "cause", "remedy")))
    assert type(back) is kind
    assert (back.doing, back.cause, back.remedy) == ("doing", "cause", "remedy")


def test_a_step_ends_only_if_it_succeeds() -> None:
    journal = Journal()
    with journal.listen() as queue:
        with journal.step("broker", "kafka", "starting") as step:
            step.say("ready")
        with pytest.raises(ValueError, match="no"), journal.step("redis", "redis", "starting"):
            raise ValueError("no")
    heard = [queue.get_nowait() for _ in range(queue.qsize())]
    assert [(event.step, event.done, event.text) for event in heard] == [
        ("broker", False, "starting"),
        ("broker", True, "ready"),
        ("redis", False, "starting"),
    ]
    assert heard[0].seconds is None
    assert heard[1].seconds is not None
    journal.tell(EventKind.CHANGE, "x", "after")
    assert queue.empty()


@given(st.lists(st.integers(0, 40), max_size=20))
def test_who_asks_again_and_again_gets_every_event_once(pauses: list[int]) -> None:
    journal, seen, number = Journal(), [], 0
    journal.tell(EventKind.CHANGE, "", "first")
    for pause in [0, *pauses]:
        seen += journal.since(number)
        number = journal.count
        for _ in range(pause):
            journal.tell(EventKind.CHANGE, "", str(journal.count))
    seen += journal.since(number)
    assert [event.text for event in seen] == ["first", *map(str, range(1, journal.count))]


def test_who_comes_late_gets_the_last_hundred() -> None:
    journal = Journal()
    for number in range(SHOWN + 50):
        journal.tell(EventKind.CHANGE, "", str(number))
    assert [event.text for event in journal.since(0)] == list(map(str, range(50, SHOWN + 50)))


def test_the_last_line_is_the_last_that_says_something(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    assert last_line(log) == ""
    log.write_text("before\n")
    since = log.stat().st_size
    assert last_line(log, since) == ""
    log.write_text("before\nTraceback\n  ValueError: \x1b[31mred\n\n  \n")
    assert last_line(log, since) == "ValueError: \x1b[31mred"
    log.write_text("cut\n")
    assert last_line(log, since) == "cut"


def test_rotation_keeps_the_file_and_its_end(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    with log.open("ab", buffering=0) as writer:
        line = b"%06d" + b"." * 93 + b"\n"
        for number in range(MAX_BYTES // 100):
            writer.write(line % number)
        assert not rotate(log)
        writer.write(line % 999_999)
        assert rotate(log)
        assert log.stat().st_size == 0
        writer.write(b"after\n")
    older = tmp_path / "x.log.1"
    assert older.stat().st_size == KEPT_BYTES
    assert [text[:6] for text in last_lines(log, 2)] == ["999999", "after"]
    assert log.read_bytes() == b"after\n"
    assert last_lines(log, 0) == []


def test_a_component_has_the_logs_of_its_pods_only(tmp_path: Path) -> None:
    for name in ("etl-0", "etl-1", "etl-redis-0", "redis", "etl-10"):
        (tmp_path / f"{name}.log").touch()
    assert list(log_files(tmp_path, "etl")) == ["etl-0", "etl-1", "etl-10"]
    assert list(log_files(tmp_path, "etl-1")) == ["etl-1"]
    assert list(log_files(tmp_path, "redis")) == ["redis"]
    assert list(log_files(tmp_path, ".*")) == []


def test_passwords_do_not_get_into_messages() -> None:
    assert redis.redacted("rediss://user:secret@host:1234/2?password=x") == "rediss://host:1234/2"


@pytest.mark.parametrize(
    ("kind", "field", "quorum"),
    [
        (kafka.kraft, "controller.quorum.voters", "1@127.0.0.1:1001"),
        (kafka.with_zookeeper, "zookeeper.connect", "127.0.0.1:1001"),
    ],
)
def test_a_kafka_node_listens_on_loopback_only(
    tmp_path: Path, kind: Callable[[int, int], dict[str, str]], field: str, quorum: str
) -> None:
    text = kafka.write_properties(tmp_path, 1000, kind(1000, 1001)).read_text()
    lines = dict(line.split("=", 1) for line in text.splitlines())
    for address in (*lines["listeners"].split(","), *lines["advertised.listeners"].split(",")):
        assert address.partition("://")[2].startswith("127.0.0.1:")
    assert lines[field] == quorum
    assert lines["log.dirs"] == str(tmp_path / "data")


def test_zookeeper_listens_on_loopback_only(tmp_path: Path) -> None:
    text = kafka.write_zookeeper_properties(tmp_path, 1001).read_text()
    lines = dict(line.split("=", 1) for line in text.splitlines())
    assert (lines["clientPortAddress"], lines["clientPort"]) == ("127.0.0.1", "1001")
    assert lines["dataDir"] == str(tmp_path / "data")


def test_cluster_ids_differ_and_are_no_options() -> None:
    ids = {kafka.cluster_id() for _ in range(200)}
    assert len(ids) == 200
    assert all(len(each) == 22 and not each.startswith("-") for each in ids)


@pytest.mark.parametrize(
    ("jars", "says"),
    [
        ([], r"libs/kafka-clients-\*.jar is not there"),
        (["kafka-clients-2.8.1.jar"], "is Kafka 2.8.1"),
        (["kafka-clients-3.9.0.jar"], ""),
        (["kafka-clients-4.1.0-SNAPSHOT.jar"], ""),
    ],
)
def test_kafka_homes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jars: list[str], says: str) -> None:
    for folder in ("bin", "libs", "java/bin"):
        (tmp_path / folder).mkdir(parents=True)
    for name in ("bin/kafka-server-start.sh", "java/bin/java", *(f"libs/{jar}" for jar in jars)):
        (tmp_path / name).touch(mode=0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "java"))
    if says:
        with pytest.raises(UsageError, match=says):
            kafka.find_home(str(tmp_path))
    else:
        assert f"kafka-clients-{kafka.find_home(str(tmp_path)).version}.jar" in jars
    monkeypatch.delenv("JAVA_HOME")
    monkeypatch.setenv("PATH", "")
    if not says:
        with pytest.raises(UsageError, match="Java is not installed"):
            kafka.find_home(str(tmp_path))


def test_a_kafka_home_may_bring_zookeeper_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("bin", "libs", "java/bin"):
        (tmp_path / folder).mkdir(parents=True)
    for name in ("bin/kafka-server-start.sh", "java/bin/java", "libs/kafka-clients-3.9.2.jar"):
        (tmp_path / name).touch(mode=0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "java"))
    with pytest.raises(UsageError, match=r"embedded broker.*Kafka of 3.9 or older"):
        kafka.find_zookeeper(None)
    with pytest.raises(UsageError, match=r"Kafka 3.9.2 brings none.*3.9 or older"):
        kafka.find_zookeeper(str(tmp_path))
    (tmp_path / "bin" / "zookeeper-server-start.sh").touch(mode=0o755)
    assert kafka.find_zookeeper(str(tmp_path)).version == "3.9.2"


def test_an_unknown_target_is_named() -> None:
    with pytest.raises(UsageError, match=r"'mars'.*local"):
        open_target("mars", "demo")
    assert open_target("local", "demo").name == "local"


def test_the_front_door_imports_nothing_heavy() -> None:
    code = "import sys, kapture_tui.targets; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"asyncio", "psutil", "confluent_kafka", "kafka", "redis", "textual"} & set(loaded)


def test_each_part_stops_after_whatever_gives_it_work() -> None:
    spec = StackSpec("n", 1, frozenset({Component.REDIS, Component.POSTGRES, Component.WEBAPP}))
    place = {c: at for at, components in enumerate(stop_order(spec)) for c in components}
    chain = [
        Component.SHOPPERS,
        Component.WEBAPP,
        Component.SPOUT,
        Component.ETL,
        Component.OBSERVER,
        Component.POSTGRES,
    ]
    assert [place[component] for component in chain] == sorted({place[component] for component in chain})
    assert place[Component.LOADER] < place[Component.POSTGRES_SINK] < place[Component.KAFKA]


def test_data_that_lies_elsewhere_goes_with_the_state_directory(tmp_path: Path) -> None:
    state = StateDirectory(tmp_path / "n")
    kept, ours = tmp_path / "theirs", tmp_path / "kapture-postgres-x"
    for folder in (kept, ours):
        (folder / "data").mkdir(parents=True)
    for name, target in (("postgres", ours), ("other", kept)):
        (state.data / name).mkdir(parents=True)
        (state.data / name / "elsewhere").symlink_to(target)
    state.remove()
    assert not ours.exists()
    assert (kept / "data").exists(), "a name that we did not give is somebody else's"
    assert not state.path.exists()
