"""WeChat Pay's error codes, all that are documented, in both spellings: a code goes in, what it says comes out."""

from __future__ import annotations

from collections.abc import Mapping

from makewhole.adapters.payments.apiv3.errors import Meaning

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
"""Keys are spelled as `apiv3.errors.spelled` does."""
