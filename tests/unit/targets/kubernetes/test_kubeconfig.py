"""Kubeconfigs are read as kubectl reads them, and what is wrong with one is said in a line."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from kapture_tui.model.errors import UsageError
from kapture_tui.targets.base import Connection
from kapture_tui.targets.kubernetes import kubeconfig as module
from kapture_tui.targets.kubernetes.kubeconfig import ContextInfo, contexts, load

SECRET = "s3cret-s3cret"


def entry(name: str, kind: str, **values: Any) -> dict[str, Any]:
    return {"name": name, kind: values}


def write(path: Path, *, current: str = "", **lists: list[dict[str, Any]]) -> str:
    content = {**lists, **({"current-context": current} if current else {})}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return str(path)


@pytest.fixture
def two(tmp_path: Path) -> str:
    """Two files: the first names the current context, both a cluster "c", the second one more context."""
    first = write(
        tmp_path / "a" / "config",
        current="one",
        contexts=[entry("one", "context", cluster="c", user="u", namespace="pets")],
        clusters=[entry("c", "cluster", server="https://first:6443/", **{"certificate-authority": "ca.crt"})],
        users=[entry("u", "user", tokenFile="token")],
    )
    second = write(
        tmp_path / "b" / "config",
        current="two",
        contexts=[entry("two", "context", cluster="d", user="v")],
        clusters=[
            entry("c", "cluster", server="https://second"),
            entry("d", "cluster", server="https://user:pass@d"),
        ],
        users=[entry("v", "user", token="t")],
    )
    (tmp_path / "a" / "ca.crt").write_text("PEM")
    return os.pathsep.join([first, str(tmp_path / "missing"), second])


def test_the_first_file_that_sets_something_wins(two: str) -> None:
    access = load(Connection(), {"KUBECONFIG": two})
    assert (access.context, access.server, access.namespace) == ("one", "https://first:6443", "pets")


def test_files_are_found_beside_the_file_that_names_them(two: str, tmp_path: Path) -> None:
    access = load(Connection(), {"KUBECONFIG": two})
    assert access.cluster.content("certificate-authority") == b"PEM"
    with pytest.raises(UsageError, match=r"tokenFile of 'u'.*a/token: No such file"):
        access.user.file("tokenFile")


def test_another_context_and_its_defaults(two: str) -> None:
    access = load(Connection(context="two"), {"KUBECONFIG": two})
    assert (access.context, access.namespace, access.user.text("token")) == ("two", "default", "t")


def test_what_there_is_to_choose_from(two: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", two)
    assert contexts(Connection()) == [
        ContextInfo("one", "c", "https://first:6443/", "u", "pets", True),
        ContextInfo("two", "d", "https://d", "v", "default", False),
    ]


def test_no_kubeconfig_means_no_contexts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "nothing"))
    assert contexts(Connection()) == []


def test_a_file_named_by_option_must_exist(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        load(Connection(str(tmp_path / "nothing")))


def test_none_at_all(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is none at .*nothing.*name one with --kubeconfig"):
        load(Connection(), {"KUBECONFIG": str(tmp_path / "nothing")})


def test_an_unknown_context_lists_those_there_are(two: str) -> None:
    with pytest.raises(UsageError, match=r"'tree'.*there are: one, two"):
        load(Connection(context="tree"), {"KUBECONFIG": two})


def test_no_current_context(tmp_path: Path) -> None:
    path = write(tmp_path / "config", contexts=[entry("one", "context", cluster="c")])
    with pytest.raises(UsageError, match=r"no current-context.*--context.*one"):
        load(Connection(path))


CLUSTER = entry("c", "cluster", server="https://c")


@pytest.mark.parametrize(
    ("lists", "said"),
    [
        ({"contexts": [entry("x", "context", user="u")]}, "names no cluster"),
        (
            {"contexts": [entry("x", "context", cluster="d")], "clusters": [CLUSTER]},
            r"'d' is not defined.*: c",
        ),
        (
            {"contexts": [entry("x", "context", cluster="c", user="u")], "clusters": [CLUSTER]},
            "user 'u' is not defined.*users defined: none",
        ),
        (
            {
                "contexts": [entry("x", "context", cluster="c")],
                "clusters": [entry("c", "cluster", server="ftp://x")],
            },
            "'ftp://x', not an http address",
        ),
        (
            {"contexts": [entry("x", "context", cluster="c")], "clusters": [entry("c", "cluster")]},
            "has no server",
        ),
        ({"contexts": {"x": {}}}, "contexts is not a list"),
        ({"contexts": [{"context": {}}]}, "contexts is not a list of entries with a name"),
    ],
)
def test_a_context_that_leads_nowhere(tmp_path: Path, lists: dict[str, Any], said: str) -> None:
    path = write(tmp_path / "config", current="x", **lists)
    with pytest.raises(UsageError, match=said):
        load(Connection(path))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (f"users:\n- name: u\n  token: {SECRET}: x\n".encode(), "no valid YAML at line 3"),
        (f"users: [token: '{SECRET}'".encode(), "no valid YAML"),
        (SECRET.encode(), "no mapping"),
        (b"\xff\xfe\x00", "not text"),
    ],
)
def test_a_broken_file_shows_nothing_of_itself(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "config"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=said) as caught:
        load(Connection(str(path)))
    assert str(path) in str(caught.value)
    assert SECRET not in str(caught.value)


def test_a_folder_in_place_of_a_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Is a directory"):
        load(Connection(str(tmp_path)))


def test_data_that_is_not_base64(tmp_path: Path) -> None:
    user = module.Entry("u", {"client-key-data": f"%{SECRET}%"}, tmp_path)
    with pytest.raises(UsageError, match="client-key-data is not base64") as caught:
        user.content("client-key")
    assert SECRET not in str(caught.value)


def test_data_comes_before_a_file(tmp_path: Path) -> None:
    data = base64.b64encode(b"inline").decode()
    user = module.Entry("u", {"client-key-data": data, "client-key": "nowhere"}, tmp_path)
    assert user.content("client-key") == b"inline"


def test_a_pod_uses_its_own_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SERVICE_ACCOUNT", tmp_path)
    for name, content in (("token", "t"), ("namespace", "pets\n"), ("ca.crt", "PEM")):
        (tmp_path / name).write_text(content)
    environ = {
        "KUBERNETES_SERVICE_HOST": "fd00::1",
        "KUBERNETES_SERVICE_PORT": "443",
        "KUBECONFIG": "/nowhere",
    }
    access = load(Connection(), environ)
    assert (access.context, access.server, access.namespace) == (
        "in-cluster",
        "https://[fd00::1]:443",
        "pets",
    )
    assert access.user.file("tokenFile") == b"t"
    assert access.cluster.content("certificate-authority") == b"PEM"


def test_asking_for_contexts_loads_no_client() -> None:
    code = (
        "import sys; from kapture_tui.targets.kubernetes.kubeconfig import contexts;"
        "print([m for m in ('aiohttp', 'kubernetes', 'asyncio') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
