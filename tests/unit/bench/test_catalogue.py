"""Finding results."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from kapture_tui.bench.catalogue import entries, find, unfinished
from kapture_tui.bench.environment import environment, manifests_hash
from kapture_tui.bench.result import Status
from kapture_tui.bench.store import write
from kapture_tui.model.errors import UsageError
from kapture_tui.resources import manifests_dir
from kapture_tui.targets import base
from tests.unit.bench.stands import asked, result


def keep(
    folder: Path, name: str, status: Status = Status.COMPLETE, started: str = "", **other: object
) -> None:
    run = replace(result(**other), id=name, status=status, started=started)
    write(folder / f"{name}.json", run)


def test_a_result_is_found_by_its_file_its_id_or_its_end(tmp_path: Path) -> None:
    keep(tmp_path / "deep", "2026-local-1")
    keep(tmp_path, "2026-local-2")
    assert find("2026-local-1", (tmp_path,)).id == "2026-local-1"
    assert find("local-2", (tmp_path,)).id == "2026-local-2"
    assert find(str(tmp_path / "2026-local-2.json"), ()).id == "2026-local-2"
    with pytest.raises(UsageError, match="2026-local-2, 2026-local-1"):
        find("2026", (tmp_path,))
    with pytest.raises(UsageError, match="there is none"):
        find("2027", (tmp_path,))


def test_a_broken_file_hides_no_other(tmp_path: Path) -> None:
    keep(tmp_path, "good")
    (tmp_path / "bad.json").write_text("{")
    found = {entry.path.stem: entry for entry in entries((tmp_path,))}
    assert found["good"].result is not None
    assert found["bad"].result is None
    assert "bad.json" in found["bad"].problem


def test_the_latest_unfinished_run_of_the_same_kind_is_gone_on_with(tmp_path: Path) -> None:
    keep(tmp_path, "done", started="2026-03")
    keep(tmp_path, "first", Status.INTERRUPTED, "2026-01")
    keep(tmp_path, "killed", Status.RUNNING, "2026-02")
    keep(tmp_path, "another", Status.INTERRUPTED, "2026-04", p99_ms=5.0)
    assert unfinished(asked(), tmp_path).id == "killed"
    with pytest.raises(UsageError, match="no unfinished run"):
        unfinished(asked(repeats=9), tmp_path)


def test_host_names_are_kept_only_where_that_was_asked_for() -> None:
    machines = tuple(base.Machine(f"node-{n}", "n1", 4.0, 1 << 30, kernel="6.1") for n in range(3))
    seen = base.Environment((*machines, base.Machine("big", "n2", 8.0, 1 << 31)), {"kafka": "4.0"})
    found = environment(seen, with_names=False)
    assert [(kind.count, kind.type, kind.names) for kind in found.machines] == [(3, "n1", ()), (1, "n2", ())]
    assert (found.nodes, found.cores) == (4, 20.0)
    assert found.versions["kafka"] == "4.0"
    assert "python" in found.versions
    assert environment(seen, with_names=True).machines[0].names == ("node-0", "node-1", "node-2")


def test_the_hash_of_the_manifests_is_that_of_every_byte_and_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(manifests_dir(), tmp_path / "copy")
    usual = manifests_hash(None)
    monkeypatch.setattr("kapture_tui.bench.environment.manifests_dir", lambda: tmp_path / "copy")
    assert manifests_hash(None) == usual
    (tmp_path / "copy" / "base" / "etl.yaml").rename(tmp_path / "copy" / "base" / "elt.yaml")
    renamed = manifests_hash(None)
    with (tmp_path / "copy" / "base" / "elt.yaml").open("a") as file:
        file.write("#")
    assert len({usual, renamed, manifests_hash(None)}) == 3
