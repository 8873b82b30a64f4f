"""A trigger goes in, the columns come out that it sets at every update whatever was written: PostgreSQL's way of ON UPDATE.

Only what is plain to see counts: a function without a branch that assigns to columns of NEW, or moddatetime. Whatever else a trigger writes
over is found when a row is written, and stops it.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_BRANCH = re.compile(r"\b(IF|CASE|LOOP|WHEN|EXCEPTION|EXECUTE)\b", re.IGNORECASE)
_ASSIGNS = re.compile(r"(?:^|;|\bBEGIN\b)\s*NEW\s*\.\s*(?:\"([^\"]+)\"|(\w+))\s*:?=", re.IGNORECASE)
_ROW, _BEFORE, _UPDATE = 1, 2, 16
_WORDS = ((4, "INSERT"), (8, "DELETE"), (16, "UPDATE"), (32, "TRUNCATE"))


class Trigger(NamedTuple):
    """One row of pg_trigger, and the function that it calls."""

    name: str
    type: int
    """Its bits, as pg_trigger.h has them."""
    always: bool
    """It has neither a condition nor a list of columns."""
    function: str
    source: str
    argument: str
    """The first one that the function is called with."""

    def told(self) -> str:
        """As a plan tells it."""
        events = " OR ".join(word for bit, word in _WORDS if self.type & bit)
        return f"{self.name} ({'BEFORE' if self.type & _BEFORE else 'AFTER'} {events})"


def columns(trigger: Trigger) -> frozenset[str]:
    """The columns, in lower case."""
    if not trigger.always or trigger.type & (_ROW | _BEFORE | _UPDATE) != _ROW | _BEFORE | _UPDATE:
        return frozenset()
    if trigger.function == "moddatetime":
        return frozenset({trigger.argument.lower()})
    source = _COMMENT.sub(" ", trigger.source)
    if _BRANCH.search(source):
        return frozenset()
    return frozenset((quoted or plain).lower() for quoted, plain in _ASSIGNS.findall(source))
