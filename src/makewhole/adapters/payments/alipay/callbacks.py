"""Callbacks: raw form bytes and the time go in, a notice ready to be kept comes out, judged. Nothing in it is believed before that.

Genuine means: signed by Alipay over these very parameters, about our app and our seller number. It does not mean that the amount is the
order's; that is for the diagnosis, which holds the order. A callback that comes again carries the same notify_id, and no page says
that its notify_time is new: its age proves nothing, and none is refused for it. Played again it is the same notice.
"""

from __future__ import annotations

from datetime import datetime

from cryptography.hazmat.primitives.asymmetric import rsa

from makewhole import ports
from makewhole.adapters.payments import claiming, keeping
from makewhole.adapters.payments.alipay import account, claims, signing, trust, wire
from makewhole.core import faults, ids
from makewhole.model import payment

_KEPT = frozenset({"content-type", "user-agent"})
"""What the shop needs to read the body again; all that is signed is in the body."""
_CLAIMS = (b"sign=", b"notify_id=")
_TYPE = "trade_status_sync"


class Callbacks:
    """Reads the callbacks of one account for one shop."""

    def __init__(self, of: account.Account, trusted: trust.Trust, shop: ids.ShopName) -> None:
        self._account, self._trust = of, trusted
        self._desk = keeping.Desk(shop=shop, channel=of.name, headers=_KEPT)

    def read(self, headers: ports.Headers, body: bytes, now: datetime) -> ports.Kept:
        """The notice, judged. Raises Rejected for a request that claims no signature at all, Unavailable where it cannot be judged now."""
        # Whoever strolls by must not fill the inbox: what is kept at least claims to come from the channel.
        if not any(part.startswith(_CLAIMS) for part in body.split(b"&")):
            raise faults.Rejected("no callback: it carries neither sign nor notify_id")
        try:
            told = wire.form(body)
        except ValueError:
            return self._desk.kept(headers, body, now, payment.NoticeCheck.BAD_SIGNATURE)
        check = self._signed(told, now)
        if check is not payment.NoticeCheck.GENUINE:
            return self._desk.kept(headers, body, now, check)
        try:
            read = self._open(told, body, now)
        except claiming.Foreign:
            return self._desk.kept(headers, body, now, payment.NoticeCheck.FOREIGN)
        except ValueError:
            return self._desk.kept(headers, body, now, payment.NoticeCheck.UNREADABLE)
        return self._desk.kept(headers, body, now, payment.NoticeCheck.GENUINE, read)

    def _signed(self, told: dict[str, str], now: datetime) -> payment.NoticeCheck:
        if told.get("sign_type") != signing.SCHEME:
            return payment.NoticeCheck.BAD_SIGNATURE
        keys = self._keys(told.get("alipay_cert_sn", ""), now)
        if not keys:
            return payment.NoticeCheck.UNKNOWN_CERTIFICATE
        message = signing.notice_text(told).encode(wire.CHARSETS[told.get("charset", "utf-8").lower()])
        fits = any(signing.fits(key, told.get("sign", ""), message) for key in keys)
        return payment.NoticeCheck.GENUINE if fits else payment.NoticeCheck.BAD_SIGNATURE

    def _keys(self, named: str, now: datetime) -> list[rsa.RSAPublicKey]:
        """Of the certificate that it names; all that we believe where it names none, as most do."""
        if not named or not self._account.roots:
            return self._trust.keys(now)
        try:
            key = self._trust.key(named, now)
        except faults.Defect as ours:
            # Our own credentials are wrong. Whoever asks Alipay next says so aloud; this callback must come again until then.
            raise faults.Unavailable(f"its certificate cannot be fetched: {ours.why}", code=ours.code) from ours
        return [] if key is None else [key]

    def _open(self, told: dict[str, str], body: bytes, now: datetime) -> keeping.Read:
        """Raises Foreign, or ValueError."""
        of = self._account
        if told.get("app_id") != of.app_id or told.get("seller_id") != of.seller_id:
            raise claiming.Foreign(f"app {told.get('app_id', '')[:40]!r}, ours is {of.app_id}")
        news = wire.notice(told)
        if news.notify_type != _TYPE or not news.notify_id:
            raise ValueError(f"a callback of type {news.notify_type[:40]!r} is none of ours")
        # A trade that timed out unpaid says refund_fee 0.00: only a time of refund is one.
        if news.gmt_refund and news.out_biz_no:
            return keeping.Read(event=news.notify_id, number=news.out_trade_no, refund=claims.notice_refund(news, of, now, body))
        return keeping.Read(event=news.notify_id, number=news.out_trade_no, attempt=claims.notice_attempt(news, of, now, body))
