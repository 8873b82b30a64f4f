"""The sentences of `reconcile`, in English and Chinese side by side."""

from __future__ import annotations

RECONCILING: dict[str, tuple[str, str]] = {
    "option.day": ("the Beijing day, e.g. 2026-11-23", "北京时间的日期，例如 2026-11-23"),
    "option.channel": ("the payment channel: {names}", "支付渠道：{names}"),
    "option.ours": ("our side's book as a Parquet file, instead of the shop's rows", "我方账本（Parquet 文件），代替店铺数据"),
    "option.theirs": ("the channel's bill as it was downloaded (.csv, .gz, .zip)", "从渠道下载的账单原件（.csv、.gz、.zip）"),
    "option.merchant": ("our number at the channel, if the settings do not say it", "我方在该渠道的商户号（设置中没有时）"),
    "reconcile.no-theirs": ("no bill is given", "没有给出渠道账单"),
    "reconcile.no-theirs-todo": (
        "Download the day's bill at the channel and name it with --theirs.",
        "请在渠道后台下载当日账单，用 --theirs 指定。",
    ),
    "reconcile.no-merchant": ("nothing says which merchant number is ours at {channel}", "不知道我方在 {channel} 的商户号"),
    "reconcile.no-merchant-todo": ("Give --merchant, or name it in the settings.", "请用 --merchant 给出，或写入设置。"),
    "reconcile.day-not-over": ("{given} is no day like 2026-11-23", "{given} 不是 2026-11-23 这样的日期"),
    "reconcile.day-todo": ("Give the day of the bill.", "请给出账单日期。"),
    "reconcile.unreadable": ("cannot read it: {why}", "无法读取：{why}"),
    "reconcile.unreadable-todo": ("Check the path, its permissions and the file.", "请检查路径、权限和文件。"),
    "reconcile.refused": ("the bill is refused whole: {wrong}. {why}", "账单整份拒收：{wrong}。{why}"),
    "reconcile.refused-todo": ("Download it anew. If it is refused again, ask the channel.", "请重新下载；若仍被拒收，请向渠道查询。"),
    "reconcile.title": ("{channel}, {day}: ours {ours} lines, theirs {theirs}", "{channel} {day}：我方 {ours} 笔，渠道 {theirs} 笔"),
    "reconcile.fine": ("Nothing is broken. Every fen of both books is accounted for.", "没有差异，双方账本分文不差。"),
    "reconcile.broken": (
        "{lines} differences. Every fen of both books is in the table above.",
        "共 {lines} 处差异。双方账本的每一分钱都在上表中。",
    ),
    "reconcile.shown": ("the first {shown} of {lines} are shown; --json has all", "只显示 {lines} 处中的前 {shown} 处；--json 列出全部"),
    "reconcile.break": ("{kind} {number}: {what}; ours {ours}, theirs {theirs}", "{kind} {number}：{what}；我方 {ours}，渠道 {theirs}"),
    "reconcile.nothing": ("nothing", "无"),
    "reconcile.numberless": ("(no number)", "（无单号）"),
    "head.class": ("what", "类别"),
    "head.side": ("side", "方"),
    "head.kind": ("kind", "种类"),
    "head.lines": ("lines", "笔数"),
    "head.fees": ("fees", "手续费"),
}
