"""Alipay's codes and sub-codes, all that are documented: a pair goes in, one of our faults comes out.

A pair that is not in the tables proves nothing: an act may have happened, a read has told nothing; it is logged and counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from makewhole.adapters.payments import meanings
from makewhole.adapters.payments.meanings import Meaning
from makewhole.core import faults

OK = "10000"
BUSINESS = "40004"
"""Understood and refused by the business itself; the sub-code says why."""


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
    says = meaning(sub_code) or CODES.get(code)
    if says is None:
        meanings.note(unlisted, "Alipay", word or "nothing")
    return meanings.fault(says, why, word, act=act, todo="Check app id, key, certificates, contract and this machine's clock")
