"""Random work on a real server, told by pgoutput to us and by test_decoding, PostgreSQL's own witness: value by value the same."""

from __future__ import annotations

import contextlib
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from makewhole.adapters import postgres as wire
from makewhole.adapters.changelog.postgres import messages, reading, starring, transactions
from makewhole.model import change
from makewhole.model.change import Kind
from tests.changelog.postgres import slotted
from tests.servers import postgres

pytestmark = [pytest.mark.server, pytest.mark.slow]
CHANGES_MIN = 1_800
TRANSACTIONS = 320
COLUMNS = {
    "flag": "boolean", "small": "smallint", "whole": "integer", "big": "bigint", "exact": "numeric(20,4)", "loose": "numeric",
    "single": "real", "double": "double precision", "words": "text", "short": "varchar(40)", "fixed": "character(8)", "raw": "bytea",
    "day": "date", "clock": "time without time zone", "moment": "timestamp without time zone", "instant": "timestamp with time zone",
    "span": "interval", "document": "json", "tree": "jsonb", "mark": "uuid", "bits": "bit(5)", "list": "integer[]", "names": "text[]",
    "mood": "mood", "cash": "money", "address": "inet", "within": "int4range", "ours": "yuan",
}  # fmt: skip
WORDS = ("", "张三", "emoji 😀", "it's", 'say "hi"', "back\\slash", "line\nbreak", "tab\t", "null", " '' ", "[x]:'y'")
_AS_TEXT = ("span", "document", "tree", "mark", "bits", "list", "names", "mood", "cash", "address", "within", "ours")
"""What we keep as the server's own text; the rest is read by psycopg's own types."""
_DAYS = ("day", "moment", "instant")


@dataclass(frozen=True)
class Told:
    """One change in the words of whoever told it: values as text, None for NULL, absent for what was not told."""

    table: str
    kind: str
    old: dict[str, str | None] | None
    new: dict[str, str | None] | None


class Work:
    """Writes at random, with a seed."""

    def __init__(self, shop: slotted.Connection, seed: int) -> None:
        self._shop, self._chance = shop, random.Random(seed)
        self._live: dict[str, list[int]] = {"t_full": [], "t_keyed": []}
        self._next = 1

    def emptied(self, table: str) -> None:
        """All rows at once, none of which is told."""
        self._shop.execute(f"TRUNCATE {table}")
        self._live[table] = []

    def transaction(self) -> None:
        """A few writes; one in twelve is rolled back as a whole, and one in six has a part that is."""
        before = {name: list(ids) for name, ids in self._live.items()}
        try:
            with self._shop.transaction():
                for _ in range(self._chance.randint(1, 12)):
                    self._write()
                if self._chance.random() < 1 / 6:
                    self._undone()
                if self._chance.random() < 1 / 12:
                    raise psycopg.Rollback
                return
        except psycopg.Rollback:
            pass
        self._live = before

    def _undone(self) -> None:
        held = {name: list(ids) for name, ids in self._live.items()}
        with self._shop.transaction():
            self._write()
            raise psycopg.Rollback
        self._live = held

    def _write(self) -> None:
        chance, table = self._chance, self._chance.choice(("t_full", "t_keyed"))
        live = self._live[table]
        what = chance.choice("iiiuuuuuud") if live else "i"
        if what == "i":
            row = {"id": self._next, **{c: self._value(c) for c in COLUMNS}}
            names, marks = ", ".join(row), ", ".join(["%s"] * len(row))
            self._shop.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(row.values()))
            live.append(self._next)
            self._next += 1
        elif what == "d":
            self._shop.execute(f"DELETE FROM {table} WHERE id = %s", [live.pop(chance.randrange(len(live)))])
        else:
            self._update(table, live)

    def _update(self, table: str, live: list[int]) -> None:
        chance = self._chance
        place = chance.randrange(len(live))
        row = {c: self._value(c) for c in chance.sample(sorted(COLUMNS), chance.randint(1, 4))}
        if chance.random() < 0.1:
            row["id"] = self._next
            self._next += 1
        sets = ", ".join(f"{c} = %s" for c in row)
        self._shop.execute(f"UPDATE {table} SET {sets} WHERE id = %s", [*row.values(), live[place]])
        live[place] = row.get("id", live[place])

    def _value(self, column: str) -> Any:
        chance = self._chance
        return None if chance.random() < 0.15 else _VALUES[column](chance)


def _text(chance: random.Random) -> str:
    """One in ten is too large for its row, and is told only where it is written anew."""
    if chance.random() < 0.1:
        return "".join(chance.choices("0123456789abcdefghij丁", k=6000))
    return chance.choice(WORDS) + str(chance.randint(0, 9))


def _moment(chance: random.Random) -> str:
    if chance.random() < 0.05:
        return chance.choice(("infinity", "-infinity", "0044-03-15 12:00:00 BC", "12026-01-01 00:00:00"))
    day = f"{chance.randint(1, 9999):04d}-{chance.randint(1, 12):02d}-{chance.randint(1, 28):02d}"
    return f"{day} {chance.randint(0, 23):02d}:{chance.randint(0, 59):02d}:{chance.randint(0, 59):02d}.{chance.randint(0, 999999):06d}"


_VALUES: dict[str, Any] = {
    "flag": lambda c: c.choice((True, False)), "small": lambda c: c.randint(-(2**15), 2**15 - 1),
    "whole": lambda c: c.randint(-(2**31), 2**31 - 1), "big": lambda c: c.randint(-(2**63), 2**63 - 1),
    "exact": lambda c: f"{c.randint(-(10**16), 10**16)}.{c.randint(0, 9999):04d}",
    "loose": lambda c: c.choice(("NaN", "1e40", "-0.000000000000000000001", "100", "1.50", str(c.random()))),
    "single": lambda c: c.choice(("NaN", "Infinity", str(c.uniform(-1e30, 1e30)))),
    "double": lambda c: c.choice(("NaN", "-Infinity", "0.1", repr(c.uniform(-1e300, 1e300)))),
    "words": _text, "short": lambda c: c.choice(WORDS), "fixed": lambda c: c.choice(("", "ab", "12345678")),
    "raw": lambda c: c.randbytes(c.choice((0, 1, 20, 4000))),
    "day": lambda c: c.choice(("infinity", "0044-03-15 BC", "12026-01-01", "0001-01-01", "9999-12-31", f"2026-{c.randint(1, 12)}-05")),
    "clock": lambda c: c.choice(("24:00:00", "00:00:00", "23:59:59.999999", f"12:{c.randint(0, 59):02d}:01.5")),
    "moment": _moment, "instant": lambda c: _moment(c).replace(" BC", "+08 BC"),
    "span": lambda c: f"{c.randint(-9, 9)} months {c.randint(-99, 99)} days {c.randint(-9999, 9999)} seconds",
    "document": lambda c: c.choice(('{"a": [1, null, "张"]}', " [ 1 ] ", "null", '"x"')),
    "tree": lambda c: c.choice(('{"b": 1, "a": 1.50}', "[]", "null", '"\\u5f20"')),
    "mark": lambda c: f"{c.getrandbits(128):032x}", "bits": lambda c: f"{c.getrandbits(5):05b}",
    "list": lambda c: [c.randint(-9, 9) for _ in range(c.randint(0, 3))],
    "names": lambda c: [c.choice(WORDS) for _ in range(c.randint(0, 3))],
    "mood": lambda c: c.choice(("sad", "it's ok", "高兴")), "cash": lambda c: str(c.randint(-999, 999)),
    "address": lambda c: f"10.0.{c.randint(0, 255)}.1", "within": lambda c: f"[{c.randint(0, 9)},{c.randint(10, 19)})",
    "ours": lambda c: f"{c.randint(0, 99)}.{c.randint(0, 99):02d}",
}  # fmt: skip
_COLUMN = re.compile(r"(\w+)\[(?:[^\[\]]|\[\])*\]:(?:B?'((?:[^']|'')*)'|(\S+))(?: |$)")
_LINE = re.compile(r"table public\.(\w+): (INSERT|UPDATE|DELETE): (?:old-key: (.*) new-tuple: )?(.*)", re.DOTALL)


def by_witness(shop: slotted.Connection, slot: str) -> Iterator[Told]:
    """What test_decoding says, read by its own documented form."""
    rows = shop.execute(
        "SELECT data FROM pg_logical_slot_peek_changes(%s, NULL, NULL, 'skip-empty-xacts', '1', 'include-xids', '0')", (slot,)
    )
    for (line,) in rows.fetchall():
        told = _LINE.fullmatch(line)
        if told is None:
            assert line in {"BEGIN", "COMMIT"} or "TRUNCATE" in line, line
            continue
        table, kind, old, rest = told.groups()
        row = _witnessed(rest)
        yield Told(
            table, kind.lower(), row if kind == "DELETE" else None if old is None else _witnessed(old), None if kind == "DELETE" else row
        )


def _witnessed(text: str) -> dict[str, str | None]:
    found, at = dict[str, str | None](), 0
    while at < len(text):
        told = _COLUMN.match(text, at)
        assert told, text[at : at + 80]
        name, quoted, bare = told.groups()
        at = told.end()
        if bare == "unchanged-toast-datum":
            continue
        found[name] = quoted.replace("''", "'") if bare is None else None if bare == "null" else {"true": "t", "false": "f"}.get(bare, bare)
    return found


def by_us(groups: list[transactions.Group]) -> Iterator[Told]:
    """What our decoder read, before any value became one of ours."""
    tables: dict[int, messages.Relation] = {}
    for group in groups:
        for raw in (*group.forms, *group.raw):
            told = messages.read(raw)
            match told:
                case messages.Relation():
                    tables[told.number] = told
                case messages.Insert(number, new):
                    yield Told(tables[number].name, "insert", None, _cells(tables[number], new))
                case messages.Update(number, old, whole, new):
                    table = tables[number]
                    yield Told(table.name, "update", None if old is None else _was(table, old, whole=whole), _cells(table, new))
                case messages.Delete(number, old, whole):
                    yield Told(tables[number].name, "delete", _was(tables[number], old, whole=whole), None)
                case _:
                    continue


def _cells(table: messages.Relation, row: messages.Row) -> dict[str, str | None]:
    cells = zip(table.columns, row, strict=True)
    return {c.name: None if v is None else v.decode() for c, v in cells if not isinstance(v, messages.Unchanged)}


def _was(table: messages.Relation, row: messages.Row, *, whole: bool) -> dict[str, str | None]:
    """The witness leaves NULLs of old rows out, and what is no key where only the key is told."""
    keys = {c.name for c in table.columns if c.key}
    return {n: v for n, v in _cells(table, row).items() if v is not None and (whole or n in keys)}


@contextlib.contextmanager
def worked(server: postgres.Server, seed: int) -> Iterator[slotted.Slotted]:
    """Two tables with every type, one that tells old rows whole and one that tells their keys; emptied and altered on the way."""
    columns = ", ".join(f"{name} {type_}" for name, type_ in COLUMNS.items())
    made = (
        "CREATE TYPE mood AS ENUM ('sad', 'it''s ok', '高兴')",
        "CREATE DOMAIN yuan AS numeric(10,2)",
        *(f"CREATE TABLE {t} (id bigint PRIMARY KEY, {columns})" for t in ("t_full", "t_keyed")),
    )
    with slotted.slotted(server, *made) as told:
        told.keep("t_full", "t_keyed")
        told.shop.execute("ALTER TABLE t_keyed REPLICA IDENTITY DEFAULT")
        told.shop.execute("SELECT pg_create_logical_replication_slot(%s, 'test_decoding')", (told.database + "_w",))
        work = Work(told.shop, seed)
        for number in range(TRANSACTIONS):
            if number == TRANSACTIONS // 4:
                work.emptied("t_keyed")
            if number == TRANSACTIONS // 2:
                told.shop.execute("ALTER TABLE t_full ADD COLUMN extra integer DEFAULT 7")
            work.transaction()
        yield told


def test_every_value_of_every_change_is_what_the_witness_says(postgresql: postgres.Server, tmp_path: Path) -> None:
    """And rows that are put together from changes alone are the rows that the server has; so is each row as it was before a change."""
    with worked(postgresql, 20261123) as told:
        with reading.Reading(url=told.url, slot=told.slot, folder=tmp_path, keeps=True, tables=()) as log:
            groups = [g for g in log.groups(None, follow=False) if isinstance(g, transactions.Group)]
            assert log.archive is not None
            kept = list(log.archive.after(0, 2**62))
        assert kept == [starring.starred(g, {})[0] for g in groups]
        told.shop.execute(" ".join(f"SET {o.removeprefix('-c').strip().replace('=', ' TO ')};" for o in wire.SESSION.split("-c")[1:]))
        ours, theirs = list(by_us(groups)), list(by_witness(told.shop, told.database + "_w"))
        assert len(ours) >= CHANGES_MIN
        for one, other in zip(ours, theirs, strict=True):
            assert one == other
        decoder = transactions.Decoder()
        held = folded([decoder.transaction(g, "slot") for g in groups])
        for table in ("t_full", "t_keyed"):
            # A row that nobody wrote since a column was added has its default, which is no change of it.
            ours_now = {key: {"extra": "7"} | row if table == "t_full" else row for key, row in held[table].items()}
            assert ours_now == {int(row["id"]): row for row in selected(told.shop, table)}


def folded(told: list[change.Transaction]) -> dict[str, dict[int, dict[str, str]]]:
    """Rows by table and key; `repr` of a value, as NaN is not itself."""
    held: dict[str, dict[int, dict[str, str]]] = {"t_full": {}, "t_keyed": {}}
    for one in told:
        for text in one.statements:
            held[text.removeprefix("TRUNCATE public.")].clear()
        for c in one.changes:
            rows, was = held[c.table.name], {}
            if c.before is not None:
                was = rows.pop(int(str(c.before["id"])))
                assert {n: repr(v) for n, v in c.before.items() if n in was} == {n: v for n, v in was.items() if n in c.before}
                assert c.table.name == "t_keyed" or set(was) <= set(c.before)
            if c.kind is not Kind.DELETE and c.after is not None:
                rows[int(str(c.after["id"]))] = was | {n: repr(v) for n, v in c.after.items()}
    return held


def selected(shop: slotted.Connection, table: str) -> Iterator[dict[str, Any]]:
    """Rows as psycopg reads them."""
    names = ["id", *COLUMNS] + (["extra"] if table == "t_full" else [])
    # format() prints a value as it is sent; a cast of an address to text does not.
    texts = {c: f"CASE WHEN {c} IS NOT NULL THEN format('%s', {c}) END" for c in _AS_TEXT} | {
        "flag": "flag::int",
        "clock": "EXTRACT(epoch FROM clock)",
    }
    typed = [f"CASE WHEN {c} BETWEEN '0001-01-01' AND '9999-12-31' THEN {c} END AS {c}_ours, {c}::text" for c in _DAYS]
    shop.execute("SET timezone TO UTC")
    cursor = shop.execute(
        f"SELECT {', '.join(texts.get(n, n) + ' AS ' + n for n in names if n not in _DAYS)}, {', '.join(typed)} FROM {table}"
    )
    heads = [c.name for c in cursor.description or ()]
    for row in cursor.fetchall():
        told = dict(zip(heads, row, strict=True))
        for column in _DAYS:
            ours = told.pop(f"{column}_ours")
            told[column] = told[column] if ours is None else ours
        yield {"id": told["id"]} | {n: repr(_ours(n, told[n])) for n in names}


def _ours(column: str, value: Any) -> change.Value:
    match value:
        case Decimal() if column == "clock":
            return timedelta(microseconds=int(value * 1_000_000))
        case Decimal() if not value.is_finite():
            return str(value)
        case datetime() if value.tzinfo is not None:
            return value.astimezone(UTC)
        case _:
            told: change.Value = value
            return told
