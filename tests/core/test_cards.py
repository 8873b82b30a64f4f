"""Card numbers: published test numbers of every issuer are found as people write them, and a shop's own numbers are not."""

from __future__ import annotations

import pytest
from hypothesis import given
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


@pytest.mark.parametrize("number", TEST_NUMBERS)
def test_a_card_is_found_and_masked(number: str) -> None:
    """Alone, in a sentence, in groups of four."""
    grouped = " ".join(number[i : i + 4] for i in range(0, len(number), 4))
    for written in (number, grouped, grouped.replace(" ", "-")):
        assert cards.find_card(f"卡号{written}，谢谢") == written
        hidden = cards.masked(f"卡号{written}，谢谢")
        assert cards.find_card(hidden) is None
        assert sum(c.isdigit() for c in hidden) == cards.KEPT_DIGITS


@pytest.mark.parametrize("number", TEST_NUMBERS)
def test_one_wrong_digit_is_no_card(number: str) -> None:
    """Luhn's rule sees every single changed digit."""
    for place in range(4, len(number)):
        changed = number[:place] + str((int(number[place]) + 1) % 10) + number[place + 1 :]
        assert cards.find_card(changed) is None


def test_other_numbers_are_no_cards() -> None:
    """A transaction's 28 digits, a phone, an instant, a number inside a word."""
    for text in (
        "4200000910202611230000000001",
        "13800138000",
        "2026-11-23 10:00:00",
        "1795395600000",
        "x4111111111111111",
        "411111111111",
    ):
        assert cards.find_card(text) is None
        assert cards.masked(text) == text


@given(st.text())
def test_masking_twice_is_masking_once(text: str) -> None:
    """And nothing else is touched: the length stays."""
    once = cards.masked(text)
    assert cards.masked(once) == once
    assert len(once) == len(text)
