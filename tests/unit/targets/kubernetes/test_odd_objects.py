"""Any field of an object may be null or not there: an odd object is shown as far as it can be, and ends nothing."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from kapture_tui.targets.kubernetes import changes, demand, nodes, pods, quota, record, usage, workloads
from kapture_tui.targets.kubernetes.demand import Demand
from tests.unit.targets.kubernetes.objects import START, START_S, Manifest

NOW_S = START_S + 30
UNTOUCHED = ("name", "uid")
"""What the API server gives every object; the reflector refuses one without."""

LABELS = {"app.kubernetes.io/component": "kafka", "app.kubernetes.io/part-of": "kapture"}
METADATA = {
    "name": "kafka-2",
    "namespace": "pets",
    "uid": "6c2f",
    "generation": 1,
    "labels": LABELS,
    "creationTimestamp": START,
    "managedFields": [{"manager": "kubectl", "subresource": "scale", "time": START}],
}
RESOURCES = {"requests": {"cpu": "500m", "memory": "1Gi"}, "limits": {"cpu": "1", "memory": "1Gi"}}
LOST = {
    "terminated": {
        "exitCode": 137,
        "reason": "ContainerStatusUnknown",
        "message": "The container could not be located when the pod was terminated",
        "startedAt": None,
        "finishedAt": None,
    }
}
"""What the kubelet writes of a container that went with a pod deleted by force."""

CONTAINER = {
    "name": "kafka",
    "ready": True,
    "restartCount": 1,
    "lastState": LOST,
    "state": {"running": {"startedAt": START}},
}
CRASHING = {
    "name": "unpack",
    "restartCount": 4,
    "lastState": {"terminated": {"exitCode": 139, "signal": 11, "reason": "Error", "finishedAt": START}},
    "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 40s restarting"}},
}
POD = {
    "metadata": METADATA,
    "spec": {
        "nodeName": "node-1",
        "containers": [{"name": "kafka", "resources": RESOURCES}],
        "initContainers": [{"name": "unpack", "resources": RESOURCES}],
        "overhead": {"cpu": "10m"},
        "tolerations": [{"key": "only", "operator": "Equal", "value": "kafka", "effect": "NoSchedule"}],
    },
    "status": {
        "phase": "Running",
        "startTime": START,
        "conditions": [
            {"type": "PodScheduled", "status": "True", "reason": None, "message": None},
            {"type": "Ready", "status": "True", "lastTransitionTime": START},
        ],
        "initContainerStatuses": [],
        "containerStatuses": [CONTAINER],
    },
}
STUCK = {**POD, "status": {**POD["status"], "containerStatuses": [CRASHING]}}
EVICTED = {
    **POD,
    "metadata": {**METADATA, "deletionTimestamp": START},
    "status": {"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory."},
}
UNSCHEDULED = {
    **POD,
    "status": {
        "phase": "Pending",
        "conditions": [
            {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "no cpu"}
        ],
    },
}
WORKLOAD = {
    "kind": "StatefulSet",
    "apiVersion": "apps/v1",
    "metadata": {**METADATA, "name": "kafka"},
    "spec": {"replicas": 3},
    "status": {
        "observedGeneration": 1,
        "replicas": 2,
        "readyReplicas": 2,
        "updatedReplicas": 2,
        "conditions": [{"type": "ReplicaFailure", "status": "True"}],
    },
}
JOB = {
    "kind": "Job",
    "metadata": {**METADATA, "name": "topics"},
    "spec": {"completions": 1},
    "status": {"active": 1, "conditions": [{"type": "Failed", "status": "True"}]},
}
EVENT = {
    "metadata": {"name": "kafka.18eb", "creationTimestamp": START},
    "reason": "FailedCreate",
    "message": "exceeded quota",
    "involvedObject": {"kind": "StatefulSet", "name": "kafka"},
    "series": {"count": 2, "lastObservedTime": START},
    "firstTimestamp": START,
    "lastTimestamp": START,
    "eventTime": START,
}
USAGE = {
    "metadata": METADATA,
    "timestamp": START,
    "window": "10s",
    "containers": [{"name": "kafka", "usage": {"cpu": "250m", "memory": "1Gi"}}],
}
NODE = {
    "metadata": {"name": "node-1", "labels": {"kubernetes.io/arch": "amd64", "kubernetes.io/os": "linux"}},
    "spec": {"taints": [{"key": "only", "value": "kafka", "effect": "NoSchedule"}]},
    "status": {
        "allocatable": {"cpu": "4", "memory": "8Gi", "pods": "110"},
        "conditions": [{"type": "Ready", "status": "True", "message": "kubelet is posting ready status"}],
        "nodeInfo": {"architecture": "amd64"},
    },
}
QUOTA = {
    "metadata": {"name": "compute"},
    "spec": {
        "hard": {"pods": "2", "limits.cpu": "1"},
        "scopes": ["NotTerminating"],
        "scopeSelector": {
            "matchExpressions": [{"scopeName": "PriorityClass", "operator": "NotIn", "values": ["high"]}]
        },
    },
    "status": {"hard": {"pods": "2", "limits.cpu": "1"}, "used": {"pods": "1", "limits.cpu": "1"}},
}
LIMIT_RANGE = {
    "metadata": {"name": "bounds"},
    "spec": {
        "limits": [
            {
                "type": "Container",
                "max": {"cpu": "200m"},
                "min": {"memory": "2Gi"},
                "default": {"cpu": "100m"},
                "defaultRequest": {"cpu": "50m"},
                "maxLimitRequestRatio": {"cpu": "2"},
            }
        ]
    },
}
RECORD = {
    "metadata": {
        "name": "kapture-run",
        "namespace": "pets",
        "annotations": {record.READY_AT: START, record.PHASE: "destroying"},
        "creationTimestamp": START,
    },
    "data": {"spec": '{"namespace": "pets"}', "inventory": '["v1/Service/kafka"]', "run_id": "7"},
}


def fields(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The path of every field, at any depth."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key not in UNTOUCHED or path != ("metadata",):
                yield (*path, key)
            yield from fields(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from fields(item, (*path, index))


def odd(*objects: Manifest) -> st.SearchStrategy[Manifest]:
    """One of the objects, in which some fields are null and some are missing."""

    def lacking(original: Manifest) -> st.SearchStrategy[Manifest]:
        paths = [path for path in fields(original) if path != ("metadata",)]
        chosen = st.lists(st.tuples(st.sampled_from(paths), st.booleans()), max_size=4)
        return chosen.map(lambda lacks: without(original, lacks))

    return st.sampled_from(objects).flatmap(lacking)


def without(original: Manifest, lacks: list[tuple[tuple[str | int, ...], bool]]) -> Manifest:
    """A copy that lacks these fields: null where the flag is set, else not there."""
    found = copy.deepcopy(original)
    for path, null in lacks:
        holder: Any = found
        for key in path[:-1]:
            holder = holder.get(key) if isinstance(holder, dict) else holder[key] if holder else None
        if isinstance(holder, dict) and path[-1] in holder:
            if null:
                holder[path[-1]] = None
            else:
                del holder[path[-1]]
    return found


often = settings(max_examples=300)
"""Each field is drawn some times, then."""

ODD_PODS = odd(POD, STUCK, EVICTED, UNSCHEDULED)
ASKED = demand.demand([{**WORKLOAD, "spec": {"replicas": 3, "template": {"spec": POD["spec"]}}}])


@often
@given(ODD_PODS, odd(USAGE))
def test_any_pod_has_a_row(pod: Manifest, sample: Manifest) -> None:
    row = pods.pod_row(pod, usage.pod_usage(sample), NOW_S)
    assert row.name == "kafka-2"
    assert (row.cpu_cores is None) == (row.memory_bytes is None) == (row.sample_age_s is None)
    assert row.restarts >= 0


@often
@given(ODD_PODS | st.none(), ODD_PODS | st.none())
def test_any_two_looks_at_a_pod_can_be_compared(old: Manifest | None, new: Manifest | None) -> None:
    events = list(changes.pod_changed(old, new, NOW_S))
    assert all(event.subject == "kafka-2" and event.text for event in events)
    assert new is None or old is None or old["metadata"].get("deletionTimestamp") or len(events) <= 4


@often
@given(odd(WORKLOAD, JOB), odd(WORKLOAD, JOB), st.lists(ODD_PODS, max_size=2), odd(EVENT))
def test_any_workload_is_judged(old: Manifest, new: Manifest, found: list[Manifest], event: Manifest) -> None:
    for scaled in changes.scaled(old, new, NOW_S):
        assert scaled.text.startswith("scaled ")
    assert workloads.progress(new)
    trouble = workloads.trouble(new, found, [event], NOW_S)
    assert trouble is None or trouble.text
    assert not (workloads.has_failed(new) and workloads.is_ready(new))


@often
@given(odd(EVENT))
def test_any_event_is_told_as_long_as_something_says_when_it_was(event: Manifest) -> None:
    told = changes.told(event, changes.TELLING)
    times = ("lastTimestamp", "eventTime", "firstTimestamp")
    if event.get("reason") == "FailedCreate" and any(event.get(name) for name in times):
        assert told is not None
    assert told is None or (told.time == "2026-11-22T12:00:00.000Z" and told.text)


@often
@given(odd(NODE), odd(POD), odd(QUOTA), odd(LIMIT_RANGE))
def test_any_cluster_can_be_looked_at_before_a_deploy(
    place: Manifest, other: Manifest, limits: Manifest, bounds: Manifest
) -> None:
    short = nodes.shortage([nodes.node(place, [other])], ASKED)
    assert short is None or "node-1" in short.text
    there = demand.of_pod(other.get("spec") or {}, "kafka-2", "kafka")
    refusals = quota.refusals([limits], [bounds], ASKED, Demand((there,)))
    assert all(refusal.text.split(":")[0] for refusal in refusals)


@often
@given(odd(RECORD))
def test_any_record_is_read_or_refused(found: Manifest) -> None:
    complete = found.get("data") == RECORD["data"]
    try:
        read = record.read_record(found)
    except record.KaptureError:
        assert not complete
        return
    assert complete
    assert read.ready_at_s in (START_S, None)
