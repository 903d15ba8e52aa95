"""The independent recount, run where the brokers can be reached: in a pod of the namespace.

The pod is a sink's, as far as image, bundle and volumes go, with a script like in_pod_recount.py in place of our code.
"""

from __future__ import annotations

import asyncio
import copy
import json
from pathlib import Path
from typing import Any

from kapture_tui.targets.kubernetes.api import Api

SCRIPT = Path(__file__).parent / "in_pod_recount.py"
WAIT_S = 300.0


async def recount(
    api: Api, namespace: str, deployment: str = "etl-redis", script: Path = SCRIPT
) -> dict[str, Any]:
    """What the topics of the stack in this namespace hold, counted by a reader of its own.

    Args:
        deployment: the sink in whose pod it runs.
        script: prints one JSON object.
    """
    core = f"/api/v1/namespaces/{namespace}"
    sink = await api.request("GET", f"/apis/apps/v1/namespaces/{namespace}/deployments/{deployment}")
    spec = copy.deepcopy(sink["spec"]["template"]["spec"])
    container = spec["containers"][0]
    container["command"] = ["python3", "/script/recount.py"]
    container.pop("startupProbe", None)
    container["volumeMounts"].append({"name": "script", "mountPath": "/script"})
    spec["volumes"].append({"name": "script", "configMap": {"name": "recount"}})
    spec["restartPolicy"] = "Never"
    text = await asyncio.to_thread(script.read_text, encoding="utf-8")
    named = {"metadata": {"name": "recount"}}
    await api.request("POST", f"{core}/configmaps", body={**named, "data": {"recount.py": text}})
    await api.request("POST", f"{core}/pods", body={**named, "spec": spec})
    try:
        async with asyncio.timeout(WAIT_S):
            while True:
                pod = await api.request("GET", f"{core}/pods/recount")
                if pod["status"]["phase"] in ("Succeeded", "Failed"):
                    break
                await asyncio.sleep(1)
        log = (await api.raw("GET", f"{core}/pods/recount/log")).body.decode()
        assert pod["status"]["phase"] == "Succeeded", log
        counted: dict[str, Any] = json.loads(log.splitlines()[-1])
        return counted
    finally:
        await api.request("DELETE", f"{core}/pods/recount", body={"gracePeriodSeconds": 0})
        await api.request("DELETE", f"{core}/configmaps/recount")
