"""How a recording stays within its size: what is long ago keeps one Snapshot a minute. Pure."""

from __future__ import annotations

from kapture_tui.telemetry.frames import Frame, blocks, scan

LIMIT_BYTES = 32 << 20
"""What a recording may take. A busy stack with all of its states moving makes some 6 MB an hour."""

WHOLE_PART, THIN_PART = 0.5, 0.25
"""Parts of the limit that are left to the latest blocks, all of their frames, and to the first frames of older ones."""


def thinned(data: bytes, start: int, limit_bytes: int) -> bytes:
    """The same recording, smaller: the latest blocks, before them first frames only, and before those nothing.

    The last block always stays: it is the one that is being written.

    Args:
        start: where the frames begin.
    """
    frames = scan(data, start).frames
    left, thin_left = limit_bytes * WHOLE_PART, limit_bytes * THIN_PART
    kept: list[bytes] = []
    for first, end in reversed(list(blocks(frames))):
        whole = _size(frames, first, end)
        if not kept or whole <= left:
            left -= whole
            kept.append(data[frames[first].begin : frames[end - 1].stop])
            continue
        left = 0
        thin_left -= _size(frames, first, first + 1)
        if thin_left < 0:
            break
        kept.append(data[frames[first].begin : frames[first].stop])
    return data[:start] + b"".join(reversed(kept))


def _size(frames: tuple[Frame, ...], first: int, end: int) -> int:
    return frames[end - 1].stop - frames[first].begin
