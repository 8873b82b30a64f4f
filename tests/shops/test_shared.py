"""Orders and their parts in one table: each row is what its filter says it is, in the database and in its change log alike."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from makewhole.adapters.changelog import following, triggers
from makewhole.adapters.shops import engines, expressions, eyes, hands, language, lens, shopmap, traces
from makewhole.core import clock, faults, ids, money
from makewhole.model import act, change, order, plan, rowchange, run, screen, suborder
from makewhole.model.change import Kind
from makewhole.model.order import Field
from makewhole.model.order import OrderState as S
from tests.shops import parted, shared, tea
from tests.shops.parted import Shop

OWN = (*S, None)
SETS = [(), *((s,) for s in OWN), *itertools.combinations(OWN, 2)]


@pytest.fixture(params=parted.DATABASES)
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shop]:
    """The shop on each database, empty."""
    with parted.opened(request, tmp_path, shared.create, shared.shop_map()) as told:
        yield told


def test_every_way_of_telling_says_what_the_law_says(shop: Shop) -> None:
    """Each word of a parent with none, one or two parts in every state: what is read, each screen; and no part counts as an order."""
    told, wanted = [], {}
    for key, (own, states) in enumerate(itertools.product(OWN, SETS), start=1):
        told.append(shared.parent(key, own, parts=len(states)))
        told += [shared.part(10_000 + 10 * key + i, key, state) for i, state in enumerate(states)]
        stages = suborder.stages(states)
        wanted[f"T{key}"] = (suborder.whole(own, stages), suborder.disagree(own, stages, tuple(S), tuple(S)))
    shared.fill(shop.writer, told)
    read = {
        str(n): next(c for c in claims if isinstance(c, order.ShopOrder))
        for n, (claims, _) in shop.eyes.read([ids.OrderNumber(n) for n in wanted]).items()
    }
    assert {n: o.state for n, o in read.items()} == {n: state for n, (state, _) in wanted.items()}
    words = [screen.In(field=Field.ORDER_STATE, values=(s.value,)) for s in S]
    *by_state, unknown, disagree = shop.named(*words, screen.Unknown(field=Field.ORDER_STATE), screen.PartsDisagree())
    assert by_state == [{n for n, (state, _) in wanted.items() if state is s} for s in S]
    assert unknown == {n for n, (state, _) in wanted.items() if state is None}
    assert disagree == {n for n, (_, apart) in wanted.items() if apart}
    part = next(str(row["order_sn"]) for row in told if row["parent_id"])
    assert not shop.eyes.read([ids.OrderNumber(part)])[ids.OrderNumber(part)][0]


PAY = act.RecordPayment(
    channel=ids.ChannelName("wechatpay"),
    payment=ids.OutTradeNo("T1"),
    transaction=ids.TransactionId("X1"),
    amount=money.Money(fen=2500),
    paid_at=tea.NOW,
)


def test_a_hand_moves_the_order_and_each_of_its_parts_once(shop: Shop) -> None:
    """In the one table, and no row of another order; a part that changed since stops all of it."""
    rows = [shared.parent(k, S.AWAITING_PAYMENT, parts=n) for k, n in ((1, 2), (2, 1))]
    rows += [shared.part(k, of, S.AWAITING_PAYMENT) for k, of in ((11, 1), (10, 1), (20, 2))]
    shared.fill(shop.writer, rows)
    shop.sql("INSERT INTO t_stock VALUES ('a', 5), ('b', 5)")
    shop.sql("INSERT INTO t_goods VALUES (1, 10, 'a', 2), (2, 11, 'b', 1)")
    assert [(i.sku, i.quantity) for i in shop.order("T1").items] == [("a", 2), ("b", 1)]
    assert shop.named(screen.NoChild(child=screen.Child.ITEM)) == [{"T2"}]
    key = ids.OrderKey(shop=ids.ShopName("shared"), number=ids.OrderNumber("T1"))
    step = plan.Step(act=PAY, expects=shop.order("T1").version)
    shop.sql("UPDATE t_order SET amount = 9 WHERE id = 11")
    with pytest.raises(faults.Rejected, match="row changed"):
        shop.hands.do(key, step, tea.NOW)
    step = plan.Step(act=PAY, expects=shop.order("T1").version)
    told = shop.hands.preview(key, step, tea.NOW)
    assert [line.split()[:2] for line in told] == [["t_order", f"id={k}"] for k in (1, 10, 11)] + [["t_stock", f"sku={k}"] for k in "ab"]
    for _ in range(2):
        assert isinstance(shop.hands.do(key, step, tea.NOW), run.Succeeded)
        assert shop.sql("SELECT id, status FROM t_order ORDER BY id") == [(1, 1), (2, 0), (10, 1), (11, 1), (20, 0)]
        assert shop.sql("SELECT sku, units FROM t_stock ORDER BY sku") == [("a", 3), ("b", 4)]
    assert shop.order("T1").state is S.AWAITING_SHIPMENT
    of = ids.OrderKey(shop=ids.ShopName("shared"), number=ids.OrderNumber("T2"))
    assert shop.hands.do(of, plan.Step(act=act.CloseExpired(items=())), tea.NOW) == run.Succeeded()
    assert shop.sql("SELECT id, status FROM t_order ORDER BY id") == [(1, 1), (2, 9), (10, 1), (11, 1), (20, 9)]


# ---------------------------------------------------------------- the change log


def test_the_change_log_names_the_part_or_the_order_that_was_overwritten(tmp_path: Path) -> None:
    """By the same words each way: a part that is taken back is its order's, an order that is taken back is its own; an order that is put
    below another, and a part that comes to stand alone, are the shop's affair."""
    address = f"sqlite:///{tmp_path / 'shop.db'}"
    writer = engines.for_hands(address)
    shared.create(writer)
    seen = lens.MapLens(shared.shop_map(), "", tea.SECRET, writer)
    assert [(t.role, t.table) for t in seen.tables if t.table == "t_order"] == [("order", "t_order"), ("suborder", "t_order")]
    triggers.install(sa.make_url(address), shared.NAMES)
    rows = [shared.parent(k, S.SHIPPED, parts=1) for k in (1, 2)]
    shared.fill(writer, rows + [shared.part(k, k // 10, S.SHIPPED) for k in (10, 20)])

    def read(statement: str) -> tuple[list[tuple[str, str, list[str]]], set[str]]:
        """What the one statement means: whose row, of which part, and the fields that nothing explains; and all orders that it names."""
        time.sleep(0.005)  # SQLite's log tells milliseconds apart
        with writer.begin() as connection:
            connection.exec_driver_sql(statement)
        told = [s.transaction for s in following.open_stream(sa.make_url(address), seen.tables).read(None) if s.transaction is not None]
        meant = seen.read(told[-1])
        return [(c.order, c.part, [m.field.value for m in rowchange.breaches(c)]) for c in meant.changes], set(meant.named)

    assert read("UPDATE t_order SET status = 1 WHERE id IN (1, 20)") == (
        [("T1", "", ["order.state"]), ("T2", "T2-20", ["suborder.state"])],
        {"T1", "T2"},
    )
    assert read("UPDATE t_order SET parent_id = 1 WHERE id = 2") == ([], {"T2"})
    assert read("UPDATE t_order SET status = 0 WHERE id = 2") == ([("T1", "T2", ["suborder.state"])], {"T1"})
    assert read("INSERT INTO t_refund VALUES (1, 10, 'B1', 1.00, 1)") == ([], {"T1"})
    assert read("DELETE FROM t_order WHERE id = 10")[1] == {"T1"}
    writer.dispose()


def test_two_kinds_in_shards_are_read_as_in_one_piece_and_moved_where_they_are(tmp_path: Path) -> None:
    """Parents and parts of a shard stand in it together: read as one, locked and written in the shard of the order."""
    address = f"sqlite:///{tmp_path / 'shop.db'}"
    writer = engines.for_hands(address)
    shared.create(writer)
    rows = [shared.parent(k, S.AWAITING_PAYMENT, parts=2) for k in (1, 2)]
    shared.fill(writer, rows + [shared.part(10 * k + i, k, S.AWAITING_PAYMENT) for k in (1, 2) for i in (0, 1)])
    with writer.begin() as connection:
        for i in (0, 1):
            whole = f"SELECT * FROM t_order WHERE CASE parent_id WHEN 0 THEN id ELSE parent_id END % 2 = {i}"
            connection.exec_driver_sql(f"CREATE TABLE t_order_{i} AS {whole}")
    text = shared.SHOP_FILE.read_text(encoding="utf-8").replace('table = "t_order"', 'table = "t_order_{0..1}"')
    text = text[: text.index("[item]")] + text[text.index("[hands.record-payment]") :]
    cut, number = shopmap.compile_map(language.parse(text, "cut.toml")), ids.OrderNumber("T1")
    now = clock.ManualClock(tea.NOW)
    one, many = (eyes.attach(m, writer, now, tea.SECRET).read([number])[number][0] for m in (shared.shop_map(), cut))
    whole_, parted = (next(c for c in claims if isinstance(c, order.ShopOrder)) for claims in (one, many))
    assert (parted.suborders, parted.version) == (whole_.suborders, whole_.version)
    acting = hands.attach(cut, writer, writer)
    done = acting.do(ids.OrderKey(shop=ids.ShopName("shared"), number=number), plan.Step(act=PAY, expects=parted.version), tea.NOW)
    assert done == run.Succeeded()
    with writer.connect() as connection:
        assert connection.exec_driver_sql("SELECT id, status FROM t_order_1 ORDER BY id").all() == [(1, 1), (10, 1), (11, 1)]
        assert connection.exec_driver_sql("SELECT DISTINCT status FROM t_order_0").all() == [(0,)]
    writer.dispose()


def test_keys_that_are_texts_of_digits_are_asked_for_as_such(shop: Shop) -> None:
    """Where rows hang on numbers of orders and not on keys that count: a change that names a part alone, or a parent alone."""
    map_ = shared.shop_map(
        ('key = "id"', 'key = "order_sn"'),
        ('link = "parent_id"', 'link = "buyer"'),
        ('link = "order_id"\nof = "suborder"\n\n[refund', 'link = "refund_sn"\nof = "suborder"\n\n[refund'),
        (ORDER, "where = \"buyer = ''\""),
        (PART, "where = \"buyer <> ''\""),
    )
    own, part = shared.parent(1, S.SHIPPED, parts=1), shared.part(10, 1, S.SHIPPED)
    shared.fill(shop.writer, [{**own, "order_sn": "1001", "buyer": ""}, {**part, "order_sn": "2001", "buyer": "1001"}])
    assert traces.part_of(map_, shop.writer, "2001") == {"order_sn": "2001", "buyer": "1001"}
    assert traces.parts_of(map_, shop.writer, ids.OrderNumber("1001")) == {"2001"}
    seen = lens.MapLens(map_, "", tea.SECRET, shop.writer)
    for name, image in (("t_refund", {"refund_sn": "2001"}), ("t_order", {"order_sn": "2001", "buyer": "1001"})):
        table = change.Table(schema="", name=name, columns=tuple(image))
        told = change.Change(table=table, kind=Kind.INSERT, before=None, after=image)
        place = change.Position(file="log", offset=1)
        assert seen.read(change.Transaction(id="1", begins=place, ends=place, committed_at=tea.NOW, changes=(told,))).named == {"1001"}


# ---------------------------------------------------------------- what tells them apart

FILTERS = [
    ("parent_id = 0", "parent_id > 0"),
    ("pid <= 0", "pid > 0"),
    ("parent_sn = ''", "parent_sn <> ''"),
    ("parent_no IS NULL", "parent_no IS NOT NULL"),
    ("is_main = 1 AND tenant = 7", "tenant = 7"),
    ("kind IN ('main', 'Main')", "COALESCE(kind, 'none') = 'sub'"),
    ("is_main <> 0", "pid BETWEEN 1 AND 9 OR parent_id + 1 > 1"),
]
VALUES: dict[str, tuple[str | int | None, ...]] = {
    "parent_id": (0, 5, None),
    "pid": (0, -1, 3),
    "parent_sn": ("", "T5", None),
    "parent_no": (None, "N5"),
    "is_main": (1, 0, None),
    "tenant": (7, 8),
    "kind": ("main", "sub", "Main", None),
}


def test_the_change_log_tells_a_row_as_the_database_does(shop: Shop) -> None:
    """Of every filter that shops use, and every value that may stand there: which rows are orders, which are parts, and which neither."""
    every = enumerate(itertools.product(*VALUES.values()), start=1)
    rows = [{"id": i, **dict(zip(VALUES, told, strict=True))} for i, told in every]
    names = "id BIGINT PRIMARY KEY, parent_id BIGINT, pid INT, parent_sn VARCHAR(9), parent_no VARCHAR(9), is_main INT, tenant INT"
    shop.sql(f"CREATE TABLE t_kinds ({names}, kind VARCHAR(9))")
    with shop.writer.begin() as connection:
        connection.execute(sa.text(f"INSERT INTO t_kinds ({', '.join(rows[0])}) VALUES ({', '.join(f':{n}' for n in rows[0])})"), rows)
    for ours, theirs in FILTERS:
        map_ = shared.shop_map((ORDER, f'where = "{ours}"'), (PART, f'where = "{theirs}"'))
        own, parts = traces.traces(map_, "", b"").tables[:2]
        scribe = expressions.Scribe(dialect=engines.spoken(shop.writer))
        for told, traced in ((map_.order, own), (map_.parts, parts)):
            assert told is not None
            assert told.where is not None
            sql = expressions.select(["id"], "t_kinds t", [scribe.write(told.where, "t")])
            with shop.writer.connect() as connection:
                there = {int(k) for (k,) in connection.execute(sa.text(sql), scribe.values)}
            assert {r["id"] for r in rows if traced.holds(r)} == there != set(), (told.name, ours, theirs)
            assert all(traced.holds(r) is not None for r in rows)
        assert not any(own.holds(r) and parts.holds(r) for r in rows)


def test_a_changed_row_is_of_the_kind_that_it_was_or_became() -> None:
    """An order that is put below a parent was an order; where it was of no kind, or where a server tells only the key of what was, it is
    what it became; else nothing."""
    own, parts = traces.traces(shared.shop_map(), "", b"").tables[:2]
    table = change.Table(schema="", name="t_order", columns=("id", "parent_id"), key=("id",))
    order_, part, nobody, key = {"id": 1, "parent_id": 0}, {"id": 1, "parent_id": 5}, {"id": 1, "parent_id": None}, {"id": 1}
    cases: list[tuple[Kind, change.Image | None, change.Image | None, change.Traced | None]] = [
        (Kind.UPDATE, order_, part, own),
        (Kind.UPDATE, part, order_, parts),
        (Kind.UPDATE, key, part, parts),
        (Kind.INSERT, None, order_, own),
        (Kind.DELETE, part, None, parts),
        (Kind.DELETE, key, None, None),
        (Kind.UPDATE, nobody, order_, own),
        (Kind.INSERT, None, nobody, None),
    ]
    for kind, before, after, wanted in cases:
        assert change.kind_of((own, parts), change.Change(table=table, kind=kind, before=before, after=after)) is wanted, (before, after)


ORDER, PART = 'where = "parent_id = 0"', 'where = "parent_id <> 0"'
WRITE = 'for_each = "part"\nsql = "UPDATE t_order SET status = 1, pay_type = :channel_code WHERE id = :part AND status = :part_status'
WRONG = [
    (ORDER, "", "shared.toml: order.where", "nothing tells one from the other"),
    (PART, "", "shared.toml: suborder.where", "nothing tells one from the other"),
    (ORDER, "where = \"order_sn LIKE 'T%'\"", "shared.toml: order.where", "LIKE tells orders from their parts in the database alone"),
    (PART, 'where = "CAST(parent_id AS CHAR) <> 0"', "shared.toml: suborder.where", "CAST tells orders"),
    ('[order]\ntable = "t_order"', '[order]\ntable = "t_{order,other}"', "shared.toml: suborder.table", "some tables hold orders and"),
    (
        WRITE,
        WRITE.split("\n")[1].replace(":part_status", "status").replace(":part", ":row"),
        "shared.toml: hands.record-payment",
        "leave its parts",
    ),
]


@pytest.mark.parametrize("old, new, where, what", WRONG, ids=[f"{w[2]}: {w[3]}" for w in WRONG])
def test_a_file_that_does_not_tell_them_apart_is_refused(old: str, new: str, where: str, what: str) -> None:
    with pytest.raises(faults.BadInput) as told:
        shared.shop_map((old, new))
    assert (told.value.where, what in told.value.what) == (where, True), told.value
    assert told.value.todo
