"""A file of ours into which bytes of no encoding were written: that is an alteration like any other, told as one, by its record.

Servers refuse such text themselves; into a file anybody who may write it can put anything.
"""

from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa

from makewhole.adapters.store import journal, tables
from makewhole.core import ids
from makewhole.flow import record
from makewhole.model import fetched, payment
from makewhole.ports import accounts
from tests.store import scenes

pytestmark = pytest.mark.parametrize("address", ["sqlite"], indirect=True)

SHOP, WECHAT = scenes.SHOP, ids.ChannelName("wechatpay")
NOW = datetime(2026, 11, 24, 2, tzinfo=UTC)
BILL = fetched.RawBill(channel=WECHAT, merchant="1900000001", day=date(2026, 11, 23), name="b.csv.gz", content=b"\x1f\x8b", sha1="ab" * 20)


def spoil(address: str, column: sa.Column[object]) -> None:
    engine = sa.create_engine(address)
    with engine.begin() as connection:
        assert connection.execute(column.table.update().values({column.name: sa.text("CAST(x'ff' AS TEXT)")})).rowcount == 1
    engine.dispose()


@pytest.mark.parametrize(
    "column", [tables.bills.c.name, tables.bills.c.sha1, tables.bills.c.digest, tables.bill_parts.c.content], ids=lambda c: c.name
)
def test_a_bill_is_not_believed_and_may_be_fetched_anew(store: journal.SqlStore, address: str, column: sa.Column[object]) -> None:
    entry = record.bill_kept(SHOP, BILL, BILL.digest(), NOW)
    assert store.ledger.keep_bill(SHOP, BILL, NOW, entry)
    spoil(address, column)
    with pytest.raises(accounts.Altered, match="the bill of wechatpay"):
        store.ledger.find_bill(SHOP, WECHAT, BILL.merchant, BILL.day)
    assert store.ledger.keep_bill(SHOP, BILL, NOW, entry)
    assert store.ledger.find_bill(SHOP, WECHAT, BILL.merchant, BILL.day) == BILL


@pytest.mark.parametrize(
    "column",
    [*(tables.notices.c[name] for name in ("number", "headers", "body", "attempt")), tables.seals.c.digest],
    ids=lambda c: c.name,
)
def test_a_callback_is_found_altered(store: journal.SqlStore, address: str, column: sa.Column[object]) -> None:
    told = payment.Attempt(source=WECHAT, as_of=NOW, channel=WECHAT, number=ids.OutTradeNo("P1"), state=payment.AttemptState.PAID)
    kept = dataclasses.replace(scenes.notice("k1", "P1"), attempt=told)
    assert store.keep_notice(kept)
    spoil(address, column)
    day = timedelta(days=1)
    with pytest.raises(accounts.Altered, match="the callback k1"):
        store.ledger.check_notices(SHOP, WECHAT, kept.received_at - day, kept.received_at + day)
    if column.name in {"headers", "attempt"}:
        # Whoever asks for it as a noun cannot have one: and is told why.
        with pytest.raises(accounts.Altered, match="the callback k1"):
            store.notices(SHOP, ids.OutTradeNo("P1"))
