"""Columns that move an order on from where its own column leaves it go in: `is_received` beside it, or a goods' status; rungs come out."""

from __future__ import annotations

from makewhole.attach import axes, labels, moments, values
from makewhole.attach.axes import Axis
from makewhole.attach.columns import Read
from makewhole.attach.ladders import Sides
from makewhole.attach.moments import Instants

SENT_MIN = 0.9
"""Share of the orders that are said to have arrived which must have been sent; a few broken ones are in any shop."""
_AFTER = ("awaiting-shipment", "partly-shipped", "shipped", "completed")
ROWS_MIN = 3
"""Orders that are said to have arrived, from which that is believed."""


def plain(read: Read, main: Axis, pay: Axis | None, when: Instants) -> dict[str, str]:
    """The words of an order's own column, without labels that mean as much only beside those of the steps around them.

    `submitted`, where no code speaks of anything that comes after, is any order that was placed, paid or not. `sent`, where no code says
    that something waits to be sent and no row holds a parcel or an instant of it, may be an offer that was sent to somebody.
    """
    words, rows = dict(main.words), moments.rows_of(read, main)
    if pay is None and not main.having(*_AFTER):
        words = {c: w for c, w in words.items() if w != "awaiting-payment" or labels.speaks_of_pay(main.labels.get(c, ""))}
    if not main.having("awaiting-shipment"):
        shown = tuple(filter(None, (when.shipped, when.parcel)))
        bare = [c for c in main.having("shipped") if main.labels.get(c, "").strip().lower() == "sent"]
        for code in bare:
            if not any(moments.share(read, column, rows[code]) >= moments.MOSTLY for column in shown):
                del words[code]
    return words


def arrival(read: Read, sides: Sides, when: Instants, lookups: dict[str, dict[str, str]], deleted: str) -> Axis | None:
    """The column that tells nothing but whether the goods arrived; None where something else tells it, or the rows contradict it."""
    main, ship = sides.main, sides.ship
    if when.completed or any(a is not None and a.having("completed", "received") for a in (main, ship)):
        return None
    told = axes.of_kind(read, axes.is_arrival, labels.arrival, lookups, deleted)
    if told is None or told.column in {a.column for a in (main, ship, sides.pay, sides.refund, sides.cancel) if a is not None}:
        return None
    told = axes.flag(told, "waiting", "received")
    if not told.having("received") or not told.having("waiting") or told.unclear:
        return None
    here = [i for i, code in enumerate(told.told(read)) if code in told.having("received")]
    return told if len(here) >= ROWS_MIN and len(_sent(read, sides, when) & set(here)) >= SENT_MIN * len(here) else None


def _sent(read: Read, sides: Sides, when: Instants) -> set[int]:
    """The sampled orders that were sent: by their own column, by the goods, by the instant of sending or a parcel's number."""
    words = ((sides.main, ("shipped", "partly-shipped")), (sides.ship, ("shipped", "partial")))
    found = {i for a, w in words if a is not None for c in a.having(*w) for i in moments.rows_of(read, a)[c]}
    for column in filter(None, (when.shipped, when.parcel)):
        found |= {i for i, v in enumerate(read.table.values(column)) if not values.absent(v)}
    return found


def further(sides: Sides, main: Axis) -> tuple[list[tuple[str, str]], tuple[str, ...]]:
    """Rungs that stand before those of the order's own column, where that one stops at a step; and the columns that they use.

    An order's column that knows no sent ones leaves that to the column of the goods; one that knows no end, to the arrival's.
    """
    ship, arrived = sides.ship, sides.arrival
    waiting, sent = main.having("awaiting-shipment"), main.having("shipped", "partly-shipped")
    rungs: list[tuple[str, str]] = []
    used: list[str] = []
    goes_on = ship is not None and bool(waiting) and not sent and bool(ship.having("shipped"))
    if arrived is not None and (sent or goes_on):
        here = main.sql(*sent, *(waiting if goes_on else ()))
        rungs.append((f"{here} AND {arrived.sql(*arrived.having('received'))}", "completed"))
        used.append(arrived.column)
    if ship is not None and goes_on:
        here, ours = main.sql(*waiting), {"partial": "partly-shipped", "shipped": "shipped", "received": "completed"}
        if main.having("completed"):
            # What arrived and is not yet called completed is still on its way to that.
            ours["received"] = "shipped"
        rungs += [(f"{here} AND {ship.sql(c)}", word) for theirs, word in ours.items() for c in ship.having(theirs)]
        used.append(ship.column)
    return rungs, tuple(used)
