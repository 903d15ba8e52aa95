"""The endless stream a loader sends: simulated exactly at first, then replayed with fresh ids and times."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from zlib import crc32

from kapture_tui.model.states import STATES
from kapture_tui.workload.petstore.petstore import WINDOW_DAYS, Petstore
from kapture_tui.workload.petstore.records import TIMED_MESSAGE, BasketSerializer, people_json, times_json
from kapture_tui.workload.petstore.spec import PetstoreSpec

WARM_UP_WINDOWS = 4
"""Of 15 days. After them visits come at the steady rate; before, cupboards are being filled for the first time."""

STRETCH_WINDOWS = 20
"""Of steady state, recorded for replays: about 20 visits a customer."""

STRETCH_VISITS = 300_000
"""Visits of the stretch after which no further window is recorded; they take some 40 MB."""


@dataclass(frozen=True, slots=True)
class Window:
    """Visits of all customers within `WINDOW_DAYS`, in order of time, column by column.

    Attributes:
        start: day of the simulation it begins at.
        slots: customers.
        times: days of the simulation.
        baskets: end of each message.
    """

    start: float
    slots: array[int]
    times: array[float]
    baskets: Sequence[bytes]


class LoaderStream:
    """Messages of a loader's customers, for ever.

    A round of the spec's number of days is what `generate` writes for it; the next round begins with empty
    cupboards again. What is exact and what is not:

    - The first 360 days of the first round (60 of warm-up, then a stretch of 300) are drawn from the model, window by
      window when they are asked for, and are byte for byte what `generate` writes. With more than 15,000 customers
      the stretch is shorter, so that it has some 300,000 visits, but has one window at least.
    - After that the stretch is repeated until the round ends, and further rounds repeat the first. Order, spacing,
      customers and baskets are those recorded. Ids go on counting for each customer, and so do times (round r
      covers the days from r * days), so no message occurs twice. Rates, shares and distributions are those of the
      stretch; only the spacing across the seam of two repetitions is not drawn from the model.

    Memory is bounded by the stretch, whatever the number of days.

    Attributes, each by slot, the number of a customer from 0:
        keys: the customer's id in ASCII.
        key_crcs: CRC-32 of the key, for the choice of a partition.
        states: index into STATES of the state the customer's store is in.
    """

    def __init__(self, spec: PetstoreSpec) -> None:
        petstore = Petstore(spec)
        customers = petstore.customers
        self.keys = [b"%d" % customer.id for customer in customers]
        self.key_crcs = [crc32(key) for key in self.keys]
        self.states = [STATES.index(customer.store.location.state) for customer in customers]
        self._people = [people_json(customer) for customer in customers]
        self._next_id = [count().__next__ for _ in customers]
        self._windows = _schedule(_Recording(petstore), spec.days)
        self._window = Window(0.0, array("i"), array("d"), ())
        self._shift = 0.0
        self._cursor = self._stop = 0

    def next_batch(self, size: int) -> list[tuple[int, bytes]]:
        """The next `size` messages as (slot, JSON), in order of time."""
        batch: list[tuple[int, bytes]] = []
        while (missing := size - len(batch)) > 0:
            if self._cursor == self._stop:
                self._window, self._stop, self._shift = next(self._windows)
                self._cursor = 0
            start, self._cursor = self._cursor, min(self._cursor + missing, self._stop)
            batch += self._messages(slice(start, self._cursor))
        return batch

    def _messages(self, part: slice) -> list[tuple[int, bytes]]:
        next_id, people, shift, window = self._next_id, self._people, self._shift, self._window
        times = times_json([shift + time for time in window.times[part]])
        return [
            (slot, TIMED_MESSAGE % (next_id[slot](), people[slot], time, basket))
            for slot, time, basket in zip(window.slots[part], times, window.baskets[part], strict=True)
        ]


class _Recording:
    """The windows of one simulation: drawn when they are first asked for, kept, and repeated for ever."""

    def __init__(self, petstore: Petstore) -> None:
        self._petstore: Petstore | None = petstore  # None once enough has been recorded
        self._serialize = BasketSerializer(petstore.spec.compat)
        self._windows: list[Window] = []

    def windows(self) -> Iterator[Window]:
        """From the first on; after the last recorded one the stretch is repeated."""
        for number in count():
            if number == len(self._windows) and self._petstore:
                self._record(self._petstore)
            elif number >= len(self._windows):
                stretch = len(self._windows) - WARM_UP_WINDOWS
                number = WARM_UP_WINDOWS + (number - WARM_UP_WINDOWS) % stretch
            yield self._windows[number]

    def _record(self, petstore: Petstore) -> None:
        start = len(self._windows) * WINDOW_DAYS
        visits = petstore.advance(start + WINDOW_DAYS)
        self._windows.append(
            Window(
                start,
                array("i", (visit.slot for visit in visits)),
                array("d", (visit.time for visit in visits)),
                [self._serialize(visit.basket) for visit in visits],
            )
        )
        stretch = self._windows[WARM_UP_WINDOWS:]
        if len(stretch) == STRETCH_WINDOWS or sum(len(window.times) for window in stretch) >= STRETCH_VISITS:
            self._petstore = None


def _schedule(recording: _Recording, days: float) -> Iterator[tuple[Window, int, float]]:
    """Windows to send: the window, how many of its visits, and the days to add to their times."""
    for number in count():
        for window, day in zip(recording.windows(), count(0.0, WINDOW_DAYS)):
            visits = bisect_left(window.times, window.start + days - day)
            if visits:
                yield window, visits, number * days + day - window.start
            if day + WINDOW_DAYS >= days:
                break
