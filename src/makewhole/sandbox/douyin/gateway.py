"""The shop platform's open API: a signed question comes in, a page of the account's lines goes out, as the documents say.

Money is told to it by worlds (`settle`, `take_back`); the fault plan spoils what it says of it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from makewhole.core import clock
from makewhole.sandbox.channel.faults import Fault, Faults
from makewhole.sandbox.douyin import tokens

METHODS = ("order.getSettleBillDetailV3", "order.getShopAccountItem", "order.reconciliation")
"""The documented two, and the one that merchants are told of and nobody documents: here it has cells of its own."""
TOKENS = ("token.create", "token.refresh")
STALE = timedelta(minutes=10)
"""A question may be so old."""
Reply = tuple[int, dict[str, str], bytes]


@dataclass(frozen=True, kw_only=True)
class Moved:
    """Money of an order that reached the account, or left it again. Fen."""

    id: str
    order: str
    part: str
    at: datetime
    back: bool
    paid: int
    fee: int


class _No(Exception):
    """The platform refuses: its code, sub-code and words."""

    def __init__(self, code: int, sub_code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.sub_code, self.message = code, sub_code, message


class Gateway:
    """One shop's account and one app that may ask for it."""

    def __init__(self, ticking: clock.Clock, *, faults: Faults | None = None, page_rows: int = 100) -> None:
        self.clock = ticking
        self.faults = faults or Faults()
        self.app_key, self.secret, self.shop_id = "7012345678901234567", "a9f3c2d1-sandbox", "4463798"
        self.tokens = tokens.Tokens(ticking, self.shop_id)
        self.base_url = "http://douyin.sandbox"
        self._lock = threading.RLock()
        self.page_rows = page_rows
        """Rows a page at most, whatever is asked."""
        self.moved: list[Moved] = []
        self.asked: list[dict[str, Any]] = []
        """The parameters of every question that was believed."""

    # What a world does with it

    def settle(self, order: str, paid: int, fee: int, *, part: str = "", at: datetime | None = None) -> Moved:
        """Hand an order's money over, less the fee."""
        return self._move(order, part, paid, fee, back=False, at=at)

    def take_back(self, order: str, fen: int, *, at: datetime | None = None) -> Moved:
        """Give a settled order's buyer money back."""
        return self._move(order, "", fen, 0, back=True, at=at)

    def transport(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """What the engine's HTTP client calls in a rehearsal: no socket, the same bytes."""
        return self.handle(method, url, headers, body)

    def handle(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """One request. Raises OSError where the plan loses something."""
        with self._lock:
            return (200, {}, b"") if method == "HEAD" else self._reply(method, target, body)

    def _reply(self, method: str, url: str, body: bytes) -> Reply:
        draw = self.faults.draw
        if draw(Fault.REFUSED):
            raise ConnectionRefusedError("the sandbox refuses the connection")
        if draw(Fault.REQUEST_LOST):
            raise TimeoutError("the question was lost")
        try:
            data = self._answered(method, url, body)
            told = {"code": 10000, "msg": "success", "sub_code": "", "sub_msg": "", "err_no": 0, "message": "success", "data": data}
        except _No as no:
            told = {"code": no.code, "msg": no.message, "sub_code": no.sub_code, "sub_msg": no.message, "err_no": no.code, "data": None}
        if draw(Fault.ANSWER_LOST):
            raise TimeoutError("the answer was lost")
        return 200, {"Content-Type": "application/json"}, json.dumps({**told, "log_id": "2026"}, ensure_ascii=False).encode()

    # Inside

    def _move(self, order: str, part: str, paid: int, fee: int, *, back: bool, at: datetime | None) -> Moved:
        number = f"{len(self.moved) + 1:018d}"
        moved = Moved(id=number, order=order, part=part or f"{order}1", at=at or self.clock.now(), back=back, paid=paid, fee=fee)
        self.moved.append(moved)
        return moved

    def _answered(self, http_method: str, url: str, body: bytes) -> dict[str, Any]:
        parts = urlsplit(url)
        told = {k: v[0] for k, v in parse_qs(parts.query).items()}
        method = told.get("method", "")
        if http_method != "POST" or parts.path != f"/{method.replace('.', '/')}" or method not in (*METHODS, *TOKENS):
            raise _No(70000, "isp.api-service-off", "接口已下线")
        asked = self._known(told, body.decode(), open_=method in TOKENS)
        if self.faults.draw(Fault.RATE_LIMITED):
            raise _No(60000, "isv.rate-limited", "请求过于频繁")
        if self.faults.draw(Fault.SYSTEM_ERROR_BEFORE):
            raise _No(20000, "isp.service-error:100001", "系统错误")
        if method in TOKENS:
            try:
                return self.tokens.create(asked) if method == TOKENS[0] else self.tokens.exchange(asked)
            except tokens.Refused as no:
                raise _No(50001, str(no), "token 生成失败") from no
        self.asked.append(asked)
        return self._page(method, asked)

    def _known(self, told: Mapping[str, str], body: str, *, open_: bool) -> dict[str, Any]:
        """The parameters, unless another secret than ours signed this very body, or no token of ours came. The server sorts their keys."""
        asked: dict[str, Any] = json.loads(body)
        wanted = [("sign", "signature"), ("app_key", "app-id"), ("timestamp", "timestamp")]
        for name, word in wanted if open_ else [*wanted, ("access_token", "access-token")]:
            if not told.get(name):
                raise _No(40001, f"isv.{word}-missing", "缺少平台参数")
        if told["app_key"] != self.app_key:
            raise _No(40003, "isv.app-id-invalid", "app_key 无效")
        content = json.dumps(asked, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        words = {"app_key": self.app_key, "method": told["method"], "param_json": content, "timestamp": told["timestamp"], "v": "2"}
        pattern = self.secret + "".join(k + v for k, v in sorted(words.items())) + self.secret
        if hmac.new(self.secret.encode(), pattern.encode(), hashlib.sha256).hexdigest() != told["sign"]:
            raise _No(40003, "isv.signature-invalid", "签名错误")
        if abs(self.clock.now() - _stamped(told["timestamp"])) > STALE:
            raise _No(40003, "isv.timestamp-invalid", "时间戳无效")
        if not open_:
            try:
                self.tokens.check(told["access_token"])
            except tokens.Refused as no:
                raise _No(40003, str(no), "access_token 无效") from no
        return asked

    def _page(self, method: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        size = asked.get("size", 0)
        if not 1 <= size <= (1000 if method == METHODS[1] else 100):
            raise _No(40004, "isv.parameter-invalid:100026", "size 非法")
        draw = self.faults.draw
        shift = timedelta(days=1) if draw(Fault.BILL_WRONG_DAY) else timedelta(0)
        first, last = (_instant(asked[name]) - shift for name in ("start_time", "end_time"))
        known = [] if draw(Fault.BILL_LATE) else [m for m in self.moved if first <= m.at <= last]
        begin, rows_max = int(asked.get("start_index") or 0), min(size, self.page_rows)
        rows = [_row(method, m, self.shop_id) for m in known[begin : begin + rows_max]]
        said = len(rows)
        if rows and draw(Fault.BILL_LINE_DOUBLED):
            rows, said = [*rows, rows[-1]], said + 1
        if rows and draw(Fault.BILL_LINE_MISSING):
            rows = rows[:-1]
        end = begin + rows_max >= len(known)
        # A page is lost: the answer sends the asker back to where it was, and never says that it has ended.
        lost = draw(Fault.BILL_TRUNCATED)
        return {
            "code": "100000",
            "code_msg": "success",
            "data": rows,
            "size": size,
            "data_size": said,
            "is_end": int(end and not lost),
            "next_start_index": str(begin if lost else begin + rows_max),
            "next_start_time": asked["start_time"],
        }


def _stamped(told: str) -> datetime:
    """Seconds since 1970 as its own kits send them, or Beijing time as older clients do."""
    return datetime.fromtimestamp(int(told), UTC) if told.isdigit() else _instant(told)


def _instant(told: str) -> datetime:
    return datetime.strptime(told, "%Y-%m-%d %H:%M:%S").replace(tzinfo=clock.BEIJING)


def _row(method: str, of: Moved, shop_id: str) -> dict[str, Any]:
    at = f"{of.at.astimezone(clock.BEIJING):%Y-%m-%d %H:%M:%S}"
    sign = -1 if of.back else 1
    if method == METHODS[0]:
        return {
            "settle_time": at,
            "request_no": of.id,
            "shop_order_id": of.order,
            "order_id": of.part,
            "trade_type": int(of.back),
            "real_pay_amount": sign * of.paid,
            "total_income": sign * of.paid,
            "platform_service_fee": -of.fee,
            "total_outcome": -of.fee,
            "settle_amount": sign * (of.paid - of.fee),
            "remark": "",
        }
    if method == METHODS[1]:
        return {
            "bill_time": at,
            "account_trade_no": of.id,
            "shop_order_id": of.order,
            "order_id": of.part,
            "fund_flow": int(of.back),
            "account_bill_desc_tag": 23 if of.back else 3,
            "account_amount": of.paid - of.fee,
            "pay_amount": 0 if of.back else of.paid,
            "platform_service_fee": of.fee,
            "commission": 0,
            "channel_fee": 0,
            "colonel_service_fee": 0,
            "channel_promotion_fee": 0,
            "other_sharing_amount": 0,
            "shop_id": shop_id,
        }
    direction = "out" if of.back else "in"
    return {"line_no": of.id, "order_no": of.order, "time": at, "direction": direction, "money": of.paid, "service_fee": of.fee}
