"""Checkpoints: the records of `rollups.XX`, what is in them, and which of them count."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from kapture_tui.model.ledger import GroupHalf
from kapture_tui.workload.fastjson import dumps, loads
from kapture_tui.workload.ledger_json import group_wire, read_group
from kapture_tui.workload.transaction import Order

MINUTES_A_DAY = 1440
US_A_MINUTE = 60_000_000


class Tally(NamedTuple):
    """Orders, items in them, and what they cost, in cents."""

    orders: int = 0
    items: int = 0
    cents: int = 0


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One record of a rollups partition.

    Attributes:
        epoch: grows with each owner of the partition.
        owner: name of the process that wrote it.
        start: the input offset of the checkpoint before; equal to `half.offset` for a claim.
        half: the ledger half; `half.offset` is the input offset this stands for.
        total: of all transactions below that offset.
        simulated: what was added since `start`, by minute of simulated time.
        real: what was added since `start`, by minute of real time (intended send time) since the epoch.
    """

    epoch: int
    owner: str
    start: int
    half: GroupHalf
    total: Tally = Tally()
    simulated: Mapping[int, Tally] = field(default_factory=dict)
    real: Mapping[int, Tally] = field(default_factory=dict)


def encode(checkpoint: Checkpoint) -> bytes:
    """A checkpoint as JSON; a tally is [orders, items, cents]."""
    return dumps(
        {
            "epoch": checkpoint.epoch,
            "owner": checkpoint.owner,
            "start": checkpoint.start,
            "half": group_wire(checkpoint.half),
            "total": list(checkpoint.total),
            "simulated": {minute: list(tally) for minute, tally in checkpoint.simulated.items()},
            "real": {minute: list(tally) for minute, tally in checkpoint.real.items()},
        }
    )


def decode(value: bytes | None) -> Checkpoint | None:
    """The checkpoint in a record; None if it is none (nobody else should write there)."""
    try:
        wire = loads(value or b"")
        return Checkpoint(
            epoch=int(wire["epoch"]),
            owner=str(wire["owner"]),
            start=int(wire["start"]),
            half=read_group(wire["half"]),
            total=Tally(*wire["total"]),
            simulated={int(minute): Tally(*tally) for minute, tally in wire["simulated"].items()},
            real={int(minute): Tally(*tally) for minute, tally in wire["real"].items()},
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def roll_up(orders: Iterable[Order]) -> tuple[Tally, dict[int, Tally], dict[int, Tally]]:
    """(all together, by minute of simulated time, by minute of real time)."""
    simulated: dict[int, list[int]] = {}
    real: dict[int, list[int]] = {}
    for order in orders:
        items, cents = len(order.products), order.cents
        for tallies, minute in (
            (simulated, int(order.day * MINUTES_A_DAY)),
            (real, order.intended_us // US_A_MINUTE),
        ):
            tally = tallies.get(minute)
            if tally is None:
                tallies[minute] = [1, items, cents]
            else:
                tally[0] += 1
                tally[1] += items
                tally[2] += cents
    by_minute = {minute: Tally(*tally) for minute, tally in real.items()}
    return add(*by_minute.values()), {m: Tally(*t) for m, t in simulated.items()}, by_minute


def add(*tallies: Tally) -> Tally:
    """The sum of tallies."""
    return Tally(*(sum(column) for column in zip(*tallies, strict=True))) if tallies else Tally()


def newest_valid(checkpoints: Iterable[Checkpoint]) -> Checkpoint | None:
    """The checkpoint to go on from, of a partition's last ones in order; None without any.

    A higher epoch takes over; of two owners that claim the same epoch the first one has it; lower epochs are ignored.
    """
    newest: Checkpoint | None = None
    for checkpoint in checkpoints:
        same = newest is not None and (checkpoint.epoch, checkpoint.owner) == (newest.epoch, newest.owner)
        if same or newest is None or checkpoint.epoch > newest.epoch:
            newest = checkpoint
    return newest
