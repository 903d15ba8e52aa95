"""JSON by orjson where it exists; a bundle of pure-Python wheels only does the same more slowly."""

from __future__ import annotations

import json
from typing import Any

try:
    import orjson
except ImportError:

    def loads(text: bytes | str) -> Any:
        """The value of a JSON text. Raises ValueError."""
        return json.loads(text)

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
