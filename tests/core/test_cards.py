"""Card numbers: every issuer's are found however people write them, and the numbers of shops, channels and carriers are not."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from makewhole.core import cards

TEST_NUMBERS = (
    "4111111111111111",
    "4222222222222",
    "5555555555554444",
    "2223003122003222",
    "378282246310005",
    "30569309025904",
    "3530111333300000",
    "6011111111111117",
    "6212345678901232",
)
RANGES = (
    *(("62", length) for length in (16, 17, 18, 19)),
    *((f"81{n}", 16) for n in range(8)),
    ("4", 16),
    *((f"5{n}", 16) for n in range(1, 6)),
    *((str(n), 16) for n in (2221, 2229, 2230, 2299, 2300, 2699, 2700, 2719, 2720)),
    *((n, 15) for n in ("34", "37")),
    *((str(n), 16) for n in (3528, 3529, 3530, 3589)),
)
"""Issuers' prefixes and lengths: the edges of every range."""
GROUPS = ((4, 4, 4, 4, 3), (4, 6, 5), (6, 13), (8, 8, 3), (6, 4, 4, 5))
FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")


def checked(front: str) -> str:
    """With Luhn's digit behind it."""
    return next(front + d for d in "0123456789" if cards._luhn(front + d))


@st.composite
def numbers(draw: st.DrawFn) -> str:
    prefix, length = draw(st.sampled_from(RANGES))
    return checked(prefix + draw(st.text("0123456789", min_size=length - len(prefix) - 1, max_size=length - len(prefix) - 1)))


def grouped(number: str, sizes: tuple[int, ...], joint: str) -> str:
    parts, at = [], 0
    for size in sizes:
        parts.append(number[at : at + size])
        at += size
    return joint.join(p for p in (*parts[:-1], parts[-1] + number[at:]) if p)


@pytest.mark.parametrize("number", TEST_NUMBERS)
def test_a_card_is_found_and_masked(number: str) -> None:
    """Alone, in a sentence, in groups of four."""
    groups = " ".join(number[i : i + 4] for i in range(0, len(number), 4))
    for written in (number, groups, groups.replace(" ", "-")):
        if written.endswith((" 2", "-2")):
            continue  # nobody writes a group of one
        assert cards.find_card(f"卡号{written}，谢谢") == written
        hidden = cards.masked(f"卡号{written}，谢谢")
        assert cards.find_card(hidden) is None
        assert sum(c.isdigit() for c in hidden) == cards.KEPT_DIGITS


@given(
    numbers(),
    st.sampled_from(GROUPS),
    st.sampled_from(["", " ", "-", "\u00a0", "\u3000", "–", "－"]),
    st.sampled_from(["half", "full"]),
    st.sampled_from(["", "paid ", "he said: ", "paid 100 ", "备注：", "退到 ", "2026-11-23 10:00:00 "]),
    st.sampled_from(["", " 123", "，谢谢", " 12/29", "."]),
)
def test_every_range_is_found_however_it_is_written(
    number: str, sizes: tuple[int, ...], joint: str, wide: str, before: str, after: str
) -> None:
    """UnionPay, Visa, Mastercard, JCB, American Express; spaced, dashed, in full width; beside other figures."""
    written = grouped(number, sizes, joint)
    if joint and any(len(part) < 2 for part in written.split(joint)):
        return
    written = written.translate(FULL_WIDTH) if wide == "full" else written
    hidden = cards.masked(f"{before}{written}{after}")
    assert len(hidden) == len(before) + len(written) + len(after)
    assert written not in hidden
    assert "*" in hidden
    assert sum(c.isdigit() for c in hidden[len(before) : len(hidden) - len(after)]) <= cards.KEPT_DIGITS + 3


@pytest.mark.parametrize("number", TEST_NUMBERS)
def test_one_wrong_digit_is_no_card(number: str) -> None:
    """Luhn's rule sees every single changed digit."""
    for place in range(4, len(number)):
        changed = number[:place] + str((int(number[place]) + 1) % 10) + number[place + 1 :]
        assert cards.find_card(changed) is None


def test_other_numbers_are_no_cards() -> None:
    """A transaction's 28 digits, a phone, an instant, a number inside a word, figures side by side."""
    for text in (
        "4200000910202611230000000001",
        "13800138000",
        "2026-11-23 10:00:00",
        "1795395600000",
        "x4111111111111111",
        "411111111111",
        "4 items, 11 pieces, 1111 fen, 1111 1111",
    ):
        assert cards.find_card(text) is None
        assert cards.masked(text) == text


DIGITS = st.text("0123456789", min_size=20, max_size=20)


@given(DIGITS, st.sampled_from(["", "paid ", "已支付", "[", "trace "]))
@example("02000000000000000000", "")
def test_numbers_of_channels_and_shops_pass_wherever_they_stand(d: str, before: str) -> None:
    """Transactions of the three channels; what shops, marketplaces and carriers really give out, without a word beside them."""
    for number in (
        f"4200{d}{d[:4]}",  # WeChat Pay's transaction
        f"20261123{d}",  # Alipay's, 28 digits
        f"DTPP{d}",  # Douyin Pay's
        f"20261123101500{d[:4]}",  # a day and a counter: most shops
        f"20261123{d[:10]}",  # macrozheng/mall
        f"wx{d[:18]}",  # CRMEB
        f"261123-{d[:15]}",  # Pinduoduo
        f"17{d[:17]}",  # a snowflake with the usual epoch
        f"69{d[:17]}",  # Douyin's orders
        f"47{d[:17]}",  # the same, of other years
        f"2{d[:18]}",  # Taobao's
        f"3{d[:17]}9",
        f"2088{d[:12]}",  # an Alipay account
        f"SF{d[:13]}",  # parcels
        f"YT{d[:13]}",
        f"JDVC{d[:11]}",
        f"78{d[:12]}",  # ZTO
        f"43{d[:11]}",  # Yunda
        f"46{d[:11]}",
        f"77{d[:13]}",  # STO
        f"98{d[:11]}",  # EMS
        f"{d[:8]}-{d[:4]}-4{d[:3]}-8{d[:3]}-a{d[:11]}",  # a UUID
        f"1795395600{d[:9]}",  # an instant in nanoseconds
    ):
        text = f"{before}{number}"
        assert cards.masked(text) == text


@given(
    numbers(), st.sampled_from(["order_no=", "订单号：", "out_trade_no: ", '{"orderSn":"', "/orders/", "trackingNo=", "运单号", "单号 "])
)
def test_beside_its_own_word_a_number_is_what_it_is_called(number: str, word: str) -> None:
    """A shop may have numbers of an issuer's prefix and length: one in ten of them passes Luhn's rule."""
    assert cards.masked(word + number) == word + number


@given(numbers(), st.sampled_from(["card_no=", "cardNumber: ", "银行卡号：", '{"bankCardId":"', "order paid by card ", "PAN ", "no. "]))
def test_beside_a_cards_word_it_is_a_card(number: str, word: str) -> None:
    """Whatever the word ends in."""
    assert number not in cards.masked(word + number)


@given(numbers())
def test_numbers_known_to_be_a_systems_own_pass(number: str) -> None:
    """Whoever holds them says so."""
    assert cards.masked(f"a {number} b", own={number}) == f"a {number} b"


@given(numbers(), st.text(max_size=5))
def test_a_tree_is_cleaned_by_its_keys(number: str, other: str) -> None:
    """Texts and numbers at any depth; what a key calls a system's own passes, and nothing else is touched."""
    tree = {
        "why": [f"card {number}", {"out_trade_no": number, "note": number, "fen": 100}],
        "n": int(number),
        "orderId": int(number),
        "x": other,
    }
    told = cards.cleaned(tree)
    assert told["why"][1]["out_trade_no"] == number
    assert told["orderId"] == int(number)
    assert told["why"][1]["fen"] == 100
    assert str(told).count(number) == 2


@given(st.text() | numbers() | st.lists(st.text("0123456789 -", min_size=4, max_size=40)).map(" ".join))
def test_masking_twice_is_masking_once(text: str) -> None:
    """And nothing else is touched: the length stays."""
    once = cards.masked(text)
    assert cards.masked(once) == once
    assert len(once) == len(text)
