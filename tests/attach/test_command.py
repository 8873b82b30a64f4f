"""`makewhole attach` as people and scripts call it: what it prints, asks, writes and refuses, on a made shop in SQLite."""

from __future__ import annotations

import json
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
    monkeypatch.setattr("makewhole.cli.attach.at_a_terminal", lambda: True)
    told = call("--output", "s.toml", typed="\n".join(answers) + "\n")
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
    import sqlite3

    with sqlite3.connect(place / "shop.db") as connection:
        connection.execute("CREATE TABLE articles (id INTEGER PRIMARY KEY, title TEXT)")
    connection.close()
    told = call("--yes")
    assert told.exit_code == 2
    assert "no table here looks like orders" in told.stderr
    assert "what to do" in told.stderr


def test_too_little_for_a_shop_file_says_what_is_not_sure(place: Path) -> None:
    """An empty shop whose codes nothing explains: no file that would judge nobody."""
    import sqlite3

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
