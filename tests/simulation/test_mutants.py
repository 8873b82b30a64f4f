"""The mutation gate: each of thirteen planted bugs is seen by the laws, and without it the very same world keeps them all."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from makewhole.rehearsal import crashes, simulate
from makewhole.sandbox import day, laws, world
from tests.simulation import mutants

SEEDS_MAX = 12
"""Worlds in which a mutant must be seen. The random walk sees many thousand; a gate must not depend on luck."""
World = tuple[int, frozenset[int]]
"""A seed, or the kills of a crash scene."""


def worlds(mutant: mutants.Mutant, folder: Path) -> Iterator[World]:
    """Where to look for it: each place of its scene, or a dozen seeds."""
    if not mutant.scene:
        yield from ((seed, frozenset()) for seed in range(1, SEEDS_MAX + 1))
        return
    places = crashes.play(scene(mutant), frozenset(), folder).places
    yield from ((0, frozenset({place})) for place in range(1, places + 1))


def scene(mutant: mutants.Mutant) -> crashes.Scene:
    return next(s for s in crashes.SCENES if s.name == mutant.scene)


def play(mutant: mutants.Mutant, at: World, folder: Path) -> set[str]:
    """The laws that this world broke."""
    seed, kills = at
    if mutant.scene:
        return {b.law for b in crashes.play(scene(mutant), kills, folder).breaches}

    def fill(on: day.Day) -> None:
        chance = random.Random(f"mutants {seed}")
        for name in mutant.tales:
            world.tell(on, chance, next(t for t in world.BROKEN if t.name == name))

    return {b.law for b in simulate.play(seed, folder, mutant.swarm, fill).breaches}


def test_there_are_thirteen() -> None:
    """Each once, each seen by a law that there is."""
    assert len({m.name for m in mutants.MUTANTS}) == len(mutants.MUTANTS) == 13
    assert {m.law for m in mutants.MUTANTS} <= set(laws.NAMES)


@pytest.mark.slow
@pytest.mark.parametrize("mutant", mutants.MUTANTS, ids=lambda mutant: mutant.name)
def test_each_is_seen(mutant: mutants.Mutant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its own law; and where the bug is not, the same world breaks none."""
    places = list(worlds(mutant, tmp_path))
    seen: World | None = None
    with monkeypatch.context() as patch:
        mutant.plant(patch)
        seen = next((at for at in places if mutant.law in play(mutant, at, tmp_path)), None)
    assert seen is not None, f"{mutant.name} was not seen in {len(places)} worlds"
    assert play(mutant, seen, tmp_path) == set()
