"""What `reconcile` prints of a bill beside the shop's book, in which shape, and how it leaves."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from makewhole.core import clock, ids, money
from makewhole.model import order
from tests.bills import making
from tests.cli import fakes
from tests.cli.conftest import Call

NINE = datetime(2026, 11, 23, 9, tzinfo=clock.BEIJING)
MERCHANT = ("--merchant", making.MERCHANT["wechatpay"])


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    """A bill of two payments (S1 12.50, S2 100.00) and a refund of the second."""
    path = tmp_path / "bill.csv"
    path.write_bytes(making.wechat().replace(b"`S1", b"`PS1").replace(b"`S2", b"`PS2"))
    return path


def paid(number: str, fen: int) -> order.ShopOrder:
    return fakes.shop_order(number, order.OrderState.AWAITING_SHIPMENT, fen, paid_at=NINE, paid=money.Money(fen=fen))


def test_what_differs_is_told_and_left_with_one(house: fakes.FakeWorld, call: Call, theirs: Path) -> None:
    """S1 is alike; of S2 the shop has another amount; of the refund it knows nothing; of S3 the bill knows nothing."""
    for number, fen in (("S1", 1250), ("S2", 9999), ("S3", 700)):
        house.add(paid(number, fen))
    told = call("reconcile", "--day", "2026-11-23", "--theirs", str(theirs), *MERCHANT, "--json")
    assert told.exit_code == 1, told.output
    document = json.loads(told.stdout)
    assert [(b["class"], b["kind"], b["number"]) for b in document["breaks"]] == [
        ("amount", "payment", "PS2"),
        ("ours-only", "payment", "PS3"),
        ("theirs-only", "refund", "R2"),
    ]
    assert document["breaks"][0]["ours"]["amount_fen"] == 9999
    assert document["breaks"][0]["theirs"]["at"] == "2026-11-23T10:00:00+08:00"
    assert sum(s["amount_fen"] for s in document["sums"] if s["side"] == "theirs") == 1250 + 10_000 + 3000
    assert sum(s["amount_fen"] for s in document["sums"] if s["side"] == "ours") == 1250 + 9999 + 700
    spoken = call("reconcile", "--day", "2026-11-23", "--theirs", str(theirs), *MERCHANT)
    assert spoken.exit_code == 1
    assert "amounts differ; ours ¥99.99 paid, theirs ¥100.00 paid" in spoken.stdout


def test_books_that_agree_leave_with_zero(house: fakes.FakeWorld, call: Call, tmp_path: Path) -> None:
    """An unpaid order of the day breaks nothing."""
    bare = making.wechat().decode().replace("`S1", "`PS1").split("\r\n")
    path = tmp_path / "bill.csv"
    path.write_text("\r\n".join([*bare[:2], bare[4], "`1,`12.50,`0.00,`0.00,`0.07500,`12.50,`0.00", ""]), encoding="utf-8")
    house.add(paid("S1", 1250))
    house.add(fakes.shop_order("S2", created_at=NINE + timedelta(hours=3)))
    told = call("reconcile", "--day", "2026-11-23", "--theirs", str(path), *MERCHANT)
    assert told.exit_code == 0, told.output
    assert "Every fen" in told.stdout


def test_a_bill_that_is_not_believed_is_wrong_use(house: fakes.FakeWorld, call: Call, theirs: Path) -> None:
    """The reason, the file and the line; and nothing is compared."""
    asked = ("reconcile", "--theirs", str(theirs), *MERCHANT, "--day")
    told = call(*asked, "2026-11-24")
    assert (told.exit_code, told.stdout) == (2, "")
    assert "of another day" in told.stderr
    assert f"{theirs}:2" in told.stderr
    assert call(*asked, "yesterday").exit_code == 2
    assert call("reconcile", "--day", "2026-11-23", *MERCHANT).exit_code == 2
    assert call("reconcile", "--day", "2026-11-23", "--theirs", str(theirs) + "x", *MERCHANT).exit_code == 2
    assert call("reconcile", "--day", "2026-11-23", "--theirs", str(theirs), "--ours", str(theirs), *MERCHANT).exit_code == 2
    assert call("reconcile", "--day", "2026-11-23", "--theirs", str(theirs), "--channel", "alipay").exit_code == 2


@pytest.mark.parametrize("channel", ["wechatpay", "alipay"])
def test_our_number_at_a_channel_is_known_from_the_settings(house: fakes.FakeWorld, call: Call, tmp_path: Path, channel: str) -> None:
    """Whatever its section calls it: mchid here, seller_id there."""
    own = {"wechatpay": {"mchid": "", "appid": "wx81be", "serial_no": "1"}, "alipay": {"app_id": "2021", "seller_id": ""}}[channel]
    files = {"wechatpay": ("private_key_file", "apiv3_key_file"), "alipay": ("private_key_file", "public_key_file")}[channel]
    told = {k: v or making.MERCHANT[channel] for k, v in own.items()} | dict.fromkeys(files, "key.pem")
    with (tmp_path / "makewhole.toml").open("a", encoding="utf-8") as settings:
        settings.write(f"[{channel}]\n" + "".join(f'{k} = "{v}"\n' for k, v in told.items()))
    path = tmp_path / "bill"
    path.write_bytes(making.BY_CHANNEL[ids.ChannelName(channel)].raw)
    said = call("reconcile", "--day", "2026-11-23", "--channel", channel, "--theirs", str(path))
    assert said.exit_code == 1, said.output
    assert "only in the bill" in said.stdout


def test_a_shop_that_does_not_answer_is_incomplete(house: fakes.FakeWorld, call: Call, theirs: Path) -> None:
    """Half a book is no book."""
    house.add(paid("S1", 1250))
    house.shop_down = True
    assert call("reconcile", "--day", "2026-11-23", "--theirs", str(theirs), *MERCHANT).exit_code == 3
