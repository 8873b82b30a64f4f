"""A bill's text in, a book on the desk out: columns by name, amounts exact, and refused whole where one thing in it is wrong.

A format says how its sheet lies in the file and how its columns are ours, in DuckDB's SQL; here is what all formats share. The
cells are checked where they are read, millions in a second; a person is told of the first that is wrong, by its line in the file.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import duckdb

from makewhole.adapters.bills import unpacking
from makewhole.books import columns
from makewhole.core import cards, ids
from makewhole.model import bill
from makewhole.model.bill import Refused, Wrong

LINE_BYTES_MAX = 65_536
"""Of one line: a bill's have three hundred."""
_DIGITS = r"-?[0-9]{1,13}"
_NAMES = ("number", "payment", "transaction")
"""Columns by which movements are called: shown, stored and searched for."""
_UNWRITTEN = r"[\x00-\x1f\x7f-\x9f\x{200B}-\x{200F}\x{2028}-\x{202E}\x{2066}-\x{2069}\x{FEFF}]"
"""Control characters, and marks that have no width or change the direction of what follows."""
_SUSPECT = rf"\p{{Nd}}({cards.GAP}?\p{{Nd}}){{{cards.DIGITS_MIN - 1}}}"
"""Where this is nowhere there is no card: `cards` looks at the other cells alone."""


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What was asked for, and what the channel said of it."""

    day: int
    merchant: str
    sha1: str | None = None


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """The table in a file: its columns' names, its lines as UTF-8 bytes, and the sums that the file ends with, by name."""

    columns: tuple[str, ...]
    body: bytes | memoryview
    first_line: int
    """Of the body, in the file, from 1."""
    delimiter: str
    sums: Mapping[str, str]
    sums_line: int
    opens: str = ""
    """What a line opens with: the rest of a delimiter that has nothing before it."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """What a cell must be: `sql` is true where it is not, `says` names it for a person."""

    wrong: Wrong
    sql: str
    says: str


@dataclass(frozen=True, kw_only=True)
class Sum:
    """A figure of the summary: `sql` is the same reckoned over the lines, in the smallest unit that `text` is read as."""

    name: str
    sql: str
    places: int


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How a sheet's columns are ours."""

    names: Mapping[str, Sequence[str]]
    """Our word for a column, and the names that it had over the years. A file has one of them."""
    optional: frozenset[str]
    """Columns that some kinds of this bill lack; their cells are then empty."""
    fields: Mapping[str, str]
    """A book's columns as SQL over our words; `line`, `channel` and `day` come by themselves."""
    refund_id: str
    """The channel's number of a refund, as SQL, NULL for a payment: the same movement twice is a doubled line."""
    checks: Sequence[Check]
    sums: Sequence[Sum]
    free: Sequence[str] = ()
    """Columns in which people write: searched for card numbers."""
    trimmed: str = ""
    """Characters that the channel puts around a cell."""
    keep: Mapping[str, str] = field(default_factory=dict)
    """More columns for the sums."""


class Format(Protocol):
    """One channel's bill."""

    channel: ids.ChannelName
    layout: Layout

    @property
    def payers(self) -> Sequence[str]:
        """Words by which the licensed company behind the channel is known in the lines of a bank."""
        ...

    def plain(self, raw: bytes) -> bytes:
        """The text's bytes as they were hashed: unpacked, not yet decoded."""
        ...

    def sheet(self, plain: bytes, expected: Expected) -> Sheet:
        """The table in it. Raises Refused where there is none, or where what the file says of itself is not what was expected."""
        ...


def fen(column: str) -> str:
    """A column of yuan with two places, as fen."""
    return f'CAST(TRY_CAST("{column}" AS DECIMAL(18, 2)) * 100 AS BIGINT)'


def millifen(column: str) -> str:
    """A column of yuan with up to five places, as thousandths of a fen."""
    return f'CAST(TRY_CAST("{column}" AS DECIMAL(18, 5)) * 100000 AS BIGINT)'


def seconds(column: str) -> str:
    """A column of Beijing time, as seconds since 1970 in UTC."""
    return f"epoch(try_strptime(\"{column}\", '%Y-%m-%d %H:%M:%S'))::BIGINT - 28800"


def word(column: str) -> str:
    """A column of names, NULL where it is empty or the channel's zero for nothing."""
    return f"""CASE WHEN "{column}" NOT IN ('', '0') THEN "{column}" END"""


def is_money(column: str, places: str = "{2}") -> Check:
    """Plain decimal yuan: no separators of thousands, no exponents, no full-width digits."""
    return Check(wrong=Wrong.CELL, sql=f"NOT regexp_full_match(\"{column}\", '{_DIGITS}\\.[0-9]{places}')", says=f"{column} is no amount")


def is_time(column: str) -> Check:
    """A Beijing time to the second."""
    return Check(wrong=Wrong.CELL, sql=f"try_strptime(\"{column}\", '%Y-%m-%d %H:%M:%S') IS NULL", says=f"{column} is no time")


def is_written(sql: str) -> Check:
    """A number or name that a terminal, a spreadsheet and a database can all show: none that moves a cursor or turns a line round."""
    return Check(wrong=Wrong.CELL, sql=f"regexp_matches({sql}, '{_UNWRITTEN}')", says="a number with a character that is none")


def one_of(column: str, *words: str) -> Check:
    """A state that we know. A new one is for a person to look at, not to guess."""
    known = ", ".join(f"'{w}'" for w in words)
    return Check(wrong=Wrong.CELL, sql=f'"{column}" NOT IN ({known})', says=f"{column} is none of {', '.join(w for w in words if w)}")


def read(connection: duckdb.DuckDBPyConnection, form: Format, raw: bytes, expected: Expected, *, side: bill.Side = bill.Side.THEIRS) -> int:
    """Put the bill on the desk as the book of this side (columns.BOOK); the number of its lines. Raises Refused, nothing stored."""
    plain = form.plain(raw)
    unpacking.genuine(raw, plain, expected.sha1)
    sheet = form.sheet(plain, expected)
    names = _resolved(sheet.columns, form.layout)
    with tempfile.NamedTemporaryFile(suffix=".csv") as body:
        body.write(sheet.body)
        body.flush()
        try:
            connection.execute(_statement(form, sheet, names, Path(body.name), expected))
        except (duckdb.InvalidInputException, duckdb.ConversionException) as wrong:
            raise _unreadable(wrong, sheet) from wrong
    try:
        count = _judged(connection, form, sheet, expected)
    except Refused:
        connection.execute("DROP TABLE cells")
        raise
    # Seen without the columns that only the checks needed: millions of lines are not copied for that.
    connection.execute(f"DROP VIEW IF EXISTS {side.value}; DROP TABLE IF EXISTS bill_of_{side.value}")
    connection.execute(f"ALTER TABLE cells RENAME TO bill_of_{side.value}")
    kept = ", ".join(columns.BOOK)
    connection.execute(f"CREATE VIEW {side.value} AS SELECT {kept} FROM bill_of_{side.value}")  # noqa: S608 - words of ours
    return count


def _resolved(found: Sequence[str], layout: Layout) -> Mapping[str, str | None]:
    """Our word for each column of the file, by its name there; None where the file lacks it and may."""
    twice = next((name for name in found if name and found.count(name) > 1), None)
    if twice is not None:
        raise Refused(Wrong.COLUMNS, 0, f"column {twice} stands twice")
    resolved: dict[str, str | None] = {}
    for ours, theirs in layout.names.items():
        there = next((name for name in theirs if name in found), None)
        if there is None and ours not in layout.optional:
            raise Refused(Wrong.COLUMNS, 0, f"no column {' or '.join(theirs)}")
        resolved[ours] = there
    return resolved


def _statement(form: Format, sheet: Sheet, names: Mapping[str, str | None], path: Path, expected: Expected) -> str:
    layout = form.layout
    shape = ", ".join(f"'c{place}': 'VARCHAR'" for place in range(len(sheet.columns)))
    places = {name: f"c{place}" for place, name in enumerate(sheet.columns)}
    if sheet.opens:
        places[sheet.columns[0]] = f"CASE WHEN starts_with(c0, {_quoted(sheet.opens)}) THEN c0[2:] END"
    cells = [f'{_cell(places, there, layout.trimmed)} AS "{ours}"' for ours, there in names.items()]
    wrong = " ".join(f"WHEN {check.sql} THEN {place}" for place, check in enumerate(_checks(layout, expected)))
    fields = {
        "line": "line",
        "channel": _quoted(form.channel),
        "order_number": "NULL::VARCHAR",
        **layout.fields,
        # As expected, or the line is refused.
        "merchant": _quoted(expected.merchant),
        "day": f"{expected.day}::INTEGER",
    }
    told = ", ".join(f"{fields[name]} AS {name}" for name in columns.BOOK)
    kept = "".join(f', {sql} AS "{name}"' for name, sql in layout.keep.items())
    cards_at = " OR ".join(f'regexp_matches("{name}", {_quoted(_SUSPECT)})' for name in layout.free) or "false"
    suspect = " || ' ' || ".join(f'"{name}"' for name in layout.free) or "''"
    return f"""CREATE OR REPLACE TABLE cells AS WITH told AS (
        SELECT row_number() OVER () + {sheet.first_line - 1} AS line, {", ".join(cells)}
        FROM read_csv({_quoted(str(path))}, columns = {{{shape}}}, header = false, auto_detect = false, delim = {_quoted(sheet.delimiter)},
            quote = '', escape = '', strict_mode = true, null_padding = false, max_line_size = {LINE_BYTES_MAX}))
        SELECT {told}{kept}, {layout.refund_id} AS refund_id, CASE {wrong} END AS wrong,
            CASE WHEN {cards_at} THEN {suspect} END AS suspect FROM told"""  # noqa: S608 - a format's own words; no cell becomes SQL


def _cell(places: Mapping[str, str], there: str | None, trimmed: str) -> str:
    if there is None:
        return "''"
    # An empty cell comes as NULL, and NULL passes every check.
    cell = f"coalesce({places[there]}, '')"
    return f"trim({cell}, {_quoted(trimmed)})" if trimmed else cell


def _checks(layout: Layout, expected: Expected) -> list[Check]:
    """In this order: what makes a cell unreadable, then what makes it another's."""
    told = [*layout.checks, *(is_written(layout.fields[name]) for name in _NAMES)]
    if "merchant" in layout.fields:
        told.append(
            Check(wrong=Wrong.OTHER_MERCHANT, sql=f"{layout.fields['merchant']} <> {_quoted(expected.merchant)}", says="another merchant's")
        )
    day = f"(({layout.fields['at_s']}) + 28800) // 86400 <> {expected.day}"
    told.append(Check(wrong=Wrong.OTHER_DAY, sql=day, says=f"not of {bill.date_of(expected.day)}"))
    return told


def _judged(connection: duckdb.DuckDBPyConnection, form: Format, sheet: Sheet, expected: Expected) -> int:
    """The number of lines. Raises Refused for the first line that is wrong, for a doubled one, and where the sums are others."""
    layout = form.layout
    bad = connection.execute("SELECT line, wrong FROM cells WHERE wrong IS NOT NULL ORDER BY line LIMIT 1").fetchone()
    if bad is not None:
        check = _checks(layout, expected)[bad[1]]
        raise Refused(check.wrong, bad[0], check.says)
    told = "SELECT line, suspect, number, transaction FROM cells WHERE suspect IS NOT NULL ORDER BY line"
    for line, said, *own in connection.execute(told).fetchall():
        # Many shops write their order's number into the free columns too.
        if cards.find_card(said, own=own) is not None:
            raise Refused(Wrong.CARD_NUMBER, line, "a payment card's number")
    twice = connection.execute(
        """SELECT min(line), max(line) FROM cells WHERE kind = 'payment' OR refund_id IS NOT NULL
        GROUP BY kind, transaction, refund_id HAVING count(*) > 1 ORDER BY 2 LIMIT 1"""
    ).fetchone()
    if twice is not None:
        raise Refused(Wrong.DOUBLED, twice[1], f"the movement of line {twice[0]} once more")
    given = [one for one in layout.sums if one.name in sheet.sums]
    reckoned = ", ".join(f"coalesce({one.sql}, 0)::HUGEINT" for one in given)
    counted = connection.execute(f"SELECT count(*), {reckoned or 0} FROM cells").fetchone() or ()  # noqa: S608 - a format's own words
    for one, figure in zip(given, counted[1:], strict=False):
        said = _figure(sheet.sums[one.name], one.places, one.name, sheet.sums_line)
        bill.adds_up(one.name, counted=int(figure), said=said, line=sheet.sums_line)
    return int(counted[0])


def _figure(told: str, places: int, name: str, line: int) -> int:
    """A figure of the summary as a whole number of its smallest unit."""
    found = re.fullmatch(r"(-?)([0-9]{1,15})(?:\.([0-9]+))?", told, re.ASCII)
    if found is None or len(found[3] or "") > places:
        raise Refused(Wrong.SUMS, line, f"{name} is no figure: {told[:40]!r}")
    figure = int(found[2] + (found[3] or "").ljust(places, "0"))
    return -figure if found[1] else figure


def _unreadable(wrong: duckdb.Error, sheet: Sheet) -> Refused:
    """The engine counts lines of the body; people count those of the file."""
    found = re.search(r"Line:\s*(\d+)", str(wrong))
    line = 0 if found is None else int(found[1]) + sheet.first_line - 1
    if "nicode" in str(wrong) or "utf-8" in str(wrong):
        return Refused(Wrong.ENCODING, line, "not UTF-8")
    return Refused(Wrong.COLUMNS, line, f"not {len(sheet.columns)} cells, as the heading has")


def _quoted(told: str) -> str:
    return "'" + told.replace("'", "''") + "'"
