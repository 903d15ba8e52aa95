"""A supervisor whose workload processes are stand-ins: `python -m tests.local.stand_ins NAMESPACE RUN_ID`.

Broker and Redis are the real ones. What is tried with it is the supervisor, not what runs under it.
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

from kapture_tui.model.spec import Component
from kapture_tui.targets.local.child import ChildSpec
from kapture_tui.targets.local.plan import LocalPlan, Plan
from kapture_tui.targets.local.protocol import Deploy
from kapture_tui.targets.local.state import StateDirectory
from kapture_tui.targets.local.supervisor import serve

MODULE = "tests.local.stand_ins"
SCRIPT = Path(__file__).with_name("stand_in.py")


class StandIns(LocalPlan):
    """The plan of a real stack with stand-ins for the workload."""

    def child(self, component: Component, ordinal: int) -> ChildSpec:
        spec = super().child(component, ordinal)
        if component is Component.REDIS:
            return spec
        env = {**spec.env, "STAND_IN_HABITS": os.environ["KAPTURE_HABITS"]}
        return replace(spec, command=(sys.executable, "-I", "-S", str(SCRIPT)), env=env, grace_s=1.0)


def stand_ins(request: Deploy, run_id: str, state: StateDirectory) -> Plan:
    return StandIns(request.spec, run_id, state)


if __name__ == "__main__":
    sys.exit(serve(sys.argv[1], sys.argv[2], stand_ins))
