"""The setup: what was typed, what is wrong with it, what it stands for."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapture_tui.model.errors import UsageError
from kapture_tui.model.spec import Component, LoadSpec, StackSpec
from kapture_tui.targets.base import Finding
from kapture_tui.tui.form import DIGITS, FIELDS, LABEL, Field, form_for
from tests.tui.fake import FINDINGS


def edited(text: str, *keys: str) -> Field:
    """A field after some keys; a single character is typed."""
    field = Field(text, LABEL).entered()
    for key in keys:
        field = field.typed(key) if len(key) == 1 else (field.edited(key) or field)
    return field


@pytest.mark.parametrize(
    ("keys", "text", "cursor"),
    [
        ("x", "x", 1),
        (("end", "x"), "demox", 5),
        (("left", "x"), "demxo", 4),
        (("home", "x"), "xdemo", 1),
        (("backspace",), "dem", 3),
        (("left", "left", "delete"), "deo", 2),
        (("home", "backspace"), "demo", 0),
        (("end", "delete"), "demo", 4),
        (("ctrl+u", "a"), "a", 1),
        (("enter",), "demo", 4),
        ("D", "demo", 4),
    ],
)
def test_editing_a_line(keys: tuple[str, ...], text: str, cursor: int) -> None:
    assert (edited("demo", *keys).text, edited("demo", *keys).cursor) == (text, cursor)


@given(
    st.text(),
    st.lists(st.sampled_from(["left", "right", "home", "end", "backspace", "delete", "1", "x", "漢"])),
)
def test_a_field_takes_only_what_it_allows_and_its_cursor_stays_inside(pasted: str, keys: list[str]) -> None:
    field = Field("12", DIGITS).entered().typed(pasted)
    for key in keys:
        field = field.typed(key) if len(key) == 1 else (field.edited(key) or field)
        assert set(field.text) <= set(DIGITS)
        assert 0 <= field.cursor <= len(field.text) <= 63


SPEC = StackSpec(
    "perf-test",
    3,
    frozenset({Component.REDIS}),
    LoadSpec(stores=10, customers=20, days=30, models=2, rate=12.5, seed=7, compat=True),
    kafka_home="/opt/kafka",
    keep=True,
)


def test_an_untouched_form_stands_for_the_stack_it_began_with() -> None:
    assert form_for(SPEC, "local").spec() == SPEC


def test_the_first_minute_needs_no_typing() -> None:
    assert form_for(None, "local").spec() == StackSpec("demo", 1, frozenset({Component.REDIS}))


def test_every_field_reaches_the_stack() -> None:
    form = form_for(None, "local")
    form.components.add(Component.WEBAPP)
    for name, text in zip(FIELDS, ("other", "2", "3", "4", "5", "6.5", "7", "8"), strict=True):
        form.fields[name] = Field(text, "")
    spec = form.spec()
    assert (spec.namespace, spec.scale) == ("other", 2)
    assert spec.load == LoadSpec(stores=3, customers=4, days=5, rate=6.5, seed=7, shoppers=8)


def test_nobody_is_asked_for_the_shoppers_of_no_shop() -> None:
    form = form_for(replace(SPEC, load=replace(SPEC.load, shoppers=9)), "local")
    form.fields["shoppers"] = Field("0", DIGITS)
    assert form.spec().load.shoppers == 9
    form.components.add(Component.WEBAPP)
    with pytest.raises(UsageError, match="shoppers"):
        form.spec()


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("namespace", "", "not a DNS label"),
        ("namespace", "-x", "not a DNS label"),
        ("scale", "0", "must be from 1 to 100"),
        ("scale", "", "a number is missing"),
        ("stores", "0", "must be 1 or more"),
        ("customers", "9999999", "at most"),
        ("rate", "0", "must be more than 0"),
        ("rate", "1.2.3", "not a number"),
        ("seed", "", "a number is missing"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(name: str, text: str, problem: str) -> None:
    form = form_for(None, "local")
    form.fields[name] = Field(text, "")
    assert problem in form.problem(name)
    with pytest.raises(UsageError) as error:
        form.spec()
    assert error.value.doing == name


def test_what_cannot_run_has_its_reason_and_cannot_be_chosen() -> None:
    form = form_for(None, "local")
    form.findings = FINDINGS
    assert form.refusal(Component.ELASTICSEARCH) == "no server: set ELASTICSEARCH_HOME or give a URL"
    assert not form.toggle(Component.ELASTICSEARCH)
    assert form.refusal(Component.REDIS) == ""
    assert form.toggle(Component.REDIS)
    assert form.spec().components == frozenset()


def test_what_cannot_run_after_all_is_not_started() -> None:
    form = form_for(SPEC, "local")
    form.findings = [Finding("redis", False, "no server", "install valkey-server")]
    assert form.spec().components == frozenset()


def test_before_anything_was_found_the_catalogue_refuses() -> None:
    form = form_for(None, "local")
    assert form.refusal(Component.PROMETHEUS)
    assert not form.refusal(Component.REDIS)


def test_what_prevents_any_start_comes_first() -> None:
    form = form_for(None, "local")
    form.findings = [
        Finding("memory", False, "0.2 GiB free", "close something"),
        Finding("state", False, "demo runs already", "kapture-tui attach demo", fatal=True),
        Finding("disk", True, "9 GiB free"),
        Finding("redis", False, "no server"),
    ]
    assert [found.subject for found in form.obstacles()] == ["state", "memory"]
