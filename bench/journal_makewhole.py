"""Four-step runs with acts that do nothing, through the store: an address, a way and a crowd come in, one line of JSON goes out."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import cast

from makewhole import ports
from makewhole.adapters.store import journal
from makewhole.core import clock, ids, money
from makewhole.engine import drive
from makewhole.flow import execute, record
from makewhole.model import act, finding, plan, run

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
LEASED = {"owner": "bench", "lease": timedelta(seconds=60)}
LEASE = ports.Lease(owner="bench", now=NOW, span=timedelta(seconds=60))
WARM_UP = 20


def made(name: str) -> plan.Plan:
    """Four acts on a shop."""
    return plan.Plan(
        order=ids.OrderKey(shop=ids.ShopName("bench"), number=ids.OrderNumber(name)),
        ailment=finding.Ailment.STOCK_NOT_RETURNED,
        subject=(name,),
        basis="b" * 64,
        remedy=plan.Remedy.GIVE_STOCK_BACK,
        terminal=plan.Terminal.RESTORED,
        stake=money.Money(fen=12_800),
        steps=tuple(plan.Step(act=act.GiveStockBack(sku=ids.Sku(f"sku-{i}"), quantity=1)) for i in range(4)),
    )


class NoHands:
    """Says that it did."""

    def can(self, step: plan.Step) -> bool:
        return True

    def do(self, order: ids.OrderKey, step: plan.Step, now: datetime) -> run.News:
        return run.Succeeded()


def by_engine(store: journal.SqlStore, of: plan.Plan) -> run.End | None:
    """As it is in service: the first intention is durable together with the beginning, then one commit a step: five."""
    world = cast("ports.World", SimpleNamespace(store=store, clock=clock.ManualClock(NOW), hands=NoHands(), channels={}, **LEASED))
    return drive.drive(world, drive.begin(world, of, ids.CaseId("c" * 32), (), ())).end


def by_store(store: journal.SqlStore, of: plan.Plan) -> run.End | None:
    """The same five commits without the engine between them."""
    case = ids.CaseId("c" * 32)
    going, command = execute.advance(execute.begin(of, NOW), run.Woken(), NOW)
    told = [record.begun(of, case, NOW), record.intent(going, 0, case, NOW)]
    held = store.begin_run(going, case, (), told, LEASE)
    assert held.fence is not None
    while isinstance(command, run.Do):
        at, news = command.index, run.Succeeded()
        going, command = execute.advance(going, news, NOW)
        told = [record.outcome_of_step(going, at, news, case, NOW)]
        if isinstance(command, run.Do):
            told.append(record.intent(going, command.index, case, NOW))
        else:
            told.append(record.ended(going, case, NOW))
        store.save_run(going, held.fence, told)
    return going.end


WAYS: dict[str, Callable[[journal.SqlStore, plan.Plan], run.End | None]] = {"engine": by_engine, "store": by_store}


def measured(store: journal.SqlStore, way: str, plans: list[plan.Plan], crowd: int) -> list[float]:
    """Seconds of each run, from a crowd of threads that share the list."""
    left: Iterator[plan.Plan] = iter(plans)
    lock, spans = threading.Lock(), []

    def work() -> None:
        while True:
            with lock:
                of = next(left, None)
            if of is None:
                return
            begun = time.perf_counter()
            assert WAYS[way](store, of) is run.End.DONE
            spans.append(time.perf_counter() - begun)

    threads = [threading.Thread(target=work) for _ in range(crowd)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return spans


def main(address: str, way: str, crowd: int, count: int) -> None:
    """Measure, then look whether all of it is really there."""
    with journal.SqlStore(address) as store:
        measured(store, way, [made(f"warm-up-{i}") for i in range(WARM_UP)], 1)
        plans = [made(f"o{i}") for i in range(count)]
        commits, cpu, begun = store.writer.commits, time.process_time(), time.perf_counter()
        spans = sorted(measured(store, way, plans, crowd))
        wall, cpu, commits = time.perf_counter() - begun, time.process_time() - cpu, store.writer.commits - commits
        assert store.audit().complaints == ()
        assert store.counts()["runs"] == count + WARM_UP
        assert store.counts()["entries"] == 10 * (count + WARM_UP)
    print(
        json.dumps(
            {
                "per_second": count / wall,
                "p50_ms": spans[count // 2] * 1e3,
                "p99_ms": spans[count * 99 // 100] * 1e3,
                "cpu_ms": cpu / count * 1e3,
                "commits": commits / count,
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
