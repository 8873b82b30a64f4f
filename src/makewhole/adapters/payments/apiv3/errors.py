"""APIv3's error codes, all that WeChat Pay documents, in both spellings: a status and a code go in, one of our faults comes out.

A code that is not in the table proves nothing: an act may have happened, a read has told nothing; it is logged and counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from makewhole.adapters.payments import meanings
from makewhole.adapters.payments.meanings import Meaning
from makewhole.core import faults

TABLE: Mapping[str, Meaning] = {
    "USERPAYING": Meaning.PAYING,
    "PARAMERROR": Meaning.REFUSED,
    "INVALIDREQUEST": Meaning.REFUSED,
    "INVALIDTRANSACTIONID": Meaning.REFUSED,
    "REQUESTBLOCKED": Meaning.REFUSED,
    "APPIDMCHIDNOTMATCH": Meaning.OURS,
    "MCHNOTEXISTS": Meaning.OURS,
    "SIGNERROR": Meaning.OURS,
    "ORDERCLOSED": Meaning.CLOSED,
    "ORDERREVERSED": Meaning.CLOSED,
    "ORDERPAID": Meaning.PAID,
    "TRADEERROR": Meaning.REFUSED,
    "NOTENOUGH": Meaning.REFUSED,
    "ACCOUNTERROR": Meaning.REFUSED,
    "USERACCOUNTABNORMAL": Meaning.REFUSED,
    "NOAUTH": Meaning.REFUSED,
    "OUTTRADENOUSED": Meaning.USED,
    "RULELIMIT": Meaning.REFUSED,
    "OPENIDMISMATCH": Meaning.REFUSED,
    "ORDERNOTEXIST": Meaning.NOT_FOUND,
    "RESOURCENOTEXISTS": Meaning.NOT_FOUND,
    "REFUNDNOTEXISTS": Meaning.NOT_FOUND,
    "NOSTATEMENTEXIST": Meaning.NO_BILL,
    "STATEMENTCREATING": Meaning.NOT_MADE,
    "FREQUENCYLIMITED": Meaning.BUSY,
    "FREQUENCYLIMITEXCEED": Meaning.BUSY,
    "RATELIMITEXCEEDED": Meaning.BUSY,
    "SYSTEMERROR": Meaning.CONFUSED,
    "BANKERROR": Meaning.CONFUSED,
}
"""Keys are spelled as `spelled` does. Douyin Pay publishes no list, and took the protocol over word for word wherever one can look: these
are taken for its own too. That is assumed; `douyinpay.codes` in the settings corrects it without a release."""


def spelled(code: str | None) -> str:
    """A code without underscores: channels spell ORDER_NOT_EXIST and ORDERNOTEXIST, RULE_LIMIT and RULELIMIT."""
    return (code or "").replace("_", "").upper()


def fault(who: str, says: Meaning | None, status: int, code: str, message: str, *, act: bool, unlisted: Counter[str]) -> faults.Fault:
    """The fault that an error answer means. `unlisted` counts codes that the table lacks, for the doctor to show."""
    why = f"{who} says {code or 'nothing'} ({status}): {message}" if message else f"{who} says {code or 'nothing'} ({status})"
    if says is None:
        meanings.note(unlisted, who, code or f"HTTP {status}")
        if status == 429:
            # Refused before anything is done, whatever the word beside it.
            return faults.Unavailable(why, code=code)
    return meanings.fault(says, why, code, act=act, todo="Check merchant number, key, certificate serial and this machine's clock")
