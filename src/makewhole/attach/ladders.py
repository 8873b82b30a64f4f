"""Columns that each tell a side of an order go in; one ladder of conditions, the first that holds wins, comes out."""

from __future__ import annotations

from dataclasses import dataclass

from makewhole.attach import moments, spelling, values
from makewhole.attach.axes import Axis
from makewhole.attach.columns import Read
from makewhole.attach.moments import Instants

ENDS = ("refunded", "refunding", "closed", "invalid")
"""Words of an order's own column that stand before what the goods say."""
BY_LABEL, BY_FACTS, BY_PARTS = 0.95, 0.86, 0.9
"""How sure a state is that a label names, that times show, that several columns tell together."""
Rungs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class Told:
    """A ladder of conditions, how sure it is, what says so, and the codes that nothing explains, with what is known of them."""

    rungs: Rungs
    confidence: float
    said: str
    columns: tuple[str, ...]
    unclear: tuple[tuple[str, str], ...] = ()
    arrived: tuple[tuple[str, tuple[int, ...]], ...] = ()
    """Sampled rows by word, for the words whose instants must be there."""
    unpaid: tuple[int, ...] = ()
    """Sampled rows in which nothing that follows a payment can be there."""
    paid: tuple[int, ...] = ()
    """Sampled rows that a column of payments calls paid, and no column calls closed."""


@dataclass(frozen=True, kw_only=True)
class Sides:
    """What an order's columns tell: the order itself, its payment, its goods, money that went back, and whether it was cancelled."""

    main: Axis | None
    pay: Axis | None
    ship: Axis | None
    refund: Axis | None
    cancel: Axis | None
    arrival: Axis | None = None
    """Whether the buyer has the goods, where a column of its own says so and neither the order's own nor an instant does."""


def refunds(refund: Axis | None) -> list[tuple[str, str]]:
    """The rungs of a column of refunds."""
    if refund is None:
        return []
    done = [(refund.sql(c), "refunded") for c in refund.having("done")]
    asked = [(refund.sql(c), "refunding") for c in refund.having("requested", "processing")]
    return [*done, *asked]


def given_back(pay: Axis | None) -> list[tuple[str, str]]:
    """The codes of a column of payments that say that all of it went back."""
    return [] if pay is None else [(pay.sql(c), "refunded") for c in pay.having("refunded")]


def steps(read: Read, sides: Sides, pay: Axis, when: Instants, back: frozenset[int]) -> list[str | None]:
    """How far each sampled order came, as its payment, its goods and its instants tell.

    None where money went back, by a column or by the rows of `back`, or may have gone back. "" where nothing tells how far a paid one came.
    """
    paid, ship, refund = pay.told(read), sides.ship, sides.refund
    sent = ship.told(read) if ship is not None else ()
    given = refund.told(read) if refund is not None else ()
    shipped = read.table.values(when.shipped) if when.shipped and ship is None else ()
    done = read.table.values(when.completed) if when.completed else ()
    arrived = sides.arrival.told(read) if sides.arrival is not None else ()

    def step(i: int) -> str | None:
        if (
            i in back
            or paid[i] not in pay.having("paid", "unpaid")
            or (refund is not None and given[i] in refund.having("done", "requested", "processing"))
        ):
            return None
        if paid[i] in pay.having("unpaid"):
            return "awaiting-payment"
        if ship is not None and not ship.words:
            return ""
        if (
            (done and not values.absent(done[i]))
            or (ship is not None and sent[i] in ship.having("received"))
            or (sides.arrival is not None and arrived[i] in sides.arrival.having("received"))
        ):
            return "completed"
        out = (shipped and not values.absent(shipped[i])) or (ship is not None and sent[i] in ship.having("shipped"))
        if out:
            return "shipped"
        tells = sent[i] in ship.having("unshipped") if ship is not None and not shipped else bool(shipped)
        return "awaiting-shipment" if tells else ""

    return [step(i) for i in range(len(read.table.sample))]


def of_sides(read: Read, sides: Sides, pay: Axis, deleted: str, when: Instants) -> Told:
    """Ends first, then what is unpaid, then how far the goods are; what is paid and nothing else waits for shipment."""
    main, ship, refund, cancel = sides.main, sides.ship, sides.refund, sides.cancel
    rungs: list[tuple[str, str]] = []
    used = [pay.column]

    def add(axis: Axis | None, ours: str, *theirs: str) -> bool:
        if axis is None or not axis.having(*theirs):
            return False
        # A code of payments that nothing explains is no payment: what stands with it is asked.
        guard = f"{pay.sql(*pay.having('paid'))} AND " if axis is ship and pay.unclear else ""
        rungs.extend((guard + axis.sql(code), ours) for code in axis.having(*theirs))
        used.extend({axis.column} - set(used))
        return True

    def there(column: str, word: str) -> None:
        rungs.append((spelling.present(column, read.look(column).unit), word))
        used.extend({column} - set(used))

    add(refund, "refunded", "done")
    add(refund, "refunding", "requested", "processing")
    add(pay, "refunded", "refunded")
    ends = {word for word in ENDS if add(main, word, word)}
    closes = bool(ends & {"closed", "invalid"})
    if cancel is not None and values.flagged(cancel.unclear):
        rungs.append((cancel.sql("1"), "closed"))
        used.append(cancel.column)
        closes = True
    unpaid = pay.sql(*pay.having("unpaid"))
    closes = add(pay, "closed", "ended") or closes
    if not closes and when.closed and _ends_unpaid(read, pay, when.closed):
        there(when.closed, "closed")
    elif deleted and not closes:
        rungs.append((f"{unpaid} AND {deleted}", "closed"))
    rungs.append((unpaid, "awaiting-payment"))
    done = [add(main, "completed", "completed"), add(ship, "completed", "received"), add(sides.arrival, "completed", "received")]
    if when.completed and not any(done):
        there(when.completed, "completed")
    add(main, "partly-shipped", "partly-shipped")
    add(ship, "partly-shipped", "partial")
    sent = [add(main, "shipped", "shipped"), add(ship, "shipped", "shipped")]
    if when.shipped and ship is None and not any(sent):
        there(when.shipped, "shipped")
    unclear = _waiting(read, sides, pay, rungs)
    said = "; ".join(quoted(a) for a in (main, pay, ship, refund) if a is not None)
    return Told(rungs=tuple(rungs), confidence=BY_PARTS, said=said, columns=tuple(used), unclear=unclear)


def _ends_unpaid(read: Read, pay: Axis, closed: str) -> bool:
    """Whether mostly unpaid orders hold the instant of closing: what stands in paid ones is the end of any order, or its archiving."""
    paid, there = pay.told(read), read.table.values(closed)
    ended = [paid[i] in pay.having("paid") for i, v in enumerate(there) if not values.absent(v)]
    return 2 * sum(ended) <= len(ended)


def _waiting(read: Read, sides: Sides, pay: Axis, rungs: list[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Adds the rung of paid orders that wait for shipment; gives the codes that may say something else of them."""
    main, ship = sides.main, sides.ship
    if main is not None and ship is None and main.words:
        rungs += [(main.sql(c), "awaiting-shipment") for c in main.having("awaiting-shipment")]
        return tuple((main.sql(c), main.labels.get(c, "")) for c in main.unclear)
    paid = pay.sql(*pay.having("paid"))
    if ship is None or not ship.unclear:
        rungs.append((paid, "awaiting-shipment"))
        return ()
    if ship.having("unshipped"):
        rungs.append((f"{paid} AND {ship.sql(*ship.having('unshipped'))}", "awaiting-shipment"))
    return tuple((ship.sql(c), ship.labels.get(c, "")) for c in ship.unclear if not _settled(read, ship, c, main, pay))


def _settled(read: Read, ship: Axis, code: str, main: Axis | None, pay: Axis) -> bool:
    """Whether every sampled order with this code of the goods is closed or unpaid by the columns that are asked before."""
    ended = [(a, frozenset(a.having(*words))) for a, words in ((main, ENDS), (pay, ("unpaid", "refunded"))) if a is not None]
    told = [(a.told(read), there) for a, there in ended]
    rows = moments.rows_of(read, ship)[code]
    return bool(rows) and all(any(codes[i] in there for codes, there in told) for i in rows)


def by_instants(read: Read, when: Instants) -> Told | None:
    """No column tells the state: the times that are there do."""
    if not when.paid or not (when.shipped or when.completed or when.closed):
        return None
    rungs = [
        (spelling.present(c, read.look(c).unit), word)
        for c, word in ((when.closed, "closed"), (when.completed, "completed"), (when.shipped, "shipped"), (when.paid, "awaiting-shipment"))
        if c
    ]
    rungs.append((spelling.missing(when.paid, read.look(when.paid).unit), "awaiting-payment"))
    return Told(
        rungs=tuple(rungs),
        confidence=BY_FACTS - 0.05,
        said="",
        columns=tuple(filter(None, (when.closed, when.completed, when.shipped, when.paid))),
    )


def within(here: str, sql: str) -> str:
    """A condition within another one."""
    return f"{here} AND ({sql})" if " OR " in sql else f"{here} AND {sql}"


def asked(axis: Axis, codes: list[str], rows: dict[str, list[int]]) -> tuple[tuple[str, str], ...]:
    """What is asked of codes: the condition, with a label or the number of rows."""
    return tuple((axis.sql(c), axis.labels.get(c) or f"{len(rows[c])} rows") for c in codes)


def quoted(told: Axis) -> str:
    """A column's labels, for its evidence."""
    return ", ".join(f"{c}={label}" for c, label in told.labels.items())
