"""What follows from a difference between two books: its order is looked at like any other, and what stands after that is a person's.

Level-triggered: a difference says which order to look at, and never what to do. Whether it still stands is asked anew every time.
"""

from __future__ import annotations

import structlog

from makewhole import ports
from makewhole.core import faults, ids
from makewhole.engine import beside, look
from makewhole.flow import record
from makewhole.model import act, bill, claim, comparison, decision, difference, fact, policy
from makewhole.ports import accounts

TOLD_BY_QUERY = frozenset({bill.Break.STATUS, bill.Break.AMOUNT, bill.Break.CURRENCY, bill.Break.DUPLICATE_OURS})
"""Classes that the evening's questions can be believed about: both sides have spoken of the same number."""
log = structlog.get_logger()


def order_of(world: ports.World, pair: comparison.Pair) -> ids.OrderKey:
    """Whose money a pair is about: by the rows, by an alias that was decided on, by the shop's rule; else the payment's own number."""
    shop = world.eyes.shop
    told = [t for t in (pair.ours, pair.theirs) if t is not None]
    number = next((t.order for t in told if t.order is not None), None)
    payment_no = next((t.payment for t in told if t.payment is not None), None)
    if number is None and payment_no is not None:
        number = world.store.linked(shop, payment_no) or world.eyes.owner(payment_no) or ids.OrderNumber(payment_no)
    if number is None:
        transaction = next((t.transaction for t in told if t.transaction is not None), None)
        number = ids.OrderNumber(transaction or f"line/{told[0].line}")
    return ids.OrderKey(shop=shop, number=number)


def add(books: accounts.Books, of: ids.Key, move: difference.Move) -> None:
    """One move more, with its evidence; none where somebody was faster."""
    known = books.ledger.find(of)
    if known is None or known.end() is not None:
        return
    try:
        books.ledger.add(of, move, record.difference_moved(of, known.found.order, move))
    except faults.Rejected as no:
        log.info("difference", difference=of, why=no.why)


def settle(world: ports.World, books: accounts.Books, order: ids.OrderKey) -> list[difference.Followed]:
    """Look at an order once more, and write down which of its differences stand no longer. Those that still do."""
    known = beside.open_(books, order)
    if not known:
        return []
    cases = world.store.cases(order)
    # What is under way will move one side or the other yet: it is over when its case is.
    if any(c.terminal is None for c in cases) or any(r.end is None for r in world.store.runs_of(order)):
        return known
    told = look.look(world, order.number).dossier
    if any(s.why in claim.UNHEARD for s in told.silences):
        # Who was silent could still say that it stands.
        return known
    standing_now = {f.found.id for f in beside.still(world, books, told)}
    ended = [c.terminal for c in cases if c.terminal is not None]
    for one in known:
        if one.found.id not in standing_now:
            add(books, one.found.id, difference.Agreed(at=world.clock.now(), by=ended[-1] if ended else None))
    return [f for f in known if f.found.id in standing_now]


def decide(books: accounts.Books, of: ids.Key, said: decision.Decision) -> difference.Followed:
    """Write a person's decision down; acted on by whoever looks at the order next, once.

    Raises Rejected, nothing changed, where there is no such difference, where it is over, or where somebody has decided otherwise.
    """
    known = books.ledger.find(of)
    if known is None:
        raise faults.Rejected(f"there is no difference {of}", code="no-difference")
    move = difference.Decided(at=said.at, said=said)
    return books.ledger.add(of, move, record.difference_moved(of, known.found.order, move))


def halt(world: ports.World, books: accounts.Books, channel: ids.ChannelName, altered: accounts.Altered) -> None:
    """Settle nothing more at this channel, and wake a person: once, however often it is met."""
    shop, now = world.eyes.shop, world.clock.now()
    if books.ledger.halt(shop, channel, altered.record, record.halted(shop, channel, altered.record, now)):
        log.error("settlement halted", channel=channel, record=altered.record)
    # Each record is a question of its own: who has looked at the first has not seen the second.
    ask_about(world, channel, f"altered/{ids.derive('altered', altered.record)}", fact.fact(fact.Says.RECORD_ALTERED, altered.record))


def ask_about(world: ports.World, channel: ids.ChannelName, topic: str, why: fact.Fact) -> None:
    """A question about the books themselves and no order in them. The same topic is one question."""
    now = world.clock.now()
    deadline = now + world.policies.at(now).span(policy.RuleName.PERSON_DEADLINE)
    order = ids.OrderKey(shop=world.eyes.shop, number=ids.OrderNumber(f"books/{channel}"))
    question = act.Question(reasons=(why,), sheet=(), choices=())
    world.store.ask(order, topic, act.AskPerson(topic=topic, question=question, deadline=deadline), now)
