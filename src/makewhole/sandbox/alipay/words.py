"""How Alipay says no: a reason goes in, its code, sub-code and sentence come out."""

from __future__ import annotations

from collections.abc import Mapping

from makewhole.sandbox.channel import truth

MESSAGES: Mapping[str, str] = {
    "20000": "Service Currently Unavailable",
    "40001": "Missing Required Arguments",
    "40002": "Invalid Arguments",
    "40004": "Business Failed",
    "40005": "Call Limited",
}


class Refused(Exception):
    """The gateway says no, in its words."""

    def __init__(self, sub_code: str, message: str, code: str = "40004", *, signed: bool = True) -> None:
        super().__init__(f"{code} {sub_code}: {message}")
        self.code, self.sub_code, self.message, self.signed = code, sub_code, message, signed

    def content(self) -> dict[str, str]:
        """The answer's object."""
        return {"code": self.code, "msg": MESSAGES[self.code], "sub_code": self.sub_code, "sub_msg": self.message}


WORDS: Mapping[truth.No, tuple[str, str]] = {
    truth.No.PAID: ("ACQ.TRADE_HAS_SUCCESS", "交易已被支付"),
    truth.No.CLOSED: ("ACQ.TRADE_HAS_CLOSE", "交易已经关闭"),
    truth.No.NUMBER_USED: ("ACQ.CONTEXT_INCONSISTENT", "交易信息被篡改"),
    truth.No.UNKNOWN: ("ACQ.TRADE_NOT_EXIST", "交易不存在"),
    truth.No.UNKNOWN_REFUND: ("ACQ.TRADE_NOT_EXIST", "交易不存在"),
    truth.No.REFUND_DIFFERS: ("ACQ.DISCORDANT_REPEAT_REQUEST", "不一致的请求"),
    truth.No.NOT_PAID: ("ACQ.TRADE_STATUS_ERROR", "交易状态不合法"),
    truth.No.TOTAL_DIFFERS: ("ACQ.INVALID_PARAMETER", "参数无效"),
    truth.No.TOO_OLD: ("ACQ.TRADE_HAS_FINISHED", "交易已经完结"),
    truth.No.NOTHING_LEFT: ("ACQ.TRADE_HAS_CLOSE", "交易已经关闭"),
    truth.No.TOO_MUCH: ("ACQ.REFUND_AMT_NOT_EQUAL_TOTAL", "退款金额超限"),
    truth.No.TOO_MANY: ("ACQ.TRADE_NOT_ALLOW_REFUND", "当前交易不允许退款"),
    truth.No.NOT_ENOUGH: ("ACQ.SELLER_BALANCE_NOT_ENOUGH", "卖家余额不足"),
    truth.No.NOT_ABNORMAL: ("ACQ.INVALID_PARAMETER", "参数无效"),
}


def of(no: truth.No) -> Refused:
    """The refusal as it goes over the wire."""
    return Refused(*WORDS[no])
