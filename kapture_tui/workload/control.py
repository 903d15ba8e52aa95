"""Orders to the loaders while they run, through the compacted topic `kapture.control`."""

from __future__ import annotations

import json
from dataclasses import dataclass

from kapture_tui.model.errors import UsageError
from kapture_tui.model.spec import Component
from kapture_tui.model.states import CONTROL_TOPIC
from kapture_tui.model.wire import from_wire, to_wire
from kapture_tui.workload.kafka import ClientSettings, KafkaError, open_producer, open_reader

KEY = Component.LOADER.value.encode()
SEND_S = 10.0


@dataclass(frozen=True, slots=True)
class Order:
    """What all loaders of a stack are to do.

    Attributes:
        rate: transactions a second and loader; None: as fast as the brokers take them.
        paused: produce nothing for now; the schedule waits too.
        groups: the consumer groups there are now; None: those the loader was started with.
    """

    rate: float | None = None
    paused: bool = False
    groups: tuple[str, ...] | None = None

    def check(self) -> None:
        """Raises UsageError for a rate that is not more than 0."""
        if self.rate is not None and not self.rate > 0:
            raise UsageError(f"rate {self.rate}", "must be more than 0", "pause the loaders instead")


def send(settings: ClientSettings, order: Order) -> None:
    """Publish an order; returns when the brokers have it. Raises KafkaError when they do not answer."""
    order.check()
    producer = open_producer(settings)
    results: list[bool] = []
    value = json.dumps(to_wire(order)).encode()
    send_order = producer.lane(CONTROL_TOPIC, 0, lambda ok, _offset, _header: results.append(ok))
    send_order(KEY, value, None)
    producer.flush(SEND_S)
    if results != [True]:
        cause = f"not acknowledged within {SEND_S:.0f} s"
        raise KafkaError("sending an order to the loaders", cause, "see whether the brokers run")


class ControlReader:
    """The newest order, for a loader."""

    def __init__(self, settings: ClientSettings) -> None:
        self._reader = open_reader(settings, {(CONTROL_TOPIC, 0): -1})

    def poll(self) -> Order | None:
        """The newest order that arrived since the last call; None without one. Broken orders are passed over."""
        newest = None
        for records in self._reader.poll(100, 0.0).values():
            for record in records:
                if record.key == KEY and record.value:
                    newest = _read(record.value) or newest
        return newest

    def close(self) -> None:
        """Let go of the connections."""
        self._reader.close()


def _read(value: bytes) -> Order | None:
    try:
        order = from_wire(Order, json.loads(value))
        order.check()
    except (ValueError, UsageError):
        return None
    return order
