"""Orders to the loaders while they run, through the compacted topic `kapture.control`."""

from __future__ import annotations

from dataclasses import dataclass, replace

from kapture_tui.model.errors import UsageError
from kapture_tui.model.spec import MAX_RATE, Component
from kapture_tui.model.states import CONTROL_TOPIC
from kapture_tui.model.wire import from_wire, to_wire
from kapture_tui.workload.fastjson import dumps, loads
from kapture_tui.workload.kafka import ClientSettings, KafkaError, open_producer, open_reader

KEY = Component.LOADER.value.encode()
SEND_S = 10.0
GRACE_S = 2.0


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
        """Raises UsageError for a rate that no loader can be asked for."""
        if self.rate is not None and not 0 < self.rate <= MAX_RATE:
            raise UsageError(
                f"rate {self.rate}",
                f"must be more than 0 and at most {MAX_RATE:,.0f}",
                "to send nothing, pause the loaders",
            )


def encode(order: Order) -> bytes:
    """An order as JSON."""
    return dumps(to_wire(order))


def parse(value: bytes) -> Order:
    """The order in JSON. Raises ValueError if it is none, UsageError if nobody can obey it."""
    order = from_wire(Order, loads(value))
    order.check()
    return order


def decode(value: bytes) -> Order | None:
    """The order in a record; None if it is none, or one that nobody can obey."""
    try:
        return parse(value)
    except (ValueError, UsageError):
        return None


def send(settings: ClientSettings, order: Order) -> None:
    """Publish an order; returns when the brokers have it. Raises KafkaError when they do not answer."""
    order.check()
    # A client that goes on trying after we have said that it failed could still get it through.
    producer = open_producer(replace(settings, message_timeout_s=SEND_S))
    results: list[bool] = []
    send_order = producer.lane(CONTROL_TOPIC, 0, lambda ok, _offset, _header: results.append(ok))
    send_order(KEY, encode(order), None)
    producer.flush(SEND_S + GRACE_S)
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
                    newest = decode(record.value) or newest
        return newest

    def close(self) -> None:
        """Let go of the connections."""
        self._reader.close()
