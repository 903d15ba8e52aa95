"""What the terminal says is heard in a thread, and done as the app's own."""

from __future__ import annotations

import asyncio
import threading

from tests.tui.stage import dashboard


async def test_a_timer_that_the_terminals_answer_sets_goes_off() -> None:
    async with dashboard() as on:
        rang = asyncio.Event()
        link = on.app._link
        answer = threading.Thread(target=link.call, args=[lambda: on.app.set_timer(0.01, rang.set)])
        answer.start()
        answer.join()
        await asyncio.wait_for(rang.wait(), 30)
