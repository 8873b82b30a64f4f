"""Proof: a map and the live rows go in; for each way in which rows contradict themselves, a line with a count and examples comes out.

A map that reads a column wrongly makes healthy orders contradict themselves, and many of them: who sees the counts sees the mistake.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator

from makewhole import ports
from makewhole.cli import words
from makewhole.cli.checks import EXAMPLES, Check, Light
from makewhole.core import batching, faults
from makewhole.engine import sweep
from makewhole.flow.diagnose import contradictions
from makewhole.model import fact, finding, order, screen

ORDERS_READ_MAX = 2000
"""Orders that contradict themselves which are read one by one; a map that is wrong shows itself in fewer."""


def proof(world: ports.World, where: str, say: words.Say) -> Iterator[Check]:
    """A line for each contradiction that the rows show: times out of order, sums that do not add up, states without their time."""
    counts: Counter[fact.Says] = Counter()
    examples: dict[fact.Says, list[tuple[str, str]]] = {}
    screens = ((finding.Ailment.ORDER_CONTRADICTS_ITSELF, screen.Any(parts=tuple(c.screen for c in contradictions.ALL))),)
    read = 0
    try:
        numbers = itertools.islice((s.number for s in world.eyes.suspects(screens)), ORDERS_READ_MAX)
        for batch in batching.batches(numbers, sweep.BATCH):
            read += len(batch)
            for claims, _ in world.eyes.read(batch).values():
                _count(next((c for c in claims if isinstance(c, order.ShopOrder)), None), counts, examples, say)
    except faults.Fault:
        # The line above this one has said that the shop does not answer.
        return
    for says, times in counts.most_common():
        told = examples[says]
        key = "doctor.proof-least" if read == ORDERS_READ_MAX else "doctor.proof"
        what = say(key, times=times, says=told[0][1], examples=", ".join(number for number, _ in told))
        yield Check(name="map", light=Light.WARN, what=what, where=where, todo=say("doctor.proof-todo"))
    if not counts:
        yield Check(name="map", light=Light.OK, what=say("doctor.proved"), where=where)


def _count(
    told: order.ShopOrder | None, counts: Counter[fact.Says], examples: dict[fact.Says, list[tuple[str, str]]], say: words.Say
) -> None:
    if told is None or told.state is None:
        return
    for contradiction in contradictions.ALL:
        if not contradiction.holds(told):
            continue
        counts[contradiction.says] += 1
        known = examples.setdefault(contradiction.says, [])
        if len(known) < EXAMPLES:
            known.append((told.number, say.fact(fact.fact(contradiction.says, told.state, *contradiction.shows(told)))))
