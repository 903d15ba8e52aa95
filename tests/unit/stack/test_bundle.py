"""The bundle: the same bytes every time, only wheels that are what they should be, and unpacked as it was packed."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import sys
import tarfile
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import requires, version
from io import BytesIO
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import kapture_tui
from kapture_tui.model.errors import KaptureError
from kapture_tui.model.spec import Component
from kapture_tui.resources import manifests_dir
from kapture_tui.stack import pack, wheels
from kapture_tui.stack.bundle import CHUNK_BYTES, Bundle, bundle, facts, volume_sources
from kapture_tui.stack.catalogue import CATALOGUE
from kapture_tui.stack.wheels import Wheel

ROOT = Path(kapture_tui.__file__).parents[1]


@pytest.fixture(scope="module")
def unpacker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("unpack", manifests_dir() / "base/unpack.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def wheel_with(path: Path, files: Mapping[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def contents_of(archive: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=BytesIO(archive), mode="r:xz") as files:
        return {entry.name: stream.read() for entry in files if (stream := files.extractfile(entry))}


# --- packing ---------------------------------------------------------------------------------------------------------

names = st.lists(
    st.text("abc.-", min_size=1, max_size=8).filter(lambda n: set(n) != {"."}), min_size=1, max_size=3
)
contents = st.dictionaries(names.map("/".join), st.binary(max_size=2000), max_size=5)


@given(contents, contents)
def test_streams_one_after_the_other_are_one_archive(
    first: dict[str, bytes], second: dict[str, bytes]
) -> None:
    whole = pack.pack(first, more_follows=True) + pack.pack(second)
    assert contents_of(whole) == first | second


@given(contents)
def test_bytes_depend_on_the_files_only(files: dict[str, bytes]) -> None:
    assert pack.pack(files) == pack.pack(dict(reversed(files.items())))


def test_only_what_pods_need_travels(tmp_path: Path) -> None:
    kept = {
        "lib/__init__.py": b"1",
        "lib/core.cpython-313-x86_64-linux-gnu.so": b"2",
        "lib/tests.py": b"3",
        "lib.libs/libcore.so.1": b"4",
        "lib-1.0.dist-info/METADATA": b"5",
        "lib-1.0.dist-info/licenses/LICENSE.md": b"6",
        "lib-1.0.dist-info/licenses/docs/NOTICE": b"7",
    }
    left = dict.fromkeys(
        (
            "lib/tests/test_core.py",
            "lib/core.pyi",
            "lib/core.c",
            "lib/docs/a.html",
            "lib-1.0.dist-info/RECORD",
        ),
        b"x",
    )
    assert pack.of_wheel(wheel_with(tmp_path / "lib.whl", kept | left)) == kept


def test_of_our_package_model_and_workload_with_their_data() -> None:
    files = pack.of_package(ROOT / "kapture_tui", ("model", "workload"))
    assert {name.split("/")[1] for name in files} == {"__init__.py", "model", "workload"}
    assert "kapture_tui/workload/petstore/data/zipcodes.tsv.gz" in files
    assert not [name for name in files if "__pycache__" in name]


# --- which wheels ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("architecture", ["amd64", "arm64"])
def test_the_listed_wheels_are_those_the_release_was_tested_with(architecture: str) -> None:
    pinned = set((ROOT / "constraints.txt").read_text().splitlines())
    listed = {wheel.requirement for wheel in wheels.wanted(architecture)}
    clients = {name for entry in CATALOGUE.values() for name in entry.wheels}
    assert {requirement.partition("==")[0] for requirement in listed} == {
        *("confluent-kafka", "orjson", "prometheus-client", "redis"),
        *clients,
    }
    assert listed <= pinned, "constraints.txt has changed: run tools/lock_wheels.py"


@pytest.mark.parametrize(
    "component", [c for c in Component if CATALOGUE[c].wheels], ids=lambda component: component.value
)
def test_what_a_package_requires_travels_with_it(component: Component) -> None:
    packed = {*CATALOGUE[component].wheels, "confluent-kafka", "orjson", "prometheus-client", "redis"}
    pods = {"python_version": wheels.PYTHON, "sys_platform": "linux", "extra": ""}
    for name in CATALOGUE[component].wheels:
        needs = [Requirement(text) for text in requires(name) or ()]
        wanted = {canonicalize_name(n.name) for n in needs if n.marker is None or n.marker.evaluate(pods)}
        assert wanted <= packed, name


class Index:
    """Stands in for pip and its index: puts files into a folder."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = dict(files)
        self.asked: list[list[str]] = []

    def download(self, missing: list[Wheel], architecture: str, folder: Path) -> None:
        self.asked.append([wheel.file for wheel in missing])
        for wheel in missing:
            if wheel.file not in self.files:
                raise wheels.NotFetched("fetching", "nobody there")
            (folder / wheel.file).write_bytes(self.files[wheel.file])


FILES = {
    "a-1.0-py3-none-any.whl": {"a/__init__.py": b"a = 1"},
    "b-2.0-cp313-cp313-manylinux_2_28_x86_64.whl": {"b.so": b"machine code"},
    "b-2.0-cp313-cp313-manylinux_2_28_aarch64.whl": {"b.so": b"other code"},
}


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Index:
    (tmp_path / "made").mkdir()
    content = {n: wheel_with(tmp_path / "made" / n, files).read_bytes() for n, files in FILES.items()}
    listed = tmp_path / "wheels.sha256"
    listed.write_text("".join(f"{hashlib.sha256(c).hexdigest()}  {n}\n" for n, c in content.items()))
    index = Index(content)
    monkeypatch.setattr(wheels, "_LIST", listed)
    monkeypatch.setattr(wheels, "_download", index.download)
    return index


PURE, AMD64, ARM64 = FILES


def test_wheels_are_fetched_once(index: Index, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    assert [path.name for path in wheels.fetch("amd64", cache)] == [PURE, AMD64]
    assert [path.name for path in wheels.fetch("arm64", cache)] == [PURE, ARM64]
    wheels.fetch("amd64", cache)
    assert index.asked == [[PURE, AMD64], [ARM64]]


def test_a_damaged_wheel_is_fetched_again(index: Index, tmp_path: Path) -> None:
    wheels.fetch("amd64", tmp_path)
    (tmp_path / PURE).write_bytes(index.files[PURE][:-1])
    wheels.fetch("amd64", tmp_path)
    assert index.asked[1:] == [[PURE]]
    assert (tmp_path / PURE).read_bytes() == index.files[PURE]


def test_an_index_with_another_wheel_is_not_believed(index: Index, tmp_path: Path) -> None:
    index.files[AMD64] += b"!"
    with pytest.raises(KaptureError, match=f"fetching {AMD64}: its hash is not the one") as caught:
        wheels.fetch("amd64", tmp_path)
    assert not isinstance(caught.value, wheels.NotFetched)  # that would be answered with slower packages
    assert not (tmp_path / AMD64).exists()


def test_without_an_index_what_is_installed_goes_instead(index: Index, tmp_path: Path) -> None:
    index.files.clear()
    slow = bundle("amd64", tmp_path)
    assert slow.slow == "fetching: nobody there"
    files = unpacked(slow)
    assert {"kafka/__init__.py", "redis/__init__.py", "prometheus_client/__init__.py"} <= files.keys()
    assert f"kafka_python-{version('kafka-python')}.dist-info/METADATA" in files
    assert json.loads(facts([slow])["amd64.json"])["python"] is None
    assert bundle("riscv64", tmp_path).chunks == slow.chunks


# --- the bundle ------------------------------------------------------------------------------------------------------


def unpacked(packed: Bundle) -> dict[str, bytes]:
    return contents_of(b"".join(packed.chunks))


def test_wheels_and_package_in_chunks(index: Index, tmp_path: Path) -> None:
    found = bundle("amd64", tmp_path)
    assert (found.architecture, found.slow) == ("amd64", "")
    assert found.digest == hashlib.sha256(b"".join(found.chunks)).hexdigest()
    package = pack.of_package(ROOT / "kapture_tui", ("model", "workload"))
    assert unpacked(found) == {"a/__init__.py": b"a = 1", "b.so": b"machine code"} | package
    assert len(found.chunks) > 0
    assert {len(chunk) for chunk in found.chunks[:-1]} <= {CHUNK_BYTES}
    assert bundle("amd64", tmp_path / "other cache") == found
    assert bundle("arm64", tmp_path).digest != found.digest


def test_packed_wheels_are_kept_and_damage_is_noticed(index: Index, tmp_path: Path) -> None:
    first = bundle("amd64", tmp_path)
    (kept,) = tmp_path.glob("*.tar.xz")
    for path in (tmp_path / "wheels").iterdir():
        path.unlink()
    assert bundle("amd64", tmp_path) == first
    assert len(index.asked) == 1
    kept.write_bytes(kept.read_bytes()[:-1])
    assert bundle("amd64", tmp_path) == first
    assert len(index.asked) == 2


def test_a_cache_that_cannot_be_written_is_said(index: Index, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(KaptureError, match=r"packing the bundle, with its cache in .*set XDG_CACHE_HOME"):
        bundle("amd64", tmp_path / "file")


# --- unpacking -------------------------------------------------------------------------------------------------------

BUNDLE = Bundle(
    "amd64", hashlib.sha256(pack.pack({"a.py": b"a = 1"})).hexdigest(), (pack.pack({"a.py": b"a = 1"}),)
)


def cut(whole: Bundle, size: int) -> Bundle:
    content = b"".join(whole.chunks)
    return replace(whole, chunks=tuple(content[at : at + size] for at in range(0, len(content), size)))


def mounted(folder: Path, *bundles: Bundle) -> Path:
    """The folder as the projected volume would look."""
    by_name = {name: chunk for each in bundles for name, chunk in each.config_maps.items()}
    for name, text in facts(bundles).items():
        (folder / name).write_text(text)
    for source in volume_sources(bundles)[1:]:
        (item,) = source["configMap"]["items"]
        assert item["key"] == "chunk"
        (folder / item["path"]).write_bytes(by_name[source["configMap"]["name"]])
    return folder


def this_python(packed: Bundle) -> Bundle:
    return replace(packed, slow="of pure Python")


@pytest.mark.parametrize("machine", ["x86_64", "amd64"])
def test_it_is_unpacked_as_it_was_packed(unpacker: ModuleType, tmp_path: Path, machine: str) -> None:
    (tmp_path / "source").mkdir()
    other = replace(this_python(BUNDLE), architecture="arm64", chunks=(b"other",))
    source = mounted(tmp_path / "source", this_python(cut(BUNDLE, 7)), other)
    line = unpacker.main(source, tmp_path / "target", machine)
    assert line.startswith(f"{sum(map(len, BUNDLE.chunks))} bytes for amd64 unpacked")
    assert (tmp_path / "target/a.py").read_bytes() == b"a = 1"


def test_what_is_wrong_is_said(unpacker: ModuleType, tmp_path: Path) -> None:
    source = mounted(tmp_path, this_python(cut(BUNDLE, 30)))

    def refused(match: str, machine: str = "x86_64") -> None:
        with pytest.raises(unpacker.Unusable, match=match):
            unpacker.main(source, tmp_path / "target", machine)
        assert not (tmp_path / "target").exists()

    refused(r"no bundle for arm64, only for: amd64\.", "aarch64")
    refused(r"no bundle for s390x, only for: amd64\.", "s390x")
    (source / "amd64-01").write_bytes(b"?")
    refused(f"do not fit together: sha256 is .*, not {BUNDLE.digest}")
    (source / "amd64-01").unlink()
    refused(r"chunks are missing: amd64-01 of \d")
    (source / "amd64.json").unlink()
    refused("only for: none at all")


def test_shared_objects_need_the_python_they_were_built_for(
    unpacker: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = mounted(tmp_path, BUNDLE)
    monkeypatch.setattr(sys, "version_info", (3, 12, 1, "final", 0))
    with pytest.raises(unpacker.Unusable, match=r"needs CPython 3\.13 and glibc, the image has 3\.12 and "):
        unpacker.main(source, tmp_path / "target", "x86_64")
    monkeypatch.setattr(sys, "version_info", (3, 13, 1, "final", 0))
    monkeypatch.setattr(unpacker.platform, "libc_ver", lambda: ("", ""))
    with pytest.raises(unpacker.Unusable, match=r"the image has 3\.13 and another C library"):
        unpacker.main(source, tmp_path / "target", "x86_64")
    monkeypatch.setattr(unpacker.platform, "libc_ver", lambda: ("glibc", "2.41"))
    unpacker.main(source, tmp_path / "target", "x86_64")
    assert (tmp_path / "target/a.py").exists()
