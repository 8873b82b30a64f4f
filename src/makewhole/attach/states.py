"""Columns of codes go in, conditions and our words for them come out; states that several columns tell together become one ladder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from makewhole.attach import codes, labels, naming, spelling, values
from makewhole.attach.columns import Read
from makewhole.attach.values import Shape

ROWS_MIN = 3
"""Sampled orders in one code from which their times tell what it means."""
USUAL_MIN = 0.6
"""Share of orders in one code from which it is the usual one."""
PREFIXED_MIN = 3
"""Codes from which a common beginning is believed to be a prefix."""
MEANT = frozenset({"wait", "waiting", "to", "un", "pay", "pending", "refund", "ship", "not", "no"})
"""Beginnings that say something of their own."""
CODES_MAX = 40
"""A column of more codes is no state."""
MOSTLY, HARDLY = 0.8, 0.25
BY_LABEL, BY_FACTS, BY_PARTS = 0.95, 0.86, 0.9
"""How sure a state is that a label names, that times show, that several columns tell together."""
Classify = Callable[[str], str | None]
Rungs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class Axis:
    """One column of codes. `words` are what its labels say, in our words or in those of `labels`; `unclear` are used without one."""

    column: str
    style: spelling.Style
    words: dict[str, str]
    labels: dict[str, str]
    unclear: tuple[str, ...]

    def having(self, *wanted: str) -> tuple[str, ...]:
        """The codes that mean one of these."""
        return tuple(c for c, w in self.words.items() if w in wanted)


@dataclass(frozen=True, kw_only=True)
class Told:
    """A ladder of conditions, how sure it is, what says so, and the codes that nothing explains, with what is known of them."""

    rungs: Rungs
    confidence: float
    said: str
    columns: tuple[str, ...]
    unclear: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Instants:
    """Columns of the order's row that tell how far it came; empty where there is none."""

    paid: str = ""
    shipped: str = ""
    completed: str = ""
    closed: str = ""


def axis(read: Read, column: str, classify: Classify, lookups: dict[str, dict[str, str]]) -> Axis:
    """The codes of a column and what they mean."""
    told = read.table.by_name[column]
    used = values.codes(read.table, told)
    explained = dict(codes.of_comment(told.comment, used)) or lookups.get(column, {})
    by_case = {c.lower(): c for c in used}
    found = {by_case.get(c.lower(), c): label for c, label in explained.items()}
    prefix = _prefix(used)
    for code in used:
        if code not in found and not code.lstrip("-").isdigit():
            found[code] = code.removeprefix(prefix)
    words = {code: word for code, label in found.items() if (word := classify(label)) is not None}
    # What an empty text or NULL means is told by the columns beside it.
    unclear = tuple(c for c in used if c not in words)
    return Axis(column=column, style=spelling.style(told), words=words, labels=found, unclear=unclear)


def _prefix(used: tuple[str, ...]) -> str:
    """What all codes begin with and none means: the `wc-` of `wc-pending` and `wc-completed`."""
    if len(used) < PREFIXED_MIN:
        return ""
    least, most = min(used), max(used)
    common = next((least[:i] for i, (a, b) in enumerate(zip(least, most, strict=False)) if a != b), least)
    cut = max(common.rfind("-"), common.rfind("_")) + 1
    return "" if common[:cut].strip("-_").lower() in MEANT else common[:cut]


def one(read: Read, column: str, classify: Classify, lookups: dict[str, dict[str, str]], known: frozenset[str]) -> Told | None:
    """A child's states: one column, one condition a code. Words outside `known` are left to a question."""
    told = axis(read, column, classify, lookups)
    rungs = tuple((spelling.equals(column, c, style=told.style), w) for c, w in told.words.items() if w in known)
    unclear = tuple((spelling.equals(column, c, style=told.style), told.labels.get(c, "")) for c in told.unclear)
    return Told(rungs=rungs, confidence=BY_LABEL, said=_quoted(told), columns=(column,), unclear=unclear)


def of_order(read: Read, when: Instants, deleted: str, lookups: dict[str, dict[str, str]]) -> Told | None:
    """The order's states, from the one column that tells them or from several."""
    main = _axis_of(read, _is_main, labels.order_state, lookups, deleted)
    pay = _axis_of(read, _is_pay, labels.pay_state, lookups, deleted)
    if pay is not None and main is not None and pay.column == main.column:
        pay = None
    ship = _axis_of(read, _is_ship, labels.ship_state, lookups, deleted)
    refund = _axis_of(read, _is_refund, labels.refund_state, lookups, deleted)
    cancel = _axis_of(read, _is_cancel, lambda _: None, lookups, deleted)
    pay = None if pay is None else _by_presence(read, _flag(pay, "unpaid", "paid"), when.paid, "unpaid", "paid")
    ship = (
        None
        if ship is None
        else _received(read, _by_presence(read, _flag(ship, "unshipped", "shipped"), when.shipped, "unshipped", "shipped"), when)
    )
    if main is not None and not main.words and pay is None:
        return _by_facts(read, main, when)
    if main is not None and (pay is None or _tells_payment(main)):
        return _with_refunds(main, refund, cancel)
    if pay is not None and pay.having("unpaid") and pay.having("paid"):
        told = _ladder(main, pay, ship, refund, cancel, deleted)
        return told if main is None or main.words or len(main.unclear) < 2 else _within(read, main, told)
    if main is None:
        return _by_instants(read, when)
    return _with_refunds(main, refund, cancel) if main.words else _by_facts(read, main, when)


def _axis_of(
    read: Read, fits: Callable[[frozenset[str]], float], classify: Classify, lookups: dict[str, dict[str, str]], deleted: str
) -> Axis | None:
    best: tuple[float, str] = (0.0, "")
    for column in read.table.columns:
        look = read.look(column.name)
        if column.name == deleted or Shape.CODE not in look.shapes or look.distinct > CODES_MAX:
            continue
        worth = max(fits(naming.ideas(read.names[column.name])), 0.95 * fits(naming.ideas(read.comments[column.name])))
        if worth > best[0]:
            best = (worth, column.name)
    return axis(read, best[1], classify, lookups) if best[0] else None


_BESIDE = frozenset({"order", "trade", "info", "goods", "buyer", "id", "number"})


def _is_main(ideas: frozenset[str]) -> float:
    """`status`, `order_status`; of several, the one that says least besides."""
    rest = ideas - _BESIDE - {"state"}
    return (1.0 if "order" in ideas else 0.97) if "state" in ideas and not rest else 0.0


def _is_pay(ideas: frozenset[str]) -> float:
    return _side(ideas, frozenset({"pay", "paid"}))


def _is_ship(ideas: frozenset[str]) -> float:
    return _side(ideas, frozenset({"ship", "carrier"}))


def _is_refund(ideas: frozenset[str]) -> float:
    return _side(ideas, frozenset({"refund", "return"}))


def _is_cancel(ideas: frozenset[str]) -> float:
    rest = ideas - _BESIDE - {"cancel", "close", "flag", "state"}
    return 0.9 if ideas & {"cancel", "close"} and not rest else 0.0


def _side(ideas: frozenset[str], of: frozenset[str]) -> float:
    rest = ideas - _BESIDE - of - {"state", "flag", "receive"}
    if not ideas & of or rest:
        return 0.0
    return 0.95 if ideas & {"state", "flag"} else 0.85 if "paid" in ideas else 0.0


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
    rows = _rows_of(read, told)
    shares = {c: _share(read, instant, rows[c]) for c in told.unclear if len(rows[c]) >= ROWS_MIN}
    words = {c: yes if s >= MOSTLY else no for c, s in shares.items() if s >= MOSTLY or s <= HARDLY / 2}
    if set(words) != set(told.unclear) or len(set(words.values())) < 2:
        return told
    return Axis(column=told.column, style=told.style, words=words, labels={}, unclear=())


def _received(read: Read, told: Axis, when: Instants) -> Axis:
    """Of several codes that mean shipped, the one whose rows have arrived; unclear where nothing tells them apart."""
    shipped = told.having("shipped")
    if told.labels or len(shipped) < 2:
        return told
    rows = _rows_of(read, told)
    arrived = {c for c in shipped if when.completed and _share(read, when.completed, rows[c]) >= MOSTLY}
    if len(arrived) == 1 and len(shipped) == 2:
        return Axis(column=told.column, style=told.style, words={**told.words, arrived.pop(): "received"}, labels={}, unclear=())
    left = {c: w for c, w in told.words.items() if w != "shipped"}
    return Axis(column=told.column, style=told.style, words=left, labels={}, unclear=shipped)


def _rows_of(read: Read, told: Axis) -> dict[str, list[int]]:
    values_ = read.table.values(told.column)
    return {c: [i for i, v in enumerate(values_) if v is not None and values.text(v) == c] for c in (*told.words, *told.unclear)}


def _tells_payment(main: Axis) -> bool:
    """Whether a label of the main column speaks of an order that is still to be paid."""
    return any(labels.pay_state(main.labels[c]) == "unpaid" and _speaks_of_pay(main.labels[c]) for c in main.having("awaiting-payment"))


def _speaks_of_pay(label: str) -> bool:
    return any(word in label.lower() for word in ("付", "缴", "pay", "paid"))


def _with_refunds(main: Axis, refund: Axis | None, cancel: Axis | None) -> Told | None:
    """One column tells nearly all; refunds, and a flag for what was cancelled, only where it does not speak of them itself."""
    rungs = [(spelling.equals(main.column, c, style=main.style), w) for c, w in main.words.items()]
    if not rungs:
        return None
    used = [main.column]
    if refund is not None and not main.having("refunding", "refunded"):
        told = _refunds(refund)
        rungs, used = [*told, *rungs], used + ([refund.column] if told else [])
    if cancel is not None and not main.having("closed", "invalid") and values.flagged(cancel.unclear):
        rungs, used = [(spelling.equals(cancel.column, "1", style=cancel.style), "closed"), *rungs], [*used, cancel.column]
    unclear = tuple((spelling.equals(main.column, c, style=main.style), main.labels.get(c, "")) for c in main.unclear)
    return Told(
        rungs=tuple(rungs), confidence=BY_LABEL if len(used) == 1 else BY_PARTS, said=_quoted(main), columns=tuple(used), unclear=unclear
    )


def _within(read: Read, main: Axis, told: Told) -> Told | None:
    """Beside a column whose codes nothing explains, the other columns are believed only in its usual code; the rest is asked."""
    rows = _rows_of(read, main)
    usual = max(main.unclear, key=lambda c: len(rows[c]))
    if len(rows[usual]) < USUAL_MIN * sum(map(len, rows.values())):
        return _by_facts(read, main, Instants())
    here = spelling.equals(main.column, usual, style=main.style)
    rungs = tuple((f"{here} AND {sql}" if " OR " not in sql else f"{here} AND ({sql})", word) for sql, word in told.rungs)
    unclear = tuple((spelling.equals(main.column, c, style=main.style), f"{len(rows[c])} rows") for c in main.unclear if c != usual)
    return Told(rungs=rungs, confidence=BY_FACTS, said=told.said, columns=(main.column, *told.columns), unclear=(*told.unclear, *unclear))


def _refunds(refund: Axis) -> list[tuple[str, str]]:
    done = [(spelling.equals(refund.column, c, style=refund.style), "refunded") for c in refund.having("done")]
    asked = [(spelling.equals(refund.column, c, style=refund.style), "refunding") for c in refund.having("requested", "processing")]
    return [*done, *asked]


def _ladder(main: Axis | None, pay: Axis, ship: Axis | None, refund: Axis | None, cancel: Axis | None, deleted: str) -> Told:
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
    for word in ("refunded", "refunding", "closed", "invalid"):
        add(main, word, word)
    add(pay, "refunded", "refunded")
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
        unclear = tuple((spelling.equals(ship.column, c, style=ship.style), ship.labels.get(c, "")) for c in ship.unclear)
    said = "; ".join(_quoted(a) for a in (main, pay, ship, refund) if a is not None)
    return Told(rungs=tuple(rungs), confidence=BY_PARTS, said=said, columns=tuple(used), unclear=unclear)


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
    rows = _rows_of(read, main)
    seen = {code: {name: _share(read, column, where) for name, column in vars(when).items() if column} for code, where in rows.items()}
    guess = {code: _from_times(seen[code], when) if len(rows[code]) >= ROWS_MIN else None for code in main.unclear}
    sure = {c: w for c, w in guess.items() if w is not None and list(guess.values()).count(w) == 1}
    if not _in_order(sure):
        sure = {}
    rungs = tuple((spelling.equals(main.column, c, style=main.style), w) for c, w in sure.items())
    unclear = tuple(
        (spelling.equals(main.column, c, style=main.style), _hint(seen[c], len(rows[c]))) for c in main.unclear if c not in sure
    )
    if not rungs and not unclear:
        return None
    return Told(rungs=rungs, confidence=BY_FACTS if rungs else 0.0, said="", columns=(main.column,), unclear=unclear)


def _share(read: Read, column: str, rows: list[int]) -> float:
    told = read.table.values(column)
    return sum(1 for i in rows if not values.absent(told[i])) / len(rows) if rows else 0.0


def _from_times(share: dict[str, float], when: Instants) -> str | None:
    """What a code means by the times of its rows; None where they do not tell."""
    if not when.paid:
        return None
    paid = share["paid"]
    if share.get("closed", 0.0) >= MOSTLY and paid <= HARDLY:
        return "closed"
    if paid <= HARDLY / 2 and when.closed and share["closed"] <= HARDLY / 2:
        return "awaiting-payment"
    if paid < MOSTLY or share.get("closed", 0.0) > HARDLY:
        return None
    if when.completed and share["completed"] >= MOSTLY:
        return "completed"
    if when.shipped and share["shipped"] >= MOSTLY and share.get("completed", 0.0) <= HARDLY and when.completed:
        return "shipped"
    if when.shipped and share["shipped"] <= HARDLY and share.get("completed", 0.0) <= HARDLY:
        return "awaiting-shipment"
    return None


def _in_order(sure: dict[str, str]) -> bool:
    """Numbered codes grow as an order goes on; where they do not, the times were read wrongly."""
    steps = ("awaiting-payment", "awaiting-shipment", "shipped", "completed")
    ranks = [int(c) for word in steps for c, w in sure.items() if w == word and c.lstrip("-").isdigit()]
    return ranks == sorted(ranks)


def _hint(share: dict[str, float], rows: int) -> str:
    return ", ".join([f"{rows} rows", *(f"{name} {part:.0%}" for name, part in share.items())])


def _quoted(told: Axis) -> str:
    return ", ".join(f"{c}={label}" for c, label in told.labels.items())
