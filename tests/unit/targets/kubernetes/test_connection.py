"""The way to the server: what TLS, proxies and strange servers answer, each said with what to do."""

from __future__ import annotations

import asyncio
import base64
import re
import shutil
import socket
import ssl
from pathlib import Path
from typing import Any, NoReturn

import pytest
from aiohttp import web

from kapture_tui.model.errors import KaptureError, NotAllowed, Unreachable, UsageError
from kapture_tui.targets.base import Connection
from kapture_tui.targets.kubernetes import connection as module
from kapture_tui.targets.kubernetes.api import Api, ApiError, Forbidden
from kapture_tui.targets.kubernetes.errors import describe, printable
from kapture_tui.targets.kubernetes.kubeconfig import Access, Entry, load
from tests.unit.targets.kubernetes.certificates import Authority
from tests.unit.targets.kubernetes.scripted import VERSION, kubeconfig, opened, serving, status

needs_openssl = pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is not installed")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("pki"))


async def failure(connection: Connection) -> KaptureError:
    """What opening says; the message must be one clean line."""
    with pytest.raises(KaptureError) as caught:
        async with opened(connection):
            pass
    assert str(caught.value).isprintable()
    return caught.value


def ca(authority: Authority) -> dict[str, str]:
    return {"certificate-authority": str(authority.pair.certificate)}


@needs_openssl
async def test_a_trusted_server(tmp_path: Path, authority: Authority) -> None:
    async with serving(tls=authority.sign("good").context()) as server:
        async with opened(kubeconfig(tmp_path, server.url, **ca(authority))) as api:
            assert api.version == VERSION["gitVersion"]
        data = base64.b64encode(authority.pair.certificate.read_bytes()).decode()
        async with opened(kubeconfig(tmp_path, server.url, **{"certificate-authority-data": data})):
            pass


@needs_openssl
@pytest.mark.parametrize(
    ("alternatives", "days", "said"),
    [
        ("DNS:elsewhere", 1, r"for another host than 127\.0\.0\.1.*tls-server-name"),
        ("IP:127.0.0.1", -1, "certificate has expired.*this machine's clock"),
    ],
)
async def test_a_certificate_that_does_not_fit(
    tmp_path: Path, authority: Authority, alternatives: str, days: int, said: str
) -> None:
    async with serving(tls=authority.sign("odd", alternatives, days).context()) as server:
        error = await failure(kubeconfig(tmp_path, server.url, **ca(authority)))
    assert isinstance(error, Unreachable)
    assert re.search(said, str(error))


@needs_openssl
async def test_a_server_of_another_authority(tmp_path: Path, authority: Authority) -> None:
    other = Authority(tmp_path, "other")
    async with serving(tls=other.sign("foreign").context()) as server:
        error = await failure(kubeconfig(tmp_path, server.url, **ca(authority)))
        assert "certificate-authority is not this cluster's" in str(error)
        async with opened(kubeconfig(tmp_path, server.url, **{"insecure-skip-tls-verify": True})):
            pass


@needs_openssl
async def test_a_server_by_another_name(tmp_path: Path, authority: Authority) -> None:
    pair = authority.sign("named", "DNS:api.pets")
    settings = {**ca(authority), "tls-server-name": "api.pets"}
    async with serving(tls=pair.context()) as server, opened(kubeconfig(tmp_path, server.url, **settings)):
        pass


@needs_openssl
async def test_a_client_certificate_is_shown(tmp_path: Path, authority: Authority) -> None:
    context = authority.sign("strict").context()
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(authority.pair.certificate)
    shown = authority.sign("client")
    user = {"client-certificate": str(shown.certificate), "client-key": str(shown.key)}

    async def answer(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        subject = request.transport.get_extra_info("peercert")["subject"]
        return web.json_response({**VERSION, "gitVersion": dict(subject[0])["commonName"]})

    async with serving(answer, context) as server:
        async with opened(kubeconfig(tmp_path, server.url, user, **ca(authority))) as api:
            assert api.version == "client"
        error = await failure(kubeconfig(tmp_path, server.url, **ca(authority)))
        assert isinstance(error, NotAllowed | Unreachable)


@needs_openssl
async def test_a_key_with_a_password_asks_nobody(tmp_path: Path, authority: Authority) -> None:
    pair = authority.sign("locked")
    locked = authority.lock(pair)
    user = {"client-certificate": str(pair.certificate), "client-key": str(locked)}
    error = await failure(kubeconfig(tmp_path, "https://127.0.0.1:1", user, **ca(authority)))
    assert isinstance(error, UsageError)
    assert "or the key is encrypted" in str(error)


async def test_an_authority_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_text("nothing")
    error = await failure(kubeconfig(tmp_path, "https://127.0.0.1:1", **{"certificate-authority": "ca.crt"}))
    assert isinstance(error, UsageError)
    assert "no PEM certificate" in str(error)


async def test_half_a_client_certificate(tmp_path: Path) -> None:
    user = {"client-key-data": base64.b64encode(b"x").decode()}
    error = await failure(kubeconfig(tmp_path, "https://127.0.0.1:1", user))
    assert "go together" in str(error)


async def test_nobody_listens(tmp_path: Path) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        error = await failure(kubeconfig(tmp_path, f"https://127.0.0.1:{held.getsockname()[1]}"))
    assert isinstance(error, Unreachable)
    assert "connection refused" in str(error)


async def test_a_name_nobody_knows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody_knows(*_: object, **__: object) -> NoReturn:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    # What a resolver that is away makes of it takes longer than we wait.
    monkeypatch.setattr(socket, "getaddrinfo", nobody_knows)
    error = await failure(kubeconfig(tmp_path, "https://kapture.invalid:6443"))
    assert isinstance(error, Unreachable)
    assert "the name kapture.invalid cannot be resolved" in str(error)


async def test_https_where_http_is_spoken(tmp_path: Path) -> None:
    async with serving() as server:
        error = await failure(kubeconfig(tmp_path, server.url.replace("http:", "https:")))
    assert "not a Kubernetes API server: it does not speak TLS" in str(error)


PAGE = "<html><body>Please log in</body></html>"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (web.Response(text=PAGE, content_type="text/html"), "it sent text/html instead of JSON"),
        (web.Response(text=PAGE, content_type="text/html", status=403), "403 with a page of HTML"),
        (web.Response(text="404 page not found", status=404), "it has no /version"),
        (web.Response(status=302, headers={"Location": "https://login"}), "it redirects elsewhere"),
        (web.json_response({"version": "1"}), "its /version is something else"),
        (web.json_response([]), "its /version is something else"),
    ],
)
async def test_no_kubernetes_at_all(tmp_path: Path, answer: web.Response, said: str) -> None:
    async def same(_: web.Request) -> web.StreamResponse:
        return answer

    async with serving(same) as server:
        error = await failure(kubeconfig(tmp_path, server.url))
    assert isinstance(error, Unreachable)
    assert f"not a Kubernetes API server: {said}" in str(error)
    assert error.remedy


async def test_something_that_does_not_speak_http(tmp_path: Path) -> None:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail ready\x1b[31m\r\n")
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        error = await failure(kubeconfig(tmp_path, f"http://127.0.0.1:{port}"))
    assert isinstance(error, Unreachable)
    assert "not a Kubernetes API server" in str(error)


@pytest.mark.parametrize("code", [429, 500, 503, 504])
async def test_a_server_in_trouble(tmp_path: Path, code: int) -> None:
    async def answer(_: web.Request) -> web.StreamResponse:
        return status(code, "Trouble", "etcd\nis \x1b[31maway")

    async with serving(answer) as server:
        error = await failure(kubeconfig(tmp_path, server.url))
    assert isinstance(error, ApiError)
    assert (error.status, error.reason, error.message) == (code, "Trouble", "etcd is [31maway")
    assert error.remedy == "try again in a moment"


async def test_a_version_we_may_not_ask_for(tmp_path: Path) -> None:
    async def answer(_: web.Request) -> web.StreamResponse:
        return status(403, "Forbidden", 'forbidden: User "u" cannot get path "/version"')

    async with serving(answer) as server, opened(kubeconfig(tmp_path, server.url)) as api:
        assert api.version == ""
        with pytest.raises(Forbidden) as caught:
            await api.request("GET", "/version")
        assert (caught.value.verb, caught.value.resource) == ("get", "/version")


async def test_a_server_that_takes_its_time(tmp_path: Path) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path != "/version":
            await asyncio.Event().wait()
        return web.json_response(VERSION)

    async with serving(answer) as server, opened(kubeconfig(tmp_path, server.url)) as api:
        with pytest.raises(Unreachable, match=r"reading pods in pets .*no answer within 0 s"):
            await api.request("GET", "/api/v1/namespaces/pets/pods", timeout_s=0.2)


async def test_lines_are_joined_from_pieces(tmp_path: Path) -> None:
    pieces = [b"one\ntw", b"o\n\nthr", b"ee", b"\nlast"]

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path == "/version":
            return web.json_response(VERSION)
        response = web.StreamResponse()
        await response.prepare(request)
        for piece in pieces:
            await response.write(piece)
        return response

    async with serving(answer) as server, opened(kubeconfig(tmp_path, server.url)) as api:
        assert [line async for line in api.lines("/log")] == [b"one", b"two", b"", b"three", b"last"]


async def test_a_line_without_an_end_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kapture_tui.targets.kubernetes.api.LINE_BYTES", 1 << 20)

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path == "/version":
            return web.json_response(VERSION)
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x" * 65536)

    async with serving(answer) as server, opened(kubeconfig(tmp_path, server.url)) as api:
        with pytest.raises(Unreachable, match="a line of more than 1 MiB"):
            async for _ in api.lines("/log"):
                pass


def reaching(server: str, **cluster: Any) -> Access:
    return Access("here", server, "default", Entry("c", cluster, Path()), Entry("u", {}, Path()))


PROXY = {"HTTPS_PROXY": "http://proxy:3128"}


@pytest.mark.parametrize(
    ("server", "environ", "expected"),
    [
        ("https://api.pets", {}, None),
        ("https://api.pets", PROXY, "http://proxy:3128"),
        ("https://api.pets", {"https_proxy": "proxy:3128"}, "http://proxy:3128"),
        ("http://api.pets", PROXY, None),
        ("https://api.pets", {**PROXY, "NO_PROXY": "*"}, None),
        ("https://api.pets", {**PROXY, "NO_PROXY": "other, .pets"}, None),
        ("https://api.pets", {**PROXY, "NO_PROXY": "API.pets"}, None),
        ("https://api.pets", {**PROXY, "NO_PROXY": "i.pets"}, "http://proxy:3128"),
        ("https://api.pets:6443", {**PROXY, "NO_PROXY": "api.pets:6443"}, None),
        ("https://api.pets:6443", {**PROXY, "NO_PROXY": "api.pets:443"}, "http://proxy:3128"),
        ("https://10.1.2.3", {**PROXY, "NO_PROXY": "10.0.0.0/8"}, None),
        ("https://10.1.2.3", {**PROXY, "no_proxy": "10.2.0.0/16"}, "http://proxy:3128"),
        ("https://[fd00::1]:6443", {**PROXY, "NO_PROXY": "fd00::/8"}, None),
        ("https://127.0.0.1:6443", PROXY, None),
        ("https://localhost:6443", PROXY, None),
    ],
)
def test_which_proxy(server: str, environ: dict[str, str], expected: str | None) -> None:
    assert module.proxy(reaching(server), environ) == expected


def test_the_kubeconfig_names_the_proxy() -> None:
    access = reaching("https://127.0.0.1", **{"proxy-url": "http://jump:1"})
    assert module.proxy(access, {**PROXY, "NO_PROXY": "*"}) == "http://jump:1"
    with pytest.raises(UsageError, match="socks5: cannot be used"):
        module.proxy(reaching("https://c", **{"proxy-url": "socks5://u:s3cret@jump"}), {})


class Tunnel:
    """An HTTP proxy that connects, or answers with another status."""

    def __init__(self, refusal: str = "") -> None:
        self.refusal, self.asked = refusal, ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked = (await reader.readuntil(b"\r\n\r\n")).decode()
        if self.refusal:
            writer.write(f"HTTP/1.1 {self.refusal}\r\nContent-Length: 0\r\n\r\n".encode())
            writer.close()
            return
        host, _, port = self.asked.split()[1].rpartition(":")
        there, onward = await asyncio.open_connection(host, int(port))
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await asyncio.gather(_copy(reader, onward), _copy(there, writer))


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(65536):
        writer.write(piece)
    writer.close()


@needs_openssl
async def test_through_a_proxy(tmp_path: Path, authority: Authority) -> None:
    tunnel = Tunnel()
    proxy = await asyncio.start_server(tunnel.serve, "127.0.0.1", 0)
    async with proxy, serving(tls=authority.sign("behind").context()) as server:
        url = f"http://us:s3cret@127.0.0.1:{proxy.sockets[0].getsockname()[1]}"
        settings = {**ca(authority), "proxy-url": url}
        async with opened(kubeconfig(tmp_path, server.url, **settings)):
            pass
        assert tunnel.asked.startswith(f"CONNECT {server.url.removeprefix('https://')} HTTP/1.1")
        assert "Proxy-Authorization: Basic dXM6czNjcmV0" in tunnel.asked
        tunnel.refusal = "407 Proxy Authentication Required"
        error = await failure(kubeconfig(tmp_path, server.url, **settings))
        assert isinstance(error, Unreachable)
        assert "through the proxy 127.0.0.1: it answered 407" in str(error)
        assert "s3cret" not in str(error)


async def test_a_proxy_that_is_not_there(tmp_path: Path) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{held.getsockname()[1]}"
        error = await failure(kubeconfig(tmp_path, "https://api.pets", **{"proxy-url": url}))
    assert "reaching https://api.pets through the proxy 127.0.0.1: connection refused" in str(error)


async def test_a_closed_client_opens_again(tmp_path: Path) -> None:
    async with serving() as server:
        api = await Api.open(kubeconfig(tmp_path, server.url))
        await api.close()
        assert await api.request("GET", "/version") == VERSION
        await api.close()
        await api.close()


def test_requests_in_words() -> None:
    assert describe("GET", "/api/v1/namespaces/pets/pods/kafka-0/log") == "reading pods/kafka-0/log in pets"
    assert describe("PATCH", "/apis/apps/v1/namespaces/pets/deployments/etl/scale") == (
        "changing deployments/etl/scale in pets"
    )
    assert describe("DELETE", "/api/v1/namespaces/pets") == "removing namespaces/pets"
    assert describe("GET", "/version") == "reading /version"


def test_text_from_outside_is_one_clean_line() -> None:
    assert printable("a\n\x1b[31mb\u202e\x00 ä") == "a [31mb ä"
    assert printable("x" * 20, 5) == "xxxx…"


def test_the_server_of_a_kubeconfig_without_a_scheme(tmp_path: Path) -> None:
    assert load(kubeconfig(tmp_path, "api.pets:6443/")).server == "https://api.pets:6443"
