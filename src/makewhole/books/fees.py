"""What a channel may keep of a payment, by the rate that was agreed with it: our side of the fees."""

from __future__ import annotations

import enum

import msgspec

from makewhole.core import codec
from makewhole.model import bill

_MILLION = 1_000_000


class Rounding(enum.Enum):
    """How a channel writes its fee."""

    EXACT = "exact"
    """To the hundred-thousandth of a yuan, which no rate of four places exceeds."""
    FEN = "fen"
    """To the fen, half up."""


class Rate(codec.Noun, frozen=True, kw_only=True):
    """An agreed rate. `ppm`: parts per million of the amount; 0.60 % is 6,000."""

    ppm: int
    rounding: Rounding = Rounding.EXACT

    def of(self, amount_fen: int) -> int:
        """The fee of a payment, in thousandths of a fen."""
        parts = amount_fen * self.ppm
        if self.rounding is Rounding.FEN:
            return (2 * parts + _MILLION) // (2 * _MILLION) * bill.MILLIFEN
        # Half up, where a rate has more places than a channel writes.
        return (2 * parts * bill.MILLIFEN + _MILLION) // (2 * _MILLION)


def charged(line: bill.Line, rate: Rate | None) -> bill.Line:
    """The line with the fee that we expect. Of a refund we expect none: who gives what back is agreed nowhere in a rate."""
    if rate is None or line.kind is not bill.Kind.PAYMENT or line.standing is not bill.Standing.PAID:
        return line
    return msgspec.structs.replace(line, fee_millifen=rate.of(line.amount_fen))
