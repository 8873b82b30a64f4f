"""A function that was made for a set of columns reads what reading column by column reads, whatever the columns and the bytes are."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from makewhole.adapters.changelog import columns, images, wrong
from makewhole.adapters.changelog.fields import Field
from makewhole.model.change import Value
from tests.changelog import written


@st.composite
def rows_of(draw: st.DrawFn) -> tuple[list[tuple[str, Field]], frozenset[str], bytes, bytes]:
    """Columns, those that are wanted, NULL bits and an image's bytes; one in some is cut off."""
    told = draw(st.lists(written.COLUMNS, min_size=1, max_size=12))
    plan = [(f"c'{i}", columns.field(column)) for i, column in enumerate(told)]
    wanted = draw(st.sets(st.sampled_from([name for name, _ in plan])))
    nulls = draw(st.integers(0, (1 << len(plan)) - 1))
    raw = b"".join(draw(written.value(column)) for i, column in enumerate(told) if not nulls >> i & 1)
    whole = draw(st.booleans())
    raw = raw if whole else raw[: draw(st.integers(0, len(raw)))]
    return plan, frozenset(wanted), nulls.to_bytes((len(plan) + 7) // 8, "little"), raw


def told(read: images.Read1, raw: bytes) -> tuple[dict[str, Value], int] | str:
    """What comes out, by type and text; or that it cannot be read."""
    try:
        image, at = read(raw, 0)
    except wrong.UNREAD:
        return "unreadable"
    # A cut image is seen by its end, which lies beyond the bytes: what was read of it is never used.
    return ({n: (type(v).__name__, str(v)) for n, v in image.items()}, at) if at <= len(raw) else "unreadable"  # type: ignore[misc]


@given(case=rows_of())
def test_made_functions_read_what_is_read_column_by_column(case: tuple[list[tuple[str, Field]], frozenset[str], bytes, bytes]) -> None:
    """All types, any columns NULL, any columns wanted, text that is no UTF-8, bytes that end too early; twice, for what is remembered."""
    plan, wanted, nulls, raw = case
    made = images.Images(plan, wanted)
    by_hand = told(lambda r, at: images.plain(plan, wanted, nulls, r, at), raw)
    assert told(made[nulls], raw) == by_hand
    assert told(made[nulls], raw) == by_hand


@given(case=rows_of(), change=st.tuples(st.integers(0, 200), st.binary(max_size=3)))
def test_an_update_is_read_as_its_two_images_are(
    case: tuple[list[tuple[str, Field]], frozenset[str], bytes, bytes], change: tuple[int, bytes]
) -> None:
    """The image after is the one before, or differs from some byte on, in its NULL bits too."""
    plan, wanted, nulls, raw = case
    made, one_by_one = images.Images(plan, wanted), images.Images(plan, wanted)
    place, other = change
    whole = nulls + raw
    both = raw + whole[:place] + other + whole[place + len(other) :]

    def pair(raw: bytes, at: int) -> tuple[dict[str, Value], int]:
        before, after, at = made.pair(nulls)(raw, at)
        return {**before, **{f"after {n}": v for n, v in after.items()}}, at

    def each(raw: bytes, at: int) -> tuple[dict[str, Value], int]:
        before, at = one_by_one[nulls](raw, at)
        after, at = one_by_one.after(raw, at)
        return {**before, **{f"after {n}": v for n, v in after.items()}}, at

    assert told(pair, both) == told(each, both)
    assert told(pair, both) == told(each, both)


def test_what_is_made_and_what_is_remembered_is_bounded() -> None:
    """Beyond the limits images are read all the same."""
    plan = [(f"c{i}", columns.field(written.INTEGER)) for i in range(16)] + [("d", columns.field(written.AMOUNT))]
    made = images.Images(plan)
    for bits in range(images.MADE_MAX + 10):
        nulls = (bits | 1 << 16).to_bytes(3, "little")
        image, at = made[nulls](b"\1\0\0\0" * 16, 0)
        assert at == 4 * (16 - bits.bit_count())
        assert sum(v is None for v in image.values()) == bits.bit_count() + 1
    assert len(made) == images.MADE_MAX
    made = images.Images([("d", columns.field(written.AMOUNT))])
    for n in range(images.REMEMBERED_MAX + 10):
        image, _ = made[b"\0"](bytes([0x80, *n.to_bytes(3, "big"), 0]), 0)
        assert str(image["d"]) == f"{n}.00"
    assert len(made._memories[0]) == 10
