"""A commit whose answer was lost is looked up, never guessed: what happened is not repeated, what did not happen is done once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Literal

import pymysql
import pytest

from makewhole import ports
from makewhole.adapters.store import cases, journal, links, statements, writer
from makewhole.core import faults, ids
from makewhole.model import run, verdict
from tests.store import scenes
from tests.store.conftest import FILES

pytestmark = pytest.mark.parametrize("address", FILES, indirect=True)

When = Literal["before", "after"]


class Cut(links.Link):
    """A connection that dies in its commits, before or after the database carried them out, as often as the plan says."""

    plan: list[When | None]
    seen = 0

    def commit(self) -> None:
        Cut.seen += 1
        when = Cut.plan.pop(0) if Cut.plan else None
        if when == "after":
            super().commit()
        if when is not None:
            self._proxied.invalidate()  # the server rolls back what was not committed
            raise pymysql.err.OperationalError(2013, "Lost connection to server during query")
        super().commit()


@pytest.fixture
def cut(address: str) -> Iterator[journal.SqlStore]:
    with journal.SqlStore(address) as store:
        Cut.plan, Cut.seen = [], 0
        store.writer._connect = lambda: Cut(store._engine)
        yield store
        Cut.plan = []


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("times", [1, 3])
def test_every_write_takes_effect_once(cut: journal.SqlStore, when: When, times: int) -> None:
    of = scenes.made("1001")
    asked = scenes.reservation("day", "a", 60, 100)
    Cut.plan = [when] * times
    held = scenes.begin(cut, of, reservations=[asked])
    assert held.fence == 1
    assert cut.exposure(["day"]) == {"day": (1, 60)}
    going, told = scenes.intended(held)
    Cut.plan = [when] * times
    cut.save_run(going, 1, told)
    Cut.plan = [when] * times
    cut.append(told)
    assert (cut.counts()["runs"], cut.counts()["steps"], cut.counts()["entries"]) == (1, 2, 3)
    assert cut.find_run(of.run_id()) == going
    assert cut.audit().complaints == ()
    # One commit for each write that was carried out at once, one more for each that had to be repeated.
    assert Cut.seen == 3 + {"before": 3 * times, "after": 0}[when]


def test_a_take_over_between_the_cut_and_the_look_is_seen(cut: journal.SqlStore, address: str) -> None:
    """Our save was committed, another process wrote since, and its token stands in the tree's row: ours was filed."""
    of = scenes.made("1001")
    held = scenes.begin(cut, of)
    going, told = scenes.intended(held)
    looked = cut.writer._find_token

    def look() -> bool:
        with journal.SqlStore(address) as other:
            for i in range(2):
                other.set_mark("other", str(i))
        return looked()

    cut.writer._find_token = look  # type: ignore[method-assign]
    Cut.plan = ["after"]
    cut.save_run(going, 1, told)
    assert cut.find_run(of.run_id()) == going
    Cut.plan = ["before"]
    cut.append(told)
    assert cut.counts()["entries"] == 3
    assert cut.audit().complaints == ()


def test_where_the_database_cannot_be_asked_nobody_knows(cut: journal.SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "SETTLE_S", 0.1)
    held = scenes.begin(cut, scenes.made("1001"))
    going, told = scenes.intended(held)

    def gone() -> links.Link:
        raise pymysql.err.OperationalError(2003, "Can't connect")

    connect = cut.writer._connect
    Cut.plan = ["after"]
    monkeypatch.setattr(cut.writer, "_connect", gone)
    with pytest.raises(faults.Indeterminate):
        cut.save_run(going, 1, told)
    with pytest.raises(faults.Unavailable):
        cut.append(told)
    monkeypatch.setattr(cut.writer, "_connect", connect)
    # Told the same again, it is the same: nothing is written twice that has a key.
    assert cut.find_run(held.run.plan.run_id()) == going
    cut.append(told)
    assert cut.audit().complaints == ()


def test_a_refusal_takes_none_of_its_neighbours_along(cut: journal.SqlStore) -> None:
    """Good writes, stale fences and reached limits of twenty threads share commits, some of which are cut."""
    for i in range(10):
        scenes.begin(cut, scenes.made(f"old{i}"))
    gate = threading.Barrier(30)
    told: dict[str, list[object]] = {"ok": [], "stale": [], "limit": [], "bad": []}

    def good(i: int) -> None:
        told["ok"].append(scenes.drive(cut, scenes.made(f"new{i}")).end)

    def stale(i: int) -> None:
        of = scenes.made(f"old{i}")
        try:
            cut.save_run(run.Run(plan=of, steps=of.steps, marks=(run.Mark.DONE,) * 4, begun_at=scenes.NOW), 7, [])
        except faults.Rejected as fault:
            told["stale"].append(fault)

    def limit(i: int) -> None:
        asked = [scenes.reservation("a", str(i), 1, 1_000), scenes.reservation("b", str(i), 2, 1, verdict.Ground.DAILY_AMOUNT)]
        try:
            scenes.begin(cut, scenes.made(f"limit{i}"), reservations=asked)
        except ports.LimitReached as fault:
            told["limit"].append(fault)

    def once(work: Callable[[int], None], i: int) -> None:
        gate.wait()
        work(i)

    Cut.plan = ["after", None, "before", None, None, "after"]
    threads = [threading.Thread(target=once, args=[work, i]) for i in range(10) for work in (good, stale, limit)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told["ok"] == [run.End.DONE] * 10
    assert (len(told["stale"]), len(told["limit"])) == (10, 10)
    assert cut.exposure(["a", "b"]) == {"a": (0, 0), "b": (0, 0)}
    assert cut.counts()["runs"] == 20
    assert cut.counts()["entries"] == 10 + 10 * 10
    assert cut.audit().complaints == ()


def test_work_that_fails_after_it_wrote_is_undone_alone(cut: journal.SqlStore) -> None:
    """A defect of ours in the middle of a shared commit: the others are carried out without it."""
    link = cut.link
    started = threading.Event()
    results: list[object] = []

    def broken(tx: statements.Tx) -> None:
        cases.set_mark(tx, "broken", "written")
        raise ZeroDivisionError("ours")

    def defect() -> None:
        with pytest.raises(ZeroDivisionError):
            cut.writer.write(broken)
        results.append("refused")

    def slow(tx: object) -> None:
        started.set()
        results.append(gate.wait(5))

    gate = threading.Event()
    first = threading.Thread(target=lambda: cut.writer.write(slow))
    first.start()
    started.wait()
    others = [
        threading.Thread(target=lambda: link(scenes.SHOP, ids.OutTradeNo("T1"), ids.OrderNumber("1"), "x")),
        threading.Thread(target=defect),
        threading.Thread(target=lambda: link(scenes.SHOP, ids.OutTradeNo("T2"), ids.OrderNumber("2"), "x")),
    ]
    for other in others:
        other.start()
    while len(cut.writer._waiting) < 3:
        pass
    gate.set()
    for thread in (first, *others):
        thread.join()
    assert cut.mark("broken") is None
    assert cut.counts()["aliases"] == 2
    assert results == [True, "refused"]


def test_a_writer_that_is_interrupted_hands_the_writing_on(cut: journal.SqlStore) -> None:
    """Ctrl-C in the middle of a shared commit: it is rolled back, its other callers are told, the next ones are served."""
    inside, gate = threading.Event(), threading.Event()
    told: list[BaseException] = []

    def interrupted(tx: object) -> None:
        inside.set()
        gate.wait(5)
        raise KeyboardInterrupt

    def lead() -> None:
        try:
            cut.writer.write(interrupted)
        except KeyboardInterrupt as stop:
            told.append(stop)

    first = threading.Thread(target=lead)
    first.start()
    inside.wait()
    following = threading.Thread(target=lambda: cut.set_mark("after", "1"))
    following.start()
    while not cut.writer._waiting:
        pass
    gate.set()
    first.join()
    following.join()
    assert [type(stop) for stop in told] == [KeyboardInterrupt]
    assert cut.mark("after") == "1"
    assert cut.audit().complaints == ()


def test_a_connection_that_dies_in_every_commit_is_unavailable_and_nothing_happened(
    cut: journal.SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "PAUSE_S", 0.0)
    Cut.plan = ["before"] * writer.TRIES_MAX
    with pytest.raises(faults.Unavailable):
        scenes.begin(cut, scenes.made("1001"))
    assert Cut.seen == writer.TRIES_MAX
    assert set(cut.counts().values()) == {0}
