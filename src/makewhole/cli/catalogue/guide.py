"""The words of `--help`, in English and Chinese side by side."""

from __future__ import annotations

GUIDE: dict[str, tuple[str, str]] = {
    "help.program": (
        "Finds orders that shop and payment channel disagree about, says why, and makes them whole within your rules.",
        "找出店铺与支付渠道说法不一致的订单，说明原因，并在你的规则之内恢复正常。",
    ),
    "help.usage": ("Usage:", "用法："),
    "help.command-args": ("COMMAND [OPTIONS] …", "命令 [选项] …"),
    "help.options": ("Options", "选项"),
    "help.commands": ("Commands", "命令"),
    "help.exit-codes": ("Exit codes", "退出码"),
    "exit.0": ("fine, nothing is broken", "一切正常"),
    "exit.1": ("broken orders were found, or are left", "发现问题订单，或仍有未恢复的订单"),
    "exit.2": ("wrong use or settings", "用法或设置有误"),
    "exit.3": ("incomplete: a source did not answer", "不完整：有来源没有应答"),
    "exit.4": ("refused by your rules", "被规则拒绝"),
    "exit.70": ("a mistake of ours; a report file is written", "我们自己的错误，已写出报告文件"),
    "short.demo": ("a small shop, broken on purpose and made whole in front of you", "演示：一家小店，故意弄坏，再当面恢复"),
    "short.attach": (
        "look at a shop's database and propose its shop file, with reasons and doubts",
        "查看店铺数据库，给出店铺文件的建议、理由和疑问",
    ),
    "short.scan": ("list broken orders; changes nothing", "列出问题订单，不做任何改动"),
    "short.show": ("one order: who says what, what happened, what is broken", "查看一个订单：各方说法、经过、问题"),
    "short.history": ("every past state of an order, from the shop's change log", "查看订单的全部历史状态（来自店铺的变更日志）"),
    "short.rollback": (
        "take chosen changes back by the change log: plan, apply, undo",
        "按变更日志撤回选定的改动：先出方案，再执行，可反悔",
    ),
    "short.recover": ("show what would be done; with --apply do it", "预览如何恢复；加 --apply 才执行"),
    "short.reconcile": ("a day's bill beside the shop's book: every difference, every fen", "对账：渠道账单与店铺账本逐笔比对，分文不差"),
    "short.serve": ("keep callbacks safe and recover orders, day and night", "常驻：保管回调，持续恢复订单"),
    "short.search": ("find orders by a piece of anything: a number, a log line", "按任意片段找订单：号码、日志内容"),
    "short.images": (
        "orders every 15 minutes: as they were, what differs, take one back",
        "每 15 分钟一份订单镜像：查看当时、比较差异、恢复",
    ),
    "short.simulate": (
        "many small worlds with faults and crashes; every law checked in each",
        "推演：成批的随机世界，带故障和崩溃，逐个检验定律",
    ),
    "short.policy": ("show or check the dated rules", "查看或检查规则"),
    "short.doctor": ("check settings, reach, keys, clocks", "检查设置、连通性、密钥与时钟"),
    "help.rollback": (
        (
            "Takes back what a transaction, a span of time or a person wrote, by the before-images of the change log: only the columns "
            "that were changed, only where nobody wrote them since. Without --apply nothing is written but a plan with its hash; --apply "
            "takes that plan and that hash, checks every row again under its lock, and never plans; --undo plans the way back."
        ),
        (
            "按变更日志里的前镜像，撤回某个事务、某段时间或某个人的改动：只写被改过的列，而且之后无人再改的才写。"
            "不加 --apply 时，只写出一份带哈希的方案；"
            "--apply 按方案和哈希执行，在行锁之下逐行复核，绝不重新计划；--undo 再出一份反悔的方案。"
        ),
    ),
    "help.demo": (
        "A small shop with WeChat Pay on this machine, broken on purpose, made whole, and graded against the hidden truth.",
        "在本机搭起一家用微信支付的小店，故意弄坏，再恢复，最后对照 Makewhole 看不到的真相打分。",
    ),
    "help.attach": (
        (
            "Reads the catalogue and a few samples of a database (never a whole big table, never a write), proposes which table and column "
            "says what, with reasons, asks about what it doubts, writes the shop file and runs a first scan. --yes takes what is sure and "
            "leaves the rest unmapped and named; --output names the file."
        ),
        (
            "读取数据库的表结构和少量样本（绝不通读大表，绝不写入），给出每张表、每一列含义的建议和理由，对有疑问的提问，写出店铺文件并做第一次扫描。"
            "--yes 只采用有把握的，其余不映射并列出；--output 指定文件。"
        ),
    ),
    "help.scan": (
        "Lists broken orders while they are found. Only reads. --at judges today's rows by the clock and rules of another instant.",
        "边查边列出问题订单，只读不写。--at 按另一时刻的规则和时钟来判断现有数据。",
    ),
    "help.show": (
        "Tells one order's story. The number may be the shop's order number or a payment's out_trade_no.",
        "讲清一个订单的来龙去脉。可以给店铺订单号，也可以给支付单号（out_trade_no）。",
    ),
    "help.history": (
        "Tells every change of an order that the shop's database remembers: when, by whom as far as it tells, and what else was written.",
        "列出店铺数据库记得的该订单全部变更：何时、日志所知的执行者，以及同一事务还写了什么。只读不写。",
    ),
    "help.recover": (
        "Shows row by row and call by call what would be done. With --apply it is done, once, and then checked again.",
        "逐行、逐次调用地预览将要做什么。加 --apply 才执行，只执行一次，之后再核对一遍。",
    ),
    "help.reconcile": (
        (
            "Compares a channel's bill of one day with the shop's own book, line by line, and accounts for every fen of both. A bill that "
            "is cut, doubled, another's or that does not add up to its own summary is refused whole. The bill is downloaded unless "
            "--theirs names one; --apply works on what differs, within your rules. With --theirs it only reads."
        ),
        (
            "把渠道某一天的账单与店铺自己的账本逐笔比对，双方每一分钱都有去处。被截断、重复、不是本日本商户或与自身汇总不符的账单整份拒收。"
            "不给 --theirs 时自动下载账单；加 --apply 按策略处理差异。给出 --theirs 时只读不写。"
        ),
    ),
    "help.serve": (
        "Keeps every callback until the shop has applied it, sweeps the orders, recovers within your rules. Ctrl-C stops it.",
        "保管每个支付回调直到店铺入账，巡检订单，在规则之内恢复。按 Ctrl-C 停止。",
    ),
    "help.search": (
        "Finds whatever holds all the words, whole names first, then newest. A word is text: any piece of a number or sentence will do.",
        "找出同时含有所有关键词的内容，号码完全一致的在先，新的在先。关键词就是文字：号码或句子的任意片段都可以。",
    ),
    "help.images": (
        (
            "list: the images. take: make those that are due. as-of ORDER: the order as it was. diff: rows that differ between two "
            "instants. restore ORDER: plan to bring its rows back to what they were. check: compare with the shop itself. tidy: put small "
            "files together, delete what is older than the rule image-retention. Only the images are written."
        ),
        (
            "list：列出镜像。take：生成到期的镜像。as-of 订单号：订单当时的样子。diff：两个时刻之间不同的行。"
            "restore 订单号：生成恢复到当时的计划。check：与店铺逐行比对。"
            "tidy：合并小文件，删除超过 image-retention 规则的镜像。只写镜像本身。"
        ),
    ),
    "help.simulate": (
        "Plays seeded worlds: a small shop, a failing channel, workers that die. Then all heals, comes to rest, and every law is checked.",
        "按种子推演世界：一家小店、会出故障的渠道、会被杀死的工作者；随后故障消除，必须平息，并逐条检验定律。只用临时文件夹。",
    ),
    "help.policy": (
        "show: the rules in force, with their source. check: whether every rule is there, in the right unit, and unambiguous.",
        "show：列出现行规则及出处。check：检查规则是否齐全、单位正确、没有歧义。",
    ),
    "help.doctor": (
        "Checks what Makewhole needs, line by line: what is wrong, where, what to do. Asks the channel for one invented number.",
        "逐项检查 Makewhole 所需：哪里不对、怎么办。只读；会向支付渠道查询一个不存在的单号。",
    ),
    "arg.order": ("ORDER", "订单号"),
    "arg.orders": ("[ORDER]…", "[订单号]…"),
    "option.lang": ("language of the answer; else the settings', else the locale's", "回答所用语言；默认看设置，再看系统区域"),
    "option.help": ("show this and leave", "显示本说明"),
    "option.version": ("show the version and leave", "显示版本"),
    "option.config": ("settings file; without it makewhole.toml, if it is here", "设置文件；默认用当前目录的 makewhole.toml"),
    "option.database": (
        "the shop's database, e.g. sqlite:///shop.db or mysql://reader@host:3306/shop; its password comes from MAKEWHOLE_SHOP_PASSWORD",
        "店铺数据库，例如 sqlite:///shop.db 或 mysql://reader@host:3306/shop；密码取自 MAKEWHOLE_SHOP_PASSWORD",
    ),
    "option.shop": ("shop file, or the name of one that is shipped", "店铺文件，或内置店铺文件的名称"),
    "option.output": ("the shop file to write; by default the database's name", "要写出的店铺文件，默认以数据库命名"),
    "option.sure": ("ask nothing: take what is sure, leave the rest unmapped and named", "不提问：只采用有把握的，其余不映射并列出"),
    "option.json": ("for scripts: JSON on standard output, all else on standard error", "供脚本使用：标准输出只有 JSON，其余走标准错误"),
    "option.at": ("judge as of this instant, e.g. 2026-11-23T20:00:00+08:00", "按此时刻判断，例如 2026-11-23T20:00:00+08:00"),
    "option.all": ("every broken order that a sweep finds, most urgent first", "巡检发现的所有问题订单，紧急的在先"),
    "option.apply": ("do it; without this nothing is changed", "执行；不加则什么都不改"),
    "option.yes": ("do not ask before acting", "执行前不再询问"),
    "option.seed": ("same seed, same world", "同一种子，同一世界"),
    "option.first-seed": ("the first world's seed; the others follow it", "第一个世界的种子，其余依次递增"),
    "option.worlds": ("how many worlds", "世界数量"),
    "option.broken": ("share of orders that is broken, 0 to 1", "弄坏的比例，0 到 1"),
    "option.folder": ("where the world is put; a new temporary folder without it", "存放位置；默认新建临时文件夹"),
    "arg.policy": ("show|check", "show|check"),
}
