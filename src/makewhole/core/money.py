"""Amounts as integers of the minor unit (fen), never floats: what comes in as text is parsed exactly or refused."""

from __future__ import annotations

import re

from makewhole.core import codec

CNY = "CNY"
FEN_MAX = 10**15
"""Ten trillion yuan: more than any order; a larger number is a unit mix-up or an attack, and is refused."""

_YUAN = re.compile(r"(-?)([0-9]{1,13})(?:\.([0-9]{1,2}))?", re.ASCII)


class Money(codec.Noun, frozen=True, kw_only=True):
    """An amount in minor units of one currency (ISO 4217)."""

    fen: int
    currency: str = CNY

    def __post_init__(self) -> None:
        if abs(self.fen) > FEN_MAX:
            raise ValueError(f"{self.fen} fen is beyond {FEN_MAX}: a unit mix-up?")

    def __add__(self, other: Money) -> Money:
        if self.currency != other.currency:
            raise ValueError(f"{self.currency} and {other.currency} cannot be added")
        return Money(fen=self.fen + other.fen, currency=self.currency)

    def __sub__(self, other: Money) -> Money:
        return self + Money(fen=-other.fen, currency=other.currency)

    def __str__(self) -> str:
        sign, whole = ("-" if self.fen < 0 else ""), abs(self.fen)
        amount = f"{sign}{whole // 100}.{whole % 100:02d}"
        return f"¥{amount}" if self.currency == CNY else f"{amount} {self.currency}"


def total(amounts: tuple[Money, ...]) -> Money:
    """The sum of amounts in one currency; zero yuan for none. Raises ValueError on mixed currencies."""
    if not amounts:
        return Money(fen=0)
    return Money(fen=sum(a.fen for a in amounts), currency=_one_currency(amounts))


def _one_currency(amounts: tuple[Money, ...]) -> str:
    currencies = {a.currency for a in amounts}
    if len(currencies) > 1:
        raise ValueError(f"mixed currencies: {', '.join(sorted(currencies))}")
    return currencies.pop()


def parse_yuan(text: str) -> int:
    """Fen from yuan text such as `128.50`, `-3` or `0.01`.

    Raises ValueError on anything else: exponents, signs, thousands separators, full-width digits, more than two decimals.
    """
    told = _YUAN.fullmatch(text.strip(" "))
    if told is None:
        raise ValueError(f"not an amount in yuan: {text!r}")
    sign, whole, part = told.groups()
    fen = int(whole) * 100 + int((part or "0").ljust(2, "0"))
    return -fen if sign else fen
