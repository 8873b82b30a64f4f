"""A mall on PostgreSQL, from the command line: its slot is offered and made, its past is told, what nothing explains is named."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from makewhole.adapters.changelog.postgres import session
from makewhole.cli import program
from tests.changelog import test_history, test_rowchanges
from tests.changelog.postgres import slotted
from tests.servers import postgres

pytestmark = pytest.mark.server
TABLES = ("oms_order", "oms_order_operate_history", "oms_order_return_apply")
ARCHIVE = "makewhole-changes"


def spoken(text: str) -> str:
    """A statement of the other databases' tests, as PostgreSQL has it."""
    for other, ours in (
        ("BIGINT PRIMARY KEY AUTO_INCREMENT", "BIGSERIAL PRIMARY KEY"),
        (" CHARACTER SET utf8mb4", ""),
        ("DATETIME", "TIMESTAMP"),
    ):
        text = text.replace(other, ours)
    return text


class Mall:
    """A shop with its file, and the commands upon it."""

    def __init__(self, told: slotted.Slotted, folder: Path) -> None:
        self.told, self.folder = told, folder
        self.file = test_history.shop_file(folder)
        text = self.file.read_text(encoding="utf-8").replace('dialect = "mysql"', 'dialect = "postgres"')
        self.file.write_text(text + test_rowchanges.REFUNDS, encoding="utf-8")

    def write(self, *statements: str) -> None:
        """One transaction."""
        with self.told.shop.transaction():
            for text in statements:
                if text.strip():
                    self.told.shop.execute(spoken(text))

    def call(self, command: str, *arguments: str, user: str = "reader") -> Result:
        """A command on the shop."""
        port, name = self.told.server.port, self.told.database
        place = ["--database", f"postgresql://{user}@127.0.0.1:{port}/{name}", "--shop", str(self.file), "--lang", "en"]
        return CliRunner().invoke(program.PROGRAM, [command, *arguments, *place])

    def history(self, number: str, *more: str) -> dict[str, Any]:
        """As scripts read it."""
        done = self.call("history", number, "--json", *more)
        assert done.exit_code == 0, done.output
        told: dict[str, Any] = json.loads(done.stdout)
        return told

    def scan(self) -> dict[str, tuple[str, str]]:
        """What stands of rows that nothing explains, by order."""
        done = self.call("scan", "--json")
        assert done.exit_code in {0, 1}, done.output + done.stderr
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        return {r["order"]: (r["ailment"], r["cause_detail"]) for r in lines if r["ailment"] in {"row-overwritten", "row-deleted"}}

    def doctor(self) -> list[dict[str, str]]:
        """Its lines about the log."""
        checks: list[dict[str, str]] = json.loads(self.call("doctor", "--json").stdout)["checks"]
        return [c for c in checks if c["check"] == "log"]


@pytest.fixture
def mall(postgresql: postgres.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mall]:
    """Its tables, and nothing that keeps its changes."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MAKEWHOLE_SHOP_PASSWORD", "reader")
    # With a key that stays, a buyer has the same hash in every call.
    (tmp_path / "makewhole-keys").mkdir()
    (tmp_path / "makewhole-keys" / "hash.key").write_text("k" * 64)
    tables = [spoken(text) for text in (*test_history.SCHEMA.split(";\n"), test_rowchanges.RETURNS) if text.strip()]
    with slotted.slotted(postgresql, *tables) as told:
        yield Mall(told, tmp_path)


@pytest.fixture
def lived(mall: Mall) -> Mall:
    """Four orders that lived as they may, under the eyes of the slot."""
    mall.told.keep(*TABLES)
    for number, life in enumerate(test_rowchanges.LIVES, 1):
        for text in life:
            mall.write(text.format(id=number))
    return mall


def test_the_slot_is_shown_first_and_made_on_a_yes_alone(mall: Mall, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables tell their old rows before they are published: else every UPDATE of a table without a key would fail, in the shop."""
    monkeypatch.setenv("MAKEWHOLE_SHOP_PASSWORD", "app")
    assert "attach --slot" in mall.call("history", "N1").output
    (lacking,) = mall.doctor()
    assert (lacking["state"], "no slot" in lacking["what"]) == ("warn", True)
    shown = mall.call("attach", "--slot", user="app")
    assert shown.exit_code == 0, shown.output
    statements = [line.split()[0] for line in shown.output.splitlines() if line.startswith("  ")]
    assert statements == ["ALTER", "ALTER", "ALTER", "CREATE", "SELECT"]
    assert mall.told.ask("SELECT count(*) FROM pg_publication") == [(0,)]
    refused = mall.call("attach", "--slot", "--yes")
    assert refused.exit_code == 2
    assert "owner" in refused.output
    assert mall.call("attach", "--slot", "--yes", user="app").exit_code == 0
    assert "Nothing to run" in mall.call("attach", "--slot", user="app").output
    assert {c["state"] for c in mall.doctor()} == {"ok", "warn"}
    mall.write("ALTER TABLE oms_order REPLICA IDENTITY DEFAULT")
    assert 'ALTER TABLE "public"."oms_order" REPLICA IDENTITY FULL;' in [c["todo"] for c in mall.doctor()]


def test_an_order_is_told_from_the_slot_and_from_the_archive_after_it(mall: Mall) -> None:
    """The same states, the same neighbours, the same user, whether the server still has them or not."""
    mall.told.keep(*TABLES, "ums_member")
    life = [spoken(text) for text in test_history.LIFE]
    mall.write(life[0])
    mall.write(life[1])
    mall.write("SELECT pg_logical_emit_message(true, 'makewhole.user', 'clerk 7')", *life[2].split(";\n")[1:-1])
    for text in life[3:]:
        mall.write(text)
    number = test_history.NUMBER
    fresh = mall.history(number)
    assert not (mall.folder / ARCHIVE).exists()
    begun = mall.told.confirmed()
    assert mall.history(number, "--archive", ARCHIVE) == fresh
    assert mall.told.confirmed() != begun
    assert mall.history(number) == fresh
    assert mall.history(number, "--archive", ARCHIVE) == fresh
    steps = fresh["steps"]
    assert [s["state"] for s in steps] == ["awaiting-payment", "awaiting-shipment", "closed"]
    assert [s["user"] for s in steps] == ["", "clerk 7", ""]
    assert [[(c["role"], c["kind"]) for c in s["changes"]] for s in steps] == [
        [("order", "insert")],
        [("order", "update"), ("history", "insert")],
        [("order", "update")],
    ]
    assert steps[1]["changes"][0]["columns"] == {"status": ["0", "1"], "payment_time": [None, "2026-11-23 20:00:00"], "receiver_name": None}
    assert [(a["table"], a["kind"], a["rows"]) for a in steps[1]["also"]] == [("public.ums_member", "update", 1)]
    assert steps[2]["changes"][0]["columns"] == {"status": ["1", "4"]}
    assert all(c["whole"] for s in steps for c in s["changes"])


def test_an_archive_that_was_moved_away_is_read_and_nothing_else(lived: Mall) -> None:
    """What comes after it is in the slot still."""
    lived.history("N1", "--archive", ARCHIVE)
    (lived.folder / ARCHIVE).rename(lived.folder / "old")
    lived.write("DELETE FROM oms_order WHERE id = 1")
    kept, begun = lived.history("N1", "--archive", "old"), lived.told.confirmed()
    assert [s["state"] for s in kept["steps"]][-1] == "completed"
    assert lived.told.confirmed() == begun
    assert [c["kind"] for s in lived.history("N1")["steps"] for c in s["changes"]] == ["delete"]


def test_what_nothing_explains_is_named_and_what_the_shop_does_is_not(lived: Mall) -> None:
    """Overwritten in bulk, deleted, put back."""
    lived.write("UPDATE oms_order SET pay_amount = 90.00, discount_amount = 9.90 WHERE id = 4")
    assert lived.scan() == {}
    lived.write("UPDATE oms_order SET status = 4 WHERE id IN (1, 2)")
    lived.write("DELETE FROM oms_order WHERE id = 3")
    overwritten = {f"N{i}": ("row-overwritten", "bulk-edit") for i in (1, 2)}
    assert lived.scan() == overwritten | {"N3": ("row-deleted", "manual-delete")}
    assert "makewhole rollback --order N2 --transaction" in lived.call("show", "N2").output
    lived.write("UPDATE oms_order SET status = 3 WHERE id = 1")
    assert set(lived.scan()) == {"N2", "N3"}


def test_a_table_that_does_not_tell_its_old_rows_is_named_with_the_remedy(lived: Mall) -> None:
    """Nothing is guessed of what was there before, and the scan says why."""
    lived.write("ALTER TABLE oms_order REPLICA IDENTITY DEFAULT")
    lived.write("UPDATE oms_order SET status = 4 WHERE id = 1")
    assert lived.scan() == {}
    assert 'ALTER TABLE "public"."oms_order" REPLICA IDENTITY FULL' in lived.call("scan").output.replace("\n", "")
    (changed,) = lived.history("N1")["steps"][-1]["changes"]
    assert (changed["whole"], "status" in changed["untold"], "id" in changed["untold"]) == (False, True, False)
    assert "? → 4" in lived.call("history", "N1").output


def test_what_somebody_else_took_out_of_the_slot_is_a_gap_that_is_told(lived: Mall) -> None:
    """In the history of every order that was there, again after it was kept, and not of an order that came later."""
    lived.history("N1", "--archive", ARCHIVE)
    lived.write("UPDATE oms_order SET status = 4 WHERE id = 1")
    lived.told.take_out()
    lived.write(test_rowchanges.ORDER.format(id=9))
    for more in ((), ("--archive", ARCHIVE), ()):
        assert len(lived.history("N1", *more)["gaps"]) == 1
    assert lived.history("N9")["gaps"] == []
    assert "took it out" in lived.history("N1")["gaps"][0]["why"]


def test_a_kill_between_the_disk_and_the_word_to_the_server_keeps_nothing_twice(lived: Mall, monkeypatch: pytest.MonkeyPatch) -> None:
    """The archive is ahead of the slot then: what the server sends again is known."""
    begun = lived.told.confirmed()
    with monkeypatch.context() as patched:
        patched.setattr(session.Copying, "_speak", slotted.unheard)
        told = lived.history("N1", "--archive", ARCHIVE)
    assert lived.told.confirmed() == begun
    assert lived.history("N1", "--archive", ARCHIVE) == told
    assert lived.told.confirmed() != begun
