"""A guided tour: the console on a real stack of this machine, driven by a script of three minutes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kapture_tui.model.errors import KaptureError
from kapture_tui.model.snapshot import Phase, Snapshot
from kapture_tui.model.spec import Component
from kapture_tui.tui.actions import faults
from kapture_tui.tui.app import ConsoleApp
from kapture_tui.tui.screens.dashboard import Dashboard
from kapture_tui.tui.screens.replay import Replay

VICTIM = "etl-0"

LOOK_S = 0.5
"""How often the guide looks at the clock, seconds; what is said is said again then, as it goes after a while."""


@dataclass(frozen=True, slots=True)
class Stop:
    """A stop of the tour.

    Attributes:
        at_s: seconds after transactions have begun to flow.
        says: what is said until the next stop; {lost} and {twice} are the ledger's figures at that moment.
        does: name of one of `DEEDS`; "" to look on.
    """

    at_s: float
    says: str
    does: str = ""


TOUR = (
    Stop(0, "Customers buy pet food in 51 states: a Kafka topic each. ETL and Redis follow."),
    Stop(14, "Lag tells how far behind a state is; enter on one shows all about it."),
    Stop(28, "More load: a second loader starts.", "scale_loaders"),
    Stop(45, "And a second ETL process: the partitions are shared anew.", "scale_etl"),
    Stop(62, "The line above says where the limit is, or how much room is left."),
    Stop(76, f"Now {VICTIM} is killed, without a warning.", "kill"),
    Stop(84, "It comes back by itself; its lag has grown, and now it catches up."),
    Stop(104, "The ledger knows every message: lost {lost}, written twice {twice}."),
    Stop(120, "r goes back in time: every panel shows the second it was killed.", "go_back"),
    Stop(134, "From there on, four times as fast.", "play_fast"),
    Stop(150, "esc is now again.", "return_to_now"),
    Stop(160, "q stops the stack, with everything in it. Nothing is left behind."),
    Stop(168, "q stops the stack, with everything in it. Nothing is left behind.", "leave"),
)


class TourApp(ConsoleApp):
    """The console with a guide. All keys work meanwhile; who stops the stack ends the tour.

    Attributes:
        tour: the stops.
        told: how many of them have been reached.
    """

    tour: Sequence[Stop] = TOUR

    def __init__(self, *given: Any, **options: Any) -> None:
        super().__init__(*given, **options)
        self.told = 0
        self._guide: asyncio.Task[None] | None = None

    def on_mount(self) -> None:
        """Begin; Textual calls the console's own handler after this one."""
        self._guide = asyncio.get_running_loop().create_task(self._lead())
        self._guide.add_done_callback(self._finished)

    async def _shutdown(self) -> None:
        """End the guide, too."""
        if self._guide is not None:
            self._guide.cancel()
        await super()._shutdown()

    async def _lead(self) -> None:
        while not self._flows():  # noqa: ASYNC110 - it is the stack that is waited for
            await asyncio.sleep(LOOK_S)
        began_s = self.clock()
        for number, stop in enumerate(self.tour):
            while self.clock() - began_s < stop.at_s:
                if not self._goes_on():
                    return
                self._say(self.tour[number - 1])
                await asyncio.sleep(LOOK_S)
            self.told = number + 1
            self._say(stop)
            try:
                await DEEDS[stop.does](self)
            except KaptureError as exc:
                self.tell(exc)

    def _flows(self) -> bool:
        return self.session.latest.run.phase is Phase.FLOWING and self._goes_on()

    def _goes_on(self) -> bool:
        """Whether the stack is still there to be shown."""
        return isinstance(self.bottom_stage(), Dashboard)

    def _say(self, stop: Stop) -> None:
        self.top_stage().say(said(stop, self.session.latest))


def said(stop: Stop, snapshot: Snapshot) -> str:
    """Return what is said at a stop."""
    found = faults(snapshot)
    return stop.says.format(lost=found.get("lost", 0), twice=found.get("duplicated", 0))


async def _look_on(app: TourApp) -> None:
    """Do nothing."""


async def _scale_loaders(app: TourApp) -> None:
    await app.session.add_loaders(1)


async def _scale_etl(app: TourApp) -> None:
    await app.session.scale(Component.ETL, app.session.replicas(Component.ETL) + 1)


async def _kill(app: TourApp) -> None:
    await app.session.target.kill(VICTIM)


async def _go_back(app: TourApp) -> None:
    """Open what has been recorded, at the second of the kill."""
    stage = app.top_stage()
    if isinstance(stage, Dashboard):
        await stage.action_past()
    if isinstance(replay := app.screen, Replay):
        killed = (mark for mark in replay.timeline.marks if mark.event.subject == VICTIM)
        if (mark := next(killed, None)) is not None:
            replay.stop_at(mark)


async def _play_fast(app: TourApp) -> None:
    if isinstance(replay := app.top_stage(), Replay):
        for key in (replay.action_speed, replay.action_speed):
            key(1)
        replay.action_pause()


async def _return_to_now(app: TourApp) -> None:
    if isinstance(replay := app.top_stage(), Replay):
        replay.action_close()


async def _leave(app: TourApp) -> None:
    app.action_leave()


DEEDS: Mapping[str, Callable[[TourApp], Awaitable[None]]] = {
    "": _look_on,
    "scale_loaders": _scale_loaders,
    "scale_etl": _scale_etl,
    "kill": _kill,
    "go_back": _go_back,
    "play_fast": _play_fast,
    "return_to_now": _return_to_now,
    "leave": _leave,
}
