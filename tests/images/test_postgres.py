"""Images of a PostgreSQL shop on a real server: they hold what a SELECT told, whatever was written, starred or truncated."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner, Result

from makewhole import settings
from makewhole.cli import program
from makewhole.core import clock
from makewhole.engine import image as mover
from makewhole.model import image
from makewhole.model.image import Kind
from makewhole.wiring import images as wiring_images
from tests.changelog.postgres import slotted
from tests.images import shops, test_truth
from tests.images.test_take import MINUTE
from tests.rollback.postgres import shop as tea
from tests.servers import postgres

pytestmark = pytest.mark.server
STEPS = 6
CARD = "6222021234567890128"


def test_every_image_is_what_a_select_told(postgresql: postgres.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Random writes, with types that a driver would spell in another way; after TRUNCATE and a new type the tables are read anew."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MAKEWHOLE_SHOP_PASSWORD", "reader")
    shops.shop_map(tmp_path, "postgres")
    tables = [table.format(key="BIGINT PRIMARY KEY") for table in shops.TABLES]
    with slotted.slotted(postgresql, *tables, "ALTER TABLE items ALTER quantity TYPE NUMERIC(9,2)") as told:
        told.keep("orders", "items")
        # Between two quarters, whenever this is run: every advance passes one.
        ticking, r = clock.ManualClock(image.following(datetime.now(UTC)) + 5 * MINUTE), random.Random(7)
        address = f"postgresql://reader@127.0.0.1:{postgresql.port}/{told.database}"
        config = settings.Settings(shop=settings.ShopSettings(file=str(tmp_path / "shop.toml"), database=address))

        def taken(*statements: str) -> list[Kind]:
            """The images that are made after these; the last holds what stands there."""
            for sql in statements:
                _try(told, sql)
            ticking.advance(15 * MINUTE)
            with wiring_images.open_studio(config, ticking=ticking) as studio:
                heads = list(mover.take(studio))
                want = {role: told.ask(sql) for role, sql in shops.SELECTS.items()}
                assert shops.same(shops.state(studio.album, heads[-1]), shops.spelled(want)), heads[-1]
                checked = mover.check(studio)
                assert checked is not None
                assert (checked.count, checked.unsure) == (0, 0), checked.differences
            return [head.kind for head in heads]

        assert taken(*(f"INSERT INTO orders VALUES ({i}, 'N{i}', 0, 1)" for i in range(1, 9))) == [Kind.OPENING]
        for _ in range(STEPS):
            assert Kind.OPENING not in taken(*(test_truth.statement(r) for _ in range(r.randint(1, 4))))
        assert taken("INSERT INTO items VALUES (99, 1, 'x', 1)", "TRUNCATE items") == [Kind.OPENING]
        assert taken("INSERT INTO items VALUES (98, 1, 'x', 1)", "ALTER TABLE items ALTER quantity TYPE NUMERIC(9,3)") == [Kind.OPENING]
        told.take_out()
        assert taken("UPDATE orders SET status = 2") == [Kind.OPENING]


def _try(told: slotted.Slotted, sql: str) -> None:
    """One statement of the other databases' tests; one that a key forbids does nothing."""
    try:
        told.shop.execute(sql.replace("OR IGNORE ", ""))
    except psycopg.errors.UniqueViolation:
        return


@pytest.fixture
def shop(postgresql: postgres.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tea.Shop]:
    """Four paid orders, the first with two items."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MAKEWHOLE_SHOP_PASSWORD", "reader")
    monkeypatch.setenv("MAKEWHOLE_SHOP_HANDS_PASSWORD", "app")
    with slotted.slotted(postgresql, *tea.SCHEMA) as told:
        yield tea.opened(told, tmp_path)


def images(shop: tea.Shop, *arguments: str) -> Result:
    """The command, with the shop attached."""
    return CliRunner().invoke(program.PROGRAM, ["images", *arguments, *shop.attached(), "--lang", "en"], catch_exceptions=False)


def test_an_order_goes_back_to_what_an_image_holds_and_stars_never(shop: tea.Shop) -> None:
    """Through rollback's locks and comparisons; a card's number that was starred in the archive is not what the shop had."""
    file = shop.folder / "tea.toml"
    file.write_text(
        file.read_text(encoding="utf-8").replace(
            'version = "lock_version"', 'version = "lock_version"\nbuyer = { sql = "remark", privacy = "plain" }'
        )
    )
    assert images(shop, "take").exit_code == 0
    # Told by the archive alone, after the image: the log is run on from the one to the instant that is asked for.
    shop.run(f"UPDATE orders SET remark = '{CARD}' WHERE id = 2", "UPDATE orders SET remark = 'tea' WHERE id = 1")
    history = ["history", "N1", "--archive", "makewhole-changes", *shop.attached()]
    assert CliRunner().invoke(program.PROGRAM, history, catch_exceptions=False).exit_code == 0
    ((at,),) = shop.rows("SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')")
    before = shop.rows("SELECT payment_status, amount, remark FROM orders ORDER BY id")
    shop.run("UPDATE orders SET payment_status = 'CLOSED', remark = 'bad'", "DELETE FROM order_item")
    for number, rows in (("N1", 3), ("N2", 1)):
        told = images(shop, "restore", number, "--at", at, "--output", str(shop.folder / number), "--json")
        plan: dict[str, Any] = json.loads(told.stdout)
        assert plan["rows"] == rows, told.output
        assert shop.apply(plan)["proven"] == rows
    after = shop.rows("SELECT payment_status, amount, remark FROM orders ORDER BY id")
    assert after[0] == before[0]
    assert after[1] == (*before[1][:2], "bad")
    assert shop.rows("SELECT id, order_id, sku, quantity FROM order_item ORDER BY id") == [(1, 1, "tea", 2), (2, 1, "cup", 1)]
