"""A stretch of the log folded column by column is what it is row by row: any values, keys and orders that move, rows that come and go."""

from __future__ import annotations

import operator
import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal

import msgspec
import pytest

from makewhole.core import faults
from makewhole.model import change
from makewhole.model.fold import Fold
from makewhole.model.image import Form, Kinds, Op, Row, Table, text
from makewhole.model.sheet import Sheet, read

COLUMNS = ("ID", "number", "what", "when", "secret", "other")
IMAGED = Table(
    role="order", schema="shop", name="orders", key=("id",), link="number", known="id", columns=("id", "number", "secret", "what", "when")
)
LOGGED = change.Table(schema="Shop", name="Orders", columns=COLUMNS, key=("ID",))
STAMP = datetime(2026, 11, 23, 10, 3)  # noqa: DTZ001  as the log tells a DATETIME
VALUES: tuple[change.Value, ...] = (
    None, 7, -1, "茶", "", 1.5, Decimal("1E-9"), Decimal("2.50"), b"\0a", STAMP, STAMP.replace(tzinfo=UTC), date(2026, 1, 2),
    timedelta(hours=-3), change.ZeroDate(text="0000-00-00"),
)  # fmt: skip
LETTERS = "-iissfddbtuypz"


def form() -> Form:
    """Of a table with one column that is not kept as it is."""
    return Form(IMAGED, {"secret": lambda told: "#" + told[-1:]})


def row(r: random.Random, key: int, kinds: int) -> change.Image:
    """Values of so many kinds."""
    some = VALUES[:kinds]
    values = (key, r.choice([None, "N1", "N2", "N3"]), r.choice(some), r.choice(some), r.choice([None, "139", 5]), "left out")
    return dict(zip(COLUMNS, values, strict=True))


def stretch(r: random.Random, kinds: int) -> tuple[list[change.Change], dict[int, change.Image], dict[int, change.Image]]:
    """Random changes, and the table before and after them."""
    before = {key: row(r, key, kinds) for key in range(8) if r.random() < 0.5}
    now, told = dict(before), list[change.Change]()
    for _ in range(r.randrange(20)):
        key, other = r.randrange(8), r.randrange(8)
        if key not in now:
            now[key] = row(r, key, kinds)
            told.append(change.Change(table=LOGGED, kind=change.Kind.INSERT, before=None, after=now[key]))
        elif r.random() < 0.3:
            told.append(change.Change(table=LOGGED, kind=change.Kind.DELETE, before=now.pop(key), after=None))
        else:
            was = now.pop(key)
            key = other if other not in now else key
            now[key] = row(r, key, kinds)
            told.append(change.Change(table=LOGGED, kind=change.Kind.UPDATE, before=was, after=now[key]))
    return told, before, now


def spelled(one: change.Image) -> tuple[tuple[str | None, ...], str]:
    """One row's values and letters, value by value."""
    told = {name.lower(): value for name, value in one.items()}
    values = [text(told[c]) for c in IMAGED.columns]
    letters = [LETTERS[next(i for i, v in enumerate(VALUES) if v is told[c] or type(v) is type(told[c]))] for c in IMAGED.columns]
    letters = ["u" if isinstance(told[c], datetime) and told[c].tzinfo else x for c, x in zip(IMAGED.columns, letters, strict=True)]  # type: ignore[union-attr]
    secret = IMAGED.columns.index("secret")
    if values[secret] is not None:
        values[secret], letters[secret] = "#" + str(values[secret])[-1:], "s"
    return tuple(values), "".join(letters)


def expected(before: dict[int, change.Image], after: dict[int, change.Image], touched: set[int]) -> Iterator[Row]:
    """What an image says of these rows."""
    for key in touched:
        links = [None if key not in side else str(side[key]["number"] or "") for side in (before, after)]
        was, now = links
        if now is not None:
            yield Row("order", now, str(key), Op.PUT, *spelled(after[key]))
        if was is not None and was != now:
            yield Row("order", was, str(key), Op.DELETE if now is None else Op.MOVED, None, "")


@pytest.mark.parametrize("seed", range(150))
def test_a_fold_says_of_each_row_what_became_of_it(seed: int) -> None:
    """Sorted by order and key, each with its own letters; rows that were touched and not those that were not."""
    r = random.Random(seed)
    changes, before, after = stretch(r, kinds=r.randint(1, len(VALUES)))
    fold = Fold([form()])
    for told in changes:
        fold.add([told])
    touched = {int(str(side["ID"])) for c in changes for side in (c.before, c.after) if side is not None}
    found = fold.rows()
    assert list(found) == sorted(expected(before, after, touched), key=operator.itemgetter(0, 1, 2))
    assert fold.places() == {("order", str(key)) for key in touched}
    assert sum(found.counted().values()) == sum(one.op is not Op.MOVED for one in found)


def test_a_sheet_is_the_rows_that_it_is_made_of() -> None:
    """By number, from the end, in slices; of several roles."""
    r = random.Random(0)
    first = read(form(), [row(r, key, 5) for key in range(3)])
    items = Form(Table(role="item", schema="s", name="i", key=("id",), link="number", columns=("id",)))
    second = read(items, [row(r, key, 5) for key in range(2)])
    both = Sheet([*first.blocks, *Sheet().blocks, *second.blocks])
    rows = list(both)
    assert [rows[0].role, rows[-1].role, len(rows), len(both)] == ["order", "item", 5, 5]
    assert ([both[i] for i in range(-5, 5)], both[1:4], both[::-2]) == ([*rows, *rows], rows[1:4], rows[::-2])
    assert [(role, link) for role, links in both.links() for link in links] == [(one.role, one.link) for one in rows]
    with pytest.raises(IndexError):
        both[5]


@pytest.mark.parametrize("nulls", [0, 3])
@pytest.mark.parametrize("zones", [(None,), (UTC,), (None, UTC)], ids=str)
def test_times_are_printed_as_a_server_prints_them(nulls: int, zones: tuple[tzinfo | None, ...]) -> None:
    """Of the first year and the last one, with and without microseconds or a zone, beside NULLs; a whole column at a time."""
    r = random.Random(0)
    ends = [datetime.min, datetime.max, datetime(1, 1, 1, 0, 0, 0, 1), datetime(999, 12, 31), STAMP.replace(microsecond=500_000, fold=1)]  # noqa: DTZ001, DTZ901  as the log tells a DATETIME
    some = [datetime(1, 1, 1) + timedelta(microseconds=r.randrange(9998 * 365 * 86400 * 10**6)) for _ in range(1000)]  # noqa: DTZ001
    whole = [datetime(1970, 1, 1) + timedelta(seconds=r.randrange(1 << 32)) for _ in range(1000)]  # noqa: DTZ001
    times = [*[None] * nulls, *(t.replace(tzinfo=r.choice(zones)) for t in (*ends, *some, *whole))]
    r.shuffle(times)
    (block,) = read(form(), [{**row(r, key, 1), "when": told} for key, told in enumerate(times)]).blocks
    assert list(block.columns[-1]) == [text(told) for told in times]


def test_an_image_that_is_not_whole_is_refused() -> None:
    """Whether its key, its order or one of its values is lacking, and whatever was told before it."""
    whole = row(random.Random(1), 1, 3)
    for lacking in ("ID", "number", "when"):
        part = {name: value for name, value in whole.items() if name != lacking}
        fold = Fold([form()])
        fold.add([change.Change(table=LOGGED, kind=change.Kind.INSERT, before=None, after=whole)])
        with pytest.raises(faults.BadInput, match=lacking.lower()):
            fold.add([change.Change(table=LOGGED, kind=change.Kind.UPDATE, before=part, after=part)])


@pytest.mark.parametrize("seed", range(40))
def test_two_kinds_in_one_table_fold_to_what_each_of_them_is(seed: int) -> None:
    """A row that another kind's filter takes leaves the one and enters the other, however often: laid over the rows before, each kind's are
    those that the table holds."""
    told, before, now = stretch(random.Random(seed), 4)
    kinds: dict[str, Kinds] = {"order": lambda row: row["number"] in {"N1", "N2"}, "suborder": lambda row: row["number"] == "N3"}
    forms = [Form(msgspec.structs.replace(IMAGED, role=role), kind=kind) for role, kind in kinds.items()]
    fold = Fold(forms)
    fold.add(told)
    since = fold.rows()
    for each in forms:
        role = each.table.role
        laid = {r.key: r.values for r in read(each, list(before.values()))}
        laid |= {r.key: r.values for r in since if r.role == role and r.op is not Op.MOVED}
        there = {r.key: r.values for r in read(each, list(now.values()))}
        assert {k: v for k, v in laid.items() if v is not None} == there
        assert set(there) == {str(key) for key, image in now.items() if kinds[role](image)}


def test_a_row_whose_kind_nothing_tells_stops_the_image() -> None:
    """It may be of either kind, and half of the orders are no image."""

    def nobody_knows(image: change.Image) -> bool:
        raise faults.BadInput(f"only the server can compare {image['number']!r}", where="order.where", todo="Name every spelling.")

    new = change.Change(table=LOGGED, kind=change.Kind.INSERT, before=None, after=row(random.Random(1), 1, 1))
    with pytest.raises(faults.BadInput, match="only the server can compare"):
        Fold([Form(IMAGED, kind=nobody_knows)]).add([new])
