"""WeChat Pay's trade bill: ALL, SUCCESS or REFUND, plain or gzip, the layout of today or of v2. Cells open with a back-tick.

Source: the merchant documentation's page on the trade bill's format. Amounts are yuan with two places, fees with five. What a buyer paid
is 订单金额 (总金额 before); 应结订单金额 is less by the channel's own coupons and is compared with the summary only.
"""

from __future__ import annotations

from makewhole.adapters.bills import reading, unpacking
from makewhole.adapters.bills.reading import Check, Layout, Sheet, Sum
from makewhole.core import ids
from makewhole.model.bill import Refused, Wrong

_BACK = "\"交易状态\" <> 'SUCCESS'"
_PAID_AMOUNT, _BACK_AMOUNT = reading.fen("订单金额"), reading.fen("申请退款金额")
_NUMBER = (
    f"CASE WHEN {_BACK} THEN coalesce({reading.word('商户退款单号')}, {reading.word('商户订单号')}) ELSE {reading.word('商户订单号')} END"
)
_STANDING = """CASE "交易状态" WHEN 'SUCCESS' THEN 'paid' WHEN 'REVOKED' THEN 'refunded' ELSE CASE "退款状态"
    WHEN 'SUCCESS' THEN 'refunded' WHEN 'FAIL' THEN 'failed' WHEN 'CHANGE' THEN 'abnormal' ELSE 'accepted' END END"""
_NO_ID = "NOT regexp_full_match(\"微信订单号\", '[0-9]{10,32}')"
_MONEY = ("订单金额", "应结订单金额", "退款金额", "充值券退款金额", "申请退款金额")

LAYOUT = Layout(
    names={
        "交易时间": ("交易时间",),
        "商户号": ("商户号",),
        "微信订单号": ("微信订单号",),
        "商户订单号": ("商户订单号",),
        "交易状态": ("交易状态",),
        "货币种类": ("货币种类",),
        "应结订单金额": ("应结订单金额", "总金额"),
        "微信退款单号": ("微信退款单号",),
        "商户退款单号": ("商户退款单号",),
        "退款金额": ("退款金额",),
        "充值券退款金额": ("充值券退款金额", "代金券或立减优惠退款金额"),
        "退款状态": ("退款状态",),
        "商品名称": ("商品名称",),
        "商户数据包": ("商户数据包",),
        "手续费": ("手续费",),
        "订单金额": ("订单金额", "总金额"),
        "申请退款金额": ("申请退款金额", "退款金额"),
    },
    optional=frozenset({"微信退款单号", "商户退款单号", "退款金额", "充值券退款金额", "退款状态", "申请退款金额"}),
    fields={
        "merchant": '"商户号"',
        "kind": f"CASE WHEN {_BACK} THEN 'refund' ELSE 'payment' END",
        "number": _NUMBER,
        "payment": reading.word("商户订单号"),
        "transaction": reading.word("微信订单号"),
        # A revocation (撤销) of v2 has no refund's amount: all of it went back.
        "amount_fen": f"CASE WHEN NOT ({_BACK}) THEN {_PAID_AMOUNT} WHEN {_BACK_AMOUNT} <> 0 THEN {_BACK_AMOUNT} ELSE {_PAID_AMOUNT} END",
        "fee_millifen": reading.millifen("手续费"),
        "currency": '"货币种类"',
        "standing": _STANDING,
        "at_s": reading.seconds("交易时间"),
    },
    refund_id=f"CASE WHEN {_BACK} THEN {reading.word('微信退款单号')} END",
    checks=(
        reading.is_time("交易时间"),
        *(
            Check(wrong=Wrong.CELL, sql=f"\"{c}\" NOT IN ('', '0.00') AND {reading.is_money(c).sql}", says=f"{c} is no amount")
            if c in {"退款金额", "充值券退款金额", "申请退款金额"}
            else reading.is_money(c)
            for c in _MONEY
        ),
        reading.is_money("手续费", "{2,5}"),
        reading.one_of("交易状态", "SUCCESS", "REFUND", "REVOKED"),
        reading.one_of("退款状态", "", "SUCCESS", "PROCESSING", "FAIL", "CHANGE"),
        Check(wrong=Wrong.CELL, sql="NOT regexp_full_match(\"货币种类\", '[A-Z]{3}')", says="货币种类 is no currency"),
        # The channel's number is digits and the merchant's need not be: where they are not, the columns are other columns.
        Check(wrong=Wrong.COLUMNS, sql=_NO_ID, says="微信订单号 is none"),
    ),
    sums=(
        Sum(name="总交易单数", sql="count(*)", places=0),
        *(
            Sum(name=name, sql=f'sum("sum_{column}")', places=2)
            for name, column in (
                ("应结订单总金额", "应结订单金额"),
                ("总交易额", "应结订单金额"),
                ("退款总金额", "退款金额"),
                ("总退款金额", "退款金额"),
                ("充值券退款总金额", "充值券退款金额"),
                ("总代金券或立减优惠退款金额", "充值券退款金额"),
                ("订单总金额", "订单金额"),
                ("申请退款总金额", "申请退款金额"),
            )
        ),
        Sum(name="手续费总金额", sql="sum(fee_millifen)", places=5),
    ),
    free=("商品名称", "商户数据包"),
    keep={f"sum_{column}": reading.fen(column) for column in _MONEY},
)


class Trade:
    """The trade bill of one merchant and day."""

    channel = ids.ChannelName("wechatpay")
    layout = LAYOUT
    payers = ("财付通", "微信支付")

    def plain(self, raw: bytes) -> bytes:
        """Unpacked where it was asked for as gzip. The hash is of this."""
        return unpacking.gunzipped(raw)

    def sheet(self, plain: bytes, expected: reading.Expected) -> Sheet:
        """A heading, lines, the summary's heading, the summary."""
        unpacking.no_markup(plain, "a trade bill")
        return ticked(plain, "交易时间", "总交易单数")


def ticked(plain: bytes, opens: str, summed: str) -> Sheet:
    """The sheet of a file whose cells open with a back-tick: its heading's and its summary's first words are given."""
    begins = plain.find(b"\n") + 1 or len(plain)
    named = unpacking.text(plain[:begins], "utf-8").strip()
    if not named.startswith(opens):
        raise Refused(Wrong.FOREIGN_FORMAT, 1, f"does not open with {opens}")
    # Looked for from the end, so that a buyer who writes a summary's words into an order's note changes nothing.
    ends = plain.rfind(b"\n" + summed.encode()) + 1
    if ends < begins:
        raise Refused(Wrong.TRUNCATED, plain.count(b"\n"), f"no summary ({summed}): the file ends too early")
    tail = unpacking.text(plain[ends:], "utf-8").split("\n")
    line = 1 + plain.count(b"\n", 0, ends)
    if len(tail) < 2 or not tail[1].strip():
        raise Refused(Wrong.TRUNCATED, line + 1, "the summary has no figures")
    if any(more.strip() for more in tail[2:]):
        raise Refused(Wrong.DOUBLED, line + 2, "something stands behind the summary")
    names, figures = tail[0].strip().split(","), [f.removeprefix("`") for f in tail[1].strip().split(",")]
    if len(names) != len(figures):
        raise Refused(Wrong.TRUNCATED, line + 1, f"{len(names)} sums are named and {len(figures)} given")
    ticks = plain[begins : begins + 1] == b"`"
    return Sheet(
        columns=tuple(name.strip() for name in named.split(",")),
        body=memoryview(plain)[begins:ends],
        first_line=2,
        delimiter=",`" if ticks else ",",
        opens="`" if ticks else "",
        sums=dict(zip(names, figures, strict=True)),
        sums_line=line + 1,
    )
