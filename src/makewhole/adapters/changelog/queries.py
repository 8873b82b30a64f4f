"""QUERY events go in; the statement, its connection and its invoker come out, and what kind of statement it is.

Format: MySQL, Query_event (libbinlogevents/include/statement_events.h) with its status variables; MariaDB adds some from 128 on.
"""

from __future__ import annotations

import enum
import functools
import re
from dataclasses import dataclass

from makewhole.adapters.changelog import rows, texts

_FIXED_SIZES = {0: 4, 1: 8, 3: 4, 4: 6, 7: 2, 8: 2, 9: 8, 10: 4, 13: 3, 16: 1, 17: 8, 18: 2, 19: 1, 20: 1, 128: 3, 129: 8, 130: 2}
"""Bytes of each status variable that always has as many."""
_CHARSET, _INVOKER, _UPDATED = 4, 11, 12
_OVER_MAX_DATABASES = 254
_COMMENT = re.compile(r"\A(?:\s+|/\*(?![!M]).*?\*/|--\s[^\n]*\n|#[^\n]*\n)*", re.DOTALL)
_FIRST = re.compile(r"\A(?:/\*M?!\d*\s*)?([A-Za-z]+)(?:\s+([A-Za-z]+))?")
_NAME = r"(?:`(?:[^`]|``)*`|'[^']*'|[\w$%.-]+)"
_MADE = re.compile(
    rf"\A(?:CREATE|ALTER)\s+(?:OR\s+REPLACE\s+|ALGORITHM\s*=\s*\w+\s+|DEFINER\s*=\s*{_NAME}(?:@{_NAME})?(?:\(\))?\s+"
    r"|SQL\s+SECURITY\s+\w+\s+|AGGREGATE\s+)*([A-Za-z]+)",
    re.IGNORECASE,
)
"""What is created or altered, behind what servers write before it: whose it is, and how it is done."""
_NEW_TABLE = re.compile(
    rf"\ACREATE\s+(?:OR\s+REPLACE\s+)?(?:TEMPORARY\s+)?TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?{_NAME}(?:\s*\.\s*{_NAME})?", re.IGNORECASE
)
_XID = re.compile(r"\AXA\s+\w+\s+(.+?)(?:\s+ONE\s+PHASE)?\s*\Z", re.IGNORECASE | re.DOTALL)
_SAVEPOINT = re.compile(r"(?:SAVEPOINT|TO)\s+(?:SAVEPOINT\s+)?(`(?:[^`]|``)*`|\S+)\s*\Z", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Query:
    """One statement as the log holds it."""

    text: str
    schema: str
    connection: int
    invoker: str


class Verb(enum.Enum):
    """What a statement does to the group that it stands in."""

    BEGIN = "begin"
    COMMIT = "commit"
    ROLLBACK = "rollback"
    SAVEPOINT = "savepoint"
    ROLLBACK_TO = "rollback-to"
    XA_START = "xa-start"
    XA_END = "xa-end"
    XA_COMMIT = "xa-commit"
    XA_ROLLBACK = "xa-rollback"
    HARMLESS = "harmless"
    """Changes neither rows nor the columns of a table: users, views, routines, statistics."""
    OTHER = "other"


_VERBS = {"BEGIN": Verb.BEGIN, "COMMIT": Verb.COMMIT, "SAVEPOINT": Verb.SAVEPOINT}
_XA = {
    "START": Verb.XA_START,
    "BEGIN": Verb.XA_START,
    "END": Verb.XA_END,
    "COMMIT": Verb.XA_COMMIT,
    "ROLLBACK": Verb.XA_ROLLBACK,
}
_HARMLESS = {"GRANT", "REVOKE", "ANALYZE", "OPTIMIZE", "FLUSH", "SET", "RELEASE"}
_HARMLESS_OBJECTS = {
    "USER", "ROLE", "VIEW", "TRIGGER", "PROCEDURE", "FUNCTION", "EVENT", "INDEX", "UNIQUE", "FULLTEXT", "SPATIAL", "SERVER", "SEQUENCE",
}  # fmt: skip
"""What is created, altered or dropped without touching a table's columns."""


def parse(body: memoryview, *, compressed: bool) -> Query:
    """The statement in a QUERY event's body, text in the character set of whoever wrote it."""
    schema_length = body[8]
    status_length = int.from_bytes(body[11:13], "little")
    told = _status(bytes(body[13 : 13 + status_length]))
    at = 13 + status_length
    schema = str(body[at : at + schema_length], "utf-8", "replace")
    text = body[at + schema_length + 1 :]
    if compressed:
        text = memoryview(rows.inflated(text))
    decoded = texts.decoder(told.get(_CHARSET, "utf8mb4"))(text)
    if isinstance(decoded, bytes):
        decoded = decoded.decode("utf-8", "replace")
    return Query(text=decoded, schema=schema, connection=int.from_bytes(body[:4], "little"), invoker=told.get(_INVOKER, ""))


@functools.lru_cache(maxsize=256)
def _status(body: bytes) -> dict[int, str]:
    """The client's character set and the invoker, if they come before a variable that nobody here knows."""
    told: dict[int, str] = {}
    at = 0
    while at < len(body):
        kind = body[at]
        at += 1
        if kind == _CHARSET:
            told[kind] = texts.charset(int.from_bytes(body[at : at + 2], "little"))
            at += 6
        elif kind == _INVOKER:
            user, at = _short(body, at)
            host, at = _short(body, at)
            told[kind] = f"{user}@{host}" if host else user
        elif kind in _FIXED_SIZES:
            at += _FIXED_SIZES[kind]
        elif kind in {5, 6}:
            at += 1 + body[at]
        elif kind == 2:
            at += 2 + body[at]
        elif kind == _UPDATED:
            at = _past_names(body, at)
        else:
            break
    return told


def _short(body: bytes, at: int) -> tuple[str, int]:
    end = at + 1 + body[at]
    return str(body[at + 1 : end], "utf-8", "replace"), end


def _past_names(body: bytes, at: int) -> int:
    count = body[at]
    at += 1
    for _ in range(0 if count == _OVER_MAX_DATABASES else count):
        at = body.index(0, at) + 1
    return at


def verb(text: str) -> Verb:
    """What a statement does. Whatever is not known to be harmless is OTHER."""
    if text == "BEGIN":
        return Verb.BEGIN
    bare = _COMMENT.sub("", text, count=1)
    first = _FIRST.match(bare)
    if first is None:
        return Verb.OTHER
    word, second = first[1].upper(), (first[2] or "").upper()
    if word == "XA":
        return _XA.get(second, Verb.OTHER)
    if word == "ROLLBACK":
        return Verb.ROLLBACK_TO if second == "TO" else Verb.ROLLBACK
    if word in _VERBS:
        return _VERBS[word]
    if word in _HARMLESS:
        return Verb.HARMLESS
    if made := _MADE.match(bare):
        second = made[1].upper()
    if word in {"CREATE", "ALTER", "DROP", "RENAME"} and second in _HARMLESS_OBJECTS:
        return Verb.HARMLESS
    return Verb.OTHER


def savepoint(text: str) -> str:
    """The name in SAVEPOINT name and ROLLBACK TO name."""
    told = _SAVEPOINT.search(text)
    return told[1].strip("`").lower() if told else ""


def xid(text: str) -> str:
    """The name of a distributed transaction in an XA statement."""
    told = _XID.match(text)
    return told[1].lower().replace("x'", "X'") if told else text


def names(text: str, table: str) -> bool:
    """Whether a statement speaks of this table, as far as its words tell: rather once too often than once too little.

    One that creates a table writes that table, whatever others it is modelled on or refers to.
    """
    if made := _NEW_TABLE.match(_COMMENT.sub("", text, count=1)):
        text = made[0]
    return re.search(rf"(?<![\w$]){re.escape(table)}(?![\w$])", text, re.IGNORECASE) is not None
