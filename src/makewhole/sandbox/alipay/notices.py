"""Callbacks as Alipay sends them: events go in, signed forms come out on the documented schedule, until the answer is `success`."""

from __future__ import annotations

import json
from datetime import timedelta
from urllib.parse import urlencode

from makewhole.core import clock
from makewhole.sandbox.alipay import keys, objects, seal
from makewhole.sandbox.channel import post
from makewhole.sandbox.channel.faults import Fault, Faults

SCHEDULE = tuple(timedelta(minutes=m) for m in (4, 10, 10, 60, 120, 360, 900))
"""4m/10m/10m/1h/2h/6h/15h, together 24 h 24 min: the pages say 24 h 22 min, counted from somewhat later."""


class Notices(post.Post[bytes]):
    """All callbacks of one merchant account. The merchant answers with a body."""

    def __init__(self, *, faults: Faults, wire_clock: clock.Clock) -> None:
        super().__init__(faults, SCHEDULE)
        self.wire_clock = wire_clock
        self.signer = "alipay"
        """Whose key signs, here and on answers."""
        self.names_certificate = False
        """Whether a callback says by which certificate; the pages do not tell, and clients know both."""

    def dress(self, notice: post.Notice) -> post.Delivery:
        """The POST of a notice: signed, and broken if the plan says so."""
        broken = Fault.NOTICE_TAMPERED if self.faults.draw(Fault.NOTICE_TAMPERED, notice.event) else None
        body = self._body(notice)
        if broken:
            at = self.faults.pick(len(body))
            body = body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]
        return self._delivery(notice, body, broken)

    def forge(self, notice: post.Notice, key: str = "stranger") -> post.Delivery:
        """The same, made by somebody who knows everything but Alipay's key."""
        return self._delivery(notice, self._body(notice, key), Fault.NOTICE_FORGED)

    def _yes(self, said: bytes) -> bool:
        return said == b"success"

    def _body(self, notice: post.Notice, key: str = "") -> bytes:
        # What is empty is not sent.
        told: dict[str, str] = {name: value for name, value in json.loads(notice.content).items() if value}
        told["notify_id"] = notice.id.removeprefix("EV-") + "1222"
        told["notify_time"] = objects.time(self.wire_clock.now())
        if self.names_certificate:
            told["alipay_cert_sn"] = seal.cert_sn(self.signer)
        codec = told["charset"].lower()
        told["sign"] = seal.sign(keys.private(key or self.signer), seal.content(told, "sign", "sign_type").encode(codec))
        return urlencode(told | {"sign_type": "RSA2"}, encoding=codec).encode()

    def _delivery(self, notice: post.Notice, body: bytes, broken: Fault | None) -> post.Delivery:
        headers = (("Content-Type", "application/x-www-form-urlencoded; charset=utf-8"), ("User-Agent", "Mozilla/4.0"))
        return post.Delivery(
            url=notice.url,
            headers=headers,
            body=body,
            number=notice.number,
            event=notice.event,
            sound=broken is None,
            broken_by=broken,
        )
