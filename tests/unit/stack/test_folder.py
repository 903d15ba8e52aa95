"""`render -o DIR`: a kustomization that is complete, safe to keep and readable."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Iterable
from pathlib import Path

import pytest
import yaml

from kapture_tui.model.errors import KaptureError, UsageError
from kapture_tui.stack.kustomize import Manifest, build, kubectl_build
from kapture_tui.stack.render import render, write
from tests.unit.stack.samples import FACTS, REDIS, stack


def by_name(objects: Iterable[Manifest]) -> list[Manifest]:
    return sorted(objects, key=lambda found: (found["kind"], found["metadata"]["name"]))


def test_the_folder_gives_back_what_was_rendered(tmp_path: Path) -> None:
    objects = render(stack(), FACTS)
    write(stack(), objects, tmp_path / "out")
    assert by_name(build(tmp_path / "out")) == by_name(objects)
    if shutil.which("kubectl"):
        assert by_name(kubectl_build(tmp_path / "out")) == by_name(objects)


def test_there_is_a_file_for_each_component(tmp_path: Path) -> None:
    write(stack(), render(stack(), FACTS), tmp_path)
    names = {path.stem for path in tmp_path.iterdir()}
    parts = {
        "kafka",
        "topics",
        "redis",
        "etl-redis",
        "data-loader",
        "etl",
        "observer",
        "prometheus",
    }
    assert names == parts | {"kustomization", "bundle", "workload", "kapture-run"}
    kinds = [found["kind"] for found in yaml.safe_load_all((tmp_path / "redis.yaml").read_text())]
    assert kinds == ["ConfigMap", "Secret", "Service", "StatefulSet"]


def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir(mode=0o755)
    write(stack(), render(stack(), FACTS), folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_its_own_folder_is_written_anew(tmp_path: Path) -> None:
    write(stack(), render(stack(), FACTS), tmp_path)
    less = stack(1, REDIS)
    write(less, render(less, FACTS), tmp_path)
    assert not (tmp_path / "prometheus.yaml").exists()
    assert by_name(build(tmp_path)) == by_name(render(less, FACTS))


def test_a_foreign_folder_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"holds notes\.txt"):
        write(stack(), render(stack(), FACTS), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
    own = tmp_path / "own"
    write(stack(), render(stack(), FACTS), own)
    (own / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"holds mine\.txt"):
        write(stack(), render(stack(), FACTS), own)
    other = tmp_path / "other"
    other.mkdir()
    (other / "kustomization.yaml").write_text("resources: []\n")
    with pytest.raises(UsageError, match=r"holds kustomization\.yaml"):
        write(stack(), render(stack(), FACTS), other)


def test_where_nothing_can_be_written_the_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="file: it is a file"):
        write(stack(), render(stack(), FACTS), tmp_path / "file")
    with pytest.raises(KaptureError, match="below"):
        write(stack(), render(stack(), FACTS), tmp_path / "file" / "below")


def test_texts_are_readable_blocks(tmp_path: Path) -> None:
    write(stack(), render(stack(), FACTS), tmp_path)
    assert "  start.sh: |\n    #!/bin/sh\n" in (tmp_path / "kafka.yaml").read_text()
