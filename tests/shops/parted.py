"""A shop whose orders have parts, on each database, with its eyes and hands: what tests of two tables and of one ask it alike."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa

from makewhole.adapters.shops import engines, eyes, hands, shopmap
from makewhole.core import clock, ids
from makewhole.model import finding, order, screen
from tests.servers import launch, postgres
from tests.shops import tea

DATABASES = ["sqlite", *(pytest.param(name, marks=pytest.mark.server) for name in ("mariadb", "postgresql"))]


@dataclass(frozen=True, kw_only=True)
class Shop:
    """The shop with its eyes and hands."""

    eyes: eyes.SqlEyes
    hands: hands.SqlHands
    writer: sa.Engine

    def order(self, number: str) -> order.ShopOrder:
        """What the eyes read of an order."""
        return next(c for c in self.eyes.read([ids.OrderNumber(number)])[ids.OrderNumber(number)][0] if isinstance(c, order.ShopOrder))

    def sql(self, statement: str) -> list[tuple[object, ...]]:
        """Whatever a test wants of the database, committed."""
        with self.writer.begin() as connection:
            told = connection.exec_driver_sql(statement)
            return [tuple(r) for r in told] if told.returns_rows else []

    def named(self, *predicates: screen.Predicate, since: str | None = None) -> list[set[str]]:
        """For each predicate, the orders that its screen names; of those that changed alone, with `since`."""
        ailments = dict(zip(finding.Ailment, predicates, strict=False))
        assert len(ailments) == len(predicates)
        found: dict[finding.Ailment, set[str]] = {a: set() for a in ailments}
        for suspect in self.eyes.suspects(list(ailments.items()), since):
            for ailment in suspect.ailments:
                found[ailment].add(suspect.number)
        return list(found.values())


@contextlib.contextmanager
def opened(request: pytest.FixtureRequest, folder: Path, create: Callable[[sa.Engine], None], map_: shopmap.ShopMap) -> Iterator[Shop]:
    """Empty, on the database that the request names."""
    if request.param == "sqlite":
        url = reader = f"sqlite:///{folder / 'shop.db'}"
    else:
        server: launch.Server | postgres.Server = request.getfixturevalue(request.param)
        database = server.create_database()
        url, reader = server.url(database), server.url(database, "reader")
    writer, reading = engines.for_hands(url), engines.for_eyes(reader)
    create(writer)
    yield Shop(
        eyes=eyes.attach(map_, reading, clock.ManualClock(tea.NOW), tea.SECRET), hands=hands.attach(map_, writer, reading), writer=writer
    )
    writer.dispose()
    reading.dispose()
