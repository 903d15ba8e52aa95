"""Runs one workload process: `python -m kapture_tui.workload loader|etl|sink NAME|observer|topics|…`."""

from __future__ import annotations

import logging
import signal
import sys
from importlib import import_module

from kapture_tui.model.errors import KaptureError
from kapture_tui.workload.process import SaidAlready
from kapture_tui.workload.settings import Settings

PROCESSES = {
    "loader": "loader",
    "etl": "etl",
    "sink": "sink",
    "observer": "observer",
    "topics": "topics",
    "webapp": "webapp",
    "shoppers": "shoppers",
    "spout": "spout",
}
NAMED = ("sink",)
"""Those that are told which one of several they are."""


def main(argv: list[str]) -> int:
    """Run the process that is named, with settings from the environment; returns its exit code."""
    if not argv or argv[0] not in PROCESSES or len(argv) != 1 + (argv[0] in NAMED):
        words = (f"{name} NAME" if name in NAMED else name for name in PROCESSES)
        print(f"usage: python -m kapture_tui.workload {'|'.join(words)}", file=sys.stderr)
        return 2
    # As process 1 of a pod, one without a handler would not be stopped at all; the process installs its own.
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(0))
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger().handlers[0].addFilter(SaidAlready())
    try:
        import_module(f"kapture_tui.workload.{PROCESSES[argv[0]]}").main(Settings.from_env(), *argv[1:])
    except KaptureError as exc:
        print(f"{' '.join(argv)}: {exc}", file=sys.stderr)
        return exc.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
