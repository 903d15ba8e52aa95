"""Measure: `python -m benchmark.perf [--check] [--quick] [--out FILE] [PART ...]`."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path

from benchmark.perf.report import table, write_json
from benchmark.perf.result import CannotRun, Effort, Result
from kapture_tui.model.errors import KaptureError

PARTS = {
    "generator": "serialised transactions a CPU-second",
    "loader": "messages a CPU-second, against kafka-producer-perf-test.sh (needs KAFKA_HOME)",
    "consumers": "ETL and Redis sink: records a CPU-second, against a plain consumer",
    "redis": "Redis sink with its server: records a CPU-second, against redis-benchmark with pipelining",
    "postgres": "Postgres sink with its server: records a CPU-second, against COPY by psql",
    "elasticsearch": "Elasticsearch sink: records a CPU-second, against curl and _bulk (needs ELASTICSEARCH_HOME)",
    "mongo": "Mongo sink: records a CPU-second, against insert_many (needs mongod or ferretdb on the PATH)",
    "end_to_end": "transactions a second through the embedded stack",
    "console_start": "seconds to the first screen",
    "console_idle": "bytes a second and CPU of the console beside a running stack",
    "console_pods": "CPU, memory and bytes of the pods view with up to 10,000 pods that are only told",
    "recorder": "bytes and CPU of the flight recorder beside a running stack",
    "cluster_start": "seconds from `up` to the first transaction, against kubectl apply (needs KUBECONFIG)",
    "cluster_watch": "CPU of console and observer beside a stack on a cluster (needs KUBECONFIG)",
    "console_cluster": "the pods view beside 10,000 pods of a cluster, and k9s (needs KUBECONFIG and nodes of kwok)",
    "fidelity": "run B of the petstore statistics (some minutes)",
}
"""Each is a module of this package with a function `measure(effort)`."""

LATEST = Path(__file__).parent / "results" / "latest.json"


def main(argv: Sequence[str] | None = None) -> int:
    """Measure what is asked for; with --check 1 when a goal is missed."""
    arguments = _parse(argv)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is ended as well
    effort = Effort(pairs=1, window_s=5.0) if arguments.quick else Effort()
    results: list[Result] = []
    for part in arguments.parts or PARTS:
        print(f"{part}: {PARTS[part]} …", file=sys.stderr, flush=True)
        for result in _run(part, effort):
            results.append(result)
            write_json(results, arguments.out)  # a long run that is ended early leaves what it has found
    print("\n".join(table(results)))
    missed = [result.name for result in results if result.ok is False]
    if missed and arguments.check:
        print(f"below the goal: {'; '.join(missed)}", file=sys.stderr)
    return 1 if missed and arguments.check else 0


def _run(part: str, effort: Effort) -> Iterator[Result]:
    try:
        yield from import_module(f"benchmark.perf.{part}").measure(effort)
    except CannotRun as exc:
        yield Result(part, None, "", note=str(exc))
    except (KaptureError, OSError, TimeoutError) as exc:
        yield Result(part, None, "", note=f"{type(exc).__name__}: {exc}", failed=True)


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parts = "\n".join(f"  {name:14} {what}" for name, what in PARTS.items())
    parser = argparse.ArgumentParser(
        prog="python -m benchmark.perf",
        description="Measures this software itself.",
        epilog=f"parts:\n{parts}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help="what to measure (default: all)")
    parser.add_argument("--check", action="store_true", help="fail when a ratio is below its goal")
    parser.add_argument("--quick", action="store_true", help="one pair and short windows: for a first look")
    parser.add_argument("--out", type=Path, default=LATEST, help="where the JSON goes (default: %(default)s)")
    arguments = parser.parse_args(argv)
    if unknown := [part for part in arguments.parts if part not in PARTS]:
        parser.error(f"unknown part {unknown[0]!r}; known: {', '.join(PARTS)}")
    return arguments


if __name__ == "__main__":
    sys.exit(main())
