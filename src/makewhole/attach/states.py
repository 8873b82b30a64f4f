"""Columns of codes go in, conditions and our words for them come out; states that several columns tell together become one ladder."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from makewhole.attach import axes, ended, labels, ladders, moments, onward, spelling, values
from makewhole.attach.axes import Axis, Classify
from makewhole.attach.columns import Read
from makewhole.attach.ladders import BY_FACTS, BY_LABEL, BY_PARTS, Sides, Told
from makewhole.attach.ledgers import NOTHING_BACK, Back
from makewhole.attach.moments import Instants

ROWS_MIN = 3
"""Sampled orders in one code from which their times tell what it means."""
STEPS = ("awaiting-payment", "awaiting-shipment", "shipped", "completed")
"""How far an order may be that goes its way."""
HALF = 0.5
PAID_MAX = 0.1
"""Share of closed orders that were paid, up to which they are broken orders and not another kind of order."""
Lookups = dict[str, dict[str, str]]


Witness = tuple[str, str]
"""A column that holds something in rows of one word only, and the word."""


def one(
    read: Read, column: str, classify: Classify, lookups: Lookups, known: frozenset[str], witness: Witness | None = None
) -> Told | None:
    """A child's states: one column, one condition a code. Words outside `known` are left to a question."""
    told = axes.axis(read, column, classify, lookups)
    if not told.labels and witness:
        told = _witnessed(read, told, *witness)
    rungs = tuple((told.sql(c), w) for c, w in told.words.items() if w in known)
    unclear = tuple((told.sql(c), told.labels.get(c, "")) for c in told.unclear)
    return Told(rungs=rungs, confidence=BY_LABEL, said=ladders.quoted(told), columns=(column,), unclear=unclear)


def _witnessed(read: Read, told: Axis, instant: str, word: str) -> Axis:
    """With the word of the one code whose rows hold an instant, where hardly any row of another code holds it."""
    rows = moments.rows_of(read, told)
    shares = {c: moments.share(read, instant, where) for c, where in rows.items() if where}
    there = [c for c, share in shares.items() if share >= moments.NEARLY_ALL and len(rows[c]) >= ROWS_MIN]
    if len(there) != 1 or any(share > PAID_MAX for c, share in shares.items() if c != there[0]) or len(shares) < 2:
        return told
    return replace(told, words={**told.words, there[0]: word}, unclear=tuple(c for c in told.unclear if c != there[0]))


def of_order(read: Read, when: Instants, deleted: str, lookups: Lookups, back: Back = NOTHING_BACK) -> Told | None:
    """The order's states, from the one column that tells them or from several. `back` are orders whose money went back, or may."""
    sides = _sides(read, when, deleted, lookups, back)
    main = sides.main
    told = _told(read, sides, deleted, when, back)
    if told is None:
        return None
    if main is not None:
        told = _parted(read, told, main, when, tuple(a for a in (sides.refund, sides.pay) if a is not None), back)
    if sides.refund is not None and not (main is not None and main.having("refunded", "refunding")):
        told = ended.apart(read, told, sides.refund)
    return replace(
        told,
        rungs=_first_of_each(told.rungs),
        arrived=_arrived(read, main, sides.ship),
        unpaid=_unpaid(read, main, sides.pay),
        paid=_paid(read, main, sides.pay),
    )


def _first_of_each(rungs: ladders.Rungs) -> ladders.Rungs:
    """The ladder without conditions that stand in it already: the first word holds."""
    first: dict[str, str] = {}
    for sql, word in rungs:
        first.setdefault(sql, word)
    return tuple(first.items())


def _sides(read: Read, when: Instants, deleted: str, lookups: Lookups, back: Back) -> Sides:
    """The columns that tell something of an order, each with what its codes mean after a look at the rows."""
    main = axes.of_kind(read, axes.is_main, labels.order_state, lookups, deleted)
    pay = axes.of_kind(read, axes.is_pay, labels.pay_state, lookups, deleted)
    if pay is not None and main is not None and pay.column == main.column:
        pay = None
    ship = axes.of_kind(read, axes.is_ship, labels.ship_state, lookups, deleted)
    if ship is not None and main is not None and ship.column == main.column:
        ship = None
    refund = axes.of_kind(read, axes.is_refund, labels.refund_state, lookups, deleted)
    cancel = axes.of_kind(read, axes.is_cancel, lambda _: None, lookups, deleted)
    if pay is not None:
        pay = _one_paid(read, _by_presence(read, axes.flag(pay, "unpaid", "paid"), when.paid or when.paying, "unpaid", "paid"), back)
    if ship is not None:
        ship = _received(read, _by_presence(read, axes.flag(ship, "unshipped", "shipped"), when.shipped, "unshipped", "shipped"), when)
    if main is not None:
        main = _not_yet(read, main, pay, ship, when)
        main = ended.given_back(read, ended.paid_all_the_same(read, main, back), back)
    elif pay is None and when.paid and any(a is not None for a in (ship, refund, cancel)):
        # No column tells whether an order is paid, and others tell the rest: the time of the payment does.
        pay = axes.by_presence(read, when.paid, "unpaid", "paid")
    if refund is not None:
        unpaid = set(_unpaid(read, main, pay))
        if when.paid:
            unpaid |= {i for i, v in enumerate(read.table.values(when.paid)) if values.absent(v)}
        refund = ended.of_paid(read, ended.known(read, refund, back), unpaid)
    sides = Sides(main=main, pay=pay, ship=ship, refund=refund, cancel=cancel)
    return replace(sides, arrival=onward.arrival(read, sides, when, lookups, deleted))


def _unpaid(read: Read, main: Axis | None, pay: Axis | None) -> tuple[int, ...]:
    """The sampled rows that one column alone calls unpaid."""
    where = [moments.rows_of(read, a)[c] for a, w in ((main, "awaiting-payment"), (pay, "unpaid")) if a is not None for c in a.having(w)]
    return tuple(sorted({i for rows in where for i in rows}))


def _paid(read: Read, main: Axis | None, pay: Axis | None) -> tuple[int, ...]:
    """The sampled rows that a column calls paid, without those that the order's own calls closed."""
    if pay is None:
        return ()
    codes, ended = pay.told(read), main.told(read) if main is not None else ()
    closed = frozenset(main.having(*ladders.ENDS)) if main is not None else frozenset()
    return tuple(i for i, c in enumerate(codes) if c in pay.having("paid") and not (ended and ended[i] in closed))


def _not_yet(read: Read, main: Axis, pay: Axis | None, ship: Axis | None, when: Instants) -> Axis:
    """Labels that the rows contradict: what is `delivered` and never arrived is on its way; `complete` and unpaid, or unsent, is placed."""
    rows, words, done = moments.rows_of(read, main), onward.plain(read, main, pay, when), main.having("completed")
    arrived = {c for c in done if when.completed and moments.share(read, when.completed, rows[c]) >= moments.MOSTLY}
    for code in main.having("awaiting-payment"):
        if _among(read, pay, "paid", rows[code]) > PAID_MAX:
            # `open`, and paid by another column: it says less than it seems to.
            del words[code]
    for code in done:
        if (
            arrived
            and labels.handed_over(main.labels[code])
            and len(rows[code]) >= ROWS_MIN
            and moments.share(read, when.completed, rows[code]) <= moments.HARDLY / 2
        ):
            words[code] = "shipped"
        unproved = code not in arrived and (len(done) > 1 or not main.having("shipped"))
        if unproved and labels.succeeded(main.labels[code]):
            # Beside `finished`, or where no code says that goods were sent, `success` is that of the payment.
            words.pop(code, None)
            continue
        if max(_among(read, pay, "unpaid", rows[code]), _among(read, ship, "unshipped", rows[code])) > PAID_MAX:
            del words[code]
    return replace(main, words=words, unclear=tuple(dict.fromkeys((*main.unclear, *(c for c in main.words if c not in words)))))


def _among(read: Read, axis: Axis | None, word: str, rows: list[int]) -> float:
    if axis is None or len(rows) < ROWS_MIN:
        return 0.0
    told, there = axis.told(read), frozenset(axis.having(word))
    return sum(told[i] in there for i in rows) / len(rows)


def _told(read: Read, sides: Sides, deleted: str, when: Instants, back: Back) -> Told | None:
    if sides.main is not None and _only_pays(sides, sides.main):
        sides = _as_payment(sides, sides.main)
    main, pay = sides.main, sides.pay
    if main is not None and pay is None and not (main.words and any(main.labels.values())):
        return _ahead(sides.refund, _by_facts(read, main, when, back))
    if main is not None and (pay is None or _tells_payment(main)):
        return _with_refunds(sides, main)
    if pay is not None and pay.having("unpaid") and pay.having("paid"):
        told = ladders.of_sides(read, sides, pay, deleted, when)
        return told if main is None or not main.unclear else _within(read, sides, main, pay, told, when, back)
    if main is None:
        # A column of states that cannot be read says more than the times do.
        return None if axes.hidden(read) else ladders.by_instants(read, when)
    return _with_refunds(sides, main) if any(main.labels.values()) else _ahead(sides.refund, _by_facts(read, main, when, back))


def _only_pays(sides: Sides, main: Axis) -> bool:
    """Whether the order's column follows it to its payment and no further, while another one follows the goods."""
    ship = sides.ship
    return (
        ship is not None
        and bool(ship.having("shipped", "received"))
        and bool(main.having("awaiting-payment"))
        and bool(main.having("awaiting-shipment"))
        and not main.having("shipped", "completed", "partly-shipped")
    )


def _as_payment(sides: Sides, main: Axis) -> Sides:
    """The sides with the order's column as that of its payment."""
    told = {"awaiting-payment": "unpaid", "awaiting-shipment": "paid"}
    pay = replace(main, words={c: told[w] for c, w in main.words.items() if w in told}, unclear=())
    return replace(sides, pay=pay, main=replace(main, words={c: w for c, w in main.words.items() if w in ladders.ENDS}))


def _parted(read: Read, told: Told, main: Axis, when: Instants, beside: tuple[Axis, ...], back: Back) -> Told:
    """Many shops close an order that was paid back with the code of one that nobody paid: the paid ones among them are asked about.

    Where each of them has a refund that is done, nothing is left to ask.
    """
    if not when.paid:
        return told
    rows, paid_at = moments.rows_of(read, main), read.table.values(when.paid)
    known = [(a.told(read), frozenset(a.having("done", "refunded", "requested", "processing"))) for a in beside]
    rungs, unclear = list(told.rungs), list(told.unclear)
    for code, where in rows.items():
        condition = main.sql(code)
        here = [i for i in where if not any(column[i] in there for column, there in known) and not values.absent(paid_at[i])]
        if (condition, "closed") not in rungs or len(here) < ROWS_MIN or len(here) <= PAID_MAX * len(where):
            continue
        unit, at = read.look(when.paid).unit, rungs.index((condition, "closed"))
        rungs[at] = (f"{condition} AND {spelling.missing(when.paid, unit)}", "closed")
        paid = f"{condition} AND {spelling.present(when.paid, unit)}"
        if moments.among(here, back.done) >= moments.NEARLY_ALL:
            rungs.insert(at, (paid, "refunded"))
        else:
            unclear.append((paid, f"{len(here)} rows"))
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
    rungs = ladders.refunds(refund)
    if told is None or refund is None or not rungs:
        return told
    return replace(told, rungs=(*rungs, *told.rungs), columns=(*told.columns, refund.column), said=ladders.quoted(refund))


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


def _one_paid(read: Read, told: Axis, back: Back) -> Axis:
    """Of several codes whose orders were paid, without a label, the usual one says so; the others may say that money went back."""
    paid = told.having("paid")
    if told.labels or len(paid) < 2:
        return told
    rows = moments.rows_of(read, told)
    others = sorted(paid, key=lambda c: -len(rows[c]))[1:]
    given = {c for c in others if moments.among(rows[c], back.done) >= moments.NEARLY_ALL}
    words = {c: "refunded" if c in given else w for c, w in told.words.items() if c in given or c not in others}
    return replace(told, words=words, unclear=tuple(c for c in others if c not in given))


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
    waiting = [main.labels[c] for c in main.having("awaiting-payment")]
    return any(labels.pay_state(label) == "unpaid" and labels.speaks_of_pay(label) for label in waiting)


def _with_refunds(sides: Sides, main: Axis) -> Told | None:
    """One column tells nearly all; refunds, and a flag for what was cancelled, only where it does not speak of them itself."""
    rungs = [(main.sql(c), w) for c, w in main.words.items()]
    if not rungs:
        return None
    further, more = onward.further(sides, main)
    rungs, used = [*further, *rungs], [main.column, *more]
    if not main.having("refunded"):
        for beside, told in ((sides.refund, ladders.refunds(sides.refund)), (sides.pay, ladders.given_back(sides.pay))):
            rungs, used = [*told, *rungs], used + ([beside.column] if beside is not None and told else [])
    cancel = sides.cancel
    if cancel is not None and not main.having("closed", "invalid") and values.flagged(cancel.unclear):
        rungs, used = [(cancel.sql("1"), "closed"), *rungs], [*used, cancel.column]
    unclear = tuple((main.sql(c), main.labels.get(c, "")) for c in main.unclear)
    return Told(
        rungs=tuple(rungs),
        confidence=BY_LABEL if len(used) == 1 else BY_PARTS,
        said=ladders.quoted(main),
        columns=tuple(used),
        unclear=unclear,
    )


def _within(read: Read, sides: Sides, main: Axis, pay: Axis, told: Told, when: Instants, back: Back) -> Told:
    """Beside a column of which nothing explains some codes, the other columns are believed in codes that orders pass through alive.

    A code whose orders stand at several steps ends none of them; one whose paid orders all stand at one step says that step. A code
    of nothing but unpaid orders may as well be that of cancelled ones, and is asked about.
    """
    rows, at = moments.rows_of(read, main), ladders.steps(read, sides, pay, when, back.asked | back.done)
    alive, same, dead = [], [], []
    for code in main.unclear:
        there = Counter(at[i] for i in rows[code])
        known = {w for w in STEPS if there[w] >= ROWS_MIN and there[w] > PAID_MAX * len(rows[code])}
        few = len(rows[code]) < ROWS_MIN or there[None] > HALF * len(rows[code])
        share = {name: moments.share(read, column, rows[code]) for name, column in when.witnesses().items()}
        guess = None if few else moments.from_times(share)
        if not few and len(known) > 1:
            alive.append(code)
        elif not few and known - {"awaiting-payment"}:
            same.append((main.sql(code), min(known)))
        elif len(rows[code]) >= ROWS_MIN and guess in {"closed", "awaiting-payment"}:
            same.append((main.sql(code), guess))
        else:
            dead.append(code)
    ends = tuple(r for r in told.rungs if any(r == (main.sql(c), w) for c, w in main.words.items() if w in ladders.ENDS))
    rest = tuple(r for r in told.rungs if r not in ends)
    if dead:
        others = [c for c in main.words if main.words[c] not in ladders.ENDS]
        if not alive and not others and not same:
            return replace(told, rungs=ends, unclear=ladders.asked(main, dead, rows))
        kept = [*alive, *others]
        rest = tuple((ladders.within(main.sql(*kept), sql), word) for sql, word in rest) if kept else ()
    rungs = (*ends, *same, *rest)
    unclear = (*(u for u in told.unclear if u[0] not in {main.sql(c) for c in main.unclear}), *ladders.asked(main, dead, rows))
    columns = (main.column, *(c for c in told.columns if c != main.column))
    return replace(told, rungs=rungs, confidence=BY_FACTS, columns=columns, unclear=unclear)


def _by_facts(read: Read, main: Axis, when: Instants, back: Back) -> Told | None:
    """Codes without labels: which times are there in the rows of each. Two codes that look alike are both asked about."""
    rows = moments.rows_of(read, main)
    seen = {code: {name: moments.share(read, column, where) for name, column in when.witnesses().items()} for code, where in rows.items()}
    guess = {code: _guess(seen[code], rows[code], back) if len(rows[code]) >= ROWS_MIN else None for code in main.unclear}
    # Several codes of orders that nobody paid and that have ended are all closed; of any other word there is one, or it is asked.
    taken = [w for w in guess.values() if w is not None] + list(main.words.values())
    sure = {c: w for c, w in guess.items() if w is not None and (w == "closed" or taken.count(w) == 1)}
    if not moments.in_order({**main.words, **sure}):
        sure = {}
    rungs = tuple((main.sql(c), w) for c, w in {**main.words, **sure}.items())
    unclear = tuple((main.sql(c), _hint(main, c, moments.hint(seen[c], len(rows[c])))) for c in main.unclear if c not in sure)
    if not rungs and not unclear:
        return None
    return Told(rungs=rungs, confidence=BY_FACTS if rungs else 0.0, said="", columns=(main.column,), unclear=unclear)


def _hint(main: Axis, code: str, shares: str) -> str:
    """What is known of a code: its label, where it has one that says more than itself, and what its rows hold."""
    label = main.labels.get(code, "")
    return f"{label}: {shares}" if label and label != code else shares


def _guess(share: dict[str, float], rows: list[int], back: Back) -> str | None:
    """What a code means by its rows' times, and by the refunds that other tables hold of them."""
    if moments.among(rows, back.done) >= moments.NEARLY_ALL:
        return "refunded"
    if moments.among(rows, back.asked - back.done) >= moments.NEARLY_ALL:
        return "refunding"
    told = moments.from_times(share)
    # Where half of them want their money back, it is another kind of order than one on its way.
    return None if told != "closed" and moments.among(rows, back.asked) > HALF else told
