"""Whom we believe at a channel: a serial goes in, the public key that it stands for comes out, or None.

Public-key mode knows its key from the settings. Certificate mode fetches sealed certificates; an unknown serial fetches them once more,
since the channel rotates them, and is then judged.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from makewhole.adapters import http
from makewhole.adapters.payments.apiv3 import account, dialect, signing
from makewhole.core import faults

FETCH_PAUSE = timedelta(seconds=10)
"""After a fetch that did not bring the serial asked for: whoever invents serials must not make us call the channel for each of them."""

Fetch = Callable[[], http.Answer]


@dataclass(frozen=True, kw_only=True)
class _Known:
    key: rsa.RSAPublicKey
    from_: datetime | None = None
    until: datetime | None = None

    def holds(self, now: datetime) -> bool:
        return (self.from_ is None or self.from_ <= now) and (self.until is None or now < self.until)


class Trust:
    """The keys of one channel account. Safe for several threads."""

    def __init__(self, speech: dialect.Dialect, of: account.Account, fetch: Fetch) -> None:
        self._speech, self._account = speech, of
        self._fetch = fetch
        self._known: dict[str, _Known] = {}
        self._fruitless_at: datetime | None = None
        self._lock = threading.Lock()
        if of.public_key is not None and of.public_key_id:
            self._known[of.public_key_id] = _Known(key=of.public_key)

    def key(self, serial: str, now: datetime) -> rsa.RSAPublicKey | None:
        """The key of a serial, exactly as spelled. Raises Unavailable where certificates had to be fetched and could not be."""
        known = self._known.get(serial)
        if known is None and self._may_exist(serial):
            with self._lock:
                # Another thread may have fetched while we waited.
                if serial not in self._known and self._due(now):
                    self._renew()
                    # Only a fetch that did not bring the serial makes the next one wait.
                    self._fruitless_at = None if serial in self._known else now
            known = self._known.get(serial)
        return known.key if known is not None and known.holds(now) else None

    def until(self) -> datetime | None:
        """When the newest certificate ends; None where none has an end."""
        return max((k.until for k in self._known.values() if k.until is not None), default=None)

    def _may_exist(self, serial: str) -> bool:
        """A serial is up to 20 bytes in hex; a public key's id is known from the settings or not at all."""
        return 8 <= len(serial) <= 40 and all(c in "0123456789ABCDEFabcdef" for c in serial)

    def _due(self, now: datetime) -> bool:
        return self._fruitless_at is None or abs(now - self._fruitless_at) >= FETCH_PAUSE

    def _renew(self) -> None:
        try:
            answer = self._fetch()
        except faults.Rejected as no:
            # It is the list that was refused; of what we hold in hands, act or callback, that says nothing.
            raise faults.Unavailable(f"{self._speech.name}'s list of certificates was refused: {no.why}", code=no.code) from no
        try:
            fetched = dict(self._open(one) for one in self._speech.listed(answer.body))
        except ValueError as wrong:
            raise faults.Unavailable(f"{self._speech.name}'s list of certificates cannot be read: {wrong}") from wrong
        # The seal shows that the channel made this list; the signature, by one of its own keys or one we knew, that it is of today.
        known = self._known | fetched
        stamp, nonce, signature, serial = (answer.header(name) for name in self._speech.signed[:4])
        signer = known.get(serial)
        if signer is None or not signing.fits(signer.key, signature, signing.answer_string(stamp, nonce, answer.body)):
            raise faults.Unavailable(f"{self._speech.name}'s list of certificates is not signed by any key that we know or that it brings")
        self._known = known

    def _open(self, one: dialect.Listed) -> tuple[str, _Known]:
        sealed = one.sealed
        pem = signing.unseal(
            self._account.apiv3_key, nonce=sealed.nonce, associated_data=sealed.associated_data, ciphertext=sealed.ciphertext
        )
        certificate = x509.load_pem_x509_certificate(pem)
        key = certificate.public_key()
        if not isinstance(key, rsa.RSAPublicKey) or certificate.serial_number != int(one.serial, 16):
            raise ValueError(f"certificate {one.serial} is not what it says")
        since, until = one.since or certificate.not_valid_before_utc, one.until or certificate.not_valid_after_utc
        return one.serial, _Known(key=key, from_=since, until=until)
