"""Alipay's codes and sub-codes, all that are documented: a pair goes in, one of our faults comes out.

A pair that is not in the tables proves nothing: an act may have happened, a read has told nothing; it is logged and counted.
"""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Mapping

import structlog

from makewhole.core import faults

_log = structlog.get_logger()
OK = "10000"
BUSINESS = "40004"
"""Understood and refused by the business itself; the sub-code says why."""


class Meaning(enum.Enum):
    """What a code says, and so what may be done."""

    REFUSED = "refused"
    """Understood, and no."""
    PAID = "paid"
    CLOSED = "closed"
    STATE = "state"
    """The trade is not in a state for it; which state it is in, only a query tells."""
    USED = "used"
    """The number exists there with other content."""
    NOT_FOUND = "not-found"
    """A trade is made when the buyer opens the cashier: never "closed", never "unpaid"."""
    NO_BILL = "no-bill"
    BUSY = "busy"
    """Too many calls; nothing happened."""
    CONFUSED = "confused"
    """The server does not know itself: the same again with the same number, after looking."""
    OURS = "ours"
    """Our key, certificate, clock, contract or configuration: no order can go on until a person mends it."""


SUB_CODES: Mapping[str, Meaning] = {
    "ACQ.SYSTEM_ERROR": Meaning.CONFUSED,
    "ACQ.TRADE_NOT_EXIST": Meaning.NOT_FOUND,
    "ACQ.TRADE_STATUS_ERROR": Meaning.STATE,
    "ACQ.TRADE_HAS_SUCCESS": Meaning.PAID,
    "ACQ.TRADE_HAS_FINISHED": Meaning.PAID,
    "ACQ.TRADE_HAS_CLOSE": Meaning.CLOSED,
    "ACQ.SELLER_BALANCE_NOT_ENOUGH": Meaning.REFUSED,
    "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL": Meaning.REFUSED,
    "ACQ.REASON_TRADE_BEEN_FREEZEN": Meaning.REFUSED,
    "ACQ.DISCORDANT_REPEAT_REQUEST": Meaning.USED,
    "ACQ.CONTEXT_INCONSISTENT": Meaning.USED,
    "ACQ.TRADE_NOT_ALLOW_REFUND": Meaning.REFUSED,
    "ACQ.INVALID_PARAMETER": Meaning.REFUSED,
    "BILL_NOT_EXIST": Meaning.NO_BILL,
    "isp.unknow-error": Meaning.CONFUSED,
    "aop.unknow-error": Meaning.CONFUSED,
    "isv.invalid-parameter": Meaning.REFUSED,
    "isv.invalid-signature": Meaning.OURS,
    "isv.invalid-signature-type": Meaning.OURS,
    "isv.invalid-app-id": Meaning.OURS,
    "isv.invalid-timestamp": Meaning.OURS,
    "isv.missing-signature": Meaning.OURS,
    "isv.missing-signature-key": Meaning.OURS,
    "isv.missing-app-id": Meaning.OURS,
    "isv.missing-timestamp": Meaning.OURS,
    "isv.insufficient-isv-permissions": Meaning.OURS,
    "aop.invalid-auth-token": Meaning.OURS,
    "aop.auth-token-time-out": Meaning.OURS,
    "aop.invalid-app-auth-token": Meaning.OURS,
    "aop.app-auth-token-time-out": Meaning.OURS,
    "aop.invalid-app-auth-token-no-api": Meaning.OURS,
}
"""Bills spell theirs with a prefix on some pages and without on others: `meaning` looks at the end of the word."""
CODES: Mapping[str, Meaning] = {
    "20000": Meaning.CONFUSED,
    "20001": Meaning.OURS,
    "40005": Meaning.BUSY,
    "40006": Meaning.OURS,
}
"""Where the sub-code says nothing. 40001, 40002 and 40004 mean nothing without one."""


def meaning(code: str | None) -> Meaning | None:
    """What a word says: a sub-code, or a code that came alone. None for one that is not documented."""
    word = code or ""
    if word.upper().endswith("BILL_NOT_EXIST"):
        return Meaning.NO_BILL
    return SUB_CODES.get(word) or CODES.get(word)


def fault(code: str, sub_code: str, message: str, *, act: bool, unlisted: Counter[str]) -> faults.Fault:
    """The fault that an error answer means. `unlisted` counts pairs that the tables lack, for the doctor to show."""
    word = sub_code or code
    why = f"Alipay says {word or 'nothing'} ({code}): {message}" if message else f"Alipay says {word or 'nothing'} ({code})"
    match meaning(sub_code) or CODES.get(code):
        case Meaning.REFUSED | Meaning.PAID | Meaning.CLOSED | Meaning.STATE | Meaning.USED | Meaning.NOT_FOUND | Meaning.NO_BILL:
            return faults.Rejected(why, code=word)
        case Meaning.BUSY:
            return faults.Unavailable(why, code=word)
        case Meaning.OURS:
            return faults.Credentials(f"{why}. Check app id, key, certificates, contract and this machine's clock", code=word)
        case Meaning.CONFUSED:
            return unknown(why, word, act=act)
        case None:
            unlisted[word or "nothing"] += 1
            _log.warning("alipay answered with a code that is not documented", code=code, sub_code=sub_code)
            return unknown(why, word, act=act)


def unknown(why: str, code: str | None, *, act: bool) -> faults.Fault:
    """It may have happened; a read has told nothing."""
    return faults.Indeterminate(why, code=code) if act else faults.Unavailable(why, code=code)
