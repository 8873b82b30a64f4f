"""Columns and codes go in, SQL conditions as a shop file spells them come out."""

from __future__ import annotations

import enum
import re

from makewhole.attach import survey

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_RESERVED = frozenset(
    """
    add all alter and as asc between by call case change char character check column condition constraint convert create cross
    database default delete desc describe distinct div double drop each else exists explain false fetch float for force foreign
    from fulltext grant group having if ignore in index inner insert int integer interval into is join key keys kill left like
    limit lines load lock long loop match mod natural not null numeric on optimize option or order out outer primary procedure
    purge range read real references rename repeat replace require restrict return revoke right rows schema select separator set
    show signal sql starting table then to trigger true undo union unique unlock unsigned update usage use using values when where
    while with write xor current_user rank row system time timestamp date
""".split()  # noqa: SIM905 - words, as a page of the manual lists them
)


def name(column: str) -> str:
    """A column's name, quoted where it is not a plain word."""
    return column if _PLAIN.fullmatch(column) and column.lower() not in _RESERVED else f"`{column}`"


class Style(enum.Enum):
    """How a column's codes are written."""

    NUMBER = "number"
    TEXT = "text"
    TRUTH = "truth"
    """BOOLEAN, where that is a type of its own."""


def style(column: survey.Column) -> Style:
    """How this column's codes are written."""
    if column.declared.lower().startswith("bool"):
        return Style.TRUTH
    return Style.TEXT if column.kind is survey.Kind.TEXT else Style.NUMBER


def literal(code: str, *, style: Style) -> str:
    """A code as a literal."""
    if style is Style.TRUTH:
        return "TRUE" if code.lower() in {"1", "true", "t", "y"} else "FALSE"
    if style is Style.NUMBER and re.fullmatch(r"-?\d+", code):
        return code
    return "'" + code.replace("'", "''") + "'"


def equals(column: str, code: str, *, style: Style) -> str:
    """`status = 1`."""
    return f"{name(column)} = {literal(code, style=style)}"


def among(column: str, codes: tuple[str, ...], *, style: Style) -> str:
    """`status = 1`, or `status IN (1, 2)`."""
    if len(codes) == 1:
        return equals(column, codes[0], style=style)
    return f"{name(column)} IN ({', '.join(literal(c, style=style) for c in codes)})"


def present(column: str, unit: str) -> str:
    """The instant is there."""
    return f"{name(column)} > 0" if unit in {"unix_s", "unix_ms"} else f"{name(column)} IS NOT NULL"


def missing(column: str, unit: str) -> str:
    """The instant is not there."""
    return f"COALESCE({name(column)}, 0) = 0" if unit in {"unix_s", "unix_ms"} else f"{name(column)} IS NULL"


def packed(column: str) -> str:
    """`20261123200000` as an instant that ISO 8601 knows."""
    told = name(column)
    date = f"SUBSTRING({told}, 1, 4), '-', SUBSTRING({told}, 5, 2), '-', SUBSTRING({told}, 7, 2)"
    time = f"SUBSTRING({told}, 9, 2), ':', SUBSTRING({told}, 11, 2), ':', SUBSTRING({told}, 13, 2)"
    return f"CASE WHEN {told} <> '' THEN CONCAT({date}, ' ', {time}) END"
