"""Text in, the payment card numbers that stand in it out: asked of all that comes in, before it is stored or logged (PCI DSS 3)."""

from __future__ import annotations

import re

_RUN = re.compile(r"(?<![0-9A-Za-z])[0-9](?:[ -]?[0-9]){12,18}(?![0-9A-Za-z])", re.ASCII)
"""Thirteen to nineteen digits by themselves, as people group them. A longer run is some system's number and no card's."""
_ISSUED = re.compile(
    r"4[0-9]{12}(?:[0-9]{3}){0,2}"  # Visa: 13, 16 or 19
    r"|(?:5[1-5][0-9]{2}|222[1-9]|22[3-9][0-9]|2[3-6][0-9]{2}|27[01][0-9]|2720)[0-9]{12}"  # Mastercard
    r"|3[47][0-9]{13}"  # American Express
    r"|3(?:0[0-5]|[689][0-9])[0-9]{11,16}"  # Diners Club
    r"|35(?:2[89]|[3-8][0-9])[0-9]{12,15}"  # JCB
    r"|6(?:011|5[0-9]{2}|4[4-9][0-9])[0-9]{12,15}"  # Discover
    r"|62[0-9]{14,17}"  # UnionPay
    r"|(?:60[0-9]{2}|9(?:0|4|5|6)[0-9]{2})[0-9]{12,15}",  # older domestic cards of Chinese banks
    re.ASCII,
)
KEPT_DIGITS = 4
"""Of a masked number: enough for its owner to know it, too few for anybody to use it."""


def find_card(text: str) -> str | None:
    """The first card number in the text, as it stands there; None where there is none.

    A card's number has an issuer's prefix and length and a check digit by Luhn's rule. One in ten other numbers of that prefix and
    length has that digit too: ask this of free text, not of fields that hold a system's own numbers.
    """
    return next((run.group() for run in _RUN.finditer(text) if _is_card(run.group())), None)


def masked(text: str) -> str:
    """The text with every card number but its last four digits starred."""
    return _RUN.sub(lambda run: _starred(run.group()) if _is_card(run.group()) else run.group(), text)


def _is_card(run: str) -> bool:
    digits = re.sub("[ -]", "", run)
    return _ISSUED.fullmatch(digits) is not None and _luhn(digits)


def _luhn(digits: str) -> bool:
    """Every second digit from the right but the last is doubled, its digits added; the whole is a multiple of ten."""
    doubled = [sum(divmod(int(d) * 2, 10)) for d in digits[-2::-2]]
    return (sum(doubled) + sum(map(int, digits[-1::-2]))) % 10 == 0


def _starred(run: str) -> str:
    starred = sum(c.isdigit() for c in run) - KEPT_DIGITS
    return re.sub("[0-9]", "*", run, count=starred)
