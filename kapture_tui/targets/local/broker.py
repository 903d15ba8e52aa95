"""The embedded broker as a process: `python -m kapture_tui.targets.local.broker`, with the settings of a workload."""

from __future__ import annotations

import logging
import sys

from kapture_tui.model.errors import KaptureError
from kapture_tui.targets.local.mock_cluster import MockCluster
from kapture_tui.workload.process import StopSignal
from kapture_tui.workload.settings import Settings
from kapture_tui.workload.topics import layout


def serve(settings: Settings, stop: StopSignal) -> None:
    """Be the broker until told to stop. The ready file gets {"bootstrap": "127.0.0.1:PORT", "topics": N}."""
    cluster = MockCluster()
    topics = {name: partitions for name, (partitions, _, _) in layout(settings).items()}
    cluster.create(topics)
    logging.info("embedded broker at %s, %d topics", cluster.bootstrap, len(topics))
    settings.readiness.say(bootstrap=cluster.bootstrap, topics=len(topics))
    while not stop.wait(3600):
        pass
    cluster.close()


def main() -> int:
    """Run the process; returns its exit code."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    try:
        serve(Settings.from_env(), StopSignal().install())
    except KaptureError as exc:
        print(exc, file=sys.stderr)
        return exc.exit_code
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
