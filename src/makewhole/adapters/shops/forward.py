"""Callbacks on their way to a shop: a kept notice goes in, it is posted to the shop's own URL as it came, the shop's answer comes out."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from makewhole import ports
from makewhole.adapters import http
from makewhole.adapters.shops import hands
from makewhole.core import faults, ids
from makewhole.model import act, intact, payment, plan, run

REPLAYS_MAX = 3
"""Forwardings of one notice after which replaying it once more is no hand any more: the shop has had its chances."""
_STAYS = frozenset({"user-agent", intact.DIGEST})
"""Of the headers that a reader keeps, those that do not belong to the callback itself: the way it took had one, and we have one."""
TAKEN = frozenset({200, 204})
"""What WeChat Pay counts as acknowledged."""


@dataclass(frozen=True, kw_only=True)
class Door:
    """Where a channel's callbacks go in the shop, and which answer (status and body) says that they were taken."""

    url: str
    taken: Callable[[int, bytes], bool] = lambda status, body: status in TAKEN


class HttpForwarder:
    """`ports.Forwarder` over HTTP: one door for each channel that has one of its own, the shop's first door for the rest."""

    def __init__(self, url: str, client: http.Client, doors: Mapping[ids.ChannelName, Door] | None = None) -> None:
        self._door, self._doors, self._client = Door(url=url), dict(doors or {}), client

    def forward(self, notice: ports.Kept) -> tuple[payment.ShopAnswer, int | None]:
        """The same headers and bytes that the channel signed. Nothing is believed of the answer but that it was given."""
        headers = {k: v for k, v in notice.headers if k.lower() not in _STAYS}
        door = self._doors.get(notice.channel, self._door)
        try:
            answer = self._client.act("POST", door.url, headers, notice.body)
        except (faults.Unavailable, faults.Indeterminate):
            return payment.ShopAnswer.UNREACHABLE, None
        if answer.status in http.GATEWAY_TROUBLE:
            return payment.ShopAnswer.UNREACHABLE, answer.status
        taken = door.taken(answer.status, answer.body)
        return (payment.ShopAnswer.ACKNOWLEDGED if taken else payment.ShopAnswer.REFUSED), answer.status


def replaying(notices: Callable[[ids.ShopName, ids.OutTradeNo], Sequence[ports.Kept]], forwarder: ports.Forwarder) -> hands.Replay:
    """The hand that replays: of the kept notices of a payment the genuine one, while the shop has not had it too often."""

    def replay(order: ids.OrderKey, step: plan.Step) -> run.News | None:
        if not isinstance(step.act, act.RecordPayment):
            return None
        kept = notices(order.shop, step.act.payment)
        whole = [k for k in kept if intact.intact(k.headers)]
        genuine = [k for k in whole if k.check is payment.NoticeCheck.GENUINE and k.refund is None]
        # A shop that said yes and did nothing will say yes and do nothing.
        again = [k for k in genuine if k.forwarded < REPLAYS_MAX and k.answer is not payment.ShopAnswer.ACKNOWLEDGED]
        if not again:
            return None
        answer, code = forwarder.forward(again[-1])
        match answer:
            case payment.ShopAnswer.ACKNOWLEDGED:
                return run.Succeeded(detail=f"replayed, answered {code}")
            case _:
                return None

    return replay


def calling(base_url: str, token: str, client: http.Client) -> hands.Caller:
    """The hand that calls the shop's admin API: JSON, the step's key as `Idempotency-Key`, a bearer token."""

    def call(asked: hands.Call) -> run.News:
        headers = {"Content-Type": "application/json", "Idempotency-Key": asked.key, "X-Request-Id": secrets.token_hex(8)}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        answer = client.act(asked.method, base_url.rstrip("/") + asked.path, headers, msgspec.json.encode(asked.body))
        if 200 <= answer.status < 300:
            return run.Succeeded(detail=str(answer.status))
        if answer.status in {429, 503}:
            raise faults.Unavailable(f"the shop's API answers {answer.status}", code=str(answer.status))
        if answer.status >= 500:
            raise faults.Indeterminate(f"the shop's API answers {answer.status}", code=str(answer.status))
        return run.Refusal(why=f"the shop's API answers {answer.status}", code=str(answer.status))

    return call
