"""Settings survive the environment, and a wrong variable is named."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapture_tui.model.errors import UsageError
from kapture_tui.model.spec import MAX_CUSTOMERS, MAX_RATE, LoadSpec
from kapture_tui.workload.settings import Settings

words = st.text(st.characters(exclude_characters="\0,", exclude_categories=["Cs"]), min_size=1, max_size=8)
some = st.integers(1, 1 << 31)
loads = st.builds(
    LoadSpec,
    stores=some,
    customers=st.integers(1, MAX_CUSTOMERS),
    days=some,
    models=some,
    rate=st.none() | st.floats(0, MAX_RATE, exclude_min=True),
    seed=st.integers(),
    compat=st.booleans(),
)
everything = st.builds(
    Settings,
    name=words,
    run_id=words,
    bootstrap=words,
    embedded=st.booleans(),
    partitions=some,
    replication=some,
    groups=st.lists(words, max_size=3).map(tuple),
    load=loads,
    urls=st.dictionaries(st.from_regex("[a-z]{1,8}(-[a-z]{1,8})?", fullmatch=True), words, max_size=3),
    port=st.integers(0, 65535),
    host=words,
    ready_file=st.none() | words.map(Path),
    ready_port=st.none() | st.integers(1, 65535),
    client=words,
    compression=words,
    patience_s=st.integers(0, 1 << 31),
    generator=st.none() | words,
)

LEAST = {"KAPTURE_NAME": "etl-0", "KAPTURE_RUN_ID": "r1", "KAPTURE_BOOTSTRAP": "127.0.0.1:9092"}


@given(everything)
def test_there_and_back_through_the_environment(settings: Settings) -> None:
    assert Settings.from_env(settings.to_env()) == settings


def test_what_is_left_out_has_its_default() -> None:
    assert Settings.from_env(LEAST) == Settings("etl-0", "r1", "127.0.0.1:9092")
    blank = {"KAPTURE_RATE": "", "KAPTURE_REDIS_URL": "", "KAPTURE_READY_FILE": "", "KAPTURE_SEED": ""}
    assert Settings.from_env(LEAST | blank) == Settings.from_env(LEAST)


@pytest.mark.parametrize("name", sorted(LEAST))
def test_what_must_be_set(name: str) -> None:
    with pytest.raises(UsageError, match=f"reading the environment: {name} is not set"):
        Settings.from_env(LEAST | {name: ""})


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("KAPTURE_PARTITIONS", "two", "reading KAPTURE_PARTITIONS='two': not a whole number"),
        ("KAPTURE_PARTITIONS", "0", "reading KAPTURE_PARTITIONS='0': must be 1 or more"),
        ("KAPTURE_REPLICATION", "1.5", "reading KAPTURE_REPLICATION='1.5': not a whole number"),
        ("KAPTURE_REPLICATION", "-1", "reading KAPTURE_REPLICATION='-1': must be 1 or more"),
        ("KAPTURE_PORT", "http", "reading KAPTURE_PORT='http': not a whole number"),
        ("KAPTURE_PORT", "-1", "reading KAPTURE_PORT='-1': must be 0 or more"),
        ("KAPTURE_STORES", "many", "reading KAPTURE_STORES='many': not a whole number"),
        ("KAPTURE_CUSTOMERS", "x", "reading KAPTURE_CUSTOMERS='x': not a whole number"),
        ("KAPTURE_DAYS", "x", "reading KAPTURE_DAYS='x': not a whole number"),
        ("KAPTURE_MODELS", "x", "reading KAPTURE_MODELS='x': not a whole number"),
        ("KAPTURE_SEED", "x", "reading KAPTURE_SEED='x': not a whole number"),
        ("KAPTURE_RATE", "fast", "reading KAPTURE_RATE='fast': not a number"),
        ("KAPTURE_RATE", "0", "--rate 0.0: must be more than 0"),
        ("KAPTURE_RATE", "nan", "--rate nan: must be more than 0"),
        ("KAPTURE_STORES", "0", "--stores 0: must be 1 or more"),
    ],
)
def test_what_cannot_be_meant(name: str, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Settings.from_env(LEAST | {name: text})
