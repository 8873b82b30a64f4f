"""Orders and their parts in one table before the commands, on every database: each tells the same, and takes back what was done."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from makewhole.adapters.changelog import triggers
from makewhole.adapters.changelog.postgres import setup
from makewhole.adapters.shops import engines
from makewhole.cli import program
from makewhole.model.order import OrderState as S
from tests.changelog.postgres import slotted
from tests.servers import launch, postgres
from tests.shops import shared


@dataclass(frozen=True, kw_only=True)
class Shop:
    """The shop, and the commands in its folder."""

    writer: sa.Engine

    def write(self, *statements: str) -> None:
        """In one transaction, as the shop does."""
        with self.writer.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)

    def rows(self) -> list[tuple[Any, ...]]:
        """What stands there."""
        with self.writer.connect() as connection:
            return [tuple(r) for r in connection.exec_driver_sql("SELECT id, parent_id, status, back FROM t_order ORDER BY id")]

    def run(self, *arguments: str) -> Result:
        """A command as people call it."""
        return CliRunner().invoke(program.PROGRAM, list(arguments), catch_exceptions=False)

    def apply(self, *arguments: str) -> int:
        """How many rows go back by this plan, which is made and applied."""
        (plan,) = self.call(*arguments)
        names = ["--by", "me", "--approved-by", "you"]
        (receipt,) = self.call("rollback", "--apply", plan["plan"], "--hash", plan["hash"], *names)
        assert (receipt["left"], plan["conflicts"]) == (0, 0), plan
        return int(receipt["rows"])

    def call(self, *arguments: str) -> list[dict[str, Any]]:
        """What a script reads of a command."""
        told = self.run(*arguments, "--json")
        assert told.stdout.startswith("{"), told.output
        return [json.loads(line) for line in told.stdout.splitlines()]


@pytest.fixture(params=["sqlite", *(pytest.param(name, marks=pytest.mark.server) for name in ("mariadb", "postgresql"))])
def shop(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """Two orders with two parts each, all of them waiting for their payment; and the change log begins after them."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MAKEWHOLE_LANGUAGE", "en")
    server: launch.Server | postgres.Server | None = None if request.param == "sqlite" else request.getfixturevalue(request.param)
    database = "" if server is None else server.create_database()
    sqlite = f"sqlite:///{tmp_path / 'shop.db'}"
    address, place = (sqlite, sqlite) if server is None else (server.url(database), server.url(database, "reader"))
    hidden = re.compile(r"//(\w+):(\w+)@")
    for name, told in (("MAKEWHOLE_SHOP_PASSWORD", place), ("MAKEWHOLE_SHOP_HANDS_PASSWORD", address)):
        if (known := hidden.search(told)) is not None:
            monkeypatch.setenv(name, known[2])
    reader, hands = (hidden.sub(r"//\1@", told) for told in (place, address))
    settings = f'[shop]\nfile = "shop.toml"\ndatabase = "{reader}"\nhands_database = "{hands}"\n'
    (tmp_path / "makewhole.toml").write_text(settings, encoding="utf-8")
    (tmp_path / "shop.toml").write_text(shared.SHOP_FILE.read_text(encoding="utf-8"), encoding="utf-8")
    writer = engines.for_hands(address)
    shared.create(writer)
    rows = [shared.parent(k, S.AWAITING_PAYMENT, parts=2) for k in (1, 2)]
    shared.fill(writer, rows + [shared.part(k, k // 10, S.AWAITING_PAYMENT) for k in (10, 11, 20, 21)])
    if server is None:
        triggers.install(sa.make_url(address), shared.NAMES)
    if isinstance(server, postgres.Server):
        setup.install(sa.make_url(address), [("public", name) for name in shared.NAMES])
    yield Shop(writer=writer)
    writer.dispose()
    if isinstance(server, postgres.Server):
        with server.root_connection() as root:
            slotted.drop(root, database)


@pytest.mark.slow
def test_every_command_tells_orders_and_parts_of_one_table_apart(shop: Shop) -> None:
    """History, images then and now and their own check, search, show, the doctor; what one statement did to both kinds is taken back for
    one order, and an order is brought back from an image."""
    (head,) = shop.call("images", "take")
    paid = f"status = 1, pay_type = 1, paid_at = '{shared.SENT}'"
    shop.write(f"UPDATE t_order SET {paid} WHERE id = 1", "UPDATE t_order SET status = 1 WHERE parent_id = 1")
    shop.write(f"UPDATE t_order SET status = 3, parcel = 'SF9911', carrier = 'SF', sent_at = '{shared.SENT}' WHERE id = 10")
    (told,) = shop.call("history", "T1")
    assert [c["role"] for step in told["steps"] for c in step["changes"]][-4:] == ["order", *["suborder"] * 3]
    (then,), (now,) = shop.call("images", "as-of", "T1", "--at", head["instant"]), shop.call("images", "as-of", "T1")
    assert (then["state"], now["state"]) == ("awaiting-payment", "partly-shipped")
    assert [(r["role"], r["key"]) for r in now["rows"]] == [("order", "1"), ("suborder", "10"), ("suborder", "11")]
    (found,) = (hit for hit in shop.call("search", "SF9911", "--refresh") if hit.get("what") == "order")
    assert (found["order"], "partly-shipped ¥25.00" in found["snippet"]) == ("T1", True)
    assert "sub-order T1-10 is shipped, due ¥10.00, parcel SF9911" in shop.run("show", "T1").stdout
    shop.write("UPDATE t_order SET status = 7 WHERE id = 11")
    checks = [c["what"] for c in shop.call("doctor")[0]["checks"] if c["check"] == "codes"]
    assert any("suborder back=0, status=7" in c and "T1" in c for c in checks), checks
    # An order that is put below another one is a part of that from then on, and no order any more.
    shop.write("UPDATE t_order SET parent_id = 1 WHERE id = 2", "UPDATE t_order SET parent_id = 1 WHERE id = 20")
    assert [r["key"] for r in shop.call("images", "as-of", "T1")[0]["rows"]] == ["1", "10", "11", "2", "20"]
    assert shop.call("images", "as-of", "T2")[0]["rows"] == []
    assert [(c["differences"], c["unsure"]) for c in shop.call("images", "check")] == [(0, 0)]
    shop.write("UPDATE t_order SET parent_id = 0, status = 0 WHERE id = 2", "UPDATE t_order SET parent_id = 2, status = 0 WHERE id >= 20")
    whole = shop.rows()
    time.sleep(0.005)  # SQLite's log tells milliseconds apart
    shop.write("UPDATE t_order SET status = 9 WHERE status <> 3")
    ((*_, last),) = (told["steps"] for told in shop.call("history", "T2"))
    assert sorted(c["role"] for c in last["changes"]) == ["order", "suborder", "suborder"]
    assert shop.apply("rollback", "--order", "T2", "--transaction", last["transaction"], "--partial") == 3
    assert [row for row in shop.rows() if row[0] in {2, 20, 21}] == [row for row in whole if row[0] in {2, 20, 21}]
    assert [row[2] for row in shop.rows() if row[0] in {1, 10, 11}] == [9, 3, 9]
    assert shop.apply("images", "restore", "T1", "--at", head["instant"]) == 3
    assert [row[2] for row in shop.rows()] == [0] * 6


@pytest.mark.slow
def test_a_part_in_its_orders_table_does_not_leave_refunded_by_a_rollback(shop: Shop) -> None:
    """Nobody says that its money did not go back (F10); what else the statement did to the same order stays with it."""
    shop.write("UPDATE t_order SET status = 1, pay_type = 1 WHERE id < 20", "UPDATE t_order SET back = 1 WHERE id = 11")
    shop.write("UPDATE t_order SET back = 2 WHERE id = 11")
    time.sleep(0.005)
    shop.write("UPDATE t_order SET back = CASE id WHEN 11 THEN 0 ELSE 2 END WHERE id IN (10, 11)")
    ((*_, last),) = (told["steps"] for told in shop.call("history", "T1"))
    told = shop.run("rollback", "--order", "T1", "--transaction", last["transaction"])
    assert (told.exit_code, "0 rows would go back, 2 are left alone" in told.output) == (1, True), told.output
    assert "t_order id=10: money went back to the buyer, or may have" in told.output


@pytest.mark.slow
def test_a_refund_that_names_a_part_alone_is_told_kept_and_taken_back_with_its_order(shop: Shop) -> None:
    """Its row says nothing but the part: an image of the order holds it all the same, and a rollback of one order knows which is its own,
    though no row of the part is in what is taken back."""
    (empty,) = shop.call("images", "take")
    shop.write("INSERT INTO t_refund VALUES (1, 10, 'B1', 3.50, 1)", "INSERT INTO t_refund VALUES (2, 20, 'B2', 4.50, 1)")
    shop.write("INSERT INTO t_goods VALUES (1, 20, 'a', 2)")
    assert "refund B1 of ¥3.50 for sub-order T1-10: arrived" in shop.run("show", "T1").stdout
    assert empty["rows"] == {"order": 2, "suborder": 4}
    own = [(r["role"], r["key"]) for r in shop.call("images", "as-of", "T2")[0]["rows"]]
    assert own == [("item", "1"), ("order", "2"), ("refund", "2"), ("suborder", "20"), ("suborder", "21")]
    assert [(c["differences"], c["unsure"]) for c in shop.call("images", "check")] == [(0, 0)]
    time.sleep(0.005)
    shop.write("UPDATE t_refund SET yuan = 9")
    ((*_, last),) = (told["steps"] for told in shop.call("history", "T2"))
    assert [c["role"] for c in last["changes"]] == ["refund"]
    (plan,) = shop.call("rollback", "--order", "T2", "--transaction", last["transaction"], "--partial")
    assert [line["order"] for line in plan["lines"]] == ["T2"]
    # By the key of the order, as long as nobody tells its number.
    (plan,) = shop.call("rollback", "--transaction", last["transaction"])
    assert sorted(line["order"] for line in plan["lines"]) == ["#1", "#2"]
