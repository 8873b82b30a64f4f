"""On every database that keeps a log: an image is what a SELECT told at its instant, and so is an order at any minute between two."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from makewhole.core import clock
from makewhole.engine import image as mover
from makewhole.model.image import Kind
from tests.images import shops
from tests.images.test_take import MINUTE, told
from tests.servers import launch

STEPS = 30
"""Transactions, over about two days."""


@contextlib.contextmanager
def a_shop(request: pytest.FixtureRequest, folder: Path) -> Iterator[shops.Shop]:
    """Of the kind that the test's parameter names."""
    if request.param == "sqlite":
        with shops.sqlite_shop(folder) as made:
            yield made
        return
    server: launch.Server = request.getfixturevalue(request.param)
    with contextlib.closing(shops.ServerShop(folder, server)) as told:
        yield told


@pytest.fixture(params=["sqlite", pytest.param("mariadb", marks=pytest.mark.server), pytest.param("mysql8", marks=pytest.mark.server)])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[shops.Shop]:
    """An empty shop on each database that keeps a log."""
    with a_shop(request, tmp_path) as made:
        yield made


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_every_image_is_what_a_select_told_at_its_instant(shop: shops.Shop, tmp_path: Path, seed: int) -> None:
    """Random inserts, updates (of keys and orders too) and deletes over two days; images taken now and then, and left off in the middle."""
    r = random.Random(seed)
    ticking = clock.ManualClock(shops.START)
    shop.write(shops.START - MINUTE, *(f"INSERT INTO orders VALUES ({i}, 'N{i}', 0, 1, NULL, NULL, NULL)" for i in range(1, 9)))
    truth = [(shops.START, shop.told())]
    with shops.studio(shop, tmp_path / "images", ticking) as studio:
        list(mover.take(studio))
    for _ in range(STEPS):
        ticking.advance(r.choice([1, 20, 60, 150]) * MINUTE * r.random())
        shop.write(ticking.now(), *(statement(r) for _ in range(r.randint(1, 4))))
        truth.append((ticking.now(), shop.told()))
        if r.random() < 0.2:
            with shops.studio(shop, tmp_path / "images", ticking) as studio:
                for _ in mover.take(studio):
                    if r.random() < 0.1:
                        break
    ticking.advance(16 * MINUTE)
    with shops.studio(shop, tmp_path / "images", ticking) as studio:
        list(mover.take(studio))
        heads = studio.album.heads(shops.START, ticking.now())
        assert [h.kind for h in heads].count(Kind.BASE) >= 1
        for head in heads[1:]:
            want = next(t for at, t in reversed(truth) if at < head.at)
            assert shops.same(shops.state(studio.album, head), shops.spelled(want)), head
        assert studio.album.compact(ticking.now()) > 0
        for at, want in r.sample(truth[1:], 10):
            number = f"N{r.randint(1, 12)}"
            found = told(studio, number, at + timedelta(milliseconds=1))
            rows = shops.spelled(want)
            mine = {f"order {k}" for k, row in rows["order"].items() if row["number"] == number}
            mine |= {f"item {k}" for k, row in rows["item"].items() if f"order {row['order_id']}" in mine}
            assert set(found) == mine, (number, at)
        checked = mover.check(studio)
        assert checked is not None
        assert (checked.count, checked.unsure) == (0, 0)


def statement(r: random.Random) -> str:
    """One write. Numbers and keys are few, so that rows come back under the names of others."""
    order, item = r.randint(1, 12), r.randint(1, 12)
    return r.choice(
        [
            f"INSERT OR IGNORE INTO orders VALUES ({order}, 'N{r.randint(1, 12)}', 0, {r.randint(1, 999)}, '139', 'x', 'y')",
            f"UPDATE orders SET status = {r.randint(0, 2)}, amount = {r.randint(1, 9)} WHERE id = {order}",
            f"UPDATE orders SET number = 'N{r.randint(1, 12)}' WHERE id = {order}",
            f"UPDATE OR IGNORE orders SET id = {r.randint(1, 12)} WHERE id = {order}",
            f"DELETE FROM orders WHERE id = {order}",
            f"INSERT OR IGNORE INTO items VALUES ({item}, {order}, '茶', 1)",
            f"UPDATE items SET order_id = {order}, quantity = {r.choice(['NULL', '3'])} WHERE id = {item}",
            f"DELETE FROM items WHERE id = {item}",
        ]
    )
