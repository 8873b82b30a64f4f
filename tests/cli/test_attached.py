"""The program in processes of its own, attached as a merchant attaches it: a shop's database, a payment channel on loopback, settings."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from makewhole.core import clock
from makewhole.sandbox import day, world
from makewhole.sandbox.channel import server
from makewhole.sandbox.douyinpay import gateway as douyinpay
from makewhole.sandbox.douyinpay import keys as douyin_keys
from makewhole.sandbox.wechatpay import keys

MAKEWHOLE = str(Path(sys.executable).with_name("makewhole"))


class Wall:
    """The machine's clock, some minutes off."""

    def __init__(self, off: timedelta = timedelta(0)) -> None:
        self._off = off

    def now(self) -> datetime:
        return datetime.now(UTC) + self._off

    def sleep(self, span: timedelta) -> None:
        raise AssertionError("nothing sleeps on it")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Merchant:
    """A folder with settings, the world behind it, and one order that was paid and whose notice was lost."""

    folder: Path
    day: day.Day
    broken: str
    whole: str

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The real program, in this folder."""
        env = {k: v for k, v in os.environ.items() if not k.startswith(("MAKEWHOLE_", "LC_", "LANG"))} | {"LANG": "C.UTF-8"}
        return subprocess.run([MAKEWHOLE, *arguments], cwd=self.folder, env=env, capture_output=True, text=True, timeout=120, check=False)

    def settings(self, base_url: str, *, key: str = "merchant_key", hands: bool = True) -> None:
        """Write makewhole.toml and the keys that it names."""
        (self.folder / "key.pem").write_bytes(keys.pem(key))
        (self.folder / "channel.pem").write_bytes(keys.public_pem("public_key_mode"))
        (self.folder / "apiv3.key").write_text(keys.APIV3_KEY, encoding="utf-8")
        merchant = self.day.channel.merchant
        lines = [
            "[shop]",
            'file = "demo"',
            'database = "sqlite:///shop.db"',
            *(['hands_database = "sqlite:///shop.db"'] if hands else []),
            "[wechatpay]",
            f'mchid = "{merchant.mchid}"',
            f'appid = "{merchant.appid}"',
            f'serial_no = "{keys.serial("merchant")}"',
            'private_key_file = "key.pem"',
            'apiv3_key_file = "apiv3.key"',
            f'base_url = "{base_url}"',
            f'public_key_id = "{keys.PUBLIC_KEY_ID}"',
            'public_key_file = "channel.pem"',
            'notify_url = "https://shop.example/notify"',
            "[relay]",
            "port = 0",
        ]
        (self.folder / "makewhole.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def beside(self, base_url: str, key: str) -> None:
        """Attach Douyin Pay too."""
        (self.folder / "douyin.pem").write_bytes(douyin_keys.pem(key))
        (self.folder / "douyin.key").write_text(douyin_keys.APIV3_KEY, encoding="utf-8")
        theirs = douyinpay.Merchant()
        lines = [
            "[douyinpay]",
            f'mchid = "{theirs.mchid}"',
            f'appid = "{theirs.appid}"',
            f'serial_no = "{douyin_keys.serial("merchant")}"',
            'private_key_file = "douyin.pem"',
            'apiv3_key_file = "douyin.key"',
            f'base_url = "{base_url}"',
        ]
        with (self.folder / "makewhole.toml").open("a", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")


@pytest.fixture
def merchant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Merchant]:
    """Twenty minutes ago two orders were placed and paid; the shop was told of one."""
    start = datetime.now(UTC) - timedelta(minutes=20)
    monkeypatch.setattr(world, "START", start)
    made = world.found(1, tmp_path / "shop.db")
    broken, whole = made.order(), made.order()
    made.run_until(start + timedelta(minutes=2))
    made.pays(broken, day.Fate.LOST)
    made.pays(whole)
    made.run_until(start + timedelta(minutes=20))
    made.channel.wire_clock = Wall()
    with server.serving(made.channel) as base_url:
        told = Merchant(folder=tmp_path, day=made, broken=broken, whole=whole)
        told.settings(base_url)
        yield told


def lines(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines()]


@pytest.mark.slow
def test_found_shown_mended_once_and_whole(merchant: Merchant) -> None:
    """The whole way: scan, show, preview, apply, apply again, scan; with what the shop's own rows then say."""
    scanned = merchant.run("scan", "--json")
    assert scanned.returncode == 1, scanned.stderr
    assert [(f["order"], f["ailment"], f["remedy"], f["blocked_by"]) for f in lines(scanned.stdout)] == [
        (merchant.broken, "paid-not-recorded", "record-payment", None)
    ]
    assert not (merchant.folder / "makewhole.db").exists()
    shown = merchant.run("show", merchant.broken, "--json")
    assert shown.returncode == 0, shown.stderr
    (document,) = lines(shown.stdout)
    assert {"created", "paid"} <= {m["what"] for m in document["timeline"]}
    preview = merchant.run("recover", merchant.broken)
    assert preview.returncode == 1, preview.stderr
    assert "trade_order" in preview.stdout
    before = merchant.day.row(merchant.broken, "status")
    applied = merchant.run("recover", "--all", "--apply", "--json")
    assert applied.returncode == 0, applied.stderr
    assert [(r["order"], r["state"], r["changed"]) for r in lines(applied.stdout)] == [(merchant.broken, "whole", True)]
    assert merchant.day.row(merchant.broken, "status") != before
    assert merchant.day.row(merchant.broken, "status") == merchant.day.row(merchant.whole, "status")
    again = merchant.run("recover", merchant.broken, "--apply")
    assert (again.returncode, "Nothing was changed." in again.stdout) == (0, True), again.stderr
    assert merchant.run("scan").returncode == 0
    told = merchant.run("show", merchant.broken, "--lang", "zh").stdout
    assert "“掉单（已付款未入账）”已了结：已恢复" in told


@pytest.mark.slow
def test_a_doctor_finds_everything_in_order(merchant: Merchant) -> None:
    """Key, serial, merchant number and clock are proved by one signed question."""
    told = merchant.run("doctor", "--json")
    assert told.returncode == 0, told.stdout + told.stderr
    found = {c["check"]: c for c in json.loads(told.stdout)["checks"]}
    assert {n for n, c in found.items() if c["state"] != "ok"} == set()
    assert "MWDOCTOR" in str(merchant.day.channel.asked)


@pytest.mark.slow
def test_a_wrong_key_is_a_matter_of_settings(merchant: Merchant) -> None:
    """Scan, recover and doctor say so with exit 2, no traceback, no report: it is not our code that is wrong."""
    merchant.settings(merchant.day.channel.base_url, key="stranger_key")
    for arguments in (["scan"], ["show", merchant.broken], ["recover", "--all", "--apply"], ["doctor"]):
        told = merchant.run(*arguments)
        assert told.returncode == 2, (arguments, told.stdout, told.stderr)
        assert "certificate serial" in told.stdout + told.stderr
        assert "Traceback" not in told.stderr
    assert not list(merchant.folder.glob("makewhole-report-*"))


@pytest.mark.slow
def test_a_doctor_asks_each_channel_that_is_attached(merchant: Merchant) -> None:
    """Douyin Pay beside WeChat Pay: asked, believed, and without an address for its callbacks; with a wrong key it alone is refused."""
    gate = douyinpay.Gateway(clock.ManualClock(datetime.now(UTC)), wire_clock=Wall())
    with server.serving(gate) as base_url:
        for key, states in (("merchant_key", {"ok"}), ("stranger_key", {"fail"})):
            merchant.settings(merchant.day.channel.base_url)
            merchant.beside(base_url, key)
            told = merchant.run("doctor", "--json")
            checks = json.loads(told.stdout)["checks"]
            assert {c["state"] for c in checks if c["where"] == "douyinpay"} == states
            assert {c["state"] for c in checks if c["where"] == "wechatpay"} == {"ok"}
            assert [c["state"] for c in checks if c["where"] == "douyinpay.notify_url"] == ["warn"]
            assert key == "merchant_key" or told.returncode == 2
    assert ("query", "MWDOCTOR") in gate.asked


@pytest.mark.slow
def test_a_clock_ten_minutes_off_is_named(merchant: Merchant) -> None:
    """The channel refuses the signature, and the doctor says by how much the clock is off."""
    merchant.day.channel.wire_clock = Wall(-timedelta(minutes=10))
    told = merchant.run("doctor")
    assert told.returncode == 2, told.stdout + told.stderr
    assert "10 min ahead of the channel" in told.stdout
    merchant.day.channel.wire_clock = Wall(timedelta(minutes=10))
    assert "比渠道慢 10 分" in merchant.run("doctor", "--lang", "zh").stdout


@pytest.mark.slow
def test_a_channel_that_does_not_answer_is_incomplete(merchant: Merchant) -> None:
    """Nobody listens there: orders whose money matters are not judged, exit 3, nothing is done."""
    merchant.settings("http://127.0.0.1:9")
    told = merchant.run("scan", "--json")
    assert told.returncode == 3, told.stderr
    assert {line["ailment"] for line in lines(told.stdout)} == {None}
    assert merchant.run("doctor").returncode == 3
    assert merchant.run("recover", merchant.broken, "--apply").returncode == 3


@pytest.mark.slow
@pytest.mark.parametrize("wrong", ["key.pem", "channel.pem", "apiv3.key"])
def test_a_torn_key_file_is_named(merchant: Merchant, wrong: str) -> None:
    """By the setting that names it; its content is never shown."""
    torn = (merchant.folder / wrong).read_text(encoding="utf-8")[:20]
    (merchant.folder / wrong).write_text(torn, encoding="utf-8")
    told = merchant.run("scan")
    assert told.returncode == 2, told.stderr
    assert "wechatpay." in told.stderr
    assert torn not in told.stdout + told.stderr


@pytest.mark.slow
@pytest.mark.parametrize("number, code", [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_serve_recovers_by_itself_and_stops_in_good_order(merchant: Merchant, number: signal.Signals, code: int) -> None:
    """It finds the order without being asked; a supervisor's stop is 0, Ctrl-C is 130; no traceback either way."""
    paid = merchant.day.row(merchant.whole, "status")
    env = {k: v for k, v in os.environ.items() if not k.startswith("MAKEWHOLE_")} | {"LANG": "C.UTF-8"}
    with subprocess.Popen([MAKEWHOLE, "serve"], cwd=merchant.folder, env=env, stderr=subprocess.PIPE, text=True) as going:
        deadline = time.monotonic() + 60
        while merchant.day.row(merchant.broken, "status") != paid and going.poll() is None and time.monotonic() < deadline:
            time.sleep(0.1)
        going.send_signal(number)
        _, told = going.communicate(timeout=60)
    assert merchant.day.row(merchant.broken, "status") == paid, told
    assert going.returncode == code, told
    assert "Traceback" not in told
    assert "Stopped in good order." in told


@pytest.mark.slow
def test_without_hands_a_person_is_asked(merchant: Merchant) -> None:
    """The repair becomes a task: the order is left, with its reason."""
    merchant.settings(merchant.day.channel.base_url, hands=False)
    told = merchant.run("recover", merchant.broken, "--apply", "--json")
    assert told.returncode == 1, told.stderr
    (line,) = lines(told.stdout)
    assert (line["state"], line["changed"], line["plans"][0]["blocked_by"]) == ("person", False, "no-hand")
    assert "A person is asked to decide by" in merchant.run("show", merchant.broken).stdout
