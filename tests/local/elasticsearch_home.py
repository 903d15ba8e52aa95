"""Real servers: the Elasticsearch of ELASTICSEARCH_HOME, started as the local target starts it, and the OpenSearch that
OPENSEARCH_URL names; and a slow line to them.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from kapture_tui.targets.local.elasticsearch import ElasticsearchServer
from kapture_tui.targets.local.ports import free_ports
from tests.local.relay import Relay

ELASTICSEARCH_HOME = os.environ.get("ELASTICSEARCH_HOME")
real_elasticsearch = pytest.mark.skipif(
    not ELASTICSEARCH_HOME, reason="ELASTICSEARCH_HOME names no Elasticsearch"
)

OPENSEARCH_URL = os.environ.get("OPENSEARCH_URL", "")
real_opensearch = pytest.mark.skipif(not OPENSEARCH_URL, reason="OPENSEARCH_URL names no OpenSearch")

PATIENCE_S = 240.0
"""Only a test that fails waits for so long."""


class Server:
    """One of this machine that somebody has started.

    Attributes:
        product: as it names itself.
    """

    def __init__(self, product: str, url: str) -> None:
        self.product = product
        self.url = url
        self.port = urlsplit(url).port or 80


class OwnServer(Server):
    """One node of Elasticsearch, its data in a folder."""

    def __init__(self, folder: Path) -> None:
        (port,) = free_ports(1)
        super().__init__("elasticsearch", f"http://127.0.0.1:{port}")
        self._folder = folder
        self._launch = ElasticsearchServer().launch(port, folder)
        self.start()

    def start(self) -> None:
        """Start it; returns when it answers."""
        with (self._folder / "output.log").open("ab") as log:
            self._process = subprocess.Popen(
                self._launch.command,
                env=os.environ | dict(self._launch.env),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        end = time.monotonic() + PATIENCE_S
        while True:
            with suppress(OSError):
                ask(self.url, "/_cluster/health?wait_for_status=yellow&timeout=30s")
                return
            assert self._process.poll() is None, (self._folder / "output.log").read_text()
            assert time.monotonic() < end, "it does not answer"
            time.sleep(0.2)

    def kill(self) -> None:
        """SIGKILL it, and whatever it has started."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def ask(url: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
    """Ask the server by its own API, without a client of ours; with a body it is a POST. Raises OSError."""
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(url + path, data, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read())


def refresh(url: str) -> None:
    """Have searches find everything that is stored."""
    ask(url, "/kapture-transactions-*/_refresh")


def customer_totals(url: str, state: str = "*") -> dict[int, tuple[int, int]]:
    """Orders and cents of every customer, in one state or in all, summed up by the server."""
    refresh(url)
    totals: dict[int, tuple[int, int]] = {}
    after: dict[str, Any] = {}
    while True:
        by_customer = {"size": 5000, "sources": [{"customer": {"terms": {"field": "customer.id"}}}], **after}
        spent = {"spent": {"sum": {"field": "cents"}}}
        wanted = {"size": 0, "aggs": {"all": {"composite": by_customer, "aggs": spent}}}
        found = ask(url, f"/kapture-transactions-{state.lower()}/_search", wanted)["aggregations"]["all"]
        for bucket in found["buckets"]:
            totals[bucket["key"]["customer"]] = bucket["doc_count"], round(bucket["spent"]["value"])
        if "after_key" not in found:
            return totals
        after = {"after": found["after_key"]}


class SlowLine(Relay):
    """A line that carries so many bytes a second towards the server.

    Attributes:
        bytes_per_s: may be changed at any time; None: as fast as it goes.
        passed: bytes so far.
    """

    def __init__(self, port: int, bytes_per_s: float | None = None) -> None:
        self.bytes_per_s = bytes_per_s
        self.passed = 0
        super().__init__(port)

    def sent(self, count: int) -> None:
        """Take its time."""
        self.passed += count
        if self.bytes_per_s:
            time.sleep(count / self.bytes_per_s)
