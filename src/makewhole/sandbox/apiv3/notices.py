"""Callbacks as channels of APIv3 send them: events go in, sealed and signed deliveries come out on the documented schedule, until a 2xx."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from makewhole.core import clock
from makewhole.sandbox.apiv3 import seal, speech
from makewhole.sandbox.channel import post
from makewhole.sandbox.channel.faults import Fault, Faults

SCHEDULE = tuple(
    timedelta(seconds=s) for s in (15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 3 * 3600, 3 * 3600, 3 * 3600, 6 * 3600, 6 * 3600)
)
"""15s/15s/30s/3m/10m/20m/30m/30m/30m/60m/3h/3h/3h/6h/6h, together 24 h 4 min."""
_STALE_BY = timedelta(minutes=10)


@dataclass(kw_only=True)
class Signer:
    """By which key the channel signs now."""

    speaks: speech.Speech
    public_key_mode: bool = False
    platform: int = 0
    listed: int = 1
    """How many certificates GET /v3/certificates shows: the second appears when it is first used."""

    def rotate(self) -> None:
        """The other certificate signs from now on; both are listed, as in the months around a real rotation."""
        self.platform, self.listed = 1 - self.platform, len(self.speaks.keys.PLATFORM_SERIALS)

    def serial(self) -> str:
        """What stands beside the signature."""
        return self.speaks.public_key_id if self.public_key_mode else self.speaks.keys.PLATFORM_SERIALS[self.platform]

    def unknown(self) -> str:
        """A serial of nobody's."""
        return "7777" + self.speaks.keys.PLATFORM_SERIALS[0][4:]

    def key(self) -> str:
        """The key's name."""
        return "public_key_mode" if self.public_key_mode else f"platform_{self.platform + 1}"

    def headers(self, body: bytes, *, at: datetime, nonce: str, key: str | None = None) -> dict[str, str]:
        """Those that carry a signature over a body, by this signer or by another key."""
        speaks, stamp = self.speaks, str(int(at.timestamp()))
        told = {
            "Nonce": nonce,
            "Serial": self.serial(),
            "Signature": seal.sign(speaks.keys.private(key or self.key()), stamp.encode(), nonce.encode(), body),
            "Signature-Type": speaks.scheme,
            "Timestamp": stamp,
        }
        return {f"{speaks.prefix}-{name}": value for name, value in told.items() if name != "Signature-Type" or speaks.typed}


class Notices(post.Post[int]):
    """All callbacks of one merchant account. The merchant answers with a status."""

    def __init__(self, *, faults: Faults, signer: Signer, merchant: speech.Merchant, wire_clock: clock.Clock) -> None:
        super().__init__(faults, SCHEDULE)
        self.signer, self.merchant, self.wire_clock = signer, merchant, wire_clock
        self._breaks = _BREAKS if signer.speaks.probe else tuple(f for f in _BREAKS if f is not Fault.NOTICE_PROBE)

    def dress(self, notice: post.Notice) -> post.Delivery:
        """The POST of a notice: stamped now, sealed and signed anew, and broken if the plan says so."""
        broken = next((f for f in self._breaks if self.faults.draw(f, notice.event)), None)
        body = self._body(notice, tag_bad=broken is Fault.NOTICE_TAG_BAD)
        headers = dict(self._signed(body, stale=broken is Fault.NOTICE_STALE))
        match broken:
            case Fault.NOTICE_TAMPERED:
                at = self.faults.pick(len(body))
                body = body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]
            case Fault.NOTICE_PROBE:
                signature = f"{self.signer.speaks.prefix}-Signature"
                headers[signature] = self.signer.speaks.probe + headers[signature][:300]
            case Fault.NOTICE_WRONG_SERIAL:
                headers[f"{self.signer.speaks.prefix}-Serial"] = self.signer.unknown()
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
        key, algorithm = self.merchant.apiv3_key.encode(), self.signer.speaks.algorithm
        resource = seal.seal(key, notice.content, nonce=self.faults.text(12), associated_data=notice.kind, algorithm=algorithm)
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
        at = self.wire_clock.now() - (_STALE_BY if stale else timedelta(0))
        signed = self.signer.headers(body, at=at, nonce=self.faults.text(32), key=key)
        return (("Content-Type", "application/json; charset=utf-8"), ("User-Agent", "Mozilla/4.0"), *signed.items())


_BREAKS = (Fault.NOTICE_TAMPERED, Fault.NOTICE_TAG_BAD, Fault.NOTICE_PROBE, Fault.NOTICE_WRONG_SERIAL, Fault.NOTICE_STALE)
_SUMMARY: Mapping[str, str] = {
    "TRANSACTION.SUCCESS": "支付成功",
    "REFUND.SUCCESS": "退款成功",
    "REFUND.ABNORMAL": "退款异常",
    "REFUND.CLOSED": "退款关闭",
}
