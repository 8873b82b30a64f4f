"""The attached channels put together: settings go in; accounts with loaded keys, connectors, readers of callbacks and doors come out."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa

from makewhole import ports, settings
from makewhole.adapters import http
from makewhole.adapters.payments import connecting, meanings
from makewhole.adapters.payments.alipay import account as alipay_accounts
from makewhole.adapters.payments.alipay import callbacks as alipay_callbacks
from makewhole.adapters.payments.alipay import connector as alipay_connector
from makewhole.adapters.payments.alipay import signing as alipay_signing
from makewhole.adapters.payments.apiv3 import account as apiv3_accounts
from makewhole.adapters.payments.douyinpay import account as douyin_accounts
from makewhole.adapters.payments.douyinpay import answers as douyin_answers
from makewhole.adapters.payments.douyinpay import connector as douyin_connector
from makewhole.adapters.payments.wechatpay import account as wechat_accounts
from makewhole.adapters.payments.wechatpay import connector as wechat_connector
from makewhole.adapters.platforms.douyin import account as shop_accounts
from makewhole.adapters.platforms.douyin import connector as shop_connector
from makewhole.adapters.platforms.douyin import tokens as shop_tokens
from makewhole.adapters.shops import forward
from makewhole.core import clock, faults, ids
from makewhole.ports import accounts

WECHATPAY = ids.ChannelName("wechatpay")
ALIPAY = ids.ChannelName("alipay")
DOUYINPAY = ids.ChannelName("douyinpay")
DOUYIN_SHOP = ids.ChannelName("douyin-shop")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Entry:
    """What makes a channel one of ours, beside its section in the settings: a new one is one more of these."""

    attach: Callable[[Any, http.Client, clock.Clock], connecting.Connector]
    """Its section -> its connector. Raises BadInput for settings that cannot be meant."""
    taken: Callable[[int, bytes], bool]
    """Which answer of a shop (status and body) says that a callback was taken."""


def channels(told: settings.Settings, client: http.Client, ticking: clock.Clock) -> dict[ids.ChannelName, ports.Channel]:
    """A connector for each account that the settings name. Raises BadInput for settings that cannot be meant."""
    attached = {ids.ChannelName(name): own for name, own in told.channels().items()}
    return {name: ENTRIES[name].attach(own, client, ticking) for name, own in attached.items()}


def markets(told: settings.Settings, client: http.Client, ticking: clock.Clock) -> dict[ids.ChannelName, accounts.AccountSource]:
    """The marketplaces whose account lines are compared. Raises BadInput for settings that cannot be meant."""
    own = told.douyin
    if own is None:
        return {}
    token = shop_tokens.TokenFile(Path(own.access_token_file))
    try:
        # It is read anew for every question; that it is there at all is told at once.
        token.read()
    except faults.Credentials as missing:
        raise faults.BadInput(missing.why, where=shop_tokens.WHERE, todo="Check the path, its permissions and what is in it.") from missing
    account = shop_accounts.Account(
        name=DOUYIN_SHOP,
        shop_id=own.shop_id,
        app_key=own.app_key,
        app_secret=_secret(own.app_secret_file, "douyin.app_secret_file"),
        tokens=token,
        base_url=own.base_url.rstrip("/"),
        method=own.method.strip("/").replace("/", "."),
        shape=shop_accounts.shape(own.method.strip("/").replace("/", "."), own.cells, "douyin.cells"),
    )
    return {DOUYIN_SHOP: shop_connector.DouyinShop(account, client, ticking)}


def _secret(path: str, where: str) -> str:
    told = read_file(path, where).decode("utf-8", "replace").strip()
    if not told:
        raise faults.BadInput("the file is empty", where=where, todo="Copy it from the platform's page of the app.")
    return told


def notice_readers(world: ports.World) -> Mapping[ids.ChannelName, ports.NoticeReader]:
    """Who reads the callbacks of each attached channel; it shares the channel's certificates."""
    return {n: c.callbacks(world.eyes.shop) for n, c in world.channels.items() if isinstance(c, connecting.Connector)}


def forwarder(told: settings.Settings, client: http.Client) -> forward.HttpForwarder | None:
    """To the shop's own doors; None where it names none."""
    url, doors = told.shop.notify_url, {}
    for name, own in told.channels().items():
        if door := own.shop_notify_url or url:
            channel = ids.ChannelName(name)
            doors[channel] = forward.Door(url=door, taken=ENTRIES[channel].taken)
    return forward.HttpForwarder(url, client, doors) if url or doors else None


def wechatpay_account(told: settings.WechatpaySettings) -> wechat_accounts.Account:
    """The account with its keys loaded. Raises BadInput, naming the file, for a key that is none."""
    public = told.public_key_file
    if bool(public) != bool(told.public_key_id):
        missing = "wechatpay.public_key_id" if public else "wechatpay.public_key_file"
        raise faults.BadInput(
            "public-key mode needs the key and its number", where=missing, todo="Copy both from the merchant platform, or leave both out."
        )
    return wechat_accounts.Account(
        **_apiv3(told, WECHATPAY, wechat_accounts.private_key, wechat_accounts.apiv3_key),
        public_key_id=told.public_key_id,
        public_key=wechat_accounts.public_key(read_file(public, "wechatpay.public_key_file")) if public else None,
    )


def douyinpay_account(told: settings.DouyinpaySettings) -> douyin_accounts.Account:
    """The account with its keys loaded. Raises BadInput, naming the setting, for a key that is none, and for words that nobody knows."""
    if told.notify_url and not re.fullmatch(r"https://[^?]+", told.notify_url):
        todo = "Douyin Pay takes an https address without a query (nothing behind a question mark)."
        raise faults.BadInput("no address that Douyin Pay would call", where="douyinpay.notify_url", todo=todo)
    return douyin_accounts.Account(
        **_apiv3(told, DOUYINPAY, douyin_accounts.private_key, douyin_accounts.apiv3_key),
        codes={code: _meaning(says, f"douyinpay.codes.{code}") for code, says in told.codes.items()},
    )


def _apiv3(
    told: settings.WechatpaySettings | settings.DouyinpaySettings,
    name: ids.ChannelName,
    private_key: Callable[[bytes], rsa.RSAPrivateKey],
    apiv3_key: Callable[[str], bytes],
) -> dict[str, Any]:
    """What accounts of APIv3 have in common."""
    return {
        "name": name,
        "mchid": told.mchid,
        "appid": told.appid,
        "serial_no": told.serial_no,
        "private_key": private_key(read_file(told.private_key_file, f"{name}.private_key_file")),
        "apiv3_key": apiv3_key(read_file(told.apiv3_key_file, f"{name}.apiv3_key_file").decode("utf-8", "replace")),
        "base_url": told.base_url.rstrip("/"),
        "notify_url": told.notify_url,
        "link": _link(told.link, f"{name}.link"),
    }


def _link(kind: str, where: str) -> apiv3_accounts.LinkKind:
    try:
        return apiv3_accounts.LinkKind(kind)
    except ValueError as wrong:
        kinds = ", ".join(k.value for k in apiv3_accounts.LinkKind)
        raise faults.BadInput(f"no payment link is called {kind!r}", where=where, todo=f"One of: {kinds}.") from wrong


def _meaning(says: str, where: str) -> meanings.Meaning:
    try:
        return meanings.Meaning(says)
    except ValueError as wrong:
        known = ", ".join(m.value for m in meanings.Meaning)
        raise faults.BadInput(f"no code can mean {says!r}", where=where, todo=f"One of: {known}.") from wrong


def alipay_account(told: settings.AlipaySettings) -> alipay_accounts.Account:
    """The account with its keys loaded. Raises BadInput, naming the file, for a key that is none, and for half a mode."""
    certificates = {name: getattr(told, name) for name in ("app_cert_file", "alipay_cert_file", "root_cert_file")}
    missing = [name for name, path in certificates.items() if not path]
    if bool(told.public_key_file) is (not missing) or (missing and len(missing) < len(certificates)):
        todo = "Name Alipay's public key, or else all three certificates: app_cert_file, alipay_cert_file and root_cert_file."
        raise faults.BadInput("plain-key and certificate mode are two ways, and one of them whole is needed", where="[alipay]", todo=todo)
    if told.charset not in alipay_accounts.CHARSETS:
        known = ", ".join(sorted(alipay_accounts.CHARSETS))
        raise faults.BadInput(f"no charset is called {told.charset!r}", where="alipay.charset", todo=f"One of: {known}.")
    try:
        link = alipay_accounts.LinkKind(told.link)
    except ValueError as wrong:
        kinds = ", ".join(k.value for k in alipay_accounts.LinkKind)
        raise faults.BadInput(f"no payment link is called {told.link!r}", where="alipay.link", todo=f"One of: {kinds}.") from wrong
    made = alipay_accounts.Account(
        name=ALIPAY,
        app_id=told.app_id,
        seller_id=told.seller_id,
        private_key=alipay_accounts.private_key(read_file(told.private_key_file, "alipay.private_key_file")),
        alipay=_alipay_key(told),
        gateway_url=told.gateway_url,
        charset=told.charset,
        notify_url=told.notify_url,
        link=link,
    )
    if missing:
        return made
    app, roots = (
        alipay_accounts.certificates(read_file(getattr(told, name), f"alipay.{name}"), where=f"alipay.{name}")
        for name in ("app_cert_file", "root_cert_file")
    )
    app_sn, root_sn = alipay_signing.cert_sn(app[0]), alipay_signing.root_cert_sn(roots)
    return dataclasses.replace(made, roots=tuple(roots), app_cert_sn=app_sn, root_cert_sn=root_sn)


def _alipay_key(told: settings.AlipaySettings) -> alipay_accounts.Trusted:
    if told.public_key_file:
        return alipay_accounts.public_key(read_file(told.public_key_file, "alipay.public_key_file"))
    return alipay_accounts.alipay_certificate(read_file(told.alipay_cert_file, "alipay.alipay_cert_file"))


ENTRIES: Mapping[ids.ChannelName, Entry] = {
    WECHATPAY: Entry(
        attach=lambda own, client, ticking: wechat_connector.WeChatPay(wechatpay_account(own), client, ticking),
        taken=lambda status, _: status in forward.TAKEN,
    ),
    ALIPAY: Entry(
        attach=lambda own, client, ticking: alipay_connector.Alipay(alipay_account(own), client, ticking),
        taken=alipay_callbacks.taken,
    ),
    DOUYINPAY: Entry(
        attach=lambda own, client, ticking: douyin_connector.DouyinPay(douyinpay_account(own), client, ticking),
        taken=douyin_answers.taken,
    ),
}


def read_file(path: str, where: str) -> bytes:
    """A file that a setting names. Raises BadInput, naming the setting, where it cannot be read."""
    try:
        return Path(path).read_bytes()
    except OSError as missing:
        raise faults.BadInput(
            f"cannot read {path!r}: {missing.strerror}", where=where, todo="Check the path and its permissions."
        ) from missing
