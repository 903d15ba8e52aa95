"""What of the Redis sink is the way to its database: batches that are ready, in a process, go to `RedisSink.write`.

A process with the sink's settings. Where it is to tell that it is ready it tells records and CPU seconds, and ends.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from contextlib import closing

from kapture_tui.model.states import STATES, transactions_topic
from kapture_tui.workload.consume import client_settings, take
from kapture_tui.workload.kafka import Record, open_reader
from kapture_tui.workload.ledger import PartitionLog
from kapture_tui.workload.settings import Settings
from kapture_tui.workload.sinks.base import Batch
from kapture_tui.workload.sinks.redis import RedisSink

RECORDS = 60_000
"""Orders with all their fields take memory."""

ANSWER_S = 10.0


def main() -> None:
    """Read transactions; then write them, which alone is measured."""
    settings = Settings.from_env()
    rounds = list(batches(settings))
    records = sum(len(batch.orders) for together in rounds for batch in together)
    gc.freeze()  # so many orders at once are no sink's
    sink = RedisSink(settings.urls["redis"])
    sink.prepare()
    before = time.process_time()
    for together in rounds:
        sink.write(together)
    settings.readiness.say(records=records, cpu_s=time.process_time() - before)


def batches(settings: Settings) -> Iterator[list[Batch]]:
    """Records as the consume loop hands them over, so many at once as the sink takes."""
    partitions = [(transactions_topic(state), n) for state in STATES for n in range(settings.partitions)]
    logs = {partition: PartitionLog(RedisSink.group, partition) for partition in partitions}
    with closing(open_reader(client_settings(settings), dict.fromkeys(partitions, 0))) as reader:
        for _ in range(0, RECORDS, RedisSink.batch_records):
            read = reader.poll(RedisSink.batch_records, ANSWER_S)
            yield [_batch(logs[partition], records) for partition, records in read.items()]


def _batch(log: PartitionLog, records: list[Record]) -> Batch:
    start = log.offset
    orders = take(log, records, 0, documents=RedisSink.documents)
    return Batch(log.partition, start, log.half("plain-redis", time.time()), orders)


if __name__ == "__main__":
    main()
