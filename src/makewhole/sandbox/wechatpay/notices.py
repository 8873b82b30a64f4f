"""Callbacks as WeChat Pay sends them: events go in, sealed and signed deliveries come out on the documented schedule, until a 2xx."""

from __future__ import annotations

import heapq
import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from makewhole.core import clock
from makewhole.sandbox.wechatpay import keys, seal
from makewhole.sandbox.wechatpay.faults import Fault, Faults

SCHEDULE = tuple(
    timedelta(seconds=s) for s in (15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 3 * 3600, 3 * 3600, 3 * 3600, 6 * 3600, 6 * 3600)
)
"""15s/15s/30s/3m/10m/20m/30m/30m/30m/60m/3h/3h/3h/6h/6h, together 24 h 4 min."""
_DOUBLED_BY = timedelta(milliseconds=400)
_LATE_BY = timedelta(hours=3)
_OVERTAKEN_BY = timedelta(minutes=20)
_STALE_BY = timedelta(minutes=10)


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One POST to the merchant. `sound` is whether WeChat Pay itself stands behind it: a merchant that says 2xx to another is wrong."""

    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    number: str
    event: str
    sound: bool = True
    broken_by: Fault | None = None


Send = Callable[[Delivery], int]
"""Carries it to the merchant and returns the status; an OSError is no answer."""


@dataclass(kw_only=True)
class Notice:
    """An event on its way to the merchant."""

    id: str
    event: str
    kind: str
    content: bytes
    number: str
    url: str
    created_at: datetime
    due_at: datetime
    tries: int = 0
    acknowledged: bool = False
    never: bool = False


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


@dataclass(kw_only=True)
class Notices:
    """All callbacks of one merchant account."""

    faults: Faults
    signer: Signer
    apiv3_key: bytes
    wire_clock: clock.Clock
    wrongly_acknowledged: Counter[str] = field(default_factory=Counter)
    """Deliveries that no merchant may say 2xx to, and one did: by the fault that made them."""
    delivered: int = 0
    all: list[Notice] = field(default_factory=list)
    _queue: list[tuple[datetime, int, Notice]] = field(default_factory=list)
    _pushed: int = 0

    def announce(self, event: str, content: Mapping[str, Any], *, url: str, at: datetime) -> Notice:
        """Put an event on its way."""
        number = str(content["out_trade_no"])
        notice = Notice(
            id=f"EV-{at.astimezone(clock.BEIJING):%Y%m%d}{len(self.all):010d}",
            event=event,
            kind="refund" if event.startswith("REFUND.") else "transaction",
            content=json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode(),
            number=number,
            url=url,
            created_at=at,
            due_at=at,
        )
        notice.never = self.faults.draw(Fault.NOTICE_NEVER, event)
        if self.faults.draw(Fault.NOTICE_LATE, event):
            notice.due_at += _LATE_BY
        if self.faults.draw(Fault.NOTICE_OUT_OF_ORDER, event):
            notice.due_at += _OVERTAKEN_BY
        self._push(notice)
        if self.faults.draw(Fault.NOTICE_DOUBLED, event):
            self._push(replace(notice, due_at=notice.due_at + _DOUBLED_BY))
        return notice

    def next_due(self) -> datetime | None:
        """When the next delivery is due."""
        return self._queue[0][0] if self._queue else None

    def due(self, now: datetime) -> list[Notice]:
        """What is due, oldest first, taken from the queue: `deliver` puts back what must come again."""
        taken = []
        while self._queue and self._queue[0][0] <= now:
            taken.append(heapq.heappop(self._queue)[2])
        return taken

    def deliver(self, now: datetime, send: Send) -> int:
        """Deliver what is due. Returns how many POSTs were made."""
        before = self.delivered
        for notice in self.due(now):
            if not notice.never and not self.faults.draw(Fault.NOTICE_LOST, notice.event):
                if self.faults.draw(Fault.NOTICE_FORGED, notice.event):
                    self._sent(self.forge(notice), send)
                notice.acknowledged = self._sent(self.dress(notice), send) or notice.acknowledged
            if not notice.acknowledged and notice.tries < len(SCHEDULE):
                notice.due_at = max(now, notice.due_at) + SCHEDULE[notice.tries]
                notice.tries += 1
                self._push(notice, again=True)
        return self.delivered - before

    def dress(self, notice: Notice) -> Delivery:
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
        return Delivery(
            url=notice.url,
            headers=tuple(headers.items()),
            body=body,
            number=notice.number,
            event=notice.event,
            sound=broken is None,
            broken_by=broken,
        )

    def forge(self, notice: Notice, key: str = "stranger") -> Delivery:
        """The same, made by somebody who knows everything but the platform's key: he even knows the APIv3 key."""
        body = self._body(notice)
        headers = self._signed(body, key=key)
        return Delivery(
            url=notice.url,
            headers=headers,
            body=body,
            number=notice.number,
            event=notice.event,
            sound=False,
            broken_by=Fault.NOTICE_FORGED,
        )

    def _sent(self, delivery: Delivery, send: Send) -> bool:
        self.delivered += 1
        try:
            yes = 200 <= send(delivery) < 300
        except OSError:
            return False
        if yes and not delivery.sound:
            self.wrongly_acknowledged[delivery.broken_by.value if delivery.broken_by else ""] += 1
        return yes

    def _body(self, notice: Notice, *, tag_bad: bool = False) -> bytes:
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

    def _push(self, notice: Notice, *, again: bool = False) -> None:
        if not again:
            self.all.append(notice)
        self._pushed += 1
        heapq.heappush(self._queue, (notice.due_at, self._pushed, notice))


_BREAKS = (Fault.NOTICE_TAMPERED, Fault.NOTICE_TAG_BAD, Fault.NOTICE_PROBE, Fault.NOTICE_WRONG_SERIAL, Fault.NOTICE_STALE)
_SUMMARY: Mapping[str, str] = {
    "TRANSACTION.SUCCESS": "支付成功",
    "REFUND.SUCCESS": "退款成功",
    "REFUND.ABNORMAL": "退款异常",
    "REFUND.CLOSED": "退款关闭",
}
