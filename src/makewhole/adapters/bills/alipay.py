"""Alipay's bill of business (业务明细): a zip of two GBK files of which one has the lines, framed by lines that open with `#`.

Amounts are yuan with two places; a refund's are negative. The sign of 服务费 is documented nowhere that we found: what a payment costs
is taken as a fee whatever its sign, and what a refund shows as given back.
"""

from __future__ import annotations

import re

from makewhole.adapters.bills import reading, unpacking
from makewhole.adapters.bills.reading import Check, Layout, Sheet, Sum
from makewhole.core import ids
from makewhole.model import bill
from makewhole.model.bill import Refused, Wrong

TITLE = "#支付宝业务明细查询"
_BACK = "\"业务类型\" = '退款'"
_COUNTED = re.compile(r"#(交易|退款)合计：([0-9]+)笔，商家实收(?:退款)?共(-?[0-9.]+)元")
_ACCOUNT = re.compile(r"#账号[：:]\s*\[([^\]]*)\]")
_SUB_ACCOUNT = re.compile(r"[0-9]{4}|")
"""Alipay shows an account with a suffix: 2088 and twelve digits, then four that count its sub-accounts."""
_SPAN = re.compile(r"#起始日期：\[([0-9]{4})年([0-9]{2})月([0-9]{2})日 00:00:00\]")

LAYOUT = Layout(
    names={
        "支付宝交易号": ("支付宝交易号",),
        "商户订单号": ("商户订单号",),
        "业务类型": ("业务类型",),
        "商品名称": ("商品名称",),
        "完成时间": ("完成时间",),
        "对方账户": ("对方账户",),
        "订单金额": ("订单金额（元）", "订单金额(元)", "订单金额"),
        "商家实收": ("商家实收（元）", "商家实收(元)", "商家实收"),
        "退款单号": ("退款批次号/请求号", "退款批次号"),
        "服务费": ("服务费（元）", "服务费(元)", "服务费"),
        "备注": ("备注",),
    },
    optional=frozenset({"对方账户", "备注"}),
    fields={
        "kind": f"CASE WHEN {_BACK} THEN 'refund' ELSE 'payment' END",
        "number": f"CASE WHEN {_BACK} THEN {reading.word('退款单号')} ELSE {reading.word('商户订单号')} END",
        "payment": reading.word("商户订单号"),
        "transaction": reading.word("支付宝交易号"),
        "amount_fen": f"CASE WHEN {_BACK} THEN -{reading.fen('订单金额')} ELSE {reading.fen('订单金额')} END",
        "fee_millifen": f"CASE WHEN {_BACK} THEN -abs({reading.millifen('服务费')}) ELSE abs({reading.millifen('服务费')}) END",
        "currency": "'CNY'",
        "standing": f"CASE WHEN {_BACK} THEN 'refunded' ELSE 'paid' END",
        "at_s": reading.seconds("完成时间"),
    },
    # One trade may be refunded many times, each under a number of its own; a refund without one cannot be told from another.
    refund_id=f"CASE WHEN {_BACK} THEN {reading.word('退款单号')} END",
    checks=(
        reading.is_time("完成时间"),
        reading.is_money("订单金额"),
        reading.is_money("商家实收"),
        reading.is_money("服务费", "{2,5}"),
        reading.one_of("业务类型", "交易", "退款"),
        Check(wrong=Wrong.CELL, sql=f"({_BACK}) <> starts_with(\"订单金额\", '-')", says="订单金额 has the other sign"),
        Check(wrong=Wrong.COLUMNS, sql="NOT regexp_full_match(\"支付宝交易号\", '[0-9]{16,64}')", says="支付宝交易号 is none"),
    ),
    sums=(
        Sum(name="交易笔数", sql="count(*) FILTER (kind = 'payment')", places=0),
        Sum(name="交易商家实收", sql="sum(received) FILTER (kind = 'payment')", places=2),
        Sum(name="退款笔数", sql="count(*) FILTER (kind = 'refund')", places=0),
        Sum(name="退款商家实收", sql="sum(received) FILTER (kind = 'refund')", places=2),
    ),
    free=("商品名称", "对方账户", "备注"),
    trimmed="\t ",
    keep={"received": reading.fen("商家实收")},
)


class Business:
    """The bill of business of one account and day."""

    channel = ids.ChannelName("alipay")
    layout = LAYOUT
    payers = ("支付宝",)

    def plain(self, raw: bytes) -> bytes:
        """The one file of the archive that has lines; or the file itself, as somebody unpacked it."""
        if raw.startswith(b"PK"):
            return unpacking.member(raw, _is_detail)
        return raw

    def sheet(self, plain: bytes, expected: reading.Expected) -> Sheet:
        """The lines between the two rules; whose, of when and how much in the lines around them."""
        unpacking.no_markup(plain, "a bill of business")
        lines = _text(plain).split("\n")
        if not lines[0].startswith(TITLE):
            raise Refused(Wrong.FOREIGN_FORMAT, 1, f"does not open with {TITLE}")
        rules = [place for place, line in enumerate(lines) if line.startswith("#---")]
        if len(rules) < 2:
            raise Refused(Wrong.TRUNCATED, len(lines), "no end of the list: the file ends too early")
        if len(rules) > 2:
            raise Refused(Wrong.DOUBLED, rules[2] + 1, "a second list")
        opens, ends = rules
        _told(lines[:opens], expected)
        sums: dict[str, str] = {}
        for line in lines[ends:]:
            if found := _COUNTED.match(line):
                sums |= {f"{found[1]}笔数": found[2], f"{found[1]}商家实收": found[3]}
        if len(sums) != len(LAYOUT.sums):
            raise Refused(Wrong.TRUNCATED, len(lines), "no sums (交易合计, 退款合计) behind the list")
        return Sheet(
            columns=tuple(name.strip() for name in lines[opens + 1].split(",")),
            body="\n".join(line.rstrip("\r") for line in lines[opens + 2 : ends]).encode(),
            first_line=opens + 3,
            delimiter=",",
            sums=sums,
            sums_line=ends + 2,
        )


def _told(lines: list[str], expected: reading.Expected) -> None:
    """Whose bill it says it is, and of which day. Its lines name no account: who does not say whose he is may be anybody's."""
    accounts = [(place, found[1]) for place, line in enumerate(lines, start=1) if (found := _ACCOUNT.match(line)) is not None]
    if not accounts:
        raise Refused(Wrong.OTHER_MERCHANT, 1, "no account (账号) above the list")
    for place, account in accounts:
        if not account.startswith(expected.merchant) or _SUB_ACCOUNT.fullmatch(account.removeprefix(expected.merchant)) is None:
            raise Refused(Wrong.OTHER_MERCHANT, place, f"account {account[:40]}")
    for place, line in enumerate(lines, start=1):
        span = _SPAN.match(line)
        if span is not None and f"{span[1]}-{span[2]}-{span[3]}" != bill.date_of(expected.day).isoformat():
            raise Refused(Wrong.OTHER_DAY, place, f"of {span[1]}-{span[2]}-{span[3]}")


def _is_detail(head: bytes) -> bool:
    return head.startswith((TITLE.encode("gb18030"), TITLE.encode(), b"\xef\xbb\xbf" + TITLE.encode()))


def _text(plain: bytes) -> str:
    """GBK as Alipay writes it; UTF-8 as spreadsheets save it."""
    utf8 = plain.startswith((TITLE.encode(), b"\xef\xbb\xbf"))
    return unpacking.text(plain, "utf-8" if utf8 else "gb18030")
