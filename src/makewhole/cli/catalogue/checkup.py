"""What `doctor` says of accounts, keys and unknown codes, in English and Chinese side by side."""

from __future__ import annotations

CHECKUP: dict[str, tuple[str, str]] = {
    "check.account": ("shop account", "店铺账号"),
    "check.key": ("channel's key", "渠道公钥"),
    "check.log": ("change log", "变更日志"),
    "doctor.log": (
        "the slot {slot} tells every row's change, before and after; {gigabytes} GB of the server's log wait in it",
        "复制槽 {slot} 提供每一行变更前后的内容；其中有 {gigabytes} GB 服务器日志待读取",
    ),
    "doctor.log-untold": ("changes of {table} are not told", "{table} 的变更没有被记录"),
    "doctor.log-untold-todo": (
        "makewhole attach --slot --shop FILE shows the statement that adds it.",
        "运行 makewhole attach --slot --shop 文件，可查看添加它的语句。",
    ),
    "doctor.log-partly": (
        "rows as they were before a change are not told whole: what was overwritten or deleted cannot be named",
        "变更前的行内容不完整：无法指出被改写或删除的内容",
    ),
    "doctor.log-held": (
        "{gigabytes} GB of the server's log wait in the slot {slot} to be read, on the shop's own disk",
        "复制槽 {slot} 中有 {gigabytes} GB 服务器日志待读取，占用的是店铺自己的磁盘",
    ),
    "doctor.log-held-todo": (
        "Run serve, or history ORDER --archive FOLDER, which take it out. If nobody is going to: {drop} What was not read is then lost.",
        "请运行 serve，或 history 订单号 --archive 文件夹，将其读出。如果不再需要：{drop} 未读取的内容会丢失。",
    ),
    "doctor.log-unbounded": (
        "nothing bounds what the slot may hold: if nobody reads it, the shop's disk fills up and the shop stands still",
        "复制槽占用的磁盘没有上限：如果一直无人读取，店铺的磁盘会被占满，店铺会停摆",
    ),
    "doctor.log-unbounded-todo": (
        "Set max_slot_wal_keep_size in postgresql.conf to what the disk can spare, such as 20GB; a reload is enough.",
        "请在 postgresql.conf 中把 max_slot_wal_keep_size 设为磁盘可承受的值（如 20GB），重新加载配置即可。",
    ),
    "doctor.log-forever": ("the server keeps its log of changes until somebody deletes it", "服务器的变更日志不会自动删除"),
    "doctor.log-kept": ("the server keeps its log of changes for {span}", "服务器的变更日志保留 {span}"),
    "doctor.log-short-todo": (
        "Name a folder in history.archive, and let serve run: what the server forgets before anybody asks is kept there.",
        "请在 history.archive 中指定文件夹并运行 serve：服务器即将删除的变更会保存在那里。",
    ),
    "doctor.log-nameless": (
        "changes do not name their columns: an archive takes none of them, and after an ALTER TABLE older ones cannot be read",
        "变更日志不含列名：归档无法收录，且 ALTER TABLE 之后无法读懂更早的变更",
    ),
    "doctor.log-nameless-todo": (
        "{sql} And write binlog_row_metadata=FULL under [mysqld] of its file. What is written from then on names itself.",
        "{sql} 并在配置文件 [mysqld] 下写入 binlog_row_metadata=FULL。此后写入的变更都会带列名。",
    ),
    "doctor.log-nameless-old": (
        "The server is too old for it: MySQL 8.0.1 and MariaDB 10.5 can (binlog_row_metadata=FULL).",
        "服务器版本过旧：MySQL 8.0.1、MariaDB 10.5 起才支持（binlog_row_metadata=FULL）。",
    ),
    "doctor.archive": ("the archive of changes in {place} is kept up", "变更归档 {place} 正常更新"),
    "doctor.archive-missing": (
        "nothing was ever kept in the archive of changes that the settings name: {place}",
        "设置中指定的变更归档 {place} 从未写入",
    ),
    "doctor.archive-stopped": (
        "the archive of changes in {place} has stopped: what was written since {since} is not in it",
        "变更归档 {place} 已停止更新：{since} 以来的变更尚未收录",
    ),
    "doctor.archive-gap": (
        "the archive of changes in {place} has stopped, and the server has forgotten what comes next: {why}",
        "变更归档 {place} 已停止更新，且服务器已删除其后的变更：{why}",
    ),
    "doctor.archive-todo": (
        "Let `makewhole serve` run, which keeps it up; its log says what hinders it. What the server deletes first is lost.",
        "请运行 `makewhole serve`，由它更新归档；若有阻碍，其日志会说明。服务器先删除的变更无法找回。",
    ),
    "doctor.market-unkept": (
        "a new token could not be written down, so none is asked for, and with this one (until {until}) the account's lines end. {why}",
        "新令牌无法写入，因此不会申请；现有令牌（{until} 到期）失效后将无法查询账户。{why}",
    ),
    "doctor.market-unkept-todo": (
        "Give the account that runs serve the right to write the file, its folder and the .lock file beside it, and make room on the disk.",
        "请让运行 serve 的账号可写该文件、其所在文件夹及旁边的 .lock 文件，并确保磁盘有空间。",
    ),
    "check.books": ("daily books", "每日账簿"),
    "doctor.halted": (
        "nothing is settled at this channel, for a record of ours was altered: {record}",
        "该渠道已停止结算，我方记录被改动：{record}",
    ),
    "check.market": ("marketplace", "电商平台"),
    "doctor.market-open": (
        "the marketplace accepts our signature and token; when the token ends stands nowhere, since somebody else renews it",
        "平台认可我们的签名和令牌；令牌由他人更新，何时到期没有记录",
    ),
    "doctor.market-renews": (
        "the marketplace accepts our signature and token; the token ends at {until} and is renewed before that",
        "平台认可我们的签名和令牌；令牌 {until} 到期，届时自动更新",
    ),
    "doctor.market-over": (
        "the access token ended at {until}; it is renewed with the next question, so nothing was asked",
        "访问令牌已于 {until} 到期；下次查询时会自动更新，此处未发起查询",
    ),
    "doctor.market-over-todo": (
        "Let `makewhole serve` run, or `makewhole reconcile` for a day: the refresh token lives fourteen days.",
        "请让 `makewhole serve` 运行，或对某一天执行 `makewhole reconcile`：刷新令牌有效期为十四天。",
    ),
    "doctor.market-ends": (
        "the marketplace accepts our signature and token; the token ends at {until}, and nothing here renews it",
        "平台认可我们的签名和令牌；令牌 {until} 到期，且没有刷新令牌可用",
    ),
    "doctor.market-todo": (
        "Put the platform's whole answer with both tokens into douyin.access_token_file, then it is renewed by itself.",
        "请把平台返回的完整应答（含两个令牌）写入 douyin.access_token_file，之后会自动更新。",
    ),
    "doctor.account": ("may only read", "只有读取权限"),
    "doctor.account-writes": (
        "this account could write. Makewhole only reads with it; whoever gets hold of its password could do more",
        "该账号有写权限。Makewhole 只用它读取，但密码一旦泄露，别人就能写入",
    ),
    "doctor.account-todo": (
        "Give it SELECT on the shop's tables and nothing else; writes have their own account (shop.hands_database).",
        "请只授予店铺各表的 SELECT 权限；写入另用账号（shop.hands_database）。",
    ),
    "doctor.key": ("the channel's answers are signed by the key that we believe", "渠道应答的签名与我们信任的密钥相符"),
    "doctor.key-ends": (
        "the newest certificate that the channel lists ends at {until}",
        "渠道列出的最新证书将于 {until} 到期",
    ),
    "doctor.key-ends-todo": (
        "Look in the merchant platform whether the account must move to public-key mode.",
        "请到商户平台确认该账号是否需要切换到公钥模式。",
    ),
    "doctor.key-wrong": ("the channel's answers cannot be believed: {why}", "渠道的应答不可信：{why}"),
    "doctor.key-todo": (
        "Download the channel's public key and its number again (wechatpay.public_key_file, wechatpay.public_key_id); check the clock.",
        "请重新下载渠道公钥及其编号（wechatpay.public_key_file、wechatpay.public_key_id），并检查时钟。",
    ),
    "doctor.key-unsigned": (
        "the channel did not sign its answer, so nothing tells whether the key is right",
        "渠道应答未带签名，无法判断公钥是否正确",
    ),
    "doctor.unlisted": (
        "{source} answered {code} {times} times, which no document lists: what it stood for was not judged",
        "{source}返回 {code} {times} 次，文档中没有这个错误码：相关结果未作判断",
    ),
    "doctor.unlisted-todo": (
        "Look it up at the channel; tell whoever looks after Makewhole what it means.",
        "请向渠道查询其含义，并告知维护 Makewhole 的人。",
    ),
}
