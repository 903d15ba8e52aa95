"""Free ports on loopback."""

from __future__ import annotations

import socket
from contextlib import ExitStack

from kapture_tui.model.errors import UsageError


def free_ports(count: int) -> list[int]:
    """That many different TCP ports of 127.0.0.1 that nobody listens on. Raises UsageError when there are none.

    Nothing keeps them free: take them soon.
    """
    with ExitStack() as held:
        try:
            sockets = [held.enter_context(socket.socket()) for _ in range(count)]
            for each in sockets:
                each.bind(("127.0.0.1", 0))
        except OSError as exc:
            raise UsageError(
                "looking for a free port on 127.0.0.1",
                exc.strerror or str(exc),
                "close what uses so many ports",
            ) from exc
        return [each.getsockname()[1] for each in sockets]
