"""The command line: parses, calls, prints; nothing else."""

from __future__ import annotations

import argparse

from kapture_tui import __version__


def main(argv: list[str] | None = None) -> int:
    """Run one command line and return its exit code."""
    parser = argparse.ArgumentParser(prog="kapture-tui", description="Kafka pipelines under realistic load.")
    parser.add_argument("--version", action="version", version=f"kapture-tui {__version__}")
    parser.parse_args(argv)
    return 0
