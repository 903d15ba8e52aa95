"""Tokens of an OpenID Connect provider: the one in the kubeconfig while it lasts, then refreshed ones."""

from __future__ import annotations

import base64
import binascii
import json
import ssl
from collections.abc import Mapping
from typing import Any

from kapture_tui.model.errors import NotAllowed, UsageError
from kapture_tui.targets.kubernetes.errors import printable
from kapture_tui.targets.kubernetes.kubeconfig import Entry

TIMEOUT_S = 30.0
_LOG_IN = "log in again with your identity provider, then try again"


async def token(user: Entry, now_s: float) -> tuple[str, float | None]:
    """An id-token and when it ends (seconds since the epoch; None: it does not say).

    A refreshed token is kept in memory only: the kubeconfig is not ours to write.

    Raises: UsageError: another provider than oidc; NotAllowed: the token ended and cannot be refreshed.
    """
    provider = user.values["auth-provider"]
    name = provider.get("name") if isinstance(provider, dict) else None
    if name != "oidc":
        cause = f"auth-provider {printable(str(name))!r} was removed from Kubernetes in 1.26"
        raise UsageError(
            f"user {user.name!r} of the kubeconfig", cause, "use your provider's credential plugin"
        )
    config = {str(key): str(value) for key, value in (provider.get("config") or {}).items()}
    held = config.get("id-token", "")
    ends_s = expires_s(held)
    if held and (ends_s is None or ends_s > now_s + 10):
        return held, ends_s
    fresh = await _refresh(user, config)
    return fresh, expires_s(fresh)


def expires_s(token: str) -> float | None:
    """When a JSON web token ends by its own word, seconds since the epoch; None if it does not say."""
    try:
        part = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        return float(claims["exp"])
    except (IndexError, KeyError, TypeError, ValueError):
        return None


async def _refresh(user: Entry, config: Mapping[str, str]) -> str:
    doing = f"refreshing the token of user {user.name!r}"
    if not (config.get("refresh-token") and config.get("idp-issuer-url")):
        raise NotAllowed(doing, "the id-token has ended and there is no refresh-token", _LOG_IN)
    import aiohttp

    form = {"grant_type": "refresh_token", "refresh_token": config["refresh-token"]}
    pair = f"{config.get('client-id', '')}:{config.get('client-secret', '')}".encode()
    client = {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
    limits = aiohttp.ClientTimeout(total=TIMEOUT_S)
    connector = aiohttp.TCPConnector(ssl=_trust(user, config))
    try:
        async with aiohttp.ClientSession(connector=connector, timeout=limits, trust_env=True) as session:
            where = f"{config['idp-issuer-url'].rstrip('/')}/.well-known/openid-configuration"
            found = await _json(session.get(where))
            answer = await _json(session.post(str(found["token_endpoint"]), data=form, headers=client))
            return str(answer["id_token"])
    except (aiohttp.ClientError, TimeoutError, KeyError, ValueError) as error:
        cause = str(getattr(error, "status", "")) or type(error).__name__
        raise NotAllowed(doing, f"the provider answered: {cause}", _LOG_IN) from None


async def _json(request: Any) -> Mapping[str, Any]:
    async with request as response:
        response.raise_for_status()
        answer = await response.json(content_type=None)
        return answer if isinstance(answer, dict) else {}


def _trust(user: Entry, config: Mapping[str, str]) -> ssl.SSLContext:
    """The system's authorities, or the provider's own if the kubeconfig names one; never none at all."""
    data = config.get("idp-certificate-authority-data")
    path = config.get("idp-certificate-authority")
    try:
        if data:
            return ssl.create_default_context(cadata=base64.b64decode(data).decode())
        return ssl.create_default_context(cafile=user.folder / path if path else None)
    except (OSError, ValueError, binascii.Error) as error:
        raise UsageError(
            f"user {user.name!r} of the kubeconfig",
            "its idp-certificate-authority is no certificate",
            _LOG_IN,
        ) from error
