"""Douyin Pay attached as the settings say, and what is its own there: links, numbers, bills, the relay's word, the shop's own door."""

from __future__ import annotations

import dataclasses
import gzip
import json
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from makewhole import ports, settings
from makewhole.adapters import http
from makewhole.adapters.payments import bill, meanings, registry
from makewhole.adapters.payments.apiv3 import callbacks
from makewhole.adapters.payments.douyinpay import account, answers, connector, section
from makewhole.core import clock, faults, ids
from makewhole.engine import codes
from makewhole.engine import relay as relays
from makewhole.model import run
from makewhole.sandbox.channel.faults import Fault
from makewhole.sandbox.douyinpay import gateway, keys
from makewhole.web import relay as relay_page
from makewhole.wiring import channels as wiring_channels
from tests.payments import douyinpay
from tests.payments import shop as shops
from tests.payments.test_attached import posted
from tests.payments.test_bills import DAY, fetched, next_morning, read, unpacked, with_business

FILES = {"private_key_file": keys.pem("merchant_key"), "apiv3_key_file": keys.APIV3_KEY.encode() + b"\n"}


def told(folder: Path, **other: Any) -> section.Section:
    """The sandbox's merchant, as a user would write it."""
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    m = gateway.Merchant()
    one: dict[str, Any] = {"mchid": m.mchid, "appid": m.appid, "serial_no": keys.serial("merchant")}
    return section.Section(**(one | {name: str(folder / name) for name in FILES} | other))


# ---------------------------------------------------------------- attached


def test_an_account_is_made_of_files_and_speaks_with_our_counterpart_at_once(tmp_path: Path) -> None:
    """Asked, believed, and checkable by the doctor; the key's certificate has an end."""
    of = account.of(told(tmp_path, codes={"TRADE_GONE": "not-found"}), douyinpay.CHANNEL, wiring_channels.read_file)
    assert of.base_url == told(tmp_path).base_url == account.BASE_URL
    assert of.codes == {"TRADE_GONE": meanings.Meaning.NOT_FOUND}
    assert keys.APIV3_KEY not in repr(of)
    shop = douyinpay.shop()
    shop.paid()
    near = dataclasses.replace(of, base_url="http://douyinpay.sandbox")
    channel = connector.DouyinPay(near, http.Client(shop.gate.transport), shop.clock)
    heard, silent = channel.ask([ids.OutTradeNo("A1")])
    assert (len(heard), silent) == (1, ())
    assert isinstance(channel, codes.Checkable)
    assert channel.doubt() == ""
    assert channel.believed_until() is not None
    shop.faults.next(Fault.UNSIGNED)
    assert channel.doubt() is None


@pytest.mark.parametrize(
    "other, where",
    [
        ({"link": "qr"}, "douyinpay.link"),
        ({"notify_url": "http://relay.test/notify/douyinpay"}, "douyinpay.notify_url"),
        ({"notify_url": "https://relay.test/notify/douyinpay?shop=1"}, "douyinpay.notify_url"),
        ({"codes": {"GONE": "vanished"}}, "douyinpay.codes.GONE"),
        ({"private_key_file": "/nowhere"}, "douyinpay.private_key_file"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused_by_name(tmp_path: Path, other: dict[str, Any], where: str) -> None:
    """Words that nobody knows, an address that the channel would not call, a file that is not there."""
    with pytest.raises(faults.BadInput) as refused:
        account.of(told(tmp_path, **other), douyinpay.CHANNEL, wiring_channels.read_file)
    assert refused.value.where == where


@pytest.mark.parametrize("name, content", [("private_key_file", keys.pem("merchant_cert")), ("apiv3_key_file", b"short")])
def test_each_file_is_held_to_what_it_is(tmp_path: Path, name: str, content: bytes) -> None:
    """A certificate where a key belongs, a key that is too short."""
    made = told(tmp_path)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(faults.BadInput) as refused:
        account.of(made, douyinpay.CHANNEL, wiring_channels.read_file)
    assert refused.value.where == f"douyinpay.{name}"


def test_the_channel_its_reader_and_its_door_are_attached_under_its_name(tmp_path: Path) -> None:
    """Alone, with a door of its own; without a door nothing is forwarded, and a callback that is missing proves nothing."""
    one = told(tmp_path, notify_url="https://relay.test/notify/douyinpay", shop_notify_url="http://shop.test/douyin")
    made = settings.Settings(channels={"douyinpay": one})
    client, ticking = http.Client(douyinpay.shop().gate.transport), clock.ManualClock(shops.START)
    channels = wiring_channels.channels(made, client, ticking)
    assert list(channels) == [douyinpay.CHANNEL]
    world = cast("ports.World", SimpleNamespace(channels=channels, eyes=SimpleNamespace(shop=shops.SHOP)))
    assert [type(r) for r in wiring_channels.notice_readers(world).values()] == [callbacks.Callbacks]
    assert wiring_channels.forwarder(made, client) is not None
    assert made.relayed()
    alone = settings.Settings(channels={"douyinpay": told(tmp_path)})
    assert wiring_channels.forwarder(alone, client) is None
    assert not alone.relayed()


def test_the_settings_file_holds_codes(tmp_path: Path) -> None:
    """`[douyinpay.codes]`, as the page says."""
    path = tmp_path / "makewhole.toml"
    path.write_text(
        '[douyinpay]\nmchid = "1"\nappid = "2"\nserial_no = "3"\nprivate_key_file = "k"\napiv3_key_file = "a"\n'
        'codes = { ORDER_GONE = "not-found" }\n',
        encoding="utf-8",
    )
    one = settings.load(path, {}, sections=registry.sections()).channels["douyinpay"]
    assert isinstance(one, section.Section)
    assert one.codes == {"ORDER_GONE": "not-found"}


# ---------------------------------------------------------------- the relay and the shop's door


def test_the_relay_answers_in_its_words() -> None:
    """As its own SDK has a shop answer; and no yes for what was not kept."""
    kept = relays.Answer(status=200, code="SUCCESS", message="OK")
    refused = relays.Answer(status=401, code="FAIL", message="not accepted")
    assert posted(kept, "douyinpay") == (200, "application/json", b'{"code":"SUCCESS","message":"OK"}')
    assert posted(refused, "douyinpay") == (401, "application/json", b'{"code":"FAIL","message":"not accepted"}')
    assert json.loads(posted(kept, "douyinpay")[2])["code"] == answers.TAKEN
    assert relay_page.BODY_MAX >= 4096


# ---------------------------------------------------------------- links and numbers


def only(name: str) -> Callable[[str], Mapping[str, str]]:
    """A code to scan that has one name."""
    return lambda end: {name: f"https://qr.douyinpay.com/{end}"}


@pytest.mark.parametrize(
    "kind, begins",
    [
        (account.LinkKind.NATIVE, "https://qr.douyinpay.com/"),
        (account.LinkKind.H5, "http"),
        (account.LinkKind.APP, "dy2026"),
    ],
)
def test_kinds_of_links(kind: account.LinkKind, begins: str) -> None:
    """Each kind by a setting; the code to scan under either of its names."""
    for name in ("code_url", "qr_code"):
        shop = douyinpay.shop(link=kind)
        shop.gate.speaks = dataclasses.replace(gateway.SPEECH, code_urls=only(name))  # type: ignore[misc]
        news = shop.channel.do(shops.ORDER, shops.link_step("LINK-A1"), shop.clock.now())
        assert isinstance(news, run.Succeeded)
        assert news.detail.startswith(begins)
        assert shop.truth.transactions["LINK-A1"].order.notify_url == douyinpay.NOTIFY_URL


@pytest.mark.parametrize(
    "number, taken", [("A23456", True), ("A2345", False), ("A" * 32, True), ("A" * 33, False), ("A|2345", False), ("A*2345", True)]
)
def test_a_number_that_the_channel_does_not_take_is_refused_and_nothing_is_opened(number: str, taken: bool) -> None:  # noqa: FBT001
    """6 to 32 of digits, letters and `_-*`: the plan is made again."""
    shop = douyinpay.shop()
    news = shops.do(shop, shops.link_step(number))
    assert isinstance(news, run.Succeeded if taken else run.Refusal)
    assert (number in shop.truth.transactions) is taken


def test_what_was_attached_comes_back_only_once_it_is_paid() -> None:
    """An open attempt says nothing of it."""
    shop = douyinpay.shop()
    shop.opened(attach="shop-7")
    assert shops.attempt(shop).attach == ""
    shop.truth.buyer_pays("A1")
    assert shops.attempt(shop).attach == "shop-7"


def test_a_refund_names_its_merchant() -> None:
    """In the body of the request, and in the question for it."""
    shop = douyinpay.shop()
    paid = shop.paid()
    seen: list[tuple[str, bytes]] = []
    through = shop.gate.handle

    def watch(method: str, target: str, headers: Any, body: bytes) -> Any:
        seen.append((target, body))
        return through(method, target, headers, body)

    shop.gate.handle = watch  # type: ignore[method-assign]
    shops.do(shop, shops.refund_step(paid))
    shop.channel.ask_refunds([(ids.RefundNo("MW0001"), ids.OutTradeNo("A1"))])
    asked, question = (next(s for s in seen if part in s[0]) for part in ("refunds", "refunds/MW0001"))
    assert json.loads(asked[1])["mchid"] == shop.merchant
    assert question[0].endswith(f"/refunds/MW0001?mchid={shop.merchant}")


# ---------------------------------------------------------------- bills


def test_its_bill_has_the_form_that_we_assume() -> None:
    """WeChat Pay's ALL with Douyin Pay's own names for its numbers, back-ticks, a byte order mark, sums of what is in it."""
    shop = douyinpay.shop()
    with_business(shop)
    next_morning(shop)
    header, *lines = unpacked(fetched(shop)).split("\r\n")[:-1]
    columns = header.split(",")
    assert len(columns) == 27
    assert {"抖音支付订单号", "抖音支付退款单号"} < set(columns)
    assert not any("微信订单号" in c or "微信退款" in c for c in columns)
    rows = [dict(zip(columns, (cell.removeprefix("`") for cell in line.split(",")), strict=True)) for line in lines[:3]]
    assert [(r["商户订单号"], r["交易状态"], r["订单金额"], r["退款金额"]) for r in rows] == [
        ("A1", "SUCCESS", "128.50", "0.00"),
        ("A2", "SUCCESS", "50.00", "0.00"),
        ("A2", "REFUND", "0.00", "20.00"),
    ]
    assert {r["商户号"] for r in rows} == {shop.merchant}


def test_a_transaction_may_have_letters_before_its_digits() -> None:
    """As in its own examples (TP2022…): the bill is read all the same."""
    shop = douyinpay.shop()
    shop.truth.prefixes = shop.truth.prefixes | {"payment": "TP"}
    with_business(shop)
    next_morning(shop)
    assert len(read(fetched(shop))) == 3


def test_a_bill_that_unpacks_without_end_is_no_bill(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bomb under a genuine address: it is unpacked only as far as a bill may go."""
    monkeypatch.setattr(bill, "PLAIN_BYTES_MAX", 2**20)
    shop = douyinpay.shop()
    with_business(shop)
    next_morning(shop)
    through = shop.gate.handle

    def bomb(method: str, target: str, headers: Any, body: bytes) -> Any:
        status, told, answer = through(method, target, headers, body)
        return status, told, gzip.compress(b"0" * 8 * 2**20) if "billdownload" in target else answer

    shop.gate.handle = bomb  # type: ignore[method-assign]
    with pytest.raises(faults.Unavailable, match="unpacks to more than"):
        shop.channel.fetch_bill(DAY)


def test_its_day_is_beijings() -> None:
    """A payment a minute after midnight is the next day's."""
    shop = douyinpay.shop()
    shop.paid("A1", 100)
    shop.clock.advance(timedelta(hours=4, minutes=1))
    shop.paid("A2", 200)
    shop.clock.advance(timedelta(days=2))
    assert [read(fetched(shop, date(2026, 11, day))) for day in (23, 24)] == [[("payment", "A1", 100)], [("payment", "A2", 200)]]
