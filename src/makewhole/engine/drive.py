"""Drive: one run goes in and is moved until it ends or must wait. Saves before it acts; after doubt it looks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from makewhole import ports
from makewhole.core import faults, ids
from makewhole.flow import execute, record
from makewhole.model import act, case, difference, plan, run, verdict


def begin(
    world: ports.World,
    made: plan.Plan,
    of: ids.CaseId,
    reservations: Sequence[verdict.Reservation] = (),
    entries: Sequence[case.Entry] = (),
    known: int | None = None,
) -> ports.Claimed:
    """Begin a run with its first step intended: limits, run and intention in one durable commit. Raises LimitReached, Overtaken."""
    now = world.clock.now()
    lease = ports.Lease(owner=world.owner, now=now, span=world.lease)
    first, _ = execute.advance(execute.begin(made, now), _woken(), now)
    told = [*entries, record.begun(made, of, now), record.intent(first, 0, of, now)]
    return world.store.begin_run(first, of, reservations, told, lease, known)


def drive(world: ports.World, held: ports.Claimed) -> run.Run:
    """Move a run that we hold the lease of. Returns it ended, or waiting with its lease given back. Raises Defect as it comes."""
    fence = held.fence
    if fence is None:
        return held.run
    going, news, at = held.run, _woken(), -1
    if held.begun and going.marks[0] is run.Mark.INTENDED:
        # Its first intention is as durable as its beginning, and nobody has acted on it: there is nothing to look for.
        news, at = _act(world, going, going.steps[0], held, look=False), 0
    while True:
        now = world.clock.now()
        entries = [] if at < 0 else [record.outcome_of_step(going, at, news, held.case, now)]
        step_was = at
        after, command = execute.advance(going, news, now)
        match command:
            case run.Do(step=step, index=index):
                if step_was != index or not isinstance(news, run.Saw):
                    entries.append(record.intent(after, index, held.case, now))
                world.store.save_run(after, fence, entries)
                going, at = after, index
                news = _act(world, going, step, held, look=False)
            case run.Look(step=step, index=index):
                if entries:
                    world.store.save_run(after, fence, entries)
                going, at = after, index
                news = _act(world, going, step, held, look=True)
            case run.Wait(until=until):
                world.store.save_run(after, fence, entries, not_before=until)
                world.store.release_run(after.plan.run_id(), fence)
                return after
            case run.Finish():
                world.store.save_run(after, fence, [*entries, record.ended(after, held.case, now)])
                return after


def _woken() -> run.News:
    return run.Woken()


def _act(world: ports.World, going: run.Run, step: plan.Step, held: ports.Claimed, *, look: bool) -> run.News:
    """Do or look, and say what happened in our words. A Defect stops the run for good, and goes on up."""
    now, order = world.clock.now(), going.plan.order
    try:
        doer = doer_of(world, step)
        return doer.look(order, step, now) if look else doer.do(order, step, now)
    except faults.Rejected as no:
        return run.Refusal(why=no.why, code=no.code or "")
    except faults.Unavailable as down:
        # While looking, "nothing happened" is said of the look, not of the act.
        return run.Saw(there=None, why=down.why) if look else run.NotDone(why=down.why)
    except faults.Indeterminate as doubt:
        return run.Saw(there=None, why=doubt.why) if look else run.Doubt(why=doubt.why)
    except faults.Credentials as unknown:
        # Who is not known is not listened to: nothing happened. The run waits for whoever mends the key, and its number stays good.
        return run.Saw(there=None, why=unknown.why) if look else run.NotDone(why=unknown.why)
    except faults.Defect as ours:
        stopped, _ = execute.stop(going, f"defect: {ours.why}")
        if held.fence is not None:
            world.store.save_run(stopped, held.fence, [record.ended(stopped, held.case, now)])
        raise


def doer_of(world: ports.World, step: plan.Step) -> ports.Doer:
    """Who carries this act out. Raises Rejected where nobody can."""
    match step.act:
        case act.ClosePayment(channel=name) | act.RefundPayment(channel=name) | act.NewPaymentLink(channel=name):
            if name not in world.channels:
                raise faults.Rejected(f"no channel {name} is attached")
            return world.channels[name]
        case act.AskPerson() | act.LinkPayment() | act.BookDifference():
            return Desk(world)
        case _:
            if world.hands is None or not world.hands.can(step):
                raise faults.Rejected(f"the shop file declares no hand for {type(step.act).__name__}")
            return world.hands


class Desk:
    """Acts on our own store: questions to people, and aliases."""

    def __init__(self, world: ports.World) -> None:
        self._world = world

    def do(self, order: ids.OrderKey, step: plan.Step, now: datetime) -> run.News:
        """Put the question, or remember the alias. Both are idempotent by their topic and number."""
        store = self._world.store
        match step.act:
            case act.AskPerson() as asked:
                store.ask(order, asked.topic, asked, now)
            case act.LinkPayment() as link:
                store.link(order.shop, link.payment, link.order, "decided")
            case act.BookDifference() as entry:
                self._book(order, entry, now)
            case other:
                raise faults.Defect(f"the desk cannot {other}")
        return run.Succeeded()

    def look(self, order: ids.OrderKey, step: plan.Step, now: datetime) -> run.News:
        """Our own store: what is not there was not done."""
        store = self._world.store
        match step.act:
            case act.AskPerson() as asked:
                return run.Saw(there=store.asked(order, asked.topic) is not None)
            case act.LinkPayment() as link:
                return run.Saw(there=store.linked(order.shop, link.payment) == link.order)
            case act.BookDifference() as entry:
                known = None if self._world.books is None else self._world.books.ledger.find(entry.difference)
                return run.Saw(there=known is not None and any(isinstance(m, difference.Booked) for m in known.moves))
            case other:
                raise faults.Defect(f"the desk cannot look for {other}")

    def preview(self, order: ids.OrderKey, step: plan.Step, now: datetime) -> tuple[str, ...]:
        """One line."""
        match step.act:
            case act.AskPerson(deadline=deadline):
                return (f"ask a person, deadline {deadline.isoformat()}",)
            case act.LinkPayment(payment=number, order=owner):
                return (f"remember: payment {number} belongs to order {owner}",)
            case act.BookDifference(difference=of, choice=choice, amount=amount):
                return (f"ledger: difference {of}: {choice.value}, {amount}",)
            case other:
                raise faults.Defect(f"the desk cannot preview {other}")

    def _book(self, order: ids.OrderKey, entry: act.BookDifference, now: datetime) -> None:
        """The entry, once. Raises Rejected where the difference is over, Unavailable where its channel's books are halted."""
        books = self._world.books
        if books is None:
            raise faults.Rejected("no daily books are kept here")
        known = books.ledger.find(entry.difference)
        if known is not None and books.ledger.halted(order.shop, known.found.channel) is not None:
            raise faults.Unavailable(f"settlement at {known.found.channel} is halted until a person has looked")
        move = difference.Booked(at=now, choice=entry.choice, amount=entry.amount)
        books.ledger.add(entry.difference, move, record.difference_moved(entry.difference, order, move))
