"""Callbacks ready to be kept: what came and what was made of it go in, a `ports.Kept` under the right key comes out. Shared by readers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from makewhole import ports
from makewhole.core import codec, ids
from makewhole.model import payment


@dataclass(frozen=True, kw_only=True)
class Read:
    """What a verified callback says."""

    event: str
    """The channel's own id of it: the same however often it comes."""
    number: str
    attempt: payment.Attempt | None = None
    refund: payment.ChannelRefund | None = None


@dataclass(frozen=True, kw_only=True)
class Desk:
    """Of one channel's account and one shop. `headers` are the names, in lower case, that must be kept to verify the callback again."""

    shop: ids.ShopName
    channel: ids.ChannelName
    headers: frozenset[str]

    def kept(self, headers: ports.Headers, body: bytes, now: datetime, check: payment.NoticeCheck, read: Read | None = None) -> ports.Kept:
        """The notice. Without `read` nothing of it was believed."""
        if read is None:
            # Not keyed by the id that it claims: a forgery must not take a genuine notice's place.
            key = ids.derive("notice", self.shop, self.channel, "refused", check.value, codec.digest_bytes(body))
        else:
            key = ids.derive("notice", self.shop, self.channel, read.event)
        return ports.Kept(
            key=key,
            shop=self.shop,
            channel=self.channel,
            number=ids.OutTradeNo(read.number if read else ""),
            check=check,
            received_at=now,
            headers=tuple((k, v) for k, v in headers if k.lower() in self.headers),
            body=body,
            attempt=read.attempt if read else None,
            refund=read.refund if read else None,
        )
