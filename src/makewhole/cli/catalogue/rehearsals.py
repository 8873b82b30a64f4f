"""The sentences of demo and simulate, and the laws in plain words, in English and Chinese side by side."""

from __future__ import annotations

REHEARSALS: dict[str, tuple[str, str]] = {
    # ---------------------------------------------------------------- demo
    "demo.opens": (
        "A small shop takes {orders} orders; {broken} of them break in ways that happen to real shops (seed {seed}). No network is used.",
        "一家小店收到 {orders} 个订单，其中 {broken} 个以真实店铺常见的方式出了问题（种子 {seed}）。全程不联网。",
    ),
    "demo.trade": ("the shop is trading", "小店营业中"),
    "demo.recover": ("finding and recovering", "发现并恢复"),
    "demo.head": ("{orders} orders, seed {seed}", "{orders} 个订单，种子 {seed}"),
    "demo.broken": ("broken on purpose", "故意弄坏"),
    "demo.found": ("found", "已发现"),
    "demo.missed": ("missed", "漏报"),
    "demo.alarms": ("false alarms", "误报"),
    "demo.restored": ("restored", "已恢复"),
    "demo.refunded": ("refunded", "已退款"),
    "demo.handed-over": ("handed to a person, with a deadline", "转人工（有期限）"),
    "demo.wrong": ("repaired wrongly", "修错"),
    "demo.laws": ("laws broken", "违反定律"),
    "demo.minutes": ("minutes to recovery, median / 95 %", "恢复用时（分钟，中位 / 95%）"),
    "demo.money": (
        "Money, to the fen: {paid} came in = {whole} in whole orders + {refunded} given back + {open} with people.",
        "款项（精确到分）：收入 {paid} ＝ 正常订单 {whole} ＋ 已退 {refunded} ＋ 人工处理中 {open}。",
    ),
    "demo.flawless": ("Graded against the truth: nothing missed, nothing repaired wrongly.", "对照真相：没有漏报，没有修错。"),
    "demo.flawed": ("Graded against the truth: there are mistakes, listed below.", "对照真相：有错误，见下。"),
    "demo.folder": ("The world lies in {folder}.", "小世界存放在 {folder}。"),
    "demo.not-ours": (
        "this folder holds things that no demo made, and a demo empties its folder first",
        "这个文件夹里有别的东西，而演示会先清空文件夹",
    ),
    "demo.not-ours-todo": ("Name a folder that is empty or does not exist yet.", "请指定一个空的或尚不存在的文件夹。"),
    "demo.no-folder": ("the folder cannot be used: {why}", "文件夹不可用：{why}"),
    # ---------------------------------------------------------------- simulate
    "simulate.opens": (
        "Playing {worlds} worlds, seeds {first} to {last}: each breaks in its own way, then must come to rest with every law kept.",
        "推演 {worlds} 个世界，种子 {first} 至 {last}：每个世界各有各的故障，最后都必须平息，且不违反任何定律。",
    ),
    "simulate.plays": ("worlds played, {failed} failed", "个世界已推演，失败 {failed} 个"),
    "simulate.breach": ("seed {seed}: broken: {law}. {says}", "种子 {seed}：违反“{law}”。{says}"),
    "simulate.faults": ("faults of this world: {faults}", "这个世界的故障：{faults}"),
    "simulate.again": ("play it again: {command}", "重现：{command}"),
    "simulate.law": ("law", "定律"),
    "simulate.times-broken": ("times broken", "违反次数"),
    "simulate.sum": (
        "{worlds} worlds, {orders} orders, {broken} of them broken; {places} places passed, {kills} workers killed.",
        "{worlds} 个世界，{orders} 个订单，其中 {broken} 个有问题；经过 {places} 个断点，杀死工作者 {kills} 次。",
    ),
    "simulate.kept": ("Every law was kept in every world.", "所有世界都没有违反任何定律。"),
    "simulate.failed": ("{failed} worlds broke a law. Their seeds: {seeds}", "{failed} 个世界违反了定律，种子：{seeds}"),
    # ---------------------------------------------------------------- laws, by the name of their function
    "law.refunds_within_payments": ("refunds never exceed their payment", "退款不超过付款"),
    "law.refunded_once": ("a payment is refunded once, and only by a plan", "一笔付款只退一次，且只按方案退"),
    "law.one_effect_per_key": ("one key, one effect", "一个幂等键，一次效果"),
    "law.stock_conserved": ("no unit of stock appears or vanishes", "库存不会凭空增减"),
    "law.orders_hold_their_stock": ("living orders hold their items, ended ones hold none", "有效订单占有其商品，已结束的不占"),
    "law.coupon_once": ("a coupon serves one living order", "一张优惠券只属于一个有效订单"),
    "law.intent_before_effect": ("no act before its intention is durable", "先落盘意图，再执行"),
    "law.verdict_before_act": ("no act without a verdict that allows it", "未获准许，不执行"),
    "law.look_after_doubt": ("after doubt it looks, and never acts blindly", "存疑先查，不盲目重做"),
    "law.one_worker_an_order": ("one worker an order while a lease holds", "租约之内，一个订单只有一个工作者"),
    "law.asked_before_expiry": ("nothing is expired without asking the channel", "不先问渠道，不关订单"),
    "law.every_case_ends": ("every case has a named end", "每个个案都有明确的结局"),
    "law.money_conserved": ("money is conserved to the fen", "款项守恒，精确到分"),
    "law.recorded_money_is_there": ("what was recorded as paid was paid", "入账的款项确实到账"),
    "law.acknowledged_is_kept": ("what was acknowledged is kept, and genuine", "应答过的回调都已保存且属实"),
    "law.within_limits": ("what is a person's is left to a person", "该由人决定的，不自作主张"),
    "law.evidence_whole": ("the evidence is whole and tells of every act", "证据完整，每次执行都有记录"),
    "law.finished_is_finished": ("what is finished stays as it is", "已完成的不再变动"),
    "law.graded_right": ("everything found, nothing alarmed about for nothing, every end right", "无漏报，无误报，结局都正确"),
}
