"""Measurements: `perf` of this software itself, later the catalogue of clusters."""

from __future__ import annotations
