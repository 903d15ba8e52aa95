"""An API server that says what it is told to: HTTP as a real one speaks it, for what no real one can be brought to."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import yaml
from aiohttp import web

from kapture_tui.targets.base import Connection
from kapture_tui.targets.kubernetes.api import Api

Answer = tuple[int, Any]
VERSION = {"gitVersion": "v1.34.4", "platform": "linux/arm64"}


def refused(status: int, reason: str, message: str) -> Answer:
    """An answer that says no, as an API server does."""
    return status, {"kind": "Status", "reason": reason, "message": message, "code": status}


@asynccontextmanager
async def answering(
    folder: Path, answers: Mapping[str, Answer], allows: Callable[[Mapping[str, str]], bool] = lambda _: True
) -> AsyncIterator[Api]:
    """A connection to a server with these answers, by path; every other list is empty, every review granted.

    Args:
        folder: for the kubeconfig.
        allows: says whether a right is granted, given the attributes of a SelfSubjectAccessReview.
    """
    known = {"/version": (200, VERSION), **answers}

    async def answer(request: web.Request) -> web.Response:
        if request.method == "POST" and request.path not in known:
            asked = await request.json()
            return web.json_response(_review(asked, allows), status=201)
        status, body = known.get(request.path, (200, {"kind": "List", "items": []}))
        return web.json_response(body, status=status)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    api = None
    try:
        _, port = runner.addresses[0][:2]
        api = await Api.open(Connection(_kubeconfig(folder, f"http://127.0.0.1:{port}"), None))
        yield api
    finally:
        if api is not None:
            await api.close()
        await runner.cleanup()


def _review(asked: Mapping[str, Any], allows: Callable[[Mapping[str, str]], bool]) -> dict[str, Any]:
    if asked["kind"] == "SelfSubjectReview":
        return {"status": {"userInfo": {"username": "alice"}}}
    return {"status": {"allowed": allows(asked["spec"]["resourceAttributes"])}}


def _kubeconfig(folder: Path, server: str) -> str:
    path = folder / "kubeconfig"
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "scripted", "cluster": {"server": server}}],
        "users": [{"name": "alice", "user": {"token": "t"}}],
        "contexts": [{"name": "scripted", "context": {"cluster": "scripted", "user": "alice"}}],
        "current-context": "scripted",
    }
    path.write_text(yaml.safe_dump(json.loads(json.dumps(document))))
    return str(path)
