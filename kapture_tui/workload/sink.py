"""A sink as a process: waits for Kafka and its database, prepares it, then consumes until told to stop."""

from __future__ import annotations

from kapture_tui.model.errors import UsageError
from kapture_tui.workload.consume import run_sink
from kapture_tui.workload.process import StopSignal
from kapture_tui.workload.settings import Settings, url_variable
from kapture_tui.workload.sinks import Database, open_database
from kapture_tui.workload.topics import wait_for_topics
from kapture_tui.workload.waiting import wait_for


def main(settings: Settings, name: str) -> None:
    """Run one process of a database's sink until SIGTERM. Raises UsageError when its URL is not told."""
    if name not in settings.urls:
        raise UsageError(f"starting the sink of {name}", f"{url_variable(name)} is not set")
    sink = open_database(name, settings.urls[name])
    stop = StopSignal().install()
    there = wait_for_topics(settings, stop)
    if there and wait_for(name, lambda: _unprepared(sink), stop, settings.patience_s):
        run_sink(settings, sink, stop)


def _unprepared(sink: Database) -> str:
    sink.prepare()  # what it raises says what is missing
    return ""
