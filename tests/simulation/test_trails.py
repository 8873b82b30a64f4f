"""The change log of the sandbox's shop: what the shop does, what buyers and channels make it do and what our own hands do is never called
overwritten; what somebody does by hand is."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from makewhole.adapters.changelog import following, triggers
from makewhole.adapters.shops import engines, lens
from makewhole.adapters.store import journal
from makewhole.core import ids
from makewhole.engine import heed
from makewhole.rehearsal import demo, stage
from makewhole.sandbox import day

pytestmark = pytest.mark.slow
ORDERS = 300


@pytest.mark.parametrize("seed", [1, 2])
def test_a_whole_life_of_a_shop_raises_no_false_alarm(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, record_property: Callable[[str, object], None]
) -> None:
    """Orders with their faults, found and made whole, with every change recorded: only what was done by hand is called overwritten."""
    url, found = sa.make_url(f"sqlite:///{tmp_path}/shop.db"), list[heed.LogTrail]()
    days: list[day.Day] = []
    plain, memory = stage.stage, journal.SqlStore("sqlite://")
    seen = lens.MapLens(stage.shop_map(), "", stage.SECRET, engines.for_eyes(url))

    def recorded(number: int, folder: Path) -> stage.Stage:
        on = plain(number, folder)
        days.append(on.day)
        triggers.install(url, [t.table for t in seen.tables])
        stream = following.open_stream(url, seen.tables)
        found.append(heed.LogTrail(ids.ShopName("demo"), lambda: stream, seen, memory.notebook, keeps=True))
        return dataclasses.replace(on, world=dataclasses.replace(on.world, trail=found[0]))

    monkeypatch.setattr(stage, "stage", recorded)
    shown = demo.run(seed=seed, orders=ORDERS, folder=tmp_path)
    assert (shown.grade.false_alarms, shown.grade.missed, shown.breaches) == (0, 0, ())
    (trail,), now = found, datetime.now(UTC)
    trail.catch_up(now)
    assert trail.coverage().trouble == ""
    # The only rows that somebody changed by hand are those of which the world's own truth says that they are broken.
    told, known = set(trail.orders()), {n for t in days[0].truths.values() for n in (t.number, *t.payments)}
    assert told <= known
    assert len(told) < len(known) / 2
    steps = [s.transaction for s in following.open_stream(url, seen.tables).read(None)]
    record_property(
        "says", f"{sum(len(t.changes) for t in steps if t is not None)} changes, {len(told)} orders changed by hand are told, no other"
    )

    with sa.create_engine(url).begin() as connection:
        paid = connection.exec_driver_sql("SELECT order_sn FROM trade_order WHERE status = 30 LIMIT 1").scalar_one()
        connection.exec_driver_sql("UPDATE trade_order SET status = 10 WHERE order_sn = ?", (paid,))
    trail.catch_up(now)
    assert set(trail.orders()) == told | {paid}
    memory.close()
