"""How a supervisor sees that a child does its work."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

ANSWER_S = 2.0


class Ready(Protocol):
    """A question asked every few hundredths of a second while a child starts."""

    def reset(self) -> None:
        """Forget what an earlier process of that name left behind."""
        ...

    async def check(self) -> bool:
        """Whether the child does its work by now."""
        ...


@dataclass(frozen=True, slots=True)
class AtOnce:
    """Ready as soon as it runs."""

    def reset(self) -> None:
        """Nothing to forget."""

    async def check(self) -> bool:
        """Yes."""
        return True


@dataclass(frozen=True, slots=True)
class ReadyFile:
    """Ready when the child has written its ready file: a JSON object."""

    path: Path

    def reset(self) -> None:
        """Remove the file."""
        self.path.unlink(missing_ok=True)

    async def check(self) -> bool:
        """Whether the file is there."""
        return self.path.exists()

    def facts(self) -> dict[str, Any]:
        """What the file says; {} while there is none."""
        with suppress(OSError, ValueError):
            value = json.loads(self.path.read_text())
            if isinstance(value, dict):
                return value
        return {}


@dataclass(frozen=True, slots=True)
class PortAnswers:
    """Ready when the port of 127.0.0.1 accepts connections, and says `expect` if sent `say`."""

    port: int
    say: bytes = b""
    expect: bytes = b""

    def reset(self) -> None:
        """Nothing to forget."""

    async def check(self) -> bool:
        """Whether it answers now."""
        try:
            async with asyncio.timeout(ANSWER_S):
                return await self._ask()
        except (OSError, TimeoutError):
            return False

    async def _ask(self) -> bool:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            if not self.say:
                return True
            writer.write(self.say)
            return (await reader.read(len(self.expect))) == self.expect
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


def redis_answers(port: int) -> PortAnswers:
    """Ready when a Redis has loaded its data and answers a PING."""
    return PortAnswers(port, b"PING\r\n", b"+PONG")
