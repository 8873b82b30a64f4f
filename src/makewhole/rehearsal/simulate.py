"""Seeded worlds with faults, crashes and two workers; then everything heals, the world must come to rest, and every law is checked.

The same seed plays the same world, to the byte. What fails is printed with its seed, the law, and the places that were passed.
"""

from __future__ import annotations

import random
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

from makewhole.core import faults as our_faults
from makewhole.core import ids
from makewhole.engine import sweep
from makewhole.model import act, plan
from makewhole.rehearsal import decided, judgement, lives, stage, watch
from makewhole.sandbox import day, grade, laws, lightkeys, truth, world
from makewhole.sandbox.channel.faults import Fault, Faults
from makewhole.sandbox.shop import till
from makewhole.sandbox.shop.schema import Status
from makewhole.sandbox.shop.shop import SoldOut

NOTICE_FAULTS = (
    Fault.NOTICE_DOUBLED,
    Fault.NOTICE_FORGED,
    Fault.NOTICE_TAMPERED,
    Fault.NOTICE_TAG_BAD,
    Fault.NOTICE_PROBE,
    Fault.NOTICE_WRONG_SERIAL,
    Fault.NOTICE_STALE,
)
CHANNEL_FAULTS = (
    Fault.REFUSED,
    Fault.REQUEST_LOST,
    Fault.ANSWER_LOST,
    Fault.RATE_LIMITED,
    Fault.SYSTEM_ERROR_BEFORE,
    Fault.SYSTEM_ERROR_AFTER,
    Fault.UNSIGNED,
    Fault.ANSWER_BAD_SIGNATURE,
    Fault.REPLICA_LAG,
    Fault.USERPAYING,
)
OWN_FAULTS = ("crash", "second-worker", "pause", "store-busy", "stock-race", "late-money", "hand-refuses")
"""What may go wrong besides: a worker dies, another one is at it too, one falls asleep beyond its lease, and so on."""
VISITS_MAX = 40
"""Chances to interfere in one world."""
TURNS = (0, 1, 2, 4, 7, 12, 20, 31, 45, 60, 90, 120, 180, 240, 360)
"""Minutes after the first sweep at which something is done while faults last."""
REST = (420, 480, 600, 780, 1020, 1440, 1800, 2200, 2880, 3600, 4320, 5040, 5760, 6480, 7200, 7920, 8640, 9360, 10080)
"""And when all is healed: a week is enough for every wait."""
DECIDED_AT = 12
"""The turn before which people say what they think of orders that were marked as paid by hand."""
DECIDES, TOO_EARLY = 0.5, 0.3
"""Shares of those of which they decide that no money came, and of which they did when the row claimed another amount."""
SWEEPS = frozenset({0, 1, 2, 7, 20, 45, 90, 180, 360, 420, 1440, REST[-1]})
"""Turns at which all of the shop's rows are looked at; at the others only what waits, what was left and what could not be judged."""


@dataclass(frozen=True, kw_only=True)
class Swarm:
    """Which faults this world has. Each world leaves most of them out: together they would hide one another."""

    orders: int
    broken: int
    channel: dict[Fault, float]
    notices: dict[Fault, float]
    own: frozenset[str]
    crashes: frozenset[int] = frozenset()

    def names(self) -> tuple[str, ...]:
        """Every fault of this world."""
        return tuple(sorted({*self.own, *(f.value for f in self.channel), *(f.value for f in self.notices)}))


@dataclass(kw_only=True)
class Played:
    """What became of one world."""

    seed: int
    swarm: Swarm
    breaches: tuple[laws.Breach, ...]
    grade: grade.Grade
    places: int
    kills: int
    digest: str
    """Of everything durable at its end: rows, ledger, cases, every line of evidence. 64 hex characters."""
    trace: list[str] = field(default_factory=list)


def swarm(seed: int) -> Swarm:
    """The faults of a seed."""
    chance = random.Random(f"swarm {seed}")
    orders = chance.randint(5, 30)
    own = frozenset(chance.sample(OWN_FAULTS, chance.randint(0, 4)))
    picked = chance.sample(CHANNEL_FAULTS, chance.randint(0, 5))
    return Swarm(
        orders=orders,
        broken=max(2, orders // 2),
        channel={f: chance.choice((0.02, 0.1, 0.3)) for f in picked},
        notices=dict.fromkeys(chance.sample(NOTICE_FAULTS, chance.randint(0, 3)), 0.2),
        own=own,
        crashes=frozenset(chance.sample(range(1, 200), chance.randint(1, 6))) if "crash" in own else frozenset(),
    )


def play(seed: int, folder: Path, how: Swarm | None = None, fill: Callable[[day.Day], None] | None = None) -> Played:
    """One world from its first sale to its last law."""
    told = how or swarm(seed)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with lightkeys.used():
        on = stage.stage(seed, folder)
        try:
            return _Game(on, told).play(fill)
        finally:
            on.close()


def many(first: int, worlds: int, folder: Path | None = None) -> Iterator[Played]:
    """One world after another, in a folder of their own."""
    place = folder or Path(tempfile.mkdtemp(prefix="makewhole-simulate-"))
    try:
        for seed in range(first, first + worlds):
            yield play(seed, place)
    finally:
        shutil.rmtree(place, ignore_errors=True)


class _Game:
    """One world being played."""

    def __init__(self, on: stage.Stage, told: Swarm) -> None:
        self.on, self.told = on, told
        self.chance = random.Random(f"game {on.day.seed}")
        self.hooks = watch.Hooks(crashes=told.crashes, quiet=True)
        self.lives = lives.Lives(on, self.hooks, self._refuses)
        self.visits = 0

    def play(self, fill: Callable[[day.Day], None] | None) -> Played:
        """Trade, trouble, rest, judgement."""
        self.on.day.channel.notices.faults = Faults(self.on.day.seed, self.told.notices)
        if fill is None:
            world.fill(self.on.day, world.Size(orders=self.told.orders, broken=self.told.broken))
        else:
            fill(self.on.day)
        self.on.day.run_until(world.SWEEP_AT)
        self.on.day.channel.faults = Faults(self.on.day.seed, self.told.channel)
        self.hooks.quiet, self.hooks.visit = False, self._visit
        for minutes in TURNS:
            if minutes == DECIDED_AT:
                self._decide()
            self._turn(minutes)
        self.hooks.quiet = True
        self.on.day.channel.faults.heal()
        self.on.day.channel.notices.faults.heal()
        for minutes in REST:
            self._turn(minutes)
        graded, broken = self.lives.judge(self._once_more)
        return Played(
            seed=self.on.day.seed,
            swarm=self.told,
            breaches=broken,
            grade=graded,
            places=self.hooks.count,
            kills=self.hooks.kills,
            digest=judgement.digest(self.on),
            trace=self.hooks.trace,
        )

    def _turn(self, minutes: int) -> None:
        self.on.day.run_until(max(world.SWEEP_AT + timedelta(minutes=minutes), self.on.day.clock.now()))
        self.lives.alive(self.lives.course.between)
        self.lives.course.others()
        if minutes in SWEEPS:
            self.lives.alive(self.lives.course.sweep)
        self.lives.roots.note()

    def _once_more(self) -> None:
        self._turn(REST[-1] + 1)
        self.lives.alive(self.lives.course.sweep)

    # ---- people

    def _decide(self) -> None:
        """Finance has looked at orders that were marked as paid by hand: no money came of some, and of others it decided too early."""
        for number, known in sorted(self.on.day.truths.items()):
            if known.story != "paid-by-hand":
                continue
            mood = random.Random(f"{self.on.day.seed} {number} decided").random()
            dear = self.on.day.due_fen(number) >= laws.REVIEW_FEN
            if mood < DECIDES and not dear:
                decided.paid_by_hand(self.on, number)
                closed = truth.Right(kept_fen=0, status=frozenset({Status.CLOSED}))
                self.on.day.truths[number] = replace(known, ends={truth.End.RESTORED: closed})
            elif mood < DECIDES + TOO_EARLY:
                decided.paid_by_hand(self.on, number, off_fen=100)

    # ---- trouble

    def _visit(self, place: str) -> None:
        """Something happens between two of the worker's steps."""
        if self.visits >= VISITS_MAX or not self.told.own or self.chance.random() > 0.12:
            return
        self.visits += 1
        what = self.chance.choice(sorted(self.told.own))
        match what:
            case "second-worker":
                self._second_worker()
            case "pause":
                self.hooks.trace.append("  asleep beyond the lease")
                self.on.day.run_until(self.on.day.clock.now() + self.on.world.lease * 2)
                self._second_worker()
            case "store-busy" if place.startswith("before") and place.rsplit(maxsplit=1)[-1] in watch.WRITES:
                self.hooks.trace.append("  store busy")
                raise our_faults.Unavailable("the store is busy")
            case "stock-race":
                self._sell_out()
            case "late-money":
                self._late_money()
            case _:
                pass

    def _second_worker(self) -> None:
        """Another worker does its round, or one of its orders, while the first stands still."""
        other = self.lives.another()
        self.hooks.trace.append(f"  {other.owner} at work meanwhile")
        try:
            sweep.resume_left(other)
            numbers = sorted(self.on.day.truths)
            for number in self.chance.sample(numbers, min(3, len(numbers))):
                sweep.work(other, ids.OrderNumber(number))
        except our_faults.Fault as down:
            self.hooks.trace.append(f"  {other.owner} gave up: {down.why}")
        self.hooks.trace.append(f"  {other.owner} done")

    def _sell_out(self) -> None:
        """Another buyer takes the last pieces of something rare, and pays."""
        rare = self.on.day.shop.rows.all("SELECT sku_code FROM sku_stock WHERE sku_code LIKE 'RARE%' AND available = 1")
        for row in rare:
            try:
                sn = self.on.day.order(cart=[(row["sku_code"], 1)])
            except SoldOut:
                continue
            except (till.Silent, till.Refused):
                # Placed, and no way to pay was opened as far as the shop knows.
                self.on.day.strays.add(str(self.on.day.shop.rows.all("SELECT order_sn FROM trade_order ORDER BY id DESC LIMIT 1")[0][0]))
                continue
            self.hooks.trace.append(f"  {sn} takes the last {row['sku_code']}")
            self.on.day.pays(sn)
            self.on.day.run_until(self.on.day.clock.now())
            return

    def _late_money(self) -> None:
        """A payment crosses the close: money arrives under a number that was closed."""
        bank = self.on.day.bank
        unpaid = [n for n in sorted(self.on.day.truths) if n in bank.transactions and bank.find(n).state == "CLOSED" and not bank.kept(n)]
        orders = [n for n in unpaid if (row := self.on.day.shop.rows.order(n)) is not None and row["status"] == Status.CLOSED]
        if not orders:
            return
        number = self.chance.choice(orders)
        self.hooks.trace.append(f"  money for {number} after all")
        self.on.day.pays_late(number)

    def _refuses(self, step: plan.Step) -> bool:
        """The shop refuses to publish a link, for a reason of its own: what was done before must be undone."""
        refused = isinstance(step.act, act.PublishLink) and "hand-refuses" in self.told.own and not self.hooks.quiet
        if refused:
            for number in self.on.day.truths:
                self.on.day.also_right(number, truth.End.HANDED_OVER)
        return refused
