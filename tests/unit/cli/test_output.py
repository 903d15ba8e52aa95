"""What is printed obeys nobody but us and tells no secrets."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapture_tui.cli.logfile import open_log
from kapture_tui.cli.output import plain, table
from kapture_tui.model.errors import UsageError
from kapture_tui.model.redact import redacted


@given(st.text())
def test_no_text_reaches_the_terminal_as_control(text: str):
    assert plain(text).isprintable()


@given(st.text(st.characters(categories=["L", "N", "P", "S"])))
def test_readable_text_stays_as_it_is(text: str):
    assert plain(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "redis://:hunter2@cache:6379/0 refused",
        "redis://user:hunter2@cache:6379",
        "connecting with password=hunter2",
        "Authorization: Bearer hunter2",
        '{"token": "hunter2"}',
        "{'sasl.password': 'hunter2', 'x': 1}",
        "REDIS_PASSWORD=hunter2",
    ],
)
def test_secrets_are_left_out(text: str):
    assert "hunter2" not in redacted(text)


@pytest.mark.parametrize(
    "text", ["redis://cache:6379/0", "etl-0: lag 12, at 10:30", "unix:///run/redis.sock"]
)
def test_what_is_no_secret_stays(text: str):
    assert redacted(text) == text


def test_columns_align_to_the_right_but_for_the_first():
    assert table(["group", "lag"], [["etl", "1,204"], ["etl-redis", "3"]]) == [
        "group        lag",
        "etl        1,204",
        "etl-redis      3",
    ]


@pytest.fixture
def own_logger():
    logger = logging.getLogger("kapture_tui")
    before = (logger.handlers[:], logger.level, logger.propagate)
    yield logger
    for handler in logger.handlers[:]:
        if handler not in before[0]:
            logger.removeHandler(handler)
            handler.close()
    logger.level, logger.propagate = before[1:]


def test_the_log_keeps_tracebacks_and_no_secrets(tmp_path: Path, own_logger: logging.Logger):
    path = tmp_path / "log"
    open_log(path, ["up", "--redis-url", "redis://:hunter2@cache"])
    try:
        raise OSError("redis://:hunter2@cache refused")
    except OSError:
        own_logger.debug("connecting to %s", "redis://u:hunter2@cache", exc_info=True)
    text = path.read_text()
    assert "Traceback" in text
    assert "hunter2" not in text
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_log_that_cannot_be_written_is_refused(tmp_path: Path):
    with pytest.raises(UsageError, match="--log-file"):
        open_log(tmp_path / "missing" / "log", [])
