"""`generate`: transactions on standard output, made by one process or several."""

from __future__ import annotations

import sys
from contextlib import closing
from itertools import islice
from typing import BinaryIO

from kapture_tui.cli.settings import Generate
from kapture_tui.workload.petstore import PetstoreSpec, generate

LINES_PER_WRITE = 256


def run(command: Generate) -> int:
    """Write them. Raises BrokenPipeError when the reader has enough."""
    load = command.load
    spec = PetstoreSpec(load.stores, load.customers, load.days, load.models, load.seed, load.compat)
    out = sys.stdout.buffer
    if command.workers == 1:
        generate(spec, out, command.count)
    else:
        _shared(spec, out, command.count, command.workers)
    out.flush()
    return 0


def _shared(spec: PetstoreSpec, out: BinaryIO, count: int | None, workers: int) -> None:
    from kapture_tui.cli.workers import shared_lines

    with closing(shared_lines(spec, workers)) as lines:
        some = islice(lines, count)
        while block := list(islice(some, LINES_PER_WRITE)):
            out.write(b"".join(block))
            out.flush()
