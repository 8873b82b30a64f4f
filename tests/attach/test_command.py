"""`makewhole attach` as people and scripts call it: what it prints, asks, writes and refuses, on a made shop in SQLite."""

from __future__ import annotations

import json
import sqlite3
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from makewhole.adapters.shops import language, shopmap
from makewhole.cli import program
from tests.attach import grading, making


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the test's own, in a plain English locale."""
    monkeypatch.chdir(tmp_path)
    for name in ("LC_ALL", "LC_MESSAGES", "MAKEWHOLE_LANGUAGE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "C.UTF-8")
    return tmp_path


def shop(place: Path, style: str, seed: int = 1) -> making.Shop:
    told = making.parse((grading.STYLES / f"{style}.txt").read_text(encoding="utf-8"))
    return making.Maker(told, seed).make(place / "shop.db")


def call(*arguments: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(program.PROGRAM, ["attach", "--database", "sqlite:///shop.db", *arguments], input=typed)


def test_yes_writes_a_file_that_compiles_and_scans_with_it(place: Path) -> None:
    """One command from an address to a first scan; the file says how sure each column is."""
    made = shop(place, "java-mall")
    told = call("--yes", "--output", "teashop.toml")
    assert told.exit_code == 0, told.output
    assert "A first scan with it" in told.stdout
    assert "Looked at closely" in told.stdout or "Nothing is broken" in told.stdout
    text = (place / "teashop.toml").read_text(encoding="utf-8")
    map_ = shopmap.compile_map(language.parse(text, "teashop.toml"))
    assert map_.order.table == made.table
    assert map_.name == "teashop"
    assert 'number = "order_' in text
    assert "# 1.00 called" in text
    assert "# Not mapped: " in text


def test_json_is_one_document_in_the_promised_shape_and_writes_nothing(place: Path) -> None:
    """What scripts rely on; a unit is said where there is one, a zone where a column has none of its own."""
    shop(place, "php-flags")
    told = call("--json")
    assert told.exit_code == 0, told.output
    document = json.loads(told.stdout)
    assert {"database", "dialect", "tables", "fields", "states", "questions", "unmapped"} <= set(document)
    assert document["dialect"] == "sqlite"
    paid = document["fields"]["order.paid_at"]
    assert {"table", "column", "confidence", "unit", "evidence"} <= set(paid)
    assert (paid["column"], paid["unit"], paid["time_zone"]) == ("pay_time", "unix_s", None)
    assert document["fields"]["order.amount_due"]["unit"] == "yuan"
    assert "awaiting-payment" in document["states"].values()
    assert all(set(q) == {"field", "question", "choices"} for q in document["questions"])
    assert not set(document["unmapped"]) & set(document["fields"])
    assert not list(place.glob("*.toml"))


def test_json_is_the_same_in_every_language(place: Path) -> None:
    shop(place, "pinyin")
    assert call("--json", "--lang", "zh").stdout == call("--json", "--lang", "en").stdout


def test_with_yes_what_is_doubted_stays_out_of_the_file_and_is_named(place: Path) -> None:
    """Codes that nothing explains are asked about, or left to be unknown: never guessed."""
    shop(place, "codes-unexplained")
    told = call("--yes", "--output", "s.toml", "--lang", "en")
    assert told.exit_code == 0, told.output
    assert "In doubt" in told.stdout
    states = tomllib.loads((place / "s.toml").read_text(encoding="utf-8"))["order"]["states"]
    assert "refunded" not in states.values()
    assert "awaiting-payment" in states.values()


def test_on_a_terminal_every_doubt_is_asked_and_an_answer_is_written(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A number answers, Enter leaves it unmapped, anything else asks again."""
    shop(place, "codes-unexplained")
    asked = json.loads(call("--json").stdout)["questions"]
    answers = ["x", *("8" if "203" in q["question"] else "" for q in asked)]
    monkeypatch.setattr("makewhole.cli.recording.at_a_terminal", lambda: True)
    told = call("--output", "s.toml", typed="\n".join([*answers, "n"]) + "\n")
    assert told.exit_code == 0, told.output
    assert "A number from 1 to" in told.stdout
    states = tomllib.loads((place / "s.toml").read_text(encoding="utf-8"))["order"]["states"]
    assert states["order_status = 203"] == "refunded"
    assert not any("202" in sql for sql in states)


def test_without_a_terminal_and_without_yes_nothing_is_written(place: Path) -> None:
    shop(place, "java-mall")
    told = call()
    assert told.exit_code == 0
    assert "Nothing was written" in told.stdout
    assert not list(place.glob("*.toml"))


def test_a_file_that_is_there_is_never_overwritten(place: Path) -> None:
    """It may hold a day's work; said before anything is asked of anybody."""
    shop(place, "java-mall")
    (place / "mine.toml").write_text("mine", encoding="utf-8")
    told = call("--yes", "--output", "mine.toml")
    assert told.exit_code == 2
    assert "overwrites nothing" in told.stderr
    assert (place / "mine.toml").read_text(encoding="utf-8") == "mine"


def test_a_database_without_orders_is_a_clear_word(place: Path) -> None:
    with sqlite3.connect(place / "shop.db") as connection:
        connection.execute("CREATE TABLE articles (id INTEGER PRIMARY KEY, title TEXT)")
    connection.close()
    told = call("--yes")
    assert told.exit_code == 2
    assert "no table here looks like orders" in told.stderr
    assert "what to do" in told.stderr


def test_too_little_for_a_shop_file_says_what_is_not_sure(place: Path) -> None:
    """An empty shop whose codes nothing explains: no file that would judge nobody."""
    with sqlite3.connect(place / "shop.db") as connection:
        connection.execute(
            "CREATE TABLE orders (id INTEGER PRIMARY KEY, order_no VARCHAR(32), amount INTEGER, status INTEGER, created_at DATETIME)"
        )
    connection.close()
    told = call("--yes")
    assert told.exit_code == 2
    assert "order.amount_due" in told.stderr
    assert "order.state" in told.stderr
    assert not list(place.glob("*.toml"))


def test_triggers_are_shown_and_only_an_explicit_yes_installs_them(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shown with --triggers, asked for on a terminal (Enter is no), installed with --triggers --yes; never without being asked."""
    made = shop(place, "java-mall")

    def installed() -> int:
        with sqlite3.connect(place / "shop.db") as connection:
            return int(connection.execute("SELECT COUNT(*) FROM sqlite_master WHERE type = 'trigger'").fetchone()[0])

    plain = call("--yes", "--output", "one.toml")
    assert "--triggers" in plain.stderr
    shown = call("--triggers", "--shop", "one.toml")
    assert shown.exit_code == 0, shown.output
    assert f'AFTER UPDATE ON "{made.table}"' in shown.stdout
    assert "nothing was added" in shown.stdout
    monkeypatch.setattr("makewhole.cli.recording.at_a_terminal", lambda: True)
    assert call("--triggers", "--shop", "one.toml", typed="\n").exit_code == 0
    assert installed() == 0
    asked = call("--triggers", "--shop", "one.toml", typed="y\n")
    assert asked.exit_code == 0, asked.output
    count = installed()
    assert count == 3 * asked.stdout.count("AFTER UPDATE ON")
    assert call("--triggers", "--yes", "--shop", "one.toml").exit_code == 0
    assert installed() == count


def test_triggers_record_what_scan_then_names(place: Path) -> None:
    """From a bare SQLite file to an overwritten order that is named, in two commands."""
    made = shop(place, "java-mall")
    assert call("--yes", "--triggers", "--output", "s.toml").exit_code == 0
    map_ = shopmap.compile_map(language.parse((place / "s.toml").read_text(encoding="utf-8"), "s.toml"))
    column, rungs = map_.order.states.simple() or ("", ())
    codes = {word: literal.this for literal, word in rungs}
    with sqlite3.connect(place / "shop.db") as connection:
        sql = f"UPDATE {made.table} SET {column} = ? WHERE {column} = ?"
        changed = connection.execute(sql, (codes["awaiting-payment"], codes["completed"])).rowcount
    assert changed > 1
    told = CliRunner().invoke(program.PROGRAM, ["scan", "--json", "--database", "sqlite:///shop.db", "--shop", "s.toml"])
    rows = [json.loads(line) for line in told.stdout.splitlines()]
    named = [r for r in rows if r["ailment"] == "row-overwritten"]
    assert len(named) == changed
    assert {r["cause_detail"] for r in named} == {"bulk-edit"}


def test_triggers_are_for_sqlite_alone(place: Path) -> None:
    """A server keeps its own log."""
    shop(place, "java-mall")
    assert call("--yes", "--output", "s.toml").exit_code == 0
    told = CliRunner().invoke(
        program.PROGRAM, ["attach", "--database", "mysql://nobody@127.0.0.1:1/shop", "--triggers", "--shop", "s.toml", "--lang", "en"]
    )
    assert told.exit_code == 2
    assert "needs no triggers" in told.output
    alone = call("--shop", "s.toml", "--lang", "en")
    assert alone.exit_code == 2
