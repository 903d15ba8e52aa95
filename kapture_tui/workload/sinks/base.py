"""What a database has to be able to do so that a consumer group can write to it: see docs/adding-a-database.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from kapture_tui.model.errors import KaptureError
from kapture_tui.model.ledger import GroupHalf
from kapture_tui.model.snapshot import StateSales
from kapture_tui.workload.kafka import TopicPartition
from kapture_tui.workload.transaction import Order


class SinkUnavailable(KaptureError):
    """The database does not take the batch now. The loop pauses its partitions and tries the same batch again."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Records of one partition to be stored at once.

    Attributes:
        start: the offset that must be stored so far; if another one is, somebody else owns the partition.
        half: the group's ledger half including this batch; `half.offset` is the offset to be stored.
        orders: the transactions, without those that were written twice or are none.
    """

    partition: TopicPartition
    start: int
    half: GroupHalf
    orders: Sequence[Order]

    @property
    def state(self) -> str:
        """The state whose transactions these are: "MA"."""
        return self.partition[0].rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class Statistics:
    """What a database says of itself, asked once a second.

    Attributes:
        figures: name to a number, a text or a mapping of numbers; None for what it does not tell. The names are public:
            they stand in the Snapshot under the database's name.
        popular: by state, the best-selling products, best first; empty if this database does not know.
        unavailable: for each figure that is None, the reason.
        sales: by state, what was bought, latest first; empty as `popular`.
    """

    figures: Mapping[str, Any]
    popular: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unavailable: Mapping[str, str] = field(default_factory=dict)
    sales: Mapping[str, StateSales] = field(default_factory=dict)


class Sink(Protocol):
    """Where a consumer group's records go. Made from the database's URL; nothing is connected to before it is used."""

    group: str
    """The consumer group; also names the component."""

    documents: bool
    """Whether it needs `Order.document`."""

    batch_records: int
    batch_s: float
    """A batch is written when it has so many records, or so many seconds after its first one arrived."""

    def prepare(self) -> None:
        """Create what the data is stored in, where it is missing. Several processes may do so at the same time.

        Raises: SinkUnavailable: the database is not there yet.
        """
        ...

    def restore(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, GroupHalf]:
        """Take these partitions over: what is stored for each; those with nothing stored are left out.

        Raises: SinkUnavailable.
        """
        ...

    def write(self, batches: Sequence[Batch]) -> Mapping[TopicPartition, int]:
        """Store batches, each all or nothing; calling it again with the same batches changes nothing.

        Returns: the offset stored for each partition now. One that is not the batch's own, or a partition left out,
            means that somebody else has stored since, and this batch was not.
        Raises: SinkUnavailable: it is not known whether all of them were stored.
        """
        ...

    def identity(self) -> str:
        """Names the memory: another name, another memory, as of a database that came back without its data.

        Raises: SinkUnavailable.
        """
        ...

    def close(self) -> None:
        """Let go of the connections."""
        ...


class Database(Sink, Protocol):
    """A sink that can also be asked how its database is; the observer has one of its own for that."""

    def statistics(self) -> Statistics:
        """One look, within about two seconds. Called once a second by one thread.

        Raises: Unreachable: it does not answer, or not as it should.
        """
        ...
