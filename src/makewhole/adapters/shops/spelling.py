"""How our fields, states and instants are written in SQL over one shop's tables; shared by the screens and the reads."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from makewhole.adapters.shops import expressions, schema, shopmap
from makewhole.adapters.shops.language import Unit
from makewhole.core import faults
from makewhole.model.order import Field

TEXT_SLACK = timedelta(days=1)
"""Instants written as text may carry an offset of their own, at most 14 hours: a screen on them looks a day further."""
_EPOCH = "1970-01-01 00:00:00+00:00"


def source(table: shopmap.Table, scribe: expressions.Scribe, alias: str, more: tuple[str, ...] = ()) -> str:
    """A mapped table with its alias, for FROM: of several shards, all of them as one, with the columns that the map looks at and `more`."""
    if len(table.shards) == 1:
        return f"{scribe.name(table.table)} {alias}"
    used = (*table.columns(), *(table.phone.sql.columns() if table.phone else ()))
    known = {c.lower() for c in used}
    columns = [scribe.name(c) for c in (*dict.fromkeys(used), *(c for c in more if c.lower() not in known))]
    return "(" + " UNION ALL ".join(expressions.select(columns, scribe.name(shard), []) for shard in table.shards) + f") {alias}"


class Table:
    """Writes one mapped table's expressions under one alias into a scribe's statement."""

    def __init__(self, table: shopmap.Table, live: schema.LiveTable, scribe: expressions.Scribe, alias: str, zone: ZoneInfo) -> None:
        self.map, self.live, self.scribe, self.alias, self.zone = table, live, scribe, alias, zone

    def source(self) -> str:
        """The table with its alias, for FROM."""
        return source(self.map, self.scribe, self.alias, self.live.primary_key)

    def told(self, expression: expressions.Expression) -> str:
        """An expression."""
        return self.scribe.write(expression, self.alias)

    def raw(self, column: str) -> str:
        """A bare column."""
        return f"{self.alias}.{self.scribe.name(column)}"

    def field(self, field: Field) -> str:
        """A field as the shop stores it."""
        return self.told(self._column(field).sql)

    def key(self) -> str:
        """The order row's own key."""
        if self.map.key is None:
            raise faults.Defect(f"{self.map.name} has no key")
        return self.told(self.map.key)

    def filter(self) -> list[str]:
        """The table's own filter, as conditions."""
        return [self.told(self.map.where)] if self.map.where is not None else []

    def missing(self, field: Field) -> str:
        """True where the field holds nothing: NULL, empty text, a zero instant, a code that means none."""
        column, sql = self._column(field), self.field(field)
        parts = [f"{sql} IS NULL"]
        kind = self.live.type_of(column.sql)
        if column.unit in {Unit.UNIX_S, Unit.UNIX_MS}:
            parts.append(f"{sql} = 0")
        elif kind is schema.Type.INSTANT and self.scribe.dialect == "mysql":
            parts.append(f"YEAR({sql}) = 0")
        elif self.scribe.dialect == "sqlite" or (kind is schema.Type.TEXT and column.sql.column()):
            # Not for numbers: MySQL finds 0 = ''.
            parts.append(f"{sql} = ''")
        elif kind not in {schema.Type.NUMBER, schema.Type.FLOAT}:
            parts.append(f"{self.text(field)} = ''")
        none = tuple(code for code, word in column.values.items() if not word)
        if none:
            parts.append(f"{sql} IN {self.codes(none, kind)}")
        return "(" + " OR ".join(parts) + ")"

    def text(self, field: Field) -> str:
        """A field as text, whatever its type."""
        return f"CAST({self.field(field)} AS {'TEXT' if self.scribe.dialect == 'postgres' else 'CHAR'})"

    def codes(self, codes: tuple[str, ...], kind: schema.Type) -> str:
        """Codes of the shop as a list for IN: as numbers where all of them are, and the column is no text to a database that minds."""
        whole = all(c.lstrip("-").isdigit() for c in codes) and not (kind is schema.Type.TEXT and self.scribe.dialect == "postgres")
        return self.scribe.binds(tuple(int(c) for c in codes) if whole else codes)

    def state_in(self, cases: shopmap.Cases, words: frozenset[str]) -> str:
        """True where the first condition that holds gives one of these words."""
        simple = cases.simple()
        if simple is not None:
            column, literals = simple
            told = [self._literal(tree) for tree, word in literals if word in words]
            return f"{self.raw(column)} IN ({', '.join(told)})" if told else "1 = 0"
        numbers = [str(i) for i, (_, word) in enumerate(cases.rungs) if word in words]
        return f"{self.rung(cases)} IN ({', '.join(numbers)})" if numbers else "1 = 0"

    def state_unknown(self, cases: shopmap.Cases) -> str:
        """True where no condition holds."""
        simple = cases.simple()
        if simple is not None:
            column, literals = simple
            told = ", ".join(self._literal(tree) for tree, _ in literals)
            return f"({self.raw(column)} IS NULL OR {self.raw(column)} NOT IN ({told}))"
        return f"{self.rung(cases)} = -1"

    def rung(self, cases: shopmap.Cases) -> str:
        """Which condition holds first, by its place; -1 for none."""
        whens = " ".join(f"WHEN {self.told(told)} THEN {i}" for i, (told, _) in enumerate(cases.rungs))
        return f"CASE {whens} ELSE -1 END" if whens else "-1"

    def amount(self, field: Field) -> str:
        """An amount as whole fen, exact where the database counts exactly."""
        column, sql = self._column(field), self.field(field)
        return f"ROUND({sql} * 100)" if column.unit is Unit.YUAN else sql

    def exact(self, field: Field) -> bool:
        """Whether the database itself compares this amount exactly."""
        return self.scribe.dialect != "sqlite" and self.live.type_of(self._column(field).sql) is schema.Type.NUMBER

    def before(self, field: Field, instant: datetime) -> str:
        """True where the field's instant is earlier."""
        return self._earlier(field, self._instant(field), self.bind_instant(field, instant, TEXT_SLACK))

    def not_before(self, field: Field, instant: datetime) -> str:
        """True where the field's instant is this one or later."""
        return f"{self._instant(field)} >= {self.bind_instant(field, instant, -TEXT_SLACK)}"

    def later_first(self, left: Field, right: Field) -> str:
        """True where the left field's instant is earlier; where the two spellings cannot be compared, true where both hold one."""
        units = {self._column(left).unit, self._column(right).unit}
        if len(units) == 1 and Unit.TEXT not in units:
            return self._earlier(left, self._instant(left), self._instant(right))
        if units == {Unit.UNIX_S, Unit.UNIX_MS}:
            return self._earlier(left, self._milliseconds(left), self._milliseconds(right))
        return f"(NOT {self.missing(left)} AND NOT {self.missing(right)})"

    def _earlier(self, left: Field, told: str, than: str) -> str:
        """A zero or empty text stands for no instant, and is smaller than all: asked only where the comparison holds, which is rare."""
        if self._column(left).unit in {Unit.UNIX_S, Unit.UNIX_MS}:
            return f"({told} < {than} AND {self.field(left)} <> 0)"
        if self._column(left).unit is Unit.TEXT or self.scribe.dialect == "sqlite":
            return f"({told} < {than} AND {self.field(left)} <> '')"
        return f"{told} < {than}"

    def bind_instant(self, field: Field, instant: datetime, slack: timedelta) -> str:
        """A parameter in the unit of the field."""
        match self._column(field).unit:
            case Unit.UNIX_S:
                return self.scribe.bind(_ticks(instant, timedelta(seconds=1)))
            case Unit.UNIX_MS:
                return self.scribe.bind(_ticks(instant, timedelta(milliseconds=1)))
            case Unit.TEXT:
                return self.scribe.bind(local(instant + slack, self.zone))
            case _:
                return self.scribe.bind(self._clock(instant))

    def _instant(self, field: Field) -> str:
        """An instant in a form that compares; what stands for none is the smallest of all."""
        told = self.field(field)
        return f"REPLACE({told}, 'T', ' ')" if self._column(field).unit is Unit.TEXT else told

    def _milliseconds(self, field: Field) -> str:
        factor = " * 1000" if self._column(field).unit is Unit.UNIX_S else ""
        return f"{self._instant(field)}{factor}"

    def _clock(self, instant: datetime) -> str:
        """PostgreSQL reads the offset for a column that keeps one, and passes over it for a column that does not."""
        told = instant.astimezone(self.zone)
        return told.isoformat(sep=" ") if self.scribe.dialect == "postgres" else local(instant, self.zone)

    def _literal(self, tree: object) -> str:
        told = expressions.literal(tree)
        return self.scribe.bind(told) if isinstance(told, str) else str(told)

    def _column(self, field: Field) -> shopmap.Column:
        found = self.map.fields.get(field)
        if found is None:
            raise faults.Defect(f"{field.value} is not mapped")
        return found


def local(instant: datetime, zone: ZoneInfo) -> str:
    """An instant as a shop's own DATETIME: in its zone, without saying so."""
    return instant.astimezone(zone).replace(tzinfo=None).isoformat(sep=" ")


def _ticks(instant: datetime, tick: timedelta) -> int:
    """Whole ticks since 1970, rounded up: an instant inside a tick lies after the tick's beginning."""
    return -((datetime.fromisoformat(_EPOCH) - instant) // tick)
