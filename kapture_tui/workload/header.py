"""The one header every transaction carries: who sent it, which one it is, and when it was meant to be sent.

Big-endian, 24 bytes: loader id (8), sequence within the partition (8), intended send time in microseconds since the
epoch (8).
"""

from __future__ import annotations

from hashlib import blake2b
from struct import Struct

from kapture_tui.model.ledger import LoaderId

NAME = "k"
_LAYOUT = Struct(">QQQ")

pack = _LAYOUT.pack
"""(loader number, sequence, intended time in µs) -> header value."""

unpack = _LAYOUT.unpack
"""Header value -> (loader number, sequence, intended time in µs). Raises struct.error for any other length."""

SIZE = _LAYOUT.size

BITS = 62
"""Sequences and times have at most so many bits. Greater ones are somebody else's, and not every reader could hold
them: JSON codecs and databases end at 64 bits with a sign."""


def loader_number(run_id: str, loader: str, incarnation: int) -> int:
    """A 64-bit number for one loader process; different for each restart."""
    text = f"{run_id}\0{loader}\0{incarnation}".encode()
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big")


def loader_id(number: int) -> LoaderId:
    """The number as the ledger writes it."""
    return f"{number:016x}"
