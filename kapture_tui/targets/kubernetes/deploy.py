"""Bringing a stack into a namespace: look, make room, carry the bundle over, apply everything, wait."""

from __future__ import annotations

import asyncio
import base64
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace

from kapture_tui.model.errors import KaptureError, NotAllowed, UsageError
from kapture_tui.model.event import Event, EventKind
from kapture_tui.model.spec import Component, StackSpec
from kapture_tui.model.times import timestamp
from kapture_tui.stack.bundle import Bundle, bundle
from kapture_tui.stack.catalogue import check_quorum, passwords
from kapture_tui.stack.render import RunFacts, render, scaled
from kapture_tui.targets.base import Finding
from kapture_tui.targets.kubernetes import apply
from kapture_tui.targets.kubernetes.api import Api, ApiError
from kapture_tui.targets.kubernetes.demand import Demand, demand
from kapture_tui.targets.kubernetes.destroy import Teardown
from kapture_tui.targets.kubernetes.kinds import (
    CONFIG_MAP,
    DEPLOYMENT,
    KINDS,
    MANAGER,
    OURS,
    RUN_LABEL,
    SECRET,
    STATEFUL_SET,
    WORKLOADS,
    Kind,
    Manifest,
    kind_of,
    name_of,
    reference,
    replicas_of,
)
from kapture_tui.targets.kubernetes.preflight import Asks, Ground
from kapture_tui.targets.kubernetes.ready import Waiting
from kapture_tui.targets.kubernetes.record import PHASE, READY_AT, RunRecord, annotate, find_record

PASSWORD_BYTES = 24


class Deployment:
    """One deploy into one namespace: makes a new stack, goes on with an interrupted one, or changes a running one."""

    def __init__(
        self,
        api: Api,
        namespace: str,
        spec: StackSpec,
        look: Callable[[StackSpec], Awaitable[Ground]],
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._api = api
        self._namespace = namespace
        self._spec = spec
        self._look = look
        self._wall = wall
        self._record: RunRecord | None = None

    async def events(self) -> AsyncIterator[Event]:
        """What happens, step by step. Raises KaptureError; what a first deploy has made by then is removed again."""
        self._record = await find_record(self._api, self._namespace)
        if self._record is not None and self._record.destroying:
            yield self._step("resume", True, "ending a teardown that was interrupted")
            async for event in Teardown(self._api, self._namespace, self._record, purge=False).events():
                yield event
            self._record = None
        yield self._step("cluster", False, "looking at the cluster")
        began_s = time.monotonic()
        if self._record is not None:
            refuse_change(self._record.spec, self._spec)
        ground = await self._look(self._spec)
        refuse(ground.findings)
        yield self._step("cluster", True, ground.findings[0].text, time.monotonic() - began_s)
        try:
            async for event in self._bring(ground):
                yield event
        except KaptureError:
            if self._record is None:
                async for event in self._take_back():
                    yield event
            raise

    async def _take_back(self) -> AsyncIterator[Event]:
        record = await find_record(self._api, self._namespace)
        with suppress(KaptureError):  # what the deploy failed of matters more
            async for event in Teardown(self._api, self._namespace, record, purge=True).events():
                yield event

    async def _bring(self, ground: Ground) -> AsyncIterator[Event]:
        run_id = self._record.run_id if self._record else secrets.token_hex(4)
        if ground.exists is False:
            began_s = time.monotonic()
            await make_namespace(self._api, self._namespace, run_id)
            yield self._step(
                "namespace", True, f"made namespace {self._namespace}", time.monotonic() - began_s
            )
        bundles: tuple[Bundle, ...] = ()
        if self._spec.cluster.image is None:
            began_s = time.monotonic()
            yield self._step("bundle", False, "packing the workload")
            bundles = tuple([await asyncio.to_thread(self._bundle, name) for name in ground.architectures])
            slow = next((f"; {one.slow}" for one in bundles if one.slow), "")
            text = f"workload packed for {', '.join(ground.architectures)}{slow}"
            yield self._step("bundle", True, text, time.monotonic() - began_s)
        manifests = await self._render(run_id, bundles, ground)
        if self._record is not None:
            await self._refuse_brokers(manifests)
        began_s = time.monotonic()
        yield self._step("apply", False, f"applying {len(manifests)} objects")
        await self._apply(manifests)
        await self._prune(manifests)
        yield self._step("apply", True, f"{len(manifests)} objects applied", time.monotonic() - began_s)
        workloads = [(kind, name_of(m)) for m in manifests if (kind := kind_of(m)) in WORKLOADS and kind]
        async for event in Waiting(self._api, self._namespace, workloads).events():
            yield event
        await annotate(self._api, self._namespace, {READY_AT: timestamp(self._wall()), PHASE: "running"})

    def _bundle(self, architecture: str) -> Bundle:
        return bundle(architecture, components=self._spec.components)

    async def _render(self, run_id: str, bundles: tuple[Bundle, ...], ground: Ground) -> tuple[Manifest, ...]:
        spec = self._spec
        if ground.cpu_limits:
            spec = replace(spec, cluster=replace(spec.cluster, cpu_limits=True))
        facts = RunFacts(
            run_id=run_id,
            bundles=bundles,
            passwords={name: await self._password(name) for name in passwords(spec)},
            pod_monitor=ground.pod_monitor,
            cpu_limits=ground.cpu_limits,
        )
        return await asyncio.to_thread(render, spec, facts)

    async def _refuse_brokers(self, manifests: Sequence[Manifest]) -> None:
        """Raises UsageError when an overlay asks for another number of brokers than run."""
        name = Component.KAFKA.value
        wanted = next(
            (replicas_of(m) for m in manifests if m["kind"] == "StatefulSet" and name_of(m) == name), 0
        )
        try:
            running = await self._api.request("GET", STATEFUL_SET.path(self._namespace, name))
        except ApiError as exc:
            if exc.status == 404:
                return
            raise
        if replicas_of(running) != wanted:
            raise brokers_are_fixed(self._spec, replicas_of(running))

    async def _password(self, name: str) -> str:
        """The password in a Secret of the namespace, or a new one where there is none yet."""
        try:
            found = await self._api.request("GET", SECRET.path(self._namespace, name))
        except ApiError as exc:
            if exc.status != 404:
                raise
            return secrets.token_urlsafe(PASSWORD_BYTES)
        password = (found.get("data") or {}).get("password")
        return base64.b64decode(password).decode() if password else secrets.token_urlsafe(PASSWORD_BYTES)

    async def _apply(self, manifests: Sequence[Manifest]) -> None:
        """The record first, so that an interrupted deploy can be found; then all the rest in its order."""
        record, *others = manifests
        there = await self._bundles_there()
        await apply.apply(self._api, self._namespace, record, force=True)
        config = [m for m in others if kind_of(m) not in WORKLOADS and name_of(m) not in there]
        await apply.apply_all(self._api, self._namespace, config)
        for manifest in others:
            if kind_of(manifest) in WORKLOADS:
                await self._apply_workload(manifest)

    async def _bundles_there(self) -> set[str]:
        """Chunks of bundles that are there already: their names hold their digest, and they never change."""
        names = map(name_of, await apply.listed(self._api, CONFIG_MAP, self._namespace, OURS))
        return {name for name in names if name.startswith("bundle-")}

    async def _apply_workload(self, manifest: Manifest) -> None:
        """Apply it; replicas of what can be scaled go through the scale subresource, once, when it is made."""
        if manifest["kind"] != "Deployment" or name_of(manifest) not in scaled():
            await apply.apply(self._api, self._namespace, manifest)
            return
        wanted = replicas_of(manifest)
        spec = {key: value for key, value in manifest["spec"].items() if key != "replicas"}
        made = await apply.apply(self._api, self._namespace, {**manifest, "spec": spec})
        if not was_scaled(made) and replicas_of(made) != wanted:
            await apply.scale(self._api, DEPLOYMENT, self._namespace, name_of(manifest), wanted)

    async def _prune(self, manifests: Sequence[Manifest]) -> None:
        """Remove what an earlier form of this stack had and the present one has not."""
        if self._record is None:
            return
        wanted = {reference(manifest) for manifest in manifests}
        for item in self._record.inventory:
            if item in wanted:
                continue
            version, kind_name, name = item.rsplit("/", 2)
            known = next((k for k in KINDS if (k.api_version, k.name) == (version, kind_name)), None)
            kind = known or await self._unknown(version, kind_name, name)
            await apply.remove(self._api, kind, self._namespace, name)

    async def _unknown(self, version: str, kind_name: str, name: str) -> Kind:
        manifest = {"apiVersion": version, "kind": kind_name, "metadata": {"name": name}}
        return await apply.resolve(self._api, manifest)

    def _step(self, name: str, done: bool, text: str, seconds: float | None = None) -> Event:
        return Event(timestamp(self._wall()), EventKind.STEP, "", text, name, done, seconds)


def refuse(findings: Sequence[Finding]) -> None:
    """Raises the error of the first finding that is fatal: NotAllowed where rights are missing, else UsageError."""
    for finding in findings:
        if finding.fatal and not finding.ok:
            kind = NotAllowed if finding.subject == "rights" else UsageError
            raise kind(finding.subject, finding.text, finding.remedy)


def demand_of(spec: StackSpec) -> Asks:
    """What the stack asks of a cluster; the bundle's ConfigMaps are not counted."""

    def asks(cpu_limits: bool, pod_monitor: bool) -> Demand:
        unmade = dict.fromkeys(passwords(spec), "not yet made")
        facts = RunFacts("preflight", (), unmade, pod_monitor, cpu_limits)
        return demand(render(spec, facts))

    return asks


def refuse_change(running: StackSpec, wanted: StackSpec) -> None:
    """Raises UsageError for a change that cannot be made on a running stack."""
    if running.scale != wanted.scale:
        raise brokers_are_fixed(wanted, running.scale)
    check_quorum(running, wanted)
    fixed = ["storage", "storage_class"]
    if running.has(Component.REDIS):
        fixed.append("redis_count")
    for name in fixed:
        if getattr(running.cluster, name) != getattr(wanted.cluster, name):
            raise UsageError(
                f"changing {running.namespace}",
                f"--{name.replace('_', '-')} is fixed when the servers are made",
                f"kapture-tui down {running.namespace} first",
            )


def brokers_are_fixed(wanted: StackSpec, running: int) -> UsageError:
    """The error for another number of brokers than the stack runs with."""
    name, number = wanted.namespace, wanted.scale
    return UsageError(
        f"changing {name}",
        f"it runs with {running} Kafka brokers, whose number and voters are fixed when they are made",
        f"scale the rest: kapture-tui scale {name} data-loader={number} etl={number}; or kapture-tui down {name} first",
    )


def was_scaled(workload: Manifest) -> bool:
    """Whether somebody has set its replicas: then they are not ours to set again."""
    entries = workload["metadata"].get("managedFields") or ()
    return any("f:replicas" in ((entry.get("fieldsV1") or {}).get("f:spec") or {}) for entry in entries)


async def make_namespace(api: Api, namespace: str, run_id: str) -> None:
    """Make the namespace, for restricted pods, marked as ours. Raises Forbidden."""
    labels = {
        "app.kubernetes.io/managed-by": MANAGER,
        "app.kubernetes.io/part-of": "kapture",
        RUN_LABEL: run_id,
        "pod-security.kubernetes.io/enforce": "restricted",
    }
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": labels}}
    await api.request("POST", "/api/v1/namespaces", query={"fieldManager": MANAGER}, body=body)
