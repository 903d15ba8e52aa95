"""Bringing objects into a namespace by server-side apply, and taking single ones out."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

from kapture_tui.model.errors import KaptureError
from kapture_tui.targets.kubernetes.api import Api, ApiError
from kapture_tui.targets.kubernetes.kinds import JOB, MANAGER, Kind, Manifest, kind_of, name_of
from kapture_tui.targets.kubernetes.together import together

APPLY = "application/apply-patch+yaml"
"""JSON is YAML: this is what the API server wants to hear for both."""

METADATA = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
"""Names and labels only: the ConfigMaps of a bundle are megabytes."""

AT_ONCE = 4
"""Requests under way together: enough to fill a far line, few enough for its priority queues."""

GONE_S = 60.0


async def apply(api: Api, namespace: str, manifest: Manifest, force: bool = False) -> Manifest:
    """Apply one object and return what the server made of it.

    Args:
        force: take fields over from other managers: only for what is ours alone.

    Raises:
        KaptureError: another manager owns one of the fields with another value, or it cannot be changed any more.
    """
    kind = await resolve(api, manifest)
    path = kind.path(namespace, name_of(manifest))
    query = {"fieldManager": MANAGER, "fieldValidation": "Strict", "force": str(force).lower()}
    try:
        return await _patch(api, path, query, manifest)
    except ApiError as exc:
        if exc.status == 422 and kind == JOB:
            await remove(api, kind, namespace, name_of(manifest))
            await until_gone(api, path)
            return await _patch(api, path, query, manifest)
        raise _refused(exc, manifest) from exc


async def _patch(api: Api, path: str, query: Mapping[str, str], manifest: Manifest) -> Manifest:
    answer: Manifest = await api.request("PATCH", path, query=query, body=manifest, content_type=APPLY)
    return answer


def _refused(exc: ApiError, manifest: Manifest) -> KaptureError:
    doing = f"applying {manifest['kind']} {name_of(manifest)}"
    if exc.status == 409:
        remedy = "take that change back, or tear the stack down first"
        return KaptureError(doing, f"somebody else has set one of its fields: {exc.message}", remedy)
    if exc.status == 422 and ("immutable" in exc.message or "Forbidden: updates to" in exc.message):
        return KaptureError(
            doing, f"this cannot be changed while it runs: {exc.message}", "tear the stack down first"
        )
    return KaptureError(doing, exc.message or str(exc))


async def apply_all(api: Api, namespace: str, manifests: Sequence[Manifest]) -> list[Manifest]:
    """Apply objects that do not depend on each other, some at a time; the results in their order."""
    return await together((apply(api, namespace, manifest) for manifest in manifests), AT_ONCE)


async def resolve(api: Api, manifest: Manifest) -> Kind:
    """The kind of a manifest, asked of the server where an overlay brings one we do not know.

    Raises: KaptureError: the server does not know it either, or it does not live in a namespace.
    """
    known = kind_of(manifest)
    if known is not None:
        return known
    version, name = str(manifest["apiVersion"]), str(manifest["kind"])
    found = await api.request("GET", f"/apis/{version}" if "/" in version else f"/api/{version}")
    for resource in found.get("resources") or ():
        if resource["kind"] == name and "/" not in resource["name"]:
            if not resource["namespaced"]:
                break
            return Kind(version, name, resource["name"])
    raise KaptureError(
        f"applying {name} {name_of(manifest)}",
        f"the cluster has no namespaced kind {name} in {version}",
        "take it out of the kustomization",
    )


async def remove(
    api: Api, kind: Kind, namespace: str, name: str, grace_s: int | None = None, orphan: bool = False
) -> None:
    """Delete one object; one that is gone already is no error.

    Args:
        grace_s: what a pod has to end, seconds; None: what its spec says.
        orphan: what it keeps (pods) stays; otherwise that follows.
    """
    body: dict[str, Any] = {"propagationPolicy": "Orphan" if orphan else "Background"}
    if grace_s is not None:
        body["gracePeriodSeconds"] = grace_s
    try:
        await api.request("DELETE", kind.path(namespace, name), body=body)
    except ApiError as exc:
        if exc.status != 404:
            raise


async def until_gone(api: Api, path: str, timeout_s: float = GONE_S) -> None:
    """Wait until an object is no more. Raises KaptureError when it stays."""
    try:
        async with asyncio.timeout(timeout_s):
            while await exists(api, path):  # noqa: ASYNC110 - the server tells by being asked
                await asyncio.sleep(0.2)
    except TimeoutError:
        raise KaptureError(
            f"waiting for {path} to go", f"it is still there after {timeout_s:.0f} s"
        ) from None


async def listed(api: Api, kind: Kind, namespace: str, selector: str = "") -> list[Manifest]:
    """The metadata of all objects of a kind in a namespace, those of a selector if there is one."""
    query = {"labelSelector": selector} if selector else None
    answer = await api.raw("GET", kind.collection(namespace), query=query, headers={"Accept": METADATA})
    items: list[Manifest] = json.loads(answer.body)["items"] or []
    return items


async def exists(api: Api, path: str) -> bool:
    """Whether there is something at that path."""
    try:
        await api.request("GET", path)
    except ApiError as exc:
        if exc.status == 404:
            return False
        raise
    return True


async def scale(api: Api, kind: Kind, namespace: str, name: str, replicas: int) -> None:
    """Set replicas through the scale subresource, so that no other client's scaling conflicts with ours.

    Applied rather than patched: the server notes who set replicas only from the first apply on, and from that note we
    know later who scaled, and that the number is not ours to set again.
    """
    wish = {
        "apiVersion": "autoscaling/v1",
        "kind": "Scale",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"replicas": replicas},
    }
    query = {"fieldManager": MANAGER, "force": "true"}
    path = f"{kind.path(namespace, name)}/scale"
    await api.request("PATCH", path, query=query, body=wish, content_type=APPLY)
