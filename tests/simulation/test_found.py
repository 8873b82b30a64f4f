"""What the simulator found in us, told small: each was a broken law under some seed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from makewhole.core import ids
from makewhole.engine import look, sweep
from makewhole.model import finding, plan
from makewhole.rehearsal import course, stage
from makewhole.sandbox import lightkeys, world
from makewhole.sandbox.channel.faults import Fault


@pytest.fixture
def on(tmp_path: Path) -> Iterator[stage.Stage]:
    """An empty world with light keys."""
    with lightkeys.used():
        made = stage.stage(1, tmp_path)
        yield made
        made.close()


def test_a_linked_payment_that_a_replica_does_not_find_is_no_guess(on: stage.Stage) -> None:
    """Seed 97: its order looked paid in the shop only, and a person was asked about an order that was whole."""
    tale = next(t for t in world.BROKEN if t.name == "attempt-lost")
    world.tell(on.day, random.Random("found"), tale)
    on.day.run_until(world.SWEEP_AT)
    course.Course(on=on).sweep(on.world)
    number = next(n for n in on.day.truths if not n.endswith("-2"))
    key = ids.OrderKey(shop=on.world.eyes.shop, number=ids.OrderNumber(number))
    assert on.store.numbers_of(key) == [f"{number}-2"]
    assert isinstance(look.look(on.world, key.number).diagnosis, finding.Whole)
    # The first query is about the order's own number, the second about the linked one.
    on.day.channel.faults.next(Fault.REPLICA_LAG, skip=1)
    lagging = look.look(on.world, key.number)
    assert isinstance(lagging.diagnosis, finding.Unjudged)
    assert isinstance(look.look(on.world, key.number).diagnosis, finding.Whole)


def test_a_persons_case_is_not_mended_by_the_clock(on: stage.Stage) -> None:
    """Seed 346: a day later a sold-out order counted as mended by others, though it was as unpaid as before."""
    tale = next(t for t in world.BROKEN if t.name == "never-paid-sold-out")
    world.tell(on.day, random.Random("found"), tale)
    on.day.run_until(world.SWEEP_AT)
    course.Course(on=on).sweep(on.world)
    [number] = [ids.OrderNumber(n) for n in on.day.truths]
    on.day.run_until(world.SWEEP_AT + timedelta(hours=30))
    sweep.work(on.world, number)
    [known] = on.store.cases(ids.OrderKey(shop=on.world.eyes.shop, number=number))
    assert known.terminal is plan.Terminal.PERSON
