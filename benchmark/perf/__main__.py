"""`python -m benchmark.perf [--check] [--quick] [--out FILE] [PART …]`: measures, prints a table, writes JSON."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

from benchmark.perf.result import CannotRun, Effort, Result

PARTS = ("generator", "fidelity", "loader", "sinks", "stack", "console")
"""Modules of this package with a function `measure(Effort)` that yields `Result`s, in the order they run."""

OUT = Path(__file__).parent / "out" / "latest.json"
QUICK = Effort(pairs=1, window_s=5.0)


def main(argv: list[str] | None = None) -> int:
    """Measure. With --check, 1 when a ratio falls below its goal."""
    options = _options(argv)
    results: list[Result] = []
    for part in options.parts or PARTS:
        print(f"measuring {part} …", file=sys.stderr, flush=True)
        results += _measure(part, QUICK if options.quick else Effort())
    print(table(results))
    _write(options.out, results)
    missed = [result.name for result in results if result.ok is False]
    if missed:
        print(f"below goal: {', '.join(missed)}", file=sys.stderr)
    return 1 if missed and options.check else 0


def _options(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmark.perf", description="Measure this software itself."
    )
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--check", action="store_true", help="exit 1 when a ratio is below its goal")
    parser.add_argument("--quick", action="store_true", help="one pair, short windows: to see that it runs")
    parser.add_argument("--out", type=Path, default=OUT, help="where the JSON goes (default: %(default)s)")
    return parser.parse_args(argv)


def _measure(part: str, effort: Effort) -> list[Result]:
    """What a part found until it ended or failed."""
    found: list[Result] = []
    try:
        found.extend(import_module(f"benchmark.perf.{part}").measure(effort))
    except CannotRun as exc:
        found.append(Result(part, None, "", note=f"not measured: {exc}"))
    return found


def table(results: list[Result]) -> str:
    """One line each, columns aligned."""
    rows = [("what", "value", "unit", "against", "ratio", "goal", "", "note")]
    for r in results:
        verdict = {True: "ok", False: "BELOW", None: ""}[r.ok]
        figures = (_figure(r.value), r.unit, _figure(r.baseline), _figure(r.ratio), _figure(r.goal))
        rows.append((r.name, *figures, verdict, r.note))
    widths = [max(len(row[column]) for row in rows) for column in range(7)]
    return "\n".join(
        "  ".join(
            cell.rjust(w) if 0 < i < 6 and i != 2 else cell.ljust(w)
            for i, (cell, w) in enumerate(zip(row, widths, strict=False))
        )
        + "  "
        + row[7]
        for row in rows
    )


def _figure(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _write(path: Path, results: list[Result]) -> None:
    machine = {"cores": os.cpu_count(), "system": platform.system(), "python": platform.python_version()}
    path.parent.mkdir(parents=True, exist_ok=True)
    found = [asdict(result) | {"ok": result.ok} for result in results]
    path.write_text(json.dumps({"machine": machine, "results": found}, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
