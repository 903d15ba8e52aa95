"""A console that puts Kafka pipelines under realistic load and shows what they carry."""

from __future__ import annotations

__version__ = "0.1.0.dev0"
