"""The earlier run that this one is seen beside; see `race` for where it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the first screen needs none of what measures
    from kapture_tui.bench.ghost import Ghost
    from kapture_tui.bench.result import Result


@dataclass(frozen=True, slots=True)
class Rival:
    """An earlier run. `result` is None for a recording, which has no score; without a `ghost` there is nobody."""

    name: str = ""
    result: Result | None = None
    ghost: Ghost | None = None
