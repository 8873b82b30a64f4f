"""The language of `shops/*.toml`: text goes in, frozen nouns come out, or BadInput that names the key. `shopmap` parses the SQL inside."""

from __future__ import annotations

import enum
import pathlib
import re
import tomllib
from typing import Any, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from makewhole.core import codec, faults

Kind = TypeVar("Kind")

TABLES = ("order", "suborder", "item", "refund", "payment", "stock", "stock_move", "coupon", "history")
"""What a shop file may map; only `order` must be there."""
DIALECTS = ("mysql", "postgres", "sqlite")
"""What a shop file may be written in, as the SQL parser calls it; MariaDB is `mysql` here."""


class Unit(enum.Enum):
    """How a column counts money or time."""

    YUAN = "yuan"
    FEN = "fen"
    DATETIME = "datetime"
    UNIX_S = "unix_s"
    UNIX_MS = "unix_ms"
    TEXT = "text"
    """An instant as ISO 8601 text, in one form throughout."""


class Privacy(enum.Enum):
    """How much of a field a dossier may hold."""

    PLAIN = "plain"
    MASKED = "masked"
    """Only the last four characters."""
    HASHED = "hashed"
    """A keyed hash: the same person is the same word, and nobody can tell who."""
    NEVER = "never"
    """Not even read."""


class HandKind(enum.Enum):
    """How an act is done in a shop, best first."""

    REPLAY = "replay"
    CALL = "call"
    WRITE = "write"


class FieldSpec(codec.Noun, frozen=True, kw_only=True):
    """One field: an SQL expression over its table, its unit, and what its codes mean ("" means none)."""

    sql: str
    unit: Unit | None = None
    values: dict[str, str] = msgspec.field(default_factory=dict)
    privacy: Privacy | None = None


class TableSpec(codec.Noun, frozen=True, kw_only=True):
    """One table. `key` is the own key of an order's row or a sub-order's, `link` the child's column that holds the order's."""

    table: str
    fields: dict[str, FieldSpec]
    key: str | None = None
    link: str | None = None
    of: str | None = None
    """Of items, refunds and moves of stock: `suborder` where `link` holds a sub-order's key and not the order's."""
    where: str | None = None
    states: dict[str, str] = msgspec.field(default_factory=dict)
    kinds: dict[str, str] = msgspec.field(default_factory=dict)
    moves: dict[str, str] = msgspec.field(default_factory=dict)
    watch: tuple[str, ...] = ()
    transitions: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    """Of the order or the sub-order: what may follow a state; a state that is not named follows the usual way."""
    may_change: tuple[str, ...] = ()
    """Of the order: fields that this shop writes again after it settled them."""
    shard_by: str | None = None
    """Of the order in shards: `buyer` where the buyer alone decides in which."""


class StatementSpec(codec.Noun, frozen=True, kw_only=True):
    """One declared write: what it does in words, how many rows it must touch, for what it is repeated, when it is left out."""

    sql: str
    what: str
    expect_rows: int | str = 1
    for_each: str | None = None
    when: str | None = None
    gives: str | None = None


class CallSpec(codec.Noun, frozen=True, kw_only=True):
    """A call of the shop's own admin API; `{name}` in path and body are the parameters that statements know as `:name`."""

    path: str
    method: str = "POST"
    body: dict[str, str] = msgspec.field(default_factory=dict)


class HandSpec(codec.Noun, frozen=True, kw_only=True):
    """How one act is done here: kinds in order of preference, the query that tells whether it was done, the writes."""

    kinds: tuple[HandKind, ...]
    done: str
    call: CallSpec | None = None
    write: tuple[StatementSpec, ...] = ()


class ShopFile(codec.Noun, frozen=True, kw_only=True):
    """A shop file as it is written, with every key known and every type right. `where` is the file, for messages."""

    name: str
    where: str
    title: str
    time_zone: str
    dialect: str
    currency: str
    channels: tuple[str, ...]
    payment_numbers: tuple[str, ...]
    tables: dict[str, TableSpec]
    hands: dict[str, HandSpec]


class _Head(codec.Noun, frozen=True, kw_only=True):
    """The keys at the top of the file."""

    name: str
    title: str = ""
    time_zone: str = "Asia/Shanghai"
    dialect: str = "mysql"
    currency: str = "CNY"
    channels: tuple[str, ...] = ()
    payment_numbers: tuple[str, ...] = ("{number}",)


def load(path: pathlib.Path) -> ShopFile:
    """The shop file at this path. Raises BadInput."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as wrong:
        raise faults.BadInput(f"the shop file cannot be read: {wrong}", where=str(path), todo="Give the path of a shop file.") from wrong
    return parse(text, str(path))


def find(name: str, folder: pathlib.Path) -> pathlib.Path:
    """A shop file by path, or by name in a folder of shop files. Raises BadInput, naming those that are there."""
    if name.endswith(".toml") or "/" in name:
        return pathlib.Path(name)
    path = folder / f"{name}.toml"
    if path.is_file():
        return path
    known = ", ".join(sorted(p.stem for p in folder.glob("*.toml"))) or "none"
    raise faults.BadInput(
        f"no shop file is called {name!r}", where=str(folder), todo=f"Known are: {known}. Or give a path that ends in .toml."
    )


def parse(text: str, where: str) -> ShopFile:
    """The shop file of this text. Raises BadInput with the file and the key that is wrong."""
    try:
        told = tomllib.loads(text)
    except tomllib.TOMLDecodeError as wrong:
        raise faults.BadInput(f"not TOML: {wrong}", where=where, todo="Mend the line that is named.") from wrong
    tables = {name: told.pop(name) for name in TABLES if name in told}
    hands = told.pop("hands", {})
    head = _convert(told, _Head, where, "")
    if "order" not in tables:
        raise faults.BadInput("the table of orders is missing", where=f"{where}: order", todo="Add [order] with table, key and fields.")
    _check_head(head, where)
    return ShopFile(
        name=head.name,
        where=where,
        title=head.title or head.name,
        time_zone=head.time_zone,
        dialect=head.dialect,
        currency=head.currency,
        channels=head.channels,
        payment_numbers=head.payment_numbers,
        tables={name: _table(raw, where, name) for name, raw in tables.items()},
        hands={name: _convert(raw, HandSpec, where, f"hands.{name}") for name, raw in _mapping(hands, where, "hands").items()},
    )


def _check_head(head: _Head, where: str) -> None:
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", head.name):
        raise faults.BadInput(f"not a shop's name: {head.name!r}", where=f"{where}: name", todo="Use up to 40 of a-z, 0-9 and -.")
    try:
        ZoneInfo(head.time_zone)
    except (ZoneInfoNotFoundError, ValueError) as wrong:
        todo = "Use a name of the IANA list, like Asia/Shanghai."
        raise faults.BadInput(f"no time zone is called {head.time_zone!r}", where=f"{where}: time_zone", todo=todo) from wrong
    if head.dialect not in DIALECTS:
        todo = 'Write dialect = "mysql" (MariaDB too), "postgres" or "sqlite".'
        raise faults.BadInput(f"no dialect of SQL here is called {head.dialect!r}", where=f"{where}: dialect", todo=todo)
    for rule in head.payment_numbers:
        if rule.count("{number}") != 1 or re.search(r"[{}]", rule.replace("{number}", "").replace("{any}", "")):
            todo = 'Use "{number}" exactly once, with fixed text around it; "{any}" stands for text that only the channel knows.'
            raise faults.BadInput(f"not a rule for payment numbers: {rule!r}", where=f"{where}: payment_numbers", todo=todo)


def _table(raw: Any, where: str, name: str) -> TableSpec:
    told = dict(_mapping(raw, where, name))
    fields = _mapping(told.pop("fields", {}), where, f"{name}.fields")
    specs = {}
    for field, value in fields.items():
        specs[field] = FieldSpec(sql=value) if isinstance(value, str) else _convert(value, FieldSpec, where, f"{name}.fields.{field}")
    return _convert({**told, "fields": {}}, TableSpec, where, name, fields=specs)


def _mapping(raw: Any, where: str, key: str) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise faults.BadInput("a table is expected here", where=f"{where}: {key}", todo=f"Write [{key}] with keys below it.")
    return raw


def _convert(raw: Any, kind: type[Kind], where: str, key: str, **more: Any) -> Kind:
    try:
        told = msgspec.convert(raw, kind)
    except msgspec.ValidationError as wrong:
        what, _, path = str(wrong).partition(" - at `$")
        inner = (key + path.rstrip("`")).strip(".")
        raise faults.BadInput(
            what, where=f"{where}: {inner}" if inner else where, todo="See docs/shop-files.md for the keys and their values."
        ) from wrong
    return msgspec.structs.replace(told, **more) if more else told  # type: ignore[type-var]
