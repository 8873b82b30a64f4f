"""A question goes out signed, the data of a success comes back; whatever else it is becomes one of our faults."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import TypeVar
from urllib.parse import urlencode

import msgspec
import structlog

from makewhole.adapters import http
from makewhole.adapters.platforms.douyin import errors, signing, tokens
from makewhole.adapters.platforms.douyin.account import Account
from makewhole.adapters.platforms.douyin.tokens import Token
from makewhole.core import clock, codec, faults

Shape = TypeVar("Shape")
_log = structlog.get_logger()


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


class Exchanged(msgspec.Struct, frozen=True, kw_only=True):
    """A new pair of tokens. `expires_in`: seconds that the access token lives."""

    access_token: str
    refresh_token: str
    expires_in: int
    shop_id: int | str


class Conversation:
    """Asks, and acts on nothing but its own tokens: the API has no GET, but no question here changes anything there."""

    def __init__(self, of: Account, client: http.Client, ticking: clock.Clock) -> None:
        codec.prepare(_Answer, Data, Exchanged, tokens.Pair)
        self.account = of
        self.unlisted: Counter[str] = Counter()
        """Codes that the table lacks, and how often they came."""
        self._client = client
        self._clock = ticking

    def ask(self, params: Mapping[str, object]) -> Data:
        """One page. Raises Unavailable for whatever tells nothing, Credentials where we are not known, Rejected for a question refused.

        A token that is over, or near its end, is exchanged first; one that is refused all the same, once more.
        """
        token = self._token()
        try:
            return self.ask_as(token, params)
        except faults.Credentials as refused:
            newer = self.account.tokens.read()
            if not errors.asks_for_another_token(refused.code) or (newer == token and not token.refresh):
                raise
            return self.ask_as(newer if newer != token else self._renewed(token), params)

    def ask_as(self, token: Token, params: Mapping[str, object]) -> Data:
        """The same with this token and no other."""
        page = self._data(self.account.method, params, Data, {"access_token": token.access})
        if page.code != errors.DATA_OK:
            raise faults.Unavailable(f"the marketplace says {page.code}: {page.code_msg}", code=page.code)
        return page

    def _token(self) -> Token:
        token, now = self.account.tokens.read(), self._clock.now()
        if not token.due(now):
            return token
        try:
            return self._renewed(token)
        except faults.Unavailable as down:
            if token.over(now):
                raise
            _log.warning("a token near its end could not be exchanged yet", why=down.why)
            return token

    def _renewed(self, token: Token) -> Token:
        return self.account.tokens.renew(token, self._exchanged)

    def _exchanged(self, refresh: str) -> Token:
        told = self._data("token.refresh", {"grant_type": "refresh_token", "refresh_token": refresh}, Exchanged, {})
        if str(told.shop_id) != self.account.shop_id:
            raise faults.Credentials(f"the marketplace's token is of shop {told.shop_id}, ours is {self.account.shop_id}")
        until = self._clock.now() + timedelta(seconds=told.expires_in)
        return Token(access=told.access_token, refresh=told.refresh_token, until=until)

    def _data(self, method: str, params: Mapping[str, object], shape: type[Shape], more: Mapping[str, str]) -> Shape:
        """The data of a success; `more` are words of the query that are not signed."""
        answer = self._sent(method, signing.compact(params), more)
        if answer.status != 200:
            raise faults.Unavailable(f"the marketplace answers HTTP {answer.status}")
        try:
            told = msgspec.json.decode(answer.body, type=_Answer)
            if told.code != errors.OK:
                raise errors.fault(told.code, told.sub_code, told.sub_msg or told.msg, self.unlisted)
            return msgspec.json.decode(told.data, type=shape)
        except (msgspec.DecodeError, UnicodeDecodeError) as wrong:
            raise faults.Unavailable(f"the marketplace's answer cannot be read: {wrong}") from wrong

    def _sent(self, method: str, param_json: str, more: Mapping[str, str]) -> http.Answer:
        of = self.account
        words = {"app_key": of.app_key, "method": method, "timestamp": str(int(self._clock.now().timestamp()))}
        signature = signing.sign(of.app_secret, param_json=param_json, **words)
        told = urlencode({**words, **more, "v": "2", "sign_method": signing.SCHEME, "sign": signature})
        url = f"{of.base_url}/{method.replace('.', '/')}?{told}"
        line = http.Line(account=of.shop_id, service=method)
        try:
            return self._client.act("POST", url, {"Content-Type": "application/json;charset=UTF-8"}, param_json.encode(), line)
        except faults.Indeterminate as lost:
            # A question changes nothing whether it arrived or not; and a refresh token is sent again, since we have no other.
            raise faults.Unavailable(lost.why) from lost
