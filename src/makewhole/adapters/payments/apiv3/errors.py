"""APIv3's error codes, all that WeChat Pay documents, in both spellings: a status and a code go in, one of our faults comes out.

A code that is not in the table proves nothing: an act may have happened, a read has told nothing; it is logged and counted.
"""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Mapping

import structlog

from makewhole.core import faults

_log = structlog.get_logger()


class Meaning(enum.Enum):
    """What a code says, and so what may be done."""

    REFUSED = "refused"
    """Understood, and no."""
    PAID = "paid"
    """The attempt was paid: query, do not close, do not open again."""
    CLOSED = "closed"
    USED = "used"
    """The number exists there with other content."""
    NOT_FOUND = "not-found"
    """Never "closed", never "unpaid": a replica may lag, the number may belong to another merchant."""
    PAYING = "paying"
    """The buyer is entering a password."""
    BUSY = "busy"
    """Too many calls; nothing happened."""
    CONFUSED = "confused"
    """The server does not know itself: the same again with the same number, after looking."""
    OURS = "ours"
    """Our key, certificate, clock or configuration: no order can go on until a person mends it."""


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
    "NOSTATEMENTEXIST": Meaning.NOT_FOUND,
    "STATEMENTCREATING": Meaning.BUSY,
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
    match says:
        case Meaning.REFUSED | Meaning.PAID | Meaning.CLOSED | Meaning.USED | Meaning.NOT_FOUND:
            return faults.Rejected(why, code=code)
        case Meaning.PAYING | Meaning.BUSY:
            return faults.Unavailable(why, code=code)
        case Meaning.OURS:
            return faults.Credentials(f"{why}. Check merchant number, key, certificate serial and this machine's clock", code=code)
        case Meaning.CONFUSED:
            return _unknown(why, code, act=act)
        case None:
            unlisted[code or f"HTTP {status}"] += 1
            _log.warning("a channel answered with a code that is not documented", channel=who, code=code, status=status)
            # 429 is refused before anything is done, whatever the word beside it.
            return faults.Unavailable(why, code=code) if status == 429 else _unknown(why, code, act=act)


def _unknown(why: str, code: str, *, act: bool) -> faults.Fault:
    return faults.Indeterminate(why, code=code) if act else faults.Unavailable(why, code=code)
