"""Stands in for a workload process: says that it is ready, has a child of its own, ends when told to.

A file PLAN/NAME next to the ready files' folder changes that: "crash" ends it with a message before it is ready,
"stubborn" has it ignore SIGTERM.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

ready = Path(os.environ["KAPTURE_READY_FILE"])
name = os.environ["KAPTURE_NAME"]
habits = Path(os.environ["STAND_IN_HABITS"]) / name
habit = habits.read_text() if habits.exists() else ""

if habit == "crash":
    print(f"{name} cannot go on", file=sys.stderr)
    sys.exit(3)


def stop(_number: int, _frame: object) -> None:
    if habit != "stubborn":
        print(f"{name} says goodbye", flush=True)
        sys.exit(0)


signal.signal(signal.SIGTERM, stop)
grandchild = subprocess.Popen(["sleep", "1000"])
print(f"{name} is up", flush=True)
ready.with_suffix(".part").write_text("{}")
ready.with_suffix(".part").replace(ready)
while True:
    signal.pause()
