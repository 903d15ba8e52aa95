"""What is deployed in a namespace, kept in the namespace itself: the ConfigMap `kapture-run`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kapture_tui.model.errors import KaptureError
from kapture_tui.model.spec import StackSpec
from kapture_tui.model.wire import WireError, from_wire
from kapture_tui.targets.kubernetes.api import Api, ApiError
from kapture_tui.targets.kubernetes.kinds import CONFIG_MAP, MANAGER, annotations_of
from kapture_tui.targets.kubernetes.moments import seconds_of

NAME = "kapture-run"
PHASE = "kapture.run/phase"
"""Annotation: "destroying" from the moment a teardown begins."""

READY_AT = "kapture.run/ready-at"
"""Annotation: when the deploy ended."""

DESTROYING = "destroying"


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run as its namespace remembers it.

    Attributes:
        spec: the stack as it was last asked for.
        inventory: everything that was applied, as `kinds.reference` names it.
        destroying: a teardown has begun.
        ready_at_s: when the deploy ended, or the record was made, seconds since the epoch.
        deployed: a deploy of ours has ended; False as well for a stack that somebody applied with kubectl.
    """

    run_id: str
    spec: StackSpec
    inventory: tuple[str, ...]
    destroying: bool
    ready_at_s: float
    deployed: bool


def read_record(config_map: Mapping[str, Any]) -> RunRecord:
    """The record in a ConfigMap. Raises KaptureError when it is not one of ours."""
    data = config_map.get("data") or {}
    notes = annotations_of(config_map)
    try:
        spec = from_wire(StackSpec, json.loads(data["spec"]))
        inventory = tuple(map(str, json.loads(data["inventory"])))
        run_id = str(data["run_id"])
    except (KeyError, ValueError, WireError) as exc:
        raise KaptureError(
            f"reading ConfigMap {NAME} in {config_map['metadata'].get('namespace')}",
            f"it is not a record of this program ({exc})",
            "delete it if nothing of value belongs to it",
        ) from exc
    ready_at = notes.get(READY_AT)
    return RunRecord(
        run_id=run_id,
        spec=spec,
        inventory=inventory,
        destroying=notes.get(PHASE) == DESTROYING,
        ready_at_s=seconds_of(ready_at or config_map["metadata"]["creationTimestamp"]),
        deployed=ready_at is not None,
    )


async def find_record(api: Api, namespace: str) -> RunRecord | None:
    """The record of the namespace's stack; None when there is none."""
    try:
        return read_record(await api.request("GET", CONFIG_MAP.path(namespace, NAME)))
    except ApiError as exc:
        if exc.status == 404:
            return None
        raise


async def annotate(api: Api, namespace: str, notes: Mapping[str, str]) -> None:
    """Set annotations of the record, under a manager of their own so that no apply takes them away again."""
    await api.request(
        "PATCH",
        CONFIG_MAP.path(namespace, NAME),
        query={"fieldManager": f"{MANAGER}-state"},
        body={"metadata": {"annotations": dict(notes)}},
        content_type="application/merge-patch+json",
    )
