"""Which target a line means, when it does not say so."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kapture_tui.model.errors import UsageError
from kapture_tui.targets.base import Connection

LOCAL, CLUSTER = "local", "kubernetes"


@dataclass(frozen=True, slots=True)
class Where:
    """Where a stack is.

    Attributes:
        target: "local" or "kubernetes".
        connection: how the cluster is reached; its defaults for this machine.
        note: what a person should know about the choice; "" if it was theirs.
    """

    target: str
    connection: Connection = Connection()
    note: str = ""


def chosen(
    target: str | None,
    kubeconfig: Path | None,
    context: str | None,
    env: Mapping[str, str],
    namespace: str | None = None,
) -> Where:
    """The place that a line means.

    Args:
        target: as it was given; None: a cluster if one is named or a kubeconfig has a current context.
        namespace: of a stack that should run already: without further words, one of that name on this machine wins.

    Raises: UsageError: a cluster's option together with --target local.
    """
    named = context is not None or kubeconfig is not None
    if target == LOCAL and named:
        flag = "--context" if context is not None else "--kubeconfig"
        raise UsageError(flag, "this machine is no cluster", "leave --target out, or say --target kubernetes")
    connection = Connection(str(kubeconfig) if kubeconfig else None, context)
    if target is not None or named:
        return Where(target or CLUSTER, connection)
    current = current_context(kubeconfigs(env))
    if current is None:
        return Where(LOCAL)
    if namespace is not None and _runs_here(namespace):
        note = f"{namespace} on this machine; --context {current} means the cluster's"
        return Where(LOCAL, note=note)
    return Where(CLUSTER, connection)


def kubeconfigs(env: Mapping[str, str]) -> str:
    """The kubeconfig files as kubectl looks for them, parted by colons; "" if nothing says where they could be."""
    home = env.get("HOME")
    return env.get("KUBECONFIG") or (f"{home}/.kube/config" if home else "")


def current_context(kubeconfig: str) -> str | None:
    """The current context of the first of the files (parted by colons) that has one; None if none does."""
    for name in filter(None, kubeconfig.split(os.pathsep)):
        try:
            text = Path(name).expanduser().read_text(encoding="utf-8")
        except (OSError, ValueError):
            continue
        if found := _current_context(text):
            return found
    return None


def _current_context(text: str) -> str | None:
    import yaml

    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError:
        return None
    found = document.get("current-context") if isinstance(document, dict) else None
    return str(found) if found else None


def _runs_here(namespace: str) -> bool:
    from kapture_tui.targets.local import namespaces

    return namespace in namespaces()
