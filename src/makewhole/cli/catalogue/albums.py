"""The sentences of `images`, in English and Chinese side by side."""

from __future__ import annotations

ALBUMS: dict[str, tuple[str, str]] = {
    "arg.images": ("WHAT", "操作"),
    "arg.image-order": ("[ORDER]", "[订单号]"),
    "option.image-at": ("the instant to look at or to go back to; now, without it", "要查看或恢复到的时刻；默认现在"),
    "option.image-since": ("from this instant or day on; by default the last 24 hours", "从此时刻或此日起；默认最近 24 小时"),
    "option.image-until": ("up to this instant or day; by default now", "到此时刻或此日为止；默认现在"),
    "option.image-anew": (
        "read the shop's tables again, where the log has a gap and images cannot go on",
        "日志有缺口、无法继续时，重新读取店铺的表",
    ),
    "option.image-grid": ("the image itself, without running the log on to the instant", "只看镜像本身，不用日志补到该时刻"),
    "images.none": (
        "No image is that old. The first one is made by “makewhole images take”, the following ones by “makewhole serve”.",
        "没有那么早的镜像。第一份由“makewhole images take”生成，之后由“makewhole serve”每 15 分钟生成。",
    ),
    "images.next": ("The next one after that instant is of {at}.", "该时刻之后的第一份镜像：{at}。"),
    "bad.image-future": ("{at} has not come yet", "{at} 还没有到"),
    "bad.image-future-todo": ("Name an instant that is over; now it is {now}.", "请写已经过去的时刻；现在是 {now}。"),
    "images.taken": ("{count} images made.", "生成了 {count} 份镜像。"),
    "images.head": ("{at}  {kind}  {changed} rows changed", "{at}  {kind}  变更 {changed} 行"),
    "images.kind-opening": ("read from the shop", "读自店铺"),
    "images.kind-base": ("whole", "全量"),
    "images.kind-changes": ("changes", "增量"),
    "images.because": ("because: {why}", "原因：{why}"),
    "images.left-out": (
        "not in any image, as its rows have no key of their own or belong to no order: {table}",
        "不在镜像之内（行没有主键，或不属于任何订单）：{table}",
    ),
    "images.order": ("Order {order} as of {at}.", "订单 {order} 在 {at} 时："),
    "images.from": ("From the image of {at}.", "取自 {at} 的镜像。"),
    "images.not-run-on": ("The log could not be run on from there: {why}", "无法用日志补到该时刻：{why}"),
    "images.no-rows": ("It had no rows then.", "当时没有这个订单的任何行。"),
    "images.state": ("state: {state}", "状态：{state}"),
    "images.row": ("{role} {key}", "{role} {key}"),
    "images.differ": ("{role} {key} of order {order}: {what}", "订单 {order} 的 {role} {key}：{what}"),
    "images.appeared": ("appeared", "新增"),
    "images.gone": ("gone", "消失"),
    "images.changed": ("changed", "变更"),
    "images.differences": ("{count} rows differ between {before} and {after}.", "{before} 与 {after} 之间有 {count} 行不同。"),
    "images.agree": (
        "The image of {at}, run on to now, is what the shop holds. {unsure} rows changed meanwhile and were not compared.",
        "{at} 的镜像补到现在，与店铺完全一致。比对期间有 {unsure} 行在变动，未参与比对。",
    ),
    "images.drift": (
        "{count} rows are not what the images say: something was written that the log does not tell.",
        "有 {count} 行与镜像不符：有日志没有记录的写入。",
    ),
    "images.tidied": ("{files} files put together, {images} images deleted.", "合并了 {files} 个文件，删除了 {images} 份镜像。"),
    "bad.image-at": ("it is not said to which instant", "没有说恢复到哪个时刻"),
    "bad.image-at-todo": (
        "Name it: --at 2026-11-23T20:00:00+08:00. “makewhole images as-of” shows what the order was then.",
        "请给出时刻：--at 2026-11-23T20:00:00+08:00。用“makewhole images as-of”可先查看当时的样子。",
    ),
    "images.nothing-to-do": ("The order is what it was: nothing would be written.", "订单与当时一致，无需写入。"),
    "bad.image-order": ("it is not said which order", "没有说是哪个订单"),
    "bad.image-order-todo": ("Give its number: makewhole images {ask} ORDER.", "请给出订单号：makewhole images {ask} 订单号。"),
}
