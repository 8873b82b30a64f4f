"""The relay of a real process: what it said SUCCESS to is kept, whatever the shop does; and the shop hears of it until its row shows it."""

from __future__ import annotations

import signal
import time
from datetime import timedelta
from pathlib import Path

import pytest

from makewhole.model import finding, payment
from makewhole.sandbox import day
from makewhole.sandbox.shop.schema import Status
from tests.serve import town as towns
from tests.serve.town import Mood

ANSWER_WITHIN_S = 5.0
"""What WeChat Pay gives a merchant. Asserted as the time-out of the client that posts, which fails the test when it is passed."""

ANSWERS = {
    Mood.CLOSED: (payment.ShopAnswer.UNREACHABLE, None),
    Mood.HANGS: (payment.ShopAnswer.UNREACHABLE, None),
    Mood.BREAKS_OFF: (payment.ShopAnswer.UNREACHABLE, None),
    Mood.GATEWAY: (payment.ShopAnswer.UNREACHABLE, 502),
    Mood.FAILS: (payment.ShopAnswer.REFUSED, 500),
    Mood.REFUSES: (payment.ShopAnswer.REFUSED, 401),
    Mood.YES_TO_ALL: (payment.ShopAnswer.ACKNOWLEDGED, 200),
}
"""What is noted of a shop in each mood that does not apply the payment."""

QUICK = {Mood.YES_TO_ALL}
"""What shops do most, in the quick part."""


def test_every_mood_in_which_a_shop_does_not_apply_is_here() -> None:
    """A mood without a line above would be a mood without a test."""
    assert set(ANSWERS) == set(Mood) - {Mood.WELL}


@pytest.mark.parametrize("mood", [m if m in QUICK else pytest.param(m, marks=pytest.mark.slow) for m in ANSWERS])
def test_kept_whatever_the_shop_does_and_forwarded_until_its_row_shows_the_payment(mood: Mood, tmp_path: Path) -> None:
    """Without hands, so that nothing but the forwarding can make the order whole."""
    with towns.raised(tmp_path, hands=False) as town:
        sn = town.day.order()
        town.day.pays(sn, day.Fate.RELAY)
        town.door.turn(mood)
        serving = town.serve()
        told = towns.callback(town, sn)
        assert serving.post(told.headers, told.body) == (200, b'{"code":"SUCCESS","message":"OK"}')
        (kept,) = town.kept(sn)
        assert (kept.check, kept.body) == (payment.NoticeCheck.GENUINE, told.body)
        towns.eventually(lambda: town.kept(sn)[0].forwarded == 1, "the shop heard of it once")
        (kept,) = town.kept(sn)
        assert (kept.answer, kept.answer_code, kept.settled) == (*ANSWERS[mood], False)
        assert town.status(sn) is Status.UNPAID
        heard = len(town.door.heard)
        town.door.turn(Mood.WELL)
        # The first wait is over at once.
        town.sql("UPDATE mw_notices SET next_at = 0")
        towns.eventually(lambda: town.kept(sn)[0].settled, "settled")
        (kept,) = town.kept(sn)
        assert (kept.answer, kept.forwarded, town.status(sn)) == (payment.ShopAnswer.ACKNOWLEDGED, 2, Status.PAID)
        assert town.door.heard[heard:] == [told.body]
        assert serving.stop() == 0


CAUSES = {
    payment.ShopAnswer.UNREACHABLE: finding.CauseDetail.CALLBACK_NOT_DELIVERED,
    payment.ShopAnswer.REFUSED: finding.CauseDetail.CALLBACK_REFUSED,
    payment.ShopAnswer.ACKNOWLEDGED: finding.CauseDetail.CALLBACK_ACKNOWLEDGED_NOT_APPLIED,
}


@pytest.mark.slow
@pytest.mark.parametrize("mood", list(ANSWERS))
def test_what_the_shop_did_with_a_callback_is_the_cause_of_its_case(mood: Mood, tmp_path: Path) -> None:
    """With hands, and a shop that never mends itself: the case names the cause, the repair is done once."""
    with towns.raised(tmp_path) as town:
        keeper = town.serve(sweep_every_s=3600)
        towns.eventually(lambda: "swept" in keeper.told(), "its one sweep is over")
        sn = town.day.order()
        town.day.pays(sn, day.Fate.RELAY)
        town.door.turn(mood)
        told = towns.callback(town, sn)
        assert keeper.post(told.headers, told.body)[0] == 200
        towns.eventually(lambda: town.kept(sn)[0].forwarded == 1, "the shop heard of it")
        keeper.kill()
        town.serve()
        towns.eventually(lambda: town.status(sn) is Status.PAID, "repaired")
        with town.remembered() as store:
            (known,) = store.cases()
            assert known.finding.ailment is finding.Ailment.PAID_NOT_RECORDED
            assert known.finding.reason.detail is CAUSES[ANSWERS[mood][0]]
        assert town.times_paid() == {sn: 1}
        assert town.stock_differences() == []


@pytest.mark.slow
def test_a_shop_that_says_yes_is_believed_by_its_row_only(tmp_path: Path) -> None:
    """The same notice a hundred times is one notice; once the row shows it, nobody is told again."""
    with towns.raised(tmp_path, hands=False) as town:
        sn = town.day.order()
        town.day.pays(sn, day.Fate.RELAY)
        serving = town.serve()
        told = towns.callback(town, sn)
        assert {serving.post(told.headers, told.body)[0] for _ in range(100)} == {200}
        towns.eventually(lambda: town.kept(sn)[0].settled, "settled")
        (kept,) = town.kept(sn)
        assert (kept.forwarded, town.status(sn), town.times_paid()) == (1, Status.PAID, {sn: 1})
        town.sql("UPDATE mw_notices SET next_at = 0")
        time.sleep(2.5)
        assert len(town.door.heard) == 1


@pytest.mark.slow
def test_a_refunds_notice_is_forwarded_and_settled_by_the_refunds_row(tmp_path: Path) -> None:
    """It is kept beside the payment's, as what it is; the order's row, long paid, settles nothing of it."""
    with towns.raised(tmp_path, hands=False) as town:
        sn = town.day.order()
        town.day.pays(sn, day.Fate.SHOP)
        town.day.run_until(town.day.clock.now() + timedelta(minutes=1))
        assert town.status(sn) is Status.PAID
        number = town.day.shop.refund(sn, 100)
        # This shop asks; its neighbour would name a callback address with its refunds.
        town.day.bank.refunds[number].notify_url = "https://relay.example/notify/wechatpay"
        serving = town.serve()
        town.day.clock.advance(timedelta(seconds=2))
        town.day.bank.settle(town.day.clock.now())
        news = town.day.channel.notices.all[-1]
        assert news.kind == "refund"
        told = town.day.channel.notices.dress(news)
        town.door.turn(Mood.REFUSES)
        assert serving.post(told.headers, told.body)[0] == 200
        towns.eventually(lambda: any(k.forwarded == 1 for k in town.kept(sn)), "the shop refused it once")
        (kept,) = town.kept(sn)
        assert kept.attempt is None
        assert kept.refund is not None
        assert (kept.refund.number, kept.refund.state, kept.refund.amount.fen) == (number, payment.RefundState.DONE, 100)
        assert (kept.settled, kept.answer) == (False, payment.ShopAnswer.REFUSED)
        town.door.turn(Mood.WELL)
        town.sql("UPDATE mw_notices SET next_at = 0")
        towns.eventually(lambda: town.kept(sn)[0].settled, "settled")
        rows = town.day.shop.rows.all("SELECT status FROM refund_order WHERE refund_sn = ?", number)
        assert [r["status"] for r in rows] == [2]


@pytest.mark.slow
@pytest.mark.parametrize("mood", [Mood.WELL, Mood.HANGS])
@pytest.mark.parametrize("number, code", [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_it_stops_in_seconds_and_leaves_nothing_half_done(mood: Mood, number: signal.Signals, code: int, tmp_path: Path) -> None:
    """In the middle of thirty orders' work, and of forwarding to a shop that hangs: no run is left without the means to go on."""
    with towns.raised(tmp_path) as town:
        orders = [town.day.order() for _ in range(30)]
        for sn in orders:
            town.day.pays(sn, day.Fate.RELAY)
        town.door.turn(mood)
        serving = town.serve()
        for sn in orders[:3]:
            told = towns.callback(town, sn)
            assert serving.post(told.headers, told.body)[0] == 200
        towns.eventually(lambda: town.sql("SELECT COUNT(*) FROM mw_cases")[0][0] > 0, "work has begun")
        begun = time.monotonic()
        assert serving.stop(number) == code, serving.told()
        assert time.monotonic() - begun < 20
        told_last = serving.told()
        assert "Stopped in good order." in told_last
        assert "Traceback" not in told_last
        assert town.complaints() == ()
        paid = town.times_paid()
        assert set(paid.values()) <= {1}
        town.door.turn(Mood.WELL)
        town.serve()
        towns.eventually(lambda: all(town.status(sn) is Status.PAID for sn in orders), "the next process finishes the work")
        assert town.times_paid() == dict.fromkeys(orders, 1)
        assert town.stock_differences() == []
