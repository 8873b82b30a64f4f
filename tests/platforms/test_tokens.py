"""A shop's token is exchanged in time, by one process, and never lost on our side; whoever has none is told what to do."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import json
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from makewhole.core import clock, faults
from makewhole.model import fetched
from makewhole.ports import accounts
from makewhole.sandbox.channel.faults import Fault
from makewhole.sandbox.douyin import gateway, tokens
from tests.platforms import market

NOW = datetime(2026, 11, 19, 20, tzinfo=clock.BEIJING)
DAY = date(2026, 11, 18)


@dataclasses.dataclass
class Stall:
    """A shop's account whose token stands in `file` with what exchanges it; `exchanges` counts."""

    shop: gateway.Gateway
    clock: clock.ManualClock
    file: Path
    folder: Path
    exchanges: int = 0

    def ours(self) -> accounts.AccountSource:
        """A connector as another process would have it."""
        kept = self.file.read_bytes()
        told = market.told(self.shop, self.folder)
        self.file.write_bytes(kept)
        return market.attached(self.shop, self.clock, told)

    def pair(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.file.read_bytes())
        return told


@pytest.fixture
def stall(tmp_path: Path) -> Stall:
    """One order was settled. The file is the platform's own answer with the end of the token written to it."""
    ticking = clock.ManualClock(NOW)
    shop = gateway.Gateway(ticking)
    shop.settle("6900000000000000001", 10_000, 500, at=NOW - timedelta(days=1))
    made = Stall(shop, ticking, tmp_path / "token", tmp_path)
    through = shop.handle

    def counted(method: str, target: str, headers: Mapping[str, str], body: bytes) -> gateway.Reply:
        made.exchanges += "method=token.refresh" in target
        return through(method, target, headers, body)

    shop.handle = counted  # type: ignore[method-assign]
    write(made, until=NOW + tokens.LIVES)
    return made


def write(of: Stall, until: datetime | None = None, **other: object) -> None:
    of.file.touch(mode=0o640)
    given = {"access_token": of.shop.tokens.access, "refresh_token": of.shop.tokens.refresh, "expires_in": 604800, "shop_name": "小店"}
    of.file.write_text(json.dumps({**given, **({"expires_at": until.isoformat()} if until else {}), **other}), encoding="utf-8")


def book(ours: accounts.AccountSource) -> int:
    raw = ours.fetch_bill(DAY)
    assert isinstance(raw, fetched.RawBill)
    return len(ours.lines(raw))


@pytest.mark.parametrize(
    "left, exchanged",
    [(timedelta(minutes=51), False), (timedelta(minutes=50), True), (timedelta(0), True), (timedelta(days=-6), True)],
    ids=["not yet", "near its end", "at its end", "long after"],
)
def test_a_token_near_its_end_is_exchanged_and_kept(stall: Stall, left: timedelta, exchanged: bool) -> None:  # noqa: FBT001
    """Once, for as many questions as there are; the file keeps its rights, and nothing is left beside it but the lock."""
    ours = stall.ours()
    stall.clock.advance(tokens.LIVES - left)
    assert book(ours) == book(ours) == 1
    assert stall.exchanges == int(exchanged)
    assert stall.shop.tokens.access == f"sandbox-token-{1 + exchanged}" == stall.pair()["access_token"]
    assert stall.file.stat().st_mode & 0o777 == 0o640
    if exchanged:
        assert datetime.fromisoformat(stall.pair()["expires_at"]) == stall.clock.now() + tokens.LIVES
        assert {f.name for f in stall.folder.iterdir()} == {"secret", "token", "token.lock"}


def test_the_platforms_own_answer_is_taken_as_it_is(stall: Stall) -> None:
    """Nobody knows when it was given: asked once, the platform gives the same pair back and says how long it lives."""
    write(stall)
    stall.clock.advance(timedelta(days=2))
    ours = stall.ours()
    assert book(ours) == book(ours) == 1
    assert (stall.exchanges, stall.pair()["access_token"]) == (1, "sandbox-token-1")
    assert datetime.fromisoformat(stall.pair()["expires_at"]) == NOW + tokens.LIVES


def test_a_token_that_is_refused_before_its_time_is_exchanged_once(stall: Stall) -> None:
    """The question is asked again with the new one. Alone, without what exchanges it, the refusal stands."""
    stall.shop.tokens.valid["sandbox-token-1"] = stall.clock.now()
    ours = stall.ours()
    assert (book(ours), stall.exchanges) == (1, 1)
    stall.shop.tokens.valid.clear()
    stall.file.write_text("sandbox-token-2", encoding="utf-8")
    with pytest.raises(faults.Credentials, match=r"isv\.access-token-no-existed"):
        book(ours)
    assert stall.exchanges == 1


def test_while_the_old_token_lives_nobody_waits_for_the_new_one(stall: Stall) -> None:
    """The platform cannot be asked: the day is had all the same; once the old one is over, later."""
    ours = stall.ours()
    stall.clock.advance(tokens.LIVES - timedelta(minutes=30))
    stall.shop.faults.next(Fault.RATE_LIMITED, times=1)
    assert book(ours) == 1
    stall.clock.advance(timedelta(minutes=30))
    stall.shop.faults.next(Fault.RATE_LIMITED, times=1)
    with pytest.raises(faults.Unavailable):
        book(ours)
    assert (book(ours), stall.pair()["access_token"]) == (1, "sandbox-token-2")


def test_a_pair_whose_answer_was_lost_takes_a_person(stall: Stall) -> None:
    """The platform's worst case: what was sent is spent, and nobody has what came. The shop must authorise the app again."""
    ours = stall.ours()
    stall.clock.advance(tokens.LIVES)
    stall.shop.faults.next(Fault.ANSWER_LOST)
    with pytest.raises(faults.Unavailable):
        book(ours)
    with pytest.raises(faults.Credentials, match=r"token-invalid.*authorise the app again"):
        book(ours)
    write(stall)
    assert book(ours) == 1


def test_what_could_not_be_kept_is_not_asked_for(stall: Stall) -> None:
    """A new pair that nobody can write down would be lost."""
    (stall.folder / "token.lock").mkdir()
    ours = stall.ours()
    stall.clock.advance(tokens.LIVES)
    with pytest.raises(faults.Credentials, match="could not be kept"):
        book(ours)
    assert stall.exchanges == 0


def test_another_shops_token_is_not_kept(stall: Stall) -> None:
    """Its lines would be taken for ours."""
    stall.shop.tokens._shop_id = "999"
    ours = stall.ours()
    stall.clock.advance(tokens.LIVES)
    before = stall.file.read_bytes()
    with pytest.raises(faults.Credentials, match="of shop 999"):
        book(ours)
    assert stall.file.read_bytes() == before


def test_of_many_that_find_it_over_one_exchanges_it(stall: Stall) -> None:
    """The others take what it has written: what one has sent would be spent for all."""
    many = [stall.ours() for _ in range(8)]
    stall.clock.advance(tokens.LIVES)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert list(pool.map(book, many)) == [1] * 8
    assert stall.exchanges == 1


@pytest.mark.parametrize(
    "content", ["", "{", "{}", '{"access_token":""}', '{"access_token":"t","expires_at":"2026-11-23T20:00:00"}', "\xff"]
)
def test_a_file_without_a_token_says_so(stall: Stall, content: str) -> None:
    ours = stall.ours()
    stall.file.write_bytes(content.encode("latin-1"))
    with pytest.raises(faults.Credentials, match=r"douyin\.access_token_file"):
        book(ours)


def test_whether_we_may_ask_is_asked_without_changing_anything(stall: Stall) -> None:
    """Until when is told; what is over and renews itself is not tried; what is refused is told as a question would be."""
    ours, until = stall.ours(), NOW + tokens.LIVES
    assert ours.access() == accounts.Access(until=until, renews=True)
    stall.clock.advance(tokens.LIVES)
    before = stall.file.read_bytes()
    assert ours.access() == accounts.Access(until=until, renews=True)
    assert (stall.exchanges, stall.file.read_bytes()) == (0, before)
    assert not (stall.folder / "token.lock").exists()
    (stall.folder / "token.lock").mkdir()
    assert "could not be kept" in ours.access().unkept
    stall.file.write_text("sandbox-token-1", encoding="utf-8")
    with pytest.raises(faults.Credentials, match="expired"):
        ours.access()
    stall.shop.tokens.valid["sandbox-token-1"] = until + tokens.LIVES
    assert ours.access() == accounts.Access(until=None, renews=False)
