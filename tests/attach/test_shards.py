"""Tables that were cut by a numeric suffix are proposed as one, with the reason; copies, gaps and keys of one's own are told apart."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from makewhole.adapters.shops import engines, language, schema, shopmap, survey
from makewhole.attach import infer, proposal, shards, shopfile
from makewhole.attach.proposal import Asked, Why
from makewhole.attach.survey import Survey
from tests.attach import grading, making
from tests.servers import launch

PARTS = 6
ORDER = """CREATE TABLE {name} (id INTEGER PRIMARY KEY, order_sn VARCHAR(32) NOT NULL UNIQUE, user_id BIGINT NOT NULL,
    pay_amount DECIMAL(10,2) NOT NULL, status INT NOT NULL, create_time DATETIME NOT NULL, pay_time DATETIME)"""
ITEM = """CREATE TABLE {name} (id INTEGER PRIMARY KEY, order_id BIGINT NOT NULL, order_sn VARCHAR(32) NOT NULL, sku_id BIGINT NOT NULL,
    quantity INT NOT NULL, pay_amount DECIMAL(10,2) NOT NULL)"""


def whole(place: Path) -> tuple[str, making.Shop]:
    """A made shop in one piece."""
    told = making.parse((grading.STYLES / "java-mall.txt").read_text(encoding="utf-8"))
    return f"sqlite:///{place / 'shop.db'}", making.Maker(told, 1).make(place / "shop.db")


def cut(file: Path, table: str, by: str) -> None:
    """The table's rows into shards with the same columns, and the whole table away."""
    with sqlite3.connect(file) as connection:
        (made,) = connection.execute("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?", (table,)).fetchone()
        for i in range(PARTS):
            name = f"{table}_{i:02d}"
            connection.execute(made.replace(table, name, 1))
            connection.execute(f"INSERT INTO {name} SELECT * FROM {table} WHERE {by} % {PARTS} = {i}")
        connection.execute(f"DROP TABLE {table}")


def look(address: str) -> Survey:
    engine = engines.for_eyes(address)
    try:
        return survey.take(engine, "test")
    finally:
        engine.dispose()


def propose(told: Survey) -> proposal.Proposal:
    made = infer.propose(told)
    assert made is not None
    return made


@pytest.mark.slow
def test_a_cut_shop_is_proposed_as_the_whole_one_is(tmp_path: Path) -> None:
    """Every column, unit and state is the same; the tables are patterns, with the reason beside them; the file fits the shop."""
    address, shop = whole(tmp_path)
    one = propose(look(address))
    order, item = one.role("order"), one.role("item")
    assert order is not None
    assert item is not None
    cut(tmp_path / "shop.db", order.table, order.key)
    cut(tmp_path / "shop.db", item.table, item.link)
    seen = look(address)
    many = propose(seen)
    name = {t: f"{t}_{{00..{PARTS - 1:02d}}}" for t in (order.table, item.table)}
    assert shop.table == order.table
    assert {r.name: r.table for r in many.roles} == {r.name: name.get(r.table, r.table) for r in one.roles}
    assert {f.field: (f.sql, f.unit, f.values) for f in many.found} == {f.field: (f.sql, f.unit, f.values) for f in one.found}
    cast = many.role("order")
    assert cast is not None
    assert (cast.key, cast.states) == (order.key, order.states)
    assert [e.what for e in cast.evidence if e.why is Why.SHARDS] == [f"{PARTS}: {order.table}_00 … {order.table}_{PARTS - 1:02d}"]
    sampled = [t.name for t in seen.tables if t.name.startswith(f"{order.table}_0") and t.sample]
    assert len(sampled) == survey.SHARDS_SAMPLED < PARTS
    map_ = shopmap.compile_map(language.parse(shopfile.text(many, "cut", lambda _: "", ()), "proposed"))
    with engines.for_eyes(address).connect() as connection:
        schema.reflect(connection, map_)


def fill(connection: sqlite3.Connection, name: str, first: int, *, keys_from: int, paid: str = "2026-01-02 03:04:05") -> None:
    """Twenty orders with numbers from `first` on."""
    connection.execute(ORDER.format(name=name))
    for i in range(20):
        number = f"SN{20260000 + first + i}"
        row = (keys_from + i, number, i % 7, 10 + i, i % 3, "2026-01-02 00:00:00", paid if i % 3 else None)
        connection.execute(f"INSERT INTO {name} VALUES (?, ?, ?, ?, ?, ?, ?)", row)


def fill_items(connection: sqlite3.Connection, name: str, first: int, *, keys_from: int) -> None:
    """A line for each of them, with its order's key and its number."""
    connection.execute(ITEM.format(name=name))
    for i in range(20):
        row = (keys_from + i, keys_from + i, f"SN{20260000 + first + i}", 900 + i, 1, 10 + i)
        connection.execute(f"INSERT INTO {name} VALUES (?, ?, ?, ?, ?, ?)", row)


def test_where_each_shard_counts_its_own_rows_the_number_is_the_key(tmp_path: Path) -> None:
    """Row 1 is in both shards: a key that two orders share would join each with the other's lines."""
    with sqlite3.connect(tmp_path / "shop.db") as connection:
        for i in range(2):
            fill(connection, f"t_order_{i}", 100 * i, keys_from=1)
            fill_items(connection, f"t_order_item_{i}", 100 * i, keys_from=1)
    made = propose(look(f"sqlite:///{tmp_path / 'shop.db'}"))
    order, item, said = made.role("order"), made.role("item"), made.field("item.order")
    assert order is not None
    assert item is not None
    assert (order.table, order.key) == ("t_order_{0..1}", "order_sn")
    assert "order_id" not in {item.link, *({said.sql} if said is not None else ())}
    assert item.link == "order_sn" or (said is not None and said.sql == "order_sn")


@pytest.mark.slow
def test_a_key_that_samples_do_not_show_in_two_shards_is_looked_for(tmp_path: Path) -> None:
    """Thousands of rows with keys of each shard's own, neither the first nor the last of them in common."""
    with sqlite3.connect(tmp_path / "shop.db") as connection:
        for i, (first, last) in enumerate(((1, 9000), (4001, 13_000))):
            connection.execute(ORDER.format(name=f"t_order_{i}"))
            rows = ((k, f"SN{20260000 + 20_000 * i + k}", k % 7, k, k % 3, "2026-01-02 00:00:00", None) for k in range(first, last + 1))
            connection.executemany(f"INSERT INTO t_order_{i} VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
    order = propose(look(f"sqlite:///{tmp_path / 'shop.db'}")).role("order")
    assert order is not None
    assert (order.table, order.key) == ("t_order_{0..1}", "order_sn")


def test_copies_of_one_table_are_no_shards(tmp_path: Path) -> None:
    """They hold the same rows: read as one, every order would be there twice. Which of them is the order is asked."""
    with sqlite3.connect(tmp_path / "shop.db") as connection:
        for i in range(2):
            fill(connection, f"t_order_{i}", 0, keys_from=1)
    seen = look(f"sqlite:///{tmp_path / 'shop.db'}")
    made = propose(seen)
    (question,) = made.questions
    assert (question.asked, {c.table for c in question.choices}) == (Asked.TABLE, {"t_order_0", "t_order_1"})
    assert made.found == ()
    again = infer.propose(seen, {"order": "t_order_1"})
    assert again is not None
    order = again.role("order")
    assert order is not None
    assert order.table == "t_order_1"


def test_a_table_beside_its_shards_is_a_question(tmp_path: Path) -> None:
    """Orders of this year and those put away: which are meant is for a person to say."""
    with sqlite3.connect(tmp_path / "shop.db") as connection:
        fill(connection, "t_order", 0, keys_from=1)
        for i in (2023, 2024):
            fill(connection, f"t_order_{i}", i, keys_from=i)
    made = propose(look(f"sqlite:///{tmp_path / 'shop.db'}"))
    (question,) = [q for q in made.questions if q.asked is Asked.TABLE and q.field == "order"]
    assert {c.label for c in question.choices} == {"t_order", "t_order_{2023..2024}"}


def test_a_shard_with_other_columns_is_not_one_of_them(tmp_path: Path) -> None:
    """It is a rival that is asked about, never left out in silence."""
    with sqlite3.connect(tmp_path / "shop.db") as connection:
        for i in range(3):
            fill(connection, f"t_order_{i}", 100 * i, keys_from=1 + 100 * i)
        connection.execute("ALTER TABLE t_order_1 ADD COLUMN remark TEXT")
    made = propose(look(f"sqlite:///{tmp_path / 'shop.db'}"))
    (question,) = [q for q in made.questions if q.asked is Asked.TABLE and q.field == "order"]
    assert {c.label for c in question.choices} == {"t_order_{0,2}", "t_order_1"}


@pytest.mark.parametrize(
    "names, told",
    [
        (("t_0", "t_1"), "t_{0..1}"),
        (("t_08", "t_09", "t_10"), "t_{08..10}"),
        (("t_9", "t_10"), "t_{9..10}"),
        (("orders2023", "orders2025"), "orders{2023,2025}"),
        (("t_1", "t_02"), "t_{1,02}"),
    ],
)
def test_names_become_the_pattern_that_a_shop_file_writes(names: tuple[str, ...], told: str) -> None:
    assert shards.pattern(names) == told


@pytest.mark.server
def test_on_a_server_the_pattern_is_proposed_too(mariadb: launch.Server) -> None:
    """With comments, and keys that the shop draws for all shards together."""
    database = mariadb.create_database()
    writer = engines.for_hands(mariadb.url(database))
    with writer.begin() as connection:
        for i in range(16):
            made = ORDER.format(name=f"t_order_{i:02d}").replace("id INTEGER PRIMARY KEY", "id BIGINT PRIMARY KEY COMMENT '主键'")
            connection.exec_driver_sql(f"{made} COMMENT '订单表'")
            connection.exec_driver_sql(
                f"INSERT INTO t_order_{i:02d} SELECT seq * 16 + {i}, 2026000000000 + seq * 16 + {i}, MOD(seq, 7), seq, MOD(seq, 3), "
                "'2026-01-01' + INTERVAL seq MINUTE, IF(MOD(seq, 3), '2026-01-02', NULL) FROM seq_1_to_30"
            )
    writer.dispose()
    told = propose(look(mariadb.url(database, "reader")))
    order = told.role("order")
    assert order is not None
    assert (order.table, order.key) == ("t_order_{00..15}", "id")
    assert told.field("order.number") is not None
