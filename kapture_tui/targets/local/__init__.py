"""A stack as child processes of this machine, owned by a supervisor process of their own."""

from __future__ import annotations

from kapture_tui.targets.local.state import namespaces
from kapture_tui.targets.local.target import LocalTarget

__all__ = ["LocalTarget", "namespaces"]
