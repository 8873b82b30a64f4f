"""What `demo` prints, in which shape; and that it never empties a folder that is not a demo's."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli import fakes
from tests.cli.conftest import Call

KEYS = [
    "seed",
    "orders",
    "broken",
    "found",
    "missed",
    "false_alarms",
    "restored",
    "refunded",
    "compensated",
    "handed_over",
    "wrong_repairs",
    "laws_broken",
    "money_fen",
    "recovery_minutes",
]


def test_the_document_has_exactly_these_keys(call: Call, tmp_path: Path) -> None:
    """And its money adds up, whatever happened; same seed, same document."""
    arguments = ["demo", "--seed", "7", "--orders", "60", "--broken", "0.1", "--json"]
    told = call(*arguments, "--folder", str(tmp_path / "world"))
    document = json.loads(told.stdout)
    assert list(document) == KEYS
    money = document["money_fen"]
    assert list(money) == ["paid", "whole", "refunded", "open"]
    assert money["paid"] == money["whole"] + money["refunded"] + money["open"]
    assert list(document["recovery_minutes"]) == ["median", "p95"]
    assert document["broken"] == document["found"] + document["missed"]
    flawless = not any(document[k] for k in ("missed", "false_alarms", "wrong_repairs", "laws_broken"))
    assert told.exit_code == (0 if flawless else 1)
    assert call(*arguments, "--folder", str(tmp_path / "world")).stdout == told.stdout


def test_people_read_it_in_their_language(call: Call, tmp_path: Path) -> None:
    """The sums, and where every fen is."""
    told = call("demo", "--orders", "40", "--lang", "zh", "--folder", str(tmp_path / "world")).stdout
    assert "款项（精确到分）" in told
    assert "对照真相" in told


def test_a_folder_that_holds_anything_else_is_left_alone(house: fakes.FakeWorld, call: Call, tmp_path: Path) -> None:
    """The demo empties its folder first: somebody's photographs are not to be in it."""
    place = tmp_path / "photographs"
    place.mkdir()
    (place / "cat.jpg").write_bytes(b"meow")
    told = call("demo", "--orders", "5", "--folder", str(place))
    assert told.exit_code == 2
    assert "empties its folder first" in told.stderr
    assert (place / "cat.jpg").read_bytes() == b"meow"
    (tmp_path / "file").write_text("x", encoding="utf-8")
    assert call("demo", "--orders", "5", "--folder", str(tmp_path / "file")).exit_code == 2
