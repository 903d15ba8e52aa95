"""Logs of pods: the last lines of one or of all of a component's, merged by time, then new ones as they come."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncIterator, Iterable

from kapture_tui.model.errors import KaptureError, UsageError
from kapture_tui.targets.kubernetes.api import Api, ApiError
from kapture_tui.targets.kubernetes.kinds import OURS, POD, Manifest, component_of, name_of, status_of
from kapture_tui.targets.kubernetes.pods import restart_count

LINE_BYTES = 64 * 1024
"""What is shown of one line."""

TAIL_BYTES = 4 * 1024 * 1024
"""What the server sends at most of the lines that are there already."""

WAITING = 1000
"""Lines that may wait for a slow reader; then the pods' streams wait too."""


async def pods_of(api: Api, namespace: str, subject: str) -> list[Manifest]:
    """The pods that a component's name or a pod's own name means. Raises UsageError when there are none."""
    found = await api.request("GET", POD.collection(namespace), query={"labelSelector": OURS})
    listed = found["items"] or ()
    pods = [pod for pod in listed if subject in (name_of(pod), component_of(pod))]
    if not pods:
        known = sorted({component_of(pod) for pod in listed})
        raise UsageError(
            f"logs of {subject}", "there are none", f"one of {', '.join(known)}" if known else ""
        )
    return pods


async def read_logs(api: Api, namespace: str, subject: str, lines: int, follow: bool) -> AsyncIterator[str]:
    """Log lines, oldest first; with several pods each begins with its pod's name."""
    pods = await pods_of(api, namespace, subject)
    names = [name_of(pod) for pod in pods]
    tails = await asyncio.gather(*(_tail(api, namespace, name, lines) for name in names))
    many = len(names) > 1
    merged = heapq.merge(*([(line, name) for line in tail] for name, tail in zip(names, tails, strict=True)))
    for stamped, name in merged:
        yield _shown(stamped, name if many else "")
    if follow:
        newest = {name: max(tail, default="") for name, tail in zip(names, tails, strict=True)}
        async for line in _follow(api, namespace, newest, many):
            yield line


async def last_words(api: Api, namespace: str, pod: Manifest, count: int = 3) -> str:
    """The last lines a crashed container wrote, as one line; "" if it left none."""
    for previous in ("true", "false"):
        for container in _containers(pod):
            query = {"container": container, "previous": previous, "tailLines": str(count)}
            try:
                answer = await api.raw("GET", f"{POD.path(namespace, name_of(pod))}/log", query=query)
            except KaptureError:
                continue
            said = [
                line.strip() for line in answer.body.decode(errors="replace").splitlines() if line.strip()
            ]
            if said:
                return " / ".join(said)[-400:]
    return ""


def _containers(pod: Manifest) -> Iterable[str]:
    """Names of its containers, those that failed first."""
    status = status_of(pod)
    states = [*(status.get("containerStatuses") or ()), *(status.get("initContainerStatuses") or ())]
    states.sort(key=restart_count, reverse=True)
    return (state["name"] for state in states if state.get("name"))


async def _tail(api: Api, namespace: str, pod: str, lines: int) -> list[str]:
    """A pod's last lines with their times; one line with the reason if there are none yet."""
    query = {"timestamps": "true", "tailLines": str(lines), "limitBytes": str(TAIL_BYTES)}
    try:
        answer = await api.raw("GET", f"{POD.path(namespace, pod)}/log", query=query)
    except ApiError as exc:
        return [f" {exc.message or exc}"]
    return answer.body.decode(errors="replace").splitlines()


async def _follow(api: Api, namespace: str, newest: dict[str, str], many: bool) -> AsyncIterator[str]:
    queue: asyncio.Queue[str | None] = asyncio.Queue(WAITING)

    async def pump(pod: str, last: str) -> None:
        try:
            async for line in _new_lines(api, namespace, pod, last):
                await queue.put(_shown(line, pod if many else ""))
        except KaptureError as exc:
            await queue.put(f"{pod}: {exc}")
        finally:
            await queue.put(None)

    pumps = [asyncio.create_task(pump(pod, last)) for pod, last in newest.items()]
    try:
        open_streams = len(pumps)
        while open_streams:
            line = await queue.get()
            if line is None:
                open_streams -= 1
            else:
                yield line
    finally:
        for task in pumps:
            task.cancel()


async def _new_lines(api: Api, namespace: str, pod: str, last: str) -> AsyncIterator[str]:
    """Lines after `last`, as they come. The server counts in whole seconds, so the first ones may be known."""
    since = last.partition(" ")[0]
    query = {"timestamps": "true", "follow": "true"} | ({"sinceTime": since} if since else {})
    async for line in api.lines(f"{POD.path(namespace, pod)}/log", query=query, idle_s=None):
        text = line.decode(errors="replace")
        if text > last:
            yield text


def _shown(stamped: str, pod: str) -> str:
    """A line without its time, which the workload's own lines have anyway."""
    text = stamped.partition(" ")[2][:LINE_BYTES]
    return f"{pod} | {text}" if pod else text
