"""Bills made by hand: a handful of movements go in, the file that a channel would offer comes out, to be read or to be broken."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from makewhole.adapters.bills import formats, reading
from makewhole.adapters.bills.reading import Expected
from makewhole.core import ids
from makewhole.model import bill

DAY = date(2026, 11, 23)
MERCHANT = {"wechatpay": "1601959334", "douyinpay": "7001234567", "alipay": "2088021109625633"}
WECHAT = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额,"
    "微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注"
)
WECHAT_SUMS = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
ALIPAY = (
    "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,对方账户,订单金额（元）,商家实收（元）,"
    "支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,券核销金额（元）,券名称,商家红包消费金额（元）,卡消费金额（元）,退款批次号/请求号,服务费（元）,分润（元）,备注"
)


def wechat(merchant: str = MERCHANT["wechatpay"]) -> bytes:
    """Two payments and a refund: 12.50, 100.00, back 30.00."""

    def row(at: str, tid: str, number: str, state: str, *amounts: str) -> str:
        money, refund, said, fee, whole = amounts
        opens = f"`2026-11-23 {at},`wx81be,`{merchant},`0,`,`42000009102026112300000000{tid},`{number},`ofyak,`NATIVE,`{state},`OTHERS,`CNY"
        return f"{opens},`{money},`0.00,`{refund},`{said},`,`{fee},`0.60%,`{whole},`"

    none, back = "0,`0,`0.00,`0.00,`,`", "50300000000000000001,`R2,`30.00,`0.00,`ORIGINAL,`PROCESSING"
    rows = [
        row("09:00:00", "01", "S1", "SUCCESS", "12.50", none, "茶\\ 叶", "0.07500", "12.50,`0.00"),
        row("10:00:00", "02", "S2", "SUCCESS", "100.00", none, "杯", "0.60000", "100.00,`0.00"),
        row("11:00:00", "02", "S2", "REFUND", "0.00", back, "杯", "-0.18000", "0.00,`30.00"),
    ]
    return ("\r\n".join([WECHAT, *rows, WECHAT_SUMS, "`3,`112.50,`30.00,`0.00,`0.49500,`112.50,`30.00"]) + "\r\n").encode()


def alipay_text() -> str:
    """The same movements."""

    def row(trade: str, number: str, kind: str, amount: str, refund: str, fee: str, at: str) -> str:
        return (
            f"{trade}\t,{number}\t,{kind},茶叶,2026-11-23 {at},2026-11-23 {at},,,,,a***@b.cn,{amount},{amount},0.00,0.00,0.00,0.00,0.00,,"
            f"0.00,0.00,{refund}\t,{fee},0.00,"
        )

    return "\r\n".join(
        [
            "#支付宝业务明细查询",
            f"#账号：[{MERCHANT['alipay']}0156]",
            "#起始日期：[2026年11月23日 00:00:00]   终止日期：[2026年11月24日 00:00:00]",
            "#-----------------------------------------业务明细列表----------------------------------------",
            ALIPAY,
            row("2026112322001400000000000001", "S1", "交易", "12.50", "", "-0.08", "09:00:00"),
            row("2026112322001400000000000002", "S2", "交易", "100.00", "", "-0.60", "10:00:00"),
            row("2026112322001400000000000002", "S2", "退款", "-30.00", "R2", "0.18", "11:00:00"),
            "#-----------------------------------------业务明细列表结束------------------------------------",
            "#交易合计：2笔，商家实收共112.50元，商家优惠共0.00元",
            "#退款合计：1笔，商家实收退款共-30.00元，商家优惠退款共0.00元",
            "#导出时间：[2026年11月24日 05:46:49]",
            "",
        ]
    )


def zipped(text: bytes, summary: bytes = "#支付宝业务汇总查询\r\n".encode("gbk")) -> bytes:
    """As Alipay sends it: two members, GBK names without the flag that says so."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (("2088_20261123_业务明细.csv", text), ("2088_20261123_业务明细(汇总).csv", summary)):
            archive.writestr(zipfile.ZipInfo(name.encode("gbk").decode("cp437")), content)
    return made.getvalue()


@dataclass(frozen=True)
class Made:
    """A bill as offered, and the text inside it with the way back into the file."""

    form: reading.Format
    text: str
    pack: Callable[[str], bytes]

    @property
    def raw(self) -> bytes:
        return self.pack(self.text)

    def expected(self, raw: bytes | None = None) -> Expected:
        """This day and merchant; with the hash of the text in `raw`, if given."""
        sha1 = None if raw is None else hashlib.sha1(self.form.plain(raw), usedforsecurity=False).hexdigest()
        return Expected(day=bill.day_number(DAY), merchant=MERCHANT[self.form.channel], sha1=sha1)


def made() -> list[Made]:
    """One for each format."""
    texts: dict[str, tuple[str, Callable[[str], bytes]]] = {
        "wechatpay": (wechat().decode(), str.encode),
        "douyinpay": (wechat(MERCHANT["douyinpay"]).decode(), str.encode),
        "alipay": (alipay_text(), lambda text: zipped(text.encode("gb18030"))),
    }
    return [Made(form, *texts[channel]) for channel, form in formats.FORMATS.items()]


BY_CHANNEL = {one.form.channel: one for one in made()}
WECHATPAY, ALIPAY_MADE = BY_CHANNEL[ids.ChannelName("wechatpay")], BY_CHANNEL[ids.ChannelName("alipay")]
