"""Alipay attached as the settings say: the account in either mode, the relay's word, the shop's own door."""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from makewhole import ports, settings
from makewhole.adapters import http
from makewhole.adapters.payments import registry
from makewhole.adapters.payments.alipay import account, callbacks, connector, section
from makewhole.adapters.payments.wechatpay import section as wechatpay_section
from makewhole.core import clock, faults, ids
from makewhole.engine import codes, relay
from makewhole.sandbox.alipay import gateway, keys, seal
from makewhole.web import relay as relay_page
from makewhole.wiring import channels as wiring_channels
from tests.payments import alipay
from tests.payments import shop as shops

FILES = {
    "private_key_file": keys.pem("app_key"),
    "public_key_file": keys.public_pem("alipay"),
    "app_cert_file": keys.pem("app_cert"),
    "alipay_cert_file": keys.pem("alipay_cert"),
    "root_cert_file": keys.pem("root_cert"),
}
PLAIN = ("private_key_file", "public_key_file")
CERTIFICATES = ("private_key_file", "app_cert_file", "alipay_cert_file", "root_cert_file")


def told(folder: Path, *files: str, **other: Any) -> section.Section:
    for name in files:
        (folder / name).write_bytes(FILES[name])
    m = gateway.Merchant()
    paths = {name: str(folder / name) for name in files}
    return section.Section(**({"app_id": m.app_id, "seller_id": m.seller_id} | paths | other))


def attached(of: account.Account) -> Any:
    """The connector at our counterpart."""
    shop = alipay.shop()
    shop.paid()
    near = dataclasses.replace(of, gateway_url="http://alipay.sandbox/gateway.do")
    return connector.Alipay(near, http.Client(shop.gate.transport), shop.clock)


@pytest.mark.parametrize("files", [PLAIN, CERTIFICATES])
def test_an_account_is_made_of_files_in_either_mode(tmp_path: Path, files: tuple[str, ...]) -> None:
    """And speaks with our counterpart at once."""
    of = account.of(told(tmp_path, *files), alipay.CHANNEL, wiring_channels.read_file)
    assert of.gateway_url == section.Section(app_id="", seller_id="", private_key_file="").gateway_url == account.GATEWAY_URL
    assert (of.app_cert_sn, of.root_cert_sn) == (("", "") if files is PLAIN else (seal.cert_sn("app"), seal.root_sn()))
    channel = attached(of)
    heard, silent = channel.ask([ids.OutTradeNo("A1")])
    assert (len(heard), silent) == (1, ())
    assert isinstance(channel, codes.Checkable)
    assert channel.doubt() == ""
    assert (channel.believed_until() is None) is (files is PLAIN)


@pytest.mark.parametrize(
    "files, other, where",
    [
        (("private_key_file",), {}, "[alipay]"),
        ((*CERTIFICATES, "public_key_file"), {}, "[alipay]"),
        ((*PLAIN, "app_cert_file"), {}, "[alipay]"),
        (CERTIFICATES[:3], {}, "[alipay]"),
        (PLAIN, {"link": "qr"}, "alipay.link"),
        (PLAIN, {"charset": "utf-7"}, "alipay.charset"),
        (PLAIN, {"private_key_file": "/nowhere"}, "alipay.private_key_file"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused_by_name(
    tmp_path: Path, files: tuple[str, ...], other: dict[str, str], where: str
) -> None:
    """No mode, two modes, half of one; words that nobody knows; a file that is not there."""
    with pytest.raises(faults.BadInput) as refused:
        account.of(told(tmp_path, *files, **other), alipay.CHANNEL, wiring_channels.read_file)
    assert refused.value.where == where


def test_each_file_is_held_to_what_it_is(tmp_path: Path) -> None:
    """A key where a certificate belongs, and the other way round."""
    for files, wrong, content in (
        (PLAIN, "private_key_file", FILES["public_key_file"]),
        (PLAIN, "public_key_file", FILES["private_key_file"]),
        (CERTIFICATES, "app_cert_file", FILES["private_key_file"]),
        (CERTIFICATES, "alipay_cert_file", FILES["public_key_file"]),
        (CERTIFICATES, "root_cert_file", b""),
    ):
        made = told(tmp_path, *files)
        (tmp_path / wrong).write_bytes(content)
        with pytest.raises(faults.BadInput) as refused:
            account.of(made, alipay.CHANNEL, wiring_channels.read_file)
        assert refused.value.where == f"alipay.{wrong}"


def test_the_channel_and_its_reader_are_attached_under_its_name(tmp_path: Path) -> None:
    """Beside WeChat Pay or alone; a shop with a door for Alipay only has one."""
    one = told(tmp_path, *PLAIN, shop_notify_url="http://shop.test/alipay")
    made = settings.Settings(channels={"alipay": one})
    client, ticking = http.Client(alipay.shop().gate.transport), clock.ManualClock(shops.START)
    channels = wiring_channels.channels(made, client, ticking)
    assert list(channels) == [alipay.CHANNEL]
    world = cast("ports.World", SimpleNamespace(channels=channels, eyes=SimpleNamespace(shop=shops.SHOP)))
    assert [type(r) for r in wiring_channels.notice_readers(world).values()] == [callbacks.Callbacks]
    assert wiring_channels.forwarder(made, client) is not None
    assert wiring_channels.forwarder(settings.Settings(channels={"alipay": told(tmp_path, *PLAIN)}), client) is None


@pytest.mark.parametrize(
    "shop_url, own_url, notify_url, relayed",
    [
        ("", "", "", False),
        ("https://shop/n", "", "https://relay/n", True),
        ("https://shop/n", "", "https://shop/n", False),
        ("", "https://shop/a", "https://relay/n", True),
        ("https://shop/n", "https://shop/a", "https://shop/a", False),
    ],
)
def test_whether_the_relay_stands_in_front(shop_url: str, own_url: str, notify_url: str, relayed: bool) -> None:  # noqa: FBT001
    """Only where the channel is told of another address than the shop's own for it; with two channels, both."""
    one = section.Section(app_id="1", seller_id="2", private_key_file="", notify_url=notify_url, shop_notify_url=own_url)
    made = settings.Settings(shop=settings.ShopSettings(notify_url=shop_url), channels={"alipay": one})
    assert made.relayed() is relayed
    silent = wechatpay_section.Section(mchid="1", appid="2", serial_no="3", private_key_file="", apiv3_key_file="", notify_url=shop_url)
    assert settings.Settings(shop=made.shop, channels={"alipay": one, "wechatpay": silent}).relayed() is False


# ---------------------------------------------------------------- the relay


def posted(answer: relay.Answer, channel: str) -> tuple[int, str, bytes]:
    """Status, content type and body that a channel is given."""
    page = relay_page.app({channel: (lambda headers, body: answer, registry.ENTRIES[ids.ChannelName(channel)].answered)}, answer_within_s=5)
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(dict(message))

    path = f"/notify/{channel}"
    scope = {"type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "query_string": b"", "headers": []}
    asyncio.run(page(scope, receive, send))
    kind = dict(sent[0]["headers"])[b"content-type"].decode()
    return sent[0]["status"], kind.partition(";")[0], b"".join(m.get("body", b"") for m in sent[1:])


def test_the_relay_answers_each_channel_in_its_own_words() -> None:
    """`success` to the letter for Alipay, which reads no status; JSON for WeChat Pay; and no yes for what was not kept."""
    kept = relay.Answer(status=200, code="SUCCESS", message="OK")
    refused = relay.Answer(status=401, code="FAIL", message="not accepted")
    assert posted(kept, "alipay") == (200, "text/plain", b"success")
    assert posted(refused, "alipay") == (401, "text/plain", b"fail")
    assert posted(kept, "wechatpay") == (200, "application/json", b'{"code":"SUCCESS","message":"OK"}')
