"""Read kubeconfigs as kubectl does: several files, the first that sets something wins, paths relative to their file.

Light on purpose (no HTTP client is imported): the command line asks for contexts before it knows whether it needs one.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kapture_tui.model.errors import UsageError
from kapture_tui.targets.base import Connection
from kapture_tui.targets.kubernetes.errors import printable

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where a pod finds its own credentials."""

_CREATE = "create one with your provider's tool, or name one with --kubeconfig"


@dataclass(frozen=True, slots=True)
class Entry:
    """A cluster, user or context of a kubeconfig.

    Attributes:
        values: what stands below `cluster`, `user` or `context`.
        folder: of the file it is in; relative paths start there.
    """

    name: str
    values: Mapping[str, Any]
    folder: Path

    def text(self, key: str) -> str:
        """The value as text; "" if it is not set."""
        value = self.values.get(key)
        return "" if value is None else str(value)

    def content(self, key: str) -> bytes | None:
        """What `KEY-data` holds (in base64), else the file `KEY` names; None if neither is set. Raises UsageError."""
        doing = f"{key} of {self.name!r} in the kubeconfig"
        if data := self.text(f"{key}-data"):
            try:
                return base64.b64decode(data, validate=True)
            except binascii.Error as error:
                raise UsageError(doing, f"{key}-data is not base64", "fetch the kubeconfig again") from error
        return self.file(key) if self.text(key) else None

    def file(self, key: str) -> bytes:
        """The content of the file that `key` names. Raises UsageError."""
        path = self.folder / Path(self.text(key)).expanduser()
        try:
            return path.read_bytes()
        except OSError as error:
            doing = f"{key} of {self.name!r} in the kubeconfig"
            raise UsageError(
                doing, f"{path}: {error.strerror}", "correct the path or fetch it again"
            ) from error


@dataclass(frozen=True, slots=True)
class ContextInfo:
    """A context of the kubeconfig, to choose from. `server` is "" if its cluster is not defined."""

    name: str
    cluster: str
    server: str
    user: str
    namespace: str
    current: bool


@dataclass(frozen=True, slots=True)
class Access:
    """One user on one cluster, as the kubeconfig describes them.

    Attributes:
        context: its name; "in-cluster" for a pod's own.
        server: base address of the API server, without a trailing slash.
        namespace: of the context; "default" if it names none.
    """

    context: str
    server: str
    namespace: str
    cluster: Entry
    user: Entry


@dataclass(slots=True)
class Kubeconfig:
    """What all files together say."""

    current: str = ""
    contexts: dict[str, Entry] = field(default_factory=dict)
    clusters: dict[str, Entry] = field(default_factory=dict)
    users: dict[str, Entry] = field(default_factory=dict)


def contexts(connection: Connection) -> list[ContextInfo]:
    """The contexts to choose from, by name; empty without a kubeconfig. Raises UsageError for a broken one."""
    files = _files(connection)
    config = _read(files)
    nowhere = Entry("", {}, Path())
    found = []
    for name, context in sorted(config.contexts.items()):
        cluster = config.clusters.get(context.text("cluster"), nowhere)
        namespace = context.text("namespace") or "default"
        server = _without_user(cluster.text("server"))
        current = name == config.current
        found.append(
            ContextInfo(name, context.text("cluster"), server, context.text("user"), namespace, current)
        )
    return found


def load(connection: Connection, environ: Mapping[str, str] = os.environ) -> Access:
    """The context that was asked for, or the current one; in a pod without a kubeconfig, its service account.

    Raises: UsageError: no kubeconfig, a broken one, no such context, or one that lacks its cluster or user.
    """
    files = _files(connection, environ)
    if not files:
        if connection.kubeconfig is None and connection.context is None and _in_cluster(environ):
            return _own_pod(environ)
        looked = os.pathsep.join(str(path) for path in _candidates(connection, environ))
        raise UsageError("reading the kubeconfig", f"there is none at {looked}", _CREATE)
    return _choose(_read(files), connection.context)


def _choose(config: Kubeconfig, wanted: str | None) -> Access:
    name = wanted or config.current
    known = ", ".join(printable(known) for known in sorted(config.contexts)) or "none"
    if not name:
        raise UsageError(
            "choosing a context",
            "the kubeconfig has no current-context",
            f"give --context; there are: {known}",
        )
    context = config.contexts.get(name)
    if context is None:
        raise UsageError(f"context {printable(name)!r}", "not in the kubeconfig", f"there are: {known}")
    cluster = _part(config.clusters, context, "cluster")
    user = _part(config.users, context, "user") if context.text("user") else Entry("", {}, context.folder)
    return Access(name, _server(cluster), context.text("namespace") or "default", cluster, user)


def _part(entries: Mapping[str, Entry], context: Entry, kind: str) -> Entry:
    name = context.text(kind)
    if name in entries:
        return entries[name]
    cause = f"its {kind} {name!r} is not defined" if name else f"it names no {kind}"
    known = ", ".join(sorted(entries)) or "none"
    raise UsageError(
        f"context {context.name!r} of the kubeconfig",
        printable(cause),
        f"correct it; {kind}s defined: {known}",
    )


def _server(cluster: Entry) -> str:
    server = cluster.text("server").rstrip("/")
    if "://" not in server and server:
        server = f"https://{server}"
    if server.startswith(("https://", "http://")):
        return server
    cause = f"server is {printable(server)!r}, not an http address" if server else "it has no server"
    raise UsageError(
        f"cluster {cluster.name!r} of the kubeconfig", cause, "correct it or fetch the kubeconfig again"
    )


def _without_user(server: str) -> str:
    scheme, mark, rest = server.rpartition("://")
    return f"{scheme}{mark}{rest.rpartition('@')[2]}"


def _candidates(connection: Connection, environ: Mapping[str, str]) -> list[Path]:
    named = connection.kubeconfig or environ.get("KUBECONFIG") or "~/.kube/config"
    return [Path(part).expanduser() for part in named.split(os.pathsep) if part]


def _files(connection: Connection, environ: Mapping[str, str] = os.environ) -> list[Path]:
    """Those that are there; of the ones named by --kubeconfig none may be missing."""
    candidates = _candidates(connection, environ)
    for path in candidates if connection.kubeconfig else ():
        if not path.exists():
            raise UsageError("reading the kubeconfig", f"{path}: no such file", "correct --kubeconfig")
    return [path for path in candidates if path.exists()]


def _read(files: list[Path]) -> Kubeconfig:
    config = Kubeconfig()
    for path in files:
        content = _parse(path)
        config.current = config.current or str(content.get("current-context") or "")
        for kind, entries in (
            ("cluster", config.clusters),
            ("user", config.users),
            ("context", config.contexts),
        ):
            for entry in _entries(path, content, kind):
                entries.setdefault(entry.name, entry)
    return config


def _parse(path: Path) -> Mapping[str, Any]:
    import yaml

    doing = f"reading the kubeconfig {path}"
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(doing, error.strerror or str(error), "check its owner and mode") from error
    except UnicodeDecodeError as error:
        raise UsageError(doing, "it is not text", _CREATE) from error
    except yaml.YAMLError as error:
        # Only the place: what stands there may be a password.
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark else ""
        raise UsageError(doing, f"no valid YAML{where}", "correct it or fetch it again") from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise UsageError(doing, "it holds no mapping of clusters, users and contexts", _CREATE)
    return content


def _entries(path: Path, content: Mapping[str, Any], kind: str) -> list[Entry]:
    found = []
    listed = content.get(f"{kind}s") or []
    for item in listed if isinstance(listed, list) else [None]:
        named = isinstance(item, dict) and item.get("name")
        values = (item.get(kind) or {}) if isinstance(item, dict) else None
        if not named or not isinstance(values, dict):
            cause = f"{kind}s is not a list of entries with a name and a {kind}"
            raise UsageError(f"reading the kubeconfig {path}", cause, "correct it or fetch it again")
        found.append(Entry(str(named), values, path.parent.absolute()))
    return found


def _in_cluster(environ: Mapping[str, str]) -> bool:
    return "KUBERNETES_SERVICE_HOST" in environ and (SERVICE_ACCOUNT / "token").exists()


def _own_pod(environ: Mapping[str, str]) -> Access:
    host, port = environ["KUBERNETES_SERVICE_HOST"], environ.get("KUBERNETES_SERVICE_PORT", "443")
    server = f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"
    cluster = Entry("in-cluster", {"server": server, "certificate-authority": "ca.crt"}, SERVICE_ACCOUNT)
    user = Entry("service account", {"tokenFile": "token"}, SERVICE_ACCOUNT)
    namespace = (SERVICE_ACCOUNT / "namespace").read_text(encoding="utf-8").strip()
    return Access("in-cluster", server, namespace or "default", cluster, user)
