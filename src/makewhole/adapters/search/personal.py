"""A line that somebody logged goes in; the same line without what is personal, and the names of things in it, come out.

What has a key beside it (`receiverName=`, `收货地址：`, `token:`) or a shape of its own (phones, identity cards, e-mail) is seen. A name
or an address in the middle of a sentence is not: nobody can tell it from a word.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from makewhole.core import cards, folding
from makewhole.model import document

MASK = "***"
Spell = Callable[[str], str]
"""Eleven digits of a phone go in; what may be kept of it, by the class that the shop's map gives receivers' phones, comes out."""

_ORDER = r"order[_-]?(?:no|sn|id|num(?:ber)?|code)?|out[_-]?trade[_-]?no|(?:商户)?订单(?:编?号)?|商户单号|单号"
_NAME = (
    r"transaction[_-]?id|trade[_-]?no|out[_-]?refund[_-]?no|refund[_-]?(?:no|id|sn)|tracking[_-]?(?:no|number)|express[_-]?(?:no|sn)|"
    r"way[_-]?bill[_-]?(?:no)?|x-request-id|request[_-]?id|req[_-]?id|trace[_-]?id|span[_-]?id|trace|coupon[_-]?(?:no|code|id)|"
    r"运单号|快递单号|物流单号|交易单?号|流水号|退款单号|支付单号|券码"
)
_PERSON = (
    r"(?:receiver|consignee|buyer|user|real|nick|payer)[_-]?name|consignee|receiver|(?:receiver[_-]?|detail[_-]?)?addr(?:ess)?(?:[_-]?detail)?|"
    r"id[_-]?card(?:[_-]?no)?|bank[_-]?card(?:[_-]?no)?|card[_-]?(?:no|number)|e?mail|open[_-]?id|union[_-]?id|payer|"
    r"收货人|收件人|姓名|收货地址|详细地址|地址|身份证号?码?|银行卡号?|邮箱"
)
_CONFIDENTIAL = r"password|passwd|pwd|(?:app|client)?[_-]?secret|(?:access[_-]?|refresh[_-]?)?token|authorization|cookie|api[_-]?key|密码"
_IS = r"""["'”]?\s{0,3}[:=：＝]\s{0,3}["'“]?"""
_PERSON_ROOTS = (
    *("name", "consignee", "receiver", "addr", "card", "mail", "open", "union", "payer"),
    *("收货", "收件", "姓名", "地址", "身份证", "银行卡", "邮箱"),
)
_NAME_ROOTS = (
    *("transaction", "trade", "refund", "track", "express", "bill", "request", "req", "trace", "span", "coupon"),
    *("单", "交易", "流水", "券码"),
)
_VALUE = r"[A-Za-z0-9](?=[A-Za-z_-]*[0-9])[A-Za-z0-9_-]{3,127}"
_PHONE_SHAPE = r"[1１][3-9３-９]\d[- ]?\d{4}[- ]?\d{4}(?![0-9A-Fa-f０-９_-])"
_CARD_SHAPE = r"(?:1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[123])\d{4}(?:19|20)\d{2}[01]\d[0-3]\d{4}[0-9Xx](?![0-9A-Za-z])"
_FAMILIES: tuple[tuple[Callable[[str], object], str], ...] = (
    (
        lambda text: any(root in text for root in ("pass", "pwd", "secret", "token", "authorization", "cookie", "key", "密码")),
        rf"(?P<secretkey>(?<![A-Za-z])(?:{_CONFIDENTIAL}){_IS})(?P<secret>(?:(?:Bearer|Basic)\s+)?[^\s,，;；&\"'）)\]}}]+)",
    ),
    (
        lambda text: any(root in text for root in _PERSON_ROOTS),
        rf"(?P<personkey>(?<![A-Za-z])(?:{_PERSON}){_IS})(?P<person>[^\s,，;；&\"'|）)\]}}]+)",
    ),
    (
        lambda text: any(root in text for root in ("order", "trade", "单")),
        rf"(?P<orderkey>(?<![A-Za-z])(?:{_ORDER})(?:{_IS}|\s+|/|(?<=[号单])))(?P<order>{_VALUE})",
    ),
    (
        lambda text: any(root in text for root in _NAME_ROOTS),
        rf"(?P<namekey>(?<![A-Za-z])(?:{_NAME})(?:{_IS}|\s+|(?<=[号码])))(?P<name>{_VALUE})",
    ),
    (lambda text: "bearer" in text, r"Bearer\s+(?P<bearer>[\w.~+/=-]{8,})"),
    (
        lambda text: "@" in text,
        r"(?P<urlkey>://[^/@:\s]{0,64}:)(?P<urlsecret>[^/@\s]+)(?=@)|(?P<mail>[\w.+-]{1,64})@(?=[\w-]+(?:\.[\w-]+)+)",
    ),
    (
        re.compile(_PHONE_SHAPE).search,
        rf"(?:(?<![0-9A-Fa-f０-９_-])|(?<=[Pp]hone)|(?<=[Mm]obile))(?:\+?86[- ]?)?(?P<phone>{_PHONE_SHAPE})",
    ),
    (re.compile(_CARD_SHAPE).search, rf"(?<![0-9A-Za-z])(?P<card>{_CARD_SHAPE})"),
)
"""What to look for, each with a cheap test whether it can be there: to look for all of it in every line takes a tenth of a millisecond."""
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_LOOSE = re.compile(r"(?<![0-9A-Za-z_-])(?!\d{4}-\d\d-\d\d)(?=[A-Za-z_-]*[0-9])[0-9A-Za-z][0-9A-Za-z_-]{11,63}(?![0-9A-Za-z_-])")
"""A long word with a digit in it, with or without a key beside it: a trace id in brackets, an order number in a path."""
_PHONE = re.compile(r"(?:\+?86)?(1[3-9]\d{9})")


@dataclass(kw_only=True)
class Told:
    """A line as it may be kept. `order` is the first number that an order's key stands beside."""

    text: str = ""
    order: str | None = None
    names: list[str] = field(default_factory=list)


def told(text: str, spell: Spell) -> Told:
    """The line as it may be kept, and the names in it."""
    found = Told()

    def instead(match: re.Match[str]) -> str:
        kind, whole = match.lastgroup, match.group()
        if kind is None:
            return whole
        value = match.group(kind)
        match kind:
            case "order":
                found.order = found.order or value
                found.names.append(value)
            case "name":
                found.names.append(value)
            case "phone":
                return whole.replace(value, spell(digits(value)))
            case "card":
                return MASK if _is_card(value) else whole
            case _:
                return whole.removesuffix("@").removesuffix(value) + MASK + ("@" if kind == "mail" else "")
        return whole

    found.text = cards.masked(_sought(text).sub(instead, text))
    found.names += _LOOSE.findall(found.text)
    found.names = list(dict.fromkeys(found.names))[: document.IDS_MAX]
    return found


def spellings(word: str, spell: Spell) -> tuple[str, ...]:
    """How a word that somebody looks for may stand in the index: a whole phone also as what was kept of it."""
    folded = folding.fold(word)
    phone = _PHONE.fullmatch(folded.replace(" ", "").replace("-", ""))
    kept = "" if phone is None else folding.fold(spell(phone.group(1)))
    # What is kept of nobody is kept of everybody: the bare mask would find all who ever phoned.
    return (folded,) if kept in {"", MASK, folded} else (folded, kept)


def shown(text: str) -> str:
    """The text as it is shown: of a phone that the index may hold, the first three and last four digits."""

    def instead(match: re.Match[str]) -> str:
        if match.lastgroup != "phone":
            return match.group()
        phone = digits(match.group("phone"))
        return match.group().replace(match.group("phone"), f"{phone[:3]}****{phone[-4:]}")

    return _sought(text).sub(instead, text)


def digits(phone: str) -> str:
    """Its eleven digits, without blanks and hyphens, in half width."""
    return "".join(c for c in folding.fold(phone) if c.isdigit())


def _sought(text: str) -> re.Pattern[str]:
    """One pattern of all that may be in this text, so that a number with a key beside it is not taken for a phone."""
    lowered = text.lower()
    return _pattern(tuple(n for n, (possible, _) in enumerate(_FAMILIES) if possible(lowered)))


@functools.cache
def _pattern(families: tuple[int, ...]) -> re.Pattern[str]:
    # Nothing to look for is a pattern that is nowhere.
    return re.compile("|".join(_FAMILIES[n][1] for n in families) or r"(?!)", re.IGNORECASE)


def _is_card(number: str) -> bool:
    """Whether the last character checks the others (GB 11643): an order's number of 18 digits seldom passes."""
    total = sum(int(n) * w for n, w in zip(number[:17], _WEIGHTS, strict=True))
    return "10X98765432"[total % 11] == number[17].upper()
