"""A connection to MongoDB or FerretDB, and the little that sink, spout and statistics all need of it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from pymongo import MongoClient
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import CollectionInvalid, OperationFailure, PyMongoError
from pymongo.write_concern import WriteConcern

from kapture_tui.model.errors import Unreachable
from kapture_tui.workload.sinks.base import SinkUnavailable
from kapture_tui.workload.sinks.urls import without_password, without_secrets

log = logging.getLogger(__name__)

Document = dict[str, Any]

DATABASE = "kapture"
"""Used where the URL names none."""

DOCUMENTS = "transactions"
POSITIONS = "kapture.positions"
"""Collections: the documents, and for each partition the offset and ledger half they reach to."""

BOOKS = "kapture.spout"
"""The collection with the one document that says what the spout has brought back."""

BOOKKEEPING = (POSITIONS, BOOKS)
"""What is in the database besides documents."""

SELECT_S = 2.0
"""How long to look for a server that takes writes, seconds."""

UPDATES = 1_000
UPDATES_FERRETDB = 1
"""Updates in one command. FerretDB 1.24 opens a connection to SQLite for each and never answers a hundred; one by one
they take it as long as together."""

STORED = WriteConcern("majority", j=True)
"""Written where neither a killed server nor a fail-over takes it back: what is acknowledged is not looked at again."""


class MongoLink:
    """Connects at the first use; the client reconnects by itself.

    Args:
        answer_s: how long an answer may take, seconds.
    """

    def __init__(self, url: str, answer_s: float) -> None:
        self.shown_url = without_password(url)
        self._url = url
        self._answer_s = answer_s
        self._client: MongoClient[Document] | None = None
        self._is_ferretdb = False

    @property
    def database(self) -> Database[Document]:
        """The URL's database. Raises PyMongoError, Unreachable for a URL that is none."""
        return self._connected().get_default_database(DATABASE, write_concern=STORED)

    @property
    def admin(self) -> Database[Document]:
        """Where questions about the server are asked. Raises as `database`."""
        return self._connected().admin

    def _connected(self) -> MongoClient[Document]:
        if self._client is None:
            self._client = self._connect()
        return self._client

    def _connect(self) -> MongoClient[Document]:
        client = self._open(self._url)
        try:
            client.admin.command("ping")
        except OperationFailure as exc:
            if "unsupported authentication mechanism" not in str(exc).lower():
                raise
            log.warning(
                "%s has no users: it takes everybody's commands, with or without password", self.shown_url
            )
            client.close()
            client = self._open(without_user(self._url))
        self._is_ferretdb = "ferretdbVersion" in client.admin.command("buildInfo")
        return client

    def _open(self, url: str) -> MongoClient[Document]:
        milliseconds = int(1000 * self._answer_s)
        try:
            return MongoClient(
                url,
                serverSelectionTimeoutMS=int(1000 * SELECT_S),
                connectTimeoutMS=int(1000 * SELECT_S),
                socketTimeoutMS=milliseconds,
                appname="kapture",
            )
        except (ValueError, TypeError) as exc:  # PyMongoError's ConfigurationError is no ValueError
            raise Unreachable(f"reaching {self.shown_url}", self.said(exc)) from None

    @property
    def updates_at_once(self) -> int:
        """How many updates one command may have."""
        self._connected()
        return UPDATES_FERRETDB if self._is_ferretdb else UPDATES

    def collection(self, name: str) -> Collection[Document]:
        """One of our collections."""
        return self.database[name]

    def create(self, name: str) -> None:
        """Create a collection, unless it is there."""
        try:
            self.database.create_collection(name)
        except CollectionInvalid:
            pass
        except OperationFailure as exc:
            if exc.code != NAMESPACE_EXISTS:  # another process was faster
                raise

    def uuid(self, name: str) -> str:
        """Names a collection for as long as it lives; "" if it is not there.

        Raises: Unreachable: the server gives collections no names.
        """
        for found in self.database.list_collections(filter={"name": name}):
            if "uuid" not in found.get("info", {}):
                raise Unreachable(f"reaching {self.shown_url}", "the server does not tell collections' UUIDs")
            return bytes(found["info"]["uuid"]).hex()
        return ""

    @contextmanager
    def errors(self, doing: str) -> Iterator[None]:
        """Whatever the client raises meanwhile becomes SinkUnavailable."""
        try:
            yield
        except (PyMongoError, Unreachable) as exc:
            cause = exc.cause if isinstance(exc, Unreachable) else self.said(exc)
            raise SinkUnavailable(f"{doing} ({self.shown_url})", f"{type(exc).__name__}: {cause}") from exc

    def said(self, exc: Exception) -> str:
        """What the client says of an error, in short and without the URL's password."""
        return without_secrets(str(exc).partition(" (configured timeouts")[0], self._url)

    def close(self) -> None:
        """Let go of the connections."""
        if self._client is not None:
            self._client.close()


NAMESPACE_EXISTS = 48


def without_user(url: str) -> str:
    """The URL of the same server for somebody without a name."""
    parts = urlsplit(url)
    query = "&".join(
        option
        for option in parts.query.split("&")
        if not option.lower().startswith(("authsource=", "authmechanism"))
    )
    return without_password(parts._replace(query=query).geturl())
