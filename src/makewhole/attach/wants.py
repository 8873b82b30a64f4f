"""Words of a name or a comment go in, how well they say each of our fields comes out. What is sought stands in `wanted`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from makewhole.attach import naming, wanted
from makewhole.attach.naming import NONE, Ideas, Said
from makewhole.attach.values import Shape

EXTRA_COSTS = 0.12
"""What each idea beyond those wanted takes from a weight: `pay_time` says it better than `first_pay_check_time`."""
STRANGE_COSTS = 0.04
"""What a word that nobody knows takes: mostly a prefix."""
_LINE = re.compile(r"^  (shape|says|never|beside) ", re.MULTILINE)
_HEAD = re.compile(r"^(?=\w)", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Want:
    """How one field is recognised."""

    field: str
    shapes: frozenset[Shape]
    says: tuple[tuple[Ideas, float], ...]
    never: Ideas
    neutral: Ideas

    @property
    def ideas(self) -> Ideas:
        """Every idea that says something of this field."""
        return NONE.union(*(told for told, _ in self.says))

    def score(self, said: Said, neutral: Ideas = NONE) -> float:
        """How well these words say this field, from 0 to 1. A word of several ideas means the one that fits."""
        everything = naming.ideas(said)
        return max((self._score(said, told, weight, neutral) for told, weight in self.says if told <= everything), default=0.0)

    def forbids(self, said: Said) -> bool:
        """Whether a word means nothing but what this field never is."""
        return any(word and word <= self.never - self.neutral for word in said)

    def _score(self, said: Said, told: Ideas, weight: float, neutral: Ideas) -> float:
        rest = [word for word in said if not word & told]
        if any(word and word <= self.never - self.neutral for word in rest):
            return 0.0
        extra = [word for word in rest if not word & (self.neutral | neutral)]
        return max(weight - sum(EXTRA_COSTS if word else STRANGE_COSTS for word in extra), 0.0)


def _parsed(text: str) -> dict[str, tuple[Want, ...]]:
    found: dict[str, list[Want]] = {}
    for block in filter(None, _HEAD.split(text)):
        field, *parts = _LINE.split(block)
        told = dict(zip(parts[::2], parts[1::2], strict=True))
        want = Want(
            field=field.strip(),
            shapes=frozenset(Shape(s) for s in told["shape"].split()),
            says=tuple(alternatives(told["says"])),
            never=frozenset(told.get("never", "").replace("TIME", wanted.TIME).replace("MONEY", wanted.MONEY).split()),
            neutral=frozenset(["info", *told.get("beside", "").split()]),
        )
        found.setdefault(want.field.partition(".")[0], []).append(want)
    return {role: tuple(wants) for role, wants in found.items()}


def alternatives(text: str) -> list[tuple[Ideas, float]]:
    """Alternatives parted by `|`, each of ideas and a weight."""
    found = []
    for told in text.split("|"):
        *ideas, weight = told.split()
        found.append((frozenset(ideas), float(weight)))
    return found


WANTS = _parsed(wanted.FIELDS)
"""Per table of ours. `order` fields of children are found by what they refer to, and states by their labels."""


def of(field: str) -> Want:
    """What is wanted of one field."""
    return next(w for w in WANTS[field.partition(".")[0]] if w.field == field)
