"""A SQLite shop with triggers remembers what a server's log would: every storage class exactly, and nothing that did not change."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import hypothesis
import hypothesis.strategies as st
import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from makewhole.adapters.changelog import triggers
from makewhole.cli import program
from makewhole.core import faults
from makewhole.model import change
from makewhole.model.change import Kind, Sought
from tests.changelog import test_history

VALUES = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
    st.binary(),
)


@pytest.fixture
def shop(tmp_path: Path) -> sa.URL:
    """A shop with one order and triggers on its table."""
    file = tmp_path / "shop.db"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, number TEXT, status, note)")
        connection.execute("CREATE TABLE other (id INTEGER PRIMARY KEY)")
    connection.close()
    url = sa.make_url(f"sqlite:///{file}")
    triggers.install(url, ["orders"])
    return url


def run(url: sa.URL, *statements: str) -> None:
    connection = sqlite3.connect(str(url.database))
    with connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


def of(url: sa.URL, number: str, column: str = "number") -> list[change.Change]:
    sought = [Sought(schema="", table="orders", column=column, value=number)]
    told = [c for t in triggers.TriggeredLog(url).touching(sought) for c in t.changes]
    # What was written in the same millisecond comes with it.
    return [c for c in told if change.spell((c.before or c.after or {})[column]) == number]


def test_insert_update_and_delete_are_told_with_both_images(shop: sa.URL) -> None:
    """And an update that changes nothing is none."""
    run(shop, "INSERT INTO orders VALUES (1, 'A1', 0, 'it''s')", "INSERT INTO orders VALUES (2, 'A2', 0, 'A1')")
    run(shop, "UPDATE orders SET status = 1 WHERE id = 1", "UPDATE orders SET status = 1 WHERE id = 1", "DELETE FROM orders WHERE id = 1")
    told = of(shop, "A1")
    assert [c.kind for c in told] == [Kind.INSERT, Kind.UPDATE, Kind.DELETE]
    assert told[1].before == {"id": 1, "number": "A1", "status": 0, "note": "it's"}
    assert told[1].changed() == {"status": (0, 1)}
    assert told[2].after is None
    assert told[0].table.key == ("id",)


@hypothesis.given(st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=5))
@hypothesis.settings(max_examples=60, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
def test_every_storage_class_is_kept_exactly(shop: sa.URL, rows: list[tuple[object, object]]) -> None:
    """Integers, reals to the bit, text with quotes, blobs, NULL."""
    connection = sqlite3.connect(str(shop.database))
    with connection:
        connection.execute("DELETE FROM makewhole_changes")
        connection.execute("DELETE FROM orders")
        connection.execute("DELETE FROM makewhole_changes")
        connection.executemany("INSERT INTO orders VALUES (NULL, 'N', ?, ?)", rows)
        kept = connection.execute("SELECT status, note FROM orders ORDER BY id").fetchall()
    connection.close()
    told = [(i["status"], i["note"]) for c in of(shop, "N") if (i := c.after) is not None]
    assert list(map(repr, told)) == list(map(repr, kept))


def test_what_one_statement_wrote_comes_together(shop: sa.URL) -> None:
    """SQLite tells no more: all rows of a bulk overwrite come with the one that was asked for."""
    run(shop, *(f"INSERT INTO orders VALUES ({i}, 'B{i}', 0, '')" for i in range(1, 6)))
    run(shop, "UPDATE orders SET status = 4")
    last = list(triggers.TriggeredLog(shop).touching([Sought(schema="", table="orders", column="number", value="B3")]))[-1]
    assert [c.after["id"] for c in last.changes if c.kind is Kind.UPDATE and c.after] == [1, 2, 3, 4, 5]


def test_a_table_without_triggers_is_an_error_and_not_an_empty_history(shop: sa.URL) -> None:
    """And so is one that was altered since: its new column is recorded by nobody. Installing again mends it and keeps the rest."""
    run(shop, "INSERT INTO orders VALUES (1, 'A1', 0, '')")
    with pytest.raises(faults.BadInput, match="nothing records the changes of other"):
        list(triggers.TriggeredLog(shop).touching([Sought(schema="", table="other", column="id", value="1")]))
    run(shop, "ALTER TABLE orders ADD COLUMN more")
    with pytest.raises(faults.BadInput, match="altered since"):
        of(shop, "A1")
    triggers.install(shop, ["orders"])
    run(shop, "UPDATE orders SET more = 1")
    assert [len(c.table.columns) for c in of(shop, "A1")] == [4, 5]
    triggers.remove(shop)
    with pytest.raises(faults.BadInput, match="nothing records"):
        of(shop, "A1")


def test_a_table_that_is_not_there_changes_nothing(shop: sa.URL) -> None:
    """One transaction: the good table before the bad one has no trigger either."""
    with pytest.raises(faults.BadInput, match="no table ghosts"):
        triggers.install(shop, ["other", "ghosts"])
    with pytest.raises(faults.BadInput, match="nothing records the changes of other"):
        list(triggers.TriggeredLog(shop).touching([Sought(schema="", table="other", column="id", value="1")]))


def test_history_tells_a_sqlite_shop_the_same_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same life as on the servers, the same states."""
    file = tmp_path / "shop.db"
    life = [s for text in (*test_history.SCHEMA.split(";\n"), *test_history.LIFE) for s in text.split(";\n") if s.strip()]
    simple = [s.replace(" CHARACTER SET utf8mb4", "").replace("BIGINT PRIMARY KEY AUTO_INCREMENT", "INTEGER PRIMARY KEY") for s in life]
    tables = [s for s in simple if s.lstrip().startswith("CREATE")]
    connection = sqlite3.connect(file, isolation_level=None)
    for statement in tables:
        connection.execute(statement)
    triggers.install(sa.make_url(f"sqlite:///{file}"), ["oms_order", "oms_order_operate_history"])
    for statement in simple[len(tables) :]:
        connection.execute(statement)
    connection.close()
    monkeypatch.chdir(tmp_path)
    shop_file = test_history.shop_file(tmp_path)
    shop_file.write_text(shop_file.read_text(encoding="utf-8").replace('dialect = "mysql"', 'dialect = "sqlite"'), encoding="utf-8")
    arguments = ["history", test_history.NUMBER, "--json", "--database", f"sqlite:///{file}", "--shop", str(shop_file), "--lang", "en"]
    result = CliRunner().invoke(program.PROGRAM, arguments)
    assert result.exit_code == 0, result.output
    steps = json.loads(result.stdout)["steps"]
    assert [s["state"] for s in steps if s["state"]] == ["awaiting-payment", "awaiting-shipment", "closed"]
