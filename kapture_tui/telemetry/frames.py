"""The file format of recordings. Pure: bytes in, bytes out.

A recording is a line of JSON that says what it is, and then frames. A frame is a head (kind, length, checksum, time)
and what is kept of one Snapshot: all of it ("W"), or what has changed since the frame before ("C"). Frames from one "W"
to the next are a block: their contents are one deflate stream, flushed after every frame. So a file that ends anywhere
is readable up to its last whole frame, and whole blocks can be cut out. The last frame ("E") is empty and says that the
recording was ended in order.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from kapture_tui.model.errors import UsageError
from kapture_tui.model.snapshot import SCHEMA
from kapture_tui.model.wire import WireError, from_wire, to_wire
from kapture_tui.telemetry.delta import SAME, Json, diff, patched

FORMAT = 1
"""Version of all this. A reader refuses newer ones; there are no older ones yet."""

WHOLE_EVERY = 60
"""Frames in a block: what has to be read to show any one of them."""

FRAME_BYTES = 256 << 20
"""No frame is larger than this once it is inflated; a file that says otherwise is no recording."""

_FIRST_LINE_BYTES = 4096
_WHOLE, _CHANGED, _END = b"W", b"C", b"E"
_HEAD = struct.Struct(">cIId")


@dataclass(frozen=True, slots=True)
class Header:
    """The first line.

    Attributes:
        namespace, target, run_id: of the run, as the first Snapshot had them.
        started: UTC, ISO 8601.
        program: version of kapture-tui that wrote it.
        format, schema: versions of the file and of the Snapshots in it.
    """

    namespace: str
    target: str
    run_id: str
    started: str
    program: str
    format: int = FORMAT
    schema: int = SCHEMA


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a frame stands in a file.

    Attributes:
        time_s: when its Snapshot was taken, seconds since the epoch.
        whole: it begins a block.
        begin, start, stop: of the frame, and of its contents, in bytes.
    """

    time_s: float
    whole: bool
    begin: int
    start: int
    stop: int


def first_line(header: Header) -> bytes:
    """The header as it stands in the file."""
    return json.dumps({"kapture-recording": to_wire(header)}, separators=(",", ":")).encode() + b"\n"


def read_first_line(data: bytes, name: str) -> tuple[Header, int]:
    """The header of a file and where its frames begin.

    Raises: UsageError: it is no recording, or a newer one; `name` is the file's.
    """
    end = data.find(b"\n", 0, _FIRST_LINE_BYTES)
    try:
        fields = json.loads(data[:end] if end >= 0 else b"")["kapture-recording"]
        versions = int(fields["format"]), int(fields["schema"])
    except (ValueError, TypeError, KeyError, RecursionError) as exc:
        raise _refusal(name, "it is no recording of kapture-tui") from exc
    if versions[0] > FORMAT or versions[1] > SCHEMA:
        program = fields.get("program", "a newer version")
        raise UsageError(
            f"reading {name}",
            f"it was recorded by kapture-tui {program}, in format {versions[0]}.{versions[1]};"
            f" this one reads up to {FORMAT}.{SCHEMA}",
            "update kapture-tui",
        )
    try:
        return from_wire(Header, fields), end + 1
    except WireError as exc:
        raise _refusal(name, f"its first line is broken: {exc}") from exc


def _refusal(name: str, cause: str) -> UsageError:
    return UsageError(f"reading {name}", cause, "name a file that kapture-tui has recorded")


class Encoder:
    """Makes frames of what is kept of one Snapshot after the other."""

    def __init__(self) -> None:
        self._deflate = zlib.compressobj(6, zlib.DEFLATED, -15)
        self._last: Json = None
        self._left = 0

    def frame(self, kept: Json, time_s: float) -> bytes:
        """The next frame."""
        if self._left == 0:
            self._deflate = zlib.compressobj(6, zlib.DEFLATED, -15)
            kind, contents, self._left = _WHOLE, kept, WHOLE_EVERY
        else:
            patch = diff(self._last, kept)
            kind, contents = _CHANGED, {} if patch is SAME else patch
        self._left -= 1
        self._last = kept
        text = json.dumps(contents, separators=(",", ":")).encode()
        return _framed(kind, self._deflate.compress(text) + self._deflate.flush(zlib.Z_SYNC_FLUSH), time_s)


def end_frame(time_s: float) -> bytes:
    """The frame that says that there is no more to come."""
    return _framed(_END, b"", time_s)


def _framed(kind: bytes, payload: bytes, time_s: float) -> bytes:
    return _HEAD.pack(kind, len(payload), _checksum(kind, time_s, payload), time_s) + payload


def _checksum(kind: bytes, time_s: float, payload: bytes) -> int:
    return zlib.crc32(payload, zlib.crc32(struct.pack(">cd", kind, time_s)))


@dataclass(frozen=True, slots=True)
class Scan:
    """The frames of a file.

    Attributes:
        frames: those that are whole and unharmed, up to the first one that is not.
        ended: the recording was ended in order.
        damaged: it goes on with something that is no frame; otherwise it just stops, as when its writer was killed.
        stop: where the last good frame ends.
    """

    frames: tuple[Frame, ...]
    ended: bool
    damaged: bool
    stop: int


def scan(data: bytes, start: int) -> Scan:
    """Find the frames of a file from an offset on; nothing is inflated."""
    frames: list[Frame] = []
    at = start
    while True:
        found = _frame_at(data, at)
        if isinstance(found, bool):
            return Scan(tuple(frames), False, found, at)
        kind, frame = found
        at = frame.stop
        if kind == _END:
            return Scan(tuple(frames), True, False, at)
        if not frames and not frame.whole:
            return Scan((), False, True, start)
        frames.append(frame)


def _frame_at(data: bytes, at: int) -> tuple[bytes, Frame] | bool:
    """The frame at an offset; without one, whether something else stands there."""
    if at + _HEAD.size > len(data):
        return False
    kind, length, checksum, time_s = _HEAD.unpack_from(data, at)
    start = at + _HEAD.size
    if kind not in (_WHOLE, _CHANGED, _END):
        return True
    if start + length > len(data):
        return False
    if _checksum(kind, time_s, data[start : start + length]) != checksum:
        return True
    return kind, Frame(time_s, kind == _WHOLE, at, start, start + length)


class Decoder:
    """Reads the frames of a block, one after the other."""

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(-15)
        self._last: Json = None

    def read(self, data: bytes, frame: Frame) -> Json:
        """What the frame keeps, all of it. Raises BadFrame."""
        if frame.whole:
            self._inflate = zlib.decompressobj(-15)
        try:
            text = self._inflate.decompress(data[frame.start : frame.stop], FRAME_BYTES)
            if self._inflate.unconsumed_tail:
                raise BadFrame("it is too large")
            contents = json.loads(text)
            self._last = contents if frame.whole else patched(self._last, contents)
        except (zlib.error, ValueError, TypeError, KeyError, IndexError, RecursionError) as exc:
            raise BadFrame(f"{type(exc).__name__}: {exc}") from exc
        return self._last


class BadFrame(ValueError):
    """A frame whose checksum is right holds what no recorder writes."""


def blocks(frames: tuple[Frame, ...]) -> Iterator[tuple[int, int]]:
    """Where blocks begin and end, as indices of frames."""
    starts = [index for index, frame in enumerate(frames) if frame.whole]
    yield from zip(starts, [*starts[1:], len(frames)], strict=True)
