"""How channels of APIv3 say no: a reason goes in, its HTTP status, its code and its sentence come out."""

from __future__ import annotations

from collections.abc import Mapping

from makewhole.sandbox.channel import truth


class Refused(Exception):
    """The channel says no, in its words."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status, self.code, self.message = status, code, message


WORDS: Mapping[truth.No, tuple[int, str, str]] = {
    truth.No.PAID: (400, "ORDERPAID", "该订单已支付"),
    truth.No.CLOSED: (400, "ORDER_CLOSED", "该订单已关闭"),
    truth.No.NUMBER_USED: (403, "OUT_TRADE_NO_USED", "商户订单号重复"),
    truth.No.UNKNOWN: (404, "ORDER_NOT_EXIST", "订单不存在"),
    truth.No.UNKNOWN_REFUND: (404, "RESOURCE_NOT_EXISTS", "退款单不存在"),
    truth.No.REFUND_DIFFERS: (400, "INVALID_REQUEST", "订单金额或退款金额与之前请求不一致，请核实后再试"),
    truth.No.NOT_PAID: (400, "INVALID_REQUEST", "订单未支付，不能退款"),
    truth.No.TOTAL_DIFFERS: (400, "PARAM_ERROR", "订单金额与支付金额不一致"),
    truth.No.TOO_OLD: (403, "RULE_LIMIT", "交易时间超过一年的订单不能退款"),
    truth.No.NOTHING_LEFT: (400, "INVALID_REQUEST", "订单已全额退款"),
    truth.No.TOO_MUCH: (400, "INVALID_REQUEST", "申请退款金额超过可退金额"),
    truth.No.TOO_MANY: (403, "RULE_LIMIT", "部分退款次数超过限制"),
    truth.No.NOT_ENOUGH: (403, "NOT_ENOUGH", "基本账户余额不足，请充值后重新发起"),
    truth.No.NOT_ABNORMAL: (400, "INVALID_REQUEST", "退款单状态不允许此操作"),
}


def of(no: truth.No) -> Refused:
    """The refusal as it goes over the wire."""
    return Refused(*WORDS[no])
