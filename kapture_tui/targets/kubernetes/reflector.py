"""A collection of objects as it is now: listed once, then kept up to date by a watch that mends itself."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import orjson

from kapture_tui.model.errors import KaptureError, Unreachable
from kapture_tui.targets.kubernetes.api import Api
from kapture_tui.targets.kubernetes.errors import ApiError, Forbidden, describe, printable
from kapture_tui.targets.kubernetes.kinds import Manifest

_log = logging.getLogger(__name__)

OnChange = Callable[[str, Manifest | None, Manifest | None], None]

PAGE = 500
"""Objects a page; one page keeps the loop busy for some 20 ms."""
REQUEST_S = 30.0
"""For one page."""
WATCH_S = 300
"""About how long the server keeps a watch; spread, so that the watches of one start do not all end at once."""
IDLE_S = 90.0
"""Bookmarks come every minute: after so long without a line the watch is asked for again, which costs little."""
LASTING_S = 5.0
"""A watch that ends sooner counts as a failure: a server that closes each at once is not to be asked in a loop."""
LONGEST_S = 30.0
REFUSED_S = 60.0
"""Rights may be given and kinds installed later."""
GONE = 410


def delay_s(failures: int) -> float:
    """How long to wait before the next try, seconds: at most half a second first, doubled each time up to 30."""
    return min(LONGEST_S, 0.5 * 2.0 ** min(failures, 10)) * random.uniform(0.5, 1.0)


class Reflector:
    """Mirrors one collection while `run` runs.

    Args:
        path: of the collection, of one namespace ("/api/v1/namespaces/pets/pods") or of the cluster ("/api/v1/nodes").
        on_change: called with "ADDED" (old is None), "MODIFIED" or "DELETED" (new is None), also for what a new list
            shows to have changed meanwhile, and for every object of the first list, before `synced` is set.
        managed_fields: keep them: they tell who set what. They are often half of an object.
        keep: from an object to the part of it that is kept; None: all of it. What it raises for an object of another
            shape is told as an answer that is not understood.
        delay: seconds to wait after so many failures in a row, the first being 0.

    Attributes:
        objects: by name; by "namespace/name" when the path spans namespaces.
        synced: set once the first list is complete.
        problem: why `objects` may be behind; None while a watch is open. A right that is missing is asked for again
            every minute; everything else is tried again within 30 s.
    """

    def __init__(
        self,
        api: Api,
        path: str,
        label_selector: str | None = None,
        field_selector: str | None = None,
        on_change: OnChange | None = None,
        managed_fields: bool = False,
        delay: Callable[[int], float] = delay_s,
        keep: Callable[[Manifest], Manifest] | None = None,
    ) -> None:
        self.objects: dict[str, Manifest] = {}
        self.synced = asyncio.Event()
        self.problem: str | None = None
        self._api = api
        self._path = path
        self._one_namespace = "/namespaces/" in path
        chosen = {"labelSelector": label_selector, "fieldSelector": field_selector}
        self._chosen = {key: value for key, value in chosen.items() if value}
        self._on_change = on_change
        self._managed_fields = managed_fields
        self._delay = delay
        self._keep = keep
        self._version = ""
        self._open = False

    async def run(self) -> None:
        """List, watch, and begin anew whenever that ends. Raises only what `on_change` raises."""
        failures = 0
        while True:
            error: KaptureError | None = None
            self._open, began_s = False, time.monotonic()
            try:
                await self._list_and_watch()
            except KaptureError as caught:
                error = caught
            if self._open and time.monotonic() - began_s >= LASTING_S:
                failures = 0
            self._judge(error, failures)
            await self._pause(error, failures)
            failures += 1

    async def _list_and_watch(self) -> None:
        if not self._version:
            await self._list()
        query = {
            **self._chosen,
            "watch": "1",
            "allowWatchBookmarks": "true",
            "resourceVersion": self._version,
            "timeoutSeconds": str(int(WATCH_S * random.uniform(0.9, 1.1))),
        }
        async with self._api.stream(self._path, query, IDLE_S) as lines:
            self._open, self.problem = True, None
            async for line in lines:
                self._take(line)

    async def _list(self) -> None:
        query = {**self._chosen, "limit": str(PAGE)}
        found: dict[str, Manifest] = {}
        while True:
            answer = await self._api.request("GET", self._path, query=query, timeout_s=REQUEST_S)
            with self._understood():
                found.update((self._key(item), self._kept(item)) for item in answer["items"] or ())
                position = answer["metadata"]
                version, rest = str(position["resourceVersion"]), position.get("continue")
            if not rest:
                break
            query["continue"] = rest
        _log.debug("%s: %d objects listed", self._path, len(found))
        self._version = version
        self._compare(found)
        self.synced.set()

    def _compare(self, found: dict[str, Manifest]) -> None:
        """Tell what a new list shows to have happened since the last one."""
        for key, old in list(self.objects.items()):
            new = found.get(key)
            # Another object of the same name: the first one was deleted while nobody looked.
            if new is None or new["metadata"]["uid"] != old["metadata"]["uid"]:
                self._put("DELETED", key, None)
        for key, new in found.items():
            held = self.objects.get(key)
            if held is None or held["metadata"]["resourceVersion"] != new["metadata"]["resourceVersion"]:
                self._put("ADDED" if held is None else "MODIFIED", key, new)

    def _take(self, line: bytes) -> None:
        """Apply one line of a watch. Raises ApiError for an error the server reports in it."""
        with self._understood():
            event = orjson.loads(line)
            kind, item = event["type"], event["object"]
            if kind == "ERROR":
                message, reason = printable(str(item.get("message", ""))), str(item.get("reason", ""))
                raise ApiError(self._doing, int(item.get("code") or 500), reason, message)
            version = str(item["metadata"]["resourceVersion"])
            key = "" if kind == "BOOKMARK" else self._key(item)
            item = item if kind == "BOOKMARK" else self._kept(item)
        self._version = version
        if kind == "DELETED":
            self._put(kind, key, None)
        elif kind != "BOOKMARK":
            self._put(kind, key, item)

    def _put(self, kind: str, key: str, new: Manifest | None) -> None:
        old = self.objects.pop(key, None) if new is None else self.objects.get(key)
        if new is not None:
            self.objects[key] = new
        if self._on_change is not None and (old, new) != (None, None):
            self._on_change(kind, old, new)

    def _kept(self, item: Manifest) -> Manifest:
        """What is kept of an object."""
        if not self._managed_fields:
            item["metadata"].pop("managedFields", None)
        return item if self._keep is None else self._keep(item)

    @contextmanager
    def _understood(self) -> Iterator[None]:
        """Turn what an answer of another shape raises into an error of ours."""
        try:
            yield
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            cause = f"not the answer of an API server: {printable(repr(error), 80)}"
            raise KaptureError(self._doing, cause, "try again") from error

    def _key(self, item: Manifest) -> str:
        """Raises KeyError for an object that lacks what every object has."""
        metadata = item["metadata"]
        _ = metadata["uid"], metadata["resourceVersion"]
        if self._one_namespace or "namespace" not in metadata:
            return str(metadata["name"])
        return f"{metadata['namespace']}/{metadata['name']}"

    @property
    def _doing(self) -> str:
        return describe("WATCH", self._path)

    def _judge(self, error: KaptureError | None, failures: int) -> None:
        """What an attempt that ended means for what we hold."""
        if error is not None and not isinstance(error, Unreachable):
            self._version = ""
        # A watch that breaks once is mended before anybody could notice; a second failure in a row is told.
        if error is not None and not _is_gone(error) and (failures or not self._open):
            self.problem = str(error)

    async def _pause(self, error: KaptureError | None, failures: int) -> None:
        if _is_refused(error):
            await asyncio.sleep(max(self._delay(failures), REFUSED_S * random.uniform(0.5, 1.0)))
            return
        delay = self._delay(failures)
        if not isinstance(error, Unreachable):
            await asyncio.sleep(delay)
            return
        # The answer to another request tells that the server is back, maybe long before the delay is over.
        await asyncio.sleep(delay / 8)
        with suppress(TimeoutError):
            async with asyncio.timeout(delay * 7 / 8):
                await self._api.reachable.wait()


def _is_gone(error: KaptureError | None) -> bool:
    """The version we hold is too old for a watch: list again."""
    return isinstance(error, ApiError) and error.status == GONE


def _is_refused(error: KaptureError | None) -> bool:
    """Asking again soon is of no use: the right is missing, or the kind of object."""
    return isinstance(error, Forbidden) or (isinstance(error, ApiError) and error.status in (404, 405))
