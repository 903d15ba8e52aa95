"""Which target a line means."""

from __future__ import annotations

from pathlib import Path

import pytest

from kapture_tui.cli import settings, where
from kapture_tui.cli.parse import parse
from kapture_tui.model.errors import UsageError
from kapture_tui.model.spec import ClusterSpec, Component, StackSpec
from kapture_tui.targets.base import Connection

LAB = "current-context: lab\n"


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Path:
    file = tmp_path / "config"
    file.write_text(LAB)
    return file


@pytest.fixture
def env(kubeconfig: Path) -> dict[str, str]:
    return {"KUBECONFIG": str(kubeconfig)}


def command(line: str, env: dict[str, str]) -> settings.Command:
    return parse(line.split(), env).command


def refused(line: str, env: dict[str, str]) -> str:
    with pytest.raises(UsageError) as failure:
        command(line, env)
    return str(failure.value)


def test_without_a_kubeconfig_it_is_this_machine(tmp_path: Path):
    assert command("up demo 1", {"HOME": str(tmp_path)}) == settings.Up("local", StackSpec("demo", keep=True))


def test_a_current_context_makes_it_the_cluster(env: dict[str, str]):
    up = command("up demo 1", env)
    assert up == settings.Up("kubernetes", StackSpec("demo", keep=True))


def test_the_kubeconfig_at_home_counts(tmp_path: Path):
    (tmp_path / ".kube").mkdir()
    (tmp_path / ".kube" / "config").write_text(LAB)
    assert isinstance(up := command("up demo 1", {"HOME": str(tmp_path)}), settings.Up)
    assert up.target == "kubernetes"


@pytest.mark.parametrize("text", ["", "contexts: []\n", "- a list\n", "{: broken"])
def test_a_kubeconfig_without_a_current_context_changes_nothing(
    kubeconfig: Path, env: dict[str, str], text: str
):
    kubeconfig.write_text(text)
    assert isinstance(up := command("up demo 1", env), settings.Up)
    assert up.target == "local"


def test_the_first_file_that_has_a_current_context_counts(kubeconfig: Path, tmp_path: Path):
    other = tmp_path / "other"
    other.write_text("kind: Config\n")
    assert where.current_context(f"{tmp_path}/none:{other}:{kubeconfig}") == "lab"


def test_the_line_wins_over_the_kubeconfig(env: dict[str, str]):
    assert isinstance(up := command("up demo 1 --target local", env), settings.Up)
    assert up.target == "local"


def test_a_context_or_a_kubeconfig_means_a_cluster(kubeconfig: Path):
    up = command("up demo 1 --context lab", {})
    assert isinstance(up, settings.Up)
    assert (up.target, up.connection) == ("kubernetes", Connection(context="lab"))
    status = command(f"status demo --kubeconfig {kubeconfig}", {})
    assert status == settings.Status("kubernetes", "demo", connection=Connection(str(kubeconfig)))
    assert "this machine is no cluster" in refused("up demo 1 --target local --context lab", {})


def test_the_console_without_words_begins_on_this_machine(env: dict[str, str]):
    assert command("", env) == settings.Console("local")
    named = command("--context lab", env)
    assert named == settings.Console("kubernetes", connection=Connection(context="lab"))


@pytest.mark.parametrize("line", ["status demo", "down demo", "scale demo etl=2", "attach demo", "pets -r"])
def test_a_stack_that_runs_here_wins_over_the_cluster_and_it_is_said(
    monkeypatch: pytest.MonkeyPatch, env: dict[str, str], line: str
):
    monkeypatch.setattr("kapture_tui.targets.local.namespaces", lambda: ["demo", "pets"])
    here = parse(line.split(), env)
    assert here.command.target == "local"  # type: ignore[union-attr]
    assert here.note.endswith(" on this machine; --context lab means the cluster's")
    there = parse([*line.split(), "--context", "lab"], env)
    assert there.command.target == "kubernetes"  # type: ignore[union-attr]
    assert there.note == ""
    assert parse(line.split(), {}).note == ""


@pytest.mark.parametrize("name", ["default", "kube-system", "kube-x"])
@pytest.mark.parametrize(
    "line", ["up {} 1", "{} 1", "down {}", "scale {} etl=1", "{} -r", "render {} 1 -o x"]
)
def test_a_clusters_own_namespaces_are_refused(env: dict[str, str], line: str, name: str):
    assert "is the cluster's own" in refused(line.format(name), env)


def test_looking_at_a_clusters_own_namespace_is_no_change(env: dict[str, str]):
    assert isinstance(command("status default", env), settings.Status)


def test_every_option_of_the_cluster_arrives(env: dict[str, str], tmp_path: Path):
    (tmp_path / "kustomization.yaml").write_text("resources: []\n")
    line = (
        f"up demo 3 -rp --storage persistent --storage-class fast --kustomize {tmp_path} --image me/kapture:1 "
        "--registry reg.example/x --pull-secret mine --node-selector a=b --node-selector c= "
        "--toleration k=v:NoSchedule --toleration only --cpu-limits --purge --redis-count 1"
    )
    up = command(line, env)
    assert isinstance(up, settings.Up)
    assert up.purge
    assert up.spec.components == {Component.REDIS, Component.PROMETHEUS}
    assert up.spec.cluster == ClusterSpec(
        storage="persistent",
        storage_class="fast",
        kustomize=str(tmp_path),
        image="me/kapture:1",
        registry="reg.example/x",
        pull_secret="mine",
        node_selector=("a=b", "c="),
        tolerations=("k=v:NoSchedule", "only"),
        cpu_limits=True,
    )


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("up demo 1 -r --redis-count 2", "of two servers neither can tell"),
        ("up demo 1 -r --redis-count 0", "from three to nine"),
        ("up demo 1 --storage-class fast", "add --storage persistent"),
        ("up demo 1 --storage tape", "--storage: invalid choice"),
        ("up demo 1 --kustomize /nowhere", "'/nowhere' is not there"),
        ("up demo 1 --kustomize /", "must be a directory with a kustomization.yaml"),
        ("up demo 1 --kubeconfig /nowhere", "'/nowhere' is not there"),
        ("up demo 1 --node-selector x", "not of the form key=value"),
        ("up demo 1 --toleration a=b:Never", "effects are"),
        ("up demo 1 --kafka-bootstrap a:1", "add --target local"),
        ("up demo 1 -r --redis-url redis://x", "add --target local"),
        ("up demo 1 -e --elasticsearch-url http://x:1", "add --target local"),
        ("pets 1 --purge", "goes with --delete"),
        ("render demo 1", "-o DIR is missing"),
        ("render demo 1 -o x --architecture s390x", "--architecture: invalid choice"),
    ],
)
def test_what_a_cluster_cannot_do_is_refused_by_name(env: dict[str, str], line: str, says: str):
    assert says in refused(line, env)


@pytest.mark.parametrize(
    "flag", ["--image x", "--storage persistent", "--cpu-limits", "--node-selector a=b", "-p"]
)
@pytest.mark.parametrize("line", ["up demo 1", "pets 1"])
def test_what_this_machine_cannot_do_is_refused_by_name(line: str, flag: str):
    assert "--target kubernetes" in refused(f"{line} {flag}", {})


def test_kafka_of_the_environment_is_this_machines(env: dict[str, str]):
    up = command("up demo 1", {**env, "KAFKA_HOME": "/opt/kafka"})
    assert isinstance(up, settings.Up)
    assert up.spec.kafka_home is None


def test_down_and_its_short_form_take_purge(env: dict[str, str]):
    expected = settings.Down("kubernetes", "pets", purge=True, yes=True)
    assert command("down pets --purge --yes", env) == command("pets --delete --purge --yes", env) == expected


def test_render_needs_no_cluster():
    rendered = command("render demo 2 -r -o dir --architecture arm64 --architecture amd64", {})
    spec = StackSpec("demo", 2, frozenset({Component.REDIS}))
    assert rendered == settings.Render(spec, Path("dir"), ("arm64", "amd64"))
    assert command("render demo 1 -o dir", {}) == settings.Render(StackSpec("demo"), Path("dir"))


def test_doctor_looks_at_the_cluster_that_is_named(env: dict[str, str]):
    assert command("doctor", env) == settings.Doctor()
    assert command("doctor --context lab", {}) == settings.Doctor("kubernetes", Connection(context="lab"))
    assert command("doctor --target local", env) == settings.Doctor("local")
