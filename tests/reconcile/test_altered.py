"""A record of ours that no longer fits its digest stops its channel, wakes a person, and says which record; nothing else stops."""

from __future__ import annotations

import dataclasses
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from makewhole.engine import closing, daily, daysheets, payouts, signals, sweep
from makewhole.flow import record
from makewhole.model import bill, fact, fetched
from makewhole.sandbox import day as days
from tests.reconcile import morning
from tests.reconcile.conftest import Call
from tests.store import scenes

pytestmark = pytest.mark.slow


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[morning.Shop]:
    """Its store is a file, as whoever can reach the disk finds it."""
    with morning.opened(tmp_path / "world", store=f"sqlite:///{tmp_path}/store.db") as opened:
        yield opened


def tampered(folder: Path, statement: str) -> None:
    with sqlite3.connect(folder / "store.db") as file:
        assert file.execute(statement).rowcount == 1
    file.close()


def asked(shop: morning.Shop) -> list[tuple[str, ...]]:
    """What the person reads who was woken."""
    from makewhole.core import ids

    order = ids.OrderKey(shop=shop.world.eyes.shop, number=ids.OrderNumber("books/wechatpay"))
    record_ = shop.books.ledger.halted(shop.world.eyes.shop, morning.WECHAT)
    question = shop.on.store.asked(order, f"altered/{ids.derive('altered', record_)}")
    return [] if question is None else [r.values for r in question.question.reasons if r.says is fact.Says.RECORD_ALTERED]


def test_an_altered_bill_stops_the_channel(shop: morning.Shop, call: Call, tmp_path: Path) -> None:
    """Kept in the evening's turmoil, altered in the night, asked for in the morning: nothing is compared with it."""
    shop.paid(days.Fate.LOST)
    shop.until(morning.TEN)
    books, name = shop.books, shop.world.eyes.shop
    told = books.sources[morning.WECHAT].fetch_bill(bill.date_of(morning.DAY))
    assert isinstance(told, fetched.RawBill)
    now = shop.day.clock.now()
    assert books.ledger.keep_bill(name, told, now, record.bill_kept(name, told, told.digest(), now))
    tampered(tmp_path, "UPDATE mw_bill_parts SET content = CAST(x'1e' || substr(content, 2) AS BLOB)")
    (result,) = daily.keep(shop.world, books)
    assert (result.state, result.why) == (closing.Closing.HALTED, "the bill of wechatpay of 2026-11-18")
    assert asked(shop) == [("the bill of wechatpay of 2026-11-18",)]
    said = call("reconcile", "--day", "2026-11-18", "--json")
    assert said.exit_code == 3, said.output
    (channel,) = json.loads(said.stdout)["channels"]
    assert (channel["state"], channel["why"]) == ("halted", "the bill of wechatpay of 2026-11-18")
    assert shop.differences() == []
    # A person has looked: the bill is fetched anew, the altered one stays.
    assert call("reconcile", "resume", "wechatpay", "--by", "Lin", "--why", "a disk fault").exit_code == 0
    assert call("reconcile", "resume", "wechatpay", "--by", "Lin", "--why", "again").exit_code == 2
    assert [r.state for r in daily.keep(shop.world, books)] == [closing.Closing.CLOSED]
    assert len(shop.differences()) == 1


def test_a_channel_stays_stopped_until_a_person_has_looked(shop: morning.Shop, tmp_path: Path) -> None:
    """Not until whoever altered the record has put it right again."""
    shop.paid()
    shop.until(morning.TEN)
    told, now = shop.books.sources[morning.WECHAT].fetch_bill(bill.date_of(morning.DAY)), shop.day.clock.now()
    assert isinstance(told, fetched.RawBill)
    assert shop.books.ledger.keep_bill(shop.world.eyes.shop, told, now, record.bill_kept(shop.world.eyes.shop, told, told.digest(), now))
    for first in ("1e", "1f"):
        tampered(tmp_path, f"UPDATE mw_bill_parts SET content = CAST(x'{first}' || substr(content, 2) AS BLOB)")
        assert [r.state for r in daily.keep(shop.world, shop.books)] == [closing.Closing.HALTED]


def test_an_altered_callback_stops_the_channel(shop: morning.Shop, tmp_path: Path) -> None:
    """What it told of was decided on: before its day is closed, every callback of the day is held against its digest."""
    shop.paid()
    shop.until(morning.TEN)
    kept = dataclasses.replace(scenes.notice("k1", "P1"), shop=shop.world.eyes.shop, received_at=morning.NOON)
    assert shop.world.store.keep_notice(kept)
    tampered(tmp_path, "UPDATE mw_notices SET body = x'7b7d'")
    assert [(r.state, r.why) for r in daily.keep(shop.world, shop.books)] == [(closing.Closing.HALTED, "the callback k1 about P1")]


def test_an_altered_difference_stops_the_channel_and_not_the_sweep(shop: morning.Shop, tmp_path: Path) -> None:
    """Nobody is paid on its strength; orders with other sources go on."""
    lost = shop.paid(days.Fate.LOST)
    shop.until(morning.TEN)
    (result,) = [closing.close(shop.world, shop.books, of) for of in daily.due(shop.world, shop.books)]
    (found,) = result.found
    tampered(tmp_path, "UPDATE mw_differences SET body = replace(body, '\"amount_fen\"', '\"Amount_fen\"')")
    assert daily.follow(shop.world, shop.books) == []
    assert asked(shop) == [(f"difference {found.id}",)]
    assert shop.books.ledger.halted(shop.world.eyes.shop, morning.WECHAT) == f"difference {found.id}"
    assert [r.state for r in daily.keep(shop.world, shop.books)] == []
    tasks = sweep.worklist(shop.world)
    assert [sweep.work(shop.world, t.number).state.value for t in tasks if t.number == lost] == ["whole"]
    assert shop.day.row(lost, "status") == "20"


def test_an_altered_closed_day_stops_its_channel_and_nothing_else(shop: morning.Shop, call: Call, tmp_path: Path) -> None:
    """No round of `serve` ends by it; every command says which record it is; once somebody has looked, the day is closed anew."""
    shop.paid(days.Fate.LOST)
    shop.morning()
    tampered(tmp_path, "UPDATE mw_closings SET digest = '0'")
    record_ = "the closed day 2026-11-18 of wechatpay"
    assert daily.keep(shop.world, shop.books) == []
    assert asked(shop) == [(record_,)]
    assert signals.keep(shop.world) == ()
    assert payouts.keep(shop.world, shop.books) == frozenset()
    assert daysheets.sheets(shop.world, shop.books, morning.DAY, [morning.WECHAT]) == []
    assert call("scan").exit_code == 0
    said = call("reconcile", "--day", "2026-11-18")
    assert (said.exit_code, record_ in said.stdout) == (3, True)
    assert record_ in call("doctor").stdout
    assert call("reconcile", "resume", "wechatpay", "--by", "Lin", "--why", "a disk fault").exit_code == 0
    assert [r.state for r in daily.keep(shop.world, shop.books)] == [closing.Closing.CLOSED]


def test_an_altered_difference_is_told_by_its_name_and_found_anew(shop: morning.Shop, call: Call, tmp_path: Path) -> None:
    """It is no word about keys and certificates; once somebody has looked, its day finds it again, and it is followed."""
    shop.paid()
    shop.stray("TILL7", 4200)
    shop.until(morning.TEN)
    (result,) = [closing.close(shop.world, shop.books, of) for of in daily.due(shop.world, shop.books)]
    (found,) = result.found
    tampered(tmp_path, "UPDATE mw_differences SET digest = '0'")
    said = call("reconcile", "differences")
    assert (said.exit_code, found.id in said.stderr, "certificate" in said.stderr) == (3, True, False)
    assert call("reconcile", "--day", "2026-11-18").exit_code == 3
    assert call("reconcile", "resume", "wechatpay", "--by", "Lin", "--why", "a disk fault").exit_code == 0
    assert [r.state for r in daily.keep(shop.world, shop.books)] == [closing.Closing.CLOSED]
    assert [f.found.id for f in shop.differences()] == [found.id]
    shop.settled()
    assert [f.end() is not None for f in shop.differences()] == [True]
