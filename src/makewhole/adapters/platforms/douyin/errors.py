"""The platform's codes: a code and a sub-code of a question go in, one of our faults comes out.

We only ask here, so a code that nobody documented has told nothing: Unavailable, counted for whoever looks.
"""

from __future__ import annotations

from collections import Counter

import structlog

from makewhole.core import faults

OK = 10000
DATA_OK = "100000"
"""The call's own word, inside the data."""
_LATER = frozenset({10001, 20000, 20001, 60000, 70000, 90000})
"""Half an answer, the server's own trouble, too many questions, the call switched off, and what they call other."""
_REFUSED = frozenset({40002, 40004, 80000})
_OURS = frozenset({30001, 30002, 40001})
"""Permission, address, a signature or token that is missing."""
_TOKEN = 50001
"""No token is given: the code or the refresh token is over, spent or another's."""
_WORDS_OURS = ("isv.signature", "isv.access-token", "isv.timestamp", "isv.app-id")
_BUSY = "isv.business-failed:100010"
"""Their database failed: ask again."""
_OVER = frozenset({"isv.access-token-expired", "isv.access-token-no-existed", "isv.access-token-invalid"})
_log = structlog.get_logger()


def fault(code: int, sub_code: str, message: str, unlisted: Counter[str]) -> faults.Fault:
    """The fault that an answer means."""
    word = f"{code}/{sub_code}" if sub_code else str(code)
    why = f"the marketplace says {word}: {message}"
    if code == _TOKEN:
        todo = "Let the shop authorise the app again, and put the platform's answer into douyin.access_token_file"
        return faults.Credentials(f"{why}. {todo}", code=word)
    if code in _OURS or (code == 40003 and sub_code.startswith(_WORDS_OURS)):
        todo = "Check app key, secret, access token (it lives seven days), the app's permissions and addresses, and this machine's clock"
        return faults.Credentials(f"{why}. {todo}", code=word)
    if code in _LATER or (code == 50002 and sub_code == _BUSY):
        return faults.Unavailable(why, code=word)
    if code in _REFUSED or code in {40003, 50002}:
        return faults.Rejected(why, code=word)
    unlisted[word] += 1
    _log.warning("the marketplace answered with a code that is not documented", code=word)
    return faults.Unavailable(why, code=word)


def asks_for_another_token(code: str | None) -> bool:
    """Whether a refusal was of the access token alone: with a newer one the same question may be answered."""
    return (code or "").partition("/")[2] in _OVER
