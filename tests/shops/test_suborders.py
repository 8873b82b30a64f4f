"""Orders in parts: what the screens, the reads and the hands say of them is what the one law says, on every database."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa

from makewhole.adapters.shops import engines, eyes, hands
from makewhole.core import clock, ids
from makewhole.flow.diagnose import contradictions, parts
from makewhole.model import finding, order, screen, suborder
from makewhole.model.order import Field
from makewhole.model.order import OrderState as S
from tests.servers import launch, postgres
from tests.shops import tea, trade

OWN = (*S, None)
SETS = [(), *((s,) for s in OWN), *itertools.combinations_with_replacement(OWN, 2)]


@dataclass(frozen=True, kw_only=True)
class Shop:
    """The shop with its eyes and hands."""

    eyes: eyes.SqlEyes
    hands: hands.SqlHands
    writer: sa.Engine

    def order(self, number: str) -> order.ShopOrder:
        """What the eyes read of a trade."""
        return next(c for c in self.eyes.read([ids.OrderNumber(number)])[ids.OrderNumber(number)][0] if isinstance(c, order.ShopOrder))

    def sql(self, statement: str) -> list[tuple[object, ...]]:
        """Whatever a test wants of the database, committed."""
        with self.writer.begin() as connection:
            told = connection.exec_driver_sql(statement)
            return [tuple(r) for r in told] if told.returns_rows else []

    def named(self, *predicates: screen.Predicate) -> list[set[str]]:
        """For each predicate, the trades that its screen names."""
        ailments = dict(zip(finding.Ailment, predicates, strict=False))
        assert len(ailments) == len(predicates)
        found: dict[finding.Ailment, set[str]] = {a: set() for a in ailments}
        for suspect in self.eyes.suspects(list(ailments.items())):
            for ailment in suspect.ailments:
                found[ailment].add(suspect.number)
        return list(found.values())


@pytest.fixture(params=["sqlite", *(pytest.param(name, marks=pytest.mark.server) for name in ("mariadb", "postgresql"))])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shop]:
    """The shop on each database, empty."""
    if request.param == "sqlite":
        url = reader = f"sqlite:///{tmp_path / 'shop.db'}"
    else:
        server: launch.Server | postgres.Server = request.getfixturevalue(request.param)
        database = server.create_database()
        url, reader = server.url(database), server.url(database, "reader")
    writer, reading = engines.for_hands(url), engines.for_eyes(reader)
    trade.create(writer)
    map_ = trade.shop_map()
    yield Shop(
        eyes=eyes.attach(map_, reading, clock.ManualClock(tea.NOW), tea.SECRET), hands=hands.attach(map_, writer, reading), writer=writer
    )
    writer.dispose()
    reading.dispose()


def test_every_way_of_telling_says_what_the_law_says(shop: Shop) -> None:
    """Each word of a parent with none, one or two parts in every state: the state that is read, each screen, each contradiction."""
    trades, subs, wanted = [], [], {}
    for key, (own, parts) in enumerate(itertools.product(OWN, SETS), start=1):
        trades.append(trade.trade(key, own, paid=own in order.SAYS_PAID, parts=len(parts), coupon=f"c{key // 2}"))
        subs += [trade.sub(10 * key + i, key, state) for i, state in enumerate(parts)]
        stages = suborder.stages(parts)
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
