"""How a sender of transactions reports its half of the ledger: before the first one, once a second, at its end."""

from __future__ import annotations

import logging
from collections.abc import Callable

from kapture_tui.model.ledger import LoaderHalf, LoaderState
from kapture_tui.model.states import LEDGER_TOPIC
from kapture_tui.workload.kafka import Producer
from kapture_tui.workload.ledger_json import encode, key_of
from kapture_tui.workload.process import StopSignal

log = logging.getLogger(__name__)

REPORT_S = 1.0

DRAIN_S = 60.0
"""How long a sender that was asked to stop waits for outstanding acknowledgements, seconds."""


class HalfReporter:
    """Publishes the half of one sender to `kapture.ledger`.

    Args:
        producer: the one its transactions go through.
        half: what there is to report, made when it is reported.
    """

    def __init__(self, producer: Producer, half: Callable[[LoaderState], LoaderHalf]) -> None:
        self._producer = producer
        self._half = half
        self._send = producer.lane(LEDGER_TOPIC, 0, self._on_report)
        self._acked = 0
        self._next_s = 0.0

    def say_hello(self, stop: StopSignal) -> None:
        """Report and wait until the brokers have it, or until asked to stop. Raises KafkaError."""
        # Before the first transaction, so that nothing we send can ever look like nobody's.
        self.report(LoaderState.LIVE)
        while not self._acked and not stop:
            self._producer.poll(0.1)

    def report_due(self, now_s: float) -> None:
        """Report if a second is over; `now_s` is a monotonic clock."""
        if now_s >= self._next_s:
            self._next_s = now_s + REPORT_S
            self.report(LoaderState.LIVE)

    def report(self, state: LoaderState) -> None:
        """Report now. Does not wait."""
        half = self._half(state)
        self._send(key_of(half), encode(half), None)

    def finish(self) -> None:
        """Wait for what is outstanding, for a while, and report for the last time. Raises KafkaError."""
        left = self._producer.flush(DRAIN_S)
        if left:
            log.warning("%d messages were not acknowledged within %.0f s", left, DRAIN_S)
        self.report(LoaderState.DONE)
        if self._producer.flush(DRAIN_S / 4) > left:
            log.warning("the last report was not acknowledged: this process will count as dead")

    def _on_report(self, acknowledged: bool, _offset: int, _header: bytes | None) -> None:
        self._acked += acknowledged
