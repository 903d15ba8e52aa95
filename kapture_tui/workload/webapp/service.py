"""The webapp as a process: the desk in its main thread, the HTTP server in another."""

from __future__ import annotations

import logging
import socket
import threading
import time

import uvicorn

from kapture_tui.model.errors import Unreachable, UsageError
from kapture_tui.model.spec import Component
from kapture_tui.workload.process import StopSignal
from kapture_tui.workload.settings import Settings
from kapture_tui.workload.topics import wait_for_topics
from kapture_tui.workload.webapp.app import Visits, application
from kapture_tui.workload.webapp.desk import STOPPING, Desk
from kapture_tui.workload.webapp.popular import Popular

log = logging.getLogger(__name__)

STUCK_S = 10.0
"""Without a round of the desk for so long the shop says that it is not well, seconds."""

LEAVE_S = 5
"""How long requests that are being answered may take once the shop closes, whole seconds."""

STARTED_S = 10.0


def listen(host: str, port: int) -> socket.socket:
    """A listening socket that several webapps of one machine may share, as pods share a Service.

    Raises: Unreachable: the address cannot be listened on.
    """
    try:
        return socket.create_server((host, port), reuse_port=port != 0, backlog=1024)
    except OSError as exc:
        raise Unreachable(f"listening on {host}:{port}", str(exc), "choose another port") from exc


class Server:
    """The HTTP server in its thread. Signals are the main thread's business."""

    def __init__(self, config: uvicorn.Config, listening: socket.socket) -> None:
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, args=([listening],), name="http", daemon=True
        )

    def start(self) -> None:
        """Return once it answers. Raises Unreachable if it does not come up."""
        self._thread.start()
        until_s = time.monotonic() + STARTED_S
        while not self._server.started:
            if time.monotonic() > until_s or not self._thread.is_alive():
                raise Unreachable("starting the HTTP server", "it did not come up", "see its log")
            time.sleep(0.01)

    def leave(self) -> None:
        """Take no more requests, and answer those there are. Does not wait."""
        self._server.should_exit = True

    @property
    def gone(self) -> bool:
        """Whether all were answered."""
        return not self._thread.is_alive()


def run(settings: Settings, stop: StopSignal) -> None:
    """Keep shop until told to stop.

    Raises:
        UsageError: the stack has no Redis.
        Unreachable: what it needs is not there in time, or its address cannot be listened on.
    """
    url = settings.urls.get(Component.REDIS.value)
    if url is None:
        raise UsageError("opening the shop", "KAPTURE_REDIS_URL is not set", "it shows what Redis knows")
    if not wait_for_topics(settings, stop):
        return
    visits, popular = Visits(), Popular(url, f"kapture-{settings.name}")
    desk = Desk(settings, lambda: visits.count)

    def trouble() -> str:
        if stop:
            return STOPPING
        return f"orders have not been looked at for {desk.stuck_s:.0f} s" if desk.stuck_s > STUCK_S else ""

    listening = listen(settings.host, settings.port)
    app = application(desk, popular.in_state, trouble, visits)
    server = Server(
        uvicorn.Config(
            app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=LEAVE_S
        ),
        listening,
    )
    desk.open(stop)
    server.start()
    port = listening.getsockname()[1]
    settings.readiness.say(port=port, incarnation=desk.incarnation)
    log.info("the shop is open at port %d", port)
    desk.run(lambda: bool(stop))
    server.leave()
    desk.run(lambda: server.gone)  # somebody may still be waiting for an order
    desk.close()
    popular.close()
