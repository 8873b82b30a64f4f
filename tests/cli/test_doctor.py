"""What `doctor` and `policy` say, line by line, and how they leave."""

from __future__ import annotations

import dataclasses
import json
import shutil
import socket
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

from makewhole import ports, settings
from makewhole.adapters import http
from makewhole.adapters.shops import engines
from makewhole.cli import checks, policy, words
from makewhole.cli.checks import Light
from makewhole.core import clock, faults, ids
from makewhole.engine import codes
from makewhole.model import policy as rules
from makewhole.ports import accounts
from makewhole.sandbox.channel.faults import Fault
from makewhole.sandbox.douyin import gateway
from tests.cli import fakes
from tests.cli.conftest import Call
from tests.platforms import market

ENGLISH = words.Say(words.Language.ENGLISH)


def told(output: str) -> dict[str, dict[str, str]]:
    document = json.loads(output)
    assert all(list(c) == ["check", "state", "what", "where", "todo"] for c in document["checks"])
    return {c["check"]: c for c in document["checks"]}


def test_a_world_in_order_is_zero(house: fakes.FakeWorld, call: Call) -> None:
    """Every part has its line."""
    house.add(fakes.shop_order("A1"))
    done = call("doctor", "--json")
    assert done.exit_code == 0, done.output
    found = told(done.stdout)
    assert {c["state"] for c in found.values()} <= {"ok", "warn"}
    assert {"settings", "policy", "store", "shop", "codes", "channel", "relay", "disk"} <= set(found)
    assert "accepts our signature" in found["channel"]["what"]
    assert "渠道" in call("doctor", "--lang", "zh").stdout


def test_what_is_missing_is_a_warning_with_what_to_do(house: fakes.FakeWorld, call: Call) -> None:
    """Rung 0 is allowed: a database address and nothing else."""
    house.attached = house.handed = False
    done = call("doctor", "--json")
    assert done.exit_code == 0
    found = told(done.stdout)
    assert found["channel"]["state"] == found["hands"]["state"] == "warn"
    assert found["channel"]["todo"]


def test_unknown_status_codes_are_counted_with_examples(house: fakes.FakeWorld, call: Call) -> None:
    """The shop file must say what 77 means."""
    for number in ("A1", "A2"):
        house.add(msgspec.structs.replace(fakes.shop_order(number), state=None, raw_state="77"))
    found = told(call("doctor", "--json").stdout)
    assert found["codes"]["state"] == "warn"
    assert "code 77 is on 2 orders, e.g. A1, A2" in found["codes"]["what"]


def test_who_does_not_answer_is_incomplete(house: fakes.FakeWorld, call: Call) -> None:
    """3, and the other checks still run."""
    house.shop_down = True
    done = call("doctor", "--json")
    assert done.exit_code == 3
    found = told(done.stdout)
    assert found["shop"]["state"] == "silent"
    assert found["disk"]["state"] == "ok"


def test_broken_settings_fail_the_first_line(house: fakes.FakeWorld, call: Call, tmp_path: Path) -> None:
    """2, one line, what and where."""
    (tmp_path / "makewhole.toml").write_text("[shop", encoding="utf-8")
    done = call("doctor", "--json")
    assert done.exit_code == 2
    assert list(told(done.stdout)) == ["settings"]
    assert "makewhole.toml" in call("doctor").stdout


@pytest.mark.parametrize(
    "minutes, header, light, says",
    [
        (0, "Date", Light.OK, ""),
        (10, "Date", Light.FAIL, "10 min ahead of the channel"),
        (-10, "Date", Light.FAIL, "10 min behind the channel"),
        (1, "Date", Light.WARN, "1 min ahead"),
        (10, "Wechatpay-Timestamp", Light.FAIL, "10 min ahead"),
        (0, "X-None", Light.WARN, "carries no time"),
    ],
)
def test_a_clock_that_is_off_is_named(minutes: int, header: str, light: Light, says: str) -> None:
    """By the time that the channel's own answer carries: its stamp first, its web server's date else."""
    theirs = datetime.now(UTC) - timedelta(minutes=minutes) - timedelta(milliseconds=600)

    def answer(method: str, url: str, headers: Mapping[str, str], body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        stamp = str(int(theirs.timestamp())) if header.startswith("Wechat") else format_datetime(theirs, usegmt=True)
        return 404, {header: stamp}, b""

    found = checks.clock_offset("http://channel", http.Client(answer), ENGLISH)
    assert found.light is light
    assert says in found.what


def test_a_taken_port_is_a_warning() -> None:
    """It may be ourselves."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        relay = settings.RelaySettings(port=taken.getsockname()[1])
        assert checks.port(relay, ENGLISH).light is Light.WARN


def test_a_disk_without_room_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Warn below one gibibyte, fail below a hundred mebibytes; a folder that is not there fails."""
    for free, light in (
        (checks.DISK_WARN_BYTES, Light.OK),
        (checks.DISK_WARN_BYTES - 1, Light.WARN),
        (checks.DISK_FAIL_BYTES - 1, Light.FAIL),
    ):
        monkeypatch.setattr(shutil, "disk_usage", lambda _, free=free: type("Usage", (), {"free": free}))
        assert checks.disk(f"sqlite:///{tmp_path}/makewhole.db", ENGLISH).light is light
    monkeypatch.undo()
    assert checks.disk(f"sqlite:///{tmp_path}/gone/makewhole.db", ENGLISH).light is Light.FAIL


def test_the_rules_are_shown_with_their_sources(house: fakes.FakeWorld, call: Call) -> None:
    """Name, value, since when, where it is written, which row."""
    shown = call("policy", "show", "--json")
    assert shown.exit_code == 0
    document = json.loads(shown.stdout)
    assert {r["name"] for r in document["rules"]} == {n.value for n in rules.RuleName}
    assert list(document["rules"][0]) == ["name", "value", "unit", "effective_from", "source", "row", "from"]
    assert "达到此金额须风控审核" in call("policy", "show", "--lang", "zh").stdout
    assert call("policy", "check").exit_code == 0


def test_rules_that_are_missing_at_that_instant_fail_the_check(house: fakes.FakeWorld, call: Call) -> None:
    """Nothing holds in 1999: every rule is named, and `show` says so too rather than break."""
    for asked in ("check", "show"):
        done = call("policy", asked, "--at", "1999-01-01T00:00:00+08:00", "--json")
        assert done.exit_code == 2
        assert len(json.loads(done.stdout)["complaints"]) == len(rules.RuleName)


def test_each_way_a_rule_can_be_wrong_is_seen() -> None:
    """Wrong unit, senseless value, two for one instant."""
    book = settings.policy_book()
    at = datetime(2026, 11, 23, tzinfo=clock.BEIJING)
    assert policy.complaints(book, at, ENGLISH) == []
    first = book.platform[0]
    for wrong in (
        msgspec.structs.replace(first, unit=rules.Unit.FEN),
        msgspec.structs.replace(first, value=-1),
        first,
    ):
        changed = msgspec.structs.replace(book, platform=(*book.platform, wrong))
        assert policy.complaints(changed, at, ENGLISH)


@pytest.mark.parametrize(
    "grants, writes",
    [
        (["GRANT USAGE ON *.* TO `r`@`%`", "GRANT SELECT ON `shop`.* TO `r`@`%`"], False),
        (["GRANT SELECT, SHOW VIEW ON `shop`.* TO `r`@`%`"], False),
        (["GRANT SELECT, REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO `r`@`%`"], False),
        (["GRANT SELECT (`id`, `update`), SELECT (`insert`) ON `shop`.`orders` TO `r`@`%`"], False),
        (["GRANT SELECT, UPDATE ON `shop`.* TO `w`@`%`"], True),
        (["GRANT SELECT ON `shop`.* TO `w`@`%`", "GRANT INSERT (`id`) ON `shop`.`orders` TO `w`@`%`"], True),
        (["GRANT ALL PRIVILEGES ON *.* TO `root`@`localhost` WITH GRANT OPTION"], True),
        (["GRANT USAGE ON *.* TO `w`@`%`", "GRANT `writers` TO `w`@`%`"], None),
        (["GRANT `writers` TO `w`@`%`", "GRANT DROP ON `shop`.* TO `w`@`%`"], True),
    ],
)
def test_what_an_accounts_grants_let_it_do(grants: list[str], writes: bool | None) -> None:  # noqa: FBT001
    """As MySQL and MariaDB list them; a column may be called `update` and is no right to. A role is not looked into, and may hide one."""
    assert engines.grants_writes(grants) is writes


@pytest.mark.parametrize("may_write, light", [(True, Light.WARN), (False, Light.OK), (None, None)])
def test_an_account_that_could_write_is_a_warning(
    may_write: bool | None,  # noqa: FBT001
    light: Light | None,
    house: fakes.FakeWorld,
    call: Call,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where a database has no accounts nothing is said of one."""
    monkeypatch.setattr(fakes.FakeEyes, "may_write", lambda _: may_write)
    found = told(call("doctor", "--json").stdout)
    assert (found["account"]["state"] if light else found.get("account")) == (light.value if light else None)


class Speaking:
    """A channel that can tell of its own way of speaking."""

    def __init__(self, doubt: str | faults.Fault | None, until: datetime | None = None) -> None:
        self._doubt, self._until = doubt, until

    def doubt(self) -> str | None:
        if isinstance(self._doubt, faults.Fault):
            raise self._doubt
        return self._doubt

    def believed_until(self) -> datetime | None:
        return self._until

    def unlisted(self) -> Mapping[str, int]:
        return {"NEW_WORD": 3}


@pytest.mark.parametrize(
    "doubt, until_days, light",
    [
        ("", None, Light.OK),
        ("", 15, Light.OK),
        ("", 13, Light.WARN),
        ("", -1, Light.WARN),
        ("its signature does not fit", None, Light.FAIL),
        (None, None, Light.WARN),
        (faults.Unavailable("down"), None, Light.SILENT),
    ],
)
def test_the_key_that_we_believe_is_checked(
    doubt: str | faults.Fault | None, until_days: int | None, light: Light, house: fakes.FakeWorld
) -> None:
    """Right, ending soon, wrong, not told, not answered. And codes that nobody lists, met earlier by a service, are shown."""
    until = None if until_days is None else datetime.now(UTC) + timedelta(days=until_days)
    world = dataclasses.replace(house.world(), channels={fakes.WECHAT: cast("ports.Channel", Speaking(doubt, until))})
    codes.remember(world)
    codes.remember(world)
    key, code = checks.keys(world, ENGLISH)
    assert (key.light, bool(key.todo)) == (light, light is not Light.OK)
    assert (code.light, code.name) == (Light.WARN, "codes")
    assert "NEW_WORD 3 times" in code.what


HOURS = {"alone": None, "for three days": 72, "for a day": 24, "renewed": 1, "renewed too late": -1, "renewed, and not kept": 1}


@pytest.mark.parametrize(
    "token, light",
    [
        ("alone", Light.OK),
        ("for three days", Light.OK),
        ("for a day", Light.WARN),
        ("renewed", Light.OK),
        ("renewed too late", Light.WARN),
        ("renewed, and not kept", Light.FAIL),
        ("another's", Light.FAIL),
        ("unasked", Light.SILENT),
    ],
)
def test_a_marketplaces_token_is_named_with_its_end(token: str, light: Light, house: fakes.FakeWorld, tmp_path: Path) -> None:
    """Whether it lets us ask, until when, and what to do where nothing renews it. Channels that are no marketplaces have no such line."""
    shop = gateway.Gateway(clock.ManualClock(datetime.now(UTC)))
    own = market.told(shop, tmp_path)
    hours = HOURS.get(token)
    until = None if hours is None else datetime.now(UTC) + timedelta(hours=hours)
    if until is not None:
        pair = {"access_token": shop.tokens.access, "expires_at": until.isoformat()}
        more = {"refresh_token": shop.tokens.refresh} if "renewed" in token else {}
        (tmp_path / "token").write_text(json.dumps(pair | more), encoding="utf-8")
        if "not kept" in token:
            (tmp_path / "token.lock").mkdir()
    elif token == "another's":
        (tmp_path / "token").write_text("another", encoding="utf-8")
    elif token == "unasked":
        shop.faults.next(Fault.REFUSED)
    sources = {ids.ChannelName("douyin-shop"): market.attached(shop, shop.clock, own), fakes.WECHAT: cast("accounts.BillSource", object())}
    books = accounts.Books(sources=sources, accountant=cast("Any", None), ledger=cast("Any", None))
    (check,) = checks.markets(dataclasses.replace(house.world(), books=books), ENGLISH)
    assert (check.name, check.where, check.light, bool(check.todo)) == ("market", "douyin-shop", light, light is not Light.OK)
    assert until is None or ENGLISH.instant(until) in check.what
    assert len(shop.asked) == int(token not in {"another's", "unasked", "renewed too late"})
