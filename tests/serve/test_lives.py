"""Killed at random moments while callbacks arrive and sweeps repair: what was acknowledged is there, every repair is done once."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path

import pytest

from makewhole.core import ids
from makewhole.model import payment
from makewhole.sandbox import day
from makewhole.sandbox.shop.defects import Defect
from makewhole.sandbox.shop.schema import Status
from tests.serve import town as towns

LIVES = 24


def broken(town: towns.Town, count: int) -> tuple[list[str], list[str]]:
    """Orders whose shop swallowed, refused or never heard of their callback; and orders that were paid twice, with both callbacks."""
    unrecorded, twice = [], []
    defects = (Defect.ACKNOWLEDGES_BEFORE_APPLYING, Defect.REFUSES_NOTICES, Defect.DOWN)
    for i in range(count):
        sn = town.day.order(defects[i % 3])
        town.day.pays(sn, day.Fate.LOST if i % 4 == 0 else day.Fate.RELAY)
        unrecorded.append(sn)
    for _ in range(count // 4):
        sn = town.day.order(Defect.NEW_NUMBER_ON_RETRY)
        second = town.day.shop.pay(sn)
        town.day.pays(sn, day.Fate.RELAY)
        town.day.pays(second, day.Fate.RELAY)
        twice.append(sn)
    return unrecorded, twice


def whole(town: towns.Town, unrecorded: list[str], twice: list[str]) -> bool:
    """Each order is paid, and of each pair of payments one went back."""
    back = {r.of.order.out_trade_no.split("-")[0] for r in town.day.bank.refunds.values() if r.status == "SUCCESS"}
    return back == set(twice) and all(town.status(sn) is Status.PAID for sn in (*unrecorded, *twice))


def check(town: towns.Town, unrecorded: list[str], twice: list[str]) -> None:
    """Once each: in the shop's own history, in its stock, in the channel's ledger; and the evidence of it is whole."""
    assert town.times_paid() == dict.fromkeys((*unrecorded, *twice), 1)
    assert town.stock_differences() == []
    assert len(town.day.bank.refunds) == len(twice)
    for sn in twice:
        kept = sum(town.day.bank.kept(number) for number in (sn, f"{sn}-2"))
        assert kept == town.day.due_fen(sn)
    assert town.day.believed == []
    assert town.complaints() == ()


def kept_of_acknowledged(town: towns.Town) -> tuple[int, int]:
    """Numbers that a relay said SUCCESS for, and how many of those the inbox has as genuine."""
    told = {n.number for n in town.day.channel.notices.all if n.acknowledged and n.kind == "transaction"}
    with town.remembered() as store:
        kept = {n for n in told if any(k.check is payment.NoticeCheck.GENUINE for k in store.notices(towns.SHOP, ids.OutTradeNo(n)))}
    return len(told), len(kept)


@pytest.mark.slow
def test_killed_at_random_moments(tmp_path: Path) -> None:
    """Nothing acknowledged is lost, nothing is done twice, and the last life finishes what the others left."""
    moments = towns.chance(LIVES)
    unrecorded: list[str] = []
    twice: list[str] = []
    left, moved = [], []
    with towns.raised(tmp_path) as town:
        with town.time_passing():
            for life in range(LIVES):
                with town.turn:
                    more, pairs = broken(town, 8)
                unrecorded, twice = unrecorded + more, twice + pairs
                done = len(town.times_paid())
                # Every third dies while it opens its store, the others at work.
                serving = town.begin(workers=2) if life % 3 == 2 else town.serve(workers=2)
                time.sleep(moments.uniform(0.0, 1.2))
                serving.kill()
                left.append(sum(town.status(sn) is not Status.PAID for sn in unrecorded))
                moved.append(len(town.times_paid()) - done)
            # The moments must have been such that the test says something: work was done, and work was cut off.
            assert any(left), "nothing was ever left to take over"
            assert any(moved), "nobody ever got to work"
            last = town.serve()
            towns.eventually(lambda: whole(town, unrecorded, twice), "all is whole")
            towns.eventually(lambda: not town.sql("SELECT id FROM mw_cases WHERE terminal IS NULL"), "every case has its end")
            assert last.stop() == 0, last.told()
        check(town, unrecorded, twice)
        acknowledged, kept = kept_of_acknowledged(town)
        assert acknowledged == kept
        assert acknowledged > 0
        assert town.sql("SELECT COUNT(*) FROM mw_runs WHERE ended = 0") == [(0,)]


@pytest.mark.slow
def test_what_was_acknowledged_a_moment_before_the_kill_is_there(tmp_path: Path) -> None:
    """SUCCESS, then SIGKILL before anything else: five times over."""
    with towns.raised(tmp_path) as town:
        orders = [town.day.order() for _ in range(5)]
        for sn in orders:
            town.day.pays(sn, day.Fate.RELAY)
        for number, sn in enumerate(orders):
            serving = town.serve(sweep_every_s=3600, forward_every_s=3600)
            told = towns.callback(town, sn)
            assert serving.post(told.headers, told.body)[0] == 200
            serving.kill()
            assert [len(town.kept(o)) for o in orders] == [1] * (number + 1) + [0] * (4 - number)
        town.serve()
        towns.eventually(lambda: all(town.status(sn) is Status.PAID for sn in orders), "all is whole")
        assert town.times_paid() == dict.fromkeys(orders, 1)
        assert town.complaints() == ()


def test_a_town_says_when_something_was_done_twice(tmp_path: Path) -> None:
    """The checks above can fail: a payment recorded twice, goods sold twice, a refund too many."""
    with towns.raised(tmp_path) as town:
        sn = town.day.order()
        town.day.pays(sn, day.Fate.SHOP)
        town.day.run_until(town.day.clock.now() + timedelta(minutes=1))
        check(town, [sn], [])
        rows = town.day.shop.rows
        rows.note(sn, "somebody", Status.UNPAID, Status.PAID, town.day.clock.now())
        with pytest.raises(AssertionError):
            check(town, [sn], [])
        rows.run("DELETE FROM order_log WHERE operator = 'somebody'")
        check(town, [sn], [])
        rows.sell_stock(rows.lines(sn))
        rows.run("UPDATE sku_stock SET locked = 0 WHERE locked < 0")
        with pytest.raises(AssertionError):
            check(town, [sn], [])
