"""Steps folded from events."""

from __future__ import annotations

from kapture_tui.model.event import Event, EventKind
from kapture_tui.tui.steps import Progress
from tests.tui.fake import deploy_events, step


def folded(*events: Event) -> Progress:
    progress = Progress()
    for now_s, event in enumerate(events):
        progress = progress.after(event, float(now_s))
    return progress


def test_every_step_of_a_deploy_is_there_once_in_order_with_its_time() -> None:
    progress = folded(*deploy_events())
    assert [step.name for step in progress.steps] == [
        "supervisor", "broker", "redis", "consumers", "observer", "loaders",
    ]  # fmt: skip
    assert [step.seconds for step in progress.steps] == [0.21, 0.42, 0.06, 1.14, 0.38, 0.74]
    assert all(step.done and not step.failed for step in progress.steps)


def test_a_step_that_does_not_say_how_long_it_took_is_timed_here() -> None:
    progress = folded(step("broker", "starting", False), step("broker", "ready", True))
    assert progress.steps[0].seconds == 1.0


def test_what_was_running_when_it_failed_is_marked() -> None:
    progress = folded(step("broker", "ready", True, 0.4), step("redis", "starting", False)).failed(7.0)
    assert [(s.name, s.failed, s.seconds) for s in progress.steps] == [
        ("broker", False, 0.4),
        ("redis", True, 6.0),
    ]


def test_other_events_change_only_the_last_text() -> None:
    progress = folded(step("broker", "ready", True, 0.4), Event("", EventKind.ALARM, "", "left: process 7"))
    assert len(progress.steps) == 1
    assert progress.last == "left: process 7"
