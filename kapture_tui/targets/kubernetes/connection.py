"""The way to an API server: TLS, proxies, sockets that notice a dead peer, and what can go wrong, in words."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import socket
import ssl
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from kapture_tui.model.errors import KaptureError, NotAllowed, Unreachable, UsageError
from kapture_tui.targets.kubernetes.credentials import Grant
from kapture_tui.targets.kubernetes.errors import not_kubernetes, printable
from kapture_tui.targets.kubernetes.kubeconfig import Access

CONNECT_S = 10.0
"""How long a connection may take, name and TLS included."""
KEEPALIVE = (("TCP_KEEPIDLE", 15), ("TCP_KEEPALIVE", 15), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3))
"""A peer that is gone is noticed after 15 + 3 * 5 s (Linux, then macOS for the idle time)."""
UNACKNOWLEDGED_MS = 30_000

_CHECK = "check the address, the network and the VPN, or choose another context"
_FETCH = "fetch the kubeconfig again, or correct it"


def tls(access: Access, grant: Grant) -> ssl.SSLContext:
    """What we trust and show. Raises UsageError for certificates that cannot be read."""
    cluster = access.cluster
    doing = f"certificate-authority of cluster {cluster.name!r}"
    authority = cluster.content("certificate-authority")
    try:
        context = ssl.create_default_context(cadata=authority.decode("ascii") if authority else None)
    except (ssl.SSLError, ValueError) as error:
        raise UsageError(doing, "no PEM certificate", _FETCH) from error
    # Many clusters' own authorities lack extensions that only this flag asks for (set by default from 3.13 on).
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if cluster.values.get("insecure-skip-tls-verify"):
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if grant.certificate and grant.key:
        _show(context, access.user.name, grant.certificate, grant.key)
    return context


def connector(context: ssl.SSLContext) -> aiohttp.TCPConnector:
    """Connections with TCP keep-alive; must be made in a running loop."""
    # The resolver of the system, as kubectl: it knows /etc/hosts and search domains.
    return aiohttp.TCPConnector(
        ssl=context, socket_factory=_socket, limit=0, ttl_dns_cache=30, resolver=aiohttp.ThreadedResolver()
    )


def proxy(access: Access, environ: Mapping[str, str] = os.environ) -> str | None:
    """The proxy to use: `proxy-url` of the cluster, else HTTPS_PROXY unless NO_PROXY names the host.

    Raises: UsageError: a proxy that is neither http nor https.
    """
    named = access.cluster.text("proxy-url")
    url = urlsplit(access.server)
    if not named and not _bypassed(url.hostname or "", url.port, environ):
        name = f"{url.scheme}_proxy"
        named = environ.get(name) or environ.get(name.upper()) or ""
    if not named:
        return None
    named = named if "://" in named else f"http://{named}"
    scheme = urlsplit(named).scheme
    if scheme not in ("http", "https"):
        raise UsageError(
            "the proxy to the cluster", f"{scheme}: cannot be used", "name an http or https proxy"
        )
    return named


@contextlib.contextmanager
def explained(access: Access, doing: str, proxy: str | None, timeout_s: float | None) -> Iterator[None]:
    """Turn what the HTTP client raises into one of our errors. An HTTP error status is none of its business."""
    try:
        yield
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
        raise _explain(access, doing, proxy, timeout_s, error) from error


def _explain(
    access: Access, doing: str, proxy: str | None, timeout_s: float | None, error: BaseException
) -> KaptureError:
    server = f"reaching {access.server} (context {access.context})"
    match error:
        case aiohttp.ClientHttpProxyError():
            return _proxy_error(access, proxy, f"it answered {error.status} {printable(error.message)}")
        case aiohttp.ClientProxyConnectionError():
            return _proxy_error(access, proxy, _system(error))
        case aiohttp.ClientConnectorCertificateError():
            return _certificate_error(server, access, error.certificate_error)
        case aiohttp.ClientSSLError():
            return _tls_error(server, access, error)
        case aiohttp.ClientConnectorDNSError():
            host = urlsplit(access.server).hostname
            return Unreachable(server, f"the name {host} cannot be resolved", _CHECK)
        case aiohttp.ConnectionTimeoutError():
            return Unreachable(server, f"no connection within {CONNECT_S:.0f} s", _CHECK)
        case TimeoutError():
            within = f" within {timeout_s:.0f} s" if timeout_s else ""
            return Unreachable(
                f"{doing} at {access.server}", f"no answer{within}", "try again; the server is slow"
            )
        case aiohttp.ClientConnectorError():
            return Unreachable(server, _system(error), _CHECK)
        case aiohttp.ClientResponseError():
            return not_kubernetes(access.server, printable(error.message, 120))
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientPayloadError():
            return Unreachable(f"{doing} at {access.server}", "the server closed the connection", "try again")
    return Unreachable(f"{doing} at {access.server}", _system(error), "try again")


def _proxy_error(access: Access, proxy: str | None, cause: str) -> Unreachable:
    where = urlsplit(proxy or "").hostname or "?"
    doing = f"reaching {access.server} through the proxy {where}"
    return Unreachable(doing, cause, "check HTTPS_PROXY, NO_PROXY and proxy-url of the kubeconfig")


def _certificate_error(server: str, access: Access, error: Exception) -> Unreachable:
    code = getattr(error, "verify_code", 0)
    said = printable(getattr(error, "verify_message", "") or str(error))
    if code in (9, 10):  # X509_V_ERR_CERT_NOT_YET_VALID, X509_V_ERR_CERT_HAS_EXPIRED
        remedy = "check this machine's clock; else the cluster's certificate must be renewed"
    elif code in (62, 64):  # X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH
        host = access.cluster.text("tls-server-name") or urlsplit(access.server).hostname
        said = f"it is for another host than {host}"
        remedy = "use an address the certificate names, or set tls-server-name in the kubeconfig"
    else:
        remedy = "the kubeconfig's certificate-authority is not this cluster's: fetch the kubeconfig again"
    return Unreachable(server, f"its certificate is not accepted: {said}", remedy)


def _tls_error(server: str, access: Access, error: aiohttp.ClientSSLError) -> KaptureError:
    reason = getattr(error.os_error, "reason", "") or ""
    if "CERTIFICATE" in reason and "ALERT" in reason:
        cause = f"the server does not accept our certificate: {printable(reason).replace('_', ' ').lower()}"
        return NotAllowed(server, cause, _FETCH)
    if reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST"):
        return not_kubernetes(access.server, "it does not speak TLS")
    cause = reason.replace("_", " ").lower() or _system(error)
    return Unreachable(server, f"TLS failed: {printable(cause)}", _CHECK)


def _system(error: BaseException) -> str:
    """What the system says: "connection refused"."""
    below = getattr(error, "os_error", error)
    number = getattr(below, "errno", None)
    if isinstance(number, int) and number > 0:
        return os.strerror(number).lower()
    return printable(str(below)) or type(below).__name__


def _show(context: ssl.SSLContext, user: str, certificate: bytes, key: bytes) -> None:
    """Load a client certificate; the ssl module takes files only, so they exist for a moment, for us alone."""
    with tempfile.TemporaryDirectory(prefix="kapture-") as folder:
        paths = [Path(folder, name) for name in ("tls.crt", "tls.key")]
        for path, content in zip(paths, (certificate, key), strict=True):
            path.write_bytes(content)
        try:
            # Without a password given here, an encrypted key would ask for it on the terminal.
            context.load_cert_chain(paths[0], paths[1], password="")
        except (ssl.SSLError, ValueError) as error:
            cause = "the client certificate and its key cannot be used together, or the key is encrypted"
            raise UsageError(f"user {user!r} of the kubeconfig", cause, _FETCH) from error


def _socket(address: tuple[Any, ...]) -> socket.socket:
    family, kind, protocol = address[:3]
    made = socket.socket(family, kind, protocol)
    made.setblocking(False)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (*KEEPALIVE, ("TCP_USER_TIMEOUT", UNACKNOWLEDGED_MS)):
        if hasattr(socket, name):
            made.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    return made


def _bypassed(host: str, port: int | None, environ: Mapping[str, str]) -> bool:
    """Whether NO_PROXY excepts the host: names with their subdomains, addresses, networks, "*", each with a port."""
    address = _address(host)
    if host == "localhost" or (address and address.is_loopback):
        return True
    listed = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    return any(_excepts(entry.strip().lower(), host.lower(), address, port) for entry in listed.split(","))


def _excepts(
    entry: str, host: str, address: ipaddress.IPv4Address | ipaddress.IPv6Address | None, port: int | None
) -> bool:
    if entry == "*":
        return True
    name, mark, number = entry.rpartition(":")
    if mark and number.isdigit() and ":" not in name:
        if int(number) != (port or 443):
            return False
        entry = name
    if address:
        with contextlib.suppress(ValueError):
            return address in ipaddress.ip_network(entry.strip("[]"), strict=False)
        return False
    bare = entry.removeprefix("*").removeprefix(".")
    return bool(bare) and (host == bare or host.endswith(f".{bare}"))


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
