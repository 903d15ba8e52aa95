"""Results as a table for people and as JSON for programs."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from benchmark.perf.result import Result

HEADINGS = ("", "measured", "unit", "baseline", "ratio", "goal", "")
VERDICTS = {True: "ok", False: "BELOW", None: ""}


def table(results: Sequence[Result]) -> Iterator[str]:
    """Lines: one row a result, then the notes."""
    rows = [HEADINGS, *map(_row, results)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    yield f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    for row in rows:
        # Names and units to the left, figures to the right.
        cells = [
            cell.ljust(width) if place in (0, 2) else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()
    for result in results:
        if result.note:
            yield f"{result.name}: {result.note}"


def _row(result: Result) -> tuple[str, ...]:
    verdict = "FAILED" if result.failed else "not measured" if result.value is None else VERDICTS[result.ok]
    return (
        result.name,
        _figure(result.value),
        result.unit,
        _figure(result.baseline),
        "" if result.ratio is None else f"{result.ratio:.2f}",
        "" if result.goal is None else f"{result.goal:.2f}",
        verdict,
    )


def _figure(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def write_json(results: Sequence[Result], path: Path) -> None:
    """Write the results with when and where they were measured."""
    document = {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "architecture": platform.machine(),
            "system": platform.system(),
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "load": os.getloadavg(),
        },
        "results": [asdict(result) | {"ok": result.ok} for result in results],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
