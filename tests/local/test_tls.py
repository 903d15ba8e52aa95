"""Databases behind TLS: sinks trust whom they are told to trust, and nobody else."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from kapture_tui.model.ledger import GroupHalf
from kapture_tui.targets.local.ports import free_ports
from kapture_tui.targets.local.redis import command, find_server
from kapture_tui.workload.sinks.base import Batch, Database, SinkUnavailable
from kapture_tui.workload.sinks.elasticsearch import ElasticsearchSink
from kapture_tui.workload.sinks.mongo import MongoSink
from kapture_tui.workload.sinks.redis import RedisSink
from kapture_tui.workload.transaction import Order
from tests.local.elasticsearch_home import OwnServer, real_elasticsearch
from tests.local.mongo_server import MongoServer, needs_mongo
from tests.local.processes import until
from tests.local.relay import Relay
from tests.unit.targets.kubernetes.certificates import Authority, Pair

pytestmark = pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is not installed")

PARTITION = ("transactions.MA", 0)


class TlsFront(Relay):
    """Takes TLS connections for a server that speaks none."""

    def __init__(self, to_port: int, shown: Pair) -> None:
        self._context = shown.context()
        super().__init__(to_port)

    def opened(self, accepted: socket.socket) -> ssl.SSLSocket:
        """What is behind the TLS."""
        return self._context.wrap_socket(accepted, server_side=True)

    def readable(self, near: socket.socket, far: socket.socket) -> Sequence[socket.socket]:
        """What has been decrypted already, no `select` tells of."""
        assert isinstance(near, ssl.SSLSocket)
        return [near] if near.pending() else super().readable(near, far)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "authority")


@pytest.fixture
def redis_port(tmp_path: Path) -> Iterator[int]:
    server = find_server()
    assert server
    (port,) = free_ports(1)
    process = subprocess.Popen(command(server, port, tmp_path), stdout=subprocess.DEVNULL)
    until(lambda: _listens(port), "Redis")
    yield port
    process.kill()
    process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def written(sink: Database) -> bool:
    """Whether a batch gets through."""
    order = Order(
        0, 7, 0, 1.0, (), 10, 1, 0, {"id": 0, "customer": {"id": 7}, "dateTime": 1.0, "products": []}
    )
    half = GroupHalf(sink.group, "transactions.MA/0", "me", 1, 1.0)
    with closing(sink):
        sink.prepare()
        sink.restore([PARTITION])
        return sink.write([Batch(PARTITION, 0, half, [order])]) == {PARTITION: 1}


def refused(sink: Database) -> str:
    """What the sink says of a server that it does not trust."""
    with closing(sink), pytest.raises(SinkUnavailable) as told:
        sink.prepare()
    return str(told.value)


def test_redis(redis_port: int, authority: Authority, tmp_path: Path) -> None:
    with closing(TlsFront(redis_port, authority.sign("server"))) as front:
        url = f"rediss://:hunter2@127.0.0.1:{front.port}/0"
        stranger = Authority(tmp_path / "stranger").pair.certificate
        said = refused(RedisSink(f"{url}?ssl_ca_certs={stranger}"))
        assert "certificate verify failed" in said
        assert "hunter2" not in said
        assert written(RedisSink(f"{url.replace(':hunter2@', '')}?ssl_ca_certs={authority.pair.certificate}"))


@needs_mongo
def test_mongo(mongo: MongoServer, authority: Authority, tmp_path: Path) -> None:
    with closing(TlsFront(mongo.port, authority.sign("server"))) as front:
        url = f"mongodb://127.0.0.1:{front.port}/pets?tls=true&tlsCAFile="
        stranger = Authority(tmp_path / "stranger").pair.certificate
        assert "certificate verify failed" in refused(MongoSink(f"{url}{stranger}"))
        assert written(MongoSink(f"{url}{authority.pair.certificate}"))


@real_elasticsearch
@pytest.mark.thorough
def test_elasticsearch(tmp_path: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "elasticsearch"
    folder.mkdir()
    server = OwnServer(folder)
    try:
        with closing(TlsFront(server.port, authority.sign("server"))) as front:
            url = f"https://kapture:hunter2@127.0.0.1:{front.port}"
            said = refused(ElasticsearchSink(url))
            assert "certificate verify failed" in said
            assert "hunter2" not in said
            monkeypatch.setenv("SSL_CERT_FILE", str(authority.pair.certificate))
            assert written(ElasticsearchSink(url))
    finally:
        server.kill()
