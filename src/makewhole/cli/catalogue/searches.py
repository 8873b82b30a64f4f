"""The sentences of `search`, in English and Chinese side by side."""

from __future__ import annotations

SEARCHES: dict[str, tuple[str, str]] = {
    "arg.words": ("[WORD]…", "[关键词]…"),
    "option.since": ("from this instant or day on, e.g. 2026-11-23 or 2026-11-23T20:00:00+08:00", "从此时刻或此日起，例如 2026-11-23"),
    "option.until": ("before this instant or day", "在此时刻或此日之前"),
    "option.order": ("only what belongs to this order or payment number", "只看此订单号或支付单号的内容"),
    "option.limit": ("how many hits to show", "显示条数"),
    "option.import": (
        "read log files into the index: plain text, JSON lines, nginx, also .gz; whatever follows is a file too",
        "把日志文件读入索引：纯文本、JSON 行、nginx，也可以是 .gz；其后的参数也都当作文件",
    ),
    "option.refresh": ("first read orders, callbacks and cases into the index", "先把订单、回调和个案读入索引"),
    "option.rebuild": (
        "throw the index away and fill it again; log files must be imported again",
        "丢弃索引并重新填充；日志文件需要重新导入",
    ),
    "search.nothing-asked": ("it is not said what to look for", "没有说要找什么"),
    "search.nothing-asked-todo": (
        "Give a word, a piece of a number, or --order; or fill the index with --refresh or --import.",
        "请给出关键词、号码片段或 --order；或用 --refresh、--import 填充索引。",
    ),
    "search.invisible": ("nothing of these words can be seen", "这些关键词没有任何可见字符"),
    "search.progress": ("{count} read", "已读入 {count} 条"),
    "search.refreshed": (
        "Read into the index: {orders} orders, {callbacks} callbacks, {entries} entries of our own, {changes} changes.",
        "已读入索引：订单 {orders} 个，回调 {callbacks} 条，自己的记录 {entries} 条，变更 {changes} 条。",
    ),
    "search.imported": ("{file}: {count} entries read.", "{file}：读入 {count} 条。"),
    "search.total": ("{shown} of {total} shown.", "共 {total} 条，显示 {shown} 条。"),
    "search.empty": (
        "The index is empty. Fill it: makewhole search --refresh, or makewhole search --import FILE.",
        "索引是空的。请先填充：makewhole search --refresh，或 makewhole search --import 文件。",
    ),
    "search.kind-order": ("order", "订单"),
    "search.kind-callback": ("callback", "回调"),
    "search.kind-history": ("change", "变更"),
    "search.kind-log": ("log", "日志"),
    "search.kind-case": ("our own record", "自己的记录"),
}
