"""Copying, through whatever stands between us and the terminal."""

from __future__ import annotations

import asyncio
import base64
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapture_tui.tui.clipboard import MOST_BYTES, copy, sequence


@given(st.binary(max_size=500))
def test_a_terminal_is_sent_osc_52(data: bytes) -> None:
    found = re.fullmatch(r"\x1b\]52;c;([A-Za-z0-9+/=]*)\x07", sequence(data, {}))
    assert found
    assert base64.b64decode(found[1]) == data


@given(st.binary(max_size=500))
def test_screen_and_tmux_are_sent_the_same_in_an_envelope(data: bytes) -> None:
    plain = sequence(data, {})
    chunks = re.findall(r"\x1bP(.*?)\x1b\\", sequence(data, {"STY": "1.pts"}), re.S)
    assert "".join(chunks) == plain
    wrapped = re.fullmatch(r"\x1bPtmux;(.*)\x1b\\", sequence(data, {"TMUX": "x"}), re.S)
    assert wrapped
    assert wrapped[1].replace("\x1b\x1b", "\x1b") == plain


async def test_more_than_a_terminal_takes_is_cut_and_said() -> None:
    written: list[str] = []
    assert await copy("x" * MOST_BYTES, written.append, {}) is True
    assert await copy("x" * (MOST_BYTES + 1), written.append, {}) is False
    assert written[0] == written[1]
    assert len(written[0]) <= 100_000


@pytest.fixture
def tmux() -> Iterator[dict[str, str]]:
    """A tmux server of our own, and the environment of a program inside it."""
    if shutil.which("tmux") is None:
        pytest.skip("tmux is not installed")
    with tempfile.TemporaryDirectory(prefix="kt-") as folder:
        plain = {**os.environ, "TMUX_TMPDIR": folder}
        plain.pop("TMUX", None)
        start = (
            "tmux",
            "-f",
            "/dev/null",
            "new-session",
            "-d",
            "-P",
            "-F",
            "#{socket_path},#{pid},0",
            "sleep 600",
        )
        told = subprocess.run(start, env=plain, check=True, capture_output=True, text=True).stdout.strip()
        try:
            yield {**plain, "TMUX": told}
        finally:
            subprocess.run(("tmux", "kill-server"), env=plain, check=False)


async def test_inside_tmux_its_buffer_has_the_text(
    tmux: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TMUX", "TMUX_TMPDIR"):
        monkeypatch.setenv(name, tmux[name])
    written: list[str] = []
    assert await copy("transactions.MA ☂", written.append)
    show = ("tmux", "show-buffer")
    shown = await asyncio.to_thread(subprocess.check_output, show, env=tmux, text=True)
    assert shown == "transactions.MA ☂"
    assert written == []


async def test_a_tmux_that_does_not_answer_is_gone_around(tmp_path: Path) -> None:
    written: list[str] = []
    assert await copy("x", written.append, {"TMUX": f"{tmp_path}/nobody,1,0"})
    assert shutil.which("tmux") is None or written
