"""Kapture's rule, against the figures Kapture published with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from kapture_tui.bench.kapture_rule import summary
from kapture_tui.bench.store import read

FOLDER = Path(__file__).parents[3] / "benchmark" / "results" / "kapture-2019"

PUBLISHED = {
    "gke-3xn1-highmem-4": (1038.82,),
    "gke-3xn1-standard-2": (891.17, 808.80, 764.14, 990.56),
    "gke-4xn1-highcpu-4": (1109.19,),
    "gke-4xn1-standard-2-r": (669.87,),
    "minikube-1xMacBookPro": (1279.47,),
}
"""The summaries in Kapture's own table, messages a second."""


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_published_summaries_follow_from_the_published_rates(name: str) -> None:
    for deployment, published in zip(
        read(FOLDER / f"kapture-2019-{name}.json").deployments, PUBLISHED[name], strict=True
    ):
        rates = [one.result.offered_per_s for one in deployment.tried]
        found = summary([rate for rate in rates if rate is not None])
        assert found.messages_per_s == pytest.approx(published, abs=0.05)
        assert found == deployment.summary


def test_it_stops_at_the_first_decline_whatever_comes_after() -> None:
    found = summary([1000.0, 1500.0, 1499.0, 9000.0])
    assert (found.messages_per_s, found.generators) == (pytest.approx(2500 / 3), 2)


def test_a_rate_that_never_declines_counts_whole() -> None:
    assert summary([10.0, 20.0, 30.0]).generators == 3
    assert summary([10.0]).messages_per_s == 10.0
