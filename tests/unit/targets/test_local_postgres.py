"""Which Postgres there is, and as whom it runs."""

from __future__ import annotations

import os
import pwd
import shutil
from pathlib import Path

import pytest

from kapture_tui.model.errors import UsageError
from kapture_tui.targets.local import postgres
from kapture_tui.targets.local.postgres import PostgresServer, account, answers, find_programs


def programs(folder: Path, version: str) -> Path:
    folder.mkdir(parents=True)
    for name in ("initdb", "postgres"):
        (folder / name).write_text(f"#!/bin/sh\necho 'postgres (PostgreSQL) {version} (Debian)'\n")
        (folder / name).chmod(0o755)
    return folder


def test_the_newest_release_of_the_packages_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    monkeypatch.setattr(postgres, "PLACES", (f"{tmp_path}/postgresql/*/bin",))
    assert find_programs() is None
    with pytest.raises(UsageError, match="--postgres-url"):
        postgres._found("starting postgres")
    (tmp_path / "postgresql/99/bin").mkdir(parents=True)  # of which only the client is installed
    for version in ("9.6", "17", "15"):
        programs(tmp_path / "postgresql" / version / "bin", f"{version}.3")
    found = find_programs()
    assert found is not None
    assert found.describe() == f"PostgreSQL 17.3, {tmp_path}/postgresql/17/bin"


def test_the_path_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs(tmp_path / "postgresql/17/bin", "17.0")
    monkeypatch.setattr(postgres, "PLACES", (f"{tmp_path}/postgresql/*/bin",))
    monkeypatch.setenv("PATH", f"{programs(tmp_path / 'mine', '16.1')}:{os.environ['PATH']}")
    found = find_programs()
    assert found is not None
    assert found.folder == tmp_path / "mine"


def test_it_runs_as_we_do_unless_we_are_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert account() is None
    monkeypatch.setattr(os, "geteuid", lambda: 0)

    def nobody(name: str) -> pwd.struct_passwd:
        raise KeyError(name)

    monkeypatch.setattr(pwd, "getpwnam", nobody)
    with pytest.raises(UsageError, match="refuses to run as root") as refused:
        PostgresServer().describe()
    assert "--postgres-url" in refused.value.remedy
    monkeypatch.setattr(pwd, "getpwnam", lambda name: None)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(UsageError, match="setpriv"):
        account()


def test_the_password_is_ours_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    url = PostgresServer().url(4711, tmp_path)
    assert url == PostgresServer().url(4711, tmp_path)
    assert (tmp_path / "password").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "password").read_text() in url
    (tmp_path / "other").mkdir()
    assert PostgresServer().url(4711, tmp_path / "other") != url


def test_it_is_greeted_as_the_protocol_has_it() -> None:
    hello = answers(4711).say
    assert int.from_bytes(hello[:4], "big") == len(hello)
    assert hello[4:8] == b"\x00\x03\x00\x00"
    assert hello[8:].split(b"\0") == [b"user", b"kapture", b"database", b"postgres", b"", b""]
