"""Writes kapture_tui/stack/wheels.sha256 after constraints.txt has changed: tools/lock_wheels.py"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from kapture_tui.stack import wheels  # noqa: E402
from kapture_tui.stack.catalogue import CATALOGUE  # noqa: E402

CLIENTS = sorted({name for entry in CATALOGUE.values() for name in entry.wheels})
PACKAGES = ("confluent-kafka", "orjson", "prometheus-client", "redis", *CLIENTS)
"""What pods import. With confluent-kafka they need neither kafka-python nor what makes that faster."""


def main() -> None:
    """Fetch the wheels of all architectures and write down their hashes."""
    pins = dict(
        line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line
    )
    found: dict[str, str] = {}
    for architecture in wheels.MACHINES:
        with tempfile.TemporaryDirectory() as folder:
            pinned = [f"{name}=={pins[name]}" for name in PACKAGES]
            line = wheels.download_command(pinned, architecture, Path(folder))
            subprocess.run([sys.executable, "-m", "pip", *line], check=True)
            found |= {
                path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in Path(folder).iterdir()
            }
    text = "".join(f"{found[name]}  {name}\n" for name in sorted(found))
    (ROOT / "kapture_tui/stack/wheels.sha256").write_text(text)


if __name__ == "__main__":
    main()
