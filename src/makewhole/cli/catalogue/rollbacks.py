"""The sentences of rollback, in English and Chinese side by side."""

from __future__ import annotations

ROLLBACKS: dict[str, tuple[str, str]] = {
    "rollback.head": (
        "{rows} rows would go back, {conflicts} are left alone; {transactions} transactions wrote them.",
        "将撤回 {rows} 行，{conflicts} 行保持不动；涉及 {transactions} 个事务。",
    ),
    "rollback.taken": ("goes back: {what}: {rows} rows", "撤回：{what}：{rows} 行"),
    "rollback.left": ("stays: {what}: {rows} rows", "保留：{what}：{rows} 行"),
    "rollback.rewrite": ("{table} {key}", "{table} {key}"),
    "rollback.reinsert": ("{table} {key}: deleted, would be inserted again", "{table} {key}：曾被删除，将重新插入"),
    "rollback.remove": ("{table} {key}: inserted, would be deleted again", "{table} {key}：曾被新增，将重新删除"),
    "rollback.conflict": (
        "left alone: {table} {key}: {why} (columns: {columns}; transaction {by})",
        "保持不动：{table} {key}：{why}（列：{columns}；事务 {by}）",
    ),
    "rollback.hidden": ("(not shown)", "（未显示）"),
    "rollback.more": ("{rows} more rows are in the plan", "方案中还有 {rows} 行"),
    "rollback.note": ("note: {note}", "注意：{note}"),
    "rollback.money": (
        "Amounts would be written: a second person approves with --approved-by.",
        "将写入金额：需要第二个人用 --approved-by 批准。",
    ),
    "rollback.written": ("The plan is {file}. Nothing else was written.", "方案在 {file}。除此之外什么都没有写。"),
    "rollback.next": ("To do it: {command}", "执行：{command}"),
    "rollback.approve": (
        "Refused: the plan writes amounts. A second person must approve it with --approved-by NAME.",
        "已拒绝：方案会写入金额，必须由第二个人用 --approved-by 姓名 批准。",
    ),
    "rollback.done": (
        "{rows} rows went back, {proven} read again and proven; {left} left alone.",
        "已撤回 {rows} 行，复读核实 {proven} 行；{left} 行保持不动。",
    ),
    "rollback.earlier": ("{rows} rows had gone back in an earlier run of this plan.", "有 {rows} 行在此前执行本方案时已撤回。"),
    "rollback.transactions": ("transactions: {count} ({names})", "事务：{count} 个（{names}）"),
    "rollback.receipt": ("The receipt, with every value before and after, is {file}.", "回执（含每个值的前后）在 {file}。"),
    "rollback.undo": ("To plan the way back: {command}", "如要反悔：{command}"),
    "bad.rollback-one": (
        "say what is to be taken back, or --apply a plan, or --undo one: one of the three",
        "请指定要撤回什么，或用 --apply 执行方案，或用 --undo 反悔：三选一",
    ),
    "bad.rollback-one-todo": (
        "For example: makewhole rollback --transaction 0-1-42. `makewhole history ORDER` tells the transactions.",
        "例如：makewhole rollback --transaction 0-1-42。用 `makewhole history 订单号` 可查看事务。",
    ),
    "bad.rollback-until": ("the end is not later than the beginning", "截止时间不晚于开始时间"),
    "bad.rollback-until-todo": ("Name a later --until, or an earlier --since.", "请把 --until 写得更晚，或把 --since 写得更早。"),
    "bad.rollback-order-alone": (
        "an order, a column or an end alone does not say which changes are the bad ones",
        "只给出订单、列或截止时间，看不出要撤回哪次改动",
    ),
    "bad.rollback-order-alone-todo": (
        "Add --transaction, --since, --user or --connection; `makewhole history ORDER` tells them.",
        "请加 --transaction、--since、--user 或 --connection；用 `makewhole history 订单号` 可查看。",
    ),
    "bad.rollback-hash": ("the plan's hash is missing", "缺少方案的哈希"),
    "bad.rollback-hash-todo": (
        "Give --hash as the dry run printed it: what is done is what was reviewed.",
        "请用 --hash 给出预览时打印的哈希：执行的必须就是审阅过的。",
    ),
    "option.rollback-order": ("only rows of this order; may be said several times", "只限这个订单的行，可多次使用"),
    "option.rollback-transaction": (
        "what this transaction wrote (GTID); may be said several times",
        "这个事务写的内容（GTID），可多次使用",
    ),
    "option.rollback-since": ("what was committed at this instant or later", "从这一时刻起提交的内容"),
    "option.rollback-until": ("what was committed before this instant", "在这一时刻之前提交的内容"),
    "option.rollback-user": (
        "what this person wrote, as the server or the shop's own history row of the same transaction says",
        "这个人写的内容，依据服务器或同一事务中店铺自己的操作记录",
    ),
    "option.rollback-connection": ("what this connection of the server wrote (MySQL)", "服务器上这个连接写的内容（MySQL）"),
    "option.rollback-column": ("only this column; may be said several times", "只限这一列，可多次使用"),
    "option.rollback-partial": (
        "agree that other rows or columns of the same transactions stay as they are",
        "同意同一事务的其他行或列保持不变",
    ),
    "option.rollback-all-or-nothing": (
        "write nothing where a single row is in conflict (at most 1000 rows)",
        "只要有一行冲突就什么都不写（最多 1000 行）",
    ),
    "option.rollback-output": ("the plan's file", "方案文件"),
    "option.rollback-apply": ("do what this plan says, with its hash", "执行这份方案，须给出哈希"),
    "option.rollback-undo": ("plan how to take an applied plan back", "为已执行的方案出反悔方案"),
    "option.rollback-hash": ("the plan's hash, or at least its first 12 characters", "方案的哈希，至少前 12 个字符"),
    "option.rollback-by": ("who does it; your login if not said", "执行人；不填为当前登录名"),
    "option.rollback-approved-by": ("who approved amounts: somebody else", "批准金额的人：必须是另一个人"),
}
