"""Where the log does not tell the whole, images do not go on as if it did: they begin anew from the shop, and say why."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from makewhole.core import clock
from makewhole.engine import image as mover
from makewhole.model.image import Kind
from tests.changelog import test_archive
from tests.images import shops
from tests.images.test_take import MINUTE
from tests.servers import launch
from tests.servers import mariadb as mariadb_recipe

pytestmark = [pytest.mark.server, pytest.mark.slow]


@pytest.fixture
def server() -> Iterator[launch.Server]:
    """Of our own: its logs are purged."""
    with launch.started(mariadb_recipe.recipe()) as told:
        yield told


def test_statements_without_rows_and_purged_logs(server: launch.Server, tmp_path: Path) -> None:
    """TRUNCATE, a session that logs statements, a log that is gone: what was before is exact, what follows is what is there."""
    ticking = clock.ManualClock(shops.START)
    with contextlib.closing(shops.ServerShop(tmp_path, server)) as shop:
        shop.write(shops.START - MINUTE, *(f"INSERT INTO orders VALUES ({i}, 'N{i}', 0, 1, NULL, NULL, NULL)" for i in range(1, 9)))
        with shops.studio(shop, tmp_path / "images", ticking) as studio:
            list(mover.take(studio))

            def next_one(*statements: str) -> str:
                shop.write(ticking.now() + MINUTE, "UPDATE orders SET amount = amount + 1 WHERE id = 1")
                before = shop.told()
                ticking.advance(20 * MINUTE)
                for sql in statements:
                    shop.session(ticking.now(), sql)
                ticking.advance(timedelta(minutes=1))
                *grid, opening = mover.take(studio)
                assert opening.kind is Kind.OPENING
                assert all(shops.same(shops.state(studio.album, h), shops.spelled(before)) for h in grid)
                assert shops.same(shops.state(studio.album, opening), shops.spelled(shop.told()))
                return opening.why

            assert "TRUNCATE TABLE items" in next_one("TRUNCATE TABLE items")
            unseen = ("SET binlog_format = STATEMENT", "UPDATE orders SET status = 2", "SET binlog_format = ROW")
            assert "UPDATE orders SET status = ?" in next_one(*unseen)  # no image holds its values
        shop.write(ticking.now() + MINUTE, "UPDATE orders SET amount = 7 WHERE id = 1")
        test_archive.purge(server)
        ticking.advance(20 * MINUTE)
        with shops.studio(shop, tmp_path / "images", ticking) as studio:
            (opening,) = mover.take(studio)
            assert opening.kind is Kind.OPENING
            assert "gap" in opening.why
            assert shops.same(shops.state(studio.album, opening), shops.spelled(shop.told()))
