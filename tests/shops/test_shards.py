"""Tables that were cut into shards by suffix say what one table says: to the eyes, to the screens and to the change log."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import sqlalchemy as sa

from makewhole.adapters.changelog import following, triggers
from makewhole.adapters.shops import engines, eyes, language, lens, shards, shopmap, traces
from makewhole.adapters.store import journal
from makewhole.core import clock, faults, ids
from makewhole.engine import heed
from makewhole.flow.diagnose import rule, rules
from tests.flow import told
from tests.servers import launch
from tests.shops import conftest, tea

CUT = ("t_order", "t_item", "t_pay", "t_refund")
COUNT = 2


def cut_map() -> shopmap.ShopMap:
    """The tea shop's map, its orders and what belongs to them in three tables each, without hands."""
    text = tea.SHOP_FILE.read_text(encoding="utf-8").split("[hands.")[0]
    for name in CUT:
        text = text.replace(f'table = "{name}"', f'table = "{name}_{{00..{COUNT - 1:02d}}}"')
    return shopmap.compile_map(language.parse(text, "cut.toml"))


def cut(engine: sa.Engine) -> None:
    """The same rows once more, cut by the order's key."""
    with engine.begin() as connection:
        for table in CUT:
            key = "id" if table == "t_order" else "order_id"
            for i in range(COUNT):
                rows = f"SELECT * FROM {table} WHERE COALESCE({key}, 0) % {COUNT} = {i}"
                if engine.dialect.name == "sqlite":
                    connection.execute(sa.text(f"CREATE TABLE {table}_{i:02d} AS {rows}"))
                    continue
                connection.execute(sa.text(f"CREATE TABLE {table}_{i:02d} LIKE {table}"))
                connection.execute(sa.text(f"INSERT INTO {table}_{i:02d} {rows}"))


def compare(engine: sa.Engine, reader: sa.Engine) -> None:
    tea.create(engine)
    with engine.begin() as connection:
        conftest.fill(connection)
        numbers = [ids.OrderNumber(str(n)) for (n,) in connection.exec_driver_sql("SELECT sn FROM t_order")]
    cut(engine)
    now = clock.ManualClock(tea.NOW)
    one, many = (eyes.attach(map_, reader, now, tea.SECRET) for map_ in (tea.shop_map(), cut_map()))
    assert len(numbers) > COUNT  # some shard holds several
    asked = [*numbers, ids.OrderNumber("nobody's")]
    assert many.read(asked) == one.read(asked)
    screens = rules.suspects(rule.Horizon(policy=told.BOOK.at(tea.NOW), now=tea.NOW, money=True))
    plain = {(s.number, frozenset(s.ailments)) for s in one.suspects(screens)}
    assert plain
    assert {(s.number, frozenset(s.ailments)) for s in many.suspects(screens)} == plain


def test_a_cut_shop_says_what_the_whole_one_says(tmp_path: Path) -> None:
    """On SQLite."""
    address = f"sqlite:///{tmp_path}/shop.db"
    compare(engines.for_hands(address), engines.for_eyes(address))


@pytest.mark.server
@pytest.mark.parametrize("name", ["mariadb", "mysql8"])
def test_a_cut_shop_says_the_same_on_a_server(name: str, request: pytest.FixtureRequest) -> None:
    """And on servers, which plan one statement over all shards."""
    server: launch.Server = request.getfixturevalue(name)
    database = server.create_database()
    compare(engines.for_hands(server.url(database)), engines.for_eyes(server.url(database, "reader")))


def test_the_change_log_knows_every_shard(tmp_path: Path) -> None:
    """An order in the last shard that is overwritten is named, and its key is found there."""
    address = f"sqlite:///{tmp_path}/shop.db"
    writer, reader, url = engines.for_hands(address), engines.for_eyes(address), sa.make_url(address)
    tea.create(writer)
    with writer.begin() as connection:
        conftest.fill(connection)
    cut(writer)
    map_ = cut_map()
    seen = lens.MapLens(map_, "", tea.SECRET, reader)
    assert {t.table for t in seen.tables if t.role == "order"} == {f"t_order_{i:02d}" for i in range(COUNT)}
    triggers.install(url, [t.table for t in seen.tables])
    with writer.begin() as connection:
        last = f"t_order_{COUNT - 1:02d}"
        key, number = connection.exec_driver_sql(f"SELECT id, sn FROM {last} WHERE buyer IS NOT NULL LIMIT 1").one()
        connection.exec_driver_sql(f"UPDATE {last} SET buyer = 'somebody' WHERE id = {key}")
    assert traces.key_of(map_, reader, ids.OrderNumber(number)) == str(key)
    with journal.SqlStore("sqlite://") as memory:
        trail = heed.LogTrail(ids.ShopName("tea"), lambda: following.open_stream(url, seen.tables), seen, memory.notebook, keeps=False)
        trail.catch_up(tea.NOW)
        assert trail.coverage().trouble == ""
        assert trail.orders() == (number,)


@pytest.mark.parametrize(
    "text, names",
    [
        ("t_order", ("t_order",)),
        ("t_order_{08..11}", ("t_order_08", "t_order_09", "t_order_10", "t_order_11")),
        ("t_{1..2}_order", ("t_1_order", "t_2_order")),
        ("orders_{2025,2026}", ("orders_2025", "orders_2026")),
    ],
)
def test_a_name_of_shards_is_the_names_of_its_tables(text: str, names: tuple[str, ...]) -> None:
    assert shards.expand(text, "here") == names


@pytest.mark.parametrize("text", ["t_{3..1}", "t_{0..9999}", "t_{", "t_{a..b}", "t_{1..2}_{1..2}"])
def test_a_wrong_name_of_shards_is_refused(text: str) -> None:
    """It says how one is written."""
    with pytest.raises(faults.BadInput, match=re.escape("not a name of tables")):
        shards.expand(text, "here")


def test_hands_on_shards_are_refused() -> None:
    """A declared write names one table: where the order's row is in sixteen, it would write into the wrong one."""
    text = tea.SHOP_FILE.read_text(encoding="utf-8").replace('table = "t_order"', 'table = "t_order_{00..02}"')
    with pytest.raises(faults.BadInput, match="is cut into shards"):
        shopmap.compile_map(language.parse(text, "cut.toml"))
