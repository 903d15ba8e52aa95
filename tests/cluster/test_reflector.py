"""The reflector against a real server: what it mirrors, and how it survives one that goes away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from kapture_tui.model.errors import Unreachable
from kapture_tui.targets.base import Connection
from kapture_tui.targets.kubernetes import reflector as module
from kapture_tui.targets.kubernetes.api import Api
from kapture_tui.targets.kubernetes.kinds import Manifest
from kapture_tui.targets.kubernetes.reflector import Reflector
from tests.cluster.conftest import bound_user
from tests.cluster.cut import CutProxy

PATIENCE_S = 30.0


class Told:
    """What a reflector told, and a way to wait for it."""

    def __init__(self) -> None:
        self.changes: list[tuple[str, str]] = []
        self._more = asyncio.Event()

    def __call__(self, kind: str, old: Manifest | None, new: Manifest | None) -> None:
        assert (old is None, new is None) == (kind == "ADDED", kind == "DELETED")
        self.changes.append((kind, str((new or old or {})["metadata"]["name"])))
        self._more.set()

    async def until(self, wanted: Callable[[list[tuple[str, str]]], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not wanted(self.changes):
                self._more.clear()
                await self._more.wait()


async def eventually(holds: Callable[[], bool]) -> None:
    """`problem` is a plain attribute: the screen looks at it once a second, a test more often."""
    async with asyncio.timeout(PATIENCE_S):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


@asynccontextmanager
async def running(reflector: Reflector) -> AsyncIterator[None]:
    task = asyncio.create_task(reflector.run())
    try:
        async with asyncio.timeout(PATIENCE_S):
            await reflector.synced.wait()
        yield
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


def maps(namespace: str) -> str:
    return f"/api/v1/namespaces/{namespace}/configmaps"


async def make(api: Api, namespace: str, name: str, mine: str = "yes") -> None:
    await api.request("POST", maps(namespace), body={"metadata": {"name": name, "labels": {"mine": mine}}})


async def remove(api: Api, namespace: str, name: str) -> None:
    await api.request("DELETE", f"{maps(namespace)}/{name}")


async def change(api: Api, namespace: str, name: str, value: str) -> None:
    await api.request(
        "PATCH",
        f"{maps(namespace)}/{name}",
        body={"data": {"a": value}},
        content_type="application/merge-patch+json",
    )


async def test_it_follows_what_the_selector_chooses(api: Api, namespace: str) -> None:
    told = Told()
    await make(api, namespace, "first")
    reflector = Reflector(api, maps(namespace), label_selector="mine=yes", on_change=told)
    async with running(reflector):
        await make(api, namespace, "foreign", mine="no")
        await make(api, namespace, "second")
        await change(api, namespace, "first", "1")
        await remove(api, namespace, "second")
        await told.until(lambda changes: ("DELETED", "second") in changes)
        assert told.changes == [
            ("ADDED", "first"),
            ("ADDED", "second"),
            ("MODIFIED", "first"),
            ("DELETED", "second"),
        ]
        assert list(reflector.objects) == ["first"]
        assert reflector.objects["first"]["data"] == {"a": "1"}
        assert "managedFields" not in reflector.objects["first"]["metadata"]
        assert reflector.problem is None


async def test_the_whole_cluster(api: Api, namespace: str) -> None:
    told = Told()
    await make(api, namespace, "here")
    everywhere = Reflector(api, "/api/v1/configmaps", on_change=told)
    nodes = Reflector(api, "/api/v1/nodes")
    async with running(everywhere), running(nodes):
        assert f"{namespace}/here" in everywhere.objects
        assert {"kube-system/kube-root-ca.crt", "default/kube-root-ca.crt"} <= everywhere.objects.keys()
        assert nodes.objects
        assert all("/" not in name for name in nodes.objects)


async def test_a_list_of_many_pages(api: Api, namespace: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAGE", 2)
    names = [f"m{number}" for number in range(5)]
    await asyncio.gather(*(make(api, namespace, name) for name in names))
    reflector = Reflector(api, maps(namespace), label_selector="mine=yes")
    async with running(reflector):
        assert sorted(reflector.objects) == names


@pytest.mark.parametrize("way", ["refuse", "reset", "hang"])
async def test_nothing_is_missed_while_the_server_is_away(
    api: Api, namespace: str, proxy: CutProxy, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A watch that hangs is given up after this; with bookmarks every minute it is 90 s.
    monkeypatch.setattr(module, "IDLE_S", 1.0)
    monkeypatch.setattr(module, "REQUEST_S", 1.0)
    told = Told()
    for name in ("stays", "goes", "replaced"):
        await make(api, namespace, name)
    through = await Api.open(Connection(str(proxy.kubeconfig)))
    reflector = Reflector(through, maps(namespace), label_selector="mine=yes", on_change=told)
    try:
        async with running(reflector):
            before = dict(reflector.objects)
            told.changes.clear()
            proxy.cut(way)  # type: ignore[arg-type]
            await eventually(lambda: reflector.problem is not None)
            assert "127.0.0.1" in (reflector.problem or "")
            assert reflector.objects == before
            await remove(api, namespace, "goes")
            await remove(api, namespace, "replaced")
            await make(api, namespace, "replaced")
            await make(api, namespace, "new")
            proxy.mend()
            await told.until(lambda changes: ("ADDED", "new") in changes)
            assert told.changes == [
                ("DELETED", "goes"),
                ("DELETED", "replaced"),
                ("ADDED", "replaced"),
                ("ADDED", "new"),
            ]
            assert sorted(reflector.objects) == ["new", "replaced", "stays"]
            assert reflector.problem is None
    finally:
        await through.close()


async def test_another_answer_wakes_it(api: Api, namespace: str, proxy: CutProxy) -> None:
    told = Told()
    through = await Api.open(Connection(str(proxy.kubeconfig)))
    # Alone it would sleep for 36 s: longer than this test waits.
    delays = iter([0.0, 0.0, 36.0, 0.0])
    waits = asyncio.Event()

    def delay(failures: int) -> float:
        found = next(delays, 0.0)
        if found:
            waits.set()
        return found

    reflector = Reflector(through, maps(namespace), on_change=told, delay=lambda failures: delay(failures))
    try:
        async with running(reflector):
            proxy.cut("refuse")
            async with asyncio.timeout(PATIENCE_S):
                await waits.wait()
            proxy.mend()
            await make(api, namespace, "new")
            await through.request("GET", "/version")
            await told.until(lambda changes: ("ADDED", "new") in changes)
    finally:
        await through.close()


async def test_a_right_that_is_given_later(
    api: Api, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REFUSED_S", 0.2)
    rules = [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["list"]}]
    theirs = await Api.open(Connection(str(await bound_user(api, namespace, tmp_path / "few", rules))))
    reflector = Reflector(theirs, maps(namespace))
    task = asyncio.create_task(reflector.run())
    try:
        await eventually(lambda: reflector.problem is not None)
        assert "may not list configmaps" in (reflector.problem or "")
        assert not reflector.synced.is_set()
        roles = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/roles"
        (role,) = (await api.request("GET", roles))["items"]
        role["rules"].append({"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list", "watch"]})
        await api.request("PUT", f"{roles}/{role['metadata']['name']}", body=role)
        await eventually(lambda: reflector.synced.is_set() and reflector.problem is None)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await theirs.close()


async def test_nothing_is_left_when_it_is_cancelled(namespace: str, proxy: CutProxy) -> None:
    through = await Api.open(Connection(str(proxy.kubeconfig)))
    tasks = asyncio.all_tasks()
    async with running(Reflector(through, maps(namespace))):
        pass
    assert asyncio.all_tasks() == tasks
    await through.close()
    await asyncio.to_thread(proxy.wait_unused)


async def test_a_watch_that_died_silently_is_renewed_when_the_server_is_back(
    api: Api, namespace: str, proxy: CutProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    # By itself the watch would notice after 90 s: longer than this test waits.
    monkeypatch.setattr("kapture_tui.targets.kubernetes.api.OUTAGE_S", 0.0)
    told = Told()
    through = await Api.open(Connection(str(proxy.kubeconfig)))
    reflector = Reflector(through, maps(namespace), on_change=told)
    try:
        async with running(reflector):
            await make(api, namespace, "first")
            await told.until(lambda changes: ("ADDED", "first") in changes)
            proxy.cut("hang")
            with pytest.raises(Unreachable):
                await through.request("GET", "/version", timeout_s=0.5)
            proxy.mend()
            await make(api, namespace, "new")
            await through.request("GET", "/version")
            await told.until(lambda changes: ("ADDED", "new") in changes)
            assert reflector.problem is None
    finally:
        await through.close()
