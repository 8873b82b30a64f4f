"""The sentences of evidence and reasons (`model.fact.Says`), in English and Chinese side by side; `{0}` is the fact's first value.

The English side is also what `evidence[].says` holds in JSON.
"""

from __future__ import annotations

FACTS: dict[str, tuple[str, str]] = {
    # the shop
    "shop-state": ("the order is {0:OrderState}, {1} due", "订单状态为{0:OrderState}，应付 {1}"),
    "shop-due": ("{0} is due", "应付 {0}"),
    "shop-unknown-order": ("the shop knows no order {0}", "店铺没有订单 {0}"),
    "shop-closed-at": ("the shop closed the order at {0:instant}", "店铺于 {0:instant} 关单"),
    "shop-expired-at": ("the time to pay ran out at {0:instant}", "付款时限于 {0:instant} 到期"),
    "shop-refund": ("the shop records refund {0} of {1}: {2:RefundState}", "店铺记有退款 {0}，{1}，{2:RefundState}"),
    # the channel
    "channel-paid": ("payment {0} of {1} succeeded at {2:instant}", "支付单 {0} 于 {2:instant} 支付成功，{1}"),
    "channel-unpaid": ("payment {0} was not paid", "支付单 {0} 未支付"),
    "channel-closed": ("payment {0} is closed, no money came", "支付单 {0} 已关闭，没有收款"),
    "channel-refund": ("refund {0} of {1}: {2:RefundState}", "退款 {0}，{1}，{2:RefundState}"),
    "channel-turned-refund": ("payment {0} was turned into a refund, how much is not told", "支付单 {0} 已转入退款，金额未告知"),
    "channel-not-refunded": ("no refund of payment {0} ({1}) is known", "支付单 {0}（{1}）没有退款记录"),
    # notices
    "notice-received": ("the payment notice arrived at {0:instant}", "支付通知于 {0:instant} 到达"),
    "notice-missing": ("no payment notice ever reached us", "我们一直没有收到支付通知"),
    "notice-bad": ("a payment notice was refused: {0:NoticeCheck}", "支付通知被拒收：{0:NoticeCheck}"),
    "shop-acknowledged": (
        "the shop answered the payment notice with {0} and did not record the payment",
        "店铺以 {0} 应答了支付通知，却没有入账",
    ),
    "shop-refused-notice": ("the shop refused the payment notice with {0}", "店铺以 {0} 拒收了支付通知"),
    "shop-unreachable": (
        "the payment notice was forwarded {0} times and the shop could not be reached",
        "支付通知转发了 {0} 次，店铺一直连不上",
    ),
    "candidate": ("order {0} ({1}) may be meant; it fits by {2:Match}", "可能属于订单 {0}（{1}），相符之处：{2:Match}"),
    # the daily books
    "books-differ": ("books of {0}: {1:Break}, number {2}", "{0} 对账：{1:Break}，单号 {2}"),
    "books-ours": ("our book says {0}, {1:Standing}, at {2:instant}", "我方账本：{0}，{1:Standing}，{2:instant}"),
    "books-theirs": ("the channel's book says {0}, {1:Standing}, at {2:instant}", "渠道账单：{0}，{1:Standing}，{2:instant}"),
    "decided": ("{1} decided: {0:Choice}. {2}", "{1} 决定：{0:Choice}。{2}"),
    "goods-are-out": (
        "goods are out: the order is {0:OrderState}, parcel {1}; the shop's row alone cannot take that back",
        "货已发出：订单{0:OrderState}，运单 {1}；只改店铺的订单行挽回不了",
    ),
    "money-goes-back": (
        "money is going back already: refund {0} of {1}, {2:RefundState}",
        "款项已在退回：退款 {0}，{1}，{2:RefundState}",
    ),
    "may-be-paid-until": ("the order may still be paid until {0:instant}", "订单在 {0:instant} 前仍可付款"),
    "no-time-to-pay": ("nothing tells how long the order may be paid", "无从得知订单的付款时限"),
    "hand-missing": (
        "the shop's row goes on saying paid: the shop file declares no hand for {0}",
        "店铺的订单行仍写着已付款：店铺文件没有声明操作 {0}",
    ),
    "bank-differs": (
        "the channel's bills settle {1} for the payout that begins with {0}; the bank has {2}",
        "自 {0} 起的一笔结算，账单应结 {1}，银行入账 {2}",
    ),
    "statement-refused": ("the bank's statement {0} is refused whole: {1:Wrong}. {2}", "银行流水 {0} 整份拒收：{1:Wrong}。{2}"),
    "bill-withdrawn": (
        "the channel gave a bill of {0}, and says now that there is none: the first one is still believed",
        "渠道曾给出 {0} 的账单，现在却说没有：仍以先前的账单为准",
    ),
    "day-open": (
        "{0} could not be closed at this channel for more than a day, and is still tried: {1}",
        "该渠道 {0} 的账超过一天仍未对上，仍在重试：{1}",
    ),
    "bill-refused": ("the bill of {0} is refused whole: {1:Wrong}. {2}", "{0} 的账单整份拒收：{1:Wrong}。{2}"),
    "record-altered": (
        "{0} is no longer what was stored: nothing is settled at this channel until somebody has looked",
        "{0} 已不是当初保存的内容：查清之前，该渠道停止结算",
    ),
    # stock and coupons
    "stock-tally": ("of {0} the order took {1} and gave back {2}", "{0}：订单占用 {1} 件，归还 {2} 件"),
    "stock-left": ("of {0}, {1} are left", "{0} 剩余 {1} 件"),
    "coupon-held": ("coupon {0} is still held by this order", "优惠券 {0} 仍被本订单占用"),
    "coupon-holders": ("coupon {0} is named by several live orders: {1}", "优惠券 {0} 被多个有效订单使用：{1}"),
    "coupon-elsewhere": ("coupon {0} belongs to order {1}", "优惠券 {0} 属于订单 {1}"),
    # the order against itself
    "paid-without-time": ("the order is {0:OrderState} and has no time of payment", "订单{0:OrderState}，却没有付款时间"),
    "paid-without-channel": ("the order is {0:OrderState} and names no payment channel", "订单{0:OrderState}，却没有支付渠道"),
    "unpaid-with-time": (
        "the order is {0:OrderState} and has a time of payment, {1:instant}",
        "订单{0:OrderState}，却有付款时间 {1:instant}",
    ),
    "closed-but-paid": (
        "the order is {0:OrderState} and has a time of payment, {1:instant}",
        "订单{0:OrderState}，却有付款时间 {1:instant}",
    ),
    "shipped-without-parcel": ("the order is {0:OrderState} and has no tracking number", "订单{0:OrderState}，却没有运单号"),
    "shipped-without-time": ("the order is {0:OrderState} and has no time of shipping", "订单{0:OrderState}，却没有发货时间"),
    "parcel-before-shipping": (
        "the order is {0:OrderState} and already has a parcel ({1:instant})",
        "订单{0:OrderState}，却已有包裹（{1:instant}）",
    ),
    "completed-without-time": ("the order is {0:OrderState} and has no time of completion", "订单{0:OrderState}，却没有完成时间"),
    "times-out-of-order": (
        "the times are out of order (created {1:instant}, paid {2:instant}, shipped {3:instant}, completed {4:instant})",
        "时间先后颠倒（下单 {1:instant}，付款 {2:instant}，发货 {3:instant}，完成 {4:instant}）",
    ),
    "amounts-do-not-add-up": ("the amount due is {1}, its parts add up to {2}", "应付 {1}，各部分合计却是 {2}"),
    # an order in parts
    "parts-disagree": (
        "the order itself says {1:OrderState}, its sub-orders say {2:OrderState}",
        "主订单自己是{1:OrderState}，子订单却是{2:OrderState}",
    ),
    "parts-do-not-add-up": ("the sub-orders should add up to {1}, and add up to {2}", "子订单合计应为 {1}，实际是 {2}"),
    "part-without-parcel": ("sub-order {1} is {2:OrderState} and has no tracking number", "子订单 {1} {2:OrderState}，却没有运单号"),
    "part-without-time": ("sub-order {1} is {2:OrderState} and does not say when", "子订单 {1} {2:OrderState}，却没有相应时间"),
    "part-parcel-before-shipping": (
        "sub-order {1} is {2:OrderState} and already has a parcel",
        "子订单 {1} {2:OrderState}，却已有包裹",
    ),
    "part-times-out-of-order": ("sub-order {1} was completed before it was shipped", "子订单 {1} 的完成时间早于发货时间"),
    "part-moved": (
        "sub-order {0}: {1}: {2:OrderState} → {3:OrderState}, in transaction {4} by {5}, which nothing explains ({6} order(s) in it)",
        "子订单 {0}：{1}：{2:OrderState} → {3:OrderState}，事务 {4}，操作者 {5}，该事务共有 {6} 个订单的改动得不到解释",
    ),
    "part-gone": (
        "the row of sub-order {0} was deleted in transaction {1} by {2}, one of {3} order(s) there; its state was {4:OrderState}",
        "子订单 {0} 的行在事务 {1} 中被 {2} 删除（该事务涉及 {3} 个订单），删除前状态为{4:OrderState}",
    ),
    "paid-amount-differs": ("the amount due is {1}, the shop records {2} as paid", "应付 {1}，店铺记的实付却是 {2}"),
    "without-items": ("the order has no items", "订单没有商品"),
    "items-without-order": ("{1} items name order {0}, which does not exist", "有 {1} 件商品写着订单 {0}，但这个订单不存在"),
    "foreign-item": ("an item belongs to another order: {1}", "有一件商品属于别的订单：{1}"),
    # the change log
    "row-moved": (
        "{0}: {1:OrderState} → {2:OrderState}, in transaction {3} by {4}, which changed {5} order(s) in ways that nothing explains",
        "{0}：{1:OrderState} → {2:OrderState}，事务 {3}，操作者 {4}，该事务共有 {5} 个订单的改动得不到解释",
    ),
    "row-gone": (
        "the row was deleted in transaction {0} by {1}, one of {2} order(s) there; its state was {3:OrderState}",
        "订单行在事务 {0} 中被 {1} 删除（该事务涉及 {2} 个订单），删除前状态为{3:OrderState}",
    ),
    "row-statement": ("the statement: {0}", "所用语句：{0}"),
    "take-back-with": ("this takes it back: {0}", "撤回命令：{0}"),
    "rests-on-overwritten-row": (
        "the order's row was overwritten in transaction {0}: nothing is done on the strength of what it says now",
        "订单行在事务 {0} 中被改写：不会依据现有内容采取行动",
    ),
    "number-not-unique": ("{1} rows carry this order number", "有 {1} 行使用同一个订单号"),
    # the late-payment decision
    "late-unknown-time": ("when the money came is not known", "不知道何时到账"),
    "late-too-old": ("the money came at {0:instant}, longer ago than {1:span}", "款项于 {0:instant} 到账，已超过 {1:span}"),
    "late-fraud-window": (
        "the order ended at {0:instant} and the money came only at {1:instant}",
        "订单于 {0:instant} 结束，款项 {1:instant} 才到",
    ),
    "late-stock-unknown": ("how much of {0} is left is not known", "不知道 {0} 还剩多少"),
    "late-stock-short": ("{1} of {0} are needed, {2} are left", "{0} 需要 {1} 件，只剩 {2} 件"),
    "late-price-rose": ("{0} costs {1} by now", "{0} 现价已是 {1}"),
    "late-coupon-unknown": ("the state of coupon {0} is not known", "不知道优惠券 {0} 的状态"),
    "late-coupon-gone": ("coupon {0} is no longer free: {1:CouponState}", "优惠券 {0} 已不可用：{1:CouponState}"),
    "late-fits": (
        "the money came at {0:instant}; stock, price and coupon still fit",
        "款项于 {0:instant} 到账，库存、价格和优惠券仍然合适",
    ),
    # why a person is asked
    "held-by-guard": ("policy does not let us do it alone: {0:Ground}", "规则不允许自动处理：{0:Ground}"),
    "step-refused": ("the other side refused: {0}", "对方拒绝：{0}"),
    "gave-up-waiting": ("no clear answer came in time: {0}", "一直没有等到明确的结果：{0}"),
    "still-broken": ("“{0:Remedy}” was carried out, and the order is still broken", "已执行“{0:Remedy}”，问题仍在"),
}
