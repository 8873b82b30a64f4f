"""One fresh store for a test, on each database in turn; those that need a server carry its marker."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from makewhole.adapters.store import journal

SERVERS = ("mariadb", "mysql8")
FILES = [pytest.param("sqlite"), *(pytest.param(name, marks=pytest.mark.server) for name in SERVERS)]
"""Databases that several processes can open."""


@pytest.fixture
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a fresh empty database. Parametrised by the tests that take it, indirectly."""
    match request.param:
        case "memory":
            return "sqlite://"
        case "sqlite":
            return f"sqlite:///{tmp_path / 'store.db'}"
        case name:
            server = request.getfixturevalue(name)
            url: str = server.url(server.create_database())
            return url


@pytest.fixture
def store(address: str) -> Iterator[journal.SqlStore]:
    with journal.SqlStore(address) as opened:
        yield opened
