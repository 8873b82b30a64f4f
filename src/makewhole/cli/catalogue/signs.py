"""What is said of signals of a whole shop, in English and Chinese side by side."""

from __future__ import annotations

SIGNS: dict[str, tuple[str, str]] = {
    "check.signal": ("sign", "征兆"),
    "signal.line": ("{sign}: {what} ({percent} % sure; for: {role})", "{sign}：{what}（把握 {percent}%；请{role}处理）"),
    "signal.callbacks-silent": (
        "{about} has sent no callback since {since}; in that span there are usually {usual}",
        "{about}自 {since} 起没有任何回调；往常同一时段约有 {usual} 条",
    ),
    "signal.code-burst": (
        "{about} was answered {seen} times within the hour; {usual} times in the busiest hour of the week before",
        "一小时内返回码 {about} 出现 {seen} 次；此前一周最忙的一小时为 {usual} 次",
    ),
    "signal.fee-drift": (
        "{about} took {seen} of a million in fees on {since}; usually {usual}",
        "{about}在 {since} 的手续费为百万分之 {seen}；往常为百万分之 {usual}",
    ),
    "signal.refund-velocity": (
        "{seen} refunds today to one account ({about}), {usual} are allowed: ours to it wait for a person",
        "同一账户（{about}）今天退款 {seen} 次，上限 {usual} 次：我方对其退款已停下，等人处理",
    ),
    "signal.bank-differs": (
        "the bank has {seen} of {about} for {since}; the bill settles {usual}",
        "{about}在 {since} 的银行入账为 {seen}；账单应结 {usual}",
    ),
    "signal.callbacks-silent-todo": (
        "Look at the way of callbacks: notify address, certificate, proxy, firewall. Payments are found by sweeps meanwhile.",
        "请检查回调链路：通知地址、证书、代理、防火墙。期间仍会靠巡检查到付款。",
    ),
    "signal.code-burst-todo": (
        "Ask the channel whether it is in trouble, and what this code means there.",
        "请向渠道确认是否故障，以及该返回码的含义。",
    ),
    "signal.fee-drift-todo": (
        "Compare the rate with your contract, and the bill's lines with their rates.",
        "请把费率与合同核对，并查看账单各行的费率。",
    ),
    "signal.refund-velocity-todo": (
        "Look at the account's refunds before anybody sends another one.",
        "再退款之前，请先查看该账户的退款记录。",
    ),
    "signal.bank-differs-todo": ("Compare the bank's line with the bill before the books are closed.", "结账前请把银行流水与账单核对。"),
}
