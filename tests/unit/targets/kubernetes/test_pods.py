"""What a pod's status means, in a row and in words."""

from __future__ import annotations

from typing import Any

import pytest

from kapture_tui.targets.kubernetes.pods import pod_row, reason_of
from kapture_tui.targets.kubernetes.usage import Usage, pod_usage
from tests.unit.targets.kubernetes.objects import START, START_S, container, pod, terminated, waiting

NOW_S = START_S + 30


def test_a_pod_that_runs_has_no_reason() -> None:
    row = pod_row(pod(), Usage(0.25, 1 << 20, START_S + 20), NOW_S)
    assert (row.name, row.component, row.phase, row.ready, row.reason) == (
        "etl-1",
        "etl",
        "Running",
        True,
        "",
    )
    assert (row.age_s, row.node, row.cpu_cores, row.memory_bytes, row.sample_age_s) == (
        30.0,
        "node-1",
        0.25,
        1 << 20,
        10.0,
    )


def test_what_is_not_known_is_none() -> None:
    row = pod_row({**pod(), "spec": {"containers": [{"name": "main"}]}}, None, NOW_S)
    assert (row.node, row.cpu_cores, row.memory_bytes, row.sample_age_s) == (None, None, None, None)
    assert (row.cpu_limit, row.memory_limit) == (None, None)


def test_limits_are_the_sum_and_none_if_one_has_none() -> None:
    found = pod()
    limits = [{"cpu": "500m", "memory": "1Gi"}, {"memory": "512Mi"}]
    found["spec"]["containers"] = [{"name": "c", "resources": {"limits": limit}} for limit in limits]
    row = pod_row(found, None, NOW_S)
    assert (row.cpu_limit, row.memory_limit) == (None, 3 << 29)


def test_a_pod_on_its_way_out_says_so() -> None:
    found = pod()
    found["metadata"]["deletionTimestamp"] = "2026-11-22T12:00:20Z"
    row = pod_row(found, None, NOW_S)
    assert (row.phase, row.ready) == ("Terminating", False)


UNSCHEDULED = {
    "phase": "Pending",
    "conditions": [
        {
            "type": "PodScheduled",
            "status": "False",
            "reason": "Unschedulable",
            "message": "0/1 nodes:\n no cpu",
        }
    ],
    "containerStatuses": [],
}


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (UNSCHEDULED, "Unschedulable: 0/1 nodes: no cpu"),
        ({"reason": "Evicted", "message": "low on memory"}, "Evicted: low on memory"),
        (
            {"containerStatuses": [container(state=waiting("ErrImagePull", "no such tag"))]},
            "its image cannot be pulled: no such tag",
        ),
        ({"containerStatuses": [container(state=waiting("ContainerCreating"))]}, ""),
        (
            {"containerStatuses": [container(2, waiting("CrashLoopBackOff", "back-off"), terminated(3))]},
            "crashes again and again: exit code 3",
        ),
        (
            {"containerStatuses": [container(1, {"running": {}}, terminated(137, "OOMKilled"))]},
            "restarted: out of memory",
        ),
        ({"containerStatuses": [container(state=terminated(137))]}, "signal 9"),
        ({"containerStatuses": [container(state=terminated(0, "Completed"))]}, ""),
        (
            {"initContainerStatuses": [container(state=terminated(1))], "containerStatuses": []},
            "exit code 1",
        ),
    ],
)
def test_reasons(status: dict[str, Any], reason: str) -> None:
    assert reason_of(pod(**status), NOW_S) == reason


def test_a_restart_is_forgotten_after_a_minute() -> None:
    status = {"containerStatuses": [container(1, {"running": {}}, terminated(1))]}
    assert reason_of(pod(**status), START_S + 59)
    assert reason_of(pod(**status), START_S + 61) == ""


def test_the_end_of_a_container_that_went_with_a_pod_deleted_by_force_was_not_seen() -> None:
    """ContainerStatusUnknown: both times are null for ever, and the exit code is made up."""
    lost = terminated(137, "ContainerStatusUnknown")
    lost["terminated"] |= {"startedAt": None, "finishedAt": None}
    restarted = pod(containerStatuses=[container(1, {"running": {"startedAt": START}}, lost)])
    assert pod_row(restarted, None, START_S + 59).reason == "restarted: its end was not seen"
    assert pod_row(restarted, None, START_S + 61).reason == ""
    unknown = pod(containerStatuses=[container(1, {"running": {"startedAt": None}}, lost)])
    assert pod_row(unknown, None, NOW_S).reason == ""
    assert pod_row(pod(containerStatuses=[container(0, lost)]), None, NOW_S).reason == "its end was not seen"


def test_a_pod_nobody_has_taken_on_yet_is_as_old_as_its_object() -> None:
    row = pod_row(pod(phase="Pending", startTime=None, conditions=None, containerStatuses=None), None, NOW_S)
    assert (row.phase, row.ready, row.restarts, row.age_s) == ("Pending", False, 0, 30.0)


def test_a_sample_without_its_time_or_a_figure_is_none() -> None:
    full = {"timestamp": START, "containers": [{"usage": {"cpu": "1", "memory": "1Mi"}}]}
    assert pod_usage(full) == Usage(1.0, 1 << 20, START_S)
    assert pod_usage({**full, "timestamp": None}) is None
    for usage in (None, {}, {"cpu": "1"}, {"cpu": "1", "memory": None}):
        assert pod_usage({**full, "containers": [*full["containers"], {"usage": usage}]}) is None


def test_usage_is_the_sum_of_the_containers() -> None:
    item = {
        "timestamp": "2026-11-22T12:00:10Z",
        "containers": [
            {"usage": {"cpu": "1500000n", "memory": "1024Ki"}},
            {"usage": {"cpu": "250m", "memory": "1Mi"}},
        ],
    }
    assert pod_usage(item) == Usage(0.2515, 2 << 20, START_S + 10)
