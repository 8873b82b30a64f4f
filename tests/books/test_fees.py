"""Our side of the fees: the agreed rate, rounded as the channel writes it; of payments only."""

from __future__ import annotations

import pytest

from makewhole.books import fees
from makewhole.model import bill
from tests.books.test_outcome import line


@pytest.mark.parametrize(
    "rounding, ppm, fen, fee",
    [
        (fees.Rounding.EXACT, 6_000, 990, 5_940),  # 0.05940 yuan
        (fees.Rounding.EXACT, 3_800, 1, 4),  # 0.0038 fen, half up to thousandths
        (fees.Rounding.EXACT, 6_000, 0, 0),
        (fees.Rounding.FEN, 6_000, 990, 6_000),
        (fees.Rounding.FEN, 6_000, 83, 0),  # 0.498 fen
        (fees.Rounding.FEN, 6_000, 84, 1_000),  # 0.504 fen
        (fees.Rounding.FEN, 10_000, 50, 1_000),  # half a fen is one
    ],
)
def test_a_fee_is_rounded_as_its_channel_writes_it(rounding: fees.Rounding, ppm: int, fen: int, fee: int) -> None:
    assert fees.Rate(ppm=ppm, rounding=rounding).of(fen) == fee


def test_only_a_payment_that_was_paid_has_an_expected_fee() -> None:
    """And none where no rate is named."""
    rate = fees.Rate(ppm=6_000)
    assert fees.charged(line(), rate).fee_millifen == 6_000
    assert fees.charged(line(), None).fee_millifen is None
    assert fees.charged(line(standing_=bill.Standing.UNPAID), rate).fee_millifen is None
    assert fees.charged(line(kind=bill.Kind.REFUND), rate).fee_millifen is None
