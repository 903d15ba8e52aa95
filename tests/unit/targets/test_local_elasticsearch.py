"""Where a local Elasticsearch comes from, and how it is started."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from kapture_tui.model.errors import UsageError
from kapture_tui.targets.local import elasticsearch
from kapture_tui.targets.local.elasticsearch import (
    NOT_ROOT,
    ElasticsearchServer,
    as_somebody,
    find_home,
    settings,
)


def home(folder: Path, version: str = "8.19.0") -> Path:
    for place in ("bin", "lib", "config"):
        (folder / place).mkdir(parents=True)
    (folder / "bin" / "elasticsearch").touch()
    (folder / "lib" / f"elasticsearch-{version}.jar").touch()
    (folder / "lib" / f"elasticsearch-core-{version}.jar").touch()
    (folder / "config" / "jvm.options").write_text("-XX:+UseG1GC\n")
    return folder


def test_a_home_has_its_version(tmp_path: Path) -> None:
    assert find_home(str(home(tmp_path))).version == "8.19.0"


@pytest.mark.parametrize("directory", [None, "", "/nowhere"])
def test_without_a_home_the_remedy_is_said(directory: str | None) -> None:
    with pytest.raises(UsageError) as refused:
        find_home(directory)
    assert "--elasticsearch-url" in refused.value.remedy


def test_an_old_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"is Elasticsearch 7\.17\.9"):
        find_home(str(home(tmp_path, "7.17.9")))


def test_it_listens_on_loopback_and_a_path_may_have_any_characters() -> None:
    data = Path("/data of 'mine': #1")
    told = yaml.safe_load(settings(9201, data))
    assert (told["network.host"], told["http.port"]) == ("127.0.0.1", 9201)
    assert told["path.data"] == f"{data}/data"
    assert told["discovery.type"] == "single-node"


def test_it_is_started_from_a_configuration_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ELASTICSEARCH_HOME", str(home(tmp_path / "home")))
    monkeypatch.setattr(elasticsearch, "as_somebody", tuple)
    folder = tmp_path / "data"
    folder.mkdir()
    launch = ElasticsearchServer().launch(9201, folder)
    assert launch.command == (str(tmp_path / "home" / "bin" / "elasticsearch"),)
    config = Path(launch.env["ES_PATH_CONF"])
    assert sorted(file.name for file in config.iterdir()) == [
        "elasticsearch.yml",
        "jvm.options",
        "log4j2.properties",
    ]
    assert sorted(file.name for file in (tmp_path / "home" / "config").iterdir()) == ["jvm.options"]


def test_nobody_but_root_needs_another_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert as_somebody() == ()


def test_root_becomes_somebody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    if not shutil.which(NOT_ROOT[0]) or subprocess.run((*NOT_ROOT, "true"), capture_output=True).returncode:
        pytest.skip("this machine allows no user namespaces")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    done = subprocess.run((*as_somebody(), "id", "-u"), capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1000"


def test_root_is_told_where_that_cannot_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(UsageError, match=f"refuses to run as root.*{NOT_ROOT[0]}") as refused:
        as_somebody()
    assert "run as another user" in refused.value.remedy
