"""Text in, the payment card numbers that stand in it out: asked of all that comes in, before it is stored or logged (PCI DSS 3)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any

_BLANK = " \u00a0\u2009\u202f\u3000"
_DASH = "\\-\u2010\u2011\u2012\u2013\u2014\uff0d"
GAP = rf"[{_BLANK}{_DASH}]"
"""What people put between the groups of a number, as a pattern."""
_SPAN = re.compile(rf"\d(?<![\dA-Za-z*]\d)(?<!\*{GAP}\d)\d++(?![A-Za-z])(?:{GAP}\d{{2,}}+(?![A-Za-z]))*+")
"""Digits of any alphabet, alone or in groups as people write them; what an earlier masking left of a number begins none."""
_TOKEN = re.compile(rf"[^{_BLANK}]+")
SUSPECT = re.compile(rf"(?:\d{GAP}?){{13}}")
"""Where this is nowhere there is no card: a cheap test before the whole one."""
DIGITS_MIN, DIGITS_MAX = 13, 19
"""Of a card's number (ISO/IEC 7812; the shortest are old Visa cards)."""
_USUAL = re.compile(
    r"4[0-9]{15}"  # Visa
    r"|(?:5[1-5][0-9]{2}|222[1-9]|22[3-9][0-9]|2[3-6][0-9]{2}|27[01][0-9]|2720)[0-9]{12}"  # Mastercard
    r"|3[47][0-9]{13}"  # American Express
    r"|35(?:2[89]|[3-8][0-9])[0-9]{12}"  # JCB
    r"|6(?:011|5[0-9]{2}|4[4-9][0-9])[0-9]{12}"  # Discover
    r"|(?:62[0-9]|81[0-7])[0-9]{13,16}"  # UnionPay: 16 to 19
)
_RARE = re.compile(
    r"4(?:[0-9]{12}|[0-9]{18})"  # Visa of other lengths
    r"|3(?:0[0-5]|[689][0-9])[0-9]{11,16}"  # Diners Club
    r"|35(?:2[89]|[3-8][0-9])[0-9]{13,15}"  # JCB
    r"|6(?:011|5[0-9]{2}|4[4-9][0-9])[0-9]{13,15}"  # Discover
    r"|(?:60[0-9]{2}|9(?:0|4|5|6)[0-9]{2})[0-9]{12,15}"  # older domestic cards of Chinese banks
)
"""Numbers that hardly any card has, and that orders of marketplaces (19 digits, often from 4 on) and parcels (13 digits, from 4 on)
have by the million. They count where they are written in groups, or where a card is spoken of."""
_CARD_WORD = re.compile(r"card|visa|master|amex|jcb|union\s?pay|(?<![A-Za-z])pan(?![A-Za-z])|卡|银联", re.IGNORECASE)
_SPOKEN_OF = 24
"""Characters before a number in which a card may be spoken of."""
_BEFORE = re.compile(r"([A-Za-z][\w.-]*|[\u4e00-\u9fff]+)[\"'”’]?[\s\[(（]{0,3}[:=：＝#/]?[\s\[(（]{0,3}[\"'“‘]?$", re.ASCII)
"""The word that a number belongs to: a key, a path's part, the noun before it."""
_OWN = re.compile(
    r"[A-Za-z0-9](?:[_.-](?i:no|sn|id|num|number|code|key|seq|serial)|No|NO|Sn|SN|Id|ID|Num|Number|Code|Key|Seq|Serial)$|"
    r"(?i:order|trade|transaction|refund|track|express|way_?bill|trace|span|request|coupon)|(?:单|编|流水|交易|请求|序|商户)号?$|券码$"
)
"""Words for a system's own numbers. One in ten numbers of an issuer's prefix and length passes Luhn's rule: beside such a word it is
taken for what it is called."""
KEPT_DIGITS = 4
"""Of a masked number: enough for its owner to know it, too few for anybody to use it."""


def find_card(text: str, *, own: Collection[str] = ()) -> str | None:
    """The first card number in the text that is none of its `own` numbers, as it stands there; None where there is none.

    A card's number has an issuer's prefix and length and a check digit by Luhn's rule. One in ten other numbers of that prefix and
    length has that digit too: ask this of free text, not of fields that hold a system's own numbers.
    """
    return next((text[start:end] for start, end in _places(text, "") if text[start:end] not in own), None)


def masked(text: str, *, own: Collection[str] = (), key: str = "") -> str:
    """The text with every card number but its last four digits starred; the length stays.

    `own` are numbers that are known to be a system's own, and pass. `key` is the word that the text belongs to, where it stands elsewhere.
    """
    if SUSPECT.search(text) is None:
        return text
    parts, last = list[str](), 0
    for start, end in _places(text, key):
        if text[start:end] not in own:
            parts += [text[last:start], _starred(text[start:end])]
            last = end
    return "".join((*parts, text[last:]))


def cleaned(value: Any, *, key: str = "", own: Collection[str] = ()) -> Any:
    """A tree of JSON's kinds with every text in it masked; what stands under the name of a system's own number passes, or under one of
    the names in `own`."""
    if key in own and not isinstance(value, dict):
        return value
    match value:
        case str():
            return masked(value, key=key)
        case dict():
            return {k: cleaned(inner, key=str(k), own=own) for k, inner in value.items()}
        case list() | tuple():
            return [cleaned(inner, key=key, own=own) for inner in value]
        case int() if abs(value) >= 10 ** (DIGITS_MIN - 1):
            told = masked(str(value), key=key)
            return value if told == str(value) else told
        case _:
            return value


def _places(text: str, key: str) -> Iterator[tuple[int, int]]:
    """From where to where cards stand."""
    for span in _SPAN.finditer(text):
        if span.end() - span.start() < DIGITS_MIN:
            continue
        tokens = [(span.start() + t.start(), span.start() + t.end()) for t in _TOKEN.finditer(span.group())]
        at = 0
        while at < len(tokens):
            width = _width(text, tokens[at:], key)
            if width:
                yield tokens[at][0], tokens[at + width - 1][1]
            at += max(width, 1)


def _width(text: str, tokens: list[tuple[int, int]], key: str) -> int:
    """Of how many tokens, from the first on, a card is made; 0 where none begins here. What is joined by dashes is one token."""
    start = tokens[0][0]
    fitting = []
    for width, (_, end) in enumerate(tokens, start=1):
        digits = _digits(text[start:end])
        if len(digits) > DIGITS_MAX:
            break
        if len(digits) >= DIGITS_MIN:
            fitting.append((width, end, digits))
    return next((width for width, end, digits in reversed(fitting) if _is_card(text, start, end, digits, key)), 0)


def _is_card(text: str, start: int, end: int, digits: str, key: str) -> bool:
    if not _luhn(digits):
        return False
    usual = _USUAL.fullmatch(digits) is not None
    if not usual and _RARE.fullmatch(digits) is None:
        return False
    grouped = len(digits) < end - start
    before = text[max(0, start - _SPOKEN_OF) : start] or key
    said = _CARD_WORD.search(before) is not None or _CARD_WORD.search(key) is not None
    if not (usual or grouped or said):
        return False
    word = _BEFORE.search(before)
    named = key if word is None and start == 0 else "" if word is None else word.group(1)
    # A system's own number is not written in groups of four; and a card's number is no order's, whatever else is spoken of.
    return any(c in _BLANK for c in text[start:end]) or _CARD_WORD.search(named) is not None or _OWN.search(named) is None


def _digits(text: str) -> str:
    """Its digits, whatever alphabet they are of, as our own."""
    if text.isascii() and text.isdigit():
        return text
    return "".join(str(int(c)) for c in text if c.isdecimal())


def _luhn(digits: str) -> bool:
    """Every second digit from the right but the last is doubled, its digits added; the whole is a multiple of ten."""
    doubled = [sum(divmod(int(d) * 2, 10)) for d in digits[-2::-2]]
    return (sum(doubled) + sum(map(int, digits[-1::-2]))) % 10 == 0


def _starred(found: str) -> str:
    starred = sum(c.isdecimal() for c in found) - KEPT_DIGITS
    return re.sub(r"\d", "*", found, count=starred)
