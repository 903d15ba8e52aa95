"""The reflector against a scripted server: what it asks for, and what it makes of strange answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from kapture_tui.targets.kubernetes import reflector as module
from kapture_tui.targets.kubernetes.kinds import Manifest
from kapture_tui.targets.kubernetes.reflector import Reflector, delay_s
from tests.unit.targets.kubernetes.scripted import VERSION, kubeconfig, opened, send, serving, status

PODS = "/api/v1/namespaces/pets/pods"
PATIENCE_S = 10.0


def pod(name: str, version: int, uid: str = "", **more: Any) -> Manifest:
    return {"metadata": {"name": name, "uid": uid or name, "resourceVersion": str(version), **more}}


def pods(version: int, *items: Manifest, more: str = "") -> web.Response:
    return web.json_response(
        {"items": items, "metadata": {"resourceVersion": str(version), "continue": more}}
    )


Step = Callable[[web.Request], Any]


class Script:
    """Answers requests for pods in this order; the last watch goes on for ever.

    Attributes:
        asked: the queries that came, without what is the same in all.
        done: set when nothing is left to answer.
    """

    def __init__(self, *steps: web.StreamResponse | list[tuple[str, Manifest]]) -> None:
        self.steps = list(steps)
        self.asked: list[dict[str, str]] = []
        self.done = asyncio.Event()

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        if request.path == "/version":
            return web.json_response(VERSION)
        self.asked.append(dict(request.query))
        if not self.steps:
            self.done.set()
            await asyncio.Event().wait()
        step = self.steps.pop(0)
        if isinstance(step, web.StreamResponse):
            return step
        assert request.query["watch"] == "1"
        response = web.StreamResponse()
        await response.prepare(request)
        for kind, item in step:
            await send(response, kind, item)
        return response

    @property
    def watched(self) -> list[str]:
        """The versions that watches began at; "list" for a list."""
        return [query["resourceVersion"] if "watch" in query else "list" for query in self.asked]


class Watched:
    def __init__(self, reflector: Reflector) -> None:
        self.reflector = reflector
        self.told: list[tuple[str, str]] = []
        self.delays: list[int] = []


@asynccontextmanager
async def playing(folder: Path, script: Script, path: str = PODS) -> AsyncIterator[Watched]:
    """A reflector that has seen all of the script and now waits for the last answer."""
    async with serving(script) as server, opened(kubeconfig(folder, server.url)) as api:
        seen: Watched

        def tell(kind: str, old: Manifest | None, new: Manifest | None) -> None:
            seen.told.append((kind, str((new or old or {})["metadata"]["name"])))

        def delay(failures: int) -> float:
            seen.delays.append(failures)
            return 0.0

        seen = Watched(Reflector(api, path, label_selector="a=b", on_change=tell, delay=delay))
        task = asyncio.create_task(seen.reflector.run())
        try:
            async with asyncio.timeout(PATIENCE_S):
                await script.done.wait()
            yield seen
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def test_a_watch_goes_on_where_the_last_one_ended(tmp_path: Path) -> None:
    bookmark = {"kind": "Pod", "metadata": {"resourceVersion": "17", "creationTimestamp": None}}
    script = Script(
        pods(10, pod("a", 5)),
        [("ADDED", pod("b", 11)), ("MODIFIED", pod("a", 12))],
        [("BOOKMARK", bookmark)],
        [("DELETED", pod("a", 18))],
    )
    async with playing(tmp_path, script) as seen:
        assert script.watched == ["list", "10", "12", "17", "18"]
        assert list(seen.reflector.objects) == ["b"]
        assert seen.told == [("ADDED", "a"), ("ADDED", "b"), ("MODIFIED", "a"), ("DELETED", "a")]


async def test_what_it_asks_for(tmp_path: Path) -> None:
    script = Script(pods(1, more="next"), pods(2))
    async with playing(tmp_path, script):
        first, second, watch = script.asked
        assert first == {"labelSelector": "a=b", "limit": "500"}
        assert second == {**first, "continue": "next"}
        assert 270 <= int(watch.pop("timeoutSeconds")) <= 330
        assert watch == {
            "labelSelector": "a=b",
            "watch": "1",
            "allowWatchBookmarks": "true",
            "resourceVersion": "2",
        }


GONE = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version: 10 (20)"}


@pytest.mark.parametrize(
    "gone",
    [[("ERROR", GONE)], status(410, "Expired", "too old resource version")],
    ids=["in the stream", "as status"],
)
async def test_a_version_that_is_too_old_means_a_new_list(tmp_path: Path, gone: Any) -> None:
    script = Script(
        pods(10, pod("a", 5), pod("b", 6)), gone, pods(20, pod("a", 5), pod("b", 15), pod("c", 16))
    )
    async with playing(tmp_path, script) as seen:
        assert script.watched == ["list", "10", "list", "20"]
        assert seen.told == [("ADDED", "a"), ("ADDED", "b"), ("MODIFIED", "b"), ("ADDED", "c")]
        assert seen.reflector.problem is None


async def test_a_page_that_came_too_late_starts_the_list_anew(tmp_path: Path) -> None:
    script = Script(
        pods(10, pod("a", 5), more="next"),
        status(410, "Expired", "The provided continue parameter is too old"),
        pods(20, pod("b", 15)),
    )
    async with playing(tmp_path, script) as seen:
        assert script.watched == ["list", "list", "list", "20"]
        assert seen.told == [("ADDED", "b")]


async def test_another_object_of_the_same_name(tmp_path: Path) -> None:
    script = Script(pods(10, pod("kafka-0", 5)), [("ERROR", GONE)], pods(20, pod("kafka-0", 15, uid="other")))
    async with playing(tmp_path, script) as seen:
        assert seen.told == [("ADDED", "kafka-0"), ("DELETED", "kafka-0"), ("ADDED", "kafka-0")]


async def test_failures_in_a_row_are_counted_and_shown(tmp_path: Path) -> None:
    script = Script(
        status(500, "InternalError", "etcd away"), status(500, "InternalError", "etcd away"), pods(1)
    )
    async with playing(tmp_path, script) as seen:
        assert seen.delays == [0, 1]
        assert seen.reflector.synced.is_set()
        # The watch that follows has not been accepted yet.
        assert "etcd away" in (seen.reflector.problem or "")


@pytest.mark.parametrize(
    "line",
    [
        ("ERROR", {"kind": "Status", "code": 500, "message": "etcd away"}),
        ("ADDED", {"metadata": {"name": "no version"}}),
        ("ADDED", {}),
    ],
)
async def test_a_strange_line_does_not_end_it(tmp_path: Path, line: tuple[str, Manifest]) -> None:
    script = Script(pods(10, pod("a", 5)), [line], pods(12, pod("a", 5)), [("ADDED", pod("b", 13))])
    async with playing(tmp_path, script) as seen:
        assert script.watched == ["list", "10", "list", "12", "13"]
        assert sorted(seen.reflector.objects) == ["a", "b"]


async def test_something_else_than_a_list_does_not_end_it(tmp_path: Path) -> None:
    script = Script(web.json_response({"kind": "Pod"}), web.json_response([1]), pods(10, pod("a", 5)))
    async with playing(tmp_path, script) as seen:
        assert list(seen.reflector.objects) == ["a"]


async def test_a_watch_that_is_silent_is_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "IDLE_S", 0.1)
    watches = 0

    async def answer(request: web.Request) -> web.StreamResponse:
        nonlocal watches
        if request.path == "/version":
            return web.json_response(VERSION)
        if "watch" not in request.query:
            return pods(10)
        watches += 1
        response = web.StreamResponse()
        await response.prepare(request)
        if watches == 3:
            await send(response, "ADDED", pod("late", 11))
        await asyncio.Event().wait()
        return response

    found = asyncio.Event()
    async with serving(answer) as server, opened(kubeconfig(tmp_path, server.url)) as api:
        reflector = Reflector(api, PODS, on_change=lambda *_: found.set(), delay=lambda _: 0.0)
        task = asyncio.create_task(reflector.run())
        async with asyncio.timeout(PATIENCE_S):
            await found.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_objects_of_several_namespaces(tmp_path: Path) -> None:
    script = Script(pods(10, pod("a", 5, namespace="x"), pod("a", 6, uid="other", namespace="y")))
    async with playing(tmp_path, script, "/api/v1/pods") as seen:
        assert list(seen.reflector.objects) == ["x/a", "y/a"]


async def test_what_on_change_raises_is_not_swallowed(tmp_path: Path) -> None:
    def fail(*_: object) -> None:
        raise LookupError("a fault of ours")

    script = Script(pods(10, pod("a", 5)))
    async with serving(script) as server, opened(kubeconfig(tmp_path, server.url)) as api:
        with pytest.raises(LookupError, match="a fault of ours"):
            await Reflector(api, PODS, on_change=fail).run()


def test_delays_grow_to_half_a_minute() -> None:
    for failures in range(40):
        full = min(30.0, 0.5 * 2**failures)
        found = [delay_s(failures) for _ in range(50)]
        assert full / 2 <= min(found) <= max(found) <= full
        assert len(set(found)) > 1
