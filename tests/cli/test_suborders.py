"""An order in parts before the commands: all of them tell one and the same state, and the doctor counts what contradicts itself."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from makewhole.adapters.changelog import triggers
from makewhole.adapters.shops import engines, eyes, language, shopmap
from makewhole.cli import program
from makewhole.core import clock, ids
from makewhole.flow.diagnose import parts
from makewhole.model import order
from makewhole.model.order import OrderState as S
from tests.shops import tea, trade

PAGE = Path(__file__).resolve().parents[2] / "docs" / "shop-files.md"


def call(*arguments: str) -> list[dict[str, Any]]:
    """What a script reads of a command."""
    result = CliRunner().invoke(program.PROGRAM, [*arguments, "--json"], catch_exceptions=False)
    assert result.stdout.startswith("{"), result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.mark.slow
def test_every_command_tells_the_state_of_an_order_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """History after each transaction, images then and now, search, show; and the doctor names what does not fit, with examples."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MAKEWHOLE_LANGUAGE", "en")
    (tmp_path / "makewhole.toml").write_text('[shop]\nfile = "shop.toml"\ndatabase = "sqlite:///shop.db"\n', encoding="utf-8")
    (tmp_path / "shop.toml").write_text(trade.SHOP_FILE.read_text(encoding="utf-8"), encoding="utf-8")
    engine = engines.for_hands(f"sqlite:///{tmp_path / 'shop.db'}")
    trade.create(engine)
    triggers.install(sa.make_url(f"sqlite:///{tmp_path / 'shop.db'}"), ["t_trade", "t_sub", "t_back"])

    def write(statement: str) -> None:
        with engine.begin() as connection:
            connection.exec_driver_sql(statement)

    trade.fill(engine, [trade.trade(1, S.AWAITING_PAYMENT, parts=2)], [trade.sub(k, 1, S.AWAITING_PAYMENT) for k in (10, 11)])
    (head,) = call("images", "take")
    write(f"UPDATE t_trade SET status = 'PAID', pay_type = 1, paid_at = '{trade.SENT}' WHERE id = 1")
    write("UPDATE t_sub SET state = 1 WHERE trade_id = 1")
    write(f"UPDATE t_sub SET state = 3, parcel = 'SF9911', sent_at = '{trade.SENT}' WHERE oid = 10")
    write("UPDATE t_sub SET refund = 2 WHERE oid = 11")
    (told,) = call("history", "T1")
    states = [step["state"] for step in told["steps"] if step["state"] is not None]
    way = ["awaiting-payment", "awaiting-shipment", "partly-shipped", "shipped"]
    # What is written within one millisecond comes together.
    assert list(dict.fromkeys(states)) == [state for state in way if state in states]
    assert (states[0], states[-1]) == (way[0], way[-1])
    (then,), (now,) = call("images", "as-of", "T1", "--at", head["instant"]), call("images", "as-of", "T1")
    assert (then["state"], now["state"]) == ("awaiting-payment", "shipped")
    assert [r["role"] for r in now["rows"]] == ["order", "suborder", "suborder"]
    (found,) = (hit for hit in call("search", "SF9911", "--refresh") if hit.get("what") == "order")
    assert (found["order"], "shipped ¥25.00" in found["snippet"]) == ("T1", True)
    (shown,) = call("show", "T1")
    claim = next(c for c in shown["claims"] if c["says"] == "order")
    assert (claim["state"], [p["state"] for p in claim["suborders"]["parts"]]) == ("shipped", ["shipped", "refunded"])
    said = CliRunner().invoke(program.PROGRAM, ["show", "T1"]).stdout
    assert "sub-order T1-10 is shipped, due ¥10.00, parcel SF9911" in said
    write("UPDATE t_sub SET state = 7, refund = 0 WHERE oid = 11")
    trade.fill(
        engine,
        [trade.trade(2, S.SHIPPED, paid=True, parts=2)],
        [trade.sub(20, 2, S.SHIPPED, fen=999), trade.sub(21, 2, S.AWAITING_SHIPMENT)],
    )
    checks = {c["what"] for c in call("doctor")[0]["checks"] if c["check"] in {"codes", "map"}}
    assert any("PAID, suborder refund=0, state=7" in c and "T1" in c for c in checks), checks
    assert any("the order itself says shipped, its sub-orders say shipped, awaiting shipment" in c and "T2" in c for c in checks), checks
    assert any("the sub-orders should add up to ¥20.00, and add up to ¥19.99" in c for c in checks), checks
    engine.dispose()


def test_the_table_of_the_page_is_what_is_read(tmp_path: Path) -> None:
    """What docs/shop-files.md says of an order in parts, row by row, with the shop file of the same page."""
    page = PAGE.read_text(encoding="utf-8")
    text = "\n".join(block.split("```")[0] for block in page.split("```toml\n")[1:])
    map_ = shopmap.compile_map(language.parse(text, "page.toml"))
    rows = re.findall(
        r"(?m)^\| ([a-z][a-z-]+) \| ([a-z, –-]+) \| ([a-z-]+) \| ([a-z-]*) ?\|$", page.split("### Orders in parts")[1].split("###")[0]
    )
    assert len(rows) > 10
    engine = engines.for_hands(f"sqlite:///{tmp_path / 'page.db'}")
    with engine.begin() as connection:
        for table in map_.tables.values():
            columns = dict.fromkeys((*table.columns(), *(table.phone.sql.columns() if table.phone else ())))
            connection.exec_driver_sql(f"CREATE TABLE {table.table} ({', '.join(columns)})")
        for key, (own, told, _, _) in enumerate(rows, start=1):
            row = {"id": key, "order_sn": f"N{key}", "pay_amount": 0, "tenant_id": 7, "is_del": 0}
            tea.insert(connection, "t_order", [{**row, "status": {"awaiting-payment": 0, "awaiting-shipment": 1, "closed": 4}[own]}])
            for part in filter("–".__ne__, told.split(", ")):
                tea.insert(connection, "t_sub_order", [{"order_id": key, "is_gift": 0, "real_amount": 0, **_part(part)}])
    read = eyes.attach(map_, engine, clock.ManualClock(tea.NOW), tea.SECRET).read(
        [ids.OrderNumber(f"N{k}") for k in range(1, len(rows) + 1)]
    )
    for (claims, _), (own, told, state, says) in zip(read.values(), rows, strict=True):
        found = next(c for c in claims if isinstance(c, order.ShopOrder))
        contradicts = [c.says.value for c in parts.ALL if c.says.value.startswith("parts-") and c.holds(found)]
        assert (found.state.value if found.state else "unknown", contradicts) == (state, [says] if says else []), (own, told)
    engine.dispose()


def _part(word: str) -> dict[str, object]:
    """A part's columns for one of our words, as the page's shop writes them."""
    back = {"refunding": 1, "refunded": 2}
    codes = {"awaiting-payment": 0, "awaiting-shipment": 1, "shipped": 2, "completed": 3, "closed": 9, "unknown": 5}
    return {"refund_state": back.get(word, 0), "state": codes.get(word, 2)}


@pytest.mark.slow
def test_what_was_done_to_parts_is_taken_back_by_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though nothing of the order's own row is in the log; but no part leaves refunded while nobody says that no money went back (F10)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MAKEWHOLE_LANGUAGE", "en")
    address = f"sqlite:///{tmp_path / 'shop.db'}"
    settings = f'[shop]\nfile = "shop.toml"\ndatabase = "{address}"\nhands_database = "{address}"\n'
    (tmp_path / "makewhole.toml").write_text(settings, encoding="utf-8")
    (tmp_path / "shop.toml").write_text(trade.SHOP_FILE.read_text(encoding="utf-8"), encoding="utf-8")
    engine = engines.for_hands(address)
    trade.create(engine)
    trades = [trade.trade(k, S.SHIPPED, paid=True, parts=2) for k in (1, 2)]
    trade.fill(engine, trades, [trade.sub(10, 1, S.SHIPPED), trade.sub(11, 1, S.SHIPPED), trade.sub(20, 2, S.SHIPPED)])
    # The log begins here: it never saw the trades themselves.
    triggers.install(sa.make_url(address), ["t_trade", "t_sub", "t_back"])
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE t_sub SET refund = 2 WHERE oid = 11")
        connection.exec_driver_sql("UPDATE t_sub SET state = 0 WHERE oid <> 11")
    (past,) = call("history", "T1")
    # SQLite's log tells milliseconds apart, not transactions: it may be one of them or two.
    meant = ["--partial", *(word for step in past["steps"] for word in ("--transaction", step["transaction"]))]
    kept = CliRunner().invoke(program.PROGRAM, ["rollback", "--order", "T1", *meant])
    assert (kept.exit_code, "0 rows would go back, 2 are left alone; " in kept.output) == (1, True), kept.output
    assert "t_sub oid=11: money went back to the buyer, or may have" in kept.output
    plan = tmp_path / "plan.json"
    told = CliRunner().invoke(program.PROGRAM, ["rollback", "--order", "T2", *meant, "--output", str(plan)])
    assert told.exit_code == 0, told.output
    seal = re.search(r"--hash ([0-9a-f]{64})", told.output)
    assert seal is not None, told.output
    done = CliRunner().invoke(program.PROGRAM, ["rollback", "--apply", str(plan), "--hash", seal[1], "--by", "me", "--approved-by", "you"])
    assert done.exit_code == 0, done.output
    with engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT oid, state, refund FROM t_sub ORDER BY oid").all()
    assert rows == [(10, 0, 0), (11, 3, 2), (20, 3, 0)]
    engine.dispose()
