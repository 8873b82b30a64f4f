"""Tables that were cut into shards by suffix say what one table says: to the eyes, to the screens and to the change log."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import sqlalchemy as sa

from makewhole.adapters.changelog import following, triggers
from makewhole.adapters.shops import engines, eyes, hands, language, lens, shards, shopmap, traces
from makewhole.adapters.store import journal
from makewhole.core import clock, faults, ids
from makewhole.engine import heed
from makewhole.flow.diagnose import rule, rules
from makewhole.model import run
from tests.flow import told
from tests.servers import launch
from tests.shops import conftest, tea, test_hands

CUT = ("t_order", "t_item", "t_pay", "t_refund", "t_flow", "t_log")
ELSEWHERE = ("reissue-order", "cancel-reissue", "publish-link")
"""Hands whose order is still to be written: in which shard is the shop's own rule."""
COUNT = 2


def cut_text(*without: str) -> str:
    """The tea shop's file, its orders and what belongs to them in shards, without some hands."""
    text = tea.SHOP_FILE.read_text(encoding="utf-8")
    for name in CUT:
        text = text.replace(f'table = "{name}"', f'table = "{name}_{{00..{COUNT - 1:02d}}}"')
    head, *hands_ = re.split(r"(?m)^(?=\[hands\.[a-z-]+\]$)", text)
    return head + "".join(h for h in hands_ if h.split("]")[0].removeprefix("[hands.") not in without)


def cut_map() -> shopmap.ShopMap:
    """Its map."""
    return shopmap.compile_map(language.parse(cut_text(*ELSEWHERE), "cut.toml"))


def cut(engine: sa.Engine) -> None:
    """The same rows once more, cut by the order's key."""
    with engine.begin() as connection:
        for table in CUT:
            key = "id" if table == "t_order" else "order_id"
            # A shard numbers the rows of its children itself, as a shop's own inserts would have it.
            own = [c["name"] for c in sa.inspect(connection).get_columns(table) if table == "t_order" or c["name"] != "id"]
            columns = ", ".join(own)
            for i in range(COUNT):
                connection.exec_driver_sql(_made(connection, table, f"{table}_{i:02d}"))
                rows = f"SELECT {columns} FROM {table} WHERE COALESCE({key}, 0) % {COUNT} = {i}"
                connection.execute(sa.text(f"INSERT INTO {table}_{i:02d} ({columns}) {rows}"))


def _made(connection: sa.Connection, table: str, name: str) -> str:
    match connection.dialect.name:
        case "sqlite":
            told = connection.execute(sa.text("SELECT sql FROM sqlite_master WHERE name = :table"), {"table": table}).scalar_one()
            return str(told).replace(table, name, 1)
        case "postgresql":
            return f"CREATE TABLE {name} (LIKE {table} INCLUDING ALL)"
        case _:
            return f"CREATE TABLE {name} LIKE {table}"


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
    assert shards.cut(text, "here").names == names


@pytest.mark.parametrize("text", ["t_{3..1}", "t_{0..9999}", "t_{", "t_{a..b}", "t_{1..2}_{1..2}"])
def test_a_wrong_name_of_shards_is_refused(text: str) -> None:
    """It says how one is written."""
    with pytest.raises(faults.BadInput, match=re.escape("not a name of tables")):
        shards.cut(text, "here")


# ---------------------------------------------------------------- hands


def numberless(connection: sa.Connection, table: str) -> list[tuple[object, ...]]:
    """A table's rows; but for orders and skus without their own number, which each shard counts for itself."""
    rows = [tuple(r) for r in connection.exec_driver_sql(f"SELECT * FROM {table}")]
    return rows if table in {"t_sku", "t_coupon"} or table.startswith("t_order") else [r[1:] for r in rows]


def everything(engine: sa.Engine, *, shards_: bool) -> dict[str, list[tuple[object, ...]]]:
    """All rows, those of shards together."""
    with engine.connect() as connection:
        names = {t: [f"{t}_{i:02d}" for i in range(COUNT)] if shards_ and t in CUT else [t] for t in (m.split()[2] for m in tea.TABLES)}
        return {t: sorted((r for n in told for r in numberless(connection, n)), key=repr) for t, told in names.items()}


def cut_shop(shop: conftest.Shop) -> hands.SqlHands:
    """Hands for the same shop in shards; the whole tables stay beside them, to see that nobody writes there."""
    cut(shop.writer)
    return hands.attach(cut_map(), shop.writer, shop.reader)


@pytest.mark.parametrize("name", sorted(set(test_hands.ACTS) - set(ELSEWHERE)))
def test_a_hand_on_shards_moves_what_it_moves_in_one_piece(shop: conftest.Shop, name: str) -> None:
    """Row for row, in the shard of its order; the preview names that shard; the second time nothing moves."""
    order_key, step = test_hands.given(shop, name)
    acting = cut_shop(shop)
    whole = everything(shop.writer, shards_=False)
    assert acting.look(order_key, step, tea.NOW) == run.Saw(there=False)
    told = acting.preview(order_key, step, tea.NOW)
    place = {"O1": "_01", "C1": "_00", "P1": "_01"}[order_key.number]
    assert {line.split()[0] for line in told} <= {f"{t}{place}" for t in CUT} | {"t_sku", "t_coupon"}
    assert acting.do(order_key, step, tea.NOW) == run.Succeeded()
    after = everything(shop.writer, shards_=True)
    # What no shard has was moved in its one piece; what a shard has was not moved beside it.
    assert {t: r for t, r in everything(shop.writer, shards_=False).items() if t in CUT} == {t: whole[t] for t in CUT}
    assert acting.look(order_key, step, tea.NOW) == run.Saw(there=True)
    assert isinstance(acting.do(order_key, step, tea.NOW), run.Succeeded)
    assert everything(shop.writer, shards_=True) == after
    again(shop)
    assert shop.hands.do(order_key, step, tea.NOW) == run.Succeeded()
    assert everything(shop.writer, shards_=False) == after


def again(shop: conftest.Shop) -> None:
    """The rows that both shops share, as they were filled."""
    with shop.writer.begin() as connection:
        for table in (t.split()[2] for t in tea.TABLES):
            connection.exec_driver_sql(f"DELETE FROM {table}")
        conftest.fill(connection)


def test_a_row_that_changed_in_its_shard_is_refused(shop: conftest.Shop) -> None:
    """Compare-and-set as in one piece, and nothing moved."""
    order_key, step = test_hands.given(shop, "record-payment")
    acting = cut_shop(shop)
    shop.sql("UPDATE t_order_01 SET buyer = 'somebody' WHERE id = 1")
    before = everything(shop.writer, shards_=True)
    with pytest.raises(faults.Rejected, match="row changed"):
        acting.do(order_key, step, tea.NOW)
    assert everything(shop.writer, shards_=True) == before


def test_rows_of_an_order_in_another_shard_stop_the_hand(shop: conftest.Shop) -> None:
    """Its refunds are cut by another rule: `done` would not see them, and the refund would be recorded twice."""
    order_key, step = test_hands.given(shop, "record-refund")
    acting = cut_shop(shop)
    shop.sql("INSERT INTO t_refund_00 (id, order_id, refund_no, amount, state) VALUES (77, 3, 'R9', 128.5, 1)")
    before = everything(shop.writer, shards_=True)
    for asked in (acting.do, acting.look, acting.preview):
        with pytest.raises(faults.Rejected, match="t_refund_00 holds rows of P1, which is in t_order_01"):
            asked(order_key, step, tea.NOW)
    assert everything(shop.writer, shards_=True) == before


def test_a_number_in_two_shards_is_refused(shop: conftest.Shop) -> None:
    order_key, step = test_hands.given(shop, "record-payment")
    acting = cut_shop(shop)
    shop.sql("UPDATE t_order_00 SET sn = 'O1' WHERE id = 2")
    before = everything(shop.writer, shards_=True)
    with pytest.raises(faults.Rejected, match="2 rows of the shop carry the number O1"):
        acting.do(order_key, step, tea.NOW)
    assert everything(shop.writer, shards_=True) == before


LOCAL = "UPDATE t_order SET is_del = 1"


@pytest.mark.parametrize(
    "change, what",
    [
        (("", ""), "new order's shard is by the shop's own rule"),
        ((LOCAL, LOCAL.replace("t_order", "t_order_01")), "t_order_01 is one shard of many"),
        (('table = "t_log_{00..01}"', 'table = "t_log_{0..7}"'), "t_log is cut otherwise than the orders"),
        (('table = "t_sku"', 'table = "t_sku_{00..01}"'), "t_sku belongs to no order"),
        (('key = "id"', 'key = "id"\nshard_by = "number"'), "no rule of shards is called 'number'"),
        (('table = "t_pay_{00..01}"', 'table = "t_order"'), "t_order is a table, and shards are called so too"),
    ],
)
def test_what_cannot_be_sent_to_one_shard_is_refused_when_the_file_is_read(change: tuple[str, str], what: str) -> None:
    """Before any row is touched: a statement in the wrong shard touches nothing, and a query there finds nothing."""
    text = cut_text(*(ELSEWHERE if change[0] else ()))
    assert change[0] in text
    with pytest.raises(faults.BadInput, match=what):
        shopmap.compile_map(language.parse(text.replace(*change), "cut.toml"))


@pytest.mark.parametrize(
    "text, called",
    [("t_order_{00..15}", "t_order"), ("t_{1..2}_order", "t_order"), ("orders{2025,2026}", "orders"), ("t_order", "t_order")],
)
def test_statements_call_shards_by_what_their_names_share(text: str, called: str) -> None:
    assert shards.cut(text, "here").called == called


def test_an_order_is_written_again_beside_the_one_it_is_made_from(shop: conftest.Shop) -> None:
    """Where the buyer alone decides the shard. An order of the same buyer in another one says that it does not: nothing is written."""
    order_key, step = test_hands.given(shop, "reissue-order")
    cut(shop.writer)
    text = cut_text("publish-link").replace('key = "id"', 'key = "id"\nshard_by = "buyer"', 1)
    acting = hands.attach(shopmap.compile_map(language.parse(text, "cut.toml")), shop.writer, shop.reader)
    before = everything(shop.writer, shards_=True)
    with pytest.raises(faults.Rejected, match="t_order_01 holds orders of the buyer of C1"):
        acting.do(order_key, step, tea.NOW)
    assert everything(shop.writer, shards_=True) == before
    shop.sql("UPDATE t_order_01 SET buyer = 'm2'")
    assert acting.do(order_key, step, tea.NOW) == run.Succeeded()
    assert acting.look(order_key, step, tea.NOW) == run.Saw(there=True)
    assert shop.sql("SELECT sn FROM t_order_00 WHERE origin = 'C1'") == [("C1R1",)]
    assert shop.sql("SELECT sn FROM t_order_01 WHERE origin = 'C1'") == []
