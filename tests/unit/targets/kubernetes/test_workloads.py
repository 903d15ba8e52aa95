"""Whether a workload is all there, and which trouble is worth giving up for."""

from __future__ import annotations

from typing import Any

import pytest

from kapture_tui.targets.kubernetes.workloads import is_ready, progress, trouble
from tests.unit.targets.kubernetes.objects import START_S, container, deployment, pod, terminated, waiting


def job(**status: Any) -> dict[str, Any]:
    return {"kind": "Job", "metadata": {"name": "topics"}, "spec": {"completions": 1}, "status": status}


@pytest.mark.parametrize(
    ("workload", "ready"),
    [
        (deployment(), True),
        (deployment(replicas=0), True),
        (deployment(readyReplicas=1), False),
        (deployment(updatedReplicas=1), False),
        (deployment(replicas=2, observedGeneration=0), False),
        ({**deployment(), "status": {}}, False),
        (job(succeeded=1), True),
        (job(active=1), False),
    ],
)
def test_ready(workload: dict[str, Any], ready: bool) -> None:
    assert is_ready(workload) is ready


def test_pods_of_an_earlier_shape_must_go_first() -> None:
    rolling = deployment(replicas=2)
    rolling["status"]["replicas"] = 3
    assert not is_ready(rolling)


def test_progress_in_words() -> None:
    assert progress(deployment(readyReplicas=1)) == "1 of 2 ready"
    assert progress(job(active=1)) == "not done yet"


def kind_of(*pods: dict[str, Any], events: tuple[dict[str, Any], ...] = (), **status: Any) -> str | None:
    found = trouble(deployment(**status), pods, events, START_S + 5)
    return found.kind if found else None


def test_what_takes_its_time_is_no_trouble() -> None:
    assert kind_of(pod(ready=False, containerStatuses=[container(state=waiting("PodInitializing"))])) is None


def test_pods_of_others_are_not_looked_at() -> None:
    stuck = pod("kafka-0", "kafka", containerStatuses=[container(state=waiting("ErrImagePull"))])
    assert kind_of(stuck) is None


def test_troubles_by_their_kind() -> None:
    assert kind_of(pod(containerStatuses=[container(state=waiting("ErrImagePull"))])) == "ErrImagePull"
    unscheduled = [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]
    assert kind_of(pod(conditions=unscheduled)) == "Unschedulable"
    # Two crashes may be a start that came too early; three are a habit.
    for restarts, kind in ((2, ""), (3, "CrashLoop")):
        state = container(restarts, waiting("CrashLoopBackOff"), terminated(1))
        assert kind_of(pod(containerStatuses=[state])) == kind


def test_pods_that_may_not_be_created_are_known_from_events_only() -> None:
    refused = {"reason": "FailedCreate", "message": "exceeded quota", "involvedObject": {"name": "etl-7c9d"}}
    other = {**refused, "involvedObject": {"name": "etl-redis-5ff"}}
    assert kind_of(events=(refused,), replicas=2, readyReplicas=0) is None, "all replicas are there"
    lacking = deployment()
    lacking["status"]["replicas"] = 1
    found = trouble(lacking, (), (refused,), START_S)
    assert found is not None
    assert (found.kind, found.text) == ("FailedCreate", "exceeded quota")
    assert trouble(lacking, (), (other,), START_S) is None
