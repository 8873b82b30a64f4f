"""`makewhole images`, in a folder with a SQLite shop: what is printed, what a script reads, how it ends."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from makewhole.cli import program
from tests.images import shops

Call = Callable[..., Result]


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[shops.SqliteShop]:
    """Two orders, one of them with an item; the settings name the shop."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MAKEWHOLE_LANGUAGE", "en")
    (tmp_path / "makewhole.toml").write_text('[shop]\nfile = "shop.toml"\ndatabase = "sqlite:///shop.db"\n', encoding="utf-8")
    with shops.sqlite_shop(tmp_path) as made:
        made.write(
            datetime.now(UTC),
            "INSERT INTO orders VALUES (1, 'A1', 0, 100, '13800138001', '张三', 'x'), (2, 'A2', 0, 200, NULL, NULL, NULL)",
            "INSERT INTO items VALUES (1, 1, 'tea', 2)",
        )
        yield made


def call(*arguments: str) -> Result:
    """The command."""
    return CliRunner().invoke(program.PROGRAM, ["images", *arguments], catch_exceptions=False)


def lines(*arguments: str) -> list[dict[str, Any]]:
    """What a script reads."""
    result = call(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.mark.slow
def test_made_looked_at_compared_and_kept(shop: shops.SqliteShop, tmp_path: Path) -> None:
    """From nothing to a drift that is seen: each question and its answer for scripts."""
    nothing = call("as-of", "A1")
    assert (nothing.exit_code, "makewhole images take" in nothing.stdout) == (0, True)
    (head,) = lines("take")
    assert (head["kind"], head["rows"], head["why"]) == ("opening", {"item": 1, "order": 2}, "the first image")
    assert lines("list") == [head]
    a_moment_before = (datetime.fromisoformat(head["instant"]) - timedelta(microseconds=1)).isoformat()
    told = call("as-of", "A1", "--at", a_moment_before).output.split("next one")[1]
    assert datetime.fromisoformat(told.split()[-1].rstrip(".")) == datetime.fromisoformat(head["instant"])
    shop.write(datetime.now(UTC), "UPDATE orders SET status = 2 WHERE id = 1")
    (now,), (then,) = lines("as-of", "A1"), lines("as-of", "A1", "--at", head["instant"])
    assert (then["state"], now["state"]) == ("awaiting-payment", "closed")
    assert [r["role"] for r in now["rows"]] == ["item", "order"]
    assert lines("as-of", "A1", "--image-only")[0]["state"] == "awaiting-payment"
    assert lines("diff") == []
    (checked,) = lines("check")
    assert (checked["differences"], checked["unsure"]) == (0, 0)
    shop.unseen("UPDATE orders SET amount = 1 WHERE id = 2")
    drifted = call("check")
    assert drifted.exit_code == 1
    assert "amount: 200 → 1" in drifted.stdout
    assert lines("tidy") == [{"files": 0, "images": 0}]
    house = (Path(__file__).parents[2] / "policies" / "house.toml").read_text(encoding="utf-8")
    (tmp_path / "short.toml").write_text(house.replace("value = 180\n", "value = 179\n"), encoding="utf-8")
    (tmp_path / "makewhole.toml").write_text(
        'house = "short.toml"\n' + (tmp_path / "makewhole.toml").read_text(encoding="utf-8"), encoding="utf-8"
    )
    refused = call("tidy")
    assert refused.exit_code == 4
    assert "180 days" in refused.stderr


def test_wrong_use_is_told(shop: shops.SqliteShop) -> None:
    """What, where, what to do; exit code 2, and nothing is made."""
    for arguments, word in (
        (("as-of",), "which order"),
        (("restore", "A1"), "which instant"),
        (("list", "--since", "noon"), "noon"),
        (("as-of", "A1", "--at", "2999-01-01T00:00:00Z"), "has not come yet"),
        (("diff", "--since", "2026-01-02", "--until", "2026-01-01"), "not later"),
    ):
        result = call(*arguments)
        assert result.exit_code == 2
        assert word in result.stderr
    assert not Path("makewhole-images").exists()


def test_a_shop_without_a_log_is_told_so(shop: shops.SqliteShop) -> None:
    """Without its triggers nobody remembers anything: no image is made of a shop whose changes nobody tells."""
    from makewhole.adapters.changelog import triggers

    triggers.remove(shop.url)
    result = call("take")
    assert result.exit_code == 2
    assert "nothing records" in result.stderr
