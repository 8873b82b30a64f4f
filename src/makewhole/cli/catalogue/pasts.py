"""The sentences of history, in English and Chinese side by side."""

from __future__ import annotations

PASTS: dict[str, tuple[str, str]] = {
    "history.head": ("Order {order}: {steps} transactions in the shop's change log.", "订单 {order}：店铺变更日志中有 {steps} 个事务。"),
    "history.nothing": (
        "The log, as far back as it goes, holds no change of this order.",
        "日志所及的范围内，没有这个订单的变更。",
    ),
    "history.state": ("state: {before} → {after}", "状态：{before} → {after}"),
    "history.insert": ("inserted", "新增"),
    "history.update": ("changed", "修改"),
    "history.delete": ("deleted", "删除"),
    "history.change": ("{what}: {table} ({role})", "{what}：{table}（{role}）"),
    "history.also": ("the same transaction also {what} {table}: {rows} rows", "同一事务还{what}了 {table}：{rows} 行"),
    "history.user": ("by {user}", "执行者 {user}"),
    "history.connection": ("connection {number}", "连接 {number}"),
    "history.untold": ("the log leaves out values of: {columns}", "日志没有给出全部取值：{columns}"),
    "history.hidden": ("not shown: {columns} (--all shows them)", "未显示：{columns}（加 --all 显示）"),
    "history.statement": ("statement: {statement}", "语句：{statement}"),
    "history.unseen": (
        "a statement without row images, which may have changed this order: {statement}",
        "没有行镜像的语句，可能改动过这个订单：{statement}",
    ),
    "history.gap": (
        "The archive has a gap: the server forgot its log from {since} to {until}. Changes after {after} and before {before} are not told.",
        "归档有缺口：服务器已清理 {since} 到 {until} 的日志，{after} 之后、{before} 之前的变更无从得知。",
    ),
    "option.log": ("binlog files instead of the shop's own server", "改读 binlog 文件，而不是店铺的数据库"),
    "option.archive": (
        "keep the log in this folder, brought up to now first: it outlives the server's own",
        "把日志归档在此文件夹，先补到最新；服务器清理日志后仍可查询",
    ),
    "option.everything": (
        "show every column and every statement as it is, personal data too",
        "原样显示全部列和语句，包括个人信息",
    ),
}
