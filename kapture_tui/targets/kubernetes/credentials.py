"""Who we are: tokens, passwords, client certificates, and the plugins that hand them out for a while."""

from __future__ import annotations

import asyncio
import base64
import time
from dataclasses import dataclass, field
from typing import Any

from kapture_tui.model.errors import KaptureError, NotAllowed, UsageError
from kapture_tui.targets.kubernetes import oidc, plugin
from kapture_tui.targets.kubernetes.kubeconfig import Access, Entry

RENEW_BEFORE_S = 60.0
"""Credentials are renewed this long before they expire."""
TOKEN_FILE_S = 60.0
"""A token file is read again after this long: in a pod the kubelet replaces it."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What is shown to the server, for as long as it holds.

    Attributes:
        authorization: value of the header; "" for none.
        certificate, key: PEM of a client certificate, or None.
        expires_s: seconds since the epoch; None: never, as far as we know.
    """

    authorization: str = field(default="", repr=False)
    certificate: bytes | None = field(default=None, repr=False)
    key: bytes | None = field(default=None, repr=False)
    expires_s: float | None = None


class Credentials:
    """Keeps a valid Grant for one user of the kubeconfig."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._grant: Grant | None = None
        self._lock = asyncio.Lock()

    @property
    def renewable(self) -> bool:
        """Whether asking again may bring something else."""
        values = self._access.user.values
        return any(values.get(key) for key in ("exec", "auth-provider", "tokenFile"))

    async def grant(self, refused: Grant | None = None) -> Grant:
        """What to show now.

        Args:
            refused: the grant the server answered with 401, to have another one.

        Raises: NotAllowed: there is none to be had; UsageError: the kubeconfig is wrong.
        """
        async with self._lock:
            current = self._grant
            if current is None or current is refused or self._ends_soon(current):
                self._grant = await self._renewed(current, refused)
            return self._grant or Grant()

    async def _renewed(self, current: Grant | None, refused: Grant | None) -> Grant:
        try:
            return await _fetch(self._access)
        except KaptureError:
            # A plugin that fails a minute early is asked again; until then the old grant does.
            if current is None or current is refused or (current.expires_s or 0) <= time.time():
                raise
            return current

    def _ends_soon(self, grant: Grant) -> bool:
        return grant.expires_s is not None and time.time() > grant.expires_s - RENEW_BEFORE_S


def expired(access: Access) -> NotAllowed:
    """The error for a 401 that renewing did not mend."""
    renew = {
        "exec": "log in again with the tool that the kubeconfig runs",
        "auth-provider": "log in again with your identity provider",
        "tokenFile": "renew the token in its file",
        "token": "put a new token into the kubeconfig",
    }
    known = [text for key, text in renew.items() if access.user.values.get(key)]
    who = f"user {access.user.name!r}" if access.user.name else "no user"
    cause = f"401: expired credentials, or none that the server knows ({who} of context {access.context!r})"
    return NotAllowed(
        f"logging in to {access.server}", cause, known[0] if known else "fetch the kubeconfig again"
    )


async def _fetch(access: Access) -> Grant:
    user = access.user
    if user.values.get("exec"):
        return _from_plugin(user, await plugin.run(access))
    if user.values.get("auth-provider"):
        token, expires_s = await oidc.token(user, time.time())
        return Grant(f"Bearer {token}", *_certificate(user), expires_s)
    return Grant(_authorization(user), *_certificate(user), _read_again_s(user))


def _authorization(user: Entry) -> str:
    if user.text("tokenFile"):
        return f"Bearer {user.file('tokenFile').decode('ascii', 'replace').strip()}"
    if user.text("token"):
        return f"Bearer {user.text('token').strip()}"
    if user.text("username"):
        pair = f"{user.text('username')}:{user.text('password')}"
        return f"Basic {base64.b64encode(pair.encode()).decode()}"
    return ""


def _read_again_s(user: Entry) -> float | None:
    return time.time() + RENEW_BEFORE_S + TOKEN_FILE_S if user.text("tokenFile") else None


def _certificate(user: Entry) -> tuple[bytes | None, bytes | None]:
    certificate, key = user.content("client-certificate"), user.content("client-key")
    if (certificate is None) != (key is None):
        cause = "client-certificate and client-key go together, one is missing"
        raise UsageError(f"user {user.name!r} of the kubeconfig", cause, "fetch the kubeconfig again")
    return certificate, key


def _from_plugin(user: Entry, status: dict[str, Any]) -> Grant:
    token = status.get("token")
    certificate, key = status.get("clientCertificateData"), status.get("clientKeyData")
    return Grant(
        f"Bearer {token}" if token else "",
        certificate.encode() if certificate else None,
        key.encode() if key else None,
        plugin.expires_s(status),
    )
