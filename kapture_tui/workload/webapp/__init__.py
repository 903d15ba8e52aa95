"""The webapp: a small shop over HTTP, for people and for the shoppers.

It shows what is popular as Redis has it, and puts orders into Kafka as a loader does its transactions: same topics,
same header, a half of the ledger of its own.
"""

from __future__ import annotations

from kapture_tui.workload.settings import Settings

__all__ = ["main"]


def main(settings: Settings) -> None:
    """Run until SIGTERM. Raises what `service.run` raises."""
    # Server and clients are costly to import; whoever only wants a part of the shop does not need them.
    from kapture_tui.workload.process import StopSignal
    from kapture_tui.workload.webapp.service import run

    run(settings, StopSignal().install())
