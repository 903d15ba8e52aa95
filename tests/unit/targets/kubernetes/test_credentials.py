"""Tokens of an identity provider, and certificates that a plugin hands out."""

from __future__ import annotations

import base64
import json
import shutil
import ssl
import time
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from kapture_tui.model.errors import NotAllowed, UsageError
from kapture_tui.targets.kubernetes.oidc import expires_s
from tests.unit.targets.kubernetes.certificates import Authority, Pair
from tests.unit.targets.kubernetes.scripted import VERSION, kubeconfig, opened, serving
from tests.unit.targets.kubernetes.test_plugin import program

needs_openssl = pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is not installed")
REFRESH = "s3cret-refresh"


def token(lasts_s: float, name: str = "x") -> str:
    """A JSON web token that ends in so many seconds; nobody here checks its signature."""
    parts = ({"alg": "none"}, {"exp": time.time() + lasts_s, "name": name})
    first, second = (
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts
    )
    return f"{first}.{second}.signature"


def provider(issuer: str, id_token: str, **config: str) -> dict[str, Any]:
    held = {"client-id": "kapture", "client-secret": "s", "idp-issuer-url": issuer, **config}
    return {"auth-provider": {"name": "oidc", "config": {**held, "id-token": id_token}}}


def test_a_token_says_when_it_ends() -> None:
    assert expires_s(token(100.0)) == pytest.approx(time.time() + 100, abs=60)
    assert [expires_s(odd) for odd in ("", "opaque", "a.b.c", "a.e30.c", "a.W10.c")] == [None] * 5


async def test_a_token_that_lasts_is_shown_as_it_is(tmp_path: Path) -> None:
    held = token(3600.0)
    async with (
        serving() as server,
        opened(kubeconfig(tmp_path, server.url, provider("http://nowhere", held))),
    ):
        assert server.headers["Authorization"] == f"Bearer {held}"


async def test_a_token_that_ended_is_refreshed(tmp_path: Path) -> None:
    fresh, forms = token(3600.0, "fresh"), []

    async def issue(request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/.well-known/openid-configuration"):
            return web.json_response({"token_endpoint": f"http://{request.host}/token"})
        forms.append((dict(await request.post()), request.headers["Authorization"]))
        return web.json_response({"id_token": fresh, "refresh_token": "next"})

    async with serving(issue) as issuer, serving() as server:
        user = provider(f"{issuer.url}/realm/", token(-10.0), **{"refresh-token": REFRESH})
        async with opened(kubeconfig(tmp_path, server.url, user)):
            assert server.headers["Authorization"] == f"Bearer {fresh}"
    basic = base64.b64encode(b"kapture:s").decode()
    assert forms == [({"grant_type": "refresh_token", "refresh_token": REFRESH}, f"Basic {basic}")]


@pytest.mark.parametrize(("code", "said"), [(400, "400"), (200, "KeyError")])
async def test_a_provider_that_refuses(tmp_path: Path, code: int, said: str) -> None:
    async def refuse(request: web.Request) -> web.StreamResponse:
        return web.json_response({"error": "invalid_grant"}, status=code)

    async with serving(refuse) as issuer, serving() as server:
        user = provider(issuer.url, token(-10.0), **{"refresh-token": REFRESH})
        with pytest.raises(NotAllowed, match=rf"refreshing the token.*{said}.*log in again") as caught:
            async with opened(kubeconfig(tmp_path, server.url, user)):
                pass
    assert REFRESH not in str(caught.value)


async def test_a_token_that_ended_for_good(tmp_path: Path) -> None:
    with pytest.raises(NotAllowed, match="there is no refresh-token"):
        async with opened(kubeconfig(tmp_path, "http://127.0.0.1:1", provider("http://x", token(-10.0)))):
            pass


async def test_providers_of_old(tmp_path: Path) -> None:
    user = {"auth-provider": {"name": "gcp"}}
    with pytest.raises(UsageError, match=r"'gcp' was removed.*credential plugin"):
        async with opened(kubeconfig(tmp_path, "http://127.0.0.1:1", user)):
            pass


@needs_openssl
async def test_a_certificate_of_a_plugin_is_renewed_on_new_connections(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    pairs = [authority.sign(name) for name in ("first", "second")]
    context = authority.sign("server").context()
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(authority.pair.certificate)

    async def answer(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        name = dict(request.transport.get_extra_info("peercert")["subject"][0])["commonName"]
        if name == "first" and request.path != "/version":
            return web.Response(status=401)
        return web.json_response({**VERSION, "name": name})

    user = {"exec": program(tmp_path, _hands_out(tmp_path / "asked", pairs))}
    settings = {"certificate-authority": str(authority.pair.certificate)}
    async with (
        serving(answer, context) as server,
        opened(kubeconfig(tmp_path, server.url, user, **settings)) as api,
    ):
        assert (await api.request("GET", "/api"))["name"] == "second"
        assert (await api.request("GET", "/api"))["name"] == "second"


def _hands_out(asked: Path, pairs: list[Pair]) -> str:
    """Code of a plugin that gives the first pair when run first, and the second one from then on."""
    return f"""
again = os.path.exists({str(asked)!r})
open({str(asked)!r}, 'w').close()
certificate, key = {[(str(pair.certificate), str(pair.key)) for pair in pairs]!r}[again]
status = {{'clientCertificateData': open(certificate).read(), 'clientKeyData': open(key).read()}}
version = 'client.authentication.k8s.io/v1'
print(json.dumps({{'apiVersion': version, 'kind': 'ExecCredential', 'status': status}}))
"""
