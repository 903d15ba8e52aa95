"""--log-file: everything the program does, in detail, without secrets."""

from __future__ import annotations

import logging
import os
import shlex
import time
from collections.abc import Sequence
from pathlib import Path

from kapture_tui import __version__
from kapture_tui.model.errors import UsageError
from kapture_tui.model.redact import redacted


class _Redacting(logging.Formatter):
    """Formats a whole record, traceback included, and only then removes secrets: they may come with any argument."""

    converter = staticmethod(time.gmtime)

    def format(self, record: logging.LogRecord) -> str:
        return redacted(super().format(record))


def open_log(path: Path, argv: Sequence[str]) -> None:
    """Log everything of `kapture_tui`, the command line first, to the end of a file that only its owner may read.

    Raises: UsageError: the file cannot be written.
    """
    try:
        stream = os.fdopen(
            os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "a", encoding="utf-8"
        )
    except OSError as exc:
        raise UsageError(
            f"--log-file {path}", exc.strerror or str(exc), "name a file that can be written"
        ) from exc
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        _Redacting(
            "%(asctime)s.%(msecs)03dZ %(levelname)s %(process)d %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%S"
        )
    )
    logger = logging.getLogger("kapture_tui")
    logger.setLevel(logging.DEBUG)
    logger.addHandler(handler)
    logger.propagate = False
    logger.debug("kapture-tui %s: %s", __version__, shlex.join(argv))
