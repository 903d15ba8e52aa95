"""What holds for all tests: repeatable examples, a home of their own, marks by folder."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

TESTS = Path(__file__).parent

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")


@pytest.fixture(scope="session", autouse=True)
def own_home() -> Iterator[Path]:
    """Configuration, state and caches of the tests; what the user has there neither changes a test nor is changed."""
    # Not tmp_path: sockets live below it, and their paths may have 104 bytes on macOS.
    home = Path(tempfile.mkdtemp(prefix="kt-"))
    with pytest.MonkeyPatch.context() as patch:
        for kind in ("CONFIG", "STATE", "CACHE", "DATA"):
            patch.setenv(f"XDG_{kind}_HOME", str(home / kind.lower()))
        patch.setenv("XDG_RUNTIME_DIR", str(home / "run"))
        (home / "run").mkdir(mode=0o700)
        yield home
    shutil.rmtree(home, ignore_errors=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests/local and tests/cluster; skip the latter where there is no cluster."""
    for item in items:
        folder = item.path.relative_to(TESTS).parts[0]
        if folder == "local":
            item.add_marker("local")
        elif folder == "cluster":
            item.add_marker("cluster")
            if "KUBECONFIG" not in os.environ:
                item.add_marker(pytest.mark.skip(reason="KUBECONFIG names no cluster"))
