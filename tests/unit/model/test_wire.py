"""What is written as JSON is read back as it was, and what is broken says where."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kapture_tui.model.event import Event
from kapture_tui.model.histogram import Histogram
from kapture_tui.model.ledger import GroupHalf, Ledger, LoaderHalf
from kapture_tui.model.snapshot import KafkaView, ObserverReport, Snapshot
from kapture_tui.model.spec import LoadSpec, StackSpec
from kapture_tui.model.wire import WireError, from_wire, to_wire

plain = st.none() | st.booleans() | st.integers(-(1 << 53), 1 << 53) | st.text(max_size=5)
json_values = st.recursive(
    plain, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)


def values_of(kind: Any) -> st.SearchStrategy[Any]:
    """Values of a type as the dataclasses use it, every field of theirs drawn by its type."""
    if kind is Histogram:
        return st.lists(st.integers(0, 1 << 40), max_size=4).map(Histogram.of)
    if kind is Any:
        return json_values
    if kind is float:
        return st.floats(allow_nan=False, allow_infinity=False)
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        return st.builds(kind, **{f.name: values_of(hints[f.name]) for f in fields(kind)})
    if get_origin(kind) is not None:
        return values_in(get_origin(kind), get_args(kind))
    return st.from_type(kind)


def values_in(origin: Any, args: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    """Values of a generic type."""
    if origin in (Union, UnionType):
        return st.one_of([st.none() if arg is type(None) else values_of(arg) for arg in args])
    if origin is Mapping:
        return st.dictionaries(values_of(args[0]), values_of(args[1]), max_size=2)
    if origin is tuple and args[-1] is not Ellipsis:
        return st.tuples(*map(values_of, args))
    return st.lists(values_of(args[0]), max_size=2).map(origin)


@pytest.mark.parametrize("kind", [Snapshot, ObserverReport, StackSpec, Event, LoaderHalf, GroupHalf, Ledger])
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_there_and_back_through_text(kind: type, data: st.DataObject) -> None:
    value = data.draw(values_of(kind))
    text = json.dumps(to_wire(value), allow_nan=False)
    assert from_wire(kind, json.loads(text)) == value


def test_every_field_is_written_in_its_order() -> None:
    assert list(to_wire(Snapshot())) == [field.name for field in fields(Snapshot)]


def test_fields_that_are_not_known_are_passed_over_and_missing_ones_have_defaults() -> None:
    assert from_wire(LoadSpec, {"stores": 3, "invented": {"by": "a later version"}}) == LoadSpec(stores=3)


@pytest.mark.parametrize(
    ("kind", "value", "path"),
    [
        (Snapshot, [], "Snapshot: expected an object, found list"),
        (Snapshot, {"seq": "17"}, "Snapshot.seq: expected int, found str"),
        (Snapshot, {"seq": True}, "Snapshot.seq: expected int, found bool"),
        (Snapshot, {"seq": 1.5}, "Snapshot.seq: expected int, found float"),
        (Snapshot, {"drained": 1}, "Snapshot.drained: expected bool, found int"),
        (Snapshot, {"run": {"phase": "lost"}}, "Snapshot.run.phase: 'lost' is not a valid Phase"),
        (Snapshot, {"run": {"phase": []}}, "Snapshot.run.phase: "),
        (
            Snapshot,
            {"pods": [{"name": "a", "component": "b"}, {"name": "c"}]},
            r"Snapshot.pods\[1\]: .*component",
        ),
        (Snapshot, {"pods": {}}, "Snapshot.pods: expected a list, found dict"),
        (Snapshot, {"report_age_s": "old"}, "Snapshot.report_age_s: expected float, found str"),
        (Snapshot, {"report_age_s": False}, "Snapshot.report_age_s: expected float, found bool"),
        (
            Snapshot,
            {"unavailable": {"pods": None}},
            "Snapshot.unavailable.pods: expected str, found NoneType",
        ),
        (
            KafkaView,
            {"states": {"MA": {"groups": {"etl": {"lag": "x"}}}}},
            "KafkaView.states.MA.groups.etl.lag: ",
        ),
        (Histogram, {"counts": {"many": 1}}, "Histogram.counts.many: expected int, found str"),
        (Histogram, {"counts": {"--5": 1}}, "Histogram.counts.--5: expected int, found str"),
        (Histogram, {"counts": {"²": 1}}, "Histogram.counts.²: expected int, found str"),
        (GroupHalf, {"loaders": {"a": {"holes": [[1]]}}}, r"loaders.a.holes\[0\]: expected 2 items, found 1"),
    ],
)
def test_what_is_broken_says_where(kind: type, value: Any, path: str) -> None:
    with pytest.raises(WireError, match=path):
        from_wire(kind, value)


def problem_with(kind: type, value: Any) -> str | None:
    """What `from_wire` says against a value; None if it takes it, and writes and reads it again the same."""
    try:
        found = from_wire(kind, value)
    except WireError as exc:
        return str(exc)
    assert from_wire(kind, json.loads(json.dumps(to_wire(found)))) == found
    return None


@pytest.mark.parametrize("kind", [Snapshot, StackSpec, LoaderHalf])
@given(value=json_values)
def test_nothing_but_wire_errors(kind: type, value: Any) -> None:
    problem = problem_with(kind, value)
    assert problem is None or problem.startswith(kind.__name__)


@settings(max_examples=50)
@given(st.dictionaries(st.sampled_from([f.name for f in fields(Snapshot)]), json_values, max_size=4))
def test_a_snapshot_of_anything_is_one_or_says_where_not(value: dict[str, Any]) -> None:
    problem = problem_with(Snapshot, value)
    assert problem is None or problem.startswith("Snapshot.")


@dataclass(frozen=True, slots=True)
class _Keyed:
    by_number: Mapping[int, tuple[int, str]]


def test_keys_that_are_numbers_are_numbers_again() -> None:
    value = _Keyed({-3: (1, "a"), 10: (2, "b")})
    assert from_wire(_Keyed, json.loads(json.dumps(to_wire(value)))) == value
