"""Seeded worlds with faults, crashes and two workers keep every law; the same seed is the same world to the byte."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from makewhole.cli import simulate as command
from makewhole.core import codec
from makewhole.rehearsal import simulate

FIRST = (1, 1_000_001)
"""First seeds of the two long walks, one for each test worker; the next ones follow."""
LONG_S = 30
"""Seconds of one walk: a minute of worlds in all."""
SHORT = 2
"""Worlds in the quick check."""


def told(played: simulate.Played) -> str:
    """What failed, how to see it again, and the way there."""
    lines = [*map(str, played.breaches), f"faults: {', '.join(played.swarm.names())}", command.reproduce(played.seed), *played.trace]
    return "\n".join(lines)


def test_every_law_is_kept_in_a_few_worlds() -> None:
    """The quick check's share."""
    failed = [told(p) for p in simulate.many(FIRST[0], SHORT) if p.breaches]
    assert not failed, "\n\n".join(failed)


@pytest.mark.slow
@pytest.mark.parametrize("first", FIRST)
def test_every_law_is_kept_in_as_many_worlds_as_its_time_holds(first: int, record_property: Callable[[str, object], None]) -> None:
    """Every failing seed is told; how many were played stands in the summary."""
    end, failed, played, kills = time.monotonic() + LONG_S, [], 0, 0
    for world in simulate.many(first, 1_000_000):
        played, kills = played + 1, kills + world.kills
        failed += [told(world)] if world.breaches else []
        if time.monotonic() > end:
            break
    record_property("says", f"{played} worlds from seed {first}, {kills} workers killed, {len(failed)} worlds broke a law")
    assert not failed, "\n\n".join(failed)
    assert played >= 5


@pytest.mark.slow
@pytest.mark.parametrize("seed", [7, 8])
def test_the_same_seed_is_the_same_world_to_the_byte(seed: int, tmp_path: Path) -> None:
    """Trace, grade, rows, ledger and evidence: nothing reads a clock, draws by chance, or depends on the folder."""
    once, again = (simulate.play(seed, tmp_path / name) for name in ("one", "another"))
    assert once.trace == again.trace
    assert once.grade == again.grade
    assert once.digest == again.digest
    assert simulate.play(seed + 2, tmp_path / "one").digest != once.digest


def test_no_world_has_every_fault_and_every_fault_has_a_world() -> None:
    """Swarms: what is left out of one world is in another."""
    swarms = [simulate.swarm(seed) for seed in range(200)]
    every = {*simulate.OWN_FAULTS, *(f.value for f in (*simulate.CHANNEL_FAULTS, *simulate.NOTICE_FAULTS))}
    assert set(itertools.chain.from_iterable(s.names() for s in swarms)) == every
    assert all(set(s.names()) < every for s in swarms)
    assert codec.digest([s.names() for s in swarms]) == codec.digest([simulate.swarm(seed).names() for seed in range(200)])
