"""librdkafka's mock cluster: a small Kafka that speaks the real protocol, inside the confluent-kafka wheel.

The Python client does not export it, so it is reached with ctypes. What it lacks (CreateTopics, disks, restarts) and
that it deletes a partition's oldest batches beyond 5 MiB is for its users to know.
"""

from __future__ import annotations

import ctypes
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

from kapture_tui.model.errors import KaptureError

_REMEDY = "install confluent-kafka 2.6 or newer, or point KAFKA_HOME or --kafka-bootstrap at a real Kafka"
_ERROR_BYTES = 512
_PRODUCER = 0
_TOPIC_EXISTS = 36

REBALANCE_DELAY_MS = 800
"""How long a new group waits for further members. The mock's own 3 s would be most of a start-up; a member that misses
it costs a rebalance, which is longer."""


def library() -> Path | None:
    """The extension module that librdkafka is linked to; None where confluent-kafka is not installed."""
    spec = find_spec("confluent_kafka")
    folders = spec.submodule_search_locations if spec else None
    return next((path for folder in folders or () for path in Path(folder).glob("cimpl.*")), None)


class MockCluster:
    """A one-broker cluster in this process, listening on a free port of 127.0.0.1 until `close`.

    Raises: KaptureError: librdkafka is not there, or has no mock cluster.
    """

    def __init__(self) -> None:
        self._lib = _load()
        self._client = self._new_client()
        self._cluster = self._lib.rd_kafka_mock_cluster_new(self._client, 1)
        if not self._cluster:
            raise KaptureError("starting the embedded broker", "librdkafka made no mock cluster", _REMEDY)
        self.bootstrap: str = self._lib.rd_kafka_mock_cluster_bootstraps(self._cluster).decode()
        with self._awake():
            self._lib.rd_kafka_mock_group_initial_rebalance_delay_ms(self._cluster, REBALANCE_DELAY_MS)

    def create(self, topics: Mapping[str, int]) -> None:
        """Create topics: name to number of partitions. One that exists is left as it is."""
        with self._awake():
            for name, partitions in topics.items():
                error = self._lib.rd_kafka_mock_topic_create(self._cluster, name.encode(), partitions, 1)
                if error not in (0, _TOPIC_EXISTS):
                    raise KaptureError(f"creating topic {name}", f"librdkafka error {error}")

    def close(self) -> None:
        """Stop listening and forget everything."""
        if self._cluster:
            self._lib.rd_kafka_mock_cluster_destroy(self._cluster)
            self._lib.rd_kafka_destroy(self._client)
            self._cluster = None

    def _new_client(self) -> int:
        error = ctypes.create_string_buffer(_ERROR_BYTES)
        conf = self._lib.rd_kafka_conf_new()
        # Never used; with an address it does not warn that it has none.
        self._lib.rd_kafka_conf_set(conf, b"bootstrap.servers", b"127.0.0.1:9", error, _ERROR_BYTES)
        self._lib.rd_kafka_conf_set(conf, b"log_level", b"2", error, _ERROR_BYTES)
        client: int | None = self._lib.rd_kafka_new(_PRODUCER, conf, error, _ERROR_BYTES)
        if not client:
            raise KaptureError("starting the embedded broker", error.value.decode(errors="replace"), _REMEDY)
        return client

    @contextmanager
    def _awake(self) -> Iterator[None]:
        """Keep the mock's thread awake meanwhile.

        It looks for calls like ours only when a socket wakes it or a second has passed: a hundred topics take ten
        seconds without this and 25 ms with it.
        """
        host, port = self.bootstrap.split(",")[0].rsplit(":", 1)
        done = threading.Event()

        def knock() -> None:
            while not done.is_set():
                with suppress(OSError), closing(socket.create_connection((host, int(port)), timeout=1)):
                    pass
                done.wait(0.001)

        knocking = threading.Thread(target=knock, daemon=True)
        knocking.start()
        try:
            yield
        finally:
            done.set()
            knocking.join()


def _load() -> ctypes.CDLL:
    path = library()
    if path is None:
        raise KaptureError("starting the embedded broker", "confluent-kafka is not installed", _REMEDY)
    try:
        # A symbol is looked up in what the library is linked to as well: there is no need to find librdkafka itself.
        return _declare(ctypes.CDLL(str(path)))
    except (OSError, AttributeError) as exc:
        raise KaptureError("starting the embedded broker", str(exc), _REMEDY) from exc


def _declare(lib: ctypes.CDLL) -> ctypes.CDLL:
    pointer, text, size = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t
    signatures: dict[str, tuple[type | None, list[type]]] = {
        "rd_kafka_conf_new": (pointer, []),
        "rd_kafka_conf_set": (ctypes.c_int, [pointer, text, text, text, size]),
        "rd_kafka_new": (pointer, [ctypes.c_int, pointer, text, size]),
        "rd_kafka_destroy": (None, [pointer]),
        "rd_kafka_mock_cluster_new": (pointer, [pointer, ctypes.c_int]),
        "rd_kafka_mock_cluster_destroy": (None, [pointer]),
        "rd_kafka_mock_cluster_bootstraps": (text, [pointer]),
        "rd_kafka_mock_topic_create": (ctypes.c_int, [pointer, text, ctypes.c_int, ctypes.c_int]),
        "rd_kafka_mock_group_initial_rebalance_delay_ms": (None, [pointer, ctypes.c_int32]),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(lib, name)
        function.restype = result
        function.argtypes = arguments
    return lib
