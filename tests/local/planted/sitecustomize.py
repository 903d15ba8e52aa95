"""On PYTHONPATH, this makes each ETL serve, or each loader send, a known number of records a second.

Python imports a module of this name at its start. Only processes called etl-… are slowed where
PLANTED_ETL_RECORDS_PER_S says to what, and loaders where PLANTED_LOADER_RECORDS_PER_S does. With PLANTED_OVERLAP a
loader always has something in flight when it reports.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from typing import Any

BATCH_S = 0.1
"""A batch is worth so much time: with large ones a record would wait for those before it however low the load is."""

SLACK_S = 0.1
"""So much other work (reading, committing) is done meanwhile."""


def plant(records_per_s: float) -> None:
    """Have `Etl.write` take 1 / records_per_s seconds a record, the time it needs by itself included."""
    from kapture_tui.workload.etl import Etl

    write = Etl.write
    free_s = 0.0

    def slowly(self: Etl, batches: Sequence[Any]) -> Mapping[Any, int]:
        nonlocal free_s
        free_s = max(free_s, time.monotonic() - SLACK_S)
        stored = write(self, batches)
        free_s += sum(len(batch.orders) for batch in batches) / records_per_s
        time.sleep(max(0.0, free_s - time.monotonic()))
        return stored

    Etl.write = slowly  # type: ignore[method-assign,assignment]
    Etl.batch_records = max(1, int(records_per_s * BATCH_S))


def plant_loader(records_per_s: float) -> None:
    """Have `Loader._send_all` take 1 / records_per_s seconds a record, the time it needs by itself included."""
    from kapture_tui.workload.loader import Loader

    send_all = Loader._send_all
    free_s = 0.0

    def slowly(self: Loader, intended: list[int]) -> None:
        nonlocal free_s
        free_s = max(free_s, time.monotonic() - SLACK_S) + len(intended) / records_per_s
        send_all(self, intended)
        time.sleep(max(0.0, free_s - time.monotonic()))

    Loader._send_all = slowly  # type: ignore[method-assign]


def plant_overlap() -> None:
    """Have a loader send something right before each of its reports, as one in a container may."""
    from kapture_tui.model.ledger import LoaderHalf, LoaderState
    from kapture_tui.workload.ledger_json import encode, key_of
    from kapture_tui.workload.loader import Loader

    half_to_report = Loader._half_to_report

    def after_another(self: Loader, state: LoaderState) -> LoaderHalf:
        half = self.half(state)
        self._reporter._send(key_of(half), encode(half), None)
        return half_to_report(self, state)

    Loader._half_to_report = after_another  # type: ignore[method-assign]


_name = os.environ.get("KAPTURE_NAME", "")
if _name.startswith("data-loader-") and os.environ.get("PLANTED_LOADER_RECORDS_PER_S"):
    plant_loader(float(os.environ["PLANTED_LOADER_RECORDS_PER_S"]))
if _name.startswith("data-loader-") and os.environ.get("PLANTED_OVERLAP"):
    plant_overlap()
if os.environ.get("PLANTED_ETL_RECORDS_PER_S") and _name.startswith("etl-"):
    plant(float(os.environ["PLANTED_ETL_RECORDS_PER_S"]))
