"""What `scan` prints, in which shape, and how it leaves."""

from __future__ import annotations

import json
from datetime import timedelta

from makewhole.model import order, payment
from tests.cli import fakes
from tests.cli.conftest import Call

KEYS = [
    "order",
    "ailment",
    "family",
    "cause",
    "cause_detail",
    "confidence",
    "since",
    "deadline",
    "amount_fen",
    "evidence",
    "silences",
    "remedy",
    "blocked_by",
]


def lines(output: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in output.splitlines()]


def test_nothing_broken_is_zero_and_an_empty_list(house: fakes.FakeWorld, call: Call) -> None:
    """A script sees no line; a person still reads what was not compared."""
    house.add(fakes.shop_order("A1", order.OrderState.AWAITING_SHIPMENT, paid_at=fakes.NOW), fakes.paid("PA1"))
    told = call("scan", "--json")
    assert (told.exit_code, told.stdout) == (0, "")
    assert "Nothing is broken" in told.stderr
    assert "no callback relay" in told.stderr
    assert call("scan").exit_code == 0


def test_a_broken_order_is_one_line_with_exactly_these_keys(house: fakes.FakeWorld, call: Call) -> None:
    """The shape that scripts rely on."""
    house.add(fakes.shop_order("A1"), fakes.paid("PA1"))
    told = call("scan", "--json")
    assert told.exit_code == 1
    (found,) = lines(told.stdout)
    assert list(found) == KEYS
    assert found == {
        "order": "A1",
        "ailment": "paid-not-recorded",
        "family": "payment",
        "cause": "unknown",
        "cause_detail": "nothing-tells",
        "confidence": 0.0,
        "since": "2026-11-23T19:45:00+08:00",
        "deadline": "2026-11-23T20:10:00+08:00",
        "amount_fen": 12850,
        "evidence": [
            {"source": "shop", "as_of": "2026-11-23T20:00:00+08:00", "says": "the order is awaiting payment, ¥128.50 due"},
            {
                "source": "wechatpay",
                "as_of": "2026-11-23T20:00:00+08:00",
                "says": "payment PA1 of ¥128.50 succeeded at 2026-11-23T19:45:00+08:00",
            },
        ],
        "silences": [],
        "remedy": "record-payment",
        "blocked_by": None,
    }


def test_json_is_the_same_in_every_language(house: fakes.FakeWorld, call: Call) -> None:
    """Only what stands on standard error is put into words."""
    house.add(fakes.shop_order("A1"), fakes.paid("PA1"))
    chinese, english = call("--lang", "zh", "scan", "--json"), call("scan", "--json", "--lang", "en")
    assert chinese.stdout == english.stdout
    assert chinese.stderr != english.stderr
    assert "有问题 1" in chinese.stderr


def test_policy_and_missing_hands_are_named(house: fakes.FakeWorld, call: Call) -> None:
    """What stands in the way is a slug for scripts and words for people."""
    house.add(fakes.shop_order("BIG", fen=600000), fakes.paid("PBIG", fen=600000))
    (found,) = lines(call("scan", "--json").stdout)
    assert (found["remedy"], found["blocked_by"]) == ("record-payment", "review-amount")
    assert "金额较大，须先人工风控审核" in call("scan", "--lang", "zh").stdout
    house.handed = False
    (found,) = lines(call("scan", "--json").stdout)
    assert (found["remedy"], found["blocked_by"]) == ("ask-person", "no-hand")


def test_an_order_that_cannot_be_judged_is_a_line_too(house: fakes.FakeWorld, call: Call) -> None:
    """It has no ailment and says who was silent; a source that did not answer makes the whole scan incomplete, broken orders or not."""
    house.add(fakes.shop_order("A1"), fakes.paid("PA1"))
    house.channel_down = True
    told = call("scan", "--json")
    assert told.exit_code == 3
    (line,) = lines(told.stdout)
    assert list(line) == KEYS
    assert line["ailment"] is None
    assert line["amount_fen"] == 12850
    assert line["silences"] == [{"source": "wechatpay", "about": "payment", "number": "PA1", "why": "unreachable", "detail": "no answer"}]
    assert "A1  could not be judged" in call("scan").stdout


def test_without_a_channel_the_reader_is_told_that_money_was_not_compared(house: fakes.FakeWorld, call: Call) -> None:
    """Rung 0: nothing found is no promise about money."""
    house.attached = False
    house.add(fakes.shop_order("A1"))
    told = call("scan")
    assert told.exit_code == 0
    assert "no channel attached: money was not compared" in told.stdout
    assert "rung 0 of 3" in told.stdout


def test_a_pipe_gets_whole_lines_without_colour(house: fakes.FakeWorld, call: Call) -> None:
    """However long, and however narrow the terminal would be."""
    house.add(fakes.shop_order("A" * 60), fakes.paid("P" + "A" * 60, state=payment.AttemptState.PAID))
    told = call("scan").stdout
    assert "\x1b" not in told
    assert any(line.startswith("A" * 60) and "¥128.50" in line for line in told.splitlines())


def test_the_instant_decides_what_is_broken(house: fakes.FakeWorld, call: Call) -> None:
    """Judged a minute after the payment, its notice may still be under way."""
    house.add(fakes.shop_order("A1"), fakes.paid("PA1"))
    assert call("scan", "--at", "2026-11-23T19:46:00+08:00").exit_code == 0
    assert call("scan", "--at", "2026-11-23T19:48:00+08:00").exit_code == 1


def test_what_is_not_as_usual_about_the_shop_is_told_beside_its_orders(house: fakes.FakeWorld, call: Call) -> None:
    """By what `serve` counted; in JSON standard output stays a list of orders; of the past nothing is told."""
    house.relayed = True
    house.store.marks["signals/demo"] = fakes.silent_since(fakes.NOW - timedelta(hours=2))
    assert "callbacks silent: WeChat Pay has sent no callback since" in call("scan").stdout
    assert "回调静默" in call("--lang", "zh", "scan").stdout
    told = call("scan", "--json")
    assert told.stdout == ""
    assert "callbacks silent" in told.stderr
    assert "callbacks silent" not in call("scan", "--at", "2026-11-23T20:00:00+08:00").stdout
    doctor = call("doctor")
    assert "Look at the way of callbacks" in doctor.stdout
