"""Servers that several modules of tests use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.local.mongo_server import MongoServer


@pytest.fixture(scope="module")
def running_mongo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MongoServer]:
    """A Mongo for the tests of one module."""
    server = MongoServer(tmp_path_factory.mktemp("mongo"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def mongo(running_mongo: MongoServer) -> MongoServer:
    """The server without any data."""
    with running_mongo.client as client:
        client.drop_database("pets")
    return running_mongo
