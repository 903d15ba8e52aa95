"""The named subset of kustomize: it gives what kubectl gives, and refuses everything else by name."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from kapture_tui.model.errors import UsageError
from kapture_tui.resources import manifests_dir
from kapture_tui.stack.kustomize import Manifest, build, kubectl_build
from kapture_tui.stack.patch import json_patch, merge

MANIFESTS = manifests_dir()
COMPONENTS = sorted(path.name for path in (MANIFESTS / "components").iterdir())
EXAMPLES = sorted(path.name for path in (MANIFESTS / "examples").iterdir())

kubectl = pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not on PATH")

KEYS = ("name", "mountPath", "containerPort")


def canonical(value: Any) -> Any:
    """The same whatever the order of keys and of lists whose elements have names: kubectl prepends, we append."""
    if isinstance(value, dict):
        return {key: canonical(item) for key, item in sorted(value.items())}
    if isinstance(value, list):
        items = [canonical(item) for item in value]
        for key in KEYS:
            if items and all(isinstance(item, dict) and key in item for item in items):
                return sorted(items, key=lambda item: str(item[key]))
        return items
    return value


def by_reference(objects: list[Manifest]) -> dict[tuple[str, str], Any]:
    found = {(item["kind"], item["metadata"]["name"]): canonical(item) for item in objects}
    assert len(found) == len(objects)
    return found


def kustomization(folder: Path, text: str, **files: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "kustomization.yaml").write_text(text)
    for name, content in files.items():
        (folder / f"{name}.yaml").write_text(content)
    return folder


CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: one\ndata:\n  a: '1'\n"


@kubectl
def test_base_is_what_kubectl_makes_of_it() -> None:
    assert by_reference(build(MANIFESTS / "base")) == by_reference(kubectl_build(MANIFESTS / "base"))


@kubectl
@pytest.mark.parametrize("name", COMPONENTS)
def test_each_component_is_what_kubectl_makes_of_it(name: str, tmp_path: Path) -> None:
    shutil.copytree(MANIFESTS, tmp_path / "manifests")
    overlay = kustomization(
        tmp_path / "overlay",
        f"resources: [../manifests/base]\ncomponents: [../manifests/components/{name}]\n",
    )
    ours = build(MANIFESTS / "base", [MANIFESTS / "components" / name])
    assert by_reference(ours) == by_reference(kubectl_build(overlay))
    assert by_reference(build(overlay)) == by_reference(ours)


@kubectl
@pytest.mark.parametrize("name", EXAMPLES)
def test_each_example_is_what_kubectl_makes_of_it(name: str) -> None:
    folder = MANIFESTS / "examples" / name
    assert by_reference(build(folder)) == by_reference(kubectl_build(folder))


@kubectl
def test_the_other_fields_are_what_kubectl_makes_of_them(tmp_path: Path) -> None:
    text = """
resources: [base]
namespace: there
images:
  - name: apache/kafka
    newName: registry.example/kafka
    newTag: "4.2.0"
  - name: python
    newTag: 3.13-alpine
replicas:
  - name: etl
    count: 4
"""
    shutil.copytree(MANIFESTS / "base", tmp_path / "base")
    overlay = kustomization(tmp_path, text)
    assert by_reference(build(overlay)) == by_reference(kubectl_build(overlay))


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("namePrefix: x-\n", "namePrefix"),
        ("resources: [one.yaml]\nsecretGenerator: []\n", "secretGenerator"),
        (
            "configMapGenerator: [{name: c, envs: [e]}]\ngeneratorOptions: {disableNameSuffixHash: true}\n",
            "envs",
        ),
        ("generatorOptions: {immutable: true}\n", "generatorOptions.immutable"),
        ("configMapGenerator: [{name: c}]\n", "hash"),
        ("patches: [{path: p.yaml, options: {}}]\n", "patches.options"),
        ("resources: [one.yaml]\npatches: [{patch: '[]', target: {group: apps}}]\n", "patches.target.group"),
        ("images: [{name: n, digest: d}]\n", "images.digest"),
        ("labels: [{pairs: {a: b}, includeSelectors: true}]\n", "labels.includeSelectors"),
    ],
)
def test_what_is_beyond_the_subset_is_refused_by_name(tmp_path: Path, text: str, field: str) -> None:
    folder = kustomization(tmp_path / "k", text, one=CONFIG)
    with pytest.raises(UsageError, match=f"{folder}/kustomization.yaml.*{field}"):
        build(folder)


def test_files_that_are_missing_or_broken_are_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"kustomization\.yaml: No such file"):
        build(tmp_path)
    with pytest.raises(UsageError, match=r"other\.yaml: No such file"):
        build(kustomization(tmp_path, "resources: [other.yaml]\n"))
    with pytest.raises(UsageError, match=r"(?s)other\.yaml.*line 2"):
        build(kustomization(tmp_path, "resources: [other.yaml]\n", other="a: [\n"))


def test_a_patch_that_fits_nothing_is_refused(tmp_path: Path) -> None:
    aside = "patches:\n  - patch: '{kind: ConfigMap, metadata: {name: two}}'\n"
    with pytest.raises(UsageError, match="no ConfigMap two"):
        build(kustomization(tmp_path, f"resources: [one.yaml]\n{aside}", one=CONFIG))
    wrong = "patches:\n  - target: {kind: ConfigMap}\n    patch: '[{op: remove, path: /data/b}]'\n"
    with pytest.raises(UsageError, match="does not fit one: 'b'"):
        build(kustomization(tmp_path, f"resources: [one.yaml]\n{wrong}", one=CONFIG))


def test_kubectls_own_words_are_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="no such directory" if shutil.which("kubectl") else "not on PATH"):
        kubectl_build(tmp_path / "nowhere")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="kubectl is not on PATH"):
        kubectl_build(tmp_path)


@kubectl
def test_what_kubectl_refuses_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nonsense"):
        kubectl_build(kustomization(tmp_path, "nonsense: true\n"))


def test_strategic_merge() -> None:
    held = {
        "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
        "args": ["x"],
        "n": {"a": 1, "b": 2},
    }
    patch = {
        "env": [{"name": "B", "value": "3"}, {"$patch": "delete", "name": "A"}],
        "args": ["y"],
        "n": {"a": None},
    }
    assert merge(held, patch) == {"env": [{"name": "B", "value": "3"}], "args": ["y"], "n": {"b": 2}}
    assert held["n"] == {"a": 1, "b": 2}


def test_json_patch() -> None:
    held = {"a": [1, 2], "b/c": {"d": 1}}
    changed = json_patch(
        held,
        [
            {"op": "add", "path": "/a/-", "value": 3},
            {"op": "add", "path": "/a/0", "value": 0},
            {"op": "replace", "path": "/b~1c/d", "value": 2},
            {"op": "add", "path": "/e", "value": "new"},
        ],
    )
    assert changed == {"a": [0, 1, 2, 3], "b/c": {"d": 2}, "e": "new"}
    assert held == {"a": [1, 2], "b/c": {"d": 1}}
    with pytest.raises(KeyError):
        json_patch(held, [{"op": "replace", "path": "/missing", "value": 1}])
    with pytest.raises(ValueError, match="'move'"):
        json_patch(held, [{"op": "move", "path": "/a"}])


def test_the_readme_has_a_line_for_each_file() -> None:
    text = (MANIFESTS / "README.md").read_text()
    named = {MANIFESTS / name.rstrip("/") for name in re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE)}
    files = {path for path in MANIFESTS.rglob("*") if path.is_file() and path.name != "README.md"}
    left = {path for path in files if not named & {path, *path.parents}}
    assert not left
