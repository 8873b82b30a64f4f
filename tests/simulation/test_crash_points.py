"""Killed anywhere, and its successor killed anywhere: every remedy comes to the same end, with every law kept."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from makewhole.model.plan import Remedy
from makewhole.rehearsal import crashes

PARTS = {"finish-refund": 6, "recall-undone": 5, "match-order": 4, "recall": 3}
"""Scenes with many pairs are played in parts, so that two workers end at about the same time."""
QUICK = {"record-payment"}
"""The quick check's share."""
PIECES = [(scene, part) for scene in crashes.SCENES for part in range(PARTS.get(scene.name, 2))]


def test_no_remedy_is_left_out() -> None:
    """A new remedy needs a story here."""
    assert {scene.remedy for scene in crashes.SCENES} == set(Remedy)


def same(base: crashes.Ending, killed: Iterable[tuple[frozenset[int], crashes.Ending]]) -> int:
    """How many were played; fails with the places, the laws, the rows that differ, and the trace."""
    played = 0
    for kills, ending in killed:
        played += 1
        differs = {name: (was, ending.result[name]) for name, was in base.result.items() if ending.result[name] != was}
        trace = "\n".join(ending.trace)
        assert not ending.breaches, f"killed at {sorted(kills)}: {[str(b) for b in ending.breaches]}\n{trace}"
        assert not differs, f"killed at {sorted(kills)}: {differs}\n{trace}"
    return played


@pytest.mark.parametrize(
    "scene", [s if s.name in QUICK else pytest.param(s, marks=pytest.mark.slow) for s in crashes.SCENES], ids=lambda s: s.name
)
def test_killed_anywhere(scene: crashes.Scene, tmp_path: Path) -> None:
    """At each place before and after each commit and each act; and the world is the remedy's own."""
    base = crashes.play(scene, frozenset(), tmp_path)
    assert base.breaches == ()
    assert scene.remedy in base.remedies
    assert base.places >= 12
    assert same(base, crashes.singles(scene, tmp_path)) == base.places


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("scene, part", PIECES, ids=lambda piece: str(getattr(piece, "name", piece)))
def test_killed_anywhere_twice(scene: crashes.Scene, part: int, tmp_path: Path) -> None:
    """The successor may die as well, at each place that it passes."""
    parts = PARTS.get(scene.name, 2)
    base = crashes.play(scene, frozenset(), tmp_path)
    assert same(base, crashes.pairs(scene, tmp_path, part, parts)) >= base.places // parts
