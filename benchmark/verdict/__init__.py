"""Does the verdict hold? Simulated clusters whose truth is known, searched and compared many times."""

from __future__ import annotations
