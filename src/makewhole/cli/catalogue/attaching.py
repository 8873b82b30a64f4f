"""The sentences of attach, in English and Chinese side by side."""

from __future__ import annotations

ATTACHING: dict[str, tuple[str, str]] = {
    "attach.reading": (
        "Looking at {database}: its catalogue and small samples, nothing else.",
        "正在查看 {database}：只读表结构和少量样本。",
    ),
    "attach.looked": ("{tables} tables, {dialect}. This is what they seem to say:", "共 {tables} 张表（{dialect}）。看起来是这样的："),
    "attach.head-ours": ("ours", "我们的字段"),
    "attach.head-theirs": ("the shop's", "店铺的列"),
    "attach.head-unit": ("unit", "单位"),
    "attach.head-sure": ("sure", "把握"),
    "attach.head-why": ("why", "理由"),
    "attach.head-condition": ("where", "条件"),
    "attach.head-state": ("the order is", "订单处于"),
    "attach.doubts": ("In doubt ({count}):", "有疑问（{count}）："),
    "attach.unmapped": ("Not mapped, so nothing will be said of it: {names}", "未映射，因此不会对其作任何判断：{names}"),
    "attach.left-out": (
        "Recognised, but left out because something that is needed is not sure: {names}",
        "已识别，但因必需的内容没有把握而未写入：{names}",
    ),
    "attach.written": ("Written: {file}", "已写入：{file}"),
    "attach.scanning": ("A first scan with it:", "用它做第一次扫描："),
    "attach.not-written": (
        "Nothing was written. --yes writes what is sure; on a terminal the doubts are asked.",
        "没有写入任何文件。--yes 会写入有把握的部分；在终端上运行则会逐一提问。",
    ),
    "attach.no-orders": ("no table here looks like orders", "这里没有一张表看起来是订单表"),
    "attach.no-orders-todo": (
        (
            "Check that the address names the shop's own database and that the account may read it; else write a shop file by hand "
            "(docs/shop-files.md)."
        ),
        "请确认地址指向店铺自己的数据库、账号有读取权限；否则请手写店铺文件（见 docs/shop-files.md）。",
    ),
    "attach.which-orders": ("the orders may stand in any of these tables: {names}", "订单可能在以下任一张表中：{names}"),
    "attach.which-orders-todo": (
        "Say which, on a terminal without --yes, or with --table order={table}.",
        "请指明是哪一张：在终端上不带 --yes 运行，或使用 --table order={table}。",
    ),
    "attach.table-what": ("{told} does not say which table plays which role", "{told} 没有说明哪张表充当哪个角色"),
    "attach.table-todo": ("Write ROLE=TABLE; roles are {roles}.", "请写成 角色=表名；角色有 {roles}。"),
    "option.table": (
        "the table that plays a role, where attach doubts it or takes another: order=trade_order",
        "指定充当某个角色的表（attach 有疑问或选错时）：order=trade_order",
    ),
    "attach.not-enough": ("a shop file cannot be written yet: {names} is not sure", "还不能写出店铺文件：{names} 没有把握"),
    "attach.not-enough-todo": (
        "Run it on a terminal without --yes and answer the questions, or write the file by hand (docs/shop-files.md).",
        "请在终端上不带 --yes 运行并回答问题，或手写文件（见 docs/shop-files.md）。",
    ),
    "attach.exists": ("{file} is there already, and attach overwrites nothing", "{file} 已存在，attach 不会覆盖任何文件"),
    "attach.exists-todo": ("Name another file with --output, or move this one away.", "请用 --output 指定别的文件，或先移走它。"),
    "attach.cannot-write": ("cannot write it: {why}", "无法写入：{why}"),
    "attach.cannot-write-todo": ("Name a file in a folder that you may write to.", "请指定一个可写文件夹里的文件。"),
    "attach.lead": (
        "Proposed by `makewhole attach`. The number behind a column is how sure that is; read it through once.",
        "由 makewhole attach 提出。每列后面的数字是把握程度，请通读一遍。",
    ),
    "attach.lead-unmapped": ("Not mapped: {names}", "未映射：{names}"),
    "attach.triggers-hint": (
        "A SQLite shop keeps no change log: overwritten and deleted rows cannot be told. --triggers shows what would record them.",
        "SQLite 店铺没有变更日志，无法发现被改写或删除的行。加 --triggers 可查看用于记录的触发器。",
    ),
    "attach.triggers-what": (
        "To have the shop record its own changes from now on, these {statements} statements would run in its database:",
        "要让店铺从现在起记录自己的变更，需要在其数据库中执行以下 {statements} 条语句：",
    ),
    "attach.triggers-ask": ("Run them", "是否执行"),
    "attach.triggers-not": (
        "Not run: nothing was added to the shop. An explicit yes runs them: --triggers --yes.",
        "没有执行：未向店铺添加任何东西。明确同意才会执行：--triggers --yes。",
    ),
    "attach.triggers-done": ("Done: from now on every change of these tables is recorded.", "完成：从现在起，这些表的每次变更都会被记录。"),
    "attach.triggers-there": ("Nothing to run.", "没有需要执行的语句。"),
    "attach.slot-hint": (
        "PostgreSQL keeps its changes for us where it was told to: else overwritten and deleted rows cannot be told. --slot shows how.",
        "PostgreSQL 只有在设置后才会为我们保留变更，否则无法发现被改写或删除的行。加 --slot 可查看需要做什么。",
    ),
    "attach.slot-there": (
        "Nothing to run: the server keeps every change of these tables.",
        "没有需要执行的语句：服务器已在保留这些表的每次变更。",
    ),
    "attach.slot-what": (
        "To have the server keep the shop's changes until we have read them, these {statements} statements would run in its database:",
        "要让服务器保留店铺的变更直到我们读取，需要在其数据库中执行以下 {statements} 条语句：",
    ),
    "attach.slot-not": (
        "Not run: nothing was added to the shop. An explicit yes runs them: --slot --yes, by the account that owns the tables.",
        "没有执行：未向店铺添加任何东西。明确同意才会执行：--slot --yes，并使用表的所有者账号。",
    ),
    "attach.slot-done": (
        "Done. What nobody reads fills the server's disk: let serve run, and set max_slot_wal_keep_size; doctor tells how much waits.",
        "完成。无人读取的变更会占满服务器磁盘：请让 serve 保持运行，并设置 max_slot_wal_keep_size；doctor 会显示待读取的量。",
    ),
    "attach.shop-alone": ("--shop means a shop file that is there already", "--shop 指已经存在的店铺文件"),
    "attach.shop-alone-todo": (
        "Use it with --triggers or --slot; to scan with the file, call scan.",
        "请与 --triggers 或 --slot 一起使用；要扫描请用 scan。",
    ),
    "option.triggers": (
        "show the triggers that let a SQLite shop record its changes; with --yes, or when asked, install them",
        "列出让 SQLite 店铺记录变更的触发器；加 --yes 或在询问时同意才安装",
    ),
    "option.slot": (
        "show what has a PostgreSQL server keep the shop's changes for us; with --yes, or when asked, run it",
        "列出让 PostgreSQL 服务器为我们保留变更的语句；加 --yes 或在询问时同意才执行",
    ),
    "option.triggers-shop": (
        "with --triggers or --slot: for this shop file, which is there already",
        "与 --triggers 或 --slot 同用：用于已有的店铺文件",
    ),
    "attach.choose": ("Your choice (Enter leaves it unmapped): ", "请选择（回车为不映射）："),
    "attach.pick-again": ("A number from 1 to {most}, or Enter.", "请输入 1 到 {most} 之间的数字，或直接回车。"),
    "check.map": ("shop file on live rows", "店铺文件对照现有数据"),
    "doctor.proved": ("no row contradicts itself as the shop file reads it", "按店铺文件解读，没有一行自相矛盾"),
    "doctor.proof": ("{times} orders, e.g. {examples}: {says}", "{times} 个订单（如 {examples}）：{says}"),
    "doctor.proof-least": ("at least {times} orders, e.g. {examples}: {says}", "至少 {times} 个订单（如 {examples}）：{says}"),
    "doctor.proof-todo": (
        "A few are broken orders: scan lists them. If there are many, the shop file reads a column wrongly: look at one of them.",
        "少数是有问题的订单，scan 会列出；如果很多，多半是店铺文件读错了某一列，请打开其中一个核对。",
    ),
    "ask.column": ("Which column of {about} is {field}?", "{about} 的哪一列是 {field}？"),
    "ask.unit": ("Does {about} ({field}) count yuan or fen?", "{about}（{field}）的单位是元还是分？"),
    "ask.code": ("What does it mean ({field}) when {about}?", "{about} 表示什么（{field}）？"),
    "ask.table": ("Which table is the {field}?", "哪张表是 {field}？"),
    "ask.tenant": ("Whose rows are ours ({about})? * means all.", "哪些行属于我们（{about}）？* 表示全部。"),
    "ask.parent": (
        "Some rows hang on another one ({about}). Which rows are orders? * means all; without an answer those that stand alone.",
        "有些行挂在另一行之下（{about}）。哪些行是订单？* 表示全部；不回答则只取独立的行。",
    ),
    "ask.paper": (
        "Some rows are no sales by their kind ({about}). Which rows are orders? * means all; without an answer the sales.",
        "按类型（{about}），有些行不是销售单。哪些行是订单？* 表示全部；不回答则只取销售单。",
    ),
    "ask.stock": ("What can still be sold ({field})?", "可售数量（{field}）怎么算？"),
    "ask.zone": ("In which time zone does {about} write?", "{about} 使用哪个时区？"),
    "ask.hint": ("({hint})", "（{hint}）"),
    "why.name": ("called {what}", "列名 {what}"),
    "why.comment": ("comment “{what}”", "注释“{what}”"),
    "why.type": ("type {what}", "类型 {what}"),
    "why.key": ("the row's own key", "本行主键"),
    "why.values": ("its values fit {what}", "取值相符 {what}"),
    "why.present": ("the times that are there", "由已有的时间判断"),
    "why.sum": ("adds up in {what}", "金额相加吻合 {what}"),
    "why.refers": ("refers to {what}", "指向 {what}"),
    "why.labels": ("says {what}", "含义 {what}"),
    "why.shards": ("cut by suffix into {what}", "按后缀分表，共 {what}"),
    "why.alone": ("nothing else could be it", "没有别的列可能是它"),
    "why.answered": ("you said so", "由你确认"),
}
