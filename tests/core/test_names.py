"""Keys are derived from intentions, canonical bytes are stable, instants have a zone: what everything else stands on."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from makewhole.core import clock, codec, faults, ids

NUMBERS = st.text(alphabet="0123456789ABCDEFabcdef-_", min_size=1, max_size=64)
SHOP = ids.ShopName("mall")


def test_derived_keys_never_change() -> None:
    """These very keys stand in journals and at channels: a release that derives others would act twice."""
    assert ids.derive("a", ("b", 1), None) == "ec3f1e7e4fd035668bb42a2f7df14e0f"
    assert ids.refund_no(SHOP, ids.TransactionId("4200102")) == "MWfb7b1194265238404f59c17d2c7175"
    assert ids.reissued_number(ids.OrderNumber("M-1001"), 1) == "M-1001R1"


@given(NUMBERS, NUMBERS)
def test_a_refund_has_one_number_that_every_channel_takes(one: str, other: str) -> None:
    """Derived, 32 characters of letters and digits, another for another payment or shop."""
    number = ids.refund_no(SHOP, ids.TransactionId(one))
    assert re.fullmatch(r"[0-9A-Za-z]{32}", number)
    assert number == ids.refund_no(SHOP, ids.TransactionId(one))
    assert (number == ids.refund_no(SHOP, ids.TransactionId(other))) == (one == other)
    assert number != ids.refund_no(ids.ShopName("mall2"), ids.TransactionId(one))


def test_parts_of_a_key_do_not_run_together() -> None:
    """("ab", "c") and ("a", "bc") are two intentions."""
    assert len({ids.derive("ab", "c"), ids.derive("a", "bc"), ids.derive("abc"), ids.derive(("ab", "c"))}) == 4


@given(NUMBERS, st.integers(1, 99), st.integers(20, 64))
def test_a_reissued_number_fits_the_channel(number: str, ordinal: int, length_max: int) -> None:
    """Never longer than allowed, ends with its ordinal, and is another than the order's own."""
    again = ids.reissued_number(ids.OrderNumber(number), ordinal, length_max)
    assert len(again) <= length_max
    assert again.endswith(f"R{ordinal}")
    assert again != number


@pytest.mark.parametrize("length, shortened", [(29, False), (30, False), (31, True), (64, True)])
def test_a_long_number_stays_unique_when_it_is_shortened(length: int, shortened: bool) -> None:  # noqa: FBT001
    """Both sides of the limit; two numbers with the same end stay two."""
    one, other = (ids.reissued_number(ids.OrderNumber(first + "7" * (length - 1)), 1) for first in "12")
    assert one != other
    assert one.startswith("1") is not shortened or not shortened
    assert (len(one) == 32) == (length >= 30)


def test_canonical_bytes_are_sorted_and_tight() -> None:
    """Equal mappings give equal bytes, in whatever order they were made."""
    assert codec.canonical({"b": 1, "a": [1, 2]}) == b'{"a":[1,2],"b":1}'
    assert codec.canonical({"a": [1, 2], "b": 1}) == b'{"a":[1,2],"b":1}'
    assert codec.digest({"b": 1, "a": 2}) == codec.digest({"a": 2, "b": 1})
    assert codec.digest(1) != codec.digest("1")
    assert codec.digest_bytes(b"") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_a_noun_refuses_what_it_does_not_know() -> None:
    """A field of a newer release is refused, not dropped: evidence would be lost in silence."""
    key = ids.OrderKey(shop=SHOP, number=ids.OrderNumber("1"))
    assert codec.decode(codec.canonical(key), ids.OrderKey) == key
    with pytest.raises(msgspec.ValidationError):
        codec.decode(b'{"shop":"mall","number":"1","colour":"red"}', ids.OrderKey)
    with pytest.raises(AttributeError):
        key.shop = ids.ShopName("other")  # type: ignore[misc]


def test_an_order_of_another_shop_is_another_order() -> None:
    """Every key is scoped by shop."""
    here, there = (ids.OrderKey(shop=ids.ShopName(s), number=ids.OrderNumber("1")) for s in ("a", "b"))
    assert here != there
    assert ids.derive(here) != ids.derive(there)


def test_an_instant_has_a_zone() -> None:
    """Read, refused, and written as Chinese channels write it."""
    assert clock.parse("2026-11-23T20:00:00+08:00") == datetime(2026, 11, 23, 12, tzinfo=UTC)
    assert clock.rfc3339(datetime(2026, 11, 23, 12, 0, 0, 999, tzinfo=UTC)) == "2026-11-23T20:00:00+08:00"
    for text in ("2026-11-23T20:00:00", "2026-11-23", "20:00", "yesterday", ""):
        with pytest.raises(ValueError, match=r"instant|zone"):
            clock.parse(text)
    with pytest.raises(ValueError, match="zone"):
        clock.rfc3339(datetime(2026, 11, 23))  # noqa: DTZ001


def test_a_manual_clock_goes_forward_only() -> None:
    """It stands until it is moved, sleeps at once, and never goes back."""
    told = clock.ManualClock(datetime(2026, 11, 23, tzinfo=UTC))
    start = told.now()
    told.sleep(timedelta(hours=1))
    assert told.now() - start == timedelta(hours=1)
    assert told.advance(timedelta(0)) == told.now()
    with pytest.raises(ValueError, match="backwards"):
        told.advance(timedelta(seconds=-1))
    with pytest.raises(ValueError, match="zone"):
        clock.ManualClock(datetime(2026, 11, 23))  # noqa: DTZ001


def test_faults_say_what_may_be_done() -> None:
    """Four kinds, strangers to each other; what the user gave wrong is none of them."""
    kinds = {faults.Rejected, faults.Unavailable, faults.Indeterminate, faults.Defect}
    assert set(faults.Fault.__subclasses__()) >= kinds
    assert faults.Rejected("no", code="X").code == "X"
    assert not issubclass(faults.BadInput, faults.Fault)
    assert str(faults.BadInput("bad", where="file", todo="Mend it.")) == "bad (in file). Mend it."
