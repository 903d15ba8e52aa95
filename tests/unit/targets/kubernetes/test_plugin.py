"""Credential plugins: real programs, run where they cannot touch the terminal, renewed in time."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from kapture_tui.model.errors import KaptureError, NotAllowed, UsageError
from kapture_tui.targets.kubernetes import plugin
from kapture_tui.targets.kubernetes.kubeconfig import Access, Entry
from tests.unit.targets.kubernetes.scripted import VERSION, kubeconfig, opened, serving, status

V1 = "client.authentication.k8s.io/v1"
SECRET = "s3cret-s3cret"


def program(folder: Path, code: str, **settings: Any) -> dict[str, Any]:
    """The exec section for a plugin with that code."""
    path = folder / "plugin.py"
    path.write_text(f"import json, os, sys, time\n{code}\n", encoding="utf-8")
    return {
        "apiVersion": V1,
        "command": sys.executable,
        "args": [str(path)],
        "interactiveMode": "IfAvailable",
        **settings,
    }


def prints(token: str = "'t'", expires: str = "None", version: str = V1) -> str:
    """Code that prints a credential; the arguments are expressions."""
    return (
        f"status = {{'token': {token}, 'expirationTimestamp': {expires}}}\n"
        f"print(json.dumps({{'apiVersion': '{version}', 'kind': 'ExecCredential', 'status': status}}))"
    )


def access(folder: Path, settings: dict[str, Any]) -> Access:
    cluster = Entry("c", {"server": "https://c", "tls-server-name": "real"}, folder)
    return Access("here", "https://c", "default", cluster, Entry("u", {"exec": settings}, folder))


async def test_what_a_plugin_is_told(tmp_path: Path) -> None:
    code = prints(token="json.dumps([json.loads(os.environ['KUBERNETES_EXEC_INFO']), os.environ['OWN']])")
    settings = program(tmp_path, code, env=[{"name": "OWN", "value": "1"}], provideClusterInfo=True)
    info, own = json.loads((await plugin.run(access(tmp_path, settings)))["token"])
    assert own == "1"
    assert info == {
        "apiVersion": V1,
        "kind": "ExecCredential",
        "spec": {"interactive": False, "cluster": {"server": "https://c", "tls-server-name": "real"}},
    }


async def test_it_has_no_terminal_and_nothing_to_read(tmp_path: Path) -> None:
    code = """
try:
    open('/dev/tty')
    tty = True
except OSError:
    tty = False
""" + prints(token="json.dumps([tty, sys.stdin.read(), os.isatty(0), os.isatty(1), os.isatty(2)])")
    found = await plugin.run(access(tmp_path, program(tmp_path, code)))
    assert json.loads(found["token"]) == [False, "", False, False, False]


async def test_a_plugin_beside_the_kubeconfig(tmp_path: Path) -> None:
    script = tmp_path / "login"
    credential = json.dumps({"apiVersion": V1, "kind": "ExecCredential", "status": {"token": "here"}})
    script.write_text(f"#!/bin/sh\necho '{credential}'\n")
    script.chmod(0o755)
    settings = {"apiVersion": V1, "command": "./login", "interactiveMode": "Never"}
    assert (await plugin.run(access(tmp_path, settings)))["token"] == "here"


@pytest.mark.parametrize(
    ("code", "error", "said"),
    [
        (
            f"print('{SECRET}'); print('first\\n\\x1b[31mlog\\x07 in  first\\n', file=sys.stderr); sys.exit(3)",
            NotAllowed,
            r"exit status 3: \[31mlog in first",
        ),
        ("print('hello')", NotAllowed, "no ExecCredential"),
        ("print('[]')", NotAllowed, "no ExecCredential"),
        (prints(token="''"), NotAllowed, "neither a token nor a certificate"),
        (prints(version="client.authentication.k8s.io/v1beta1"), NotAllowed, "answered as .*v1beta1"),
    ],
)
async def test_a_plugin_that_fails(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], code: str, error: type[KaptureError], said: str
) -> None:
    with pytest.raises(error, match=said) as caught:
        await plugin.run(access(tmp_path, program(tmp_path, code)))
    assert str(caught.value).isprintable()
    assert SECRET not in str(caught.value)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"command": "kapture-no-such", "apiVersion": V1, "installHint": "get it\nfrom here"},
            "get it from here",
        ),
        ({"command": "kapture-no-such", "apiVersion": V1}, "not found.*install it"),
        ({"apiVersion": V1}, "names no command"),
        (
            {"command": "true", "apiVersion": "client.authentication.k8s.io/v1alpha1"},
            "v1alpha1.* is not known",
        ),
        ({"command": "true", "apiVersion": V1, "interactiveMode": "Always"}, "wants to talk on the terminal"),
    ],
)
async def test_a_plugin_that_cannot_be_run(tmp_path: Path, settings: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        await plugin.run(access(tmp_path, settings))


async def test_a_plugin_that_hangs_is_ended_with_all_it_started(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    code = f"import subprocess; subprocess.run(['sh', '-c', 'exec 3<>{fifo}; sleep 600'])"
    with pytest.raises(NotAllowed, match="no answer within"):
        await plugin.run(access(tmp_path, program(tmp_path, code)), timeout_s=1.5)
    # Nobody holds it open for reading any more, as soon as the system has cleaned up.
    async with asyncio.timeout(10):
        while _has_reader(fifo):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def _has_reader(fifo: Path) -> bool:
    try:
        os.close(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))
    except OSError:
        return False
    return True


async def test_a_plugin_that_leaves_a_child_behind(tmp_path: Path) -> None:
    code = "import subprocess; subprocess.Popen(['sleep', '600'])\n" + prints()
    with pytest.raises(NotAllowed, match="no answer within"):
        await plugin.run(access(tmp_path, program(tmp_path, code)), timeout_s=1.5)


def counting(folder: Path, expires: str = "None") -> dict[str, Any]:
    """A plugin whose tokens are token-1, token-2, …"""
    code = f"""
path = {str(folder / "count")!r}
count = int(open(path).read()) + 1 if os.path.exists(path) else 1
open(path, 'w').write(str(count))
""" + prints(token="f'token-{count}'", expires=expires)
    return program(folder, code)


def at(seconds: float) -> str:
    return repr(datetime.fromtimestamp(time.time() + seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))


async def bearer(request: web.Request) -> str:
    return request.headers.get("Authorization", "")


async def test_a_refused_token_is_renewed_once_for_all_who_wait(tmp_path: Path) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        if request.headers["Authorization"] == "Bearer token-1" and request.path != "/version":
            return status(401, "Unauthorized", "Unauthorized")
        return web.json_response({**VERSION, "seen": request.headers["Authorization"]})

    async with (
        serving(answer) as server,
        opened(kubeconfig(tmp_path, server.url, {"exec": counting(tmp_path)})) as api,
    ):
        answers = await asyncio.gather(*(api.request("GET", f"/api/{number}") for number in range(4)))
        assert {found["seen"] for found in answers} == {"Bearer token-2"}


async def test_a_token_refused_twice_is_an_error(tmp_path: Path) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        return status(401, "Unauthorized", "Unauthorized")

    async with serving(answer) as server:
        with pytest.raises(NotAllowed, match=r"expired credentials.*log in again with the tool"):
            async with opened(kubeconfig(tmp_path, server.url, {"exec": counting(tmp_path)})):
                pass
        assert len(server.requests) == 2


@pytest.mark.parametrize(("lasts_s", "expected"), [(3600.0, "Bearer token-1"), (30.0, "Bearer token-2")])
async def test_a_token_is_renewed_before_it_ends(tmp_path: Path, lasts_s: float, expected: str) -> None:
    user = {"exec": counting(tmp_path, at(lasts_s))}
    async with serving() as server, opened(kubeconfig(tmp_path, server.url, user)) as api:
        await api.request("GET", "/api")
        assert server.headers["Authorization"] == expected


async def test_a_renewal_that_fails_early_is_no_harm_yet(tmp_path: Path) -> None:
    user = {"exec": counting(tmp_path, at(30.0))}
    async with serving() as server, opened(kubeconfig(tmp_path, server.url, user)) as api:
        (tmp_path / "plugin.py").write_text("raise SystemExit('away')")
        await api.request("GET", "/api")
        assert server.headers["Authorization"] == "Bearer token-1"


async def test_a_token_file_is_read_again_when_refused(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("old\n")

    async def answer(request: web.Request) -> web.StreamResponse:
        known = request.headers["Authorization"] == f"Bearer {(tmp_path / 'token').read_text().strip()}"
        return web.json_response(VERSION) if known else status(401, "Unauthorized", "Unauthorized")

    async with (
        serving(answer) as server,
        opened(kubeconfig(tmp_path, server.url, {"tokenFile": "token"})) as api,
    ):
        (tmp_path / "token").write_text("new\n")
        assert await api.request("GET", "/api") == VERSION


async def test_a_name_and_a_password(tmp_path: Path) -> None:
    user = {"username": "Aladdin", "password": "open sesame"}
    async with serving() as server, opened(kubeconfig(tmp_path, server.url, user)):
        assert server.headers["Authorization"] == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
