"""The contract of `accounts.Ledger` on every database: written once, never changed, and believed only with its digest."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa

from makewhole.adapters.store import journal, ledger, tables
from makewhole.core import faults, ids, money
from makewhole.flow import record
from makewhole.model import bank, bill, comparison, decision, difference, fetched, payment
from makewhole.ports import accounts
from tests.store import scenes
from tests.store.conftest import FILES

pytestmark = pytest.mark.parametrize("address", FILES, indirect=True)

SHOP, WECHAT, ALIPAY = ids.ShopName("mall"), ids.ChannelName("wechatpay"), ids.ChannelName("alipay")
DAY = date(2026, 11, 23)
NUMBER = bill.day_number(DAY)
NOW = datetime(2026, 11, 24, 2, tzinfo=UTC)
SPAN = timedelta(minutes=30)


def raw(content: bytes = b"\x1f\x8bbill", channel: ids.ChannelName = WECHAT, sha1: str | None = "ab" * 20) -> fetched.RawBill:
    return fetched.RawBill(channel=channel, merchant="1900000001", day=DAY, name="b.csv.gz", content=content, sha1=sha1)


def keep(store: journal.SqlStore, had: fetched.Had) -> bool:
    digest = had.digest() if isinstance(had, fetched.RawBill) else "no-bill"
    return store.ledger.keep_bill(SHOP, had, NOW, record.bill_kept(SHOP, had, digest, NOW))


def found(name: str = "1", what: bill.Break = bill.Break.FEE, channel: ids.ChannelName = WECHAT) -> difference.Difference:
    told = comparison.Told(
        line=1,
        amount_fen=1000,
        fee_millifen=6000,
        currency="CNY",
        standing=bill.Standing.PAID,
        at=NOW,
        day=NUMBER,
        payment=ids.OutTradeNo(name),
    )
    return difference.Difference(
        id=ids.derive("difference", name),
        order=ids.OrderKey(shop=SHOP, number=ids.OrderNumber(name)),
        channel=channel,
        merchant="1900000001",
        kind=bill.Kind.PAYMENT,
        number=name,
        what=what,
        day=NUMBER,
        ours=None,
        theirs=told,
        found_at=NOW,
        source="query",
    )


def put(store: journal.SqlStore, *told: difference.Difference) -> list[difference.Difference]:
    return list(store.ledger.keep(told, [record.difference_found(d) for d in told]))


def add(store: journal.SqlStore, of: difference.Difference, move: difference.Move) -> difference.Followed:
    return store.ledger.add(of.id, move, record.difference_moved(of.id, of.order, move))


def decided(choice: decision.Choice, at: datetime = NOW, until: datetime | None = None) -> difference.Decided:
    return difference.Decided(at=at, said=decision.Decision(choice=choice, by="Lin", why="because", at=at, until=until))


def booked(choice: decision.Choice = decision.Choice.WRITE_OFF, at: datetime = NOW) -> difference.Booked:
    return difference.Booked(at=at, choice=choice, amount=money.Money(fen=1000))


def closing(stage: bill.Stage = bill.Stage.BILL, day: int = NUMBER) -> accounts.Closing:
    return accounts.Closing(shop=SHOP, channel=WECHAT, merchant="1900000001", day=day, stage=stage, source="no-bill", at=NOW)


def turn(owner: str = "a", now: datetime = NOW) -> accounts.Turn:
    return accounts.Turn(owner=owner, now=now, span=SPAN)


def close(store: journal.SqlStore, owner: str = "a", told: accounts.Closing | None = None) -> None:
    of = told or closing()
    store.ledger.close(of, owner, record.day_closed(SHOP, WECHAT, of.day, of.stage, of.source, 0, NOW))


def altered(store: journal.SqlStore, address: str, statement: sa.Update | sa.Delete) -> None:
    """As whoever can write the database's file does it."""
    engine = sa.create_engine(address)
    with engine.begin() as connection:
        assert connection.execute(statement).rowcount == 1
    engine.dispose()


@pytest.mark.parametrize("size", [0, 5, ledger.PART_BYTES, ledger.PART_BYTES + 1])
def test_a_bill_is_kept_once_byte_for_byte(store: journal.SqlStore, size: int) -> None:
    """In as many rows as it needs; a second one of its day is not written, another channel's is."""
    had = raw(bytes(i % 251 for i in range(size)))
    assert keep(store, had)
    assert not keep(store, raw(b"another"))
    assert store.ledger.find_bill(SHOP, WECHAT, "1900000001", DAY) == had
    assert store.ledger.find_bill(SHOP, ALIPAY, "1900000001", DAY) is None
    assert store.ledger.find_bill(SHOP, WECHAT, "1900000001", DAY + timedelta(days=1)) is None
    assert keep(store, raw(b"PK", ALIPAY, None))
    assert [line.entry().body["channel"] for line in store.entries()] == ["wechatpay", "alipay"]


def test_that_there_is_no_bill_is_kept_too(store: journal.SqlStore) -> None:
    none = fetched.NoBill(channel=WECHAT, merchant="1900000001", day=DAY)
    assert keep(store, none)
    assert store.ledger.find_bill(SHOP, WECHAT, "1900000001", DAY) == none
    assert not keep(store, raw())


BILL_CHANGES: dict[str, Callable[[], sa.Update | sa.Delete]] = {
    "a byte": lambda: tables.bill_parts.update().values(content=b"\x1f\x8bbilk"),
    "its end": lambda: tables.bill_parts.update().values(content=b"\x1f\x8bbil"),
    "its part": tables.bill_parts.delete,
    "the channel's hash": lambda: tables.bills.update().values(sha1="cd" * 20),
    "its name": lambda: tables.bills.update().values(name="c.csv.gz"),
    "its being there": lambda: tables.bills.update().values(name=None),
    "its day": lambda: tables.bills.update().values(day=NUMBER + 1),
    "its digest": lambda: tables.bills.update().values(digest="0" * 64),
}


@pytest.mark.parametrize("what", BILL_CHANGES)
def test_a_bill_that_was_altered_is_not_believed_and_may_be_fetched_anew(store: journal.SqlStore, address: str, what: str) -> None:
    """Whatever of it was changed; the altered one stays for whoever wants to know how."""
    assert keep(store, raw())
    altered(store, address, BILL_CHANGES[what]())
    day = DAY + timedelta(days=1) if what == "its day" else DAY
    with pytest.raises(accounts.Altered, match="the bill of wechatpay"):
        store.ledger.find_bill(SHOP, WECHAT, "1900000001", day)
    if what != "its day":
        assert keep(store, raw())
        assert store.ledger.find_bill(SHOP, WECHAT, "1900000001", DAY) == raw()


def test_a_difference_is_kept_once_and_found_in_every_way(store: journal.SqlStore) -> None:
    one, two = found("1"), found("2", bill.Break.WAITING, ALIPAY)
    assert put(store, one, two) == [one, two]
    assert put(store, one, two) == []
    ledger_ = store.ledger
    assert ledger_.find(one.id) == difference.Followed(found=one)
    assert [f.found for f in ledger_.of_order(one.order)] == [one]
    assert [f.found for f in ledger_.unsettled(SHOP, WECHAT)] == [one]
    assert [set(map(str, ledger_.orders(SHOP, c))) for c in (WECHAT, ALIPAY)] == [{"1"}, {"2"}]
    assert [f.found for f in ledger_.of_days(SHOP, ALIPAY, NUMBER, NUMBER)] == [two]
    assert ledger_.of_days(SHOP, ALIPAY, NUMBER + 1, NUMBER + 9) == []
    assert ledger_.unsettled(ids.ShopName("other"), WECHAT) == []
    assert len(list(store.entries())) == 2


def test_a_decision_is_taken_once_and_booked_once(store: journal.SqlStore) -> None:
    """The same word again changes nothing; another one is refused, and so is anything after the end. Nothing moves on a refusal."""
    one = found()
    put(store, one)
    add(store, one, decided(decision.Choice.WRITE_OFF))
    after = add(store, one, decided(decision.Choice.WRITE_OFF, NOW + SPAN))
    assert len(after.moves) == 1
    size = store.head().size
    with pytest.raises(faults.Rejected, match="Lin has decided"):
        add(store, one, decided(decision.Choice.SHOP_IS_RIGHT, NOW + SPAN))
    assert add(store, one, booked()).end() == booked()
    assert add(store, one, booked(at=NOW + SPAN)).moves == (*after.moves, booked())
    with pytest.raises(faults.Rejected, match="over"):
        add(store, one, difference.Agreed(at=NOW))
    with pytest.raises(faults.Rejected, match="no difference"):
        add(store, found("9"), booked())
    assert store.head().size == size + 1
    assert store.ledger.unsettled(SHOP, WECHAT) == []
    assert store.ledger.orders(SHOP, WECHAT) == frozenset()
    assert store.ledger.of_order(one.order) == []
    assert len(store.ledger.of_days(SHOP, WECHAT, NUMBER, NUMBER)) == 1


def test_a_decision_to_wait_runs_out(store: journal.SqlStore) -> None:
    """Until then it stands; from then on another may be taken, or the same once more."""
    one, until = found(), NOW + SPAN
    put(store, one)
    wait = decided(decision.Choice.WAIT, until=until)
    assert add(store, one, wait).decided(until - timedelta(seconds=1)) == wait.said
    with pytest.raises(faults.Rejected):
        add(store, one, decided(decision.Choice.WRITE_OFF, until - timedelta(seconds=1)))
    again = decided(decision.Choice.WAIT, until, until + SPAN)
    assert add(store, one, again).moves == (wait, again)
    assert add(store, one, decided(decision.Choice.WRITE_OFF, until + SPAN)).decided(until + SPAN) is not None


@pytest.mark.parametrize("what", ["body", "digest", "move", "move's place"])
def test_a_difference_that_was_altered_is_not_believed(store: journal.SqlStore, address: str, what: str) -> None:
    one = found()
    put(store, one)
    add(store, one, decided(decision.Choice.WRITE_OFF))
    body = b'{"type":"agreed","at":"2026-11-24T02:00:00Z","by":null}'
    altered(
        store,
        address,
        {
            "body": tables.differences.update().values(body=body),
            "digest": tables.differences.update().values(digest="0" * 64),
            "move": tables.moves.update().values(body=body),
            "move's place": tables.moves.update().values(seq=1),
        }[what],
    )
    for ask in (
        lambda: store.ledger.find(one.id),
        lambda: store.ledger.unsettled(SHOP, WECHAT),
        lambda: add(store, one, booked()),
    ):
        with pytest.raises(accounts.Altered, match=one.id) as seen:
            ask()
        assert seen.value.channel == WECHAT
    assert store.ledger.unsettled(SHOP, ALIPAY) == []


def test_a_day_is_closed_once_by_whoever_has_the_turn(store: journal.SqlStore) -> None:
    """Nobody else's while it lasts; taken over after it; over for good once it is closed. Evening and bill are two."""
    ledger_ = store.ledger
    assert ledger_.begin(SHOP, WECHAT, NUMBER, bill.Stage.BILL, turn())
    assert ledger_.begin(SHOP, WECHAT, NUMBER, bill.Stage.BILL, turn())
    assert not ledger_.begin(SHOP, WECHAT, NUMBER, bill.Stage.BILL, turn("b", NOW + SPAN))
    assert ledger_.begin(SHOP, WECHAT, NUMBER, bill.Stage.EVENING, turn("b"))
    assert ledger_.begin(SHOP, WECHAT, NUMBER, bill.Stage.BILL, turn("b", NOW + SPAN + timedelta(microseconds=1)))
    with pytest.raises(faults.Rejected):
        close(store, "a")
    assert ledger_.closings(SHOP, WECHAT, NUMBER) == []
    close(store, "b")
    assert ledger_.closings(SHOP, WECHAT, NUMBER) == [closing()]
    assert ledger_.closings(SHOP, WECHAT, NUMBER + 1) == []
    with pytest.raises(faults.Rejected):
        close(store, "b")
    assert not ledger_.begin(SHOP, WECHAT, NUMBER, bill.Stage.BILL, turn("b", NOW + 9 * SPAN))


def test_a_closed_day_that_was_altered_is_not_believed(store: journal.SqlStore, address: str) -> None:
    store.ledger.begin(SHOP, WECHAT, NUMBER, bill.Stage.BILL, turn())
    close(store)
    altered(store, address, tables.closings.update().values(digest="0" * 64))
    with pytest.raises(accounts.Altered, match="2026-11-23"):
        store.ledger.closings(SHOP, WECHAT, NUMBER)


def test_a_channel_is_halted_until_somebody_resumes_it(store: journal.SqlStore) -> None:
    """Once each, with evidence; the other channel goes on."""
    ledger_ = store.ledger
    assert ledger_.halt(SHOP, WECHAT, "a bill", record.halted(SHOP, WECHAT, "a bill", NOW))
    assert not ledger_.halt(SHOP, WECHAT, "another", record.halted(SHOP, WECHAT, "another", NOW))
    assert (ledger_.halted(SHOP, WECHAT), ledger_.halted(SHOP, ALIPAY)) == ("a bill", None)
    for _ in range(2):
        ledger_.resume(SHOP, WECHAT, record.resumed(SHOP, WECHAT, "Lin", "restored from the backup", NOW))
    assert ledger_.halted(SHOP, WECHAT) is None
    assert [line.entry().kind.value for line in store.entries()] == ["settlement-halted", "settlement-resumed"]


def test_who_has_looked_at_what_was_altered_lets_the_channel_go_on(store: journal.SqlStore, address: str) -> None:
    """A difference, a move of one, a closed day: none of them stops the channel again, each may be had anew, and its row stays."""
    one, two, three = found("1"), found("2"), found("3")
    ledger_ = store.ledger
    ledger_.begin(SHOP, WECHAT, NUMBER, bill.Stage.BILL, turn())
    close(store)
    ledger_.begin(SHOP, WECHAT, NUMBER + 1, bill.Stage.BILL, turn())
    close(store, told=closing(day=NUMBER + 1))
    put(store, one, two, three)
    for of in (two, three):
        add(store, of, decided(decision.Choice.WRITE_OFF))
    table, moves = tables.differences, tables.moves
    altered(store, address, table.update().where(table.c.id == one.id).values(digest="0" * 64))
    altered(store, address, moves.update().where(moves.c.difference == two.id).values(digest="0" * 64))
    with pytest.raises(accounts.Altered):
        ledger_.unsettled(SHOP, WECHAT)
    ledger_.halt(SHOP, WECHAT, f"difference {one.id}", record.halted(SHOP, WECHAT, f"difference {one.id}", NOW))
    ledger_.resume(SHOP, WECHAT, record.resumed(SHOP, WECHAT, "Lin", "restored", NOW))
    assert [f.found for f in ledger_.unsettled(SHOP, WECHAT)] == [f.found for f in ledger_.of_days(SHOP, WECHAT, NUMBER, NUMBER)] == [three]
    assert [ledger_.decided(of.order) != [] for of in (one, two, three)] == [False, False, True]
    # Their day is nobody's closed day any more, and finds them anew; what was decided on such ground is not believed.
    assert [c.day for c in ledger_.closings(SHOP, WECHAT, 0)] == [NUMBER + 1]
    assert ledger_.begin(SHOP, WECHAT, NUMBER, bill.Stage.BILL, turn("b"))
    close(store, "b")
    assert put(store, one, two, three) == [one, two]
    assert [f.moves == () for f in ledger_.unsettled(SHOP, WECHAT)].count(True) == 2
    altered(store, address, tables.closings.update().where(tables.closings.c.day == NUMBER + 1).values(digest="0" * 64))
    with pytest.raises(accounts.Altered):
        ledger_.closings(SHOP, WECHAT, 0)
    ledger_.halt(SHOP, WECHAT, "the closed day", record.halted(SHOP, WECHAT, "the closed day", NOW))
    ledger_.resume(SHOP, WECHAT, record.resumed(SHOP, WECHAT, "Lin", "again", NOW))
    assert [c.day for c in ledger_.closings(SHOP, WECHAT, 0)] == [NUMBER]


def test_a_callback_that_was_altered_is_nobodys_word_once_somebody_has_looked(store: journal.SqlStore, address: str) -> None:
    """And one that cannot even be read keeps no other one waiting."""
    for key in ("k1", "k2"):
        assert store.keep_notice(scenes.notice(key, key))
    notices = tables.notices
    altered(store, address, notices.update().where(notices.c.key == "k1").values(headers=b"{"))
    assert [n.key for n in store.due_notices(scenes.SHOP, AFTER, 10)] == ["k2"]
    assert [n.key for n in store.notices_after(scenes.SHOP, BEFORE, "", 10)] == ["k2"]
    with pytest.raises(accounts.Altered) as met:
        check(store)
    store.ledger.halt(scenes.SHOP, WECHAT, met.value.record, record.halted(scenes.SHOP, WECHAT, met.value.record, NOW))
    store.ledger.resume(scenes.SHOP, WECHAT, record.resumed(scenes.SHOP, WECHAT, "Lin", "a disk fault", NOW))
    check(store)
    assert list(store.unsettled_payments(scenes.SHOP, AFTER)) == ["k2"]


BEFORE, AFTER = scenes.NOW - timedelta(hours=1), scenes.NOW + timedelta(hours=1)


def check(store: journal.SqlStore) -> None:
    store.ledger.check_notices(scenes.SHOP, WECHAT, BEFORE, AFTER)


NOTICE_CHANGES: dict[str, Callable[[], sa.Update | sa.Delete]] = {
    "its body": lambda: tables.notices.update().values(body=b"{}"),
    "its claim": lambda: tables.notices.update().values(attempt=b"{}"),
    "no claim": lambda: tables.notices.update().values(attempt=None),
    "its headers": lambda: tables.notices.update().values(headers=b"[]"),
    "its number": lambda: tables.notices.update().values(number="other"),
    "its instant": lambda: tables.notices.update().values(received_at=tables.notices.c.received_at + 1),
    "its digest": lambda: tables.seals.update().values(digest="0" * 64),
    "no digest": tables.seals.delete,
}


@pytest.mark.parametrize("what", NOTICE_CHANGES)
def test_a_callback_that_was_altered_is_found(store: journal.SqlStore, address: str, what: str) -> None:
    """Whatever of it was changed; how often it was forwarded is no part of it."""
    told = payment.Attempt(source=WECHAT, as_of=NOW, channel=WECHAT, number=ids.OutTradeNo("P1"), state=payment.AttemptState.PAID)
    kept = dataclasses.replace(scenes.notice("k1", "P1"), attempt=told)
    assert store.keep_notice(kept)
    store.note_forwarding(kept.key, payment.ShopAnswer.REFUSED, 500, AFTER, settled=False)
    check(store)
    altered(store, address, NOTICE_CHANGES[what]())
    with pytest.raises(accounts.Altered, match="the callback k1") as seen:
        check(store)
    assert seen.value.channel == WECHAT
    store.ledger.check_notices(scenes.SHOP, ALIPAY, BEFORE, AFTER)
    store.ledger.check_notices(scenes.SHOP, WECHAT, AFTER, AFTER + SPAN)


def test_every_callback_of_a_long_day_is_looked_at(store: journal.SqlStore, address: str) -> None:
    """A page at a time; the last one counts as the first."""
    for place in range(ledger.NOTICES + 2):
        assert store.keep_notice(scenes.notice(f"k{place:04d}", "P1"))
    check(store)
    last = tables.notices.update().values(number="other").where(tables.notices.c.key == f"k{ledger.NOTICES + 1:04d}")
    altered(store, address, last)
    with pytest.raises(accounts.Altered):
        check(store)


def test_callbacks_from_before_there_were_digests_are_let_be(store: journal.SqlStore, address: str) -> None:
    """Only those: one that was kept since must have its digest."""
    assert store.keep_notice(scenes.notice("k1", "P1"))
    altered(store, address, tables.seals.delete())
    with pytest.raises(accounts.Altered):
        check(store)
    engine = sa.create_engine(address)
    with engine.begin() as connection:
        connection.execute(tables.meta.update().values(value=str(tables.GROWN_FROM)))
        connection.execute(tables.marks.delete())
        tables.seals.drop(connection)
    engine.dispose()
    with journal.SqlStore(address) as grown:
        grown.ledger.check_notices(scenes.SHOP, WECHAT, BEFORE, AFTER)


def test_a_day_is_closed_anew_in_a_version_of_its_own(store: journal.SqlStore) -> None:
    """By a bill that the channel corrected: the last version is told, each is closed once, and the bill before it stays in the store."""
    assert keep(store, raw(b"first"))
    assert store.ledger.begin(SHOP, WECHAT, NUMBER, bill.Stage.BILL, turn())
    close(store)
    again = dataclasses.replace(closing(), version=1, source="corrected")
    assert store.ledger.begin(SHOP, WECHAT, NUMBER, bill.Stage.BILL, turn("b"), 1)
    assert not store.ledger.begin(SHOP, WECHAT, NUMBER, bill.Stage.BILL, turn("c"), 1)
    assert [c.version for c in store.ledger.closings(SHOP, WECHAT, NUMBER)] == [0]
    close(store, "b", again)
    assert store.ledger.closings(SHOP, WECHAT, NUMBER) == [again]
    second = raw(b"second")
    kept = [store.ledger.keep_bill(SHOP, second, NOW, record.bill_kept(SHOP, second, second.digest(), NOW), anew=True) for _ in range(2)]
    assert kept == [True, False]
    assert store.ledger.find_bill(SHOP, WECHAT, "1900000001", DAY) == second
    assert [line.entry().kind.value for line in store.entries()] == ["bill-kept", "day-closed", "day-closed", "bill-kept"]


def test_a_banks_statement_is_kept_once_and_believed_only_with_its_digest(store: journal.SqlStore, address: str) -> None:
    """By the file's digest; found by the days that it reaches to."""
    line = bank.Line(id=ids.derive("line", 1), place=2, channel=WECHAT, day=NUMBER, fen=26_937, memo="结算")
    told = bank.Statement(digest="ab" * 32, name="a.csv", first=NUMBER - 3, last=NUMBER, lines=(line,), others=4)
    assert [store.ledger.keep_statement(SHOP, told, NOW, record.statement_kept(SHOP, told, NOW)) for _ in range(2)] == [True, False]
    assert store.ledger.has_statement(SHOP, told.digest)
    assert not store.ledger.has_statement(SHOP, "cd" * 32)
    assert store.ledger.statements(SHOP, NUMBER) == [told]
    assert store.ledger.statements(SHOP, NUMBER + 1) == []
    assert [e.entry().body["file"] for e in store.entries()] == [told.digest]
    altered(store, address, tables.bank_statements.update().values(body=b"{}"))
    with pytest.raises(accounts.Altered, match="the bank's statement abababab"):
        store.ledger.statements(SHOP, NUMBER)
