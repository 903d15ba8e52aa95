"""Run the credential plugins a kubeconfig names, away from the terminal.

See https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from kapture_tui.model.errors import NotAllowed, UsageError
from kapture_tui.targets.kubernetes.errors import printable
from kapture_tui.targets.kubernetes.kubeconfig import Access, Entry

TIMEOUT_S = 30.0
VERSIONS = ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1")


async def run(access: Access, timeout_s: float = TIMEOUT_S) -> dict[str, Any]:
    """The `status` of the ExecCredential that the user's plugin prints: a token, or a certificate with its key.

    Raises:
        UsageError: the plugin is not installed, wants a terminal, or is not described properly.
        NotAllowed: it failed, took too long or printed something else.
    """
    wanted = _settings(access.user)
    command = _command(access.user, wanted)
    doing = f"running the credential plugin {printable(Path(command[0]).name)}"
    status, out, error = await _output(doing, command, _environment(access, wanted), timeout_s)
    if status:
        # Not `out`: a plugin may have printed a token before it failed.
        lines = [line for line in map(printable, error.decode("utf-8", "replace").splitlines()) if line]
        cause = f"exit status {status}" + (f": {lines[-1]}" if lines else "")
        raise NotAllowed(doing, cause, _hint(wanted, "log in with its tool, then try again"))
    return _credential(doing, str(wanted["apiVersion"]), out)


def expires_s(status: Mapping[str, Any]) -> float | None:
    """When a credential ends, seconds since the epoch; None if it does not say."""
    try:
        return datetime.fromisoformat(str(status["expirationTimestamp"])).timestamp()
    except (KeyError, ValueError):
        return None


def _settings(user: Entry) -> Mapping[str, Any]:
    wanted = user.values["exec"]
    doing = f"credential plugin of user {user.name!r}"
    if not isinstance(wanted, dict) or not wanted.get("command"):
        raise UsageError(doing, "the kubeconfig names no command", "fetch the kubeconfig again")
    if wanted.get("apiVersion") not in VERSIONS:
        cause = f"apiVersion {printable(str(wanted.get('apiVersion')))!r} is not known"
        raise UsageError(doing, cause, f"update the plugin to {VERSIONS[0]} and fetch the kubeconfig again")
    if wanted.get("interactiveMode") == "Always":
        cause = "it wants to talk on the terminal (interactiveMode: Always)"
        raise UsageError(doing, cause, "log in with its tool and use a context with a token instead")
    return wanted


def _command(user: Entry, wanted: Mapping[str, Any]) -> list[str]:
    name = str(wanted["command"])
    path = str(user.folder / name) if os.sep in name else name
    found = shutil.which(path)
    if found is None:
        doing = f"running the credential plugin {printable(name)}"
        raise UsageError(doing, "not found, or not executable", _hint(wanted, "install it"))
    return [found, *(str(argument) for argument in wanted.get("args") or ())]


def _environment(access: Access, wanted: Mapping[str, Any]) -> dict[str, str]:
    spec: dict[str, Any] = {"interactive": False}
    if wanted.get("provideClusterInfo"):
        names = (
            "server",
            "tls-server-name",
            "insecure-skip-tls-verify",
            "certificate-authority-data",
            "proxy-url",
        )
        spec["cluster"] = {
            name: access.cluster.values[name] for name in names if name in access.cluster.values
        }
        authority = access.cluster.content("certificate-authority")
        if authority and "certificate-authority-data" not in spec["cluster"]:
            import base64

            spec["cluster"]["certificate-authority-data"] = base64.b64encode(authority).decode()
    info = {"apiVersion": wanted["apiVersion"], "kind": "ExecCredential", "spec": spec}
    own = {str(item["name"]): str(item["value"]) for item in wanted.get("env") or ()}
    return {**os.environ, **own, "KUBERNETES_EXEC_INFO": json.dumps(info)}


async def _output(
    doing: str, command: list[str], environment: dict[str, str], timeout_s: float
) -> tuple[int, bytes, bytes]:
    pipe, nothing = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    try:
        # A session of its own has no terminal: not even /dev/tty can be opened.
        process = await asyncio.create_subprocess_exec(
            *command, env=environment, stdin=nothing, stdout=pipe, stderr=pipe, start_new_session=True
        )
    except OSError as error:
        raise UsageError(doing, error.strerror or str(error), "reinstall it") from error
    try:
        async with asyncio.timeout(timeout_s):
            out, error_text = await process.communicate()
    except TimeoutError as error:
        cause = f"no answer within {timeout_s:.0f} s"
        raise NotAllowed(doing, cause, "log in with its tool, then try again") from error
    finally:
        # What it left running holds our pipes, and is of no use to anyone.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1):
                await process.communicate()
    return process.returncode or 0, out, error_text


def _credential(doing: str, version: str, out: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(out)
    except ValueError:
        answer = None
    status = answer.get("status") if isinstance(answer, dict) else None
    if not isinstance(answer, dict) or not isinstance(status, dict):
        raise NotAllowed(doing, "it printed no ExecCredential", "update it")
    if answer.get("apiVersion") != version:
        cause = f"it answered as {printable(str(answer.get('apiVersion')))}, the kubeconfig says {version}"
        raise NotAllowed(doing, cause, "update the plugin and fetch the kubeconfig again")
    whole = status.get("clientCertificateData") and status.get("clientKeyData")
    if not status.get("token") and not whole:
        raise NotAllowed(
            doing, "it gave neither a token nor a certificate with its key", "log in with its tool"
        )
    return status


def _hint(wanted: Mapping[str, Any], otherwise: str) -> str:
    return printable(str(wanted.get("installHint") or "")) or otherwise
