"""What all parts of the kafka-python client have in common: settings, patience, errors."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

from kafka import errors as client_errors  # type: ignore[import-untyped]

from kapture_tui.workload.kafka.base import ClientSettings, KafkaError

ANSWER_S = 10.0
"""How long a question to the brokers may take, seconds."""

CONNECT_S = 30.0
"""How long the first connection may take, seconds; for an admin connection it is `ANSWER_S`."""

RETRY_S = 0.1
"""A pause after an error that goes away by itself, seconds."""

EMBEDDED_VERSION = (2, 1)
"""What the embedded broker understands of newer versions is less than it says."""

PASSING = (client_errors.RetriableError, client_errors.InvalidRequestError)
"""What goes away by itself. InvalidRequest is what the embedded broker says to a member that came too late."""


def common(settings: ClientSettings) -> dict[str, Any]:
    # It tells at INFO what librdkafka tells at DEBUG, whole assignments among it.
    logging.getLogger("kafka").setLevel(logging.WARNING)
    return {
        "bootstrap_servers": settings.bootstrap.split(","),
        "client_id": settings.client_id,
        "api_version": EMBEDDED_VERSION if settings.embedded else None,
        "bootstrap_timeout_ms": int(CONNECT_S * 1000),
        "reconnect_backoff_max_ms": 1000,
    }


def compression(settings: ClientSettings) -> str | None:
    return "lz4" if settings.compression == "lz4" and find_spec("lz4") else None


@contextmanager
def our_errors(doing: str) -> Iterator[None]:
    try:
        yield
    except client_errors.KafkaError as exc:
        raise KafkaError(doing, str(exc)) from exc
