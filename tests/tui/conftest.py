"""What holds for all tests of the console."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def own_preferences(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that keeps a theme or the mouse decides that for itself only."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
