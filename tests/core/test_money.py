"""Amounts are whole minor units of one currency: text is parsed exactly or refused, and units never mix."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from makewhole.core import codec, money

FEN = st.integers(min_value=-money.FEN_MAX, max_value=money.FEN_MAX)


@pytest.mark.parametrize(
    "text, fen",
    [
        ("0", 0),
        ("0.01", 1),
        ("-1", -100),
        ("128.50", 12850),
        ("128.5", 12850),
        ("9999999999999.99", 999999999999999),
        ("-0.00", 0),
        (" 7 ", 700),
    ],
)
def test_yuan_are_read_exactly(text: str, fen: int) -> None:
    """Up to two decimals, a minus, spaces around it."""
    assert money.parse_yuan(text) == fen


@pytest.mark.parametrize(
    "text",
    [
        "", " ", ".", "1.", ".5", "0.001", "1e2", "1e308", "NaN", "nan", "Infinity", "-Infinity", "+1", "--1", "- 1", "1,000", "1_000",
        "１２.５０", "１", "٣", "0x10", "¥1", "1 000", "1\n", "\t1", "1\u00a0", "1\u200b", "1.0.0", "99999999999999", "1/2", "None", "true",
    ],
)  # fmt: skip
def test_what_is_no_amount_is_refused(text: str) -> None:
    """Exponents, signs, separators, full-width digits, a third decimal, infinities: refused, never rounded."""
    with pytest.raises(ValueError, match="not an amount"):
        money.parse_yuan(text)


@pytest.mark.parametrize(
    "raw", ['{"fen":1.5}', '{"fen":"1"}', '{"fen":true}', '{"fen":null}', '{"fen":1e400}', '{"fen":NaN}', '{"yuan":1}']
)
def test_what_is_no_amount_is_not_decoded(raw: str) -> None:
    """Minor units on the wire are integers."""
    with pytest.raises(msgspec.DecodeError):
        codec.decode(raw, money.Money)


@given(st.integers(min_value=-(10**13), max_value=10**13))
def test_what_is_printed_is_read_again(fen: int) -> None:
    """Print and parse are a pair."""
    assert money.parse_yuan(str(money.Money(fen=fen)).removeprefix("¥")) == fen


@given(FEN)
def test_an_amount_survives_the_codec(fen: int) -> None:
    """Encode and decode are a pair."""
    assert codec.decode(codec.canonical(money.Money(fen=fen)), money.Money) == money.Money(fen=fen)


@pytest.mark.parametrize("fen", [money.FEN_MAX + 1, -money.FEN_MAX - 1, 10**30])
def test_more_than_all_the_money_is_a_mix_up(fen: int) -> None:
    """Both sides of the limit."""
    assert money.Money(fen=money.FEN_MAX).fen == money.FEN_MAX
    assert money.Money(fen=-money.FEN_MAX).fen == -money.FEN_MAX
    with pytest.raises(ValueError, match="unit mix-up"):
        money.Money(fen=fen)


def test_currencies_do_not_mix() -> None:
    """Neither in a sum, nor in a difference, nor in a total; and equal numbers of two currencies are two amounts."""
    yuan, yen = money.Money(fen=100), money.Money(fen=100, currency="JPY")
    with pytest.raises(ValueError, match="added"):
        yuan + yen
    with pytest.raises(ValueError, match="added"):
        yuan - yen
    with pytest.raises(ValueError, match="mixed"):
        money.total((yuan, yen))
    assert yuan != yen
    assert money.total((yen, yen)) == money.Money(fen=200, currency="JPY")
    assert money.total(()) == money.Money(fen=0)


@given(st.integers(-1000, 1000), st.integers(-1000, 1000))
def test_sums_are_sums(one: int, other: int) -> None:
    """Plus and minus are those of whole numbers."""
    assert (money.Money(fen=one) + money.Money(fen=other)).fen == one + other
    assert (money.Money(fen=one) - money.Money(fen=other)).fen == one - other


def test_an_amount_is_printed_for_people() -> None:
    """The sign stands after the mark of the currency, and a foreign currency is named."""
    assert str(money.Money(fen=-5)) == "¥-0.05"
    assert str(money.Money(fen=123456)) == "¥1234.56"
    assert str(money.Money(fen=100, currency="USD")) == "1.00 USD"
