"""A signal that comes in the wrong moment still stops the process."""

from __future__ import annotations

import signal

import pytest

from kapture_tui.workload.process import StopSignal


@pytest.mark.timeout(20)
def test_a_signal_that_interrupts_the_wait_itself() -> None:
    stop = StopSignal()
    # What `Event.wait` holds for a moment, and a handler in the same thread would wait for for ever.
    with stop._event._cond:
        stop._on_signal(signal.SIGTERM, None)
    assert stop.wait(10)
    assert stop
