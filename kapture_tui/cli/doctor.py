"""`doctor`: what this machine and a cluster allow, each line with its remedy."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import Iterator
from importlib import metadata
from typing import TextIO

from kapture_tui.cli.output import COLUMNS, wrapped
from kapture_tui.cli.settings import Doctor
from kapture_tui.cli.where import current_context, kubeconfigs
from kapture_tui.model.errors import KaptureError, UsageError
from kapture_tui.model.spec import CHOICES, Component, StackSpec, refuse_reserved
from kapture_tui.targets.base import Finding

_PACKAGES = ("textual", "redis", "orjson", "psutil", "platformdirs", "pyyaml", "prometheus-client", "crc32c")
_REINSTALL = "install kapture-tui again: its requirements are not met"
_LEAST_LINES = 24
_TOLD_ELSEWHERE = ("python", "state")


def run(command: Doctor) -> int:
    """Print every finding. Returns 1 when a stack with Redis cannot start here, or on a cluster that was named."""
    machine = [*_software(), *asyncio.run(_stack()), *_terminal(sys.stdout), *_stacks()]
    cluster = asyncio.run(_cluster(command))
    for finding in (*machine, *cluster):
        for line in lines(finding):
            print(line)
    needed = (*machine, *cluster) if command.target == "kubernetes" else machine
    return 1 if any(finding.fatal and not finding.ok for finding in needed) else 0


def lines(finding: Finding) -> Iterator[str]:
    """A finding for a person: what was found, and under it what would make it better."""
    mark = "ok" if finding.ok else "NO" if finding.fatal else "--"
    yield from wrapped(f"{mark}  {finding.subject:<14}  ", finding.text)
    if finding.remedy:
        yield from wrapped(f"{'':20}→ ", finding.remedy)


def _software() -> Iterator[Finding]:
    yield Finding("python", True, f"{sys.version.split()[0]} in {sys.prefix}")
    known = {name: _version(name) for name in _PACKAGES}
    missing = [name for name, version in known.items() if version is None]
    if missing:
        yield Finding("packages", False, f"missing: {', '.join(missing)}", _REINSTALL, fatal=True)
    yield Finding("packages", True, ", ".join(f"{n} {v}" for n, v in known.items() if v is not None))
    yield _kafka_client()


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _kafka_client() -> Finding:
    if fast := _version("confluent-kafka"):
        return Finding("kafka client", True, f"confluent-kafka {fast}")
    if slow := _version("kafka-python"):
        remedy = "install confluent-kafka, where there is a wheel for this machine: about eight times faster"
        return Finding("kafka client", False, f"kafka-python {slow}: works, slowly", remedy)
    return Finding("kafka client", False, "neither confluent-kafka nor kafka-python", _REINSTALL, fatal=True)


async def _stack() -> list[Finding]:
    """What the local target finds, asked for a stack with everything it can run."""
    from kapture_tui.targets import open_target

    spec = StackSpec(
        "doctor", components=frozenset({Component.REDIS}), kafka_home=os.environ.get("KAFKA_HOME") or None
    )
    try:
        found = await open_target("local", spec.namespace).preflight(spec)
    except KaptureError as exc:
        return [Finding("this machine", False, str(exc), exc.remedy, fatal=True)]
    if spec.kafka_home is None:
        found.append(Finding("KAFKA_HOME", True, "not set: stacks use the embedded broker"))
    return [finding for finding in found if finding.subject not in _TOLD_ELSEWHERE]


def _terminal(stream: TextIO) -> Iterator[Finding]:
    if not stream.isatty() or os.environ.get("TERM") == "dumb":
        yield Finding(
            "terminal", False, "none that can show the console", "use up, status and down, or a terminal"
        )
        return
    size = shutil.get_terminal_size()
    big = size.columns >= COLUMNS and size.lines >= _LEAST_LINES
    smaller = "" if big else f"make it {COLUMNS}x{_LEAST_LINES} or more to see all panels"
    yield Finding("terminal", big, f"{size.columns}x{size.lines}, {_colours()}", smaller)
    unicode = stream.encoding.lower().replace("-", "") == "utf8"
    yield Finding(
        "characters",
        unicode,
        stream.encoding,
        "" if unicode else "set LANG to a UTF-8 locale, for example C.UTF-8",
    )


def _colours() -> str:
    if os.environ.get("NO_COLOR"):
        return "no colours (NO_COLOR is set)"
    if os.environ.get("COLORTERM") in ("truecolor", "24bit"):
        return "16 million colours"
    return "256 colours" if "256" in os.environ.get("TERM", "") else "16 colours"


def _stacks() -> Iterator[Finding]:
    from kapture_tui.targets.local.state import Owner, StateDirectory, namespaces, root

    yield Finding("state", True, f"in {root()}")
    names = namespaces()
    yield Finding("stacks", True, f"running: {', '.join(names)}" if names else "none running")
    for path in sorted(root().iterdir()) if root().is_dir() else ():
        if StateDirectory(path).owner() is Owner.DEAD:
            yield Finding(
                "stacks", False, f"{path.name} was left behind", f"kapture-tui down {path.name} removes it"
            )


async def _cluster(command: Doctor) -> list[Finding]:
    """Who we are there, and what a stack with all this release has would lack."""
    if command.target == "local":
        return []
    context = command.connection.context or current_context(
        command.connection.kubeconfig or kubeconfigs(os.environ)
    )
    if context is None and command.target is None:
        text = "no kubeconfig with a current context: stacks run on this machine"
        return [Finding("kubernetes", False, text, "set KUBECONFIG or use --kubeconfig to run on a cluster")]
    from kapture_tui.targets import open_target
    from kapture_tui.targets.kubernetes.kubeconfig import contexts

    try:
        known = {info.name: info.namespace for info in contexts(command.connection)}
        spec = StackSpec(
            _namespace(known.get(context or "")),
            components=frozenset(CHOICES),
        )
        target = open_target("kubernetes", spec.namespace, command.connection)
        try:
            return await target.preflight(spec)
        finally:
            await target.close()
    except KaptureError as exc:
        return [Finding("kubernetes", False, _without_remedy(exc), exc.remedy, fatal=True)]


def _namespace(namespace: str | None) -> str:
    """The context's namespace, where a stack may go there."""
    try:
        refuse_reserved(namespace or "default")
    except UsageError:
        return "perf-test"
    return namespace or "default"


def _without_remedy(exc: KaptureError) -> str:
    return f"{exc.doing}: {exc.cause}" if exc.cause else exc.doing
