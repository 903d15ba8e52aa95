"""What two looks at an object tell a person."""

from __future__ import annotations

from typing import Any

from kapture_tui.model.event import EventKind
from kapture_tui.targets.kubernetes.changes import HISTORY, ROUTINE, TELLING, pod_changed, scaled, told
from tests.unit.targets.kubernetes.objects import (
    START,
    START_S,
    container,
    deployment,
    pod,
    terminated,
    waiting,
)

NOW_S = START_S + 10


def texts(*args: Any) -> list[str]:
    return [event.text for event in pod_changed(*args, NOW_S)]


def scaled_by(manager: str | None, replicas: int) -> dict[str, Any]:
    found = deployment(replicas=replicas)
    if manager:
        entry = {"manager": manager, "subresource": "scale", "fieldsV1": {"f:spec": {"f:replicas": {}}}}
        found["metadata"]["managedFields"] = [entry]
    return found


def test_our_own_scaling_is_an_action() -> None:
    (event,) = scaled(scaled_by("kapture-tui", 2), scaled_by("kapture-tui", 3), NOW_S)
    assert (event.kind, event.subject, event.text) == (EventKind.ACTION, "etl", "scaled 2 → 3")


def test_another_client_is_named() -> None:
    (event,) = scaled(scaled_by("kapture-tui", 2), scaled_by("kubectl", 5), NOW_S)
    assert (event.kind, event.text) == (EventKind.CHANGE, "scaled 2 → 5, by kubectl")


def test_any_other_change_of_a_deployment_is_no_scaling() -> None:
    assert list(scaled(deployment(), deployment(readyReplicas=1), NOW_S)) == []


def test_a_pod_that_becomes_ready_says_after_how_long() -> None:
    assert texts(pod(ready=False), pod()) == ["ready after 10 s"]
    assert texts(None, pod()) == []
    assert texts(pod(), pod()) == []


def test_a_pod_that_goes_says_so_once() -> None:
    leaving = pod()
    leaving["metadata"]["deletionTimestamp"] = START
    assert texts(pod(), leaving) == ["is being ended"]
    assert texts(leaving, None) == []
    assert texts(pod(), None) == ["is gone"]


def test_a_restart_is_told_with_its_reason_and_its_end() -> None:
    last = terminated(137, "OOMKilled")
    down = pod(ready=False, containerStatuses=[container(1, {"running": {}}, last)])
    assert texts(pod(), down) == ["restarted: out of memory"]
    assert texts(down, pod(containerStatuses=[container(1, {"running": {}}, last)])) == ["ready again"]


def test_a_trouble_is_told_when_it_begins() -> None:
    stuck = pod(ready=False, containerStatuses=[container(state=waiting("ErrImagePull", "no such tag"))])
    assert texts(pod(ready=False), stuck) == ["its image cannot be pulled: no such tag"]
    assert texts(stuck, stuck) == []


def kubernetes_event(reason: str, message: str = "something") -> dict[str, Any]:
    return {
        "metadata": {"creationTimestamp": START},
        "reason": reason,
        "message": message,
        "involvedObject": {"name": "etl-1"},
        "lastTimestamp": START,
    }


def test_of_the_clusters_own_events_only_some_are_told() -> None:
    assert told(kubernetes_event("Pulled"), TELLING | HISTORY) is None
    assert told(kubernetes_event("ScalingReplicaSet"), TELLING) is None
    event = told(kubernetes_event("FailedCreate", "exceeded\n quota"), TELLING)
    assert event is not None
    assert (event.time, event.subject, event.text) == (
        "2026-11-22T12:00:00.000Z",
        "etl-1",
        "exceeded quota",
    )
    busy = kubernetes_event("FailedMount", "failed to sync configmap cache: timed out")
    assert told(busy, TELLING) is None


def test_the_time_of_an_event_is_where_its_reporter_writes_it() -> None:
    """The scheduler fills eventTime and, when it repeats itself, a series; the kubelet fills lastTimestamp."""
    later = "2026-11-22T12:00:07.123456Z"
    event = {**kubernetes_event("FailedScheduling"), "firstTimestamp": None, "lastTimestamp": None}
    for fields, at in (
        ({"eventTime": later}, "12:00:07.123Z"),
        ({"eventTime": START, "series": {"count": 9, "lastObservedTime": later}}, "12:00:07.123Z"),
        ({"eventTime": None, "series": None}, "12:00:00.000Z"),
    ):
        found = told({**event, **fields}, TELLING)
        assert found is not None
        assert found.time == f"2026-11-22T{at}"


def test_an_event_without_any_time_is_not_told() -> None:
    event = {**kubernetes_event("FailedMount"), "lastTimestamp": None, "metadata": {"name": "e"}}
    assert told(event, TELLING) is None


def test_a_ready_pod_whose_start_is_not_known_says_no_figure() -> None:
    undated = pod(startTime=None)
    undated["metadata"]["creationTimestamp"] = None
    assert texts(pod(ready=False), undated) == ["ready"]


def test_what_is_told_is_asked_for() -> None:
    assert not (TELLING | HISTORY) & set(ROUTINE)
