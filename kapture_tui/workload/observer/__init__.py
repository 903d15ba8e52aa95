"""The observer: looks at Kafka, Redis and the ledger once a second and serves what it finds.

`GET /report` answers an `ObserverReport` as JSON (gzip, ETag), `/metrics` the same for Prometheus, `/healthz` whether
it still ticks; `POST /control` passes an order on to the loaders. A source that does not answer is missing from the
report, with the reason; the others go on.
"""

from __future__ import annotations

from kapture_tui.workload.settings import Settings

__all__ = ["main"]


def main(settings: Settings) -> None:
    """Run until SIGTERM. Raises Unreachable when the address cannot be listened on."""
    # Clients and server are costly to import; whoever only wants the name of this package does not need them.
    from kapture_tui.workload.observer.service import run
    from kapture_tui.workload.process import StopSignal

    run(settings, StopSignal().install())
