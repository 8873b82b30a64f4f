"""A PostgreSQL shop whose orders have parts: its slot tells the order's state by all of its rows, and what was done to a part goes back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from makewhole.adapters.shops import engines
from makewhole.cli import program
from makewhole.model.order import OrderState as S
from tests.changelog.postgres import slotted
from tests.servers import postgres
from tests.shops import trade

pytestmark = pytest.mark.server


@pytest.fixture
def shop(postgresql: postgres.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[sa.Engine]:
    """Two trades that were paid, under the eyes of the slot: of two parts and of one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MAKEWHOLE_LANGUAGE", "en")
    file = trade.SHOP_FILE.read_text(encoding="utf-8").replace('dialect = "mysql"', 'dialect = "postgres"')
    (tmp_path / "shop.toml").write_text(file, encoding="utf-8")
    with slotted.slotted(postgresql) as told:
        reader, app = (f"postgresql://{u}:{u}@127.0.0.1:{postgresql.port}/{told.database}" for u in ("reader", "app"))
        settings = f'[shop]\nfile = "shop.toml"\ndatabase = "{reader}"\nhands_database = "{app}"\n'
        (tmp_path / "makewhole.toml").write_text(settings, encoding="utf-8")
        engine = engines.for_hands(app)
        trade.create(engine)
        told.keep("t_trade", "t_sub", "t_back")
        trades = [trade.trade(k, S.AWAITING_SHIPMENT, paid=True, parts=n) for k, n in ((1, 2), (2, 1))]
        trade.fill(engine, trades, [trade.sub(k, t, S.AWAITING_SHIPMENT) for k, t in ((10, 1), (11, 1), (20, 2))])
        yield engine
        engine.dispose()


def told(*arguments: str) -> dict[str, Any]:
    """What a script reads of a command."""
    result = CliRunner().invoke(program.PROGRAM, [*arguments, "--json"], catch_exceptions=False)
    assert result.stdout.startswith("{"), result.output
    answer: dict[str, Any] = json.loads(result.stdout.splitlines()[0])
    return answer


def test_the_state_is_told_by_all_rows_and_a_part_goes_back(shop: sa.Engine) -> None:
    """Parts that were sent are the order's way; a bulk edit of parts is named, taken back by its orders, and refunded parts stay (F10)."""

    def write(*statements: str) -> None:
        with shop.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)

    sent = f"UPDATE t_sub SET state = 3, parcel = 'SF1', sent_at = '{trade.SENT}' WHERE oid"
    for statement in (
        f"{sent} = 10",
        f"{sent} IN (11, 20)",
        "UPDATE t_sub SET refund = 2 WHERE oid = 11",
        "UPDATE t_sub SET refund = 0, state = 0",
    ):
        write(statement)
    past = told("history", "T1")
    assert [s["state"] for s in past["steps"]] == ["awaiting-shipment", "partly-shipped", "shipped", "shipped", "awaiting-shipment"]
    bad = past["steps"][-1]["transaction"]
    result = CliRunner().invoke(program.PROGRAM, ["scan", "--json"], catch_exceptions=False)
    lines = [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]
    assert {(r["order"], r["cause_detail"]) for r in lines if r.get("ailment") == "row-overwritten"} == {
        ("T1", "bulk-edit"),
        ("T2", "bulk-edit"),
    }
    plan = told("rollback", "--transaction", bad, "--output", "plan")
    assert sorted(line["key"]["oid"] for line in plan["lines"] if "conflict" not in line) == ["10", "11", "20"]
    done = CliRunner().invoke(program.PROGRAM, ["rollback", "--apply", "plan", "--hash", plan["hash"]])
    assert done.exit_code == 0, done.output
    states = "SELECT oid, state, refund FROM t_sub ORDER BY oid"
    with shop.connect() as connection:
        assert connection.exec_driver_sql(states).all() == [(10, 3, 0), (11, 3, 2), (20, 3, 0)]
    # A part that says refunded leaves that state only where the channel, whom nobody attached here, says that no money went back.
    write("UPDATE t_sub SET refund = 2 WHERE oid = 20")
    kept = CliRunner().invoke(program.PROGRAM, ["rollback", "--transaction", told("history", "T2")["steps"][-1]["transaction"]])
    assert (kept.exit_code, "t_sub oid=20: money went back to the buyer, or may have" in kept.output) == (1, True), kept.output
