"""Trade bills: the ledger of a Beijing day goes in, the zip that Alipay lets its merchants download comes out: GBK all through."""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta

from makewhole.core import clock
from makewhole.sandbox.alipay import objects, words
from makewhole.sandbox.channel import truth
from makewhole.sandbox.channel.faults import Fault, Faults

READY_AT = time(9)
"""Of the next day, as the documentation says."""
URL_LIVES = timedelta(seconds=30)
COLUMNS = (
    "支付宝交易号",
    "商户订单号",
    "业务类型",
    "商品名称",
    "创建时间",
    "完成时间",
    "门店编号",
    "门店名称",
    "操作员",
    "终端号",
    "对方账户",
    "订单金额（元）",
    "商家实收（元）",
    "支付宝红包（元）",
    "集分宝（元）",
    "支付宝优惠（元）",
    "商家优惠（元）",
    "券核销金额（元）",
    "券名称",
    "商家红包消费金额（元）",
    "卡消费金额（元）",
    "退款批次号/请求号",
    "服务费（元）",
    "分润（元）",
    "备注",
)
_TABBED = frozenset({"支付宝交易号", "商户订单号", "业务类型", "退款批次号/请求号"})
"""Cells that end in a tab, so that a spreadsheet leaves their digits alone."""
_FREE = frozenset({"商品名称", "门店编号", "门店名称", "操作员", "终端号", "券名称", "备注"})
_ZERO = "0.00"
_DASHES = "-" * 40


class Bills:
    """Makes bills and remembers the addresses that it gave out."""

    def __init__(self, of: truth.Truth, ticking: clock.Clock, faults: Faults, seller_id: str) -> None:
        self._truth = of
        self._clock = ticking
        self._faults = faults
        self._account = f"{seller_id}0156"
        self._given: dict[str, tuple[bytes, datetime]] = {}

    def apply(self, content: Mapping[str, object], base_url: str) -> dict[str, str]:
        """The answer of the question for a bill's address, which lives half a minute."""
        day = _day(content)
        if content.get("bill_type") != "trade":
            raise words.Refused("ACQ.INVALID_PARAMETER", "账单类型不支持")
        now = self._clock.now().astimezone(clock.BEIJING)
        ready = now >= datetime.combine(day + timedelta(days=1), READY_AT, clock.BEIJING)
        made = self.zip(day) if ready and not self._faults.draw(Fault.BILL_LATE, "bill") else None
        if made is None:
            raise words.Refused("BILL_NOT_EXIST", "账单不存在")
        token = hashlib.sha256(f"{day}{len(self._given)}".encode()).hexdigest()[:32]
        self._given[token] = (made, now + URL_LIVES)
        address = f"{base_url}/downloadBillFile.resource?bizType=trade&fileType=csv.zip&bizDates={day:%Y%m%d}&fileId={token}"
        return {"code": "10000", "msg": "Success", "bill_download_url": address}

    def download(self, query: Mapping[str, str]) -> bytes | None:
        """The file behind an address; None where the address is over."""
        content, until = self._given.get(query.get("fileId", ""), (b"", None))
        return None if until is None or self._clock.now() > until else content

    def zip(self, day: date) -> bytes | None:
        """The whole file, spoilt if the plan says so; None for a day without business."""
        draw = self._faults.draw
        told = day - timedelta(days=1) if draw(Fault.BILL_WRONG_DAY, "bill") else day
        rows = sorted(self._rows(told), key=lambda r: (r["完成时间"], r["支付宝交易号"]))
        if not rows and told == day:
            return None
        if draw(Fault.BILL_LINE_DOUBLED, "bill"):
            rows.append(rows[-1])
        if draw(Fault.BILL_LINE_MISSING, "bill"):
            rows = rows[:-1]
        if rows and draw(Fault.BILL_AMOUNT_OFF, "bill"):
            rows[0] |= dict.fromkeys(("订单金额（元）", "商家实收（元）"), objects.yuan(_fen(rows[0]["订单金额（元）"]) + 1))
        stem = f"{self._account}_{told:%Y%m%d}_业务明细"
        whole = _zipped({f"{stem}.csv": self._details(told, rows), f"{stem}(汇总).csv": self._summary(told, rows)})
        return whole[: len(whole) // 2] if draw(Fault.BILL_TRUNCATED, "bill") else whole

    def _rows(self, day: date) -> list[dict[str, str]]:
        paid = [t for t in self._truth.transactions.values() if t.paid_at and _on(t.paid_at) == day]
        gone = [r for r in self._truth.refunds.values() if r.done_at and _on(r.done_at) == day]
        kept = {t.order.out_trade_no: objects.yuan(-_fee(t.paid) - t.overcharged) for t in paid}
        rows = [_row(t, "交易", t.paid, t.paid_at or t.created_at) | {"服务费（元）": kept[t.order.out_trade_no]} for t in paid]
        rows += [_row(r.of, "退款", -r.amount, r.done_at or r.created_at) | {"退款批次号/请求号": r.out_refund_no} for r in gone]
        return rows

    def _details(self, day: date, rows: Sequence[Mapping[str, str]]) -> str:
        def totals(kind: str) -> tuple[int, str]:
            amounts = [_fen(r["商家实收（元）"]) for r in rows if r["业务类型"] == kind]
            return len(amounts), objects.yuan(sum(amounts))

        (sold, came), (back, went) = totals("交易"), totals("退款")
        return _lines(
            *self._head("业务明细", day),
            f"#{_DASHES}业务明细列表{_DASHES}",
            ",".join(COLUMNS),
            *(",".join(_cell(column, row.get(column, "")) for column in COLUMNS) for row in rows),
            f"#{_DASHES}业务明细列表结束{_DASHES}",
            f"#交易合计：{sold}笔，商家实收共{came}元，商家优惠共{_ZERO}元",
            f"#退款合计：{back}笔，商家实收退款共{went}元，商家优惠退款共{_ZERO}元",
            f"#导出时间：[{self._clock.now().astimezone(clock.BEIJING):%Y年%m月%d日 %H:%M:%S}]",
        )

    def _summary(self, day: date, rows: Sequence[Mapping[str, str]]) -> str:
        """Its columns are from memory: nothing reads them."""
        net = objects.yuan(sum(_fen(r["商家实收（元）"]) for r in rows))
        return _lines(
            *self._head("业务汇总", day),
            f"#{_DASHES}业务汇总列表{_DASHES}",
            "门店编号,门店名称,交易订单总笔数,实收净额（元）",
            f"合计,,{len(rows)},{net}",
            f"#{_DASHES}业务汇总列表结束{_DASHES}",
        )

    def _head(self, kind: str, day: date) -> tuple[str, ...]:
        begins, ends = (f"{at:%Y年%m月%d日} 00:00:00" for at in (day, day + timedelta(days=1)))
        return (f"#支付宝{kind}查询", f"#账号：[{self._account}]", f"#起始日期：[{begins}]   终止日期：[{ends}]")


class _GbkName(zipfile.ZipInfo):
    """A member whose name is GBK without the flag that says UTF-8, as Alipay's are."""

    def _encodeFilenameFlags(self) -> tuple[bytes, int]:  # noqa: N802 - the standard library's name
        return self.filename.encode("gbk"), self.flag_bits & ~0x800


def _zipped(files: Mapping[str, str]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, text in files.items():
            member = _GbkName(name, date_time=(2026, 11, 24, 5, 46, 48))
            archive.writestr(member, text.encode("gbk", "replace"), compress_type=zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def _row(of: truth.Transaction, kind: str, amount: int, at: datetime) -> dict[str, str]:
    money = {column: _ZERO for column in COLUMNS if column.endswith("（元）")}
    return money | {
        "支付宝交易号": of.transaction_id,
        "商户订单号": of.order.out_trade_no,
        "业务类型": kind,
        "商品名称": of.order.description,
        "创建时间": objects.time(of.created_at),
        "完成时间": objects.time(at),
        "对方账户": "*小(159****5620)",
        "订单金额（元）": objects.yuan(amount),
        "商家实收（元）": objects.yuan(amount),
    }


def _cell(column: str, value: str) -> str:
    """Free text cannot hold the separator; ids end in a tab."""
    told = re.sub(r"[,\r\n]", " ", value) if column in _FREE else value
    return f"{told}\t" if column in _TABBED else told


def _lines(*lines: str) -> str:
    return "".join(f"{line}\r\n" for line in lines)


def _fee(fen: int) -> int:
    """0.6 %, to the fen."""
    return (fen * 6 + 500) // 1000


def _fen(yuan: str) -> int:
    return int(yuan.replace(".", ""))


def _on(at: datetime) -> date:
    return at.astimezone(clock.BEIJING).date()


def _day(content: Mapping[str, object]) -> date:
    try:
        return date.fromisoformat(str(content.get("bill_date", "")))
    except ValueError as wrong:
        raise words.Refused("ACQ.INVALID_PARAMETER", "账单日期格式不正确") from wrong
