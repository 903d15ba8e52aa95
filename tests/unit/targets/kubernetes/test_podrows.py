"""Rows for many pods: the same as one by one, and made only when something has changed."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapture_tui.targets.kubernetes.changes import pod_changed
from kapture_tui.targets.kubernetes.podrows import FEW, PodRows, needed
from kapture_tui.targets.kubernetes.pods import pod_row
from kapture_tui.targets.kubernetes.usage import Usage
from tests.unit.targets.kubernetes.objects import START_S, container, pod, terminated, waiting

NOW_S = START_S + 30
MANY = FEW + 20


def named(number: int, **status: Any) -> dict[str, Any]:
    found = pod(**status)
    found["metadata"]["name"] = f"etl-{number:04}"
    return found


def crowd(number: int = MANY) -> dict[str, dict[str, Any]]:
    return {found["metadata"]["name"]: found for found in map(named, range(number))}


STATUSES: tuple[Mapping[str, Any], ...] = (
    {},
    {"phase": "Pending"},
    {"reason": "Evicted", "message": "the node was low on memory"},
    {"containerStatuses": [container(state=waiting("ImagePullBackOff", "no such image"))]},
    {"containerStatuses": [container(last=terminated(137, "OOMKilled"))]},
    {
        "phase": "Pending",
        "conditions": [
            {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes"},
            {"type": "Initialized", "status": "True", "lastProbeTime": None},
        ],
    },
)


@pytest.mark.parametrize("status", STATUSES)
def test_what_is_kept_of_a_pod_makes_the_same_row_and_the_same_events(status: Mapping[str, Any]) -> None:
    whole, before = named(1, **status), named(1)
    usage = Usage(0.25, 1 << 20, START_S + 20)
    part = needed(copy.deepcopy(whole))
    assert pod_row(part, usage, NOW_S) == pod_row(whole, usage, NOW_S)
    assert list(pod_changed(needed(before), part, NOW_S)) == list(pod_changed(before, whole, NOW_S))
    assert list(pod_changed(part, None, NOW_S)) == list(pod_changed(whole, None, NOW_S))


def test_what_is_kept_has_no_more_than_that() -> None:
    whole = named(1)
    whole["metadata"] |= {
        "annotations": {"a": "b" * 5000},
        "labels": {"app.kubernetes.io/component": "etl", "x": "y"},
    }
    whole["spec"]["volumes"] = [{"name": "bundle"}] * 20
    part = needed(whole)
    assert len(str(part)) < len(str(whole)) / 5
    assert needed(part) == part


def test_an_object_of_another_shape_is_not_understood() -> None:
    with pytest.raises((KeyError, TypeError, AttributeError)):
        needed({"metadata": {"name": "x"}, "spec": {}})


@given(st.integers(0, 12), st.integers(0, 100))
def test_a_few_pods_have_the_rows_they_would_have_one_by_one(number: int, later_s: int) -> None:
    pods, rows = crowd(number), PodRows()
    for now_s in (NOW_S, NOW_S + later_s):
        assert rows.rows(pods, {}, now_s) == tuple(pod_row(found, None, now_s) for found in pods.values())


def test_while_nothing_changes_many_pods_have_the_same_rows() -> None:
    pods, rows = crowd(), PodRows()
    first = rows.rows(pods, {}, NOW_S)
    assert rows.rows(pods, {}, NOW_S + 1) is first


def test_a_pod_that_changes_gets_another_row_and_the_others_keep_theirs() -> None:
    pods, rows = crowd(), PodRows()
    first = rows.rows(pods, {}, NOW_S)
    pods["etl-0007"] = named(7, phase="Failed")
    second = rows.rows(pods, {"etl-0009": Usage(0.5, 7, NOW_S)}, NOW_S + 1)
    assert [row.name for row, old in zip(second, first, strict=True) if row is not old] == [
        "etl-0007",
        "etl-0009",
    ]
    assert second[7].phase == "Failed"
    assert second[9].cpu_cores == 0.5


def test_ages_of_many_pods_are_never_far_from_right() -> None:
    pods, rows = crowd(), PodRows()
    for after_s in range(0, 400, 1):
        now_s = NOW_S + after_s
        for row in rows.rows(pods, {}, now_s):
            assert row.age_s is not None
            true_s = 30 + after_s
            assert abs(row.age_s - true_s) <= max(5.0 if row.age_s < 120 else 60.0, 0.05 * true_s)


@pytest.mark.parametrize(("number", "old_s"), [(2000, 300), (8000, 0)])
def test_rows_that_were_made_in_the_same_second_are_not_all_made_anew_in_one(number: int, old_s: int) -> None:
    pods, rows = crowd(number), PodRows()
    before = rows.rows(pods, {}, NOW_S + old_s)
    for after_s in range(old_s + 1, old_s + 90):
        now = rows.rows(pods, {}, NOW_S + after_s)
        assert sum(row is not old for row, old in zip(now, before, strict=True)) < number / 6
        before = now


def test_usage_of_very_many_pods_is_told_within_seconds_and_never_all_at_once() -> None:
    pods, rows = crowd(10 * FEW), PodRows()
    rows.rows(pods, {}, NOW_S)
    usage = {name: Usage(0.5, 7, NOW_S) for name in pods}
    measured = [
        sum(row.cpu_cores is not None for row in rows.rows(pods, usage, NOW_S + after_s))
        for after_s in range(1, 12)
    ]
    steps = [now - before for before, now in zip([0, *measured], measured, strict=False)]
    assert measured[-1] == len(pods)
    assert max(steps) <= len(pods) / 5


def test_a_row_that_waits_for_its_usage_says_how_old_the_last_one_is() -> None:
    pods, rows = crowd(3 * FEW), PodRows()
    rows.rows(pods, {name: Usage(0.25, 7, NOW_S) for name in pods}, NOW_S)
    usage = {name: Usage(0.5, 7, NOW_S + 15) for name in pods}
    for row in rows.rows(pods, usage, NOW_S + 20):
        assert row.sample_age_s is not None
        assert row.sample_age_s == (5.0 if row.cpu_cores == 0.5 else 0.0 if row.age_s == 30 else 20.0)


def test_what_a_restart_has_to_say_is_over_after_a_while() -> None:
    pods, rows = crowd(), PodRows()
    pods["etl-0007"] = named(7, containerStatuses=[container(last=terminated(137, "OOMKilled"), restarts=1)])
    for after_s in range(300):
        now_s = NOW_S + after_s
        row = rows.rows(pods, {}, now_s)[7]
        if after_s in (0, 299):
            assert row.reason == pod_row(pods["etl-0007"], None, now_s).reason
    assert row.reason == ""


def test_pods_that_go_or_have_done_their_work_have_no_row() -> None:
    pods, rows = crowd(), PodRows()
    rows.rows(pods, {}, NOW_S)
    del pods["etl-0001"]
    pods["etl-0002"] = named(2, phase="Succeeded")
    names = {row.name for row in rows.rows(pods, {}, NOW_S + 1)}
    assert names == {f"etl-{number:04}" for number in range(MANY)} - {"etl-0001", "etl-0002"}


def test_a_pod_that_takes_the_place_of_another_is_there() -> None:
    pods, rows = crowd(), PodRows()
    rows.rows(pods, {}, NOW_S)
    del pods["etl-0001"]
    pods["etl-9999"] = named(9999)
    assert rows.rows(pods, {}, NOW_S + 1)[-1].name == "etl-9999"
