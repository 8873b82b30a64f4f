"""Two processes on one store share the work: each order is repaired and each day closed by one of them, and what one leaves behind the
other takes over."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from makewhole import ports
from makewhole.core import clock
from makewhole.model import bill, case
from makewhole.sandbox import day
from makewhole.sandbox.channel import truth
from makewhole.sandbox.channel.faults import Fault
from makewhole.sandbox.shop.defects import Defect
from makewhole.sandbox.shop.schema import Status
from tests.serve import test_lives as lives
from tests.serve import town as towns

STORES = ["sqlite", pytest.param("mariadb", marks=pytest.mark.server)]
LEASE_S = 5
STRAYS = 5
"""As many refunds as one account may have in a day."""


@pytest.fixture
def store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty store that two processes can open."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/makewhole.db"
    server = request.getfixturevalue(request.param)
    address: str = server.url(server.create_database())
    return address


@pytest.mark.slow
@pytest.mark.parametrize("store", STORES, indirect=True)
def test_two_processes_share_the_work(store: str, tmp_path: Path) -> None:
    """Both have held runs, and no order was repaired twice."""
    with towns.raised(tmp_path, store=store) as town:
        one, two = town.serve(workers=1), town.serve(workers=1)
        unrecorded, twice = lives.broken(town, 60)
        with town.time_passing():
            towns.eventually(lambda: lives.whole(town, unrecorded, twice), "all is whole")
            towns.eventually(lambda: not town.sql("SELECT id FROM mw_cases WHERE terminal IS NULL"), "every case has its end")
            assert [one.stop(), two.stop()] == [0, 0], one.told() + two.told()
        lives.check(town, unrecorded, twice)
        assert town.owners() == {one.process.pid, two.process.pid}
        for serving in (one, two):
            assert "defect" not in serving.told()


class Assassin:
    """Kills whoever holds the run, in the very moment in which its refund reaches the channel; the answer is lost with it."""

    def __init__(self, town: towns.Town) -> None:
        self.killed: int | None = None
        self.at = 0.0
        self._town = town
        self._handle: Callable[..., Any] = town.day.channel.handle
        # The channel on loopback asks its gateway by this name.
        town.day.channel.handle = self.handle  # type: ignore[method-assign]

    def handle(self, method: str, target: str, headers: Any, body: bytes) -> Any:
        """As the channel does it; once, after a refund was accepted, its caller is gone."""
        answer = self._handle(method, target, headers, body)
        if method == "POST" and target.endswith("/refunds") and self.killed is None:
            ((owner,),) = self._town.sql("SELECT owner FROM mw_runs WHERE ended = 0")
            self.killed, self.at = int(owner.split(":")[1]), time.monotonic()
            os.kill(self.killed, signal.SIGKILL)
            raise ConnectionResetError("its caller is gone")
        return answer


@pytest.mark.slow
@pytest.mark.parametrize("store", STORES, indirect=True)
def test_work_of_a_killed_process_is_taken_over_after_its_lease(store: str, tmp_path: Path) -> None:
    """Killed in the act: the refund is accepted, its answer lost. The other one waits for the lease, looks, and refunds no second time."""
    with towns.raised(tmp_path, store=store) as town:
        one, two = town.serve(), town.serve()
        assassin = Assassin(town)
        sn = town.day.order(Defect.NEW_NUMBER_ON_RETRY)
        second = town.day.shop.pay(sn)
        # The shop knows of the first payment; the second is the surplus.
        town.day.pays(sn, day.Fate.SHOP)
        town.day.run_until(town.day.clock.now() + timedelta(minutes=1))
        assert town.status(sn) is Status.PAID
        town.day.pays(second, day.Fate.LOST)
        towns.eventually(lambda: assassin.killed is not None, "one of them sends the refund")
        survivor = two if assassin.killed == one.process.pid else one
        assert survivor.process.poll() is None
        ((owner, fence),) = town.sql("SELECT owner, fence FROM mw_runs")
        assert (int(owner.split(":")[1]), fence) == (assassin.killed, 1)
        with town.time_passing():
            towns.eventually(lambda: town.sql("SELECT ended FROM mw_runs") == [(1,)], "the other one ends the run")
            # By the lease that the first one took at the latest a moment before it was killed.
            assert time.monotonic() - assassin.at > LEASE_S - 1
            towns.eventually(lambda: not town.sql("SELECT id FROM mw_cases WHERE terminal IS NULL"), "the case has its end")
            assert survivor.stop() == 0, survivor.told()
        ((_, fence),) = town.sql("SELECT owner, fence FROM mw_runs")
        assert fence >= 2
        assert [r.amount for r in town.day.bank.refunds.values()] == [town.day.due_fen(sn)]
        assert town.day.bank.kept(sn) + town.day.bank.kept(second) == town.day.due_fen(sn)
        assert town.complaints() == ()
        posts = [n for n in town.day.channel.asked if n[0] == "refund"]
        assert len(posts) == 1


def strays(town: towns.Town, count: int) -> dict[int, list[str]]:
    """By Beijing day: money under numbers that no order has, on either day that may be the one to close when the processes come up."""
    town.day.pays(town.day.order(), day.Fate.SHOP)
    today = bill.day_of(datetime.now(UTC))
    told = {}
    for back in (1, 2):
        noon = datetime.combine(bill.date_of(today - back), datetime.min.time(), clock.BEIJING) + timedelta(hours=12)
        told[today - back] = [f"TILL{back}N{n}" for n in range(count)]
        for number in told[today - back]:
            town.day.bank.pay_unknown(number, 4200, noon, notify_url="")
    return told


@pytest.mark.slow
@pytest.mark.parametrize("store", [pytest.param("mariadb", marks=pytest.mark.server)], indirect=True)
def test_two_processes_close_a_day_once(store: str, tmp_path: Path) -> None:
    """Both ask for its bill until there is one, in the same second: it is kept once, closed once, and every difference is acted on once."""
    with towns.raised(tmp_path, store=store) as town:
        told = strays(town, STRAYS)
        asked = town.day.channel.asked
        town.day.channel.faults.next(Fault.BILL_LATE, where="bill", times=10_000)
        serving = [town.begin(books_every_s=1, sweep_every_s=3600) for _ in range(2)]
        for one in serving:
            one.listening()
        with town.time_passing(behind=timedelta(0)):
            seen = len(asked)
            towns.eventually(lambda: sum(route == "bill" for route, _ in asked[seen:]) >= 6, "both wait for the bill")
            town.day.channel.faults.heal()
            towns.eventually(lambda: bool(set(told) & closed(town, bill.Stage.BILL)), "the day is closed")
            of_days = {number for of in closed(town, bill.Stage.BILL) for number in told.get(of, [])}
            towns.eventually(lambda: {r.of.order.out_trade_no for r in refunded(town)} >= of_days, "what was astray went back")
            towns.eventually(lambda: not town.sql("SELECT id FROM mw_cases WHERE terminal IS NULL"), "every case has its end")
            assert [one.stop() for one in serving] == [0, 0], "".join(one.told() for one in serving)
        check_closed_once(town, told)
        assert not any("defect" in one.told() for one in serving)


def closed(town: towns.Town, stage: bill.Stage) -> set[int]:
    return {day_ for (day_,) in town.sql("SELECT day FROM mw_closings WHERE body IS NOT NULL AND stage = :stage", stage=stage.value)}


def refunded(town: towns.Town) -> list[truth.Refund]:
    return [r for r in town.day.bank.refunds.values() if r.status == "SUCCESS"]


def check_closed_once(town: towns.Town, told: dict[int, list[str]]) -> None:
    """One closing, one bill, one difference and one refund for each, whoever came first: in the store, at the channel, in the evidence."""
    days = closed(town, bill.Stage.BILL)
    evidence = [line.entry().kind for line in entries(town)]
    assert evidence.count(case.EntryKind.DAY_CLOSED) == len(town.sql("SELECT day FROM mw_closings"))
    assert evidence.count(case.EntryKind.BILL_KEPT) == len(town.sql("SELECT day FROM mw_bills")) == len(days)
    expected = sorted(number for of in days for number in told.get(of, []))
    assert sorted(number for (number,) in town.sql("SELECT number FROM mw_differences")) == expected
    assert evidence.count(case.EntryKind.DIFFERENCE_FOUND) == len(expected)
    assert sorted(r.of.order.out_trade_no for r in town.day.bank.refunds.values()) == expected
    assert sum(route == "refund" for route, _ in town.day.channel.asked) == len(expected)
    assert town.complaints() == ()


def entries(town: towns.Town) -> list[ports.Line]:
    with town.remembered() as kept:
        return list(kept.entries())
