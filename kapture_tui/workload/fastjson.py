"""JSON by orjson where it exists; a bundle of pure-Python wheels only does the same more slowly."""

from __future__ import annotations

import json
from typing import Any

try:
    import orjson
except ImportError:

    def _refuse(constant: str) -> Any:
        raise ValueError(f"{constant} is no JSON")

    _decode = json.JSONDecoder(parse_constant=_refuse).decode

    def loads(text: bytes | str) -> Any:
        """The value of a JSON text. Raises ValueError."""
        try:
            return _decode(text if isinstance(text, str) else text.decode())
        except RecursionError as exc:
            raise ValueError("nested too deeply") from exc

    def dumps(value: Any) -> bytes:
        """The JSON text of plain values; keys of mappings may be numbers."""
        return json.dumps(value, separators=(",", ":")).encode()

else:

    def loads(text: bytes | str) -> Any:
        """The value of a JSON text. Raises ValueError."""
        return orjson.loads(text)

    def dumps(value: Any) -> bytes:
        """The JSON text of plain values; keys of mappings may be numbers."""
        return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)
