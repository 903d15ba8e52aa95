"""A plain consumer of the transactions, what the ETL and the sink are compared with: a process with their settings."""

from __future__ import annotations

import time

from confluent_kafka import Consumer

from kapture_tui.model.states import STATES, transactions_topic
from kapture_tui.workload.process import StopSignal
from kapture_tui.workload.settings import Settings

BATCH = 10_000
COMMIT_S = 1.0


def main() -> None:
    """Read until SIGTERM."""
    settings, stop = Settings.from_env(), StopSignal().install()
    consumer = Consumer(
        {
            "bootstrap.servers": settings.bootstrap,
            "group.id": "plain",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
        }
    )
    topics = [transactions_topic(state) for state in STATES]
    consumer.subscribe(topics, on_assign=lambda *_: settings.readiness.say(group="plain"))
    size, next_commit_s = 0, 0.0
    while not stop:
        for message in consumer.consume(BATCH, 0.1):
            size += len(message.value() or b"") + len(message.headers() or ())
        if size and time.monotonic() >= next_commit_s:
            consumer.commit(asynchronous=True)
            next_commit_s = time.monotonic() + COMMIT_S
    consumer.close()


if __name__ == "__main__":
    main()
