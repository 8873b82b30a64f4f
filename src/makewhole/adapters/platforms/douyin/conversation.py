"""A question goes out signed, the data of a success comes back; whatever else it is becomes one of our faults."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from urllib.parse import urlencode

import msgspec

from makewhole.adapters import http
from makewhole.adapters.platforms.douyin import errors, signing
from makewhole.adapters.platforms.douyin.account import Account
from makewhole.core import clock, faults


class _Answer(msgspec.Struct, frozen=True, kw_only=True):
    code: int
    msg: str = ""
    sub_code: str = ""
    sub_msg: str = ""
    data: msgspec.Raw = msgspec.Raw(b"null")


class Data(msgspec.Struct, frozen=True, kw_only=True):
    """A page of rows. `code` is the call's own word; `data_size` says how many rows there are."""

    data_size: int
    is_end: int
    code: str = errors.DATA_OK
    code_msg: str = ""
    data: list[dict[str, object]] | None = None
    next_start_index: str = ""
    next_start_time: str = ""


class Conversation:
    """Asks, and never acts: the API has no GET, but nothing here changes anything there."""

    def __init__(self, of: Account, client: http.Client, ticking: clock.Clock) -> None:
        self.account = of
        self.unlisted: Counter[str] = Counter()
        """Codes that the table lacks, and how often they came."""
        self._client = client
        self._clock = ticking

    def ask(self, params: Mapping[str, object]) -> Data:
        """One page. Raises Unavailable for whatever tells nothing, Credentials where we are not known, Rejected for a question refused."""
        answer = self._sent(signing.compact(params))
        if answer.status != 200:
            raise faults.Unavailable(f"the marketplace answers HTTP {answer.status}")
        try:
            told = msgspec.json.decode(answer.body, type=_Answer)
            if told.code != errors.OK:
                raise errors.fault(told.code, told.sub_code, told.sub_msg or told.msg, self.unlisted)
            page = msgspec.json.decode(told.data, type=Data)
        except (msgspec.DecodeError, UnicodeDecodeError) as wrong:
            raise faults.Unavailable(f"the marketplace's answer cannot be read: {wrong}") from wrong
        if page.code != errors.DATA_OK:
            raise faults.Unavailable(f"the marketplace says {page.code}: {page.code_msg}", code=page.code)
        return page

    def _sent(self, param_json: str) -> http.Answer:
        of = self.account
        timestamp = str(int(self._clock.now().timestamp()))
        words = {"app_key": of.app_key, "method": of.method, "timestamp": timestamp}
        told = urlencode(
            {
                **words,
                "access_token": of.token(),
                "v": "2",
                "sign_method": signing.SCHEME,
                "sign": signing.sign(of.app_secret, param_json=param_json, **words),
            }
        )
        url = f"{of.base_url}/{of.method.replace('.', '/')}?{told}"
        try:
            line = http.Line(account=of.shop_id, service=of.method)
            return self._client.act("POST", url, {"Content-Type": "application/json;charset=UTF-8"}, param_json.encode(), line)
        except faults.Indeterminate as lost:
            # It was a question: whether it arrived is all the same.
            raise faults.Unavailable(lost.why) from lost
