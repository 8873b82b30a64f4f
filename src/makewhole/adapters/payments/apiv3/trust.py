"""Whom we believe at a channel of APIv3: its list of sealed certificates goes in, keys by their serials come out.

Public-key mode knows its key from the settings and fetches none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from makewhole.adapters import http
from makewhole.adapters.payments import keyring
from makewhole.adapters.payments.apiv3 import account, dialect, signing
from makewhole.core import faults

Fetch = Callable[[], http.Answer]


class Trust(keyring.Keyring):
    """The keys of one channel account."""

    def __init__(self, speech: dialect.Dialect, of: account.Account, fetch: Fetch) -> None:
        self._speech, self._account = speech, of
        self._list = fetch
        told = {} if of.public_key is None else {of.public_key_id: keyring.Known(key=of.public_key)}
        super().__init__({name: known for name, known in told.items() if name}, self._renew, _may_exist)

    def _renew(self, _serial: str, _now: datetime) -> Mapping[str, keyring.Known]:
        """All that the channel lists. Raises Unavailable where they could not be fetched or are not proven."""
        try:
            answer = self._list()
        except faults.Rejected as no:
            # It is the list that was refused; of what we hold in hands, act or callback, that says nothing.
            raise faults.Unavailable(f"{self._speech.name}'s list of certificates was refused: {no.why}", code=no.code) from no
        try:
            fetched = dict(self._open(one) for one in self._speech.listed(answer.body))
        except ValueError as wrong:
            raise faults.Unavailable(f"{self._speech.name}'s list of certificates cannot be read: {wrong}") from wrong
        # The seal shows that the channel made this list; the signature, by one of its own keys or one we knew, that it is of today.
        stamp, nonce, signature, serial = (answer.header(name) for name in self._speech.signed[:4])
        signer = fetched.get(serial) or self.known.get(serial)
        if signer is None or not signing.fits(signer.key, signature, signing.answer_string(stamp, nonce, answer.body)):
            raise faults.Unavailable(f"{self._speech.name}'s list of certificates is not signed by any key that we know or that it brings")
        return fetched

    def _open(self, one: dialect.Listed) -> tuple[str, keyring.Known]:
        sealed = one.sealed
        pem = signing.unseal(
            self._account.apiv3_key, nonce=sealed.nonce, associated_data=sealed.associated_data, ciphertext=sealed.ciphertext
        )
        certificate = x509.load_pem_x509_certificate(pem)
        key = certificate.public_key()
        if not isinstance(key, rsa.RSAPublicKey) or certificate.serial_number != int(one.serial, 16):
            raise ValueError(f"certificate {one.serial} is not what it says")
        since, until = one.since or certificate.not_valid_before_utc, one.until or certificate.not_valid_after_utc
        return one.serial, keyring.Known(key=key, since=since, until=until)


def _may_exist(serial: str) -> bool:
    """A serial is up to 20 bytes in hex; a public key's id is known from the settings or not at all."""
    return 8 <= len(serial) <= 40 and all(c in "0123456789ABCDEFabcdef" for c in serial)
