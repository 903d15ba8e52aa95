"""Elasticsearch for a local stack: that of ELASTICSEARCH_HOME, or a server that is there already."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kapture_tui.model.errors import KaptureError, UsageError
from kapture_tui.targets.local.ready import PortAnswers
from kapture_tui.targets.local.redis import redacted
from kapture_tui.targets.local.server import Launch
from kapture_tui.workload.sinks.elasticsearch_documents import ALIASES, POSITIONS, index_of, templates

if TYPE_CHECKING:
    from kapture_tui.workload.sinks.elasticsearch_client import Client

REMEDY = "point ELASTICSEARCH_HOME at an unpacked Elasticsearch 8, or give --elasticsearch-url"

OLDEST = 8
ANSWER_S = 5.0
START_S = 180.0
GRACE_S = 20.0
"""It writes down what is in memory before it goes."""

HEAP = "-Xms512m -Xmx512m"

NOT_ROOT = ("unshare", "--user", "--map-user=1000", "--map-group=1000")
"""Elasticsearch refuses to run as root. In a user namespace of its own it is somebody else, without root's powers, and
its files are root's outside, where they are removed with the stack."""

LOG = """\
status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%d{ISO8601}][%-5p][%c{1.}] %m%n
rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
"""


@dataclass(frozen=True, slots=True)
class Home:
    """An Elasticsearch on this machine; `version` as in the names of its libraries."""

    path: Path
    version: str


def find_home(directory: str | None) -> Home:
    """Look at an ELASTICSEARCH_HOME. Raises UsageError: nothing usable is there."""
    if not directory:
        raise UsageError("elasticsearch", "ELASTICSEARCH_HOME is not set", REMEDY)
    path = Path(directory).expanduser().absolute()
    doing = f"ELASTICSEARCH_HOME {path}"
    jars = (
        re.fullmatch(r"elasticsearch-(\d+\.\d+\.\d+.*)\.jar", jar.name)
        for jar in (path / "lib").glob("*.jar")
    )
    version = next((found.group(1) for found in jars if found), "")
    if not version or not (path / "bin" / "elasticsearch").is_file():
        raise UsageError(doing, "bin/elasticsearch or lib/elasticsearch-*.jar is not there", REMEDY)
    if int(version.split(".")[0]) < OLDEST:
        raise UsageError(doing, f"is Elasticsearch {version}", f"use {OLDEST} or newer")
    return Home(path, version)


def as_somebody() -> tuple[str, ...]:
    """What its command begins with, so that it does not run as root. Raises UsageError: it would."""
    if os.geteuid() != 0:
        return ()
    remedy = "run as another user, or give --elasticsearch-url"
    doing, cause = "elasticsearch", "refuses to run as root"
    if not shutil.which(NOT_ROOT[0]):
        raise UsageError(doing, f"{cause}, and there is no {NOT_ROOT[0]} to start it otherwise", remedy)
    try:
        tried = subprocess.run((*NOT_ROOT, "true"), capture_output=True, text=True, timeout=5)
    except (OSError, subprocess.SubprocessError) as exc:
        raise UsageError(doing, f"{cause}; {exc}", remedy) from exc
    if tried.returncode:
        raise UsageError(doing, f"{cause}; {tried.stderr.strip()}", remedy)
    return NOT_ROOT


def settings(port: int, data: Path) -> str:
    """The elasticsearch.yml of a single node on loopback, without what a server on a network needs."""
    lines = {
        "cluster.name": "kapture",
        "node.name": "elasticsearch",
        "discovery.type": "single-node",
        "network.host": "127.0.0.1",
        "http.port": str(port),
        "transport.port": "0",
        "path.data": _quoted(data / "data"),
        "path.logs": _quoted(data / "logs"),
        "node.store.allow_mmap": "false",
        "xpack.security.enabled": "false",
        # In bytes: of a large disk, the 15 % that are asked for by default are more than a run ever writes.
        "cluster.routing.allocation.disk.watermark.low": "2gb",
        "cluster.routing.allocation.disk.watermark.high": "1gb",
        "cluster.routing.allocation.disk.watermark.flood_stage": "500mb",
    }
    return "".join(f"{name}: {value}\n" for name, value in lines.items())


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def write_configuration(home: Home, port: int, folder: Path) -> Path:
    """Write a configuration folder. Raises OSError."""
    config = folder / "config"
    config.mkdir(mode=0o700, exist_ok=True)
    (config / "elasticsearch.yml").write_text(settings(port, folder))
    (config / "log4j2.properties").write_text(LOG)
    shutil.copyfile(home.path / "config" / "jvm.options", config / "jvm.options")
    return config


class ElasticsearchServer:
    """See `Server`."""

    def describe(self) -> str:
        """See `Server`."""
        home = find_home(os.environ.get("ELASTICSEARCH_HOME"))
        as_somebody()
        return f"elasticsearch {home.version}, {home.path}"

    def check(self, url: str) -> str:
        """See `Server`."""
        doing, remedy = (
            f"Elasticsearch at {redacted(url)}",
            "start it, correct --elasticsearch-url, or leave it out",
        )
        try:
            with closing(_client(url)) as client:
                told = client.ask("GET", "/")["version"]
                taken = sorted(client.ask("GET", "/_alias/kapture-*?filter_path=*.aliases"))
        except (KeyError, TypeError):
            raise UsageError(doing, "is something else", remedy) from None
        except KaptureError as exc:
            raise UsageError(doing, exc.cause, exc.remedy or remedy) from None
        if taken:
            cause = f"holds {len(taken)} indices of another run, among them {taken[0]}"
            raise UsageError(doing, cause, "delete the indices kapture-*, or name another server")
        return f"{told.get('distribution', 'elasticsearch')} {told.get('number', '?')} at {redacted(url)}"

    def launch(self, port: int, folder: Path) -> Launch:
        """See `Server`."""
        home = find_home(os.environ.get("ELASTICSEARCH_HOME"))
        config = write_configuration(home, port, folder)
        return Launch(
            (*as_somebody(), str(home.path / "bin" / "elasticsearch")),
            PortAnswers(port, b"GET / HTTP/1.0\r\n\r\n", b"HTTP/1.0 200"),
            env={"ES_PATH_CONF": str(config), "ES_JAVA_OPTS": os.environ.get("ES_JAVA_OPTS", HEAP)},
            start_s=START_S,
            grace_s=GRACE_S,
        )

    def url(self, port: int, folder: Path) -> str:
        """See `Server`."""
        return f"http://127.0.0.1:{port}"

    def clear(self, url: str) -> None:
        """See `Server`: our indices and their templates, and nothing else."""
        indices = ",".join(index_of(alias) for alias in (POSITIONS, *ALIASES.values()))
        with closing(_client(url)) as client:
            client.ask("DELETE", f"/{indices}?ignore_unavailable=true")
            # All are asked for: to ask for one that is not there is an error.
            found = client.ask("GET", "/_index_template?filter_path=index_templates.name")
            for name in {
                template["name"] for template in found.get("index_templates", ())
            } & templates().keys():
                client.ask("DELETE", f"/_index_template/{name}")


def _client(url: str) -> Client:
    from kapture_tui.workload.sinks.elasticsearch_client import HttpClient  # which takes a while to import

    return HttpClient(url, ANSWER_S)
