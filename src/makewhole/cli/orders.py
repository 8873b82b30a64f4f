"""Orders as people name them: a shop's number or a payment's number comes in, the order that is meant goes out, looked at."""

from __future__ import annotations

import dataclasses

from makewhole import ports
from makewhole.cli import words
from makewhole.core import faults, ids
from makewhole.engine import look
from makewhole.model import claim

NUMBER_LENGTH_MAX = 128
"""Characters; no shop and no channel has longer numbers, and what is longer is no number."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Named:
    """An order, and the payment's number under which it was asked for, where it was."""

    looked: look.Looked
    payment: str | None = None

    @property
    def number(self) -> ids.OrderNumber:
        """The order's own number."""
        return self.looked.order.number


def named(world: ports.World, number: str, say: words.Say) -> Named:
    """Look the order up. Raises BadInput where every source was asked and none knows the number, Unavailable where one was silent."""
    if not number.strip() or len(number) > NUMBER_LENGTH_MAX or not number.isprintable():
        raise faults.BadInput(say("bad.number", given=number[:NUMBER_LENGTH_MAX]), where="ORDER", todo=say("bad.number-todo"))
    looked = look.look(world, ids.OrderNumber(number))
    if looked.dossier.shop() is not None:
        return Named(looked=looked)
    owner = _owner(world, number)
    if owner is not None and owner != number:
        return Named(looked=look.look(world, owner), payment=number)
    if not looked.dossier.claims:
        _unknown(looked, number, say)
    return Named(looked=looked)


def _owner(world: ports.World, number: str) -> ids.OrderNumber | None:
    """By an alias that was decided on, else by the shop's own rule or rows."""
    payment = ids.OutTradeNo(number)
    return world.store.linked(world.eyes.shop, payment) or world.eyes.owner(payment)


def _unknown(looked: look.Looked, number: str, say: words.Say) -> None:
    down = [s for s in looked.dossier.silences if s.why in {claim.Why.UNREACHABLE, claim.Why.REFUSED}]
    if down:
        who = say.word("Source", down[0].source)
        raise faults.Unavailable(say("bad.silent", source=who, why=say.meaning(down[0].why), detail=down[0].detail))
    raise faults.BadInput(say("bad.unknown-order", number=number), where="ORDER", todo=say("bad.unknown-order-todo"))
