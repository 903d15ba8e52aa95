"""No secrets in what is logged, printed or recorded."""

from __future__ import annotations

import re

_PASSWORD = re.compile(r"(?<=://)([^\s/@:]*):[^\s/@]*@")
_SECRET = re.compile(
    r"(?i)\b((?:[\w-]*(?:password|passwd|secret|token)|authorization|requirepass)[\"']?\s*[=:]\s*)(\"[^\"]*\"|'[^']*'|(?:bearer\s+|basic\s+)?[^\s,;)}\]]+)"
)


def redacted(text: str) -> str:
    """The text without passwords of URLs and the values of what is called a password, a secret or a token."""
    return _SECRET.sub(r"\1***", _PASSWORD.sub(r"\1:***@", text))
