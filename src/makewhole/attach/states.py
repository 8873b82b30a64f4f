"""Columns of codes go in, conditions and our words for them come out; states that several columns tell together become one ladder."""

from __future__ import annotations

from dataclasses import dataclass, replace

from makewhole.attach import axes, labels, moments, spelling, values
from makewhole.attach.axes import Axis, Classify
from makewhole.attach.columns import Read
from makewhole.attach.moments import Instants

ROWS_MIN = 3
"""Sampled orders in one code from which their times tell what it means."""
USUAL_MIN = 0.6
"""Share of orders in one code from which it is the usual one."""
PAID_MAX = 0.1
"""Share of closed orders that were paid, up to which they are broken orders and not another kind of order."""
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


def one(read: Read, column: str, classify: Classify, lookups: dict[str, dict[str, str]], known: frozenset[str]) -> Told | None:
    """A child's states: one column, one condition a code. Words outside `known` are left to a question."""
    told = axes.axis(read, column, classify, lookups)
    rungs = tuple((spelling.equals(column, c, style=told.style), w) for c, w in told.words.items() if w in known)
    unclear = tuple((spelling.equals(column, c, style=told.style), told.labels.get(c, "")) for c in told.unclear)
    return Told(rungs=rungs, confidence=BY_LABEL, said=_quoted(told), columns=(column,), unclear=unclear)


def of_order(read: Read, when: Instants, deleted: str, lookups: dict[str, dict[str, str]]) -> Told | None:
    """The order's states, from the one column that tells them or from several."""
    main = axes.of_kind(read, axes.is_main, labels.order_state, lookups, deleted)
    pay = axes.of_kind(read, axes.is_pay, labels.pay_state, lookups, deleted)
    if pay is not None and main is not None and pay.column == main.column:
        pay = None
    ship = axes.of_kind(read, axes.is_ship, labels.ship_state, lookups, deleted)
    refund = axes.of_kind(read, axes.is_refund, labels.refund_state, lookups, deleted)
    cancel = axes.of_kind(read, axes.is_cancel, lambda _: None, lookups, deleted)
    pay = None if pay is None else _by_presence(read, _flag(pay, "unpaid", "paid"), when.paid, "unpaid", "paid")
    ship = (
        None
        if ship is None
        else _received(read, _by_presence(read, _flag(ship, "unshipped", "shipped"), when.shipped, "unshipped", "shipped"), when)
    )
    main = None if main is None else _not_yet(read, main, pay, ship, when)
    told = _told(read, main, pay, ship, refund, cancel, deleted, when)
    if told is None:
        return None
    if main is not None:
        told = _parted(read, told, main, when, tuple(a for a in (refund, pay) if a is not None))
    return replace(told, arrived=_arrived(read, main, ship), unpaid=_unpaid(read, main, pay))


def _unpaid(read: Read, main: Axis | None, pay: Axis | None) -> tuple[int, ...]:
    """The sampled rows that one column alone calls unpaid."""
    where = [moments.rows_of(read, a)[c] for a, w in ((main, "awaiting-payment"), (pay, "unpaid")) if a is not None for c in a.having(w)]
    return tuple(sorted({i for rows in where for i in rows}))


def _not_yet(read: Read, main: Axis, pay: Axis | None, ship: Axis | None, when: Instants) -> Axis:
    """Labels that the rows contradict: what is `delivered` and never arrived is on its way; `complete` and unpaid, or unsent, is placed."""
    rows, words, done = moments.rows_of(read, main), dict(main.words), main.having("completed")
    arrived = {c for c in done if when.completed and moments.share(read, when.completed, rows[c]) >= moments.MOSTLY}
    for code in done:
        if (
            arrived
            and labels.handed_over(main.labels[code])
            and len(rows[code]) >= ROWS_MIN
            and moments.share(read, when.completed, rows[code]) <= moments.HARDLY / 2
        ):
            words[code] = "shipped"
        if max(_among(read, pay, "unpaid", rows[code]), _among(read, ship, "unshipped", rows[code])) > PAID_MAX:
            del words[code]
    return replace(main, words=words)


def _among(read: Read, axis: Axis | None, word: str, rows: list[int]) -> float:
    if axis is None or len(rows) < ROWS_MIN:
        return 0.0
    told, there = read.table.values(axis.column), frozenset(axis.having(word))
    return sum(values.text(told[i]) in there for i in rows) / len(rows)


def _told(
    read: Read,
    main: Axis | None,
    pay: Axis | None,
    ship: Axis | None,
    refund: Axis | None,
    cancel: Axis | None,
    deleted: str,
    when: Instants,
) -> Told | None:
    if main is not None and not main.words and pay is None:
        return _ahead(refund, _by_facts(read, main, when))
    if main is not None and (pay is None or _tells_payment(main)):
        return _with_refunds(main, pay, refund, cancel)
    if pay is not None and pay.having("unpaid") and pay.having("paid"):
        told = _ladder(read, main, pay, ship, refund, cancel, deleted)
        return told if main is None or main.words or len(main.unclear) < 2 else _within(read, main, told, when)
    if main is None:
        return _by_instants(read, when)
    return _with_refunds(main, pay, refund, cancel) if main.words else _ahead(refund, _by_facts(read, main, when))


def _parted(read: Read, told: Told, main: Axis, when: Instants, beside: tuple[Axis, ...]) -> Told:
    """Many shops close an order that was paid back with the code of one that nobody paid: the paid ones among them are asked about."""
    if not when.paid:
        return told
    rows, paid_at = moments.rows_of(read, main), read.table.values(when.paid)
    back = [(read.table.values(a.column), frozenset(a.having("done", "refunded", "requested", "processing"))) for a in beside]
    rungs, unclear = list(told.rungs), list(told.unclear)
    for code, where in rows.items():
        condition = spelling.equals(main.column, code, style=main.style)
        here = [i for i in where if not any(values.text(column[i]) in there for column, there in back)]
        paid = sum(not values.absent(paid_at[i]) for i in here)
        if (condition, "closed") not in rungs or paid < ROWS_MIN or paid <= PAID_MAX * len(here):
            continue
        unit = read.look(when.paid).unit
        rungs[rungs.index((condition, "closed"))] = (f"{condition} AND {spelling.missing(when.paid, unit)}", "closed")
        unclear.append((f"{condition} AND {spelling.present(when.paid, unit)}", f"{paid} rows"))
    return replace(told, rungs=tuple(rungs), unclear=tuple(unclear))


def _arrived(read: Read, main: Axis | None, ship: Axis | None) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """The sampled rows that one column alone calls shipped, and completed."""
    by_word = {"shipped": ("shipped", "shipped"), "completed": ("completed", "received")}
    told = []
    for word, (ours, theirs) in by_word.items():
        says = next(((a, w) for a, w in ((main, ours), (ship, theirs)) if a is not None and a.having(w)), None)
        told.append((word, () if says is None else tuple(i for c in says[0].having(says[1]) for i in moments.rows_of(read, says[0])[c])))
    return tuple(told)


def _ahead(refund: Axis | None, told: Told | None) -> Told | None:
    """What a column of refunds says by its labels stands before what the times say of the codes."""
    rungs = [] if refund is None else _refunds(refund)
    if told is None or refund is None or not rungs:
        return told
    return replace(told, rungs=(*rungs, *told.rungs), columns=(*told.columns, refund.column), said=_quoted(refund))


def _flag(told: Axis, no: str, yes: str) -> Axis:
    """A column of 0 and 1 without labels says no and yes."""
    if told.words or not values.flagged(told.unclear):
        return told
    truth = {c: yes if c.lower() in {"1", "y", "true"} else no for c in told.unclear}
    other = {"0": no, "1": yes} if set(told.unclear) <= values.ONES else {}
    return Axis(column=told.column, style=told.style, words=other or truth, labels={}, unclear=())


def _by_presence(read: Read, told: Axis, instant: str, no: str, yes: str) -> Axis:
    """Codes without labels, by the instant that is there with them or not; left alone where one code does not tell."""
    if told.words or not instant or not told.unclear:
        return told
    rows = moments.rows_of(read, told)
    shares = {c: moments.share(read, instant, rows[c]) for c in told.unclear if len(rows[c]) >= ROWS_MIN}
    words = {c: yes if s >= moments.MOSTLY else no for c, s in shares.items() if s >= moments.MOSTLY or s <= moments.HARDLY / 2}
    if set(words) != set(told.unclear) or len(set(words.values())) < 2:
        return told
    return Axis(column=told.column, style=told.style, words=words, labels={}, unclear=())


def _received(read: Read, told: Axis, when: Instants) -> Axis:
    """Of several codes that mean shipped, the one whose rows have arrived; unclear where nothing tells them apart."""
    given, clearly = told.having("received"), [c for c in told.having("received") if not labels.handed_over(told.labels.get(c, ""))]
    if clearly and len(clearly) < len(given):
        # Beside `received`, `delivered` says that the carrier has it.
        return replace(told, words={c: "shipped" if c in given and c not in clearly else w for c, w in told.words.items()})
    shipped = told.having("shipped")
    if told.labels or len(shipped) < 2:
        return told
    rows = moments.rows_of(read, told)
    arrived = {c for c in shipped if when.completed and moments.share(read, when.completed, rows[c]) >= moments.MOSTLY}
    if len(arrived) == 1 and len(shipped) == 2:
        return Axis(column=told.column, style=told.style, words={**told.words, arrived.pop(): "received"}, labels={}, unclear=())
    left = {c: w for c, w in told.words.items() if w != "shipped"}
    return Axis(column=told.column, style=told.style, words=left, labels={}, unclear=shipped)


def _tells_payment(main: Axis) -> bool:
    """Whether a label of the main column speaks of an order that is still to be paid."""
    return any(labels.pay_state(main.labels[c]) == "unpaid" and _speaks_of_pay(main.labels[c]) for c in main.having("awaiting-payment"))


def _speaks_of_pay(label: str) -> bool:
    return any(word in label.lower() for word in ("付", "缴", "pay", "paid"))


def _with_refunds(main: Axis, pay: Axis | None, refund: Axis | None, cancel: Axis | None) -> Told | None:
    """One column tells nearly all; refunds, and a flag for what was cancelled, only where it does not speak of them itself."""
    rungs = [(spelling.equals(main.column, c, style=main.style), w) for c, w in main.words.items()]
    if not rungs:
        return None
    used = [main.column]
    if not main.having("refunded"):
        for beside, told in ((refund, _refunds(refund)), (pay, _given_back(pay))):
            rungs, used = [*told, *rungs], used + ([beside.column] if beside is not None and told else [])
    if cancel is not None and not main.having("closed", "invalid") and values.flagged(cancel.unclear):
        rungs, used = [(spelling.equals(cancel.column, "1", style=cancel.style), "closed"), *rungs], [*used, cancel.column]
    unclear = tuple((spelling.equals(main.column, c, style=main.style), main.labels.get(c, "")) for c in main.unclear)
    return Told(
        rungs=tuple(rungs), confidence=BY_LABEL if len(used) == 1 else BY_PARTS, said=_quoted(main), columns=tuple(used), unclear=unclear
    )


def _within(read: Read, main: Axis, told: Told, when: Instants) -> Told | None:
    """Beside a column whose codes nothing explains, the other columns are believed only in its usual code; the rest is asked."""
    rows = moments.rows_of(read, main)
    usual = max(main.unclear, key=lambda c: len(rows[c]))
    if len(rows[usual]) < USUAL_MIN * sum(map(len, rows.values())):
        return _by_facts(read, main, when)
    here = spelling.equals(main.column, usual, style=main.style)
    rungs = tuple((f"{here} AND {sql}" if " OR " not in sql else f"{here} AND ({sql})", word) for sql, word in told.rungs)
    unclear = tuple((spelling.equals(main.column, c, style=main.style), f"{len(rows[c])} rows") for c in main.unclear if c != usual)
    return Told(rungs=rungs, confidence=BY_FACTS, said=told.said, columns=(main.column, *told.columns), unclear=(*told.unclear, *unclear))


def _given_back(pay: Axis | None) -> list[tuple[str, str]]:
    """The codes of a column of payments that say that all of it went back."""
    return [] if pay is None else [(spelling.equals(pay.column, c, style=pay.style), "refunded") for c in pay.having("refunded")]


def _refunds(refund: Axis | None) -> list[tuple[str, str]]:
    if refund is None:
        return []
    done = [(spelling.equals(refund.column, c, style=refund.style), "refunded") for c in refund.having("done")]
    asked = [(spelling.equals(refund.column, c, style=refund.style), "refunding") for c in refund.having("requested", "processing")]
    return [*done, *asked]


def _ladder(read: Read, main: Axis | None, pay: Axis, ship: Axis | None, refund: Axis | None, cancel: Axis | None, deleted: str) -> Told:
    """Ends first, then what is unpaid, then how far the goods are; what is paid and nothing else waits for shipment."""
    rungs: list[tuple[str, str]] = []
    used = [pay.column]

    def add(axis_: Axis | None, ours: str, *theirs: str) -> None:
        if axis_ is None:
            return
        for code in axis_.having(*theirs):
            rungs.append((spelling.equals(axis_.column, code, style=axis_.style), ours))
            if axis_.column not in used:
                used.append(axis_.column)

    add(refund, "refunded", "done")
    add(refund, "refunding", "requested", "processing")
    add(pay, "refunded", "refunded")
    for word in ENDS:
        add(main, word, word)
    closes = bool(main is not None and main.having("closed", "invalid"))
    if cancel is not None and values.flagged(cancel.unclear):
        rungs.append((spelling.equals(cancel.column, "1", style=cancel.style), "closed"))
        used.append(cancel.column)
        closes = True
    unpaid = spelling.among(pay.column, pay.having("unpaid"), style=pay.style)
    if deleted and not closes:
        rungs.append((f"{unpaid} AND {deleted}", "closed"))
    rungs.append((unpaid, "awaiting-payment"))
    add(main, "completed", "completed")
    add(ship, "completed", "received")
    add(main, "partly-shipped", "partly-shipped")
    add(ship, "partly-shipped", "partial")
    add(main, "shipped", "shipped")
    add(ship, "shipped", "shipped")
    unclear: tuple[tuple[str, str], ...] = ()
    if main is not None and ship is None and main.words:
        add(main, "awaiting-shipment", "awaiting-shipment")
        unclear = tuple((spelling.equals(main.column, c, style=main.style), main.labels.get(c, "")) for c in main.unclear)
    elif ship is None or not ship.unclear:
        rungs.append((spelling.among(pay.column, pay.having("paid"), style=pay.style), "awaiting-shipment"))
    else:
        paid = spelling.among(pay.column, pay.having("paid"), style=pay.style)
        unshipped = spelling.among(ship.column, ship.having("unshipped"), style=ship.style) if ship.having("unshipped") else ""
        rungs += [(f"{paid} AND {unshipped}", "awaiting-shipment")] if unshipped else []
        unclear = tuple(
            (spelling.equals(ship.column, c, style=ship.style), ship.labels.get(c, ""))
            for c in ship.unclear
            if not _settled(read, ship, c, main, pay)
        )
    said = "; ".join(_quoted(a) for a in (main, pay, ship, refund) if a is not None)
    return Told(rungs=tuple(rungs), confidence=BY_PARTS, said=said, columns=tuple(used), unclear=unclear)


def _settled(read: Read, ship: Axis, code: str, main: Axis | None, pay: Axis) -> bool:
    """Whether every sampled order with this code of the goods is closed or unpaid by the columns that are asked before."""
    ended = [(a, frozenset(a.having(*words))) for a, words in ((main, ENDS), (pay, ("unpaid", "refunded"))) if a is not None]
    told = [(read.table.values(a.column), there) for a, there in ended]
    rows = moments.rows_of(read, ship)[code]
    return bool(rows) and all(any(values.text(column[i]) in there for column, there in told) for i in rows)


def _by_instants(read: Read, when: Instants) -> Told | None:
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


def _by_facts(read: Read, main: Axis, when: Instants) -> Told | None:
    """Codes without labels: which times are there in the rows of each. Two codes that look alike are both asked about."""
    rows = moments.rows_of(read, main)
    seen = {
        code: {name: moments.share(read, column, where) for name, column in vars(when).items() if column} for code, where in rows.items()
    }
    guess = {code: moments.from_times(seen[code], when) if len(rows[code]) >= ROWS_MIN else None for code in main.unclear}
    # Several codes of orders that nobody paid and that have ended are all closed; of any other word there is one, or it is asked.
    sure = {c: w for c, w in guess.items() if w is not None and (w == "closed" or list(guess.values()).count(w) == 1)}
    if not moments.in_order(sure):
        sure = {}
    rungs = tuple((spelling.equals(main.column, c, style=main.style), w) for c, w in sure.items())
    unclear = tuple(
        (spelling.equals(main.column, c, style=main.style), moments.hint(seen[c], len(rows[c]))) for c in main.unclear if c not in sure
    )
    if not rungs and not unclear:
        return None
    return Told(rungs=rungs, confidence=BY_FACTS if rungs else 0.0, said="", columns=(main.column,), unclear=unclear)


def _quoted(told: Axis) -> str:
    return ", ".join(f"{c}={label}" for c, label in told.labels.items())
