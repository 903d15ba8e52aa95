"""`python -m kapture_tui` does what the `kapture-tui` command does."""

from __future__ import annotations

import sys

from kapture_tui.cli import main

if __name__ == "__main__":
    sys.exit(main())
