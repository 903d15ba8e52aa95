"""What holds for all tests: repeatable examples, a home of their own, marks by folder."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.cluster.reach import cluster_missing

TESTS = Path(__file__).parent

KUBECONFIG = os.environ.get("KUBECONFIG")
"""The cluster of the tests in `ON_CLUSTERS`; everything else runs as if there were none."""

THOROUGH = bool(os.environ.get("KAPTURE_THOROUGH"))
"""Run those that hurt whole stacks for minutes as well."""

VERDICT = bool(os.environ.get("KAPTURE_VERDICT"))
"""Measure capacities on real stacks, for an hour or so."""

ON_CLUSTERS = ("cluster", "target")

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


def pytest_configure() -> None:
    """Hear ctrl-c: what is started in the background of a shell, or by a worker, is born deaf, and its children too."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Hide the user's kubeconfig, at home too: where one names a context, the command line means that cluster."""
    if item.path.relative_to(TESTS).parts[0] not in ON_CLUSTERS:
        os.environ["KUBECONFIG"] = str(TESTS / "no-kubeconfig")
    elif KUBECONFIG is not None:
        os.environ["KUBECONFIG"] = KUBECONFIG
    else:
        os.environ.pop("KUBECONFIG", None)


# pytest-xdist reads the groups in its own hook, which would come first: each test would be a group.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests/local and tests/cluster; skip the latter where there is no cluster; share out by file."""
    for item in items:
        folder = item.path.relative_to(TESTS).parts[0]
        # A cluster has room for one stack at a time; elsewhere the tests of a file share what they have started.
        item.add_marker(
            pytest.mark.xdist_group(
                "clusters" if folder in ON_CLUSTERS else str(item.path.relative_to(TESTS))
            )
        )
        if folder == "local":
            item.add_marker("local")
        elif folder == "cluster":
            item.add_marker("cluster")
            if reason := cluster_missing():
                item.add_marker(pytest.mark.skip(reason=reason))
        if item.get_closest_marker("thorough") and not THOROUGH:
            item.add_marker(pytest.mark.skip(reason="takes minutes: make test-all runs it"))
        if item.get_closest_marker("verdict") and not VERDICT:
            item.add_marker(pytest.mark.skip(reason="measures for half an hour: make verdict runs it"))
