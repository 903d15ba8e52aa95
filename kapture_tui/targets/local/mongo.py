"""Mongo for a local stack: only one that is there already, MongoDB or FerretDB."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kapture_tui.model.errors import UsageError
from kapture_tui.targets.local.server import Elsewhere

if TYPE_CHECKING:
    from kapture_tui.workload.sinks.mongo_link import MongoLink

OPTION = "--mongo-url"
ANSWER_S = 3.0
CLEAR_S = 60.0
"""How long it may take to drop a collection, seconds."""


class MongoServer(Elsewhere):
    """See `Server`."""

    def __init__(self) -> None:
        super().__init__("mongo", f"{OPTION} mongodb://…")

    def check(self, url: str) -> str:
        """See `Server`."""
        from pymongo.errors import PyMongoError

        link = _link(url, ANSWER_S)
        doing = f"Mongo at {link.shown_url}"
        try:
            version = _version(link.admin.command("buildInfo"))
            held = [name for name in link.database.list_collection_names() if not name.startswith("system.")]
        except PyMongoError as exc:
            raise UsageError(doing, link.said(exc), f"start it, or correct {OPTION}") from None
        finally:
            link.close()
        if held:
            # Ours have everyday names: in a database without any we never count or remove anybody else's.
            remedy = f"name an empty database with {OPTION} mongodb://HOST:PORT/NAME, or drop it"
            raise UsageError(
                doing, f"the database has {', '.join(sorted(held)[:3])} of somebody else", remedy
            )
        return f"{version} at {link.shown_url}"

    def clear(self, url: str) -> None:
        """See `Server`."""
        from kapture_tui.workload.sinks.mongo_link import BOOKS, DOCUMENTS, POSITIONS

        link = _link(url, CLEAR_S)
        try:
            for name in (DOCUMENTS, POSITIONS, BOOKS):
                link.collection(name).drop()
        finally:
            link.close()


def _link(url: str, answer_s: float) -> MongoLink:
    from kapture_tui.workload.sinks.mongo_link import MongoLink

    return MongoLink(url, answer_s)


def _version(said: dict[str, Any]) -> str:
    product = "ferretdb, which says it is mongodb" if "ferretdbVersion" in said else "mongodb"
    return f"{product} {said.get('version', '?')}"
