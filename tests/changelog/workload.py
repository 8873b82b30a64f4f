"""Seeded random tables and statements, and what the server says of every row before and after: what a reader of its log must tell."""

from __future__ import annotations

import dataclasses
import random
import string
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from pymysql.connections import Connection
from pymysql.converters import escape_string

from makewhole.model.change import Value, ZeroDate

CHINESE = "订单已支付退款中文张三李四王五一二三货到付款，。￥"
EMOJI = "😀🎉👍🏽"
Make = Callable[[random.Random], str]
"""A random literal of SQL."""
Agree = Callable[[Value, str], bool]
"""Whether our value is what the server says, as text."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Kind:
    """A column's type: its DDL, its random literals, how it is selected without loss, and how the two are compared."""

    ddl: str
    make: Make
    agree: Agree
    select: str = "{0}"
    charset: str = ""
    mysql: bool = True
    mariadb: bool = True


# ---------------------------------------------------------------- literals


def whole(bits: int, *, unsigned: bool) -> Make:
    low, high = (0, (1 << bits) - 1) if unsigned else (-(1 << bits - 1), (1 << bits - 1) - 1)
    return lambda r: str(r.choice([low, high, 0, low + 1, high - 1, r.randint(low, high), r.randint(max(low, -9), 9)]))


def decimal(precision: int, scale: int, *, unsigned: bool = False) -> Make:
    def make(r: random.Random) -> str:
        digits = r.choice([precision, r.randint(1, precision), 1])
        number = r.choice([0, 10**precision - 1, r.randrange(10**digits)])
        sign = "" if unsigned or r.random() < 0.5 else "-"
        text = f"{number:0{scale + 1}d}"
        return sign + (f"{text[:-scale]}.{text[-scale:]}" if scale else text)

    return make


def floating(biggest: float) -> Make:
    return lambda r: repr(
        r.choice([0.0, -0.0, 1.1, -2.5, r.uniform(-biggest, biggest), r.uniform(-1, 1), r.random() * 1e-20, 1e15, 123456789.0])
    )


def bit(width: int) -> Make:
    return lambda r: f"b'{r.choice([0, (1 << width) - 1, r.getrandbits(width)]):b}'"


def moment(r: random.Random, digits: int, first: datetime, last: datetime) -> str:
    told = first + timedelta(seconds=r.randint(0, int((last - first).total_seconds())), microseconds=r.randrange(1_000_000))
    return f"'{told:%Y-%m-%d %H:%M:%S}.{told:%f}"[: 21 + digits if digits else 20] + "'"


def dated(digits: int) -> Make:
    def make(r: random.Random) -> str:
        odd = ["'0000-00-00 00:00:00'", "'2024-00-15 10:00:00'", "'2024-02-00 00:00:01'", "'1000-01-01'", "'9999-12-31 23:59:59'"]
        return (
            r.choice(odd) if r.random() < 0.2 else moment(r, digits, datetime(1000, 1, 1, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC))
        )

    return make


def stamped(digits: int) -> Make:
    first, last = datetime(1970, 1, 2, tzinfo=UTC), datetime(2038, 1, 18, tzinfo=UTC)
    return lambda r: "'0000-00-00 00:00:00'" if r.random() < 0.1 else moment(r, digits, first, last)


def day(r: random.Random) -> str:
    if r.random() < 0.2:
        return r.choice(["'0000-00-00'", "'2024-00-00'", "'2024-12-00'", "'9999-12-31'", "'0001-01-01'"])
    return f"'{r.randint(1000, 9999):04d}-{r.randint(1, 12):02d}-{r.randint(1, 28):02d}'"


def span(digits: int) -> Make:
    def make(r: random.Random) -> str:
        edge = r.choice(["'00:00:00'", "'838:59:58'", "'-838:59:58'", f"'-00:00:00.{'9' * digits or '0'}'"])
        sign, fraction = r.choice(["", "-"]), f".{r.randrange(10**digits):0{digits}d}" if digits else ""
        return edge if r.random() < 0.2 else f"'{sign}{r.randint(0, 837):02d}:{r.randint(0, 59):02d}:{r.randint(0, 59):02d}{fraction}'"

    return make


def text(letters: str, longest: int) -> Make:
    def make(r: random.Random) -> str:
        size = r.choice([0, 1, longest, r.randint(0, min(longest, 12)), r.randint(0, longest)])
        told = "".join(r.choice(letters) for _ in range(size)).strip(" ")
        return f"'{escape_string(told)}'"

    return make


def raw(longest: int) -> Make:
    def make(r: random.Random) -> str:
        size = r.choice([0, 1, longest, r.randint(0, min(longest, 12))])
        return f"x'{(r.randbytes(size) if r.random() < 0.8 else bytes(size)).hex()}'"

    return make


def document(r: random.Random, depth: int = 0) -> Any:
    shallow: list[Any] = [
        None,
        True,
        False,
        0,
        -1,
        65535,
        65536,
        1 << 40,
        (1 << 64) - 1,
        -(1 << 63),
        1.5,
        1e100,
        -0.25,
        r.uniform(-1e9, 1e9),
    ]
    shallow += ["", "支付", 'a"\\/\n\t\x01😀', "x" * r.choice([1, 127, 128, 300])]
    if depth > 3 or r.random() < 0.4:
        return r.choice(shallow)
    size = r.choice([0, 1, 2, 5, 20 if depth < 2 else 1])
    if r.random() < 0.5:
        return [document(r, depth + 1) for _ in range(size)]
    return {
        "".join(r.choice(string.ascii_lowercase + '中 ."$[') for _ in range(r.randint(1, 8))): document(r, depth + 1) for _ in range(size)
    }


def json_text(r: random.Random) -> str:
    import json

    return f"'{escape_string(json.dumps(document(r), ensure_ascii=r.random() < 0.5))}'"


# ---------------------------------------------------------------- comparing


def is_number(value: Value, told: str) -> bool:
    return type(value) is int and value == int(told)


def is_exact(value: Value, told: str) -> bool:
    return isinstance(value, Decimal) and format(value, "f") == told


def is_float(value: Value, told: str) -> bool:
    return isinstance(value, float) and value == float(told)


def is_text(value: Value, told: str) -> bool:
    return isinstance(value, str) and value == told


def is_bytes(value: Value, told: str) -> bool:
    return isinstance(value, bytes) and value.hex().upper() == told


def is_moment(value: Value, told: str) -> bool:
    match value:
        case ZeroDate(text=text):
            return text == told
        case datetime():
            return value.replace(tzinfo=None) == datetime.fromisoformat(told)
        case _:
            return str(value) == told


def is_span(value: Value, told: str) -> bool:
    hours, minutes, seconds = told.lstrip("-").split(":")
    size = timedelta(hours=int(hours), minutes=int(minutes), microseconds=int(Decimal(seconds) * 1_000_000))
    return value == (-size if told.startswith("-") else size)


ASCII = string.ascii_letters + string.digits + " '\"\\%_`\n\t"
LATIN = ASCII + "éüßñ€"
WIDE = ASCII + CHINESE + "éß"
FULL = WIDE + EMOJI
BIG_LABELS = ",".join(f"'v{i}'" for i in range(300))
MANY_LABELS = ",".join(f"'s{i}'" for i in range(64))


def _numbers() -> Iterator[Kind]:
    for name, bits in (("TINYINT", 8), ("SMALLINT", 16), ("MEDIUMINT", 24), ("INT", 32), ("BIGINT", 64)):
        for unsigned in (False, True):
            yield Kind(ddl=name + " UNSIGNED" * unsigned, make=whole(bits, unsigned=unsigned), agree=is_number)
    for precision, scale in ((10, 2), (65, 30), (5, 5), (9, 0), (38, 19), (18, 9), (1, 0), (30, 1)):
        yield Kind(ddl=f"DECIMAL({precision},{scale})", make=decimal(precision, scale), agree=is_exact)
    yield Kind(ddl="DECIMAL(20,4) UNSIGNED", make=decimal(20, 4, unsigned=True), agree=is_exact)
    yield Kind(ddl="FLOAT", make=floating(1e30), agree=is_float, select="{0} + 0e0")
    yield Kind(ddl="DOUBLE", make=floating(1e300), agree=is_float, select="{0} + 0e0")
    for width in (1, 8, 13, 64):
        yield Kind(ddl=f"BIT({width})", make=bit(width), agree=is_number, select="{0} + 0")
    yield Kind(ddl="YEAR", make=lambda r: r.choice(["0", "1901", "2155", str(r.randint(1901, 2155))]), agree=is_number, select="{0} + 0")


def _moments() -> Iterator[Kind]:
    yield Kind(ddl="DATE", make=day, agree=is_moment)
    for digits in range(7):
        tail = f"({digits})" if digits else ""
        yield Kind(ddl=f"DATETIME{tail}", make=dated(digits), agree=is_moment)
        yield Kind(ddl=f"TIMESTAMP{tail}", make=stamped(digits), agree=is_moment)
        yield Kind(ddl=f"TIME{tail}", make=span(digits), agree=is_span)


def _texts() -> Iterator[Kind]:
    plain = {
        "utf8mb4": FULL,
        "utf8": WIDE,
        "latin1": LATIN,
        "gbk": ASCII + CHINESE,
        "gb2312": ASCII + CHINESE.replace("￥", ""),
        "ascii": ASCII,
    }
    plain |= {"ucs2": WIDE, "utf16": FULL, "utf16le": FULL, "utf32": FULL, "big5": ASCII + "中文一二三王五"}
    for charset, letters in plain.items():
        for name, longest in ((f"CHAR({20})", 20), ("VARCHAR(60)", 60), ("VARCHAR(300)", 300), ("TEXT", 400)):
            if charset in {"utf8mb4", "gbk", "latin1"} or name in {"CHAR(20)", "VARCHAR(60)"}:
                yield Kind(ddl=f"{name} CHARACTER SET {charset}", make=text(letters, longest), agree=is_text, charset=charset)
    yield Kind(ddl="CHAR(100) CHARACTER SET utf8mb4", make=text(FULL, 100), agree=is_text, charset="utf8mb4")
    yield Kind(ddl="VARCHAR(40) CHARACTER SET gb18030", make=text(FULL, 40), agree=is_text, charset="gb18030", mariadb=False)
    for name, longest in (("TINYTEXT", 60), ("MEDIUMTEXT", 500), ("LONGTEXT", 3000)):
        yield Kind(ddl=f"{name} CHARACTER SET utf8mb4", make=text(FULL, longest), agree=is_text, charset="utf8mb4")
    for name, longest in (("BINARY(5)", 5), ("BINARY(255)", 255), ("VARBINARY(20)", 20), ("VARBINARY(500)", 500), ("TINYBLOB", 255)):
        yield Kind(ddl=name, make=raw(longest), agree=is_bytes, select="HEX({0})")
    for name in ("BLOB", "MEDIUMBLOB", "LONGBLOB"):
        yield Kind(ddl=name, make=raw(2000), agree=is_bytes, select="HEX({0})")
    for name in ("VARCHAR(200)", "TEXT", "LONGTEXT"):
        ddl = f"{name} CHARACTER SET utf8mb4".replace(" CHARACTER", " COMPRESSED CHARACTER")
        yield Kind(ddl=ddl, make=text("ab中", 200), agree=is_text, charset="utf8mb4", mysql=False)
    yield Kind(ddl="BLOB COMPRESSED", make=raw(2000), agree=is_bytes, select="HEX({0})", mysql=False)


def _others() -> Iterator[Kind]:
    yield Kind(ddl="ENUM('a','已支付','it''s','')", make=lambda r: r.choice(["'a'", "'已支付'", "'it''s'", "''", "0"]), agree=is_text)
    yield Kind(ddl=f"ENUM({BIG_LABELS})", make=lambda r: f"'v{r.randrange(300)}'", agree=is_text)
    yield Kind(ddl="ENUM('é','退') CHARACTER SET gbk", make=lambda r: r.choice(["'é'", "'退'"]), agree=is_text)
    yield Kind(ddl="SET('x','加急','z')", make=lambda r: str(r.randrange(8)), agree=is_text)
    yield Kind(ddl=f"SET({MANY_LABELS})", make=lambda r: str(r.choice([0, (1 << 64) - 1, r.getrandbits(64)])), agree=is_text)
    yield Kind(ddl="JSON", make=json_text, agree=is_text)
    yield Kind(ddl="POINT", make=lambda r: f"ST_GeomFromText('POINT({r.randint(-9, 9)} {r.random()})')", agree=is_bytes, select="HEX({0})")


KINDS: tuple[Kind, ...] = (*_numbers(), *_moments(), *_texts(), *_others())


@dataclasses.dataclass(frozen=True, kw_only=True)
class Wrote:
    """What one statement did, as the server itself says: rows before and after by key, every column as text or None."""

    table: str
    before: dict[int, tuple[str | None, ...]]
    after: dict[int, tuple[str | None, ...]]


@dataclasses.dataclass(kw_only=True)
class Table:
    """A random table and its rows as the server says they are."""

    name: str
    kinds: Sequence[Kind]
    rows: dict[int, tuple[str | None, ...]] = dataclasses.field(default_factory=dict)
    last: int = 0

    @property
    def columns(self) -> list[str]:
        return [f"c{i}" for i in range(len(self.kinds))]

    def create(self) -> str:
        inside = ", ".join(f"{c} {k.ddl} NULL" for c, k in zip(self.columns, self.kinds, strict=True))
        return f"CREATE TABLE {self.name} (id INT PRIMARY KEY, {inside}) CHARACTER SET utf8mb4"

    def select(self, keys: Sequence[int]) -> str:
        inside = ", ".join(k.select.format(c) for c, k in zip(self.columns, self.kinds, strict=True))
        return f"SELECT id, {inside} FROM {self.name} WHERE id IN ({','.join(map(str, keys))})"


class Workload:
    """Plays statements on one connection; whoever reads the log must find what `wrote` yields, in this order."""

    def __init__(self, connection: Connection[Any], seed: int, *, mariadb: bool, tables: int = 5, without: str = "") -> None:
        self.random = random.Random(seed)
        self.connection = connection
        # Values as the server writes them, not as the driver reads them.
        connection.decoders = {}
        allowed = [k for k in KINDS if (k.mariadb if mariadb else k.mysql) and k.ddl != without]
        self.run("SET SESSION sql_mode = ''")
        self.run("SET SESSION time_zone = '+00:00'")
        self.random.shuffle(allowed)
        # Every type is in one of the tables.
        self.tables = [Table(name=f"w{seed}_{i}", kinds=allowed[i::tables]) for i in range(tables)]
        for table in self.tables:
            self.run(table.create())

    def run(self, sql: str) -> list[tuple[Any, ...]]:
        with self.connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())

    def wrote(self, statements: int, batch: int) -> Iterator[Wrote]:
        """Random inserts, updates and deletes, each of up to `batch` rows."""
        for _ in range(statements):
            table = self.random.choice(self.tables)
            act = self.random.random()
            if len(table.rows) < batch or act < 0.3:
                yield self._insert(table, self.random.randint(1, batch))
            elif act < 0.85:
                yield self._update(table, self.random.sample(sorted(table.rows), self.random.randint(1, batch)))
            else:
                yield self._delete(table, self.random.sample(sorted(table.rows), self.random.randint(1, max(batch // 4, 1))))

    def _literal(self, kind: Kind) -> str:
        return "NULL" if self.random.random() < 0.15 else kind.make(self.random)

    def _insert(self, table: Table, count: int) -> Wrote:
        keys = range(table.last + 1, table.last + 1 + count)
        table.last += count
        rows = ", ".join(f"({key}, {', '.join(self._literal(k) for k in table.kinds)})" for key in keys)
        self.run(f"INSERT INTO {table.name} VALUES {rows}")
        return Wrote(table=table.name, before={}, after=self._reread(table, keys))

    def _update(self, table: Table, keys: Sequence[int]) -> Wrote:
        before = {k: table.rows[k] for k in keys}
        chosen = self.random.sample(range(len(table.kinds)), self.random.randint(1, 5))
        settings = ", ".join(f"c{i} = {self._changed(table.kinds[i], f'c{i}')}" for i in chosen)
        self.run(f"UPDATE {table.name} SET {settings} WHERE id IN ({','.join(map(str, keys))})")
        after = self._reread(table, keys)
        same = {k for k in keys if before[k] == after[k]}
        return Wrote(
            table=table.name,
            before={k: v for k, v in before.items() if k not in same},
            after={k: v for k, v in after.items() if k not in same},
        )

    def _changed(self, kind: Kind, column: str) -> str:
        """For JSON often a difference, which a partial update then logs alone."""
        if kind.ddl != "JSON" or self.random.random() < 0.3:
            return self._literal(kind)
        pick = self.random.random()
        path = self.random.choice(["$.a", "$[0]", '$."b c"', "$.a[1]", "$[last]", "$.x.y"])
        if pick < 0.5:
            return f"JSON_SET({column}, '{path}', {self.random.choice(['1', '2.5', 'NULL', chr(39) + '退' + chr(39)])})"
        if pick < 0.7:
            return f"JSON_REMOVE({column}, '{self.random.choice(['$.a', '$[0]', '$.x'])}')"
        return f"JSON_REPLACE({column}, '{path}', {self.random.randint(0, 9)})"

    def _delete(self, table: Table, keys: Sequence[int]) -> Wrote:
        before = {k: table.rows.pop(k) for k in keys}
        self.run(f"DELETE FROM {table.name} WHERE id IN ({','.join(map(str, keys))})")
        return Wrote(table=table.name, before=before, after={})

    def _reread(self, table: Table, keys: Sequence[int]) -> dict[int, tuple[str | None, ...]]:
        told = {int(row[0]): tuple(row[1:]) for row in self.run(table.select(keys))}
        table.rows |= told
        return told
