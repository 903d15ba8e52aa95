"""Measures this software itself: `python -m benchmark.perf`. What it found is in docs/performance.md."""

from __future__ import annotations
