"""Signatures and seals of APIv3: strings built as documented, bytes in and out; no clock, no chance, no network.

Requests and answers: RSA PKCS #1 v1.5 over SHA-256. Callbacks and certificates: AES-256-GCM with the APIv3 key.
"""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime, timedelta

from cryptography import exceptions
from cryptography.hazmat.primitives.ciphers import aead

from makewhole.adapters.payments import signatures
from makewhole.adapters.payments.apiv3 import dialect

sign, fits = signatures.sign, signatures.fits
CLOCK_SKEW_MAX = timedelta(minutes=5)
"""The documented window of a stamp, both ways: older is a replay, or a clock is wrong."""
GCM_NONCE_BYTES = 12


def request_string(method: str, target: str, timestamp: str, nonce: str, body: bytes) -> bytes:
    """METHOD, PATH?QUERY, TIMESTAMP, NONCE, BODY: five lines, each with its line feed."""
    return f"{method}\n{target}\n{timestamp}\n{nonce}\n".encode() + body + b"\n"


def answer_string(timestamp: str, nonce: str, body: bytes) -> bytes:
    """TIMESTAMP, NONCE, BODY: of answers and of callbacks. The body of a 204 is empty, its line feed stays."""
    return f"{timestamp}\n{nonce}\n".encode() + body + b"\n"


def authorization(speech: dialect.Dialect, *, mchid: str, serial_no: str, nonce: str, timestamp: str, signature: str) -> str:
    """The value of the Authorization header."""
    told = {"mchid": mchid, "serial_no": serial_no, "nonce_str": nonce, "timestamp": timestamp, "signature": signature}
    return f"{speech.scheme} " + ",".join(f'{name}="{told[name]}"' for name in speech.fields)


def unseal(apiv3_key: bytes, *, nonce: str, associated_data: str, ciphertext: str) -> bytes:
    """The plain bytes. Raises ValueError where the seal is broken or is no seal at all."""
    try:
        raw = base64.b64decode(ciphertext, validate=True)
    except (binascii.Error, ValueError) as wrong:
        raise ValueError("the ciphertext is not base64") from wrong
    nonce_bytes = nonce.encode()
    if len(nonce_bytes) != GCM_NONCE_BYTES:
        raise ValueError(f"the nonce has {len(nonce_bytes)} bytes, not {GCM_NONCE_BYTES}")
    try:
        return aead.AESGCM(apiv3_key).decrypt(nonce_bytes, raw, associated_data.encode())
    except exceptions.InvalidTag as broken:
        raise ValueError("the seal does not open with our APIv3 key") from broken


def stamped(timestamp: str) -> datetime | None:
    """The instant of a stamp (seconds since 1970), or None where it is none."""
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 11):
        return None
    return datetime.fromtimestamp(int(timestamp), tz=UTC)


def clock_trouble(timestamp: str, now: datetime) -> str:
    """Empty where the stamp is near our clock; otherwise a sentence that names both."""
    told = stamped(timestamp)
    if told is None:
        return f"the stamp {timestamp[:20]!r} is no time"
    if abs(told - now) <= CLOCK_SKEW_MAX:
        return ""
    off = int((told - now).total_seconds())
    return f"stamped {off:+d} s from this machine's clock ({now.isoformat(timespec='seconds')}): check the clock (NTP)"
