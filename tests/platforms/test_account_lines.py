"""A day's account lines come whole or not at all: signed questions, every page, and no line that is doubled, missing or another day's."""

from __future__ import annotations

import dataclasses
from collections import Counter
from datetime import date, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from makewhole import settings
from makewhole.adapters import http
from makewhole.adapters.platforms.douyin import errors
from makewhole.core import clock, faults
from makewhole.model import bill, fetched
from makewhole.model.bill import Refused, Wrong
from makewhole.ports import accounts
from makewhole.sandbox.channel.faults import Fault
from makewhole.sandbox.douyin import gateway
from makewhole.wiring import markets as wiring_markets
from tests.platforms import market

DAY = date(2026, 11, 18)
NOON = datetime(2026, 11, 18, 12, tzinfo=clock.BEIJING)
EVENING = datetime(2026, 11, 19, 20, tzinfo=clock.BEIJING)


@dataclasses.dataclass(frozen=True)
class Town:
    """An account, our connector to it, the clock of both."""

    shop: gateway.Gateway
    ours: accounts.AccountSource
    clock: clock.ManualClock

    def book(self) -> tuple[bill.Line, ...]:
        """The day as it is believed."""
        raw = self.ours.fetch_bill(DAY)
        assert isinstance(raw, fetched.RawBill)
        return tuple(self.ours.lines(raw))


def town(folder: Path, method: str = gateway.METHODS[0], *, rows: int = 7) -> Town:
    """Twenty orders were settled at noon, one of them in two parts; one gave money back. It is the next evening."""
    ticking = clock.ManualClock(EVENING)
    shop = gateway.Gateway(ticking, page_rows=rows)
    for place in range(20):
        shop.settle(f"69{place:017d}", 10_000 + place, 500, at=NOON + timedelta(minutes=place))
    shop.settle(f"69{3:017d}", 4_000, 200, part="second", at=NOON)
    shop.take_back(f"69{5:017d}", 1_200, at=NOON)
    shop.settle("of-the-day-before", 1, 0, at=NOON - timedelta(days=1))
    return Town(shop, market.attached(shop, ticking, market.told(shop, folder, method)), ticking)


@pytest.mark.parametrize("method", gateway.METHODS)
def test_every_page_is_read_and_parts_of_an_order_are_one_line(tmp_path: Path, method: str) -> None:
    """Three calls, four pages each, one book: 20 payments and a refund, to the fen, fees too."""
    of = town(tmp_path, method)
    book = of.book()
    assert [line.line for line in book] == list(range(1, 22))
    paid = {line.number: line for line in book if line.kind is bill.Kind.PAYMENT}
    assert len(paid) == 20
    parts = paid[f"69{3:017d}"]
    assert (parts.amount_fen, parts.fee_millifen) == (14_003, 700_000)
    assert sum(line.amount_fen for line in paid.values()) == 20 * 10_000 + sum(range(20)) + 4_000
    (back,) = (line for line in book if line.kind is bill.Kind.REFUND)
    assert (back.number, back.amount_fen, back.standing) == (f"69{5:017d}/1200", 1_200, bill.Standing.REFUNDED)
    assert {(line.channel, line.merchant, line.day) for line in book} == {("douyin-shop", of.shop.shop_id, bill.day_number(DAY))}
    assert [one.get("start_index") for one in of.shop.asked] == [None, "7", "14", "21"]


@pytest.mark.parametrize(
    "fault, wrong",
    [
        (Fault.BILL_LINE_DOUBLED, Wrong.DOUBLED),
        (Fault.BILL_LINE_MISSING, Wrong.TRUNCATED),
        (Fault.BILL_TRUNCATED, Wrong.TRUNCATED),
        (Fault.BILL_WRONG_DAY, Wrong.OTHER_DAY),
    ],
)
def test_a_day_that_is_wrong_in_one_page_is_refused_whole(tmp_path: Path, fault: Fault, wrong: Wrong) -> None:
    """The second time it is right, and believed."""
    of = town(tmp_path, rows=100)
    of.shop.faults.next(fault)
    if fault is Fault.BILL_TRUNCATED:
        # A cursor that leads back to where it came from, again and again: a lost page, and no end.
        of.shop.faults.next(fault)
    with pytest.raises(Refused) as refused:
        of.book()
    assert refused.value.wrong is wrong
    assert len(of.book()) == 21


def test_a_row_that_does_not_add_up_is_refused(tmp_path: Path) -> None:
    """What is left of the income after the fees is what the account got: in every row."""
    of = town(tmp_path)
    raw = of.ours.fetch_bill(DAY)
    assert isinstance(raw, fetched.RawBill)
    cut = msgspec.structs.replace(raw, content=raw.content.replace(b'"settle_amount":9500', b'"settle_amount":9501'))
    with pytest.raises(Refused) as refused:
        of.ours.lines(cut)
    assert (refused.value.wrong, refused.value.line) == (Wrong.SUMS, 1)
    odd = msgspec.structs.replace(raw, content=raw.content.replace(b'"trade_type":1', b'"trade_type":9'))
    with pytest.raises(Refused) as refused:
        of.ours.lines(odd)
    assert refused.value.wrong is Wrong.CELL


def test_what_people_wrote_beside_a_row_is_not_kept(tmp_path: Path) -> None:
    """The cells that we compare, and no other."""
    of = town(tmp_path)
    raw = of.ours.fetch_bill(DAY)
    assert isinstance(raw, fetched.RawBill)
    assert b"remark" not in raw.content


def test_a_day_is_made_on_the_next_afternoon_and_an_empty_one_is_believed_a_day_later(tmp_path: Path) -> None:
    """Before that nothing is asked; and nothing in an empty answer says whether the platform is only behind."""
    of = town(tmp_path)
    assert isinstance(of.ours.fetch_bill(EVENING.date()), fetched.NotMade)
    assert of.shop.asked == []
    of.shop.moved.clear()
    assert isinstance(of.ours.fetch_bill(DAY), fetched.NotMade)
    of.clock.advance(timedelta(hours=20))
    assert isinstance(of.ours.fetch_bill(DAY), fetched.NoBill)


def test_who_is_not_known_is_told_so(tmp_path: Path) -> None:
    """A wrong secret, an expired token and a clock that is off are ours to mend; a new token is read without a restart."""
    of = town(tmp_path)
    (tmp_path / "secret").write_text("another", encoding="utf-8")
    wrong = market.told(of.shop, tmp_path)
    (tmp_path / "secret").write_text("another", encoding="utf-8")
    with pytest.raises(faults.Credentials, match=r"isv\.signature-invalid"):
        market.attached(of.shop, of.clock, wrong).fetch_bill(DAY)
    assert of.shop.asked == []
    of.shop.tokens.valid = {"sandbox-token-1": EVENING}
    with pytest.raises(faults.Credentials, match=r"isv\.access-token-expired"):
        of.ours.fetch_bill(DAY)
    of.shop.tokens.valid = {"sandbox-token-2": EVENING + timedelta(days=7)}
    (tmp_path / "token").write_text("sandbox-token-2", encoding="utf-8")
    assert len(of.book()) == 21
    late = market.attached(of.shop, clock.ManualClock(EVENING + timedelta(hours=1)), market.told(of.shop, tmp_path))
    with pytest.raises(faults.Credentials, match=r"isv\.timestamp-invalid"):
        late.fetch_bill(DAY)
    (tmp_path / "token").unlink()
    with pytest.raises(faults.Credentials, match="token"):
        of.ours.fetch_bill(DAY)


@pytest.mark.parametrize("fault", [Fault.RATE_LIMITED, Fault.SYSTEM_ERROR_BEFORE, Fault.REQUEST_LOST, Fault.REFUSED])
def test_trouble_on_a_later_page_leaves_the_day_for_later(tmp_path: Path, fault: Fault) -> None:
    """Unavailable: no half day is kept, and the next round asks from the first page."""
    of = town(tmp_path)
    of.shop.faults.next(fault, skip=2)
    with pytest.raises(faults.Unavailable):
        of.ours.fetch_bill(DAY)
    assert len(of.book()) == 21


@pytest.mark.parametrize(
    "code, sub_code, means",
    [
        (10001, "", faults.Unavailable),
        (20000, "isp.service-error:20004", faults.Unavailable),
        (20001, "", faults.Unavailable),
        (30001, "isv.app-permissions-insufficient", faults.Credentials),
        (30002, "isv.invalid_ip", faults.Credentials),
        (40001, "isv.signature-missing", faults.Credentials),
        (40002, "isv.missing-parameter:size", faults.Rejected),
        (40003, "isv.access-token-no-existed", faults.Credentials),
        (40003, "isv.parameter-format-invalid", faults.Rejected),
        (40004, "isv.parameter-invalid:20022", faults.Rejected),
        (50001, "dop.token-generate-failed:token-expired", faults.Credentials),
        (50002, "isv.business-failed:100010", faults.Unavailable),
        (50002, "isv.business-failed:20015", faults.Rejected),
        (60000, "", faults.Unavailable),
        (70000, "isp.api-service-off", faults.Unavailable),
        (80000, "", faults.Rejected),
        (90000, "", faults.Unavailable),
        (12345, "isv.never-heard-of", faults.Unavailable),
    ],
)
def test_every_code_says_what_may_be_done(code: int, sub_code: str, means: type[faults.Fault]) -> None:
    """A code that nobody documented has told nothing, and is counted."""
    unlisted = Counter[str]()
    assert type(errors.fault(code, sub_code, "", unlisted)) is means
    assert dict(unlisted) == ({"12345/isv.never-heard-of": 1} if code == 12345 else {})


def test_what_is_no_answer_tells_nothing(tmp_path: Path) -> None:
    """A proxy's page, half an object, a success without data."""
    of = town(tmp_path)
    own = market.told(of.shop, tmp_path)
    for status, body in ((502, b"<html>"), (200, b"<html>"), (200, b'{"code":10000,"data":{"data_size":"x"}}'), (200, b'{"code":10000}')):
        client = http.Client(lambda *_, s=status, b=body: (s, {}, b), sleep=lambda _: None)
        broken = wiring_markets.markets(settings.Settings(douyin=own), client, of.clock)[wiring_markets.DOUYIN_SHOP]
        with pytest.raises(faults.Unavailable):
            broken.fetch_bill(DAY)


def test_cells_that_nobody_knows_are_asked_for_by_name(tmp_path: Path) -> None:
    """A call of one's own needs all of them; a word that is none is refused with those that are."""
    shop = gateway.Gateway(clock.ManualClock(EVENING))
    with pytest.raises(faults.BadInput, match=r"cells of order\.reconciliation"):
        market.attached(shop, shop.clock, market.told(shop, tmp_path, "/order/reconciliation", cells={"id": "line_no"}))
    with pytest.raises(faults.BadInput, match="'number'"):
        market.attached(shop, shop.clock, market.told(shop, tmp_path, cells={"number": "x"}))
