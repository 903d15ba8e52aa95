"""A loader's transactions from somebody else's code: KAPTURE_GENERATOR=module:function.

The function is called once with the loader's `Settings` and yields (state, customer id, line) for ever: a two-letter
state, a number that is the customer's own, and a transaction as one line of JSON. Key, partition and ledger are the
loader's business as with the pet store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from itertools import islice
from typing import Protocol
from zlib import crc32

from kapture_tui.model.errors import KaptureError, UsageError
from kapture_tui.model.states import STATES
from kapture_tui.workload.settings import Settings
from kapture_tui.workload.transaction import parse

Generator = Callable[[Settings], Iterator[tuple[str, int, bytes]]]

_NUMBERS = {state: number for number, state in enumerate(STATES)}


class Stream(Protocol):
    """What a loader sends.

    Attributes, each by slot, the number of a customer from 0; there may be more after each batch:
        keys: the customer's id in ASCII.
        key_crcs: CRC-32 of the key, for the choice of a partition.
        states: index into STATES of the customer's state.
    """

    keys: list[bytes]
    key_crcs: list[int]
    states: list[int]

    def next_batch(self, size: int) -> list[tuple[int, bytes]]:
        """The next `size` messages as (slot, JSON)."""
        ...


def load(name: str) -> Generator:
    """The function that "module:function" names. Raises UsageError if it cannot be imported."""
    module, _, function = name.partition(":")
    try:
        found = getattr(import_module(module), function)
    except (ImportError, AttributeError, ValueError) as exc:
        raise UsageError(
            f"loading KAPTURE_GENERATOR={name}", str(exc), "name it module:function, on PYTHONPATH"
        ) from exc
    if not callable(found):
        raise UsageError(f"loading KAPTURE_GENERATOR={name}", "it is no function")
    return found  # type: ignore[no-any-return]


class GeneratorStream:
    """Messages of a generator: see `Stream`. Keeps a little for each customer it has seen.

    Args:
        name: of the generator, for errors.
        transactions: what it yields.
    """

    def __init__(self, name: str, transactions: Iterator[tuple[str, int, bytes]]) -> None:
        self.keys: list[bytes] = []
        self.key_crcs: list[int] = []
        self.states: list[int] = []
        self._doing = f"generating transactions with {name}"
        self._transactions = transactions
        self._slots: dict[tuple[str, int], int] = {}

    def next_batch(self, size: int) -> list[tuple[int, bytes]]:
        """See `Stream`. Raises KaptureError when the generator fails, ends or yields what nobody can read."""
        try:
            batch = [
                (self._slot(s, customer), line.rstrip())
                for s, customer, line in islice(self._transactions, size)
            ]
            # One in a batch: to look at each would cost more than to make it.
            if batch:
                parse(batch[0][1], 0)
        except Exception as exc:
            raise KaptureError(self._doing, f"{type(exc).__name__}: {exc}") from exc
        if len(batch) < size:
            raise KaptureError(self._doing, "it ended", "a generator yields for ever")
        return batch

    def _slot(self, state: str, customer: int) -> int:
        slot = self._slots.get((state, customer))
        return self._new_slot(state, customer) if slot is None else slot

    def _new_slot(self, state: str, customer: int) -> int:
        if state not in _NUMBERS:
            raise ValueError(f"there is no state {state!r}")
        slot = self._slots[state, customer] = len(self.keys)
        key = b"%d" % customer
        self.keys.append(key)
        self.key_crcs.append(crc32(key))
        self.states.append(_NUMBERS[state])
        return slot
