"""The adoption ladder: what is attached comes in, the rung we stand on and what was therefore not compared go out."""

from __future__ import annotations

import dataclasses

from makewhole import ports
from makewhole.cli import words
from makewhole.model import claim
from makewhole.ports import trails

RUNGS = ("ladder.rows", "ladder.money", "ladder.relay", "ladder.hands")
"""The shop's own rows; plus money against orders; plus every callback kept; plus repairs. Each is useful without the next."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ladder:
    """Which of the rungs are there."""

    has: tuple[bool, ...]
    channels: tuple[str, ...]

    def rung(self) -> int:
        """The highest rung that we stand on with all below it."""
        return next((i for i, there in enumerate(self.has) if not there), len(self.has)) - 1


def ladder(world: ports.World) -> Ladder:
    """What is attached."""
    return Ladder(
        has=(True, bool(world.channels), world.relayed, world.hands is not None), channels=tuple(str(c) for c in ports.channel_names(world))
    )


def log_lines(told: trails.Coverage, say: words.Say) -> list[str]:
    """How much of the change log was heard: rows that were overwritten outside of it, or deleted, show nowhere else."""
    lines = [] if told.since is None else [say("ladder.log", since=say.instant(told.since))]
    return [*lines, say("ladder.log-trouble", why=told.trouble)] if told.trouble else lines


def lines(stood: Ladder, silences: dict[tuple[str, claim.Why], int], say: words.Say) -> list[str]:
    """Where we stand, what was not compared for want of a rung, and what the next one is."""
    channels = ", ".join(say.word("Source", c) for c in stood.channels)
    told = [say("ladder.stands", rung=stood.rung(), name=say(RUNGS[stood.rung()]), channels=channels or words.NOTHING)]
    # What is missing weighs as much as what was found: "nothing broken" without money compared is no promise about money.
    for rung, there in zip(RUNGS, stood.has, strict=True):
        if not there:
            told.append(say(f"{rung}-missing"))
    for (source, why), orders in sorted(silences.items(), key=lambda s: (s[0][0], s[0][1].value)):
        # With no channel at all, the line above says it of every order.
        if why is claim.Why.NOT_CONFIGURED and not stood.channels:
            continue
        told.append(say("ladder.silent", source=say.word("Source", source), why=say.meaning(why), orders=orders))
    return told
