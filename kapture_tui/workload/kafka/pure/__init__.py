"""The Kafka surface on kafka-python: slower, and at home wherever Python is.

Compression: lz4 where its module can be imported, else none. gzip would always work, but costs this client, which is
bound by its own CPU, more than the network it saves. What others compressed with lz4 is read with that module only.
"""

from __future__ import annotations

from kapture_tui.workload.kafka.pure.admin import AdminClient
from kapture_tui.workload.kafka.pure.group import GroupClient
from kapture_tui.workload.kafka.pure.producer import ProducerClient
from kapture_tui.workload.kafka.pure.reader import ReaderClient

__all__ = ["AdminClient", "GroupClient", "ProducerClient", "ReaderClient"]
