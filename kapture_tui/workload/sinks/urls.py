"""Databases' URLs as they may be shown: in messages and logs, which must not tell a password."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit


def without_password(url: str) -> str:
    """A URL that may be shown."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def without_secrets(text: str, url: str) -> str:
    """The text with the URL's password, as it is written and as it is meant, replaced."""
    try:
        password = urlsplit(url).password or ""
    except ValueError:  # where its password begins and ends is anybody's guess
        return "the URL is not valid"
    for secret in sorted({password, unquote(password)} - {""}, key=len, reverse=True):
        text = text.replace(secret, "…")
    return text
