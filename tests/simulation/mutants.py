"""Thirteen planted bugs, each a likely mistake of one line: what is planted, and the world in which the laws must see it."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from makewhole import ports
from makewhole.adapters.payments.apiv3 import acts, signing
from makewhole.adapters.shops import hands
from makewhole.adapters.store import journal, runs, statements
from makewhole.core import faults, ids
from makewhole.engine import drive, relay
from makewhole.flow import execute
from makewhole.model import act, case, difference, run, takeback, tally
from makewhole.rehearsal import simulate, watch
from makewhole.sandbox.channel.faults import Fault

Patch = pytest.MonkeyPatch


def no_key(patch: Patch) -> None:
    """The hand does not ask whether it was done before: an act in the shop has no key."""
    patch.setattr(hands.SqlHands, "_done", lambda *_: False)


def new_key_on_retry(patch: Patch) -> None:
    """A refund that is asked for again is asked for under another number."""
    real, tried = acts.Acts.refund, Counter[str]()

    def refund(self: acts.Acts, asked: act.RefundPayment) -> run.News:
        tried[asked.number] += 1
        number = ids.RefundNo(f"{asked.number}x{tried[asked.number]}")
        return real(self, asked if tried[asked.number] == 1 else msgspec.structs.replace(asked, number=number))

    patch.setattr(acts.Acts, "refund", refund)


def split_commit(patch: Patch) -> None:
    """The run is saved in one commit, and its evidence in another."""

    class Split(watch.HookedStore):
        def save_run(self, going: run.Run, fence: int, entries: Sequence[case.Entry], not_before: Any = None) -> None:
            self.__getattr__("save_run")(going, fence, (), not_before)
            self.__getattr__("append")(entries)

    patch.setattr(watch, "HookedStore", Split)


def lease_ignored(patch: Patch) -> None:
    """Runs that another worker holds are claimed as if they were free."""
    real = runs.claim

    def claim(tx: statements.Tx, shop: ids.ShopName, lease: ports.Lease, limit: int) -> list[ports.Claimed]:
        return real(tx, shop, dataclasses.replace(lease, now=lease.now + timedelta(hours=1)), limit)

    patch.setattr(runs, "claim", claim)


def fence_ignored(patch: Patch) -> None:
    """Whoever was taken over still writes."""
    real = journal.SqlStore.save_run

    def save_run(self: journal.SqlStore, going: run.Run, fence: int, entries: Sequence[case.Entry], not_before: Any = None) -> None:
        try:
            real(self, going, fence, entries, not_before)
        except faults.Rejected:
            self.append(entries)

    patch.setattr(journal.SqlStore, "save_run", save_run)


def time_out_is_failure(patch: Patch) -> None:
    """No answer is taken for a refusal."""
    real = drive._act

    def acted(*args: Any, **told: Any) -> run.News:
        news = real(*args, **told)
        return run.Refusal(why=news.why) if isinstance(news, run.Doubt) else news

    patch.setattr(drive, "_act", acted)


def answered_before_kept(patch: Patch) -> None:
    """The channel hears SUCCESS whatever becomes of the keeping."""
    real = relay.receive

    def receive(world: ports.World, reader: ports.NoticeReader, headers: ports.Headers, body: bytes) -> relay.Answer:
        answer = real(world, reader, headers, body)
        return relay.Answer(status=200, code="SUCCESS", message="OK") if answer.status == 503 else answer

    patch.setattr(relay, "receive", receive)


def amount_trusted(patch: Patch) -> None:
    """A payment is the order's whatever its amount."""
    patch.setattr(tally, "settles", lambda _shop, held: bool(held))


def undone_in_order(patch: Patch) -> None:
    """What was done first is undone first."""
    real = execute._turn_back

    def turn_back(going: run.Run, at: int, why: str) -> run.Run:
        back = real(going, at, why)
        return msgspec.structs.replace(back, steps=(*back.steps[:at], *reversed(back.steps[at:])))

    patch.setattr(execute, "_turn_back", turn_back)


def undone_twice(patch: Patch) -> None:
    """An undoing that may have been carried out is carried out again without looking."""
    real = execute.advance

    def advance(going: run.Run, news: run.News, now: datetime) -> tuple[run.Run, run.Command]:
        after, command = real(going, news, now)
        if going.gave_up and isinstance(news, run.Woken) and isinstance(command, run.Look):
            return after, run.Do(step=command.step, index=command.index)
        return after, command

    patch.setattr(execute, "advance", advance)


def old_stamps_accepted(patch: Patch) -> None:
    """A callback's age is not looked at."""
    patch.setattr(signing, "clock_trouble", lambda *_: None)


def starts_over(patch: Patch) -> None:
    """A run that is taken up again begins at its first step."""
    real = runs.claim

    def claim(tx: statements.Tx, shop: ids.ShopName, lease: ports.Lease, limit: int) -> list[ports.Claimed]:
        fresh = []
        for held in real(tx, shop, lease, limit):
            marks = tuple(run.Mark.PLANNED for _ in held.run.marks)
            fresh.append(dataclasses.replace(held, run=msgspec.structs.replace(held.run, marks=marks)))
        return fresh

    patch.setattr(runs, "claim", claim)


def decided_for_good(patch: Patch) -> None:
    """A decision about an order's money counts whatever its row claims by now."""
    patch.setattr(takeback, "ruling", lambda told: next((r for r in told.of(difference.Ruling) if r.never_came()), None))


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """A planted bug, and where it must be seen: at the crash points of a scene, or in seeded worlds with these faults and orders."""

    plant: Callable[[Patch], None]
    law: str
    """Which of the laws sees it first."""
    scene: str = ""
    swarm: simulate.Swarm | None = None
    tales: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """As a test is called."""
        return self.plant.__name__.replace("_", "-")


def _swarm(*own: str, channel: dict[Fault, float] | None = None, notices: dict[Fault, float] | None = None) -> simulate.Swarm:
    return simulate.Swarm(orders=0, broken=0, channel=channel or {}, notices=notices or {}, own=frozenset(own))


MUTANTS = (
    Mutant(plant=no_key, scene="give-stock-back", law="one_effect_per_key"),
    Mutant(plant=new_key_on_retry, swarm=_swarm(channel={Fault.REQUEST_LOST: 0.5}), tales=("too-old",) * 3, law="refunded_once"),
    Mutant(plant=split_commit, scene="recall", law="intent_before_effect"),
    Mutant(plant=lease_ignored, swarm=_swarm("second-worker"), tales=("never-closed",) * 4, law="one_worker_an_order"),
    Mutant(plant=fence_ignored, swarm=_swarm("pause"), tales=("never-closed",) * 4, law="done_is_done"),
    Mutant(plant=time_out_is_failure, swarm=_swarm(channel={Fault.ANSWER_LOST: 0.3}), tales=("too-old",) * 3, law="graded_right"),
    Mutant(plant=answered_before_kept, swarm=_swarm("store-busy"), tales=("never-closed",) * 8, law="acknowledged_is_kept"),
    Mutant(plant=amount_trusted, swarm=_swarm(), tales=("wrong-amount-refused",), law="recorded_money_is_there"),
    Mutant(plant=undone_in_order, scene="recall-undone", law="asked_before_expiry"),
    Mutant(plant=undone_twice, scene="recall-undone", law="look_after_doubt"),
    Mutant(
        plant=old_stamps_accepted, swarm=_swarm(notices={Fault.NOTICE_STALE: 0.5}), tales=("shop-down",) * 4, law="acknowledged_is_kept"
    ),
    Mutant(plant=starts_over, scene="recall", law="look_after_doubt"),
    Mutant(plant=decided_for_good, swarm=_swarm(), tales=("paid-by-hand",) * 4, law="lowered_by_decision"),
)
"""Thirteen. The table in docs/laws.md names the same ones."""
