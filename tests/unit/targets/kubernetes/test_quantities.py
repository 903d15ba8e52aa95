from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapture_tui.targets.kubernetes.quantities import quantity, shown


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("250m", 0.25),
        ("2", 2.0),
        (2, 2.0),
        ("0.5", 0.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("1E3", 1000.0),
        ("1E", 1e18),
        ("12e-3", 0.012),
        ("1Gi", 2.0**30),
        ("1.5Ki", 1536.0),
        ("500M", 5e8),
        ("1k", 1000.0),
        ("100n", 1e-7),
        ("250u", 2.5e-4),
        ("-1", -1.0),
        ("24479296Ki", 24479296 * 1024.0),
    ],
)
def test_all_forms(text: str, number: float) -> None:
    assert quantity(text) == number


@pytest.mark.parametrize("text", ["", "1 Gi", "1gi", "Gi", "1K", "1e", "1mi", "0x10", "ten", "1Gi2"])
def test_others_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a quantity"):
        quantity(text)


@given(st.integers(0, 10**9))
def test_thousandths_are_exact(millis: int) -> None:
    assert quantity(f"{millis}m") == millis / 1000


@pytest.mark.parametrize(
    ("resource", "amount", "text"),
    [
        ("cpu", 0.25, "0.25 cores"),
        ("requests.cpu", 2.0, "2 cores"),
        ("memory", 1.5 * 2**30, "1.5 GiB"),
        ("limits.memory", 300 * 2**20, "300 MiB"),
        ("requests.storage", 10 * 2**30, "10 GiB"),
        ("pods", 10.0, "10"),
    ],
)
def test_shown_with_its_unit(resource: str, amount: float, text: str) -> None:
    assert shown(resource, amount) == text
