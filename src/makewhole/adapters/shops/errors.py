"""Foreign errors of shop databases go in, our faults come out, the original chained: the one place that knows their numbers."""

from __future__ import annotations

import contextlib
import enum
import sqlite3
from collections.abc import Iterator

import psycopg
import sqlalchemy as sa

from makewhole.core import faults


class During(enum.Enum):
    """What was being done: the same error means another thing while a commit is under way."""

    START = "start"
    READ = "read"
    WRITE = "write"
    COMMIT = "commit"


class Kind(enum.Enum):
    """What a database's error comes to, whatever its number."""

    GONE = "gone"
    UNREACHABLE = "unreachable"
    LATER = "later"
    DENIED = "denied"
    REFUSED = "refused"
    UNKNOWN = "unknown"


_GONE = frozenset({0, 1053, 1152, 1153, 1158, 1159, 1160, 1161, 1184, 1927, 2006, 2013, 2055})
"""MySQL and MariaDB: the connection was lost, or the server is going down."""
_CANNOT_CONNECT = frozenset({2002, 2003, 2005, 1040, 1129, 1130, 1203, 1226})
_LATER = frozenset({1205, 1213, 1317, 1969, 3024, 3572, 1158, 1614})
"""Lock wait, deadlock, statement too long: the server rolled back and says so."""
_DENIED = frozenset({1044, 1045, 1049, 1142, 1143, 1146, 1054, 1227, 1698})
"""The address, the account or the map is wrong: a person must look at the settings."""
_REFUSED = frozenset({1048, 1062, 1205, 1264, 1265, 1290, 1364, 1366, 1406, 1451, 1452, 1644, 1690, 1792, 1836, 3819, 4025})
"""Constraints, triggers, read-only servers: understood, and said no."""
_STATES = (
    ("08", Kind.GONE), ("57P0", Kind.GONE),
    ("53", Kind.LATER), ("40", Kind.LATER), ("55P03", Kind.LATER), ("57014", Kind.LATER),
    ("28", Kind.DENIED), ("3D", Kind.DENIED), ("42", Kind.DENIED),
    ("25006", Kind.REFUSED), ("22", Kind.REFUSED), ("23", Kind.REFUSED), ("P0001", Kind.REFUSED),
)  # fmt: skip
"""PostgreSQL: the beginnings of its SQLSTATE codes (its manual, appendix A)."""


@contextlib.contextmanager
def translated(during: During, where: str) -> Iterator[None]:
    """Every error of the database inside becomes one of ours."""
    try:
        yield
    except sa.exc.DBAPIError as wrong:
        raise _fault(wrong.orig, during, where) from wrong
    except sa.exc.SQLAlchemyError as wrong:
        raise faults.Defect(f"the database library refuses what we ask: {wrong}") from wrong


@contextlib.contextmanager
def starting(engine: sa.Engine, where: str) -> Iterator[sa.Connection]:
    """The first connection of all: an account that is not let in is wrong settings, and nobody who went away."""
    with translated(During.START, where), engine.connect() as connection:
        yield connection


@contextlib.contextmanager
def reading(engine: sa.Engine, where: str) -> Iterator[sa.Connection]:
    """A connection to read on, its errors translated."""
    with translated(During.READ, where), engine.connect() as connection:
        yield connection


def _fault(original: BaseException | None, during: During, where: str) -> Exception:
    if isinstance(original, sqlite3.Error):
        return _sqlite(original, during, where)
    if isinstance(original, psycopg.Error):
        return _postgres(original, during, where)
    number = original.args[0] if original is not None and original.args and isinstance(original.args[0], int) else -1
    text = str(original.args[1]) if original is not None and len(original.args) > 1 else str(original)
    return _told(_mysql_kind(number, during), text, str(number), during, where)


def _mysql_kind(number: int, during: During) -> Kind:
    if number in _GONE:
        return Kind.GONE
    if number in _CANNOT_CONNECT:
        return Kind.UNREACHABLE
    if number in _LATER:
        return Kind.LATER
    if number in _DENIED:
        return Kind.DENIED
    return Kind.REFUSED if number in _REFUSED and during in {During.WRITE, During.COMMIT} else Kind.UNKNOWN


def _postgres(original: psycopg.Error, during: During, where: str) -> Exception:
    state = original.sqlstate or ""
    text = (original.diag.message_primary or str(original)).strip()
    if isinstance(original, psycopg.OperationalError) and not state:
        # The library's own words: without a server's code, the server was not heard.
        denied = any(word in text for word in ("authentication", "does not exist", "no pg_hba", "password"))
        kind = Kind.DENIED if denied else Kind.UNREACHABLE if during is During.START else Kind.GONE
        return _told(kind, text, "", during, where)
    found = next((kind for prefix, kind in _STATES if state.startswith(prefix)), Kind.UNKNOWN)
    return _told(found, text, state, during, where)


def _told(kind: Kind, text: str, code: str, during: During, where: str) -> Exception:
    match kind:
        case Kind.GONE if during is During.COMMIT:
            return faults.Indeterminate(f"the connection was lost in the commit: {text}", code=code)
        case Kind.GONE:
            # What was never committed is rolled back by the server: nothing happened, and we know it.
            return faults.Unavailable(f"the connection was lost: {text}", code=code)
        case Kind.UNREACHABLE:
            return faults.Unavailable(f"the shop's database cannot be reached: {text}", code=code)
        case Kind.LATER:
            return faults.Unavailable(f"the shop's database is busy: {text}", code=code)
        case Kind.DENIED:
            return _wrong_settings(text, code, during, where)
        case Kind.REFUSED:
            return faults.Rejected(f"the shop's database refuses: {text}", code=code)
        case Kind.UNKNOWN if during is During.COMMIT:
            return faults.Indeterminate(f"the commit went wrong: {text}", code=code)
        case Kind.UNKNOWN:
            return faults.Defect(f"the shop's database answers {code}: {text}")


def _sqlite(original: sqlite3.Error, during: During, where: str) -> Exception:
    text, code = str(original), original.sqlite_errorname if hasattr(original, "sqlite_errorname") else None
    if "locked" in text or "busy" in text:
        return faults.Unavailable(f"the shop's database is busy: {text}", code=code)
    if "unable to open" in text:
        return faults.Unavailable(f"the shop's database cannot be opened: {text}", code=code)
    if "no such table" in text or "no such column" in text or "not a database" in text:
        return _wrong_settings(text, code, during, where)
    if isinstance(original, sqlite3.IntegrityError) or "readonly" in text:
        return faults.Rejected(f"the shop's database refuses: {text}", code=code)
    return faults.Defect(f"the shop's database answers: {text}")


def _wrong_settings(text: str, code: str | None, during: During, where: str) -> Exception:
    if during is During.START:
        todo = "Check the database's address, the account's rights and the tables that the shop file names."
        return faults.BadInput(f"the shop's database refuses us: {text}", where=where, todo=todo)
    if during is During.READ:
        return faults.Unavailable(f"the shop's database no longer lets us read: {text}", code=code)
    return faults.Rejected(f"the shop's database refuses: {text}", code=code)
