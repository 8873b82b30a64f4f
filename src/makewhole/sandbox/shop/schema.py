"""The shop's tables and codes, as its own programmers wrote them: amounts in fen, Beijing wall-clock times, comments in Chinese."""

from __future__ import annotations

import enum
import sqlite3
from datetime import datetime
from pathlib import Path

from makewhole.core import clock

TABLES = """
-- 订单主表（金额单位：分；时间为北京时间）
CREATE TABLE trade_order (
  id              INTEGER      PRIMARY KEY,
  order_sn        VARCHAR(32)  NOT NULL,            -- 订单号（历史原因，没有唯一索引）
  origin_sn       VARCHAR(32),                      -- 重新下单时的原订单号
  member_id       VARCHAR(32)  NOT NULL,            -- 会员
  status          SMALLINT     NOT NULL DEFAULT 10, -- 10待付款 20待发货 25部分发货 30已发货 40已完成 50已关闭 60退款中 70已退款
  goods_type      SMALLINT     NOT NULL DEFAULT 1,  -- 1实物 2虚拟 3生鲜 4预售
  goods_amount    INTEGER      NOT NULL,            -- 商品金额
  freight_amount  INTEGER      NOT NULL DEFAULT 0,  -- 运费
  coupon_amount   INTEGER      NOT NULL DEFAULT 0,  -- 优惠券抵扣
  pay_amount      INTEGER      NOT NULL,            -- 应付金额
  paid_amount     INTEGER,                          -- 实付金额
  pay_channel     VARCHAR(16),                      -- 支付渠道
  trade_no        VARCHAR(64),                      -- 渠道交易号
  coupon_no       VARCHAR(32),                      -- 使用的优惠券
  pay_url         VARCHAR(256),                     -- 收银台二维码
  express_company VARCHAR(32),                      -- 快递公司
  express_no      VARCHAR(64),                      -- 快递单号
  created_at      DATETIME     NOT NULL,            -- 下单时间
  expire_at       DATETIME     NOT NULL,            -- 支付截止时间
  paid_at         DATETIME,                         -- 支付时间
  shipped_at      DATETIME,                         -- 发货时间
  finished_at     DATETIME,                         -- 完成时间
  closed_at       DATETIME,                         -- 关闭时间
  updated_at      DATETIME     NOT NULL,            -- 更新时间
  is_deleted      SMALLINT     NOT NULL DEFAULT 0,  -- 0正常 1已删除
  lock_version    INTEGER      NOT NULL DEFAULT 0   -- 乐观锁版本
);
CREATE INDEX idx_order_sn ON trade_order (order_sn);
CREATE INDEX idx_order_status ON trade_order (status, expire_at);
CREATE INDEX idx_order_coupon ON trade_order (coupon_no);

-- 订单明细
CREATE TABLE trade_order_item (
  id         INTEGER     PRIMARY KEY,
  order_sn   VARCHAR(32) NOT NULL,
  sku_code   VARCHAR(32) NOT NULL,
  quantity   INTEGER     NOT NULL,
  amount     INTEGER     NOT NULL                   -- 小计（分）
);
CREATE INDEX idx_item_order ON trade_order_item (order_sn);

-- 支付单：一笔订单可有多次支付尝试，每次一个商户单号
CREATE TABLE pay_attempt (
  id           INTEGER     PRIMARY KEY,
  order_sn     VARCHAR(32) NOT NULL,
  out_trade_no VARCHAR(32) NOT NULL,
  channel      VARCHAR(16) NOT NULL,
  amount       INTEGER     NOT NULL,
  status       SMALLINT    NOT NULL DEFAULT 0,      -- 0待支付 1成功 2关闭
  trade_no     VARCHAR(64),
  created_at   DATETIME    NOT NULL,
  paid_at      DATETIME
);
CREATE INDEX idx_attempt_order ON pay_attempt (order_sn);
CREATE INDEX idx_attempt_no ON pay_attempt (out_trade_no);

-- 退款单
CREATE TABLE refund_order (
  id           INTEGER     PRIMARY KEY,
  order_sn     VARCHAR(32) NOT NULL,
  refund_sn    VARCHAR(64) NOT NULL,                -- 商户退款单号
  amount       INTEGER     NOT NULL,
  status       SMALLINT    NOT NULL DEFAULT 0,      -- 0已申请 1处理中 2成功 3失败
  reason       VARCHAR(128),
  created_at   DATETIME    NOT NULL,
  done_at      DATETIME
);
CREATE INDEX idx_refund_order ON refund_order (order_sn);

-- 库存：可售 + 锁定 + 已售 = 进货总数
CREATE TABLE sku_stock (
  sku_code  VARCHAR(32) PRIMARY KEY,
  title     VARCHAR(64) NOT NULL,
  price     INTEGER     NOT NULL,
  available INTEGER     NOT NULL CHECK (available >= 0),
  locked    INTEGER     NOT NULL DEFAULT 0,
  sold      INTEGER     NOT NULL DEFAULT 0
);

-- 库存流水：每次变动一行，负数为占用，正数为归还
CREATE TABLE stock_flow (
  id         INTEGER     PRIMARY KEY,
  order_sn   VARCHAR(32) NOT NULL,
  sku_code   VARCHAR(32) NOT NULL,
  change_qty INTEGER     NOT NULL,
  reason     VARCHAR(32) NOT NULL,
  created_at DATETIME    NOT NULL
);
CREATE INDEX idx_flow_order ON stock_flow (order_sn);

-- 优惠券
CREATE TABLE member_coupon (
  coupon_no  VARCHAR(32) PRIMARY KEY,
  member_id  VARCHAR(32) NOT NULL,
  amount     INTEGER     NOT NULL,
  status     SMALLINT    NOT NULL DEFAULT 0,        -- 0未使用 1已使用 2已过期
  order_sn   VARCHAR(32),
  used_at    DATETIME
);
CREATE INDEX idx_coupon_order ON member_coupon (order_sn);

-- 订单操作记录
CREATE TABLE order_log (
  id          INTEGER     PRIMARY KEY,
  order_sn    VARCHAR(32) NOT NULL,
  operator    VARCHAR(32) NOT NULL,
  from_status SMALLINT,
  to_status   SMALLINT    NOT NULL,
  note        VARCHAR(128),
  created_at  DATETIME    NOT NULL
);
CREATE INDEX idx_log_order ON order_log (order_sn);
"""
"""SQLite's dialect; MariaDB and MySQL load the same text."""


class Status(enum.IntEnum):
    """Codes of `trade_order.status`."""

    UNPAID = 10
    PAID = 20
    PARTLY_SHIPPED = 25
    SHIPPED = 30
    FINISHED = 40
    CLOSED = 50
    REFUNDING = 60
    REFUNDED = 70


class AttemptStatus(enum.IntEnum):
    """Codes of `pay_attempt.status`."""

    OPEN = 0
    PAID = 1
    CLOSED = 2


class RefundStatus(enum.IntEnum):
    """Codes of `refund_order.status`."""

    REQUESTED = 0
    PROCESSING = 1
    DONE = 2
    FAILED = 3


class CouponStatus(enum.IntEnum):
    """Codes of `member_coupon.status`."""

    UNUSED = 0
    USED = 1
    EXPIRED = 2


def wall(instant: datetime) -> str:
    """An instant as the shop writes it."""
    return instant.astimezone(clock.BEIJING).strftime("%Y-%m-%d %H:%M:%S")


def instant(written: str) -> datetime:
    """The instant that the shop wrote."""
    return datetime.strptime(written, "%Y-%m-%d %H:%M:%S").replace(tzinfo=clock.BEIJING)


def connect(path: Path | str) -> sqlite3.Connection:
    """A connection that commits when told to. A sandbox's power never fails, so nothing is flushed to the disk."""
    made = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30)
    made.row_factory = sqlite3.Row
    made.execute("PRAGMA synchronous=OFF")  # before the mode, whose change would be flushed
    made.execute("PRAGMA journal_mode=WAL")
    return made


def create(path: Path | str) -> sqlite3.Connection:
    """A new, empty shop database."""
    made = connect(path)
    made.executescript(f"BEGIN;{TABLES}COMMIT;")
    return made
