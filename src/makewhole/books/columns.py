"""The columns of a book, of pairs and of sums: the one place that names them, for engines, files and tests alike.

Instants are seconds since 1970 in UTC and days are day numbers (`bill.day_number`): the engines differ about timestamps, zones and
NULLs in dates, and agree about whole numbers.
"""

from __future__ import annotations

from collections.abc import Mapping

import ibis
from ibis.expr.types import Table

BOOK: Mapping[str, str] = {
    "line": "int64",
    "channel": "string",
    "merchant": "string",
    "kind": "string",
    "number": "string",
    "payment": "string",
    "transaction": "string",
    "order_number": "string",
    "amount_fen": "int64",
    "fee_millifen": "int64",
    "currency": "string",
    "standing": "string",
    "at_s": "int64",
    "day": "int32",
}
"""A book's table. `number` is NULL where nobody knows it: such a line never pairs by number."""
KEY = ("channel", "merchant", "kind", "number")
"""What makes two lines speak of the same movement."""
SIDED = ("line", "amount_fen", "fee_millifen", "currency", "standing", "at_s", "day")
"""What a pair keeps of each side, as `ours_…` and `theirs_…`: all that is compared. The rest stands in the books, at that line."""
NAMES = ("payment", "transaction", "order_number")
"""What a break is told besides, of each side: the other names under which the money may be known."""
PAIRS: Mapping[str, str] = {
    **{name: BOOK[name] for name in KEY},
    **{f"{side}_{name}": BOOK[name] for side in ("ours", "theirs") for name in SIDED},
    "class": "string",
}
MET: Mapping[str, str] = {"ours_line": "int64", "theirs_line": "int64", "number": "string"}
"""A line of each book; one side and its number where it is alone."""
BREAKS: Mapping[str, str] = {
    **PAIRS,
    **{f"{side}_{name}": BOOK[name] for side in ("ours", "theirs") for name in NAMES},
    "group": "string",
}
"""`group` says by which name, and what it is, lines of class grouped belong together."""
OWNERS: Mapping[str, str] = {"payment": "string", "order_number": "string"}
"""Which order a payment belongs to, by the shop's own rule, for payments that the channel alone knows."""
SUMS: Mapping[str, str] = {
    "side": "string",
    "channel": "string",
    "currency": "string",
    "kind": "string",
    "day": "int32",
    "class": "string",
    "lines": "int64",
    "fen": "int64",
    "fees_millifen": "int64",
}


SETTLED = ("channel", "currency", "gross_fen", "fees_millifen", "fees_fen")
"""What their book pays out."""
WINDOW: Mapping[str, str] = {"waits_after": "int32", "margin_s": "int64"}
"""One row, so that no statement has a day in it: lines of days after `waits_after` may wait, within so many seconds of midnight."""


def window(name: str) -> Table:
    """The day's window by the name under which an engine knows it."""
    return ibis.table(dict(WINDOW), name=name)


def book(name: str) -> Table:
    """A book by the name under which an engine knows it."""
    return ibis.table(dict(BOOK), name=name)


def met(name: str) -> Table:
    """Stored lines that met, by the name under which an engine knows them."""
    return ibis.table(dict(MET), name=name)


def numbers(name: str) -> Table:
    """Stored numbers by the name under which an engine knows them."""
    return ibis.table({"number": "string"}, name=name)


def digests(name: str) -> Table:
    """Stored digests of numbers by the name under which an engine knows them."""
    return ibis.table({"digest": "int64"}, name=name)


def pairs(name: str) -> Table:
    """Stored pairs by the name under which an engine knows them."""
    return ibis.table(dict(PAIRS), name=name)


def breaks(name: str) -> Table:
    """Stored breaks by the name under which an engine knows them."""
    return ibis.table(dict(BREAKS), name=name)


def owners(name: str) -> Table:
    """Stored owners by the name under which an engine knows them."""
    return ibis.table(dict(OWNERS), name=name)


def sums(name: str) -> Table:
    """Stored sums by the name under which an engine knows them."""
    return ibis.table(dict(SUMS), name=name)


def book_sums(name: str) -> Table:
    """Stored sums of whole books, which have no class."""
    return ibis.table({k: v for k, v in SUMS.items() if k != "class"}, name=name)
