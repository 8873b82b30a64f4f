"""Callbacks: headers, raw bytes and the time go in, a notice ready to be kept comes out, judged. Nothing in it is believed before that.

Genuine means: signed by the channel over these very bytes, stamped within five minutes, sealed for us, about our merchant number and app.
It does not mean that the amount is the order's; that is for the diagnosis, which holds the order.
"""

from __future__ import annotations

from datetime import datetime

from makewhole import ports
from makewhole.adapters.payments import claiming, keeping, strictjson
from makewhole.adapters.payments.apiv3 import account, claims, conversation, signing, wire
from makewhole.core import faults, ids
from makewhole.model import payment

_ALGORITHMS = frozenset({"AEAD_AES_256_GCM", "AEAD-AES-256-GCM"})
"""One seal, spelled by each channel in its own way."""
_REFUNDED = "REFUND."


class Callbacks:
    """Reads the callbacks of one account for one shop."""

    def __init__(self, of: account.Account, talk: conversation.Conversation, shop: ids.ShopName) -> None:
        self._account = of
        self._talk = talk
        self._speech = talk.speech
        # What the shop needs to verify it again, and an auditor years later.
        kept = frozenset(name.lower() for name in (*talk.speech.signed, "Content-Type", "User-Agent"))
        self._desk = keeping.Desk(shop=shop, channel=of.name, headers=kept)

    def read(self, headers: ports.Headers, body: bytes, now: datetime) -> ports.Kept:
        """The notice, judged. Raises Rejected for a request that claims no signature at all, Unavailable where it cannot be judged now."""
        check = self._signature(headers, body, now)
        if check is not payment.NoticeCheck.GENUINE:
            return self._desk.kept(headers, body, now, check)
        try:
            read = self._open(body, now)
        except claiming.Foreign:
            return self._desk.kept(headers, body, now, payment.NoticeCheck.FOREIGN)
        except ValueError:
            return self._desk.kept(headers, body, now, payment.NoticeCheck.UNREADABLE)
        return self._desk.kept(headers, body, now, check, read)

    def _signature(self, headers: ports.Headers, body: bytes, now: datetime) -> payment.NoticeCheck:
        told = {name: [v for k, v in headers if k.lower() == name.lower()] for name in self._speech.signed}
        # Whoever strolls by must not fill the inbox: what is kept at least claims to come from the channel.
        if not any(told.values()):
            raise faults.Rejected(f"no callback: it carries none of {self._speech.name}'s headers")
        # Two headers of one name are two stories: each proxy on the way may believe another one.
        if any(len(values) != 1 for values in told.values()):
            return payment.NoticeCheck.BAD_SIGNATURE
        stamp, nonce, signature, serial, *kind = (told[name][0] for name in self._speech.signed)
        if self._speech.probe is not None and signature.startswith(self._speech.probe):
            return payment.NoticeCheck.PROBE
        if (kind and kind != [self._speech.scheme]) or signing.stamped(stamp) is None:
            return payment.NoticeCheck.BAD_SIGNATURE
        try:
            key = self._talk.trust.key(serial, now)
        except faults.Defect as ours:
            # Our own credentials are wrong. Whoever asks the channel next says so aloud; this callback must come again until then.
            raise faults.Unavailable(f"its certificate cannot be fetched: {ours.why}", code=ours.code) from ours
        if key is None:
            return payment.NoticeCheck.UNKNOWN_CERTIFICATE
        try:
            message = signing.answer_string(stamp, nonce, body)
        except UnicodeEncodeError:
            return payment.NoticeCheck.BAD_SIGNATURE
        if not signing.fits(key, signature, message):
            return payment.NoticeCheck.BAD_SIGNATURE
        return payment.NoticeCheck.CLOCK if signing.clock_trouble(stamp, now) else payment.NoticeCheck.GENUINE

    def _open(self, body: bytes, now: datetime) -> keeping.Read:
        """Raises Foreign, or ValueError."""
        told = strictjson.parse(body, wire.Envelope)
        if told.resource_type != "encrypt-resource" or told.resource.algorithm not in _ALGORITHMS:
            raise ValueError(f"sealed by {told.resource.algorithm[:40]!r}")
        sealed = told.resource
        raw = signing.unseal(
            self._account.apiv3_key, nonce=sealed.nonce, associated_data=sealed.associated_data, ciphertext=sealed.ciphertext
        )
        if told.event_type.startswith(_REFUNDED):
            news = strictjson.parse(raw, wire.RefundNews)
            if news.mchid is None and self._speech.refund_news_name_merchant:
                raise ValueError("it names no merchant")
            return keeping.Read(event=told.id, number=news.out_trade_no, refund=claims.refund_news(news, self._account, now, raw))
        if not told.event_type.startswith(self._speech.paid_events):
            raise ValueError(f"event {told.event_type[:40]!r} is none of ours")
        found = strictjson.parse(raw, wire.Transaction)
        attempt = claims.attempt(found, self._account, now, raw)
        # Only paid attempts are told of. A claim from a callback is never more than a reason to ask the channel.
        return keeping.Read(event=told.id, number=found.out_trade_no, attempt=attempt)
