"""Several processes generate together what one would write alone: each has a share of the customers."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Generator, Iterator
from contextlib import suppress
from heapq import merge
from itertools import islice, pairwise
from multiprocessing.connection import Connection

from kapture_tui.model.errors import KaptureError
from kapture_tui.workload.petstore import Petstore, PetstoreSpec

Line = tuple[float, int, int, bytes]
"""Time, customer id, transaction id, and the line: lines sort as one process would write them."""

LINES_PER_MESSAGE = 256


def shared_lines(spec: PetstoreSpec, workers: int) -> Generator[bytes, None, None]:
    """The lines of a run, in order; closing the iterator ends the workers.

    Raises: KaptureError: a worker died.
    """
    # A forked child would inherit whatever else this process has open.
    context = multiprocessing.get_context("spawn")
    readers = []
    processes = []
    try:
        for share in _shares(spec.customers, workers):
            reader, writer = context.Pipe(duplex=False)
            process = context.Process(target=_work, args=(spec, share, writer), daemon=True)
            process.start()
            writer.close()
            readers.append(reader)
            processes.append(process)
        for line in merge(*map(_received, readers)):
            yield line[3]
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.join()


def _shares(customers: int, workers: int) -> list[range]:
    """Contiguous shares that differ by one customer at most; none is empty."""
    workers = min(workers, customers)
    ends = [customers * number // workers for number in range(workers + 1)]
    return [range(start, end) for start, end in pairwise(ends)]


def _received(reader: Connection) -> Iterator[Line]:
    try:
        while lines := reader.recv():
            yield from lines
    except EOFError:
        raise KaptureError("generating", "a worker died", "try it without --workers") from None


def _work(spec: PetstoreSpec, share: range, writer: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent ends us
    transactions = Petstore(spec, share).transactions()
    lines = ((t.time, t.customer.id, t.id, t.json + b"\n") for t in transactions)
    with suppress(BrokenPipeError):
        while some := list(islice(lines, LINES_PER_MESSAGE)):
            writer.send(some)
        writer.send([])
