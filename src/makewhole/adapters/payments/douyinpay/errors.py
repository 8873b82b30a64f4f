"""Douyin Pay's error codes: a code goes in, what it says comes out.

Its table is not public. Its API took WeChat Pay's over word for word wherever one can look, so WeChat Pay's documented codes are
taken for its own; that is assumed, not known. `douyinpay.codes` in the settings corrects it without a release, and a code that is in
neither is never a refusal: an act may have happened, a read has told nothing, and the doctor shows it with how often it came.
"""

from __future__ import annotations

from collections.abc import Mapping

from makewhole.adapters.payments.apiv3.errors import Meaning

TABLE: Mapping[str, Meaning] = {
    "USERPAYING": Meaning.PAYING,
    "PARAMERROR": Meaning.REFUSED,
    "INVALIDREQUEST": Meaning.REFUSED,
    "REQUESTBLOCKED": Meaning.REFUSED,
    "APPIDMCHIDNOTMATCH": Meaning.OURS,
    "MCHNOTEXISTS": Meaning.OURS,
    "SIGNERROR": Meaning.OURS,
    "ORDERCLOSED": Meaning.CLOSED,
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
"""Keys are spelled as `apiv3.errors.spelled` does."""
