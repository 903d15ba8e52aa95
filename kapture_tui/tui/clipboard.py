"""Copying: to the terminal's clipboard by OSC 52, and inside tmux and screen by the way they let through."""

from __future__ import annotations

import asyncio
import base64
import os
from collections.abc import Callable, Mapping

MOST_BYTES = 74_994
"""What terminals take at most: xterm's limit of 100,000 bytes, encoded."""

_TMUX_S = 2.0
_SCREEN_CHUNK = 76
"""screen passes on so many bytes at a time."""


async def copy(text: str, write: Callable[[str], None], environment: Mapping[str, str] | None = None) -> bool:
    """Put a text on the clipboard; return whether all of it fits.

    Inside tmux, tmux itself is asked: it keeps the text as a buffer of its own and hands it to the terminal, whatever
    its `set-clipboard` says of programs.

    Args:
        write: sends bytes to the terminal.
        environment: of the process, unless given.
    """
    environment = os.environ if environment is None else environment
    data = text.encode()[:MOST_BYTES].decode(errors="ignore").encode()
    if not environment.get("TMUX") or not await _tmux(data, environment):
        write(sequence(data, environment))
    return len(data) == len(text.encode())


def sequence(data: bytes, environment: Mapping[str, str]) -> str:
    """Return what makes the terminal copy `data`, wrapped for what stands between us and it."""
    plain = f"\x1b]52;c;{base64.b64encode(data).decode()}\x07"
    if environment.get("TMUX"):
        doubled = plain.replace("\x1b", "\x1b\x1b")
        return f"\x1bPtmux;{doubled}\x1b\\"
    if environment.get("STY"):
        chunks = (plain[at : at + _SCREEN_CHUNK] for at in range(0, len(plain), _SCREEN_CHUNK))
        return "".join(f"\x1bP{chunk}\x1b\\" for chunk in chunks)
    return plain


async def _tmux(data: bytes, environment: Mapping[str, str]) -> bool:
    """Whether tmux has taken it."""
    silent = asyncio.subprocess.DEVNULL
    try:
        process = await asyncio.create_subprocess_exec(
            *("tmux", "load-buffer", "-w", "-"),
            env=dict(environment),
            stdin=asyncio.subprocess.PIPE,
            stdout=silent,
            stderr=silent,
        )
    except OSError:
        return False
    try:
        async with asyncio.timeout(_TMUX_S):
            await process.communicate(data)
    except TimeoutError:
        process.kill()
        return False
    return process.returncode == 0
