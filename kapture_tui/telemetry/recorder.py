"""The flight recorder: writes down the Snapshots of a session as they pass, and never holds anybody up.

One thread encodes and writes; it takes the latest Snapshot when it is ready for one, so a slow disk costs frames and no
time. Every frame goes to the file in one call: what a process that is killed leaves is readable up to its last frame.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from kapture_tui import __version__
from kapture_tui.model.snapshot import Phase, Snapshot
from kapture_tui.model.times import seconds_of
from kapture_tui.telemetry import recordings
from kapture_tui.telemetry.frames import Encoder, Header, end_frame, first_line, read_first_line
from kapture_tui.telemetry.pack import Packer
from kapture_tui.telemetry.thin import LIMIT_BYTES, thinned

_log = logging.getLogger(__name__)

SHARE = 0.02
"""Of a core that encoding may take: after a frame that took 100 ms, as with very many pods, five seconds pass."""

CLOSE_S = 5.0
"""How long the last frame may take when a session ends; a disk that hangs is then left alone."""


class Recorder:
    """Records a session. The file is made when the first Snapshot comes that tells of a stack.

    Args:
        folder: where to; made if it is not there.
        limit_bytes: what the file may take; older parts are thinned out beyond that.
        clock: monotonic seconds.
        cpu: seconds of CPU of the thread that asks.

    Attributes:
        path: the file; None before the first Snapshot.
        trouble: why nothing is recorded (any more); "" while all is well.
    """

    def __init__(
        self,
        folder: Path,
        limit_bytes: int = LIMIT_BYTES,
        clock: Callable[[], float] = time.monotonic,
        cpu: Callable[[], float] = time.thread_time,
    ) -> None:
        self.path: Path | None = None
        self.trouble = ""
        self._folder = folder
        self._limit_bytes = limit_bytes
        self._clock = clock
        self._cpu = cpu
        self._packer = Packer()
        self._encoder = Encoder()
        self._file = -1
        self._size = 0
        self._last_s = 0.0
        self._not_before = 0.0
        self._waiting: Snapshot | None = None
        self._closing = False
        self._news = threading.Condition()
        self._thread: threading.Thread | None = None

    def offer(self, snapshot: Snapshot) -> None:
        """Record a Snapshot, unless a newer one comes before its turn. Returns at once."""
        if self.trouble or self._closing or not snapshot.time or snapshot.run.phase is Phase.NONE:
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
            self._thread.start()
        with self._news:
            self._waiting = snapshot
            self._news.notify()

    def close(self) -> None:
        """Write what is waiting, and the end."""
        if self._thread is None:
            return
        with self._news:
            self._closing = True
            self._news.notify()
        self._thread.join(CLOSE_S)

    def _run(self) -> None:
        try:
            while (snapshot := self._next()) is not None:
                self._record(snapshot)
            if self._file >= 0:
                self._write(end_frame(self._last_s))
        except OSError as exc:
            self.trouble = f"nothing more is recorded: {exc.strerror or exc}"
        except Exception:  # a fault of ours must not end a session that somebody watches
            _log.exception("the recorder failed")
            self.trouble = "nothing more is recorded: a fault of kapture-tui, --log-file keeps the details"
        finally:
            self._release()

    def _next(self) -> Snapshot | None:
        """The latest Snapshot once its time has come; None when there are no more."""
        with self._news:
            while True:
                left_s = 0.0 if self._closing else self._not_before - self._clock()
                if self._waiting is not None and left_s <= 0:
                    snapshot, self._waiting = self._waiting, None
                    return snapshot
                if self._closing:
                    return None
                self._news.wait(left_s if left_s > 0 else None)

    def _record(self, snapshot: Snapshot) -> None:
        began_s, cpu_s = self._clock(), self._cpu()
        if self._file < 0:
            self._open(snapshot)
        time_s = seconds_of(snapshot.time)
        frame = self._encoder.frame(self._packer.pack(snapshot, time_s), time_s)
        if self._size + len(frame) > self._limit_bytes:
            self._thin()
        self._write(frame)
        self._last_s = time_s
        self._not_before = began_s + (self._cpu() - cpu_s) / SHARE

    def _open(self, snapshot: Snapshot) -> None:
        run = snapshot.run
        self.path, self._file = recordings.create(self._folder, run.namespace, snapshot.time)
        header = Header(run.namespace, run.target, run.run_id, snapshot.time, __version__)
        self._write(first_line(header))

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._file, view) :]
        self._size += len(data)

    def _thin(self) -> None:
        """Make room: see `thin`. The old file is replaced as a whole, so that a crash leaves one or the other."""
        assert self.path is not None
        data = self.path.read_bytes()
        _, start = read_first_line(data, str(self.path))
        less = thinned(data, start, self._limit_bytes)
        part = self.path.with_suffix(".part")
        part.unlink(missing_ok=True)
        old, self._file, self._size = self._file, recordings.claim(part), 0
        os.close(old)
        self._write(less)
        os.replace(part, self.path)

    def _release(self) -> None:
        if self._file >= 0:
            with suppress(OSError):
                os.close(self._file)
            self._file = -1
