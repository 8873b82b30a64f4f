"""Whom we believe at Alipay: the key of the settings, and in certificate mode whatever certificate follows it.

An answer or a callback names the certificate that it is signed by. One that we do not know is downloaded; that download is not signed, so
nothing of it is believed but what the roots of the settings vouch for: the certificate asked for, issued under them, valid now, with the
very subject of Alipay's own. The roots issue merchants' certificates too, so the subject is what tells them apart, and a merchant's key
must not be able to issue: each link but the first must be an authority's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from cryptography import exceptions, x509
from cryptography.hazmat.primitives.asymmetric import rsa

from makewhole.adapters.payments import keyring
from makewhole.adapters.payments.alipay import account, signing

LINKS_MAX = 4
"""Certificates between Alipay's own and a root; there is one."""
Download = Callable[[str], bytes | None]
"""A certificate's number -> PEM, unproven; None where there is none. Raises Unavailable or Credentials."""


class Trust(keyring.Keyring):
    """The keys of one account. In plain-key mode there is one, and what an answer calls it must be nothing."""

    def __init__(self, of: account.Account, download: Download) -> None:
        ours = of.alipay
        self._account, self._download = of, download
        super().__init__({ours.sn: keyring.Known(key=ours.key, until=ours.until)}, self._follow, self._may_exist)

    def _may_exist(self, sn: str) -> bool:
        """An MD5 in hex, and something to prove it by."""
        return bool(self._account.roots) and len(sn) == 32 and all(c in "0123456789abcdef" for c in sn)

    def _follow(self, sn: str, now: datetime) -> Mapping[str, keyring.Known]:
        content = self._download(sn)
        found = None if content is None else successor(content, sn, self._account, now)
        return {} if found is None else {sn: found}


def successor(content: bytes, sn: str, of: account.Account, now: datetime) -> keyring.Known | None:
    """The key of the certificate that this number names; None unless it is proven to be Alipay's."""
    try:
        own, *others = x509.load_pem_x509_certificates(content)
        key = own.public_key()
        proven = signing.cert_sn(own) == sn and own.subject == of.alipay.subject and _issued(own, others, of.roots, now)
    except ValueError:
        return None
    if not proven or not isinstance(key, rsa.RSAPublicKey):
        return None
    return keyring.Known(key=key, since=own.not_valid_before_utc, until=own.not_valid_after_utc)


def _issued(own: x509.Certificate, others: Sequence[x509.Certificate], roots: Sequence[x509.Certificate], now: datetime) -> bool:
    """Whether each link is valid now and was issued by the next, up to a root."""
    link = own
    for _ in range(LINKS_MAX):
        if not _valid(link, now):
            return False
        if any(_valid(root, now) and _by(link, root) for root in roots):
            return True
        above = next((one for one in others if _authority(one) and _by(link, one)), None)
        if above is None:
            return False
        link = above
    return False


def _by(one: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        one.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, exceptions.InvalidSignature):
        return False
    return True


def _valid(one: x509.Certificate, now: datetime) -> bool:
    return one.not_valid_before_utc <= now < one.not_valid_after_utc


def _authority(one: x509.Certificate) -> bool:
    try:
        return one.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False
