"""Taking a stack out of a namespace, and looking afterwards whether anything is left of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from typing import Any

from kapture_tui.model.errors import KaptureError
from kapture_tui.model.event import Event, EventKind
from kapture_tui.model.times import timestamp
from kapture_tui.targets.kubernetes import apply, rights
from kapture_tui.targets.kubernetes.api import Api, ApiError, Forbidden
from kapture_tui.targets.kubernetes.kinds import (
    CLAIM,
    CONFIG_MAP,
    DEPLOYMENT,
    KINDS,
    OURS,
    POD,
    POD_MONITOR,
    REPLICA_SET,
    RUN_LABEL,
    STATEFUL_SET,
    Kind,
    counted,
    labels_of,
    name_of,
)
from kapture_tui.targets.kubernetes.record import DESTROYING, PHASE, RunRecord, annotate
from kapture_tui.targets.kubernetes.record import NAME as RECORD
from kapture_tui.targets.kubernetes.together import together

LEAVE_S = 90.0
"""How long the last objects may take to go, seconds."""

GRACE_S = 1
"""What the pods of a stack that is being removed have to end, seconds: what they would save goes with them."""

EVERY_S = 0.3

NAMED = 8
"""Claims that stay are told by name, if they are not more than so many."""

OPTIONAL = (POD_MONITOR, CLAIM, REPLICA_SET)
"""What can be done without looking at, so that not being allowed to is no reason to stop."""

_REST = tuple(kind for kind in KINDS if kind not in (DEPLOYMENT, STATEFUL_SET))
"""What is removed once the pods are on their way out, in this order."""

EVERYWHERE = "kube-root-ca.crt"
"""A ConfigMap that every namespace has."""

Found = tuple[Kind, str]
"""An object by kind and name."""


async def find(api: Api, namespace: str, kinds: Sequence[Kind] = (*KINDS, POD, CLAIM)) -> list[Found]:
    """Everything in the namespace that carries our labels, whichever run it belongs to."""

    async def listed(kind: Kind) -> list[Found]:
        try:
            items = await apply.listed(api, kind, namespace, OURS)
        except Forbidden:
            if kind in OPTIONAL:
                return []
            raise
        except ApiError as exc:
            if exc.status == 404:
                return []
            raise
        return [(kind, name_of(item)) for item in items]

    return [found for several in await asyncio.gather(*map(listed, kinds)) for found in several]


class Teardown:
    """Removes one stack.

    Args:
        record: of the stack; None: only ruins of it are there.
        purge: remove claims as well.
    """

    def __init__(
        self,
        api: Api,
        namespace: str,
        record: RunRecord | None,
        purge: bool,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._api = api
        self._namespace = namespace
        self._record = record
        self._purge = purge
        self._wall = wall

    async def events(self) -> AsyncIterator[Event]:
        """What is removed, step by step; the last one says what is left."""
        began_s = time.monotonic()
        if self._record is not None:
            await annotate(self._api, self._namespace, {PHASE: DESTROYING})
        found = await self._ours()
        going = _counted([one for one in found if self._purge or one[0] != CLAIM])
        yield self._step("remove", False, f"removing {going or 'what is left'}")
        await self._end_pods(found)
        for kind in _REST:
            await self._remove([one for one in found if one[0] == kind and one != (CONFIG_MAP, RECORD)])
        async for event in self._leave():
            yield event
        claims = await find(self._api, self._namespace, (CLAIM,))
        if self._purge:
            await self._remove(claims)
            await self._until_gone((CLAIM,))  # a claim stays for a moment, until its volume is let go of
        await apply.remove(self._api, CONFIG_MAP, self._namespace, RECORD)
        yield self._step("remove", True, f"removed {going or 'nothing'}", time.monotonic() - began_s)
        if await self._namespace_is_ours():
            if claims and not self._purge:
                yield self._say(f"the namespace {self._namespace} stays, for its claims stay")
            else:
                async for event in self._remove_namespace():
                    yield event
        yield await self._last_word(claims)

    async def _ours(self) -> list[Found]:
        found = await find(self._api, self._namespace)
        known = {(kind.api_version, kind.name) for kind in KINDS}
        # An overlay may have brought kinds of its own, which only the inventory knows.
        for item in self._record.inventory if self._record else ():
            version, kind_name, name = item.rsplit("/", 2)
            if (version, kind_name) not in known:
                manifest = {"apiVersion": version, "kind": kind_name, "metadata": {"name": name}}
                found.insert(0, (await apply.resolve(self._api, manifest), name))
        return found

    async def _end_pods(self, found: Sequence[Found]) -> None:
        """Remove the pods, and before them what would replace them.

        A pod that follows its Deployment has its whole grace, and a loader needs all of it once Kafka has gone. A
        shorter one later does not help: the kubelet acts on it only when the first is over, see
        https://github.com/kubernetes/kubernetes/issues/83916. So what keeps the pods lets go of them, and they are
        ended by themselves. A user without rights on ReplicaSets cannot keep those from replacing pods: there
        Deployments take theirs along.
        """

        def those(kind: Kind) -> list[Found]:
            return [one for one in found if one[0] == kind]

        lets_go = not await rights.missing(self._api, self._namespace, rights.REPLICA_SETS)
        await self._remove(those(DEPLOYMENT), orphan=lets_go)
        if lets_go:
            await self._remove(await find(self._api, self._namespace, (REPLICA_SET,)), orphan=True)
        await self._remove(those(STATEFUL_SET), orphan=True)
        await self._remove(those(POD))

    async def _remove(self, found: Sequence[Found], orphan: bool = False) -> None:
        def one(kind: Kind, name: str) -> Coroutine[Any, Any, None]:
            grace_s = GRACE_S if kind == POD else None
            return apply.remove(self._api, kind, self._namespace, name, grace_s, orphan)

        await together((one(kind, name) for kind, name in found), apply.AT_ONCE)

    async def _leave(self) -> AsyncIterator[Event]:
        """Wait until nothing but the record and the claims is there."""
        yield self._step("leave", False, "waiting for the last pods to end")
        began_s = time.monotonic()
        await self._until_gone((*KINDS, POD))
        yield self._step("leave", True, "the last pods have ended", time.monotonic() - began_s)

    async def _until_gone(self, kinds: Sequence[Kind]) -> None:
        """Wait until nothing of these kinds is there but the record, ending pods that appear meanwhile."""
        began_s = time.monotonic()
        while left := [
            one for one in await find(self._api, self._namespace, kinds) if one != (CONFIG_MAP, RECORD)
        ]:
            if time.monotonic() - began_s > LEAVE_S:
                names = ", ".join(f"{kind.name} {name}" for kind, name in left[:5])
                raise KaptureError(
                    f"removing {self._namespace}",
                    f"{len(left)} objects are still there after {LEAVE_S:.0f} s: {names}",
                    f"try again: kapture-tui down {self._namespace}",
                )
            await self._remove([one for one in left if one[0] == POD])
            await asyncio.sleep(EVERY_S)

    async def _namespace_is_ours(self) -> bool:
        try:
            found = await self._api.request("GET", f"/api/v1/namespaces/{self._namespace}")
        except (Forbidden, ApiError):
            return False
        return RUN_LABEL in labels_of(found)

    async def _remove_namespace(self) -> AsyncIterator[Event]:
        path = f"/api/v1/namespaces/{self._namespace}"
        foreign = await self._foreign()
        if foreign:
            yield self._say(f"the namespace {self._namespace} stays: it holds {', '.join(foreign[:5])}")
            return
        yield self._step("namespace", False, f"removing namespace {self._namespace}")
        began_s = time.monotonic()
        try:
            await self._api.request("DELETE", path)
            await apply.until_gone(self._api, path, LEAVE_S)
        except (Forbidden, ApiError) as exc:
            yield self._say(f"the namespace {self._namespace} stays: {exc}")
            return
        yield self._step(
            "namespace", True, f"namespace {self._namespace} is gone", time.monotonic() - began_s
        )

    async def _foreign(self) -> list[str]:
        """What somebody else has put into the namespace we made."""
        kinds = (*(kind for kind in KINDS if kind not in OPTIONAL), POD)
        names = []
        for kind in kinds:
            items = await apply.listed(self._api, kind, self._namespace)
            names += [f"{kind.name} {name_of(item)}" for item in items if name_of(item) != EVERYWHERE]
        return names

    async def _last_word(self, claims: Sequence[Found]) -> Event:
        try:
            left = await find(self._api, self._namespace)
        except ApiError as exc:
            if exc.status != 404:
                raise
            left = []
        kept = [] if self._purge else [one for one in left if one in claims]
        if unwanted := [one for one in left if one not in kept]:
            names = ", ".join(f"{kind.name} {name}" for kind, name in unwanted)
            return Event(timestamp(self._wall()), EventKind.ALARM, "", f"left of {self._namespace}: {names}")
        stays = f", but for {_named(kept)}; --purge removes them with their data" if kept else ""
        return self._step("nothing-left", True, f"nothing left in {self._namespace}{stays}")

    def _say(self, text: str) -> Event:
        return Event(timestamp(self._wall()), EventKind.CHANGE, "", text)

    def _step(self, name: str, done: bool, text: str, seconds: float | None = None) -> Event:
        return Event(timestamp(self._wall()), EventKind.STEP, "", text, name, done, seconds)


def _named(claims: Sequence[Found]) -> str:
    """2 PersistentVolumeClaims (data-kafka-0, data-mongo-0); of many the first names."""
    names = ", ".join(name for _, name in claims[:NAMED])
    return f"{_counted(claims)} ({names}{', …' if len(claims) > NAMED else ''})"


def _counted(found: Sequence[Found]) -> str:
    return counted(f"{kind.api_version}/{kind.name}/{name}" for kind, name in found)
