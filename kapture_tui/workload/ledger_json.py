"""The ledger's halves as JSON and back, fast: the observer reads hundreds of them a second, consumers write as many.

The shape is that of `kapture_tui.model.wire`, which takes about ten times as long because it works for every dataclass.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kapture_tui.model.histogram import Histogram
from kapture_tui.model.intervals import Range
from kapture_tui.model.ledger import GroupHalf, LoaderHalf, LoaderState, Read, Sent
from kapture_tui.model.wire import WireError
from kapture_tui.workload.fastjson import dumps, loads


def key_of(half: LoaderHalf | GroupHalf) -> bytes:
    """The record key of a half on `kapture.ledger`; a later half of the same key replaces it."""
    if isinstance(half, LoaderHalf):
        return f"loader/{half.loader}/{half.incarnation}".encode()
    return f"group/{half.group}/{half.partition}".encode()


def group_of(key: bytes | None) -> str:
    """The consumer group whose half has this record key; "" if it is another's."""
    kind, _, rest = (key or b"").decode(errors="replace").partition("/")
    return rest.partition("/")[0] if kind == "group" else ""


def encode(half: LoaderHalf | GroupHalf) -> bytes:
    """A half as JSON."""
    wire = _loader_wire(half) if isinstance(half, LoaderHalf) else group_wire(half)
    return dumps(wire)


def decode(key: bytes | None, value: bytes | None) -> LoaderHalf | GroupHalf | None:
    """A record of `kapture.ledger`; None for one that is not a half (written by somebody else, or a tombstone)."""
    if not key or not value:
        return None
    try:
        if key.startswith(b"loader/"):
            return decode_loader(value)
        return decode_group(value) if key.startswith(b"group/") else None
    except WireError:
        return None


def decode_loader(value: bytes | str) -> LoaderHalf:
    """A loader's half. Raises WireError if the text is none."""
    try:
        return _loader(loads(value))
    except (AttributeError, KeyError, TypeError, ValueError) as exc:
        raise WireError(f"loader half: {exc!r}") from exc


def decode_group(value: bytes | str) -> GroupHalf:
    """A consumer group's half. Raises WireError if the text is none."""
    try:
        wire = loads(value)
    except ValueError as exc:
        raise WireError(f"group half: {exc!r}") from exc
    return read_group(wire)


def _loader_wire(half: LoaderHalf) -> dict[str, Any]:
    return {
        "loader": half.loader,
        "id": half.id,
        "incarnation": half.incarnation,
        "time_s": half.time_s,
        "state": half.state.value,
        "partitions": {
            key: {"attempted": sent.attempted, "acked": sent.acked, "failed": sent.failed}
            for key, sent in half.partitions.items()
        },
        "offered": half.offered,
        "slip_s": half.slip_s,
        "rate": half.rate,
        "held_back": half.held_back,
        "limited_by": half.limited_by,
        "ack_latency": _histogram_wire(half.ack_latency),
        "paused": half.paused,
        "waiting": half.waiting,
        "component": half.component,
    }


def group_wire(half: GroupHalf) -> dict[str, Any]:
    """A consumer group's half as plain values, to be part of something larger."""
    return {
        "group": half.group,
        "partition": half.partition,
        "owner": half.owner,
        "offset": half.offset,
        "time_s": half.time_s,
        "loaders": {
            loader: {
                "end": read.end,
                "holes": read.holes,
                "duplicated": read.duplicated,
                "reordered": read.reordered,
            }
            for loader, read in half.loaders.items()
        },
        "redelivered": half.redelivered,
        "foreign": half.foreign,
        "expired": half.expired,
        "latency": _histogram_wire(half.latency),
    }


def _histogram_wire(histogram: Histogram) -> dict[str, Any]:
    return {"counts": dict(histogram.counts), "max_us": histogram.max_us}


def _loader(wire: Mapping[str, Any]) -> LoaderHalf:
    return LoaderHalf(
        loader=_text(wire["loader"]),
        id=_text(wire["id"]),
        incarnation=int(wire["incarnation"]),
        time_s=float(wire["time_s"]),
        state=LoaderState(wire["state"]),
        partitions={
            key: Sent(int(sent["attempted"]), _ranges(sent["acked"]), _ranges(sent["failed"]))
            for key, sent in wire.get("partitions", {}).items()
        },
        offered=int(wire.get("offered", 0)),
        slip_s=_maybe(wire.get("slip_s")),
        rate=_maybe(wire.get("rate")),
        held_back=int(wire.get("held_back", 0)),
        limited_by=_text(wire.get("limited_by", "")),
        ack_latency=_histogram(wire.get("ack_latency", {})),
        paused=bool(wire.get("paused", False)),
        waiting=bool(wire.get("waiting", False)),
        component=_text(wire.get("component", "data-loader")),
    )


def read_group(wire: Any) -> GroupHalf:
    """What `group_wire` made. Raises WireError if it is something else."""
    try:
        return _group(wire)
    except (AttributeError, KeyError, TypeError, ValueError) as exc:
        raise WireError(f"group half: {exc!r}") from exc


def _group(wire: Mapping[str, Any]) -> GroupHalf:
    return GroupHalf(
        group=_text(wire["group"]),
        partition=_text(wire["partition"]),
        owner=_text(wire["owner"]),
        offset=int(wire["offset"]),
        time_s=float(wire["time_s"]),
        loaders={
            loader: Read(
                int(read["end"]), _ranges(read["holes"]), int(read["duplicated"]), int(read["reordered"])
            )
            for loader, read in wire.get("loaders", {}).items()
        },
        redelivered=int(wire.get("redelivered", 0)),
        foreign=int(wire.get("foreign", 0)),
        expired=int(wire.get("expired", 0)),
        latency=_histogram(wire.get("latency", {})),
    )


def _histogram(wire: Mapping[str, Any]) -> Histogram:
    counts = wire.get("counts", {})
    sum(counts.values())  # raises TypeError if one is no number, at a tenth of what converting each costs
    return Histogram(dict(zip(map(int, counts), counts.values(), strict=True)), int(wire.get("max_us", 0)))


def _ranges(wire: Iterable[Iterable[Any]]) -> tuple[Range, ...]:
    return tuple((int(start), int(stop)) for start, stop in wire)


def _maybe(number: Any) -> float | None:
    return None if number is None else float(number)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected text, found {type(value).__name__}")
    return value
