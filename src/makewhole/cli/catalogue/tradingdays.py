"""The sentences of `demo --days`, in English and Chinese side by side."""

from __future__ import annotations

DAYS: dict[str, tuple[str, str]] = {
    "option.days": (
        "trading days at three channels whose daily books are closed, instead of one day that is swept",
        "改为演示若干个交易日：三个渠道，每日对账",
    ),
    "option.orders": ("orders: {orders}, or {day} a day with --days", "订单数量：{orders}；与 --days 同用时每日 {day}"),
    "days.opens": (
        "{days} days, {orders} orders a day at three channels, seed {seed}. Nobody sweeps: only the daily books show what breaks.",
        "{days} 个交易日，每日 {orders} 单，三个渠道，种子 {seed}。不做巡检，问题只能靠每日对账发现。",
    ),
    "days.trade": ("trading and closing", "交易与对账"),
    "days.head-day": ("day", "日期"),
    "days.head-channel": ("channel", "渠道"),
    "days.head-bill": ("bill", "账单"),
    "days.head-differs": ("differ", "差异"),
    "days.head-in-question": ("in question", "涉及金额"),
    "days.head-now": ("now", "现在"),
    "days.lines": ("{lines} lines", "{lines} 笔"),
    "days.head": ("{orders} orders, {lines} lines of bills", "{orders} 单，账单 {lines} 笔"),
    "days.planted": ("breaks planted", "埋下的差异"),
    "days.found": ("found", "找到"),
    "days.missed": ("missed", "漏掉"),
    "days.false_alarms": ("false alarms", "误报"),
    "days.misclassed": ("in the wrong class", "分类错误"),
    "days.wrong_ends": ("at a wrong end", "结局错误"),
    "days.cases": ("cases", "案件"),
    "days.cases_open": ("cases without a named end", "没有结局的案件"),
    "days.unexplained_fen": ("fen that nobody can explain", "无法解释的金额（分）"),
    "days.not_conserved": ("sums that are not the channel's own", "与渠道流水不符的合计"),
    "days.bills_closed": ("bills closed", "已对账的账单"),
    "days.bills_refused": ("bills refused, then had anew", "拒收后重新取得的账单"),
    "days.bills_waited_for": ("times a bill was not made yet", "账单尚未生成的次数"),
    "days.flawless": (
        "Every break found and classed, every case at a named end, every fen of both books accounted for.",
        "差异全部找到且分类正确，案件全部有结局，双方账本分文不差。",
    ),
    "days.flawed": ("Not flawless: see below.", "有错误，见下。"),
    "days.folder": ("The days' sheets, to print: {folder}", "可打印的对账日报：{folder}"),
}
