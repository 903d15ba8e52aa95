"""A run of `bench` as a screen shows it. It draws nothing, and the campaign in `bench/` does the work."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, cast

from kapture_tui.bench.campaign import Campaign, Progress, Site
from kapture_tui.bench.catalogue import own_folder
from kapture_tui.bench.judge import Objectives
from kapture_tui.bench.live import LiveSite
from kapture_tui.bench.order import Way, deployments, resumed_by, way_of
from kapture_tui.bench.result import DeploymentResult, Result, Status
from kapture_tui.bench.search import SearchState, Step, forecast
from kapture_tui.bench.store import write
from kapture_tui.bench.trial import Purpose, Trial
from kapture_tui.model.errors import KaptureError
from kapture_tui.model.event import Event
from kapture_tui.model.snapshot import Snapshot
from kapture_tui.model.spec import StackSpec
from kapture_tui.model.times import seconds_of
from kapture_tui.targets.base import Target

if TYPE_CHECKING:
    from kapture_tui.tui.options import Watch

INTERRUPTED = 130
"""Exit code of a run that was stopped, as of a command after Ctrl-C."""

_FORECAST = (Purpose.EXPLORE, Purpose.STAIR)
"""After these trials it depends on the outcome what comes next."""

Tell = Callable[[Event], None]


@dataclass(frozen=True, slots=True)
class Measured:
    """How a run stands.

    Attributes:
        result: all that is kept of it.
        path: where.
        deployments: how many there will be, if none fails.
        deployment: the one at work; None before the first.
        search: how its search stands; None before its first trial.
        after: what comes after the trial at work, if it holds and if it does not; None: that does not depend on it.
        doing: the last step of a deploy or a removal; "" while a trial is made.
        trial_s: how long the trial at work has been going on, seconds; None: there is none.
        left_s: about how long it still takes, all of it.
        over: nothing more will come.
        stopping: it was told to stop; what is deployed is being removed.
        failure: what ended it early.
        resumed_by: the command line that goes on with it.
    """

    result: Result
    path: Path
    deployments: int
    deployment: DeploymentResult | None = None
    search: SearchState | None = None
    after: tuple[Step, Step] | None = None
    doing: str = ""
    trial_s: float | None = None
    left_s: float = 0.0
    over: bool = False
    stopping: bool = False
    failure: KaptureError | None = None
    resumed_by: str = ""

    @property
    def trial(self) -> Trial | None:
        """The trial at work."""
        step = self.search.step if self.search is not None else None
        return step if isinstance(step, Trial) and not self.over and not self.doing else None


def on_target(
    target: Target,
    spec: StackSpec,
    result: Result,
    folder: Path | None,
    saw: Callable[[Snapshot], None],
    watch: Watch,
    clock: Callable[[], float],
    first: AsyncIterator[Event] | None = None,
    context: str = "",
    with_names: bool = False,
) -> Measuring:
    """A run on fresh deployments of a stack. Raises UsageError when the budget is too short.

    Args:
        folder: of results; None: the usual one.
        saw: is shown each Snapshot of a deployment.
        context: of the cluster, for the command line that goes on.
    """
    asked = result.asked
    way = way_of(asked)

    async def seen(target: Target) -> AsyncGenerator[Snapshot, None]:
        async with aclosing(cast("AsyncGenerator[Snapshot, None]", watch(target))) as snapshots:
            async for snapshot in snapshots:
                saw(snapshot)
                yield snapshot

    def site_of(tell: Tell) -> LiveSite:
        return LiveSite(target, spec, Objectives(asked.p99_ms), way.start, tell, with_names, watch=seen)

    path = (folder or own_folder()) / f"{result.id}.json"
    return Measuring(result, way, site_of, path, clock, first, resumed_by(spec, asked, context))


class Measuring:
    """Makes a run and says how it stands.

    Args:
        result: a new one, or one to go on with.
        way: how it is measured.
        site_of: makes the site of the deployments, which tells its steps.
        path: of the result file.
        clock: seconds that only rise.
        first: steps to be gone through before anything is deployed, such as the removal of what runs now.
        resumed_by: see `Measured`.
    """

    def __init__(
        self,
        result: Result,
        way: Way,
        site_of: Callable[[Tell], Site],
        path: Path,
        clock: Callable[[], float],
        first: AsyncIterator[Event] | None = None,
        resumed_by: str = "",
    ) -> None:
        self._way = way
        self._campaign = Campaign(result, way.method, site_of(self.tell), partial(write, path))
        self._path = path
        self._clock = clock
        self._first = first
        self._resumed_by = resumed_by
        self._progress: Progress | None = None
        self._after: tuple[Step, Step] | None = None
        self._doing = "about to begin"
        self._since_s = clock()
        self._task: asyncio.Task[None] | None = None
        self._over = self._stopping = False
        self._failure: KaptureError | None = None

    async def run(self) -> None:
        """Make the run; what goes wrong is kept in the view. It ends early when `stop` is called, or cancelled."""
        self._task = asyncio.current_task()
        try:
            if self._first is not None:
                async for event in self._first:
                    self.tell(event)
            async with aclosing(self._campaign.run()) as progress:
                async for one in progress:
                    self._took(one)
        except KaptureError as exc:
            self._failure = exc
        except asyncio.CancelledError:
            if not self._stopping:
                raise
        finally:
            self._over = True

    def stop(self) -> None:
        """End it: what is deployed is removed, what was found is kept."""
        if self._task is not None and not self._over and not self._stopping:
            self._stopping = True
            self._task.cancel()

    async def stopped(self) -> None:
        """End it and wait until what was deployed is removed."""
        self.stop()
        if self._task is not None:
            with suppress(asyncio.CancelledError):
                await asyncio.shield(self._task)

    def tell(self, event: Event) -> None:
        """Take note of a step of a deploy or a removal."""
        about = f"{event.subject}: " if event.subject and event.subject not in event.text else ""
        self._doing = f"{about}{event.text}"

    def _took(self, progress: Progress) -> None:
        self._progress = progress
        self._since_s = self._clock()
        self._doing, self._after = "", None
        step, search = progress.search.step, progress.search
        if isinstance(step, Trial) and step.purpose in _FORECAST:
            self._after = forecast(self._way.method, search.tried, step, progress.deployment.seed)

    def view(self) -> Measured:
        """How it stands now."""
        progress = self._progress
        trying = progress is not None and isinstance(progress.search.step, Trial) and not self._doing
        return Measured(
            result=self._campaign.result,
            path=self._path,
            deployments=deployments(self._campaign.result.asked),
            deployment=progress.deployment if progress else None,
            search=progress.search if progress else None,
            after=self._after,
            doing=self._doing,
            trial_s=self._clock() - self._since_s if trying and not self._over else None,
            left_s=0.0 if self._over else self._left_s(),
            over=self._over,
            stopping=self._stopping and not self._over,
            failure=self._failure,
            resumed_by=self._resumed_by,
        )

    @property
    def epitaph(self) -> str:
        """What is said of it when the console is left."""
        result = self._campaign.result
        if not self._path.exists():
            return str(self._failure or "nothing was measured")
        rated = result.score
        sure = f" ± {rated.half_width:.1%}" if rated is not None and rated.half_width is not None else ""
        found = f"carries {rated.v:,.0f}/s{sure}" if rated is not None else result.reason or "no score"
        lines = [str(self._failure)] if self._failure is not None else []
        lines += [f"{result.id}: {result.status.value}, {found}", f"kept in {self._path}"]
        if result.status is not Status.COMPLETE and self._resumed_by:
            lines.append(f"to go on: {self._resumed_by}")
        return "\n".join(lines)

    @property
    def exit_code(self) -> int:
        """0 when it came to its end, 130 when it was stopped, else that of the error, or 1."""
        if self._failure is not None:
            return self._failure.exit_code
        if self._stopping:
            return INTERRUPTED
        return 0 if self._campaign.result.status is Status.COMPLETE else 1

    def _left_s(self) -> float:
        """What this deployment still takes by its search, and the others by those that are over, or by the plan."""
        result, progress = self._campaign.result, self._progress
        done = [one for one in result.deployments if one.status is Status.COMPLETE]
        took = [seconds_of(one.ended) - seconds_of(one.started) for one in done if one.started and one.ended]
        each_s = fmean(took) if took else self._way.seconds
        begun = progress is not None and isinstance(progress.search.step, Trial)
        others = deployments(result.asked) - len(done) - begun
        this_s = 0.0
        if begun and progress is not None:
            this_s = max(0.0, progress.search.left_s - (self._clock() - self._since_s))
        return this_s + max(0, others) * each_s
