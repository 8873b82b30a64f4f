"""The tea shop on every database, with a few orders in every state, for tests of eyes and hands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from makewhole.adapters.shops import engines, eyes, hands
from makewhole.core import clock, ids
from makewhole.model import order
from tests.servers import launch, postgres
from tests.shops import tea

CREATED = tea.NOW - timedelta(hours=2)


@dataclass(frozen=True, kw_only=True)
class Shop:
    """One shop with its eyes, its hands, and the engines below them."""

    eyes: eyes.SqlEyes
    hands: hands.SqlHands
    writer: sa.Engine
    reader: sa.Engine
    clock: clock.ManualClock

    def order(self, number: str) -> order.ShopOrder:
        """The order's own row as the eyes read it."""
        return next(c for c in self.eyes.read([ids.OrderNumber(number)])[ids.OrderNumber(number)][0] if isinstance(c, order.ShopOrder))

    def rows(self) -> dict[str, list[tuple[object, ...]]]:
        """All rows of all tables."""
        return tea.everything(self.writer)

    def sql(self, statement: str) -> list[tuple[object, ...]]:
        """Whatever a test wants of the database, committed."""
        with self.writer.begin() as connection:
            told = connection.exec_driver_sql(statement)
            return [tuple(r) for r in told] if told.returns_rows else []


def attach(url: str, reader_url: str) -> Shop:
    """The shop at an address, filled."""
    writer, reader, now = engines.for_hands(url), engines.for_eyes(reader_url), clock.ManualClock(tea.NOW)
    tea.create(writer)
    with writer.begin() as connection:
        fill(connection)
    map_ = tea.shop_map()
    return Shop(
        eyes=eyes.attach(map_, reader, now, tea.SECRET),
        hands=hands.attach(map_, writer, reader),
        writer=writer,
        reader=reader,
        clock=now,
    )


def fill(connection: sa.Connection) -> None:
    """Orders O1 (open), C1 (closed, gave everything back), P1 (paid), each of two units of sku a and one of b, each with a coupon."""
    created = tea.wall(CREATED)
    common: dict[str, object] = {"buyer": "m1", "due": "128.50", "parts": 12850, "created": created, "channel": "none", "kind": 1}
    orders: list[dict[str, object]] = [
        {"id": 1, "sn": "O1", "state": 0, "is_del": 0, "coupon": "c-O1"},
        {"id": 2, "sn": "C1", "state": 0, "is_del": 1, "coupon": "c-C1", "closed_at": tea.wall(CREATED + timedelta(minutes=30))},
        {"id": 3, "sn": "P1", "state": 1, "is_del": 0, "coupon": "c-P1", "txn": "T3", "paid": 12850, "paid_at": unix(CREATED)},
    ]
    tea.insert(connection, "t_order", [{**common, **told} for told in orders])
    lines = [{"order_id": o["id"], "sn": o["sn"], "sku": s, "num": n, "amount": "64.25"} for o in orders for s, n in (("b", 1), ("a", 2))]
    tea.insert(connection, "t_item", lines)
    tea.insert(connection, "t_sku", [{"sku": s, "stock": 10, "locked": n, "price": "32.00"} for s, n in (("a", 2), ("b", 1))])
    moves = [(1, -1), (2, -1), (2, 1), (3, -1)]
    tea.insert(connection, "t_flow", [{"order_id": o, "sku": s, "num": d * n} for o, d in moves for s, n in (("a", 2), ("b", 1))])
    coupons: list[dict[str, object]] = [
        {"id": "c-O1", "order_id": 1, "state": 1, "used": created},
        {"id": "c-C1", "order_id": None, "state": 0, "used": None},
        {"id": "c-P1", "order_id": 3, "state": 1, "used": created},
    ]
    tea.insert(connection, "t_coupon", coupons)


def unix(instant: datetime) -> int:
    """Whole seconds since 1970."""
    return int(instant.timestamp())


@pytest.fixture(params=["sqlite", *(pytest.param(name, marks=pytest.mark.server) for name in ("mariadb", "mysql8", "postgresql"))])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shop]:
    """The shop on each database, fresh for each test."""
    if request.param == "sqlite":
        url = reader = f"sqlite:///{tmp_path / 'shop.db'}"
    else:
        server: launch.Server | postgres.Server = request.getfixturevalue(request.param)
        database = server.create_database()
        url, reader = server.url(database), server.url(database, "reader")
    made = attach(url, reader)
    yield made
    made.writer.dispose()
    made.reader.dispose()
