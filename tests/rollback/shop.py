"""A small shop on a real server whose orders a test harms; `rollback` is called as people call it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from makewhole.cli import program
from tests.servers import launch

SHOP = """
name = "tea"
title = "tea"
dialect = "mysql"
time_zone = "Asia/Shanghai"
currency = "CNY"
channels = ["wechatpay"]
payment_numbers = ["{number}"]

[order]
table = "orders"
key = "id"

[order.fields]
number = "order_sn"
amount_due = { sql = "amount", unit = "yuan" }
version = "lock_version"

[order.states]
"payment_status = 'UNPAID'" = "awaiting-payment"
"payment_status = 'PAID'" = "awaiting-shipment"
"payment_status = 'CLOSED'" = "closed"
"payment_status = 'REFUNDED'" = "refunded"

[item]
table = "order_item"
link = "order_id"

[item.fields]
sku = "sku"
quantity = "quantity"

[history]
table = "order_log"

[history.fields]
order = "order_sn"
who = "operator"
"""
SCHEMA = (
    """CREATE TABLE orders (id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, order_sn VARCHAR(32) NOT NULL UNIQUE,
    payment_status ENUM('UNPAID','PAID','CLOSED','REFUNDED') NOT NULL, amount DECIMAL(10,2) NOT NULL, receiver VARCHAR(64), remark TEXT,
    weight FLOAT, lock_version INT NOT NULL DEFAULT 0, created_at TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
    updated_at DATETIME(3) DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3)) CHARACTER SET utf8mb4""",
    "CREATE TABLE order_item (id BIGINT PRIMARY KEY AUTO_INCREMENT, order_id BIGINT UNSIGNED NOT NULL, sku VARCHAR(16), quantity INT)",
    """CREATE TABLE order_log (id BIGINT PRIMARY KEY AUTO_INCREMENT, order_sn VARCHAR(32), operator VARCHAR(32), note VARCHAR(64))
    CHARACTER SET utf8mb4""",
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Called:
    """The commands upon a shop, whatever its database is."""

    folder: Path

    def attached(self) -> list[str]:
        """Which database, and which shop file."""
        raise NotImplementedError

    def call(self, *arguments: str) -> Result:
        """`makewhole rollback` with the shop attached."""
        return CliRunner().invoke(program.PROGRAM, ["rollback", *arguments, *self.attached(), "--lang", "en"], catch_exceptions=False)

    def history(self, number: str) -> list[dict[str, Any]]:
        """`makewhole history`, with everything."""
        result = CliRunner().invoke(program.PROGRAM, ["history", number, "--json", "--all", *self.attached()], catch_exceptions=False)
        steps: list[dict[str, Any]] = json.loads(result.stdout)["steps"]
        return steps

    def plan(self, *arguments: str, name: str = "plan") -> dict[str, Any]:
        """The dry run, which must succeed."""
        result = self.call(*arguments, "--output", str(self.folder / name), "--json")
        assert result.exit_code in {0, 1}, result.output
        told: dict[str, Any] = json.loads(result.stdout)
        return told

    def apply(self, plan: dict[str, Any], *more: str) -> dict[str, Any]:
        """The plan, done; it must succeed."""
        result = self.call("--apply", plan["plan"], "--hash", plan["hash"], "--json", *more)
        assert result.exit_code in {0, 1}, result.output
        told: dict[str, Any] = json.loads(result.stdout)
        return told

    def refused(self, *arguments: str) -> str:
        """What is said of a call that must be refused as wrong input."""
        result = self.call(*arguments, "--output", str(self.folder / "refused"))
        assert result.exit_code == 2, result.output
        assert not (self.folder / "refused").exists()
        return result.output


@dataclasses.dataclass(frozen=True, kw_only=True)
class Shop(Called):
    """One database, its shop file and the folder that its plans are in."""

    server: launch.Server
    database: str

    @property
    def mariadb(self) -> bool:
        """Whose dialect the server speaks."""
        return self.server.recipe.name == "MariaDB"

    def sql(self, *statements: str, session: Sequence[str] = ()) -> str:
        """Run these in one connection, each committed by itself; the GTID of the last (MariaDB), for a scope."""
        with self.server.root_connection(self.database) as connection, connection.cursor() as cursor:
            connection.autocommit(True)
            for statement in (*session, *statements):
                cursor.execute(statement)
            return self._last(cursor)

    def together(self, *statements: str, session: Sequence[str] = ()) -> str:
        """The same in one transaction."""
        return self.sql("BEGIN", *statements, "COMMIT", session=session)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """What stands there."""
        with self.server.root_connection(self.database) as connection, connection.cursor() as cursor:
            cursor.execute(sql)
            return [tuple(row) for row in cursor.fetchall()]

    def attached(self) -> list[str]:
        """See above."""
        return ["--database", f"mysql://reader@127.0.0.1:{self.server.port}/{self.database}", "--shop", str(self.folder / "tea.toml")]

    def _last(self, cursor: Any) -> str:
        if self.mariadb:
            cursor.execute("SELECT @@last_gtid")
            return str(cursor.fetchone()[0])
        cursor.execute("SELECT @@GLOBAL.gtid_executed")
        uuid, _, last = str(cursor.fetchone()[0]).replace("\n", "").split(",")[-1].partition(":")
        return f"{uuid}:{last.rpartition('-')[2]}"


def opened(server: launch.Server, folder: Path, schema: Sequence[str] = SCHEMA) -> Shop:
    """A shop with four paid orders; the first has two items."""
    shop = Shop(server=server, database=server.create_database(), folder=folder)
    (folder / "tea.toml").write_text(SHOP, encoding="utf-8")
    config = f'[shop]\nhands_database = "mysql://app@127.0.0.1:{server.port}/{shop.database}"\n'
    (folder / "makewhole.toml").write_text(config, encoding="utf-8")
    orders = ", ".join(f"('N{i}', 'PAID', {100 + i}.50, '张三{i}', 0.1)" for i in range(1, 5))
    shop.sql(
        *schema,
        f"INSERT INTO orders (order_sn, payment_status, amount, receiver, weight) VALUES {orders}",
        "INSERT INTO order_item (order_id, sku, quantity) VALUES (1, 'tea', 2), (1, 'cup', 1)",
    )
    return shop
