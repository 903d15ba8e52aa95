from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from kapture_tui.workload.petstore.streams import derive

parts = st.lists(st.integers() | st.text(), max_size=3)


@given(st.integers(), st.text(), parts)
def test_the_same_purpose_gives_the_same_stream(seed: int, purpose: str, which: list[int | str]) -> None:
    assert derive(seed, purpose, *which).random() == derive(seed, purpose, *which).random()


@given(st.integers(), st.text(), parts, st.integers(), st.text(), parts)
def test_different_purposes_give_different_streams(
    seed: int,
    purpose: str,
    which: list[int | str],
    other_seed: int,
    other_purpose: str,
    other: list[int | str],
) -> None:
    assume((seed, purpose, which) != (other_seed, other_purpose, other))
    assert derive(seed, purpose, *which).random() != derive(other_seed, other_purpose, *other).random()


def test_a_number_is_not_its_text_and_parts_do_not_run_together() -> None:
    streams = [
        derive(1, "x", 12),
        derive(1, "x", "12"),
        derive(1, "x", 1, 2),
        derive(1, "x1", 2),
        derive(11, "x", 2),
    ]
    assert len({stream.random() for stream in streams}) == len(streams)


def test_the_derivation_never_changes() -> None:
    """A seed in a report must give the same data in a later version."""
    assert derive(1, "customer", "data-loader-0", 7).getrandbits(64) == 10015732742813411694
