"""A callback goes in as it came; the same goes out without any payment card's number, and says where it is not what came.

No channel has a reason to send one, but texts that people wrote travel with a payment. A signed body that is changed does not fit its
signature any more, and one that is not changed may not be kept: docs/decisions/0015-card-numbers.md says what is kept instead.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from urllib.parse import unquote_plus

import msgspec

from makewhole import ports
from makewhole.core import cards, ids
from makewhole.model import intact, payment

_CHARSETS = ("utf-8", "gb18030")
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")


def cardless(came: ports.Kept) -> ports.Kept:
    """What may be kept of it. Numbers of the payment itself pass where a genuine callback names them."""
    genuine = came.check is payment.NoticeCheck.GENUINE
    own = _own(came) if genuine else frozenset()
    attempt = None if came.attempt is None else _spoken(came.attempt, own)
    body = next((cards.masked(told, own=own).encode() for told in _readings(came.body) if cards.find_card(told, own=own)), came.body)
    if body == came.body and attempt != came.attempt:
        # It stood under the channel's seal, and whoever has our key could open that again.
        body = b""
    headers = tuple((k, cards.masked(v, key=k)) for k, v in came.headers)
    number = came.number if genuine else ids.OutTradeNo(cards.masked(came.number))
    if body != came.body or headers != came.headers:
        headers = intact.noted(headers, came.body)
    return dataclasses.replace(came, number=number, body=body, headers=headers, attempt=attempt)


def _own(came: ports.Kept) -> frozenset[str]:
    told = came.attempt or came.refund
    transaction = None if told is None else told.transaction
    refund = None if came.refund is None else came.refund.number
    return frozenset(str(n) for n in (came.number, transaction, refund) if n)


def _spoken(told: payment.Attempt, own: frozenset[str]) -> payment.Attempt:
    """What the shop and the buyer had written into it."""
    return msgspec.structs.replace(told, attach=cards.masked(told.attach, own=own), payer=cards.masked(told.payer, own=own))


def _readings(body: bytes) -> Iterator[str]:
    """The body as text, in each way in which it may be meant: as it stands, and with its escapes undone."""
    for charset in _CHARSETS:
        plain = body.decode(charset, "replace")
        yield plain
        if "%" in plain or "+" in plain:
            yield unquote_plus(plain, encoding=charset, errors="replace")
        if "\\u" in plain:
            yield _ESCAPED.sub(lambda m: chr(int(m[1], 16)), plain)
