"""Shops whose every past state is known: a script of writes at chosen instants goes in, what a SELECT told at each of them stays."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from makewhole.adapters.changelog import connection as connections
from makewhole.adapters.changelog import film, recorded, replica, triggers
from makewhole.adapters.images import album
from makewhole.adapters.shops import engines, language, schema, shopmap, wholes
from makewhole.core import clock
from makewhole.engine import image as mover
from makewhole.model import image
from makewhole.ports import imaging
from tests.servers import launch

START = datetime(2026, 11, 23, 10, 3, tzinfo=UTC)
"""18:03 in Beijing: the day turns at 16:00 UTC."""
MAP = """
name = "t"
dialect = "{dialect}"
[order]
table = "orders"
key = "id"
[order.fields]
number = "number"
amount_due = {{ sql = "amount", unit = "fen" }}
coupon = {{ sql = "phone", privacy = "masked" }}
buyer = "buyer"
[order.states]
"status = 0" = "awaiting-payment"
"status = 1" = "awaiting-shipment"
"status = 2" = "closed"
[item]
table = "items"
link = "order_id"
[item.fields]
sku = "sku"
quantity = "quantity"
"""
TABLES = (
    "CREATE TABLE orders (id {key}, number VARCHAR(40), status INT, amount INT, phone VARCHAR(20), buyer VARCHAR(20), secret VARCHAR(20))",
    "CREATE TABLE items (id {key}, order_id BIGINT, sku VARCHAR(20), quantity INT)",
)
Truth = dict[str, list[tuple[object, ...]]]
SELECTS = {
    "order": "SELECT id, number, status, amount FROM orders ORDER BY id",
    "item": "SELECT id, order_id, sku, quantity FROM items ORDER BY id",
}


def shop_map(folder: Path, dialect: str) -> shopmap.ShopMap:
    """The map of these shops."""
    file = folder / "shop.toml"
    file.write_text(MAP.format(dialect=dialect), encoding="utf-8")
    return shopmap.compile_map(language.load(file))


class SqliteShop:
    """A shop in a file with triggers; `write` sets the instants that they record."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "shop.db"
        self.url = sa.make_url(f"sqlite:///{self.file}")
        self._connection = sqlite3.connect(self.file)
        for table in TABLES:
            self._connection.execute(table.format(key="INTEGER PRIMARY KEY"))
        self.map = shop_map(folder, "sqlite")
        triggers.install(self.url, ["orders", "items"])

    def write(self, at: datetime, *statements: str) -> None:
        """One transaction, committed at this instant."""
        with self._connection as c:
            (last,) = c.execute(f"SELECT COALESCE(MAX(id), 0) FROM {triggers.LOG}").fetchone()
            for sql in statements:
                c.execute(sql)
            c.execute(f"UPDATE {triggers.LOG} SET at = ? WHERE id > ?", (at.isoformat(timespec="milliseconds"), last))

    def unseen(self, sql: str) -> None:
        """A write that no trigger saw: as if somebody had put another file there."""
        with self._connection as c:
            c.execute(sql)
            c.execute(f"DELETE FROM {triggers.LOG} WHERE id = (SELECT MAX(id) FROM {triggers.LOG})")

    def told(self) -> Truth:
        """What a SELECT tells now."""
        return {role: self._connection.execute(sql).fetchall() for role, sql in SELECTS.items()}

    def close(self) -> None:
        self._connection.close()

    def source(self, engine: sa.Engine, secret: bytes = b"secret") -> imaging.Source:
        """As `wiring_images` makes it."""
        with engine.connect() as connection:
            live = schema.reflect(connection, self.map)
        imaged = wholes.imaged(self.map, live, "", secret)
        return imaging.Source(
            log=recorded.RecordedLog(self.url, ["orders", "items"]),
            server="shop.db",
            tables=wholes.SqlTables(engine, imaged.forms, self.map.where),
            forms=imaged.forms,
            form=imaged.digest,
        )


class ServerShop:
    """The same shop on MariaDB or MySQL; the session's own clock stands where `write` sets it."""

    def __init__(self, folder: Path, server: launch.Server) -> None:
        self.database = server.create_database()
        self.url = sa.make_url(server.url(self.database, "reader"))
        self._connection = server.root_connection(self.database)
        self.map = shop_map(folder, "mysql")
        self._run("SET time_zone = '+00:00'")
        self._mariadb = "mariadb" in str(self._run("SELECT version()")).lower()
        for table in TABLES:
            self._run(table.format(key="BIGINT PRIMARY KEY") + " CHARACTER SET utf8mb4")

    def _run(self, sql: str) -> list[tuple[object, ...]]:
        with self._connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())

    def write(self, at: datetime, *statements: str) -> None:
        """One transaction, committed at this instant."""
        self._run(f"SET timestamp = {at.timestamp():.6f}")
        if not self._mariadb:
            # MySQL says when a transaction was committed where it was first committed, and whoever replicates tells it so.
            self._run(f"SET SESSION original_commit_timestamp = {round(at.timestamp() * 1_000_000)}")
        self._run("BEGIN")
        for sql in statements:
            self._run(sql.replace("INSERT OR IGNORE", "INSERT IGNORE").replace("UPDATE OR IGNORE", "UPDATE IGNORE"))
        self._run("COMMIT")

    def session(self, at: datetime, sql: str) -> None:
        """A statement by itself, at this instant."""
        self._run(f"SET timestamp = {at.timestamp():.6f}")
        self._run(sql)

    def told(self) -> Truth:
        """What a SELECT tells now."""
        return {role: self._run(sql) for role, sql in SELECTS.items()}

    def close(self) -> None:
        self._connection.close()

    def source(self, engine: sa.Engine, secret: bytes = b"secret") -> imaging.Source:
        """As `wiring_images` makes it."""
        with engine.connect() as connection:
            live = schema.reflect(connection, self.map)
        imaged = wholes.imaged(self.map, live, self.database, secret)
        with connections.connected(self.url) as server:
            identity = replica.identity(server)
        return imaging.Source(
            log=film.ServerFilm(self.url),
            server=identity,
            tables=wholes.SqlTables(engine, imaged.forms, self.map.where),
            forms=imaged.forms,
            form=imaged.digest,
        )


Shop = SqliteShop | ServerShop


@contextlib.contextmanager
def sqlite_shop(folder: Path) -> Iterator[SqliteShop]:
    """An empty shop."""
    shop = SqliteShop(folder)
    try:
        yield shop
    finally:
        shop.close()


@contextlib.contextmanager
def studio(shop: Shop, place: Path | str, ticking: clock.Clock, secret: bytes = b"secret") -> Iterator[mover.Studio]:
    """A studio as the command has it."""
    engine = engines.for_eyes(shop.url)
    try:
        with contextlib.closing(album.LakeAlbum(str(place))) as kept:
            source = shop.source(engine, secret)
            try:
                yield mover.Studio(source=source, album=kept, clock=ticking)
            finally:
                if isinstance(source.log, film.ServerFilm):
                    source.log.close()
    finally:
        engine.dispose()


def state(kept: imaging.Album, head: image.Head) -> dict[str, dict[str, dict[str, str | None]]]:
    """Every row of an image by role and key: through the port, as what differs from nothing."""
    assert isinstance(kept, album.LakeAlbum)
    found: dict[str, dict[str, dict[str, str | None]]] = {"order": {}, "item": {}}
    for row in kept.everything(head):
        found[row.role][row.key] = dict(zip(head.columns[row.role], row.values or (), strict=True))
    return found


def spelled(told: Truth) -> dict[str, dict[str, dict[str, str | None]]]:
    """What a SELECT told, as an image holds it."""
    names = {"order": ("id", "number", "status", "amount"), "item": ("id", "order_id", "sku", "quantity")}
    return {
        role: {str(row[0]): {n: None if v is None else str(v) for n, v in zip(names[role], row, strict=True)} for row in rows}
        for role, rows in told.items()
    }


def same(found: dict[str, dict[str, dict[str, str | None]]], want: dict[str, dict[str, dict[str, str | None]]]) -> bool:
    """Whether the image holds these rows and no other, in the columns that the SELECT told."""
    for role, rows in want.items():
        if set(found[role]) != set(rows):
            return False
        for key, row in rows.items():
            if any(found[role][key].get(n) != v for n, v in row.items() if n in found[role][key]):
                return False
    return True
