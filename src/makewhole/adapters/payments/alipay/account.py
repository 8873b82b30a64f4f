"""A merchant account at Alipay: settings, keys and certificates go in, one frozen value comes out; its repr shows no secret."""

from __future__ import annotations

import base64
import binascii
import enum
import hashlib
import hmac
import re
from dataclasses import dataclass, field, replace
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from makewhole.adapters.payments import joining
from makewhole.adapters.payments.alipay import section, signing
from makewhole.core import faults, ids

GATEWAY_URL = "https://openapi.alipay.com/gateway.do"
CHARSETS = frozenset({"utf-8", "gbk"})
_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


class LinkKind(enum.Enum):
    """What kind of payment link a recalled order gets."""

    PRECREATE = "precreate"
    """A code to scan; the gateway is asked for it."""
    PAGE = "page"
    """An address for a computer's browser, signed here; nobody is asked."""
    WAP = "wap"
    """An address for a phone's browser, signed here."""
    APP = "app"
    """A text that the merchant's app hands to Alipay's, signed here."""


@dataclass(frozen=True, kw_only=True)
class Trusted:
    """A key that we believe, and the number by which answers name it; empty in plain-key mode."""

    key: rsa.RSAPublicKey
    sn: str = ""
    until: datetime | None = None
    """When its certificate ends; None in plain-key mode."""
    subject: x509.Name | None = None
    """Whose it is: the certificate that follows it has the same."""


@dataclass(frozen=True, kw_only=True)
class Account:
    """Who we are at the channel, and whom we believe."""

    name: ids.ChannelName
    app_id: str
    seller_id: str
    """The merchant's user number (PID, 2088…), as callbacks say it."""
    private_key: rsa.RSAPrivateKey = field(repr=False)
    alipay: Trusted
    app_cert_sn: str = ""
    """With `root_cert_sn`: certificate mode. Both empty: plain keys."""
    root_cert_sn: str = ""
    roots: tuple[x509.Certificate, ...] = field(repr=False, default=())
    """What vouches for a certificate of Alipay's that is not in the settings; none in plain-key mode."""
    gateway_url: str = GATEWAY_URL
    charset: str = "utf-8"
    """Of what we send and are answered. A callback says its own."""
    notify_url: str = ""
    app_auth_token: str = field(repr=False, default="")
    """Given by a merchant to a service provider who acts for it; empty: the account is our own."""
    link: LinkKind = LinkKind.PRECREATE
    subject: str = "订单"
    """What the buyer reads on a new payment link."""
    payer_key: bytes = field(repr=False, default=b"")
    """Keys the hash under which a payer is known to us; empty: derived from the private key."""

    def payer(self, buyer: str) -> str:
        """A payer's keyed hash (32 hex characters): equal payers are equal, and nobody can look up who they are."""
        if not buyer:
            return ""
        return hmac.new(self.payer_key or self._own_key(), buyer.encode(), hashlib.sha256).hexdigest()[:32]

    def _own_key(self) -> bytes:
        secret = self.private_key.private_numbers().d
        return hmac.new(secret.to_bytes((secret.bit_length() + 7) // 8, "big"), b"makewhole payer", hashlib.sha256).digest()


def of(told: section.Section, name: ids.ChannelName, read: joining.Read) -> Account:
    """The account with its keys loaded. Raises BadInput, naming the file, for a key that is none, and for half a mode."""
    named = {kind: getattr(told, kind) for kind in ("app_cert_file", "alipay_cert_file", "root_cert_file")}
    missing = [kind for kind, path in named.items() if not path]
    if bool(told.public_key_file) is (not missing) or (missing and len(missing) < len(named)):
        todo = "Name Alipay's public key, or else all three certificates: app_cert_file, alipay_cert_file and root_cert_file."
        raise faults.BadInput("plain-key and certificate mode are two ways, and one of them whole is needed", where=f"[{name}]", todo=todo)
    if told.charset not in CHARSETS:
        known = ", ".join(sorted(CHARSETS))
        raise faults.BadInput(f"no charset is called {told.charset!r}", where=f"{name}.charset", todo=f"One of: {known}.")
    try:
        link = LinkKind(told.link)
    except ValueError as wrong:
        kinds = ", ".join(k.value for k in LinkKind)
        raise faults.BadInput(f"no payment link is called {told.link!r}", where=f"{name}.link", todo=f"One of: {kinds}.") from wrong
    made = Account(
        name=name,
        app_id=told.app_id,
        seller_id=told.seller_id,
        private_key=private_key(read(told.private_key_file, f"{name}.private_key_file")),
        alipay=_trusted(told, name, read),
        gateway_url=told.gateway_url,
        charset=told.charset,
        notify_url=told.notify_url,
        link=link,
    )
    if missing:
        return made
    app, roots = (certificates(read(named[kind], f"{name}.{kind}"), where=f"{name}.{kind}") for kind in ("app_cert_file", "root_cert_file"))
    return replace(made, roots=tuple(roots), app_cert_sn=signing.cert_sn(app[0]), root_cert_sn=signing.root_cert_sn(roots))


def _trusted(told: section.Section, name: ids.ChannelName, read: joining.Read) -> Trusted:
    if told.public_key_file:
        return public_key(read(told.public_key_file, f"{name}.public_key_file"))
    return alipay_certificate(read(told.alipay_cert_file, f"{name}.alipay_cert_file"))


def private_key(content: bytes, *, where: str = "alipay.private_key_file") -> rsa.RSAPrivateKey:
    """The application's key: PEM, or the bare base64 that Alipay's tools write, PKCS #1 or #8. Raises BadInput without a byte of it."""
    todo = "Give the application's private key as Alipay's key tool wrote it."
    try:
        key = (
            serialization.load_pem_private_key(content, password=None)
            if b"-----BEGIN" in content
            else serialization.load_der_private_key(_bare(content), password=None)
        )
    except (ValueError, TypeError) as wrong:
        raise faults.BadInput("not a private key", where=where, todo=todo) from wrong
    if not isinstance(key, rsa.RSAPrivateKey):
        raise faults.BadInput("not an RSA key", where=where, todo=todo)
    return key


def public_key(content: bytes, *, where: str = "alipay.public_key_file") -> Trusted:
    """Alipay's key in plain-key mode (not the application's own): PEM or bare base64. Raises BadInput for anything else."""
    todo = "Give Alipay's public key as the open platform shows it."
    try:
        key = serialization.load_pem_public_key(content) if b"-----BEGIN" in content else serialization.load_der_public_key(_bare(content))
    except ValueError as wrong:
        raise faults.BadInput("not a public key", where=where, todo=todo) from wrong
    if not isinstance(key, rsa.RSAPublicKey):
        raise faults.BadInput("not an RSA key", where=where, todo=todo)
    return Trusted(key=key)


def alipay_certificate(content: bytes, *, where: str = "alipay.alipay_cert_file") -> Trusted:
    """Alipay's key in certificate mode: the first certificate of the file is its own. Raises BadInput for anything else."""
    first = certificates(content, where=where)[0]
    key = first.public_key()
    if not isinstance(key, rsa.RSAPublicKey):
        raise faults.BadInput("not an RSA certificate", where=where, todo="Give alipayCertPublicKey_RSA2.crt.")
    return Trusted(key=key, sn=signing.cert_sn(first), until=first.not_valid_after_utc, subject=first.subject)


def certificates(content: bytes, *, where: str) -> list[x509.Certificate]:
    """All certificates of a PEM file, in its order, but those of curves that nobody here can read. Raises BadInput where there is none."""
    found = []
    for pem in _PEM.findall(content):
        try:
            found.append(x509.load_pem_x509_certificate(pem))
        except ValueError:
            # Alipay's root file holds Chinese national (SM2) roots; they have no part in an RSA2 account.
            continue
    if not found:
        raise faults.BadInput("no certificate in PEM", where=where, todo="Give the .crt file as the open platform offers it.")
    return found


def _bare(content: bytes) -> bytes:
    try:
        return base64.b64decode(b"".join(content.split()), validate=True)
    except binascii.Error as wrong:
        raise ValueError("neither PEM nor base64") from wrong
