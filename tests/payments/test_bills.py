"""Bills as connectors fetch them, for every channel over every transport: the day's bytes, or why not; nothing else is a bill."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import io
import zipfile
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta

import duckdb
import pytest

from makewhole.adapters import http
from makewhole.adapters.bills import formats, reading
from makewhole.adapters.payments import bill
from makewhole.core import clock, faults, ids
from makewhole.model import bill as bill_nouns
from makewhole.sandbox.alipay import bills
from makewhole.sandbox.channel import gate
from makewhole.sandbox.channel.faults import Fault
from tests.payments import alipay, every
from tests.payments import shop as shops

pytestmark = pytest.mark.slow

DAY = date(2026, 11, 23)
MORNING = datetime(2026, 11, 24, 10, 0, tzinfo=clock.BEIJING)


def next_morning(shop: shops.Shop) -> None:
    shop.clock.advance(MORNING - shop.clock.now())


def with_business(shop: shops.Shop) -> None:
    """Two payments, one of them refunded in part."""
    shop.paid("A1", 12850, description="茶,绿")
    shops.do(shop, shops.refund_step(shop.paid("A2", 5000), 2000))
    shop.clock.advance(timedelta(minutes=1))
    shop.truth.settle(shop.clock.now())


def fetched(shop: shops.Shop, day: date = DAY) -> bill.RawBill:
    told = shop.channel.fetch_bill(day)
    assert isinstance(told, bill.RawBill)
    return told


def test_the_bill_of_a_day_comes_whole_and_as_it_is(shop: shops.Shop) -> None:
    """Its bytes are the counterpart's, named by channel, merchant and day; every number of the day is in it."""
    with_business(shop)
    next_morning(shop)
    told = fetched(shop)
    assert (told.channel, told.merchant, told.day) == (shop.name, shop.merchant, DAY)
    assert told.name.startswith(f"{shop.name}-{shop.merchant}-2026-11-23.")
    text = unpacked(told)
    assert all(number in text for number in ("A1", "A2", "MW0001"))
    if told.sha1 is not None:
        assert hashlib.sha1(gzip.decompress(told.content), usedforsecurity=False).hexdigest() == told.sha1


def unpacked(told: bill.RawBill) -> str:
    if told.content.startswith(b"\x1f\x8b"):
        return gzip.decompress(told.content).decode("utf-8-sig")
    with zipfile.ZipFile(io.BytesIO(told.content), metadata_encoding="gbk") as archive:
        (name,) = (n for n in archive.namelist() if n.endswith("业务明细.csv"))
        return archive.read(name).decode("gbk")


def test_a_bill_that_is_not_made_yet_is_no_fault(shop: shops.Shop) -> None:
    """In the night after the day: later, never "no business"; and whose it will be."""
    with_business(shop)
    shop.clock.advance(timedelta(hours=6))
    told = shop.channel.fetch_bill(DAY)
    assert isinstance(told, bill.NotMade)
    assert (told.channel, told.merchant, told.day) == (shop.name, shop.merchant, DAY) == (shop.name, shop.channel.merchant, DAY)


def test_a_day_without_business_has_no_bill_and_says_so(shop: shops.Shop) -> None:
    """An answer of its own, and no empty bill."""
    with_business(shop)
    next_morning(shop)
    assert shop.channel.fetch_bill(DAY - timedelta(days=1)) == bill.NoBill(
        channel=ids.ChannelName(shop.name), merchant=shop.merchant, day=DAY - timedelta(days=1)
    )


@pytest.mark.parametrize("hours, told", [(47, False), (48, True)])
def test_when_absence_tells_has_two_sides(hours: int, told: bool) -> None:  # noqa: FBT001
    """Counted from the day's beginning in Beijing."""
    begins = datetime(2026, 11, 23, tzinfo=clock.BEIJING)
    assert bill.absence_tells(DAY, begins + timedelta(hours=hours)) is told


@pytest.mark.parametrize("name", [n for n in every.NAMES if n.endswith("in-process")])
@pytest.mark.parametrize("fault", [Fault.REQUEST_LOST, Fault.RATE_LIMITED, Fault.SYSTEM_ERROR_BEFORE, Fault.UNSIGNED])
def test_a_question_for_a_bill_that_was_spoilt_is_unavailable(name: str, fault: Fault) -> None:
    """Nothing happened; later, the same again."""
    with every.made(name) as shop:
        with_business(shop)
        next_morning(shop)
        shop.faults.next(fault, times=3)
        with pytest.raises(faults.Unavailable):
            shop.channel.fetch_bill(DAY)
        shop.faults.heal()
        assert fetched(shop).content


@pytest.mark.parametrize("name", [n for n in every.NAMES if n.endswith("loopback")])
def test_a_bill_has_a_limit_of_its_own(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be longer than any other answer, and as long as it says; a byte more, and nothing of it is taken."""
    with every.made(name) as shop:
        for number in range(200):
            shop.paid(f"A{number}", 100 + number)
        next_morning(shop)
        size = len(fetched(shop).content)
        monkeypatch.setattr(http, "ANSWER_BYTES_MAX", size - 1)
        monkeypatch.setattr(bill, "PACKED_BYTES_MAX", size)
        assert len(fetched(shop).content) == size
        monkeypatch.setattr(bill, "PACKED_BYTES_MAX", size - 1)
        with pytest.raises(faults.Unavailable, match="longer than"):
            shop.channel.fetch_bill(DAY)


@pytest.mark.parametrize("name", [n for n in every.NAMES if n.endswith("in-process")])
@pytest.mark.parametrize("broken", [b"", b"<html>gone</html>", "half", "other"])
def test_what_comes_under_a_bills_address_and_is_no_bill_is_unavailable(name: str, broken: bytes | str) -> None:
    """A page, nothing, half of it, another file: where a hash or a form can tell."""
    with every.made(name) as shop:
        with_business(shop)
        next_morning(shop)
        unhashed = fetched(shop).sha1 is None
        through = shop.gate.handle

        def spoil(method: str, target: str, headers: Mapping[str, str], body: bytes) -> gate.Reply:
            status, told, content = through(method, target, headers, body)
            if "download" not in target or "method=" in target:
                return status, told, content
            if broken == "half":
                return status, told, content[: len(content) // 2]
            return status, told, gzip.compress(b"another") if isinstance(broken, str) else broken

        shop.gate.handle = spoil  # type: ignore[method-assign]
        if broken == "half" and unhashed:
            # No hash comes with it, and it begins like a zip: whoever reads bills finds that it ends too soon.
            assert len(fetched(shop).content) > 0
            return
        with pytest.raises(faults.Unavailable):
            shop.channel.fetch_bill(DAY)


def hashed(content: bytes) -> bill.At:
    return bill.At(url="", ending="csv.gz", sha1=hashlib.sha1(content, usedforsecurity=False).hexdigest())


def test_a_hash_of_the_packed_bytes_will_do_too() -> None:
    """The page does not say of which bytes it is."""
    packed = gzip.compress(b"plain")
    for of in (packed, b"plain"):
        assert packed == bill.whole(io.BytesIO(packed), hashed(of))
    with pytest.raises(faults.Unavailable):
        bill.whole(io.BytesIO(packed), hashed(b"other"))


@pytest.mark.parametrize("url", ["http://bill.test/x", "ftp://bill.test/x", "file:///etc/passwd", ""])
def test_an_address_without_protection_is_not_followed(url: str) -> None:
    """Where the channel's own has some."""
    with pytest.raises(faults.Unavailable, match="not safe"):
        bill.safe(url, "https://channel.test")
    bill.safe("https://bill.test/x", "https://channel.test")


def test_alipays_bill_has_the_documented_form() -> None:
    """GBK names without the UTF-8 flag, comment lines, 25 columns, tabs behind ids, totals of what is in it."""
    shop = alipay.shop()
    with_business(shop)
    next_morning(shop)
    told = fetched(shop)
    with zipfile.ZipFile(io.BytesIO(told.content)) as archive:
        assert all(not member.flag_bits & 0x800 for member in archive.infolist())
    lines = unpacked(told).split("\r\n")
    account = shop.merchant + "0156"
    assert lines[:3] == [
        "#支付宝业务明细查询",
        f"#账号：[{account}]",
        "#起始日期：[2026年11月23日 00:00:00]   终止日期：[2026年11月24日 00:00:00]",
    ]
    assert lines[4] == ",".join(bills.COLUMNS)
    rows = [dict(zip(bills.COLUMNS, line.split(","), strict=True)) for line in lines[5:8]]
    assert [(r["商户订单号"], r["业务类型"], r["订单金额（元）"], r["退款批次号/请求号"]) for r in rows] == [
        ("A1\t", "交易\t", "128.50", "\t"),
        ("A2\t", "交易\t", "50.00", "\t"),
        ("A2\t", "退款\t", "-20.00", "MW0001\t"),
    ]
    assert rows[0]["商品名称"] == "茶 绿"
    assert lines[9:11] == [
        "#交易合计：2笔，商家实收共178.50元，商家优惠共0.00元",
        "#退款合计：1笔，商家实收退款共-20.00元，商家优惠退款共0.00元",
    ]


def test_alipays_bill_goes_wrong_in_every_way_that_is_known() -> None:
    """Late, cut short, another day's, a line twice, a line missing, a fen more: each by the plan, each different from the whole."""
    whole = b""
    seen: set[bytes] = set()
    for fault in (None, *(f for f in Fault if f.value.startswith("bill-"))):
        shop = alipay.shop()
        with_business(shop)
        next_morning(shop)
        if fault is None:
            whole = fetched(shop).content
            continue
        shop.faults.next(fault)
        if fault is Fault.BILL_LATE:
            assert isinstance(shop.channel.fetch_bill(DAY), bill.NotMade)
            continue
        told = fetched(shop).content
        assert told not in seen | {whole}
        seen.add(told)
    assert len(seen) == 5


def read(told: bill.RawBill) -> list[tuple[str, str, int]]:
    """The fetched file through the reader of its format: kind, number and fen of each line."""
    form = formats.FORMATS[ids.ChannelName(told.channel)]
    expected = reading.Expected(day=bill_nouns.day_of(datetime.combine(told.day, time(12), clock.BEIJING)), merchant=told.merchant)
    with duckdb.connect(":memory:", config={"threads": 1}) as desk:
        reading.read(desk, form, told.content, dataclasses.replace(expected, sha1=told.sha1))
        return desk.execute("SELECT kind, number, amount_fen FROM theirs ORDER BY kind, number").fetchall()


def test_what_is_fetched_is_what_the_reader_of_bills_reads(shop: shops.Shop) -> None:
    """Fetching and reading are two wings; here they meet, at each channel, to the fen."""
    with_business(shop)
    next_morning(shop)
    assert read(fetched(shop)) == [("payment", "A1", 12850), ("payment", "A2", 5000), ("refund", "MW0001", 2000)]


@pytest.mark.parametrize("name", [n for n in every.NAMES if n.endswith("in-process")])
@pytest.mark.parametrize(
    "fault, wrong",
    [
        (Fault.BILL_WRONG_DAY, bill_nouns.Wrong.OTHER_DAY),
        (Fault.BILL_LINE_DOUBLED, bill_nouns.Wrong.DOUBLED),
        (Fault.BILL_LINE_MISSING, None),
        (Fault.BILL_AMOUNT_OFF, None),
    ],
)
def test_a_bill_that_the_counterpart_spoilt_is_refused_or_differs(name: str, fault: Fault, wrong: bill_nouns.Wrong | None) -> None:
    """What contradicts itself is refused by its name; what does not is another book, for the reconciliation to find."""
    with every.made(name) as shop:
        shop.paid("Y1", 700)
        shop.clock.advance(timedelta(days=1))
        with_business(shop)
        shop.clock.advance(timedelta(days=1))
        day = DAY + timedelta(days=1)
        whole = read(fetched(shop, day))
        shop.faults.next(fault)
        told = fetched(shop, day)
        if wrong is None:
            assert len(set(whole) ^ set(read(told))) == (1 if fault is Fault.BILL_LINE_MISSING else 2)
            return
        with pytest.raises(bill_nouns.Refused) as refused:
            read(told)
        assert refused.value.wrong is wrong


@pytest.mark.parametrize("name", [n for n in every.NAMES if n.endswith("in-process")])
def test_a_bill_that_is_late_or_was_cut_short_is_not_taken_for_one(name: str) -> None:
    """Late though it should be there: not made. Half of it: not what its hash was made of, or no whole archive; and whole the next time."""
    with every.made(name) as shop:
        with_business(shop)
        next_morning(shop)
        shop.faults.next(Fault.BILL_LATE)
        assert isinstance(shop.channel.fetch_bill(DAY), bill.NotMade)
        shop.faults.next(Fault.BILL_TRUNCATED)
        with pytest.raises((faults.Unavailable, bill_nouns.Refused)) as cut:
            read(fetched(shop))
        match cut.value:
            case bill_nouns.Refused(wrong=wrong):
                assert wrong is bill_nouns.Wrong.ARCHIVE
            case other:
                assert "not what its hash was made of" in str(other)
        assert len(read(fetched(shop))) == 3


def test_an_address_lives_half_a_minute() -> None:
    """The same address later is a page, not a bill."""
    shop = alipay.shop()
    with_business(shop)
    next_morning(shop)
    told = shop.gate.bills.apply({"bill_type": "trade", "bill_date": "2026-11-23"}, shop.gate.base_url)
    for wait, begins in ((0, b"PK"), (30, b"PK"), (31, b"<html>")):
        shop.clock.advance(MORNING + timedelta(seconds=wait) - shop.clock.now())
        assert shop.gate.handle("GET", told["bill_download_url"], {}, b"")[2].startswith(begins)
