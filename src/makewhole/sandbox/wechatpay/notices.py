"""Callbacks as WeChat Pay sends them: events go in, sealed and signed deliveries come out on the documented schedule, until a 2xx."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from makewhole.core import clock
from makewhole.sandbox.channel import post
from makewhole.sandbox.channel.faults import Fault, Faults
from makewhole.sandbox.wechatpay import keys, seal

SCHEDULE = tuple(
    timedelta(seconds=s) for s in (15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 3 * 3600, 3 * 3600, 3 * 3600, 6 * 3600, 6 * 3600)
)
"""15s/15s/30s/3m/10m/20m/30m/30m/30m/60m/3h/3h/3h/6h/6h, together 24 h 4 min."""
_STALE_BY = timedelta(minutes=10)


@dataclass(kw_only=True)
class Signer:
    """By which key the channel signs now."""

    public_key_mode: bool = False
    platform: int = 0
    listed: int = 1
    """How many certificates GET /v3/certificates shows: the second appears when it is first used."""

    def rotate(self) -> None:
        """The other certificate signs from now on; both are listed, as in the months around a real rotation."""
        self.platform, self.listed = 1 - self.platform, len(keys.PLATFORM_SERIALS)

    def serial(self) -> str:
        """What stands in Wechatpay-Serial."""
        return keys.PUBLIC_KEY_ID if self.public_key_mode else keys.PLATFORM_SERIALS[self.platform]

    def key(self) -> str:
        """The key's name."""
        return "public_key_mode" if self.public_key_mode else f"platform_{self.platform + 1}"


class Notices(post.Post[int]):
    """All callbacks of one merchant account. The merchant answers with a status."""

    def __init__(self, *, faults: Faults, signer: Signer, apiv3_key: bytes, wire_clock: clock.Clock) -> None:
        super().__init__(faults, SCHEDULE)
        self.signer, self.apiv3_key, self.wire_clock = signer, apiv3_key, wire_clock

    def dress(self, notice: post.Notice) -> post.Delivery:
        """The POST of a notice: stamped now, sealed and signed anew, and broken if the plan says so."""
        broken = next((f for f in _BREAKS if self.faults.draw(f, notice.event)), None)
        body = self._body(notice, tag_bad=broken is Fault.NOTICE_TAG_BAD)
        headers = dict(self._signed(body, stale=broken is Fault.NOTICE_STALE))
        match broken:
            case Fault.NOTICE_TAMPERED:
                at = self.faults.pick(len(body))
                body = body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]
            case Fault.NOTICE_PROBE:
                headers["Wechatpay-Signature"] = "WECHATPAY/SIGNTEST/" + headers["Wechatpay-Signature"][:300]
            case Fault.NOTICE_WRONG_SERIAL:
                headers["Wechatpay-Serial"] = "7777" + keys.PLATFORM_SERIALS[0][4:]
            case _:
                pass
        return post.Delivery(
            url=notice.url,
            headers=tuple(headers.items()),
            body=body,
            number=notice.number,
            event=notice.event,
            sound=broken is None,
            broken_by=broken,
        )

    def forge(self, notice: post.Notice, key: str = "stranger") -> post.Delivery:
        """The same, made by somebody who knows everything but the platform's key: he even knows the APIv3 key."""
        body = self._body(notice)
        headers = self._signed(body, key=key)
        return post.Delivery(
            url=notice.url,
            headers=headers,
            body=body,
            number=notice.number,
            event=notice.event,
            sound=False,
            broken_by=Fault.NOTICE_FORGED,
        )

    def _yes(self, said: int) -> bool:
        return 200 <= said < 300

    def _body(self, notice: post.Notice, *, tag_bad: bool = False) -> bytes:
        resource = seal.seal(self.apiv3_key, notice.content, nonce=self.faults.text(12), associated_data=notice.kind)
        if tag_bad:
            text = resource["ciphertext"]
            resource["ciphertext"] = ("A" if text[0] != "A" else "B") + text[1:]
        told = {
            "id": notice.id,
            "create_time": clock.rfc3339(notice.created_at),
            "resource_type": "encrypt-resource",
            "event_type": notice.event,
            "summary": _SUMMARY.get(notice.event, ""),
            "resource": {"original_type": notice.kind} | resource,
        }
        return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()

    def _signed(self, body: bytes, *, key: str | None = None, stale: bool = False) -> tuple[tuple[str, str], ...]:
        if key is None and self.faults.draw(Fault.ROTATED):
            self.signer.rotate()
        stamp = str(int((self.wire_clock.now() - (_STALE_BY if stale else timedelta(0))).timestamp()))
        nonce = self.faults.text(32)
        signature = seal.sign(keys.private(key or self.signer.key()), stamp.encode(), nonce.encode(), body)
        return (
            ("Content-Type", "application/json; charset=utf-8"),
            ("User-Agent", "Mozilla/4.0"),
            ("Wechatpay-Nonce", nonce),
            ("Wechatpay-Serial", self.signer.serial()),
            ("Wechatpay-Signature", signature),
            ("Wechatpay-Signature-Type", seal.SCHEME),
            ("Wechatpay-Timestamp", stamp),
        )


_BREAKS = (Fault.NOTICE_TAMPERED, Fault.NOTICE_TAG_BAD, Fault.NOTICE_PROBE, Fault.NOTICE_WRONG_SERIAL, Fault.NOTICE_STALE)
_SUMMARY: Mapping[str, str] = {
    "TRANSACTION.SUCCESS": "支付成功",
    "REFUND.SUCCESS": "退款成功",
    "REFUND.ABNORMAL": "退款异常",
    "REFUND.CLOSED": "退款关闭",
}
