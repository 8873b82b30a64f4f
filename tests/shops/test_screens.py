"""Every screen means the same in SQL as in its evaluation over plain rows, and no diagnosis escapes its screen."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import hypothesis
import pytest
import sqlalchemy as sa
from hypothesis import strategies as st

from makewhole import settings
from makewhole.adapters.shops import engines, eyes, language, schema, screens, shopmap
from makewhole.core import clock, ids
from makewhole.flow import observe
from makewhole.flow.diagnose import rule, rules
from makewhole.model import finding, order, screen
from makewhole.model.order import Field
from tests.servers import launch
from tests.shops import tea

F = order.Field
Row = dict[str, Any]
"""Values of an order's columns and rows beside it, as the strategies below make them."""
World = list[Row]
START = datetime(2026, 11, 1, tzinfo=UTC)
INSTANTS = st.none() | st.integers(0, 3).map(lambda h: START + timedelta(hours=h))
MAP = tea.shop_map()
STATES = sorted(s.value for s in order.OrderState)
ROWS = st.fixed_dictionaries(
    {
        "sn": st.sampled_from(["A", "B", "C", "D", "E", "F", "", None]),
        "state": st.sampled_from([0, 0, 1, 2, 3, 8, 9, 7, None]),
        "is_del": st.integers(0, 1),
        "due": st.sampled_from(["0.10", "0.30", "128.50"]),
        "parts": st.sampled_from([10, 30, 12850, None]),
        "paid": st.sampled_from([10, 30, 12850, None]),
        "created": INSTANTS,
        "paid_at": INSTANTS,
        "shipped_at": INSTANTS,
        "done_at": INSTANTS,
        "closed_at": INSTANTS,
        "channel": st.sampled_from(["wx", "ali", "none", "", "new", None]),
        "parcel": st.sampled_from(["SF1", "", None]),
        "coupon": st.sampled_from(["c1", "c2", "", None]),
        "kind": st.sampled_from([1, 2, 3, None]),
        "items": st.lists(st.sampled_from(["A", "B", None]), max_size=2),
        "refunds": st.lists(st.sampled_from([0, 1]), max_size=2),
        "coupons": st.lists(st.sampled_from([0, 1]), max_size=1),
        "moves": st.lists(st.sampled_from([-2, 2]), max_size=3),
    }
)
COMPARABLE = ((F.ORDER_CREATED_AT, F.ORDER_COMPLETED_AT), (F.ORDER_PAID_AT, F.ORDER_SHIPPED_AT), (F.ORDER_CLOSED_AT, F.ORDER_CREATED_AT))
TEXTS = st.sampled_from([F.ORDER_CHANNEL, F.ORDER_TRACKING_NUMBER, F.ORDER_COUPON, F.ORDER_PAID_AT, F.ORDER_CREATED_AT, F.ORDER_SHIPPED_AT])
TIMES = st.sampled_from([F.ORDER_CREATED_AT, F.ORDER_PAID_AT, F.ORDER_SHIPPED_AT, F.ORDER_COMPLETED_AT])
LEAVES = st.one_of(
    st.lists(st.sampled_from(STATES), min_size=1, unique=True).map(lambda v: screen.In(field=F.ORDER_STATE, values=tuple(v))),
    st.lists(st.sampled_from([k.value for k in order.OrderKind]), min_size=1).map(lambda v: screen.In(field=F.ORDER_KIND, values=tuple(v))),
    st.just(screen.Unknown(field=F.ORDER_STATE)),
    TEXTS.map(lambda f: screen.Missing(field=f)),
    TEXTS.map(lambda f: screen.Present(field=f)),
    st.builds(lambda f, h: screen.Before(field=f, instant=START + timedelta(hours=h)), TIMES, st.integers(0, 4)),
    st.builds(lambda f, h: screen.NotBefore(field=f, instant=START + timedelta(hours=h)), TIMES, st.integers(0, 4)),
    st.sampled_from(COMPARABLE).map(lambda p: screen.Less(left=p[0], right=p[1])),
    st.sampled_from([F.ORDER_AMOUNT_PARTS, F.ORDER_AMOUNT_PAID]).map(lambda f: screen.Differ(left=f, right=F.ORDER_AMOUNT_DUE)),
    st.just(screen.Differ(left=F.ORDER_AMOUNT_PAID, right=F.ORDER_AMOUNT_PARTS)),
    st.sampled_from(list(screen.Child)).map(lambda c: screen.HasChild(child=c)),
    st.just(screen.HasChild(child=screen.Child.COUPON, states=("used",))),
    st.just(screen.HasChild(child=screen.Child.REFUND, states=("done", "requested"))),
    st.sampled_from(list(screen.Child)).map(lambda c: screen.NoChild(child=c)),
    st.just(screen.ForeignItem()),
    st.just(screen.SharesCoupon()),
    st.just(screen.SharesNumber()),
)
PREDICATES = st.recursive(
    LEAVES,
    lambda p: st.one_of(
        st.lists(p, min_size=1, max_size=3).map(lambda v: screen.All(parts=tuple(v))),
        st.lists(p, min_size=1, max_size=3).map(lambda v: screen.Any(parts=tuple(v))),
    ),
    max_leaves=6,
)
WORLDS = st.lists(ROWS, min_size=1, max_size=7)


@pytest.fixture(scope="module")
def on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sa.Engine]:
    """The shop on SQLite."""
    engine = engines.for_hands(f"sqlite:///{tmp_path_factory.mktemp('tea') / 'shop.db'}")
    tea.create(engine)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def on_mariadb(mariadb: launch.Server) -> Iterator[sa.Engine]:
    """The shop on MariaDB."""
    engine = engines.for_hands(mariadb.url(mariadb.create_database()))
    tea.create(engine)
    yield engine
    engine.dispose()


def fill(engine: sa.Engine, world: World) -> None:
    """The world's rows, and nothing else."""
    with engine.begin() as connection:
        for name in ("t_order", "t_item", "t_refund", "t_coupon", "t_flow"):
            connection.exec_driver_sql(f"DELETE FROM {name}")
        for number, row in enumerate(world, start=1):
            tea.insert(connection, "t_order", [shop_row(number, row)])
            tea.insert(
                connection, "t_item", [{"order_id": number, "sn": sn, "sku": "s", "num": 1, "amount": "1.00"} for sn in row["items"]]
            )
            tea.insert(connection, "t_refund", [{"order_id": number, "amount": "90.00", "state": s} for s in row["refunds"]])
            tea.insert(
                connection, "t_coupon", [{"id": f"b{number}{i}", "order_id": number, "state": s} for i, s in enumerate(row["coupons"])]
            )
            tea.insert(connection, "t_flow", [{"order_id": number, "sku": "s", "num": n} for n in row["moves"]])


def shop_row(number: int, row: Row) -> Row:
    """How the shop's columns hold it."""
    plain = {c: row[c] for c in ("sn", "state", "is_del", "due", "parts", "paid", "channel", "parcel", "coupon", "kind")}
    paid, shipped = row["paid_at"], row["shipped_at"]
    return {
        "id": number,
        **plain,
        **{c: tea.wall(row[c]) for c in ("created", "done_at", "closed_at")},
        "paid_at": int(paid.timestamp()) if paid else 0,
        "shipped_at": int(shipped.timestamp()) * 1000 if shipped else None,
    }


def seen(world: World, row: Row) -> screen.Seen:
    """The same order in our words, worked out without any SQL."""
    codes = {
        (0, 0): "awaiting-payment",
        (0, 1): "closed",
        1: "awaiting-shipment",
        2: "shipped",
        3: "completed",
        8: "refunding",
        9: "refunded",
    }
    live = {"awaiting-payment", "awaiting-shipment", "shipped", "completed"}

    def state(r: Row) -> str | None:
        return codes.get((0, r["is_del"]) if r["state"] == 0 else r["state"])

    return screen.Seen(
        row={
            F.ORDER_STATE: state(row),
            F.ORDER_KIND: {2: "virtual", 3: "fresh"}.get(row["kind"], "normal"),
            F.ORDER_AMOUNT_DUE: {"0.10": 10, "0.30": 30, "128.50": 12850}[row["due"]],
            F.ORDER_AMOUNT_PARTS: row["parts"],
            F.ORDER_AMOUNT_PAID: row["paid"],
            F.ORDER_CREATED_AT: row["created"],
            F.ORDER_PAID_AT: row["paid_at"],
            F.ORDER_SHIPPED_AT: row["shipped_at"],
            F.ORDER_COMPLETED_AT: row["done_at"],
            F.ORDER_CLOSED_AT: row["closed_at"],
            F.ORDER_CHANNEL: {"wx": "wechatpay", "ali": "alipay", "none": None}.get(row["channel"], row["channel"]),
            F.ORDER_TRACKING_NUMBER: row["parcel"],
            F.ORDER_COUPON: row["coupon"],
        },
        children={
            screen.Child.ITEM: tuple("" for _ in row["items"]),
            screen.Child.REFUND: tuple({0: "requested", 1: "done"}[s] for s in row["refunds"]),
            screen.Child.COUPON: tuple({0: "unused", 1: "used"}[s] for s in row["coupons"]),
            screen.Child.STOCK_MOVE: tuple("" for _ in row["moves"]),
        },
        foreign_item=any(sn not in {None, row["sn"]} for sn in row["items"]),
        shares_coupon=bool(row["coupon"]) and sum(state(r) in live and r["coupon"] == row["coupon"] for r in world) > 1,
        shares_number=sum(r["sn"] == row["sn"] for r in world) > 1,
    )


def flagged(engine: sa.Engine, predicates: list[screen.Predicate]) -> list[set[int]]:
    """For each predicate the rows that its SQL names, all in one statement."""
    named: list[tuple[finding.Ailment, screen.Predicate]] = list(zip(finding.Ailment, predicates, strict=False))
    dialect = "sqlite" if engine.dialect.name == "sqlite" else "mysql"
    with engine.connect() as connection:
        query = screens.render(named, MAP, schema.reflect(connection, MAP), dialect)
        assert query is not None
        told = connection.execute(sa.text(query.sql), query.values).mappings().all()
    flags = dict(query.flags)
    return [{row["k"] for row in told if row[flags[ailment]]} for ailment, _ in named]


def same(engine: sa.Engine, world: World, predicates: list[screen.Predicate]) -> None:
    fill(engine, world)
    named = {i: row for i, row in enumerate(world, start=1) if row["sn"]}
    expected = [{i for i, row in named.items() if screen.holds(p, seen(world, row))} for p in predicates]
    assert flagged(engine, predicates) == expected


def escaped(engine: sa.Engine, world: World) -> set[tuple[str, str]]:
    """Findings of orders that no screen of their ailment named."""
    fill(engine, world)
    now = clock.ManualClock(START + timedelta(days=2))
    seeing = eyes.attach(MAP, engine, now, tea.SECRET)
    policy = settings.policy_book().at(now.now())
    horizon = rule.Horizon(policy=policy, now=now.now(), money=False)
    named = {(str(s.number), a) for s in seeing.suspects(rules.suspects(horizon)) for a in s.ailments}
    found = set()
    numbers = sorted({str(r["sn"]) for r in world if r["sn"]})
    for number, heard in seeing.read([ids.OrderNumber(n) for n in numbers]).items():
        told = observe.observe(ids.OrderKey(shop=seeing.shop, number=number), *heard)
        judged = rules.diagnose(rule.View(dossier=told, policy=policy, now=now.now()))
        found |= {(str(number), f.ailment) for f in judged.findings} if isinstance(judged, finding.Broken) else set()
    return {(n, a.value) for n, a in found - named}


@pytest.mark.slow
@hypothesis.given(world=WORLDS, predicates=st.lists(PREDICATES, min_size=1, max_size=12))
@hypothesis.settings(max_examples=150, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
def test_sql_says_what_the_evaluation_says_on_sqlite(on_sqlite: sa.Engine, world: World, predicates: list[screen.Predicate]) -> None:
    """Every node of the algebra, with NULLs, empty texts, unknown codes, zero instants, and amounts in two units."""
    same(on_sqlite, world, predicates)


@pytest.mark.server
@hypothesis.given(world=WORLDS, predicates=st.lists(PREDICATES, min_size=4, max_size=16))
@hypothesis.settings(max_examples=60)
def test_sql_says_what_the_evaluation_says_on_mariadb(on_mariadb: sa.Engine, world: World, predicates: list[screen.Predicate]) -> None:
    """The same on the server that shops run."""
    same(on_mariadb, world, predicates)


@pytest.mark.slow
@hypothesis.given(world=WORLDS)
@hypothesis.settings(max_examples=150)
def test_no_diagnosis_escapes_its_screen_on_sqlite(on_sqlite: sa.Engine, world: World) -> None:
    """A screen may suspect too much, never too little."""
    assert escaped(on_sqlite, world) == set()


@pytest.mark.server
@hypothesis.given(world=WORLDS)
@hypothesis.settings(max_examples=60)
def test_no_diagnosis_escapes_its_screen_on_mariadb(on_mariadb: sa.Engine, world: World) -> None:
    """The same on the server that shops run."""
    assert escaped(on_mariadb, world) == set()


def test_what_the_map_lacks_suspects_nobody_and_limits_nothing() -> None:
    """A contradiction needs its field; a look-back that cannot be checked looks at everything."""
    file = tea.shop_map()
    bare = shopmap.compile_map(bare_file())
    old = screen.NotBefore(field=F.ORDER_CREATED_AT, instant=START)
    open_ones = screen.In(field=F.ORDER_STATE, values=("awaiting-payment",))
    missing = screen.Missing(field=F.ORDER_TRACKING_NUMBER)
    assert screens.mapped(screen.All(parts=(open_ones, old)), bare) == screen.All(parts=(open_ones,))
    assert screens.mapped(screen.All(parts=(open_ones, missing)), bare) is False
    assert screens.mapped(screen.Any(parts=(open_ones, missing)), bare) == screen.Any(parts=(open_ones,))
    assert screens.mapped(screen.NoChild(child=screen.Child.ITEM), bare) is False
    for whole in (screen.All(parts=(open_ones, old)), missing, screen.NoChild(child=screen.Child.ITEM)):
        assert screens.mapped(whole, file) == whole


def bare_file() -> language.ShopFile:
    """The least that a shop file may say."""
    text = """
name = "bare"
[order]
table = "t_order"
key = "id"
fields = { number = "sn", amount_due = { sql = "due", unit = "yuan" } }
states = { "state = 0" = "awaiting-payment" }
"""
    return language.parse(text, str(pathlib.Path("bare.toml")))


def test_a_field_that_is_not_mapped_is_not_spoken_of() -> None:
    """The least map speaks of three things."""
    assert shopmap.compile_map(bare_file()).speaks_of() == (Field.ORDER_NUMBER, Field.ORDER_STATE, Field.ORDER_AMOUNT_DUE)
