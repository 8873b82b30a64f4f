"""Orders in parts: what the screens, the reads and the hands say of them is what the one law says, on every database."""

from __future__ import annotations

import dataclasses
import itertools
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from makewhole import settings
from makewhole.adapters.changelog import following, triggers
from makewhole.adapters.changelog.postgres import log, setup
from makewhole.adapters.shops import engines, eyes, hands, language, lens, shopmap
from makewhole.adapters.store import journal
from makewhole.cli import program
from makewhole.core import clock, faults, ids, money
from makewhole.engine import heed
from makewhole.flow import observe
from makewhole.flow.diagnose import changes, contradictions, parts, rule
from makewhole.model import act, fact, finding, order, payment, plan, run, screen, suborder
from makewhole.model.order import Field
from makewhole.model.order import OrderState as S
from makewhole.ports import trails
from tests.changelog.postgres import slotted
from tests.servers import launch, postgres
from tests.shops import parted, tea, trade
from tests.shops.parted import Shop

OWN = (*S, None)
SETS = [(), *((s,) for s in OWN), *itertools.combinations_with_replacement(OWN, 2)]


@pytest.fixture(params=parted.DATABASES)
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shop]:
    """The shop on each database, empty."""
    with parted.opened(request, tmp_path, trade.create, trade.shop_map()) as told:
        yield told


def test_every_way_of_telling_says_what_the_law_says(shop: Shop) -> None:
    """Each word of a parent with none, one or two parts in every state: the state that is read, each screen, each contradiction."""
    trades, subs, wanted = [], [], {}
    for key, (own, told) in enumerate(itertools.product(OWN, SETS), start=1):
        trades.append(trade.trade(key, own, paid=own in order.SAYS_PAID, parts=len(told), coupon=f"c{key // 2}"))
        subs += [trade.sub(10 * key + i, key, state) for i, state in enumerate(told)]
        stages = suborder.stages(told)
        wanted[f"T{key}"] = (suborder.whole(own, stages), suborder.disagree(own, stages, tuple(S), tuple(S)))
    trade.fill(shop.writer, trades, subs)
    read = {
        str(n): next(c for c in claims if isinstance(c, order.ShopOrder))
        for n, (claims, _) in shop.eyes.read([ids.OrderNumber(n) for n in wanted]).items()
    }
    assert {n: o.state for n, o in read.items()} == {n: state for n, (state, _) in wanted.items()}
    states = [screen.In(field=Field.ORDER_STATE, values=(s.value,)) for s in S]
    *by_state, unknown, disagree = shop.named(*states, screen.Unknown(field=Field.ORDER_STATE), screen.PartsDisagree())
    assert by_state == [{n for n, (state, _) in wanted.items() if state is s} for s in S]
    assert unknown == {n for n, (state, _) in wanted.items() if state is None}
    assert disagree == {n for n, (_, apart) in wanted.items() if apart}
    assert {n for n, o in read.items() if o.suborders is not None and suborder.contradicts(o.suborders)} == disagree
    # Of a coupon that two trades name, only living ones count, by their parts as well.
    (shared,) = shop.named(screen.SharesCoupon())
    half = {f"T{k}" for k in range(1, len(trades) // 2)}
    shop.sql(f"UPDATE t_trade SET ver = 2 WHERE id < {len(trades) // 2}")
    assert shop.named(*states, screen.PartsDisagree(), since="2") == [names & half for names in (*by_state, disagree)]
    living = {n for n, (state, _) in wanted.items() if state in order.LIVE}
    pairs = [{f"T{k}", f"T{k + 1}"} for k in range(0, len(trades) + 1, 2)]
    assert shared == {n for pair in pairs if pair <= living for n in pair}


def test_each_contradiction_of_parts_is_seen_by_its_screen_and_by_its_judgement_alike(shop: Shop) -> None:
    """Broken parts beside whole ones: amounts, parcels, times; and nothing is said of the whole ones."""
    broken: dict[str, tuple[S, dict[str, object]]] = {
        "parts-do-not-add-up": (S.SHIPPED, {"fen": 999}),
        "part-without-parcel": (S.SHIPPED, {"parcel": None}),
        "part-without-time": (S.COMPLETED, {"done_at": None}),
        "part-parcel-before-shipping": (S.AWAITING_SHIPMENT, {"parcel": "SF0"}),
        "part-times-out-of-order": (S.COMPLETED, {"sent_at": trade.DONE, "done_at": trade.SENT}),
    }
    trades, subs, wanted = [trade.trade(1, S.SHIPPED, paid=True, parts=2)], [trade.sub(10, 1, S.SHIPPED), trade.sub(11, 1, S.COMPLETED)], {}
    for key, (says, (state, more)) in enumerate(broken.items(), start=2):
        trades.append(trade.trade(key, state, paid=True, parts=2))
        subs += [trade.sub(10 * key, key, state), trade.sub(10 * key + 1, key, state, **more)]
        wanted[f"T{key}"] = {says}
    trade.fill(shop.writer, trades, subs)
    by_screen = shop.named(*(c.screen for c in parts.ALL))
    told = {n: {c.says.value for c in contradictions.ALL if c.holds(shop.order(n))} - {"paid-without-channel"} for n in ("T1", *wanted)}
    assert told == {"T1": set(), **wanted}
    assert {c.says.value: named for c, named in zip(parts.ALL, by_screen, strict=True)} == {
        "parts-disagree": set(),
        **{says: {n} for n, (says,) in wanted.items()},
    }
    shown = {c.says.value: c.shows(shop.order("T3")) for c in parts.ALL}
    assert shown["part-without-parcel"] == ("T3-31", "shipped")
    # And where the parts' amounts are kept as the orders' are, so that a server compares them as they stand.
    shop.sql("ALTER TABLE t_sub ADD COLUMN yuan DECIMAL(10,2)")
    shop.sql("UPDATE t_sub SET yuan = fen / 100.0")
    told_alike = trade.SHOP_FILE.read_text(encoding="utf-8").replace('{ sql = "fen", unit = "fen" }', '{ sql = "yuan", unit = "yuan" }')
    reading = engines.for_eyes(shop.writer.url)
    map_ = shopmap.compile_map(language.parse(told_alike, "trade.toml"))
    alike = dataclasses.replace(shop, eyes=eyes.attach(map_, reading, clock.ManualClock(tea.NOW), tea.SECRET))
    assert alike.named(*(c.screen for c in parts.ALL)) == by_screen
    reading.dispose()


# ---------------------------------------------------------------- refunds of parts


def test_a_refund_that_names_a_part_alone_is_its_orders(shop: Shop) -> None:
    """Read, screened and found by its day: of the order whose part it is, and of no other whose key looks the same."""
    map_ = shopmap.compile_map(language.parse(trade.claims_file(), "claims.toml"))
    trades = [trade.trade(k, S.SHIPPED, paid=True, parts=n) for k, n in ((1, 2), (2, 1), (10, 0))]
    trade.fill(shop.writer, trades, [trade.sub(k, t, S.SHIPPED) for k, t in ((10, 1), (11, 1), (20, 2))])
    shop.sql("INSERT INTO t_claim (id, oid, claim_no, yuan, done, asked) VALUES (1, 10, 'B1', '3.50', 1, '2026-11-20 10:00:00')")
    told = dataclasses.replace(shop, eyes=eyes.attach(map_, shop.writer, clock.ManualClock(tea.NOW), tea.SECRET))
    refunds = {
        number: [(c.number, c.amount.fen) for c in claims if isinstance(c, payment.ShopRefund)]
        for number, (claims, _) in told.eyes.read([ids.OrderNumber(f"T{k}") for k in (1, 2, 10)]).items()
    }
    assert refunds == {"T1": [("B1", 350)], "T2": [], "T10": []}
    child = screen.Child.REFUND
    has = [screen.HasChild(child=child, states=(word,)) for word in ("done", "pending")]
    assert told.named(*has, screen.NoChild(child=child)) == [{"T1"}, set(), {"T2", "T10"}]
    asked = datetime(2026, 11, 20, 2, tzinfo=UTC)
    assert list(told.eyes.moved(asked, asked + timedelta(seconds=1))) == ["T1"]


def test_the_log_tells_a_refund_of_a_part_as_its_orders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In its history, though the row names no order; and whoever follows the log is woken for it."""
    monkeypatch.chdir(tmp_path)
    address = f"sqlite:///{tmp_path / 'shop.db'}"
    (tmp_path / "shop.toml").write_text(trade.claims_file(), encoding="utf-8")
    writer = engines.for_hands(address)
    trade.create(writer)
    triggers.install(sa.make_url(address), ["t_trade", "t_sub", "t_claim"])
    trade.fill(
        writer,
        [trade.trade(k, S.SHIPPED, paid=True, parts=1) for k in (1, 10)],
        [trade.sub(10, 1, S.SHIPPED), trade.sub(20, 10, S.SHIPPED)],
    )
    time.sleep(0.005)  # SQLite's log tells milliseconds apart
    written(writer, "INSERT INTO t_claim (id, oid, claim_no, yuan, done) VALUES (1, 10, 'B1', '3.50', 1)")
    attached = ["--database", address, "--shop", str(tmp_path / "shop.toml"), "--json"]
    for number, roles in (("T1", ["order", "suborder", "refund"]), ("T10", ["order", "suborder"])):
        told = CliRunner().invoke(program.PROGRAM, ["history", number, *attached], catch_exceptions=False)
        steps = json.loads(told.stdout)["steps"]
        assert [c["role"] for s in steps for c in s["changes"]] == roles, number
    seen = lens.MapLens(shopmap.compile_map(language.load(tmp_path / "shop.toml")), "", tea.SECRET, writer)
    (last,) = list(following.open_stream(sa.make_url(address), seen.tables).read(None))[-2:-1]
    assert last.transaction is not None
    assert seen.read(last.transaction).named == {"T1"}
    writer.dispose()


# ---------------------------------------------------------------- hands


def given(shop: Shop, told: act.AnyAct, number: str = "T1") -> tuple[ids.OrderKey, plan.Step]:
    """A step on a trade as a plan would have it: compared with what the eyes read."""
    return ids.OrderKey(shop=ids.ShopName("trade"), number=ids.OrderNumber(number)), plan.Step(act=told, expects=shop.order(number).version)


def rows(shop: Shop) -> list[tuple[object, ...]]:
    """What hands move: the trades' states and their parts'."""
    return shop.sql("SELECT id, status, 0, 0 FROM t_trade ORDER BY id") + shop.sql("SELECT oid, sku, state, refund FROM t_sub ORDER BY oid")


PAY = act.RecordPayment(
    channel=ids.ChannelName("wechatpay"),
    payment=ids.OutTradeNo("T1"),
    transaction=ids.TransactionId("X1"),
    amount=money.Money(fen=2500),
    paid_at=tea.NOW,
)
LATE = {f: getattr(PAY, f) for f in ("channel", "payment", "transaction", "amount", "paid_at")}
BACK = act.RecordRefund(number=ids.RefundNo("R1"), amount=money.Money(fen=2500), full=True)


def two_parts(shop: Shop, own: S, part: S) -> None:
    """Trade T1 with parts 11 and 10, and T2 beside it, which nothing may touch."""
    trades = [trade.trade(k, own, paid=own in order.SAYS_PAID, parts=n) for k, n in ((1, 2), (2, 1))]
    trade.fill(shop.writer, trades, [trade.sub(k, t, part) for k, t in ((11, 1), (10, 1), (20, 2))])


def test_a_hand_moves_the_order_and_each_of_its_parts_once(shop: Shop) -> None:
    """The preview says so beforehand; afterwards all say the same, and the second time nothing moves."""
    two_parts(shop, S.AWAITING_PAYMENT, S.AWAITING_PAYMENT)
    key, step = given(shop, PAY)
    told = shop.hands.preview(key, step, tea.NOW)
    assert [line.split()[:2] for line in told] == [["t_trade", "id=1"], ["t_sub", "oid=10"], ["t_sub", "oid=11"]]
    for _ in range(2):
        assert isinstance(shop.hands.do(key, step, tea.NOW), run.Succeeded)
        assert rows(shop) == [(1, "PAID", 0, 0), (2, "WAIT_PAY", 0, 0), (10, "s1", 1, 0), (11, "s2", 1, 0), (20, "s2", 0, 0)]
    assert shop.hands.look(key, step, tea.NOW) == run.Saw(there=True)
    assert shop.order("T1").state is S.AWAITING_SHIPMENT
    assert not [c.says for c in parts.ALL if c.holds(shop.order("T1"))]
    key, step = given(shop, BACK)
    assert shop.hands.do(key, step, tea.NOW) == run.Succeeded()
    assert shop.order("T1").state is S.REFUNDED
    assert shop.sql("SELECT refund FROM t_sub WHERE oid = 20") == [(0,)]
    later: tuple[tuple[act.AnyAct, S], ...] = (
        (act.CloseExpired(items=()), S.CLOSED),
        (act.AcceptLate(**LATE, items=()), S.AWAITING_SHIPMENT),
        (act.ReopenUnpaid(difference=ids.Key("d")), S.AWAITING_PAYMENT),
        (PAY, S.AWAITING_SHIPMENT),
        (act.CloseUnpaid(difference=ids.Key("d")), S.CLOSED),
    )
    for asked, state in later:
        assert shop.hands.do(*given(shop, asked, "T2"), tea.NOW) == run.Succeeded()
        assert (shop.order("T2").state, [c.says for c in parts.ALL if c.holds(shop.order("T2"))]) == (state, [])


def test_a_partial_refund_leaves_the_parts_alone(shop: Shop) -> None:
    """Nothing says which of them it was for."""
    two_parts(shop, S.SHIPPED, S.SHIPPED)
    before = rows(shop)
    key, step = given(shop, msgspec.structs.replace(BACK, amount=money.Money(fen=1000), full=False))
    assert shop.hands.do(key, step, tea.NOW) == run.Succeeded()
    assert rows(shop) == before
    assert len(shop.sql("SELECT 1 FROM t_back")) == 1


MEANWHILE = (
    "UPDATE t_sub SET fen = 1 WHERE oid = 11",
    "UPDATE t_sub SET trade_id = 2 WHERE oid = 11",
    "DELETE FROM t_sub WHERE oid = 11",
    "INSERT INTO t_sub (oid, trade_id, state, refund) VALUES (12, 1, 0, 0)",
    "UPDATE t_sub SET state = 9 WHERE oid = 11",
)


def test_a_part_that_is_not_as_it_was_read_stops_the_whole_hand(shop: Shop) -> None:
    """Changed, gone, new, or closed before anybody read it: the trade is not paid without it."""
    for meanwhile in MEANWHILE:
        for table in ("t_trade", "t_sub"):
            shop.sql(f"DELETE FROM {table}")
        two_parts(shop, S.AWAITING_PAYMENT, S.AWAITING_PAYMENT)
        key, step = given(shop, PAY)
        shop.sql(meanwhile)
        before = rows(shop)
        with pytest.raises(faults.Rejected, match="row changed"):
            shop.hands.do(key, step, tea.NOW)
        assert rows(shop) == before, meanwhile
    (key, step), before = given(shop, PAY), rows(shop)
    with pytest.raises(faults.Rejected, match=r"touched 0 rows of t_sub, declared were 1 \(part 11\)"):
        shop.hands.do(key, step, tea.NOW)
    assert rows(shop) == before


def test_an_order_that_is_written_again_has_its_parts_again_once(shop: Shop) -> None:
    """Under its new number, unpaid, whatever became of the parts of the old one, which stay; the way back closes them all."""
    two_parts(shop, S.CLOSED, S.CLOSED)
    shop = dataclasses.replace(shop, hands=hands.attach(trade.reissuing(), shop.writer, shop.writer))
    before = rows(shop)
    again = act.ReissueOrder(new_number=ids.reissued_number(ids.OrderNumber("T1"), 1), expires_at=tea.NOW, items=())
    key, step = given(shop, again)
    assert len(shop.hands.preview(key, step, tea.NOW)) == 3
    for _ in range(2):
        assert isinstance(shop.hands.do(key, step, tea.NOW), run.Succeeded)
    written = [row for row in rows(shop) if row not in before]
    assert written == [(1000001, "WAIT_PAY", 0, 0), (1000010, "s1", 0, 0), (1000011, "s2", 0, 0)]
    new = shop.order(str(again.new_number))
    assert (new.state, [c.says for c in parts.ALL if c.holds(new)]) == (S.AWAITING_PAYMENT, [])
    assert new.suborders is not None
    assert (len(new.suborders.parts), new.due) == (2, shop.order("T1").due)
    cancel = act.CancelReissue(new_number=again.new_number, items=())
    assert shop.hands.do(*given(shop, cancel), tea.NOW) == run.Succeeded()
    assert (shop.order(str(again.new_number)).state, shop.order("T1").state) == (S.CLOSED, S.CLOSED)
    assert [row for row in rows(shop) if row in before] == before


EACH = 'for_each = "part"\nsql = "UPDATE t_sub SET state = 1 WHERE oid = :part AND state = :part_state AND state = 0"'
AWAIT = 'for_each = "part"\nsql = "UPDATE t_sub SET state = 0 WHERE oid = :part AND state = 1 AND refund = 0"'
OF = 'link = "trade_id"\n\n[refund.fields]'
WRONG = [
    (OF, OF.replace("\n\n", '\nof = "item"\n\n'), "trade.toml: refund.of", "is of no 'item'"),
    (OF, '\nof = "suborder"\n\n[refund.fields]\norder = "trade_id"', "trade.toml: refund", "nothing tells which sub-order"),
    ('table = "t_sub"\nkey = "oid"', 'table = "t_sub"', "trade.toml: suborder", "the suborder's key is missing"),
    ('table = "t_sub"\nkey', 'table = "t_trade"\nkey', "trade.toml: order.where", "stand in one table, and nothing tells"),
    ('"state = 9" = "closed"', '"state = 9" = "over"', "trade.toml: suborder.states: 'state = 9'", "no word of ours"),
    (EACH, "sql = \"UPDATE t_trade SET txn = 'x' WHERE id = :row\"", "trade.toml: hands.record-payment", "leave its parts as they are"),
    (AWAIT, "sql = \"UPDATE t_trade SET txn = 'x' WHERE id = :row\"", "trade.toml: hands.reopen-unpaid", "leave its parts as they are"),
    (EACH, EACH.replace('for_each = "part"', ""), "trade.toml: hands.record-payment.write[1]", "no parameter is called part, part_state"),
    ('when = "full"\n', "", "trade.toml: hands.record-refund.write[1]", "nothing tells which part a partial refund was for"),
    ('table = "t_sub"\nkey', 'table = "t_sub_{0..1}"\nkey', "trade.toml: hands.record-payment", "is cut otherwise than the orders"),
]


@pytest.mark.parametrize("old, new, where, what", WRONG, ids=[f"{w[2]}: {w[3]}" for w in WRONG])
def test_a_mistake_about_parts_is_named_when_the_file_is_read(old: str, new: str, where: str, what: str) -> None:
    text = trade.SHOP_FILE.read_text(encoding="utf-8")
    assert old in text
    with pytest.raises(faults.BadInput) as told:
        shopmap.compile_map(language.parse(text.replace(old, new), "trade.toml"))
    assert (told.value.where, what in told.value.what) == (where, True), told.value
    assert told.value.todo


# ---------------------------------------------------------------- the change log


@pytest.mark.parametrize("on", ["sqlite", *(pytest.param(name, marks=pytest.mark.server) for name in ("mariadb", "postgresql"))])
def test_the_change_log_names_the_part_that_was_overwritten(on: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """What the shop does to its parts is its own affair; a statement that takes two back and deletes a third is not, until it is undone."""
    address = place = f"sqlite:///{tmp_path / 'shop.db'}"
    if on != "sqlite":
        server: launch.Server | postgres.Server = request.getfixturevalue(on)
        database = server.create_database()
        address, place = server.url(database), server.url(database, "reader")
    url, writer, reader = sa.make_url(place), engines.for_hands(address), engines.for_eyes(place)
    trade.create(writer)
    map_ = trade.shop_map()
    schema = {"sqlite": "", "postgresql": "public"}.get(on, url.database or "")
    seen = lens.MapLens(map_, schema, tea.SECRET, reader)
    # The table of parts is the table of lines as well: it is read once, as what it is first.
    assert [t.role for t in seen.tables if t.table == "t_sub"] == ["suborder"]
    if on == "sqlite":
        triggers.install(url, [t.table for t in seen.tables])
    if on == "postgresql":
        request.addfinalizer(lambda: _let_go(server, database))
        setup.install(sa.make_url(address), [(t.schema, t.table) for t in seen.tables])
    whole = [trade.sub(k, 1, S.AWAITING_SHIPMENT) for k in (10, 11, 12)]
    trade.fill(writer, [trade.trade(1, S.AWAITING_SHIPMENT, paid=True, parts=3)], whole)
    with journal.SqlStore("sqlite://") as memory:
        trail = heed.LogTrail(ids.ShopName("trade"), lambda: _stream(url, seen, tmp_path), seen, memory.notebook, keeps=False)
        sent = f"UPDATE t_sub SET state = 3, parcel = 'SF1', sent_at = '{trade.SENT}' WHERE oid"
        written(writer, f"{sent} = 10", f"{sent} = 11", "UPDATE t_sub SET refund = 2 WHERE oid = 12")
        assert overwritten(trail, map_, reader) == []
        written(writer, "UPDATE t_sub SET state = 0 WHERE oid < 12", "DELETE FROM t_sub WHERE oid = 12")
        told = overwritten(trail, map_, reader)
        assert {line[:2] for line in told} == {("part-moved", "T1-10"), ("part-moved", "T1-11"), ("part-gone", "T1-12")}
        written(writer, "UPDATE t_sub SET state = 3 WHERE oid = 10")
        assert {line[:2] for line in overwritten(trail, map_, reader)} == {("part-moved", "T1-11"), ("part-gone", "T1-12")}
    writer.dispose()
    reader.dispose()


def _let_go(server: launch.Server | postgres.Server, database: str) -> None:
    """A slot that nobody reads keeps the server's log, and a server has ten."""
    assert isinstance(server, postgres.Server)
    with server.root_connection() as root:
        slotted.drop(root, database)


def _stream(url: sa.URL, seen: lens.MapLens, folder: Path) -> trails.Stream:
    """The change log of this database, whichever it is."""
    if url.get_backend_name() == "postgresql":
        return log.SlotStream(url, folder, seen.tables, keeps=True)
    return following.open_stream(url, seen.tables)


def written(writer: sa.Engine, *statements: str) -> None:
    """In one transaction."""
    with writer.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def overwritten(trail: heed.LogTrail, map_: shopmap.ShopMap, reader: sa.Engine) -> list[tuple[str, ...]]:
    """What trade T1's diagnosis says of its rows that were overwritten: what, and of which part."""
    later = tea.NOW + timedelta(days=10_000)  # a commit carries the machine's own time
    number = ids.OrderNumber("T1")
    trail.catch_up(later)
    assert trail.coverage().trouble == ""
    claims, silences = eyes.attach(map_, reader, clock.ManualClock(tea.NOW), tea.SECRET).read([number])[number]
    dossier = observe.observe(ids.OrderKey(shop=ids.ShopName("trade"), number=number), (*claims, *trail.of(number, later)), silences)
    found = changes.row_overwritten(rule.View(dossier=dossier, policy=settings.policy_book().at(tea.NOW), now=tea.NOW))
    told = () if found is None else found.evidence
    return [
        (e.what.says.value, *e.what.values) for e in told if e.what.says is not fact.Says.ROW_STATEMENT
    ]  # a server tells statements too


def test_orders_and_parts_in_shards_say_and_do_what_they_do_in_one_piece(tmp_path: Path) -> None:
    """Read as one; a hand works in the shard of the order, and its parts are locked there."""
    address = f"sqlite:///{tmp_path / 'shop.db'}"
    writer, reader = engines.for_hands(address), engines.for_eyes(address)
    trade.create(writer)
    trades = [trade.trade(k, own, paid=own is S.SHIPPED, parts=2) for k, own in ((1, S.AWAITING_PAYMENT), (2, S.SHIPPED), (3, S.CLOSED))]
    subs = [trade.sub(10 * t + i, t, s) for t, s in ((1, S.AWAITING_PAYMENT), (2, S.SHIPPED), (3, S.SHIPPED)) for i in (0, 1)]
    trade.fill(writer, trades, subs)
    text = trade.SHOP_FILE.read_text(encoding="utf-8")
    for table, key in (("t_trade", "id"), ("t_sub", "trade_id"), ("t_back", "trade_id")):
        text = text.replace(f'table = "{table}"', f'table = "{table}_{{0..1}}"')
        for i in (0, 1):
            written(writer, f"CREATE TABLE {table}_{i} AS SELECT * FROM {table} WHERE {key} % 2 = {i}")
    cut = shopmap.compile_map(language.parse(text, "cut.toml"))
    numbers = [ids.OrderNumber(f"T{k}") for k in (1, 2, 3)]
    now = clock.ManualClock(tea.NOW)
    one, many = (eyes.attach(m, reader, now, tea.SECRET) for m in (trade.shop_map(), cut))
    assert many.read(numbers) == one.read(numbers)
    asked: list[tuple[finding.Ailment, screen.Predicate]] = [
        (finding.Ailment.PAID_TWICE, screen.PartsDisagree()),
        (finding.Ailment.ROW_DELETED, screen.In(field=Field.ORDER_STATE, values=("shipped",))),
    ]
    assert {(s.number, s.ailments) for s in many.suspects(asked)} == {(s.number, s.ailments) for s in one.suspects(asked)} != set()
    acting, version = (
        hands.attach(cut, writer, reader),
        next(c for c in many.read(numbers)[numbers[0]][0] if isinstance(c, order.ShopOrder)).version,
    )
    step = plan.Step(act=PAY, expects=version)
    assert acting.do(ids.OrderKey(shop=ids.ShopName("trade"), number=numbers[0]), step, tea.NOW) == run.Succeeded()
    with writer.connect() as connection:
        assert connection.exec_driver_sql("SELECT oid, state FROM t_sub_1 WHERE trade_id = 1").all() == [(10, 1), (11, 1)]
        assert connection.exec_driver_sql("SELECT state FROM t_sub WHERE trade_id = 1").all() == [(0,), (0,)]
    writer.dispose()
    reader.dispose()
