"""Recordings for other programs."""

from __future__ import annotations

import csv
import json
from dataclasses import replace

from kapture_tui.model.snapshot import Snapshot
from kapture_tui.model.wire import from_wire
from kapture_tui.telemetry.export import csv_lines, json_lines
from kapture_tui.telemetry.recording import Recording
from tests.unit.telemetry.tape import recorded, snapshots

SESSION = snapshots(5)
NOTE = '=HYPERLINK("x"), "quoted"'
SESSION[2] = replace(
    SESSION[2],
    redis=None,
    postgres={"rows": 7, "note": NOTE, "by_state": {"CA": {"rows": 7}}, "buckets": {"12": 4, "13": 3}},
)


def tape() -> Recording:
    return Recording(recorded(SESSION), "tape")


def test_json_lines_are_snapshots() -> None:
    assert [from_wire(Snapshot, json.loads(line)) for line in json_lines(tape())] == list(tape().snapshots())


def test_csv_has_a_line_a_snapshot_and_a_column_a_figure() -> None:
    rows = list(csv.DictReader(csv_lines(tape())))
    assert [row["seq"] for row in rows] == ["0", "1", "2", "3", "4"]
    shown = tape().snapshot(3)
    assert shown.flow is not None
    assert float(rows[3]["flow.groups.etl.latency_ms.p99"]) == shown.flow.groups["etl"].latency_ms.p99
    assert rows[3]["ledger.groups.etl-redis.delivered"] == str(
        SESSION[3].ledger.groups["etl-redis"].delivered
    )  # type: ignore[union-attr]
    assert rows[3]["kafka.total.groups.etl.lag"]
    assert not [
        name for name in rows[0] if "CA" in name or name.startswith(("pods", "events", "unavailable"))
    ]


def test_what_is_not_known_is_an_empty_cell_and_never_0() -> None:
    rows = list(csv.DictReader(csv_lines(tape())))
    assert [row["redis.keys"] for row in rows] == ["12345", "12348", "", "12354", "12357"]
    assert [name for name in rows[2] if name.startswith("postgres")] == ["postgres.rows", "postgres.note"]
    assert [row["postgres.rows"] for row in rows] == ["", "", "7", "", ""]


def test_no_cell_is_a_formula() -> None:
    rows = list(csv.DictReader(csv_lines(tape())))
    assert rows[2]["postgres.note"] == '\'=HYPERLINK("x"), "quoted"'
