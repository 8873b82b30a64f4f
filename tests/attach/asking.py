"""The address of a shop that a test made goes in, what attach proposes for it comes out."""

from __future__ import annotations

from makewhole.adapters.shops import engines, survey
from makewhole.attach import infer, proposal


def proposed(url: str) -> proposal.Proposal:
    """With orders found in it."""
    engine = engines.for_eyes(url)
    try:
        made = infer.propose(survey.take(engine, "test"))
    finally:
        engine.dispose()
    assert made is not None
    return made
