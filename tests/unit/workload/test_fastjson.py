"""Both codecs agree on what our records are, and on what is none."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kapture_tui.workload import fastjson


def load_without_orjson() -> ModuleType:
    """The module as it is in a bundle of pure-Python wheels."""
    spec = spec_from_file_location("slowjson", fastjson.__file__)
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "orjson", None)
        spec.loader.exec_module(module)
    return module


SLOW = load_without_orjson()

plain = st.none() | st.booleans() | st.integers(-(1 << 63), (1 << 63) - 1) | st.text(max_size=8)
values = st.recursive(
    plain | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: (
        st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=8) | st.integers(-(1 << 53), 1 << 53), inner, max_size=3)
    ),
)


@given(values)
def test_what_one_writes_the_other_reads(value: Any) -> None:
    fast, slow = fastjson.dumps(value), SLOW.dumps(value)
    expected = fastjson.loads(fast)
    assert SLOW.loads(fast) == fastjson.loads(slow) == SLOW.loads(slow) == expected
    assert SLOW.loads(fast.decode()) == expected


@pytest.mark.parametrize("module", [fastjson, SLOW])
@pytest.mark.parametrize(
    "text", [b"", b"{", b"\xff", b"[" * 100_000, b"NaN", b"[Infinity]", b"-Infinity", b"1 2"]
)
def test_what_is_no_json_is_a_value_error(module: ModuleType, text: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011, each codec has words of its own
        module.loads(text)


def test_the_test_tells_them_apart() -> None:
    assert hasattr(fastjson, "orjson")
    assert not hasattr(SLOW, "orjson")
