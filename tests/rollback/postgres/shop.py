"""The same small shop on PostgreSQL, whose slot keeps its changes."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from makewhole.adapters.changelog.postgres import film
from tests.changelog.postgres import slotted
from tests.rollback import shop as shops

TABLES = ("orders", "order_item", "order_log")
SCHEMA = (
    "CREATE TYPE payment AS ENUM ('UNPAID', 'PAID', 'CLOSED', 'REFUNDED')",
    """CREATE TABLE orders (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, order_sn VARCHAR(32) NOT NULL UNIQUE,
    payment_status payment NOT NULL, amount NUMERIC(10,2) NOT NULL, receiver VARCHAR(64), remark TEXT, weight REAL,
    lock_version INT NOT NULL DEFAULT 0, created_at TIMESTAMPTZ(3) NOT NULL DEFAULT now(), updated_at TIMESTAMP(3))""",
    "CREATE TABLE order_item (id BIGSERIAL PRIMARY KEY, order_id BIGINT NOT NULL, sku VARCHAR(16), quantity INT)",
    "CREATE TABLE order_log (id BIGSERIAL PRIMARY KEY, order_sn VARCHAR(32), operator VARCHAR(32), note VARCHAR(64))",
    "CREATE FUNCTION touched() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.updated_at = now(); RETURN NEW; END $$",
    "CREATE TRIGGER touches BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION touched()",
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Shop(shops.Called):
    """One database and its slot."""

    told: slotted.Slotted

    def run(self, *statements: str) -> None:
        """Run these, each committed by itself."""
        for statement in statements:
            self.told.shop.execute(statement)

    def sql(self, *statements: str) -> str:
        """The same; the name of the last one's transaction, for a scope."""
        self.run(*statements[:-1])
        return self.together(statements[-1])

    def together(self, *statements: str) -> str:
        """The same in one transaction."""
        with self.told.shop.transaction():
            for statement in statements:
                self.told.shop.execute(statement)
            ((number,),) = self.told.ask("SELECT pg_current_xact_id()::text")
        with film.opened(self.told.url, self.folder / "makewhole-changes", ()) as log:
            return next(p.head.id for p in log.run() if p.head.id.startswith(f"{number}@"))

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """What stands there."""
        return self.told.ask(sql)

    def attached(self) -> list[str]:
        """See above."""
        address = f"postgresql://reader@127.0.0.1:{self.told.server.port}/{self.told.database}"
        return ["--database", address, "--shop", str(self.folder / "tea.toml")]


def opened(told: slotted.Slotted, folder: Path, *more: str) -> Shop:
    """A shop with four paid orders; the first has two items. `more` are tables whose changes are kept as well."""
    shop = Shop(told=told, folder=folder)
    (folder / "tea.toml").write_text(shops.SHOP.replace('dialect = "mysql"', 'dialect = "postgres"'), encoding="utf-8")
    address = f"postgresql://app@127.0.0.1:{told.server.port}/{told.database}"
    (folder / "makewhole.toml").write_text(f'[shop]\nhands_database = "{address}"\n', encoding="utf-8")
    told.keep(*TABLES, *more)
    orders = ", ".join(f"('N{i}', 'PAID', {100 + i}.50, '张三{i}', 0.1)" for i in range(1, 5))
    told.shop.execute(f"INSERT INTO orders (order_sn, payment_status, amount, receiver, weight) VALUES {orders}")
    told.shop.execute("INSERT INTO order_item (order_id, sku, quantity) VALUES (1, 'tea', 2), (1, 'cup', 1)")
    return shop
