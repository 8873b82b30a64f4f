"""Whatever a driver raises comes in, one of our four faults goes out, the original chained. Foreign error codes are known only here."""

from __future__ import annotations

import enum
import sqlite3

import pymysql
import sqlalchemy.exc

from makewhole.core import faults


class Meaning(enum.Enum):
    """What may be done about a foreign error."""

    AGAIN = "again"
    """The database took its own side back to the beginning (deadlock, lock wait): the same again, at once, a few times."""
    LOST = "lost"
    """The connection is gone. Outside a commit nothing happened; inside one, the commit must be looked for."""
    BUSY = "busy"
    """Later."""
    FULL = "full"
    """No room on the disk: later, once somebody made room."""
    REFUSED = "refused"
    """The server does not let us in, or has no such database: a setting is wrong."""
    OURS = "ours"
    """An integrity surprise, a wrong statement, a damaged file: our mistake or worse."""


DRIVER_ERRORS = (sqlite3.Error, pymysql.MySQLError, sqlalchemy.exc.SQLAlchemyError, OSError, EOFError)
"""All that the drivers and the pool raise; anything else is a defect of ours and is not caught."""

_SQLITE = {
    sqlite3.SQLITE_BUSY: Meaning.BUSY,
    sqlite3.SQLITE_LOCKED: Meaning.BUSY,
    sqlite3.SQLITE_PROTOCOL: Meaning.BUSY,  # two processes raced to start the write-ahead log
    sqlite3.SQLITE_FULL: Meaning.FULL,
    sqlite3.SQLITE_IOERR: Meaning.LOST,
    sqlite3.SQLITE_CANTOPEN: Meaning.REFUSED,
    sqlite3.SQLITE_PERM: Meaning.REFUSED,
    sqlite3.SQLITE_READONLY: Meaning.REFUSED,
    sqlite3.SQLITE_NOTADB: Meaning.REFUSED,
}
_MYSQL = {
    1213: Meaning.AGAIN,  # deadlock
    1205: Meaning.AGAIN,  # lock wait timeout
    1020: Meaning.AGAIN,  # record has changed since last read (MariaDB)
    2006: Meaning.LOST,
    2013: Meaning.LOST,
    2014: Meaning.LOST,  # commands out of sync: the answer that comes next may be another question's
    2027: Meaning.LOST,  # malformed packet
    0: Meaning.LOST,  # PyMySQL: its own connection is closed
    1053: Meaning.LOST,  # server shutdown in progress
    1152: Meaning.LOST,
    1158: Meaning.LOST,
    1159: Meaning.LOST,
    1160: Meaning.LOST,
    1161: Meaning.LOST,
    1317: Meaning.LOST,  # query execution was interrupted
    1927: Meaning.LOST,  # connection was killed (MariaDB)
    4031: Meaning.LOST,  # disconnected for inactivity (MySQL)
    2002: Meaning.BUSY,
    2003: Meaning.BUSY,
    2005: Meaning.BUSY,
    1040: Meaning.BUSY,  # too many connections
    1203: Meaning.BUSY,
    1226: Meaning.BUSY,
    1290: Meaning.BUSY,  # read only: a replica that has not taken over yet
    1836: Meaning.BUSY,
    1021: Meaning.FULL,
    1114: Meaning.FULL,
    1044: Meaning.REFUSED,
    1045: Meaning.REFUSED,
    1049: Meaning.REFUSED,
    1698: Meaning.REFUSED,
}


def meaning(error: BaseException) -> Meaning:
    """What may be done about it. A code that nobody listed is ours to look at."""
    if isinstance(error, sqlalchemy.exc.TimeoutError):
        return Meaning.BUSY  # every connection of the pool is in use
    if isinstance(error, sqlalchemy.exc.DBAPIError) and error.orig is not None:
        return meaning(error.orig)
    if isinstance(error, sqlite3.Error):
        # Extended codes keep the plain code in their low byte.
        return _SQLITE.get(getattr(error, "sqlite_errorcode", -1) & 0xFF, Meaning.OURS)
    if isinstance(error, pymysql.err.InterfaceError):
        return Meaning.LOST
    if isinstance(error, pymysql.MySQLError):
        code = error.args[0] if error.args else None
        return _MYSQL.get(code, Meaning.OURS) if isinstance(code, int) else Meaning.OURS
    if isinstance(error, OSError | EOFError):
        return Meaning.LOST
    return Meaning.OURS


def translated(error: BaseException, doing: str) -> faults.Fault:
    """The fault to raise from it. Nothing happened: doubt about a commit is settled before anybody asks here."""
    told = f"{doing}: {error}"
    match meaning(error):
        case Meaning.AGAIN | Meaning.LOST | Meaning.BUSY | Meaning.REFUSED:
            return faults.Unavailable(told)
        case Meaning.FULL:
            return faults.Unavailable(f"{doing}: no room left for our own store; nothing was written. Make room, then go on. ({error})")
        case Meaning.OURS:
            return faults.Defect(told)


def at_opening(error: BaseException, address: str) -> Exception:
    """The same while a store is opened, where a refusal is a wrong setting."""
    if meaning(error) is not Meaning.REFUSED:
        return translated(error, f"opening the store {address}")
    return faults.BadInput(
        f"the store cannot be opened: {error}",
        where=address,
        todo="Check the address, the account's rights and that the database exists.",
    )
