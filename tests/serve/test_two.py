"""Two processes on one store share the work: each order is repaired by one of them, and what one leaves behind the other takes over."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from makewhole.sandbox import day
from makewhole.sandbox.shop.defects import Defect
from makewhole.sandbox.shop.schema import Status
from tests.serve import test_lives as lives
from tests.serve import town as towns

STORES = ["sqlite", pytest.param("mariadb", marks=pytest.mark.server)]
LEASE_S = 5


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
