"""A merchant account at a channel of APIv3: settings and keys go in, one frozen value with loaded keys comes out; no secret in its repr."""

from __future__ import annotations

import enum
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from makewhole.adapters.payments import joining
from makewhole.adapters.payments.apiv3 import section
from makewhole.adapters.payments.meanings import Meaning
from makewhole.core import faults, ids

APIV3_KEY_BYTES = 32


class LinkKind(enum.Enum):
    """What kind of payment link a recalled order gets. The value is the last part of the call's path."""

    NATIVE = "native"
    JSAPI = "jsapi"
    H5 = "h5"
    APP = "app"


@dataclass(frozen=True, kw_only=True)
class Account:
    """Who we are at the channel, and whom we believe."""

    name: ids.ChannelName
    mchid: str
    appid: str
    other_appids: frozenset[str] = frozenset()
    """Apps whose payments also arrive at this merchant number."""
    serial_no: str
    """Of the merchant's own certificate."""
    private_key: rsa.RSAPrivateKey = field(repr=False)
    apiv3_key: bytes = field(repr=False)
    base_url: str
    notify_url: str = ""
    link: LinkKind = LinkKind.NATIVE
    description: str = "订单"
    """What the buyer reads on a new payment link."""
    payer_client_ip: str = "127.0.0.1"
    """The channel wants the buyer's address for h5 links; a recalled order has no request of the buyer's to take it from."""
    public_key_id: str = ""
    """PUB_KEY_ID_…: WeChat Pay's public-key mode. Empty: certificate mode, as everywhere else."""
    public_key: rsa.RSAPublicKey | None = None
    codes: Mapping[str, Meaning] = field(default_factory=dict)
    """Codes that our table lacks or has wrong, and what they say."""
    payer_key: bytes = field(repr=False, default=b"")
    """Keys the hash under which a payer is known to us; empty: derived from the APIv3 key."""

    def knows_app(self, appid: str) -> bool:
        """Whether payments to this app are ours."""
        return appid == self.appid or appid in self.other_appids

    def payer(self, openid: str) -> str:
        """A payer's keyed hash (32 hex characters): equal payers are equal, and nobody can look up who they are."""
        if not openid:
            return ""
        key = self.payer_key or hmac.new(self.apiv3_key, b"makewhole payer", hashlib.sha256).digest()
        return hmac.new(key, openid.encode(), hashlib.sha256).hexdigest()[:32]


def private_key(pem: bytes, *, where: str, todo: str) -> rsa.RSAPrivateKey:
    """The merchant's key. Raises BadInput, without a byte of the key in the message."""
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError) as wrong:
        raise faults.BadInput("not a private key in PEM", where=where, todo=todo) from wrong
    if not isinstance(key, rsa.RSAPrivateKey):
        raise faults.BadInput("not an RSA key", where=where, todo=todo)
    return key


def apiv3_key(text: str, *, where: str) -> bytes:
    """The key of callbacks and certificates, as bytes. Raises BadInput where it has not 32 of them."""
    raw = text.strip().encode()
    if len(raw) != APIV3_KEY_BYTES:
        raise faults.BadInput(f"the APIv3 key has {len(raw)} bytes", where=where, todo=f"It has {APIV3_KEY_BYTES}, as set by the merchant.")
    return raw


def told(of: section.Section, name: ids.ChannelName, read: joining.Read, *, todo: str) -> dict[str, Any]:
    """What the settings of every account of APIv3 say. `todo`: which private key is meant. Raises BadInput, naming the setting."""
    key = read(of.private_key_file, f"{name}.private_key_file")
    sealing = read(of.apiv3_key_file, f"{name}.apiv3_key_file").decode("utf-8", "replace")
    return {
        "name": name,
        "mchid": of.mchid,
        "appid": of.appid,
        "serial_no": of.serial_no,
        "private_key": private_key(key, where=f"{name}.private_key_file", todo=todo),
        "apiv3_key": apiv3_key(sealing, where=f"{name}.apiv3_key_file"),
        "base_url": of.base_url.rstrip("/"),
        "notify_url": of.notify_url,
        "link": _link(of.link, f"{name}.link"),
    }


def _link(kind: str, where: str) -> LinkKind:
    try:
        return LinkKind(kind)
    except ValueError as wrong:
        kinds = ", ".join(k.value for k in LinkKind)
        raise faults.BadInput(f"no payment link is called {kind!r}", where=where, todo=f"One of: {kinds}.") from wrong
