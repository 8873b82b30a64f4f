"""`makewhole search`, in a folder of its own with the real index: what is printed, what a script reads, how it ends."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from makewhole.cli import program

LOG = """\
2026-11-23 12:00:00 ERROR [4bf92f3577b34da6] orderSn=202611230101000001 退款失败：手机号 13800138000 java.lang.NullPointerException
2026-11-23 12:00:01 INFO orderSn=202611230101000002 支付成功 \x1b[31mred\x1b[0m
2026-11-23 12:00:02 WARN 没有订单的一行 it's; rm -rf
"""
Search = Callable[..., Result]


@pytest.fixture
def search(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Search:
    """The command, in a folder with one log file and no shop's database."""
    monkeypatch.chdir(tmp_path)
    for name in ("MAKEWHOLE_LANGUAGE", "LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "C.UTF-8")
    (tmp_path / "app.log").write_text(LOG, encoding="utf-8")
    shop = '[shop]\nfile = "shop.toml"\n'
    (tmp_path / "makewhole.toml").write_text(shop, encoding="utf-8")
    text = (Path(__file__).parents[1] / "shops" / "tea.toml").read_text(encoding="utf-8")
    mapped = text.replace("[order.fields]\n", '[order.fields]\nreceiver_phone = { sql = "link", privacy = "plain" }\n')
    (tmp_path / "shop.toml").write_text(mapped, encoding="utf-8")

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(program.PROGRAM, ["search", *arguments])

    return run


def test_imported_found_and_led_to_its_order(search: Search) -> None:
    """A piece of the trace id is enough; the next command to type stands beside it."""
    told = search("--import", "app.log")
    assert (told.exit_code, told.stdout) == (0, "")
    assert "app.log: 3 entries read." in told.stderr
    found = search("92f3577b")
    assert found.exit_code == 0
    assert "makewhole show 202611230101000001" in found.stdout
    assert "1 of 1 shown." in found.stderr
    assert len(search("--json", "2026112301010000").stdout.splitlines()) == 2


def test_json_is_one_object_a_line(search: Search) -> None:
    """And nothing else on standard output."""
    search("--import", "app.log")
    (line,) = search("--json", "退款").stdout.splitlines()
    told = json.loads(line)
    assert set(told) == {"what", "source", "at", "order", "exact", "snippet"}
    assert (told["what"], told["order"], told["at"]) == ("log", "202611230101000001", "2026-11-23T12:00:00+08:00")
    assert json.loads(search("--json", "202611230101000001").stdout)["exact"] is True


def test_a_phone_is_found_by_a_piece_and_shown_masked(search: Search) -> None:
    """The map allows it to be kept; nobody needs to see it."""
    search("--import", "app.log")
    found = search("0013800")
    assert found.exit_code == 0
    assert "138****8000" in found.stdout
    assert "13800138000" not in found.stdout + found.stderr


def test_a_log_writes_nothing_to_the_terminal_but_text(search: Search) -> None:
    """Neither colours nor anything else."""
    search("--import", "app.log")
    assert "\x1b" not in search("支付成功").stdout
    assert "makewhole show" not in search("没有订单").stdout


@pytest.mark.parametrize("word", ['"', "OR", "*", "a:b", "(", "--", "\udcff"])
def test_no_word_is_syntax(search: Search, word: str) -> None:
    """It is looked for, found or not."""
    search("--import", "app.log")
    assert search("--", word).exit_code == 0


def test_time_and_order_narrow_it(search: Search) -> None:
    """By day, by instant, by number."""
    search("--import", "app.log")
    assert "3 of 3" in search("--since", "2026-11-23", "--until", "2026-11-24", "2026-11-23").stderr
    assert "2 of 2" in search("--since", "2026-11-23T12:00:01+08:00", "2026-11-23").stderr
    assert "1 of 1" in search("--order", "202611230101000002").stderr
    assert "1 of 3" in search("--limit", "1", "2026-11-23").stderr


@pytest.mark.parametrize(
    "arguments,says",
    [
        ((), "what to look for"),
        (("\u200b",), "can be seen"),
        (("x", "--since", "yesterday"), "--since"),
        (("x", "--limit", "0"), "--limit"),
        (("--import", "no.log"), "no.log"),
        (("--import", "makewhole.db"), "makewhole.db"),
        (("--refresh",), "database"),
        (tuple("abcdefghijklmnopq"), "too many"),
    ],
)
def test_wrong_use_is_one_clear_word(search: Search, arguments: tuple[str, ...], says: str, tmp_path: Path) -> None:
    """What, where, what to do; exit code 2."""
    (tmp_path / "makewhole.db").write_bytes(b"SQLite\x00")
    told = search(*arguments)
    assert told.exit_code == 2, told.stderr
    assert says in told.stderr
    assert "Traceback" not in told.stderr


def test_a_file_that_cannot_be_read_keeps_no_other_out(search: Search) -> None:
    """All that can be read is read; then it ends with what was wrong."""
    told = search("--import", "no.log", "app.log", "gone.log")
    assert told.exit_code == 2
    assert "no.log" in told.stderr
    assert "gone.log" in told.stderr
    assert search("退款").stdout != ""


def test_the_same_file_twice_is_the_same_index(search: Search) -> None:
    """Counted by what is found."""
    search("--import", "app.log")
    search("--import", "app.log", "app.log")
    assert "3 of 3" in search("2026-11-23").stderr


def test_an_empty_index_says_how_to_fill_it(search: Search) -> None:
    """That nothing was found would be half the truth."""
    told = search("退款")
    assert (told.exit_code, told.stdout) == (0, "")
    assert "--refresh" in told.stderr


def test_a_damaged_index_is_told_and_rebuilt(search: Search, tmp_path: Path) -> None:
    """By the command that the message names."""
    search("--import", "app.log")
    (tmp_path / "makewhole-search" / "meta.json").write_bytes(b"{")
    told = search("退款")
    assert told.exit_code == 2
    assert "--rebuild" in told.stderr
    assert search("--rebuild").exit_code == 0
    search("--import", "app.log")
    assert "1 of 1" in search("退款").stderr


def test_it_speaks_chinese(search: Search) -> None:
    """All of it."""
    search("--import", "app.log")
    told = search("退款", "--lang", "zh")
    assert "日志" in told.stdout
    assert "共 1 条" in told.stderr
