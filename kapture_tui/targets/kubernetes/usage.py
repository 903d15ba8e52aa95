"""CPU and memory of pods, from metrics.k8s.io. Its samples are some seconds old: each carries its own time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kapture_tui.model.errors import KaptureError
from kapture_tui.targets.kubernetes.api import Api, ApiError, Forbidden
from kapture_tui.targets.kubernetes.kinds import OURS
from kapture_tui.targets.kubernetes.moments import seconds_of
from kapture_tui.targets.kubernetes.quantities import quantity

EVERY_S = 5.0
"""The usual metrics-server has new samples every 15 s; asking more often only finds them sooner."""

MISSING_EVERY_S = 30.0


@dataclass(frozen=True, slots=True)
class Usage:
    """What a pod uses.

    Attributes:
        cpu_cores: mean over the sample's window.
        memory_bytes: working set.
        at_s: when it was sampled, seconds since the epoch.
    """

    cpu_cores: float
    memory_bytes: int
    at_s: float


class UsageWatch:
    """Asks for the usage of our pods again and again.

    Attributes:
        latest: by pod.
        problem: why there is nothing (new); "" if there is.
    """

    def __init__(self, api: Api, namespace: str) -> None:
        self._api = api
        self._path = f"/apis/metrics.k8s.io/v1beta1/namespaces/{namespace}/pods"
        self.latest: Mapping[str, Usage] = {}
        self.problem = "not measured yet"

    async def run(self) -> None:
        """Ask for ever."""
        while True:
            pause_s = EVERY_S
            try:
                found = await self._api.request("GET", self._path, query={"labelSelector": OURS})
                self.latest = {item["metadata"]["name"]: pod_usage(item) for item in found.get("items") or ()}
                self.problem = "" if self.latest else "metrics-server has no samples of these pods yet"
            except KaptureError as exc:
                self.problem = why_missing(exc)
                pause_s = MISSING_EVERY_S if isinstance(exc, Forbidden) else EVERY_S
            await asyncio.sleep(pause_s)


def pod_usage(item: Mapping[str, Any]) -> Usage:
    """The usage in one PodMetrics object, the sum of its containers."""
    used = [container["usage"] for container in item.get("containers") or ()]
    return Usage(
        cpu_cores=sum(quantity(one["cpu"]) for one in used),
        memory_bytes=int(sum(quantity(one["memory"]) for one in used)),
        at_s=seconds_of(item["timestamp"]),
    )


def why_missing(exc: KaptureError) -> str:
    """Why there are no figures: 404, 403 and 503 are different states."""
    if isinstance(exc, Forbidden):
        return f"{exc.cause} ({exc.remedy})" if exc.remedy else exc.cause
    if isinstance(exc, ApiError) and exc.status == 404:
        return "metrics-server is missing: kubectl top does not work either"
    if isinstance(exc, ApiError) and exc.status == 503:
        return "metrics-server does not answer"
    return str(exc)
