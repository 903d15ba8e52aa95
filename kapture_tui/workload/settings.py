"""What a workload process is told: its environment, read once and checked.

The same variables come from a child process' environment on one machine and from a ConfigMap on Kubernetes.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kapture_tui.model.errors import UsageError
from kapture_tui.model.spec import LoadSpec
from kapture_tui.workload.process import Readiness

PATIENCE_S = 600
"""Pulling the images of a whole stack may take minutes."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of one workload process.

    Attributes:
        name: of the pod or process; a loader's identity (KAPTURE_NAME).
        run_id: KAPTURE_RUN_ID.
        bootstrap: Kafka's "host:port,…" (KAPTURE_BOOTSTRAP).
        embedded: the broker is librdkafka's mock cluster, with its limits (KAPTURE_EMBEDDED=1).
        partitions: of each transactions topic (KAPTURE_PARTITIONS).
        replication: of each topic (KAPTURE_REPLICATION).
        groups: the consumer groups of the transactions (KAPTURE_GROUPS, comma separated).
        load: KAPTURE_STORES, _CUSTOMERS, _DAYS, _MODELS, _RATE ("" or absent: unbounded), _SEED, _COMPAT=1, _SHOPPERS.
        urls: by database of this stack, where it is (KAPTURE_REDIS_URL, KAPTURE_POSTGRES_URL, …).
        webapp: "http://host:port" of the shop, for the shoppers; "" if there is none (KAPTURE_WEBAPP_ADDRESS).
        port: where observer and webapp listen; 0: any free port (KAPTURE_PORT).
        host: the address they listen on (KAPTURE_HOST).
        ready_file: written with a JSON object once the process does its work; None: nobody asks (KAPTURE_READY_FILE).
        ready_port: opened once the process does its work; None: nobody looks (KAPTURE_READY_PORT).
        client: "auto", "confluent" or "kafka-python" (KAPTURE_KAFKA_CLIENT).
        compression: of the producer: "lz4" or "none" (KAPTURE_COMPRESSION).
        patience_s: how long to wait at the start for what is not there yet, whole seconds (KAPTURE_PATIENCE).
        contained: it is alone in its container, whose counters are its own (KAPTURE_CONTAINED=1).
        generator: "module:function" that makes the loader's transactions; None: the pet store (KAPTURE_GENERATOR).
    """

    name: str
    run_id: str
    bootstrap: str
    embedded: bool = False
    partitions: int = 1
    replication: int = 1
    groups: tuple[str, ...] = ("etl",)
    load: LoadSpec = LoadSpec()
    urls: Mapping[str, str] = field(default_factory=dict)
    webapp: str = ""
    port: int = 0
    host: str = "127.0.0.1"
    ready_file: Path | None = None
    ready_port: int | None = None
    client: str = "auto"
    compression: str = "lz4"
    patience_s: int = PATIENCE_S
    generator: str | None = None
    contained: bool = False

    @property
    def readiness(self) -> Readiness:
        """How this process tells that it does its work."""
        return Readiness(self.ready_file, self.ready_port)

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None) -> Settings:
        """Read the environment. Raises UsageError naming the variable that is missing, no number or out of range."""
        env = os.environ if env is None else env
        return cls(
            name=_required(env, "KAPTURE_NAME"),
            run_id=_required(env, "KAPTURE_RUN_ID"),
            bootstrap=_required(env, "KAPTURE_BOOTSTRAP"),
            embedded=env.get("KAPTURE_EMBEDDED") == "1",
            partitions=_whole(env, "KAPTURE_PARTITIONS", 1, least=1),
            replication=_whole(env, "KAPTURE_REPLICATION", 1, least=1),
            groups=tuple(filter(None, env.get("KAPTURE_GROUPS", "etl").split(","))),
            load=_load(env),
            urls=_urls(env),
            webapp=env.get("KAPTURE_WEBAPP_ADDRESS", ""),
            port=_whole(env, "KAPTURE_PORT", 0, least=0),
            host=env.get("KAPTURE_HOST", "127.0.0.1"),
            ready_file=Path(env["KAPTURE_READY_FILE"]) if env.get("KAPTURE_READY_FILE") else None,
            ready_port=_whole(env, "KAPTURE_READY_PORT", 0, least=0) or None,
            client=env.get("KAPTURE_KAFKA_CLIENT", "auto"),
            compression=env.get("KAPTURE_COMPRESSION", "lz4"),
            patience_s=_whole(env, "KAPTURE_PATIENCE", PATIENCE_S, least=0),
            generator=env.get("KAPTURE_GENERATOR") or None,
            contained=env.get("KAPTURE_CONTAINED") == "1",
        )

    def to_env(self) -> dict[str, str]:
        """The environment `from_env` reads these settings from."""
        load = self.load
        env = {
            "KAPTURE_NAME": self.name,
            "KAPTURE_RUN_ID": self.run_id,
            "KAPTURE_BOOTSTRAP": self.bootstrap,
            "KAPTURE_EMBEDDED": "1" if self.embedded else "0",
            "KAPTURE_PARTITIONS": str(self.partitions),
            "KAPTURE_REPLICATION": str(self.replication),
            "KAPTURE_GROUPS": ",".join(self.groups),
            "KAPTURE_STORES": str(load.stores),
            "KAPTURE_CUSTOMERS": str(load.customers),
            "KAPTURE_DAYS": str(load.days),
            "KAPTURE_MODELS": str(load.models),
            "KAPTURE_RATE": "" if load.rate is None else repr(load.rate),
            "KAPTURE_SEED": str(load.seed),
            "KAPTURE_COMPAT": "1" if load.compat else "0",
            "KAPTURE_SHOPPERS": str(load.shoppers),
            "KAPTURE_PORT": str(self.port),
            "KAPTURE_HOST": self.host,
            "KAPTURE_KAFKA_CLIENT": self.client,
            "KAPTURE_COMPRESSION": self.compression,
            "KAPTURE_PATIENCE": str(self.patience_s),
        }
        env |= {url_variable(name): url for name, url in self.urls.items()}
        if self.webapp:
            env["KAPTURE_WEBAPP_ADDRESS"] = self.webapp
        if self.contained:
            env["KAPTURE_CONTAINED"] = "1"
        if self.generator:
            env["KAPTURE_GENERATOR"] = self.generator
        if self.ready_port:
            env["KAPTURE_READY_PORT"] = str(self.ready_port)
        if self.ready_file:
            env["KAPTURE_READY_FILE"] = str(self.ready_file)
        return env


def url_variable(name: str) -> str:
    """The variable that says where a database is."""
    return f"KAPTURE_{name.upper().replace('-', '_')}_URL"


def _urls(env: Mapping[str, str]) -> dict[str, str]:
    found = ((_URL.fullmatch(variable), url) for variable, url in env.items())
    return {match[1].lower().replace("_", "-"): url for match, url in found if match and url}


_URL = re.compile("KAPTURE_([A-Z0-9_]+)_URL")


def _load(env: Mapping[str, str]) -> LoadSpec:
    default = LoadSpec()
    rate = env.get("KAPTURE_RATE", "")
    try:
        parsed = float(rate) if rate else None
    except ValueError:
        raise UsageError(f"reading KAPTURE_RATE={rate!r}", "not a number") from None
    load = LoadSpec(
        stores=_whole(env, "KAPTURE_STORES", default.stores),
        customers=_whole(env, "KAPTURE_CUSTOMERS", default.customers),
        days=_whole(env, "KAPTURE_DAYS", default.days),
        models=_whole(env, "KAPTURE_MODELS", default.models),
        rate=parsed,
        seed=_whole(env, "KAPTURE_SEED", default.seed),
        compat=env.get("KAPTURE_COMPAT") == "1",
        shoppers=_whole(env, "KAPTURE_SHOPPERS", default.shoppers),
    )
    load.check()
    return load


def _required(env: Mapping[str, str], name: str) -> str:
    if not env.get(name):
        raise UsageError("reading the environment", f"{name} is not set")
    return env[name]


def _whole(env: Mapping[str, str], name: str, default: int, least: int | None = None) -> int:
    text = env.get(name, "")
    try:
        number = int(text) if text else default
    except ValueError:
        raise UsageError(f"reading {name}={text!r}", "not a whole number") from None
    if least is not None and number < least:
        raise UsageError(f"reading {name}={text!r}", f"must be {least} or more")
    return number
