"""A Kubernetes namespace as a target: what the console calls, carried to the API server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from datetime import UTC, datetime

from kapture_tui.model.errors import KaptureError, UsageError
from kapture_tui.model.event import Event
from kapture_tui.model.spec import Component, StackSpec
from kapture_tui.stack.catalogue import check_scale
from kapture_tui.targets.base import Connection, Environment, Finding, Observation, Place
from kapture_tui.targets.kubernetes import apply, environment, rights
from kapture_tui.targets.kubernetes.api import Api, ApiError, Forbidden
from kapture_tui.targets.kubernetes.deploy import Deployment, demand_of
from kapture_tui.targets.kubernetes.destroy import Teardown, find
from kapture_tui.targets.kubernetes.kinds import DEPLOYMENT, MANAGER, POD, STATEFUL_SET, Kind
from kapture_tui.targets.kubernetes.logs import read_logs
from kapture_tui.targets.kubernetes.preflight import Ground, look, refuse_reserved
from kapture_tui.targets.kubernetes.record import find_record
from kapture_tui.targets.kubernetes.report import proxy_path
from kapture_tui.targets.kubernetes.watch import NamespaceWatch

SYNC_S = 5.0
"""How long the first observation waits for the first lists, seconds."""

FRESH_S = 20.0
"""So long what preflight found may serve the deploy that follows it, seconds."""


class KubernetesTarget:
    """A stack in a namespace of a cluster. See `Target`.

    Args:
        connection: how the cluster is reached. It is first reached by the first call.
    """

    name = "kubernetes"

    def __init__(self, namespace: str, connection: Connection) -> None:
        self.namespace = namespace
        self._connection = connection
        self._api: Api | None = None
        self._opening = asyncio.Lock()
        self._seen: tuple[StackSpec, Ground, float] | None = None

    async def _open(self) -> Api:
        async with self._opening:
            if self._api is None:
                self._api = await Api.open(self._connection)
            return self._api

    async def close(self) -> None:
        """See `Target`."""
        api, self._api = self._api, None
        if api is not None:
            await api.close()

    async def place(self) -> Place:
        """See `Target`."""
        api = await self._open()
        user, exists = await asyncio.gather(rights.who(api), self._exists(api))
        return Place(api.context, api.server, user, self.namespace, exists)

    async def _exists(self, api: Api) -> bool | None:
        try:
            return await apply.exists(api, f"/api/v1/namespaces/{self.namespace}")
        except Forbidden:
            return None

    async def spec(self) -> StackSpec | None:
        """See `Target`. Its record alone is read, and none of its pods, which may be thousands; None as well where that
        is not allowed."""
        try:
            record = await find_record(await self._open(), self.namespace)
        except Forbidden:
            return None
        return record.spec if record else None

    async def denied(self) -> Mapping[str, str]:
        """See `Target`."""
        return await rights.denied(await self._open(), self.namespace)

    async def preflight(self, spec: StackSpec) -> list[Finding]:
        """See `Target`."""
        spec.check()
        return list((await self._look(spec)).findings)

    async def _look(self, spec: StackSpec) -> Ground:
        """What preflight finds; asked again at once for the same stack, what it has just found."""
        seen = self._seen
        if seen is not None and seen[0] == spec and time.monotonic() - seen[2] < FRESH_S:
            return seen[1]
        ground = await look(await self._open(), spec, demand_of(spec))
        self._seen = (spec, ground, time.monotonic())
        return ground

    async def environment(self, spec: StackSpec) -> Environment:
        """See `Target`."""
        return await environment.look(await self._open(), self.namespace)

    async def deploy(self, spec: StackSpec) -> AsyncIterator[Event]:
        """See `Target`. A stack that runs is changed to what is asked for; what cannot be changed raises UsageError."""
        spec.check()
        deployment = Deployment(await self._open(), self.namespace, spec, self._look)
        try:
            async for event in deployment.events():
                yield event
        finally:
            self._seen = None

    async def observe(self) -> AsyncGenerator[Observation, None]:
        """See `Target`. Raises KaptureError as long as the cluster was never reached; later it goes on by itself."""
        watch = NamespaceWatch(await self._open(), self.namespace)
        watch.start()
        try:
            await watch.synced(SYNC_S)
            while True:
                began_s = time.monotonic()
                yield watch.observation()
                await asyncio.sleep(max(0.1, watch.report.every_s - (time.monotonic() - began_s)))
        finally:
            await watch.stop()

    async def scale(self, component: Component, replicas: int) -> None:
        """See `Target`."""
        check_scale(component, replicas)
        try:
            await apply.scale(await self._open(), DEPLOYMENT, self.namespace, component.value, replicas)
        except ApiError as exc:
            if exc.status == 404:
                raise _absent(component, self.namespace) from exc
            raise

    async def restart(self, component: Component) -> None:
        """See `Target`. Pods are replaced in order, as `kubectl rollout restart` does it."""
        api = await self._open()
        at = datetime.now(UTC).isoformat(timespec="seconds")
        note = {"kapture.run/restarted-at": at}
        for kind in (DEPLOYMENT, STATEFUL_SET):
            if await self._restart(api, kind, component.value, note):
                return
        raise _absent(component, self.namespace)

    async def _restart(self, api: Api, kind: Kind, name: str, note: Mapping[str, str]) -> bool:
        try:
            await api.request(
                "PATCH",
                kind.path(self.namespace, name),
                # A manager of its own: the next apply must not take the note back and restart everything again.
                query={"fieldManager": f"{MANAGER}-restart"},
                body={"spec": {"template": {"metadata": {"annotations": dict(note)}}}},
                content_type="application/strategic-merge-patch+json",
            )
        except ApiError as exc:
            if exc.status == 404:
                return False
            raise
        return True

    async def kill(self, pod: str) -> None:
        """See `Target`."""
        api = await self._open()
        path = POD.path(self.namespace, pod)
        try:
            await api.request("DELETE", path, body={"gracePeriodSeconds": 0})
        except ApiError as exc:
            if exc.status == 404:
                raise UsageError(f"killing {pod}", f"there is no such pod in {self.namespace}") from exc
            raise

    async def logs(self, subject: str, lines: int = 200, follow: bool = False) -> AsyncIterator[str]:
        """See `Target`."""
        async for line in read_logs(await self._open(), self.namespace, subject, lines, follow):
            yield line

    async def lose_one(self, component: Component) -> None:
        """See `Target`. Of a StatefulSet's pods it is the one with the highest number, which ends in order."""
        api = await self._open()
        path = STATEFUL_SET.path(self.namespace, component.value)
        try:
            replicas = int((await api.request("GET", path))["spec"]["replicas"])
            if replicas < 2:
                raise UsageError(
                    f"losing one {component.value}", f"there is only {replicas} in {self.namespace}"
                )
            await api.request(
                "PATCH",
                path,
                query={"fieldManager": f"{MANAGER}-lose"},
                body={"spec": {"replicas": replicas - 1}},
                content_type="application/strategic-merge-patch+json",
            )
        except ApiError as exc:
            if exc.status == 404:
                raise _absent(component, self.namespace) from exc
            raise

    async def control(self, rate: float | None, paused: bool) -> None:
        """See `Target`. The observer writes it to Kafka for us."""
        api = await self._open()
        try:
            await api.request(
                "POST", proxy_path(self.namespace, "control"), body={"rate": rate, "paused": paused}
            )
        except ApiError as exc:
            raise KaptureError(
                "telling the loaders", exc.message or str(exc), "see the observer's log"
            ) from exc

    async def destroy(self, purge: bool = False) -> AsyncIterator[Event]:
        """See `Target`. Raises UsageError when there is no such stack."""
        refuse_reserved(self.namespace)
        api = await self._open()
        record = await find_record(api, self.namespace)
        if record is None and not await find(api, self.namespace):
            raise UsageError(f"removing {self.namespace}", f"there is no stack in it on {api.context}")
        async for event in Teardown(api, self.namespace, record, purge).events():
            yield event


def _absent(component: Component, namespace: str) -> UsageError:
    return UsageError(component.value, f"there is none in {namespace}", "see kapture-tui status")
