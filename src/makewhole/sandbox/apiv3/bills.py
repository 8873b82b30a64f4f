"""Trade bills: the ledger of a Beijing day goes in, the CSV that a channel lets its merchants download comes out."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta

from makewhole.core import clock
from makewhole.sandbox.apiv3 import objects, words
from makewhole.sandbox.channel import truth
from makewhole.sandbox.channel.faults import Fault, Faults

READY_AT = time(10)
"""Bills are made from 9:00 of the next day; the documentation says to come after 10:00."""
URL_LIVES = timedelta(minutes=5)
DAYS_BACK_MAX = 92
RATE = "0.60%"

ALL = (
    "交易时间",
    "公众账号ID",
    "商户号",
    "特约商户号",
    "设备号",
    "微信订单号",
    "商户订单号",
    "用户标识",
    "交易类型",
    "交易状态",
    "付款银行",
    "货币种类",
    "应结订单金额",
    "代金券金额",
    "微信退款单号",
    "商户退款单号",
    "退款金额",
    "充值券退款金额",
    "退款类型",
    "退款状态",
    "商品名称",
    "商户数据包",
    "手续费",
    "费率",
    "订单金额",
    "申请退款金额",
    "费率备注",
)
_REFUND_ONLY = frozenset({"微信退款单号", "商户退款单号", "退款金额", "充值券退款金额", "退款类型", "退款状态", "申请退款金额"})
SUCCESS = tuple(column for column in ALL if column not in _REFUND_ONLY)
REFUND = (*ALL[:14], "退款申请时间", "退款成功时间", *ALL[14:])
TOTALS = ["总交易单数", "应结订单总金额", "退款总金额", "充值券退款总金额", "手续费总金额", "订单总金额", "申请退款总金额"]
TOTALS_SUCCESS = ["总交易单数", "应结订单总金额", "手续费总金额", "订单总金额"]
_COLUMNS: Mapping[str, Sequence[str]] = {"ALL": ALL, "SUCCESS": SUCCESS, "REFUND": REFUND}
_STATUS: Mapping[str, str] = {"SUCCESS": "SUCCESS", "PROCESSING": "PROCESSING", "ABNORMAL": "CHANGE", "CLOSED": "FAIL"}


class Bills:
    """Makes bills and remembers the addresses that it gave out."""

    def __init__(
        self,
        of: truth.Truth,
        ticking: clock.Clock,
        faults: Faults,
        *,
        kinds: Mapping[str, str],
        names: Mapping[str, str] | None = None,
        download: str,
    ) -> None:
        """`kinds`: what may be asked for, and which of ALL, SUCCESS and REFUND it is. `names`: columns that have a name of their own."""
        self._truth = of
        self._clock = ticking
        self._faults = faults
        self._kinds, self._names, self._address = kinds, dict(names or {}), download
        self._given: dict[str, tuple[bytes, datetime]] = {}

    def apply(self, query: Mapping[str, list[str]], base_url: str) -> dict[str, str]:
        """The answer to the question for a bill: hash of the plain file, also for GZIP, and an address that lives five minutes."""
        day, kind = _day(query), self._kinds.get(query.get("bill_type", [""])[0])
        now = self._clock.now().astimezone(clock.BEIJING)
        if kind is None:
            raise words.Refused(400, "PARAM_ERROR", "bill_type不合法")
        if day >= now.date() or (now.date() - day).days > DAYS_BACK_MAX:
            raise words.Refused(400, "PARAM_ERROR", "账单日期不在可下载的范围内")
        late = self._faults.draw(Fault.BILL_LATE, "bill")
        if late or now < datetime.combine(day + timedelta(days=1), READY_AT, clock.BEIJING):
            raise words.Refused(400, "STATEMENT_CREATING", "账单生成中")
        plain = self.csv(day, kind)
        if plain is None:
            raise words.Refused(400, "NO_STATEMENT_EXIST", "账单文件不存在")
        zipped = query.get("tar_type") == ["GZIP"]
        token = hashlib.sha256(f"{day}{kind}{zipped}{len(self._given)}".encode()).hexdigest()
        given = gzip.compress(plain, mtime=0) if zipped else plain
        if self._faults.draw(Fault.BILL_TRUNCATED, "bill"):
            given = given[: len(given) // 2]
        self._given[token] = (given, now + URL_LIVES)
        return {
            "hash_type": "SHA1",
            "hash_value": hashlib.sha1(plain, usedforsecurity=False).hexdigest(),
            "download_url": f"{base_url}{self._address}?token={token}",
        }

    def download(self, query: Mapping[str, list[str]]) -> bytes:
        """The file behind an address."""
        content, until = self._given.get(query.get("token", [""])[0], (b"", None))
        if until is None or self._clock.now() > until:
            raise words.Refused(400, "INVALID_REQUEST", "下载链接已失效，请重新申请")
        return content

    def csv(self, day: date, kind: str = "ALL") -> bytes | None:
        """The whole file, its lines spoilt if the plan says so; None for a day without business."""
        draw = self._faults.draw
        told = day - timedelta(days=1) if draw(Fault.BILL_WRONG_DAY, "bill") else day
        rows = sorted((*self._payments(told, kind), *self._refunds(told, kind)), key=lambda r: r["交易时间"])
        if not rows and told == day:
            return None
        if draw(Fault.BILL_LINE_DOUBLED, "bill"):
            rows.append(rows[-1])
        if draw(Fault.BILL_LINE_MISSING, "bill"):
            rows = rows[:-1]
        if rows and draw(Fault.BILL_AMOUNT_OFF, "bill"):
            rows[0] |= dict.fromkeys(("订单金额", "应结订单金额"), _yuan(_fen(rows[0]["订单金额"]) + 1))
        columns = _COLUMNS[kind]
        totals = self._totals(rows, kind)
        lines = [
            ",".join(self._names.get(c, c) for c in columns),
            *(_row([row.get(c, "") for c in columns]) for row in rows),
            ",".join(totals),
            _row(list(totals.values())),
        ]
        return ("\ufeff" + "\r\n".join(lines) + "\r\n").encode()

    def _payments(self, day: date, kind: str) -> list[dict[str, str]]:
        if kind == "REFUND":
            return []
        paid = [t for t in self._truth.transactions.values() if t.paid_at and _beijing(t.paid_at).date() == day]
        return [
            _about(t)
            | {
                "交易时间": _time(t.paid_at),
                "交易状态": "SUCCESS",
                "应结订单金额": _yuan(t.paid),
                "订单金额": _yuan(t.paid),
                "手续费": _long(t.paid * 6 + t.overcharged * 1000),
                "微信退款单号": "0",
                "商户退款单号": "0",
                "退款金额": "0.00",
                "充值券退款金额": "0.00",
                "申请退款金额": "0.00",
            }
            for t in paid
        ]

    def _refunds(self, day: date, kind: str) -> list[dict[str, str]]:
        if kind == "SUCCESS":
            return []
        asked = [r for r in self._truth.refunds.values() if _beijing(r.created_at).date() == day]
        return [
            _about(r.of)
            | {
                "交易时间": _time(r.created_at),
                "交易状态": "REFUND",
                "应结订单金额": "0.00",
                "订单金额": "0.00",
                "手续费": f"-{_fee(r.amount)}",
                "微信退款单号": r.refund_id,
                "商户退款单号": r.out_refund_no,
                "退款金额": _yuan(r.amount),
                "充值券退款金额": "0.00",
                "退款类型": "ORIGINAL",
                "退款状态": _STATUS[r.status],
                "申请退款金额": _yuan(r.amount),
                "退款申请时间": _time(r.created_at),
                "退款成功时间": _time(r.done_at),
            }
            for r in asked
        ]

    def _totals(self, rows: Sequence[Mapping[str, str]], kind: str) -> dict[str, str]:
        def summed(column: str) -> int:
            return sum(_fen(r.get(column, "0.00")) for r in rows)

        fees = sum(int(r["手续费"].replace(".", "")) for r in rows)
        told = {
            "总交易单数": str(len(rows)),
            "应结订单总金额": _yuan(summed("应结订单金额")),
            "退款总金额": _yuan(summed("退款金额")),
            "充值券退款总金额": _yuan(summed("充值券退款金额")),
            "手续费总金额": _long(fees),
            "订单总金额": _yuan(summed("订单金额")),
            "申请退款总金额": _yuan(summed("申请退款金额")),
        }
        return {name: told[name] for name in (TOTALS_SUCCESS if kind == "SUCCESS" else TOTALS)}


def _day(query: Mapping[str, list[str]]) -> date:
    try:
        return date.fromisoformat(query.get("bill_date", [""])[0])
    except ValueError as wrong:
        raise words.Refused(400, "PARAM_ERROR", "bill_date格式不正确") from wrong


def _about(t: truth.Transaction) -> dict[str, str]:
    order = t.order
    return {
        "公众账号ID": order.appid,
        "商户号": order.mchid,
        "特约商户号": "0",
        "微信订单号": t.transaction_id,
        "商户订单号": order.out_trade_no,
        "用户标识": t.openid,
        "交易类型": objects.TRADE_TYPE[order.kind],
        "付款银行": "OTHERS",
        "货币种类": order.currency,
        "代金券金额": "0.00",
        "商品名称": _free(order.description),
        "商户数据包": _free(order.attach),
        "费率": RATE,
    }


def _row(values: Sequence[str]) -> str:
    return ",".join(f"`{v}" for v in values)


def _free(text: str) -> str:
    """Free text cannot hold the separator."""
    return text.replace(",", "\\ ").replace("\n", " ")


def _beijing(at: datetime) -> datetime:
    return at.astimezone(clock.BEIJING)


def _time(at: datetime | None) -> str:
    return "" if at is None else f"{_beijing(at):%Y-%m-%d %H:%M:%S}"


def _yuan(amount: int) -> str:
    sign, whole = ("-" if amount < 0 else ""), abs(amount)
    return f"{sign}{whole // 100}.{whole % 100:02d}"


def _fen(text: str) -> int:
    return int(text.replace(".", ""))


def _fee(amount: int) -> str:
    """0.60 % in yuan with five decimals: fen times 6, in hundred-thousandths of a yuan."""
    return _long(amount * 6)


def _long(parts: int) -> str:
    sign, whole = ("-" if parts < 0 else ""), abs(parts)
    return f"{sign}{whole // 100_000}.{whole % 100_000:05d}"
