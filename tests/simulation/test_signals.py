"""Signals of a whole shop: counted from what the relay kept and channels answered, told once; a burst of refunds is stopped (R18)."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from makewhole import ports
from makewhole.adapters.store import journal
from makewhole.core import clock, ids
from makewhole.engine import look, propose, recover, signals
from makewhole.flow import guard
from makewhole.model import bill, case, comparison, payment, plan, verdict
from makewhole.model.signal import Sign
from makewhole.ports import accounts, answers
from makewhole.rehearsal import stage
from makewhole.sandbox import day
from makewhole.sandbox.channel.faults import Fault
from makewhole.sandbox.shop.defects import Defect

NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
CHANNEL = ids.ChannelName("wechatpay")


@pytest.fixture
def on(tmp_path: Path) -> Iterator[stage.Stage]:
    made = stage.stage(1, tmp_path, store=f"sqlite:///{tmp_path}/store.db")
    yield made
    made.close()


def wait(on: stage.Stage, minutes: float) -> None:
    on.day.run_until(on.day.clock.now() + timedelta(minutes=minutes))


def refunded(on: stage.Stage, member: str, count: int) -> list[str]:
    """Orders of one buyer that the shop gives back by itself; the channel tells the relay."""
    numbers = []
    for _ in range(count):
        sn = on.day.order(member=member)
        on.day.pays(sn, day.Fate.RELAY)
        wait(on, 2)
        on.day.shop.refund(sn, on.day.due_fen(sn))
        numbers.append(sn)
    wait(on, 30)
    return numbers


def paid_twice(on: stage.Stage, member: str) -> ids.OrderNumber:
    """An order that we would give the second payment back of."""
    sn = on.day.order(Defect.NEW_NUMBER_ON_RETRY, member=member)
    number = on.day.shop.pay(sn)
    on.day.pays(number, day.Fate.RELAY)
    on.day.pays(sn, day.Fate.RELAY)
    wait(on, 5)
    return ids.OrderNumber(sn)


@pytest.mark.parametrize("others, stopped", [(4, False), (5, True), (6, True)])
def test_refunds_that_the_shop_sends_count_towards_the_stop(on: stage.Stage, others: int, stopped: bool) -> None:  # noqa: FBT001 - a row of the table
    """Five a day are allowed, whoever sends them: then ours to this account waits for finance, and no fen moves."""
    refunded(on, "B1", others)
    number = paid_twice(on, "B1")
    signals.keep(on.world)
    before = len(on.day.bank.refunds)
    looked = look.look(on.world, number)
    said = propose.propose(on.world, looked, looked.findings()[0]).verdict
    recover.recover(on.world, number)
    assert len(on.day.bank.refunds) - before == (0 if stopped else 1)
    if stopped:
        assert isinstance(said, verdict.Held)
        assert (said.role, said.ground) == (verdict.Role.FINANCE, verdict.Ground.TOO_MANY_REFUNDS)
        assert [c.terminal for c in on.store.cases(looked.order)] == [plan.Terminal.PERSON]


def test_another_buyer_is_not_stopped(on: stage.Stage) -> None:
    """Nor is the same one on the next day."""
    first, *_ = refunded(on, "B1", 6)
    other = paid_twice(on, "B2")
    signals.keep(on.world)
    recover.recover(on.world, other)
    buyer = guard.buyer_of(look.look(on.world, ids.OrderNumber(first)).dossier)
    assert buyer is not None
    bucket = guard.refunds_bucket(on.world.eyes.shop, buyer, guard.today(on.day.clock.now()))
    assert len(signals.refunds_elsewhere(on.store, bucket)) == 6
    assert len(on.day.bank.refunds) == 7
    wait(on, 24 * 60)
    tomorrow = paid_twice(on, "B1")
    signals.keep(on.world)
    recover.recover(on.world, tomorrow)
    assert len(on.day.bank.refunds) == 8


def test_too_many_refunds_are_told_once(on: stage.Stage) -> None:
    """However often we look; and whoever asks sees it as long as it lasts, without anything being written."""
    refunded(on, "B1", 6)
    assert told(on.store) == []
    (seen,) = signals.keep(on.world)
    for _ in range(3):
        wait(on, 1)
        assert [s.id() for s in signals.keep(on.world)] == [seen.id()]
    assert (seen.sign, seen.seen, seen.usual, len(seen.numbers)) == (Sign.REFUND_VELOCITY, 6, 5, 6)
    (entry,) = told(on.store)
    assert entry.body["sign"] == "refund-velocity"
    assert seen.about not in str(entry.body)
    assert not on.store.audit().complaints
    assert [s.id() for s in signals.found(on.world)] == [seen.id()]


def test_two_processes_that_count_at_once_tell_a_sign_once_and_forget_nothing(on: stage.Stage) -> None:
    """One has read where counting stands, then the other counts on: what the first one writes is late, and changes nothing."""
    numbers = refunded(on, "B1", 6)
    slow = Late(on.store)
    slow.meanwhile = lambda: signals.keep(on.world)
    late: Any = slow
    signals.keep(dataclasses.replace(on.world, store=late))
    assert slow.refused == 1
    (entry,) = told(on.store)
    assert entry.body["sign"] == "refund-velocity"
    buyer = guard.buyer_of(look.look(on.world, ids.OrderNumber(numbers[0])).dossier)
    assert buyer is not None
    bucket = guard.refunds_bucket(on.world.eyes.shop, buyer, guard.today(on.day.clock.now()))
    assert len(signals.refunds_elsewhere(on.store, bucket)) == 6
    wait(on, 1)
    assert len(signals.keep(on.world)) == len(told(on.store)) == 1


class Late:
    """A process that is held up between what it has read and what it writes: the store as it is, and somebody else in between."""

    def __init__(self, store: journal.SqlStore) -> None:
        self._store = store
        self.meanwhile: Callable[[], object] = lambda: None
        self.refused = 0

    def append(self, entries: Sequence[case.Entry], once: str = "") -> None:
        self.meanwhile()
        self._store.append(entries, once)

    def move_mark(self, name: str, was: str | None, value: str) -> bool:
        moved = self._store.move_mark(name, was, value)
        self.refused += not moved
        return moved

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def told(store: journal.SqlStore) -> list[case.Entry]:
    return [e for line in store.entries() if (e := line.entry()).kind is case.EntryKind.SIGNAL_SEEN]


def kept(at: datetime, number: int, check: payment.NoticeCheck = payment.NoticeCheck.GENUINE) -> ports.Kept:
    return ports.Kept(
        key=ids.derive("n", number, at),
        shop=ids.ShopName("demo"),
        channel=CHANNEL,
        number=ids.OutTradeNo(f"A{number}"),
        check=check,
        received_at=at,
        headers=(),
        body=b"",
    )


def at_noon(on: stage.Stage, store: journal.SqlStore, now: datetime = NOON) -> ports.World:
    """The stage's world with another store and clock: what is counted is not what the sandbox did."""
    return dataclasses.replace(on.world, store=store, clock=clock.ManualClock(now), channels={}, books=None)


def test_silence_is_told_from_what_the_relay_kept(on: stage.Stage) -> None:
    """Nine days of callbacks, then none since ten o'clock; forged ones are no sign of life; counting goes on where it was left."""
    with journal.SqlStore("sqlite://") as store:
        shop = on.world.eyes.shop
        for days in range(9, -1, -1):
            for minute in range(0, 240, 6):
                at = NOON - timedelta(days=days, minutes=240 - minute)
                if days or minute < 120:
                    store.keep_notice(dataclasses.replace(kept(at, minute), shop=shop))
            signals.keep(at_noon(on, store, NOON - timedelta(days=days, hours=2)))
        for minute in range(0, 120, 6):
            forged = kept(NOON - timedelta(minutes=minute), minute, payment.NoticeCheck.BAD_SIGNATURE)
            store.keep_notice(dataclasses.replace(forged, shop=shop))
        assert told(store) == []
        (seen,) = signals.keep(at_noon(on, store))
        assert (seen.sign, seen.about, seen.since) == (Sign.CALLBACKS_SILENT, "wechatpay", NOON - timedelta(hours=2))
        assert signals.keep(at_noon(on, store, NOON + timedelta(minutes=20)))[0].id() == seen.id()
        assert len(told(store)) == 1
        assert signals.found(dataclasses.replace(at_noon(on, store), relayed=False)) == ()
        again = kept(NOON + timedelta(minutes=21), 1)
        store.keep_notice(dataclasses.replace(again, shop=shop))
        assert signals.keep(at_noon(on, store, NOON + timedelta(minutes=25))) == ()


def test_a_burst_of_one_code_is_told_from_the_evidence_log(on: stage.Stage) -> None:
    """What steps were answered, by code; other entries are none."""
    key = ids.OrderKey(shop=on.world.eyes.shop, number=ids.OrderNumber("A1"))

    def answered(code: str, at: datetime) -> case.Entry:
        body = {"index": 0, "news": {"news": "refusal", "why": "no", "code": code}}
        return case.Entry(kind=case.EntryKind.STEP_OUTCOME, at=at, order=key, body=body)

    with journal.SqlStore("sqlite://") as store:
        store.append([answered("NOT_ENOUGH", NOON - timedelta(minutes=m)) for m in range(20)])
        store.append([answered("FREQUENCY_LIMITED", NOON - timedelta(minutes=m)) for m in range(19)])
        (seen,) = signals.keep(at_noon(on, store))
        assert (seen.sign, seen.about, seen.seen, seen.usual) == (Sign.CODE_BURST, "NOT_ENOUGH", 20, 0)
        (entry,) = told(store)
        assert entry.body["about"] == "NOT_ENOUGH"


def test_a_burst_of_one_code_is_told_from_what_questions_are_answered(on: stage.Stage) -> None:
    """Of whichever process: nobody acts while a channel answers nothing else. That a payment is not known there is an answer."""
    sn = on.day.order()
    on.day.pays(sn, day.Fate.LOST)
    wait(on, 2)
    for _ in range(30):
        look.look(on.world, ids.OrderNumber("NOBODYS"))
    on.day.channel.faults.next(Fault.SYSTEM_ERROR_BEFORE, where="query", times=1000)
    other = dataclasses.replace(on.world, answers=answers.Answers())
    for world in (on.world, other):
        for _ in range(10):
            look.look(world, ids.OrderNumber(sn))
    # Killed in the next second; and whoever is held up by another process has its own counts still.
    signals.keep_answers(on.world)
    slow = Late(on.store)
    slow.move_mark = lambda *_: False  # type: ignore[method-assign]
    late: Any = slow
    signals.keep_answers(dataclasses.replace(other, store=late))
    (seen,) = signals.keep(other)
    assert (seen.sign, seen.seen, seen.usual) == (Sign.CODE_BURST, 20, 0)
    assert len(told(on.store)) == 1


def test_what_questions_about_refunds_are_answered_with_counts_as_well(on: stage.Stage) -> None:
    """The payment is told, its refund is not: what that question is answered with. That there is no such refund counts for nothing."""
    (sn,) = refunded(on, "M", 1)
    (number,) = on.day.bank.refunds
    del on.day.bank.refunds[number]
    look.look(on.world, ids.OrderNumber(sn))
    assert not on.world.answers.take()
    on.day.channel.faults.next(Fault.SYSTEM_ERROR_BEFORE, where="query-refund", times=1000)
    look.look(on.world, ids.OrderNumber(sn))
    (((code, _), times),) = on.world.answers.take().items()
    assert (code, times >= 1) == ("SYSTEM_ERROR", True)


def test_a_drift_of_fees_is_told_from_closed_days(on: stage.Stage) -> None:
    """Of days that were compared with their bill, on the channel's side of the books."""

    class Ledger:
        def closings(self, shop: ids.ShopName, channel: ids.ChannelName, first: int) -> list[accounts.Closing]:
            return [closing(d, 66 if d else 73) for d in range(5, -1, -1) if bill.day_of(NOON) - 1 - d >= first]

    def closing(days: int, fees: int) -> accounts.Closing:
        of = bill.day_of(NOON) - 1 - days
        sums = tuple(
            comparison.Sum(
                side=side,
                channel=CHANNEL,
                currency="CNY",
                kind=kind,
                day=of,
                what=bill.Break.MATCHED,
                lines=9,
                fen=10_000_000,
                fees_millifen=taken,
            )
            for side, kind, taken in (
                (bill.Side.THEIRS, bill.Kind.PAYMENT, fees * 1_000_000),
                (bill.Side.OURS, bill.Kind.PAYMENT, 0),
                (bill.Side.THEIRS, bill.Kind.REFUND, 1),
            )
        )
        stage_ = bill.Stage.BILL
        return accounts.Closing(
            shop=on.world.eyes.shop, channel=CHANNEL, merchant="1", day=of, stage=stage_, source="x", at=NOON, sums=sums
        )

    ledger: Any = Ledger()
    books = accounts.Books(sources={}, accountant=ledger, ledger=ledger)
    with journal.SqlStore("sqlite://") as store:
        (seen,) = signals.keep(dataclasses.replace(at_noon(on, store), channels=on.world.channels, books=books))
        assert (seen.sign, seen.about, seen.seen, seen.usual) == (Sign.FEE_DRIFT, "wechatpay", 7300, 6600)
        assert len(told(store)) == 1
        assert signals.keep(dataclasses.replace(at_noon(on, store), channels=on.world.channels, books=None)) == ()
