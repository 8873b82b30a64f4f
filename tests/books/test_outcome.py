"""What a day's comparison comes to: new differences, partners across midnight, waiting that ends; and whether one still stands."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from makewhole.books import outcome, standing
from makewhole.core import clock, ids, money
from makewhole.model import bill, claim, comparison, decision, difference, payment
from makewhole.model.bill import Break, Kind, Standing

SHOP, WECHAT = ids.ShopName("mall"), ids.ChannelName("wechatpay")
DAY = 20780
NOW = datetime(2026, 11, 24, 2, tzinfo=UTC)
WINDOW = bill.Window(day=DAY)


def at(day: int = DAY, hour: int = 12, minute: int = 0) -> datetime:
    return datetime.combine(bill.date_of(day), datetime.min.time(), clock.BEIJING) + timedelta(hours=hour, minutes=minute)


def told(fen: int = 1000, standing_: Standing = Standing.PAID, when: datetime | None = None, **more: Any) -> comparison.Told:
    moment = when or at()
    values: dict[str, Any] = {"line": 1, "fee_millifen": None, "currency": "CNY", "payment": ids.OutTradeNo("P1")}
    return comparison.Told(amount_fen=fen, standing=standing_, at=moment, day=bill.day_of(moment), **(values | more))


def pair(
    what: Break, ours: comparison.Told | None, theirs: comparison.Told | None, number: str | None = "P1", kind: Kind = Kind.PAYMENT
) -> comparison.Pair:
    return comparison.Pair(what=what, channel=WECHAT, merchant="1", kind=kind, number=number, ours=ours, theirs=theirs)


def came_to(*pairs: comparison.Pair, known: tuple[difference.Followed, ...] = (), window: bill.Window = WINDOW) -> outcome.Outcome:
    def order_of(of: comparison.Pair) -> ids.OrderKey:
        return ids.OrderKey(shop=SHOP, number=ids.OrderNumber(of.number or "?"))

    compared = comparison.Comparison(pairs=pairs, sums=())
    return outcome.outcome(compared, window, known, shop=SHOP, order_of=order_of, source="b", now=NOW)


def followed(told_: outcome.Outcome) -> difference.Followed:
    (found,) = told_.found
    whole = difference.Followed(found=found)
    for of, move in told_.moves:
        assert of == found.id
        whole = whole.after(move)
    return whole


BROKEN = [
    (Break.THEIRS_ONLY, None, told()),
    (Break.OURS_ONLY, told(), None),
    (Break.AMOUNT, told(1000), told(900)),
    (Break.STATUS, told(standing_=Standing.UNPAID), told()),
    (Break.CURRENCY, told(currency="USD"), told()),
    (Break.FEE, told(fee_millifen=6000), told(fee_millifen=9000)),
]


@pytest.mark.parametrize("what, ours, theirs", BROKEN)
def test_what_is_broken_is_noted_once_however_often_the_day_is_compared(
    what: Break, ours: comparison.Told | None, theirs: comparison.Told | None
) -> None:
    """The same movement has the same id, whatever its class or the bill's line."""
    first = came_to(pair(what, ours, theirs))
    one = followed(first)
    assert (one.what(), one.found.day, one.end()) == (what, DAY, None)
    again = came_to(pair(what, ours, theirs), known=(one,))
    assert again == outcome.Outcome(found=(), moves=())
    other = came_to(pair(Break.OURS_ONLY, told(), None))
    assert followed(other).found.id == one.found.id


def test_the_second_line_of_a_number_is_a_difference_of_its_own() -> None:
    """Two more of them are two more, and the first line's difference stays what it was."""
    twice = pair(Break.DUPLICATE_THEIRS, None, told())
    ids_ = [d.id for d in came_to(pair(Break.AMOUNT, told(), told(900)), twice, twice).found]
    assert len(set(ids_)) == 3
    assert [d.id for d in came_to(twice).found] == [ids_[1]]


def test_what_is_settled_is_not_noted() -> None:
    assert came_to(pair(Break.IDLE, told(standing_=Standing.UNPAID), None), pair(Break.GROUPED, told(), None)).found == ()


@pytest.mark.parametrize("side", list(bill.Side))
def test_the_pool_waits_is_carried_pairs_or_ages(side: bill.Side) -> None:
    """A line near midnight on one side; the next days' books have its partner, or after three days nobody has."""
    late = told(when=at(hour=23, minute=50))
    alone = pair(Break.WAITING, late, None) if side is bill.Side.OURS else pair(Break.WAITING, None, late)
    waits = followed(came_to(alone))
    assert (waits.what(), waits.end()) == (Break.WAITING, None)
    (carried,) = outcome.carried([waits], side, DAY + 1)
    assert (carried.line, carried.number, carried.amount_fen, carried.day) == (-1, "P1", 1000, DAY)
    other = bill.Side.THEIRS if side is bill.Side.OURS else bill.Side.OURS
    assert outcome.carried([waits], other, DAY + 1) == outcome.carried([waits], side, DAY) == []
    tomorrow = bill.Window(day=DAY + 1)
    # Still alone.
    assert came_to(alone, known=(waits,), window=tomorrow).moves == ()
    # Its partner came, on the next day, or late in its own.
    both = pair(Break.ACROSS_CUT_OFF, late, told(when=at(DAY + 1, 0, 5)))
    paired = difference.Paired(at=NOW, day=DAY + 1)
    assert came_to(both, known=(waits,), window=tomorrow) == outcome.Outcome(found=(), moves=((waits.found.id, paired),))
    assert came_to(known=(waits,), window=tomorrow).moves == ((waits.found.id, paired),)
    # Nobody has it: broken, once.
    broken = pair(Break.OURS_ONLY, late, None) if side is bill.Side.OURS else pair(Break.THEIRS_ONLY, None, late)
    aged = came_to(broken, known=(waits,), window=bill.Window(day=DAY + 3))
    assert aged.moves == ((waits.found.id, difference.Aged(at=NOW, what=broken.what)),)
    old = waits.after(aged.moves[0][1])
    assert (old.what(), outcome.carried([old], side, DAY + 4)) == (broken.what, [])
    assert came_to(broken, known=(old,), window=bill.Window(day=DAY + 4)).moves == ()


def test_what_differs_when_its_partner_comes_is_that_and_not_missing_later() -> None:
    """A pool's line whose partner has another amount is one difference, and never reported again as one-sided."""
    late = told(when=at(hour=23, minute=50))
    waits = followed(came_to(pair(Break.WAITING, late, None)))
    differs = came_to(pair(Break.AMOUNT, late, told(900, when=at(DAY + 1, 0, 5))), known=(waits,), window=bill.Window(day=DAY + 1))
    assert differs.moves == ((waits.found.id, difference.Aged(at=NOW, what=Break.AMOUNT)),)
    one = waits.after(differs.moves[0][1])
    assert outcome.carried([one], bill.Side.OURS, DAY + 2) == []
    assert came_to(known=(one,), window=bill.Window(day=DAY + 3)) == outcome.Outcome(found=(), moves=())


def test_a_line_that_paired_across_midnight_is_not_looked_for_again() -> None:
    """It stands in the neighbouring day's bill: our line of that day is taken."""
    across = pair(Break.ACROSS_CUT_OFF, told(when=at(DAY + 1, 0, 1)), told(when=at(hour=23, minute=59)))
    one = followed(came_to(across))
    assert isinstance(one.end(), difference.Paired)
    assert outcome.taken([one]) == {(WECHAT, Kind.PAYMENT, "P1", DAY + 1)}


def test_a_neighbouring_days_line_is_that_days_to_note() -> None:
    alone = pair(Break.WAITING, told(when=at(DAY + 1, 0, 20)), None)
    assert came_to(alone).found == ()


# ---------------------------------------------------------------- whether it still stands


def line(number: str | None = "P1", fen: int = 1000, standing_: Standing = Standing.PAID, **more: Any) -> bill.Line:
    values: dict[str, Any] = {
        "line": 0, "channel": WECHAT, "merchant": "1", "kind": Kind.PAYMENT, "payment": ids.OutTradeNo("P1"), "transaction": None,
        "order": None, "fee_millifen": None, "currency": "CNY", "at": at(), "day": DAY,
    }  # fmt: skip
    return bill.Line(number=number, amount_fen=fen, standing=standing_, **(values | more))


def attempt(state: payment.AttemptState, paid_at: datetime | None = None, fen: int = 1000) -> payment.Attempt:
    return payment.Attempt(
        source=WECHAT,
        as_of=NOW,
        channel=WECHAT,
        number=ids.OutTradeNo("P1"),
        state=state,
        amount=money.Money(fen=fen),
        transaction=ids.TransactionId("T1"),
        paid_at=paid_at,
    )


def gone(fen: int = 1000, state: payment.RefundState = payment.RefundState.DONE) -> payment.ChannelRefund:
    return payment.ChannelRefund(
        source=WECHAT,
        as_of=NOW,
        channel=WECHAT,
        number=ids.RefundNo("R1"),
        payment=ids.OutTradeNo("P1"),
        state=state,
        amount=money.Money(fen=fen),
    )


def stands(what: Break, ours: comparison.Told | None, theirs: comparison.Told | None, lines: list[bill.Line], *heard: Any) -> bool:
    return standing.stands(followed(came_to(pair(what, ours, theirs))), lines, heard)


@pytest.mark.parametrize(
    "mine, still",
    [
        (line(), False),
        (line(fen=999), True),
        (line(standing_=Standing.UNPAID), True),
        (line(currency="USD"), True),
        (line("other"), True),
        (line("other", transaction=ids.TransactionId("T1")), False),
        (line(kind=Kind.REFUND), True),
        (line(channel=ids.ChannelName("alipay")), True),
    ],
)
@pytest.mark.parametrize(
    "what, ours", [(Break.THEIRS_ONLY, None), (Break.AMOUNT, told(900)), (Break.STATUS, told(standing_=Standing.UNPAID))]
)
def test_it_is_over_when_our_line_says_what_the_bill_said(
    what: Break, ours: comparison.Told | None, mine: bill.Line, *, still: bool
) -> None:
    """The line made anew; its number or the channel's own, and every word of it."""
    assert stands(what, ours, told(transaction=ids.TransactionId("T1")), [mine]) is still
    assert stands(what, ours, told(transaction=ids.TransactionId("T1")), [])


@pytest.mark.parametrize(
    "lines, heard, still",
    [
        ([line()], (), True),
        ([line()], (attempt(payment.AttemptState.UNPAID),), True),
        ([line(standing_=Standing.UNPAID)], (), False),
        ([], (), False),
        # Paid on that very day, and not in that day's bill: the channel contradicts itself.
        ([line()], (attempt(payment.AttemptState.PAID, at()),), True),
        ([line()], (attempt(payment.AttemptState.PAID, at(DAY - 1)),), False),
        ([line()], (attempt(payment.AttemptState.PAID, at(DAY - 1), 999),), True),
    ],
)
def test_ours_alone_is_over_when_it_is_gone_or_the_channel_has_it_on_another_day(
    lines: list[bill.Line], heard: Any, *, still: bool
) -> None:
    assert stands(Break.OURS_ONLY, told(), None, lines, *heard) is still


@pytest.mark.parametrize("back, still", [((gone(),), False), ((gone(999),), True), ((gone(state=payment.RefundState.PROCESSING),), True)])
def test_money_that_came_and_went_whole_is_no_difference(back: Any, *, still: bool) -> None:
    """The shop knows of neither, and has lost nothing."""
    heard = (attempt(payment.AttemptState.REFUND, at()), *back)
    assert stands(Break.THEIRS_ONLY, None, told(), [], *heard) is still


def test_fees_and_second_lines_stand_until_they_are_decided() -> None:
    assert stands(Break.FEE, told(fee_millifen=6000), told(fee_millifen=9000), [line(fee_millifen=6000)])
    assert not stands(Break.FEE, told(fee_millifen=6000), told(fee_millifen=9000), [line(fee_millifen=9000)])
    assert stands(Break.DUPLICATE_THEIRS, None, told(), [line()])
    assert stands(Break.DUPLICATE_OURS, told(), None, [line(), line()])
    assert not stands(Break.DUPLICATE_OURS, told(), None, [line()])


def test_the_gap_is_never_negative_and_parts_of_a_fen_count() -> None:
    """One side alone: all of it. Amounts: the difference. Fees: rounded up, or a hundred of them would be nothing."""
    gaps = {what: followed(came_to(pair(what, ours, theirs))).found.gap().fen for what, ours, theirs in BROKEN}
    assert gaps == {
        Break.THEIRS_ONLY: 1000,
        Break.OURS_ONLY: 1000,
        Break.AMOUNT: 100,
        Break.STATUS: 1000,
        Break.CURRENCY: 1000,
        Break.FEE: 3,
    }
    part = pair(Break.FEE, told(fee_millifen=6000), told(fee_millifen=6001))
    assert followed(came_to(part)).found.gap().fen == 1


def test_nouns_of_the_ledger_come_back_as_they_went() -> None:
    """Moves are told apart by their tag."""
    moves: list[difference.Move] = [
        difference.Paired(at=NOW, day=DAY),
        difference.Aged(at=NOW, what=Break.AMOUNT),
        difference.Decided(at=NOW, said=decision.Decision(choice=decision.Choice.WAIT, by="Lin", why="x", at=NOW, until=NOW)),
        difference.Booked(at=NOW, choice=decision.Choice.WRITE_OFF, amount=money.Money(fen=1)),
        difference.Agreed(at=NOW),
    ]
    for move in moves:
        assert msgspec.json.decode(msgspec.json.encode(move), type=difference.Move) == move
    assert claim.UNHEARD.isdisjoint({claim.Why.NOT_FOUND, claim.Why.NOT_CONFIGURED})
