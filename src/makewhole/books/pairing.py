"""Two books in, every line of both in exactly one pair out, with what the pair shows: matched, one-sided, differing, doubled.

Lines pair by channel, merchant, kind and number. Where a number stands several times in a book its lines are counted off, by
instant and amount, so that the second here pairs with the second there, and what is left over is a duplicate. Numbers that are
NULL never pair: two lines of which nobody knows the number have nothing in common.
"""

from __future__ import annotations

from collections.abc import Mapping

import ibis
from ibis.expr.types import BooleanValue, StringValue, Table, Value

from makewhole.books import columns
from makewhole.model import bill

_COMPARED = ("currency", "amount_fen", "standing", "fee_millifen", "day")
_ORDER = (*_COMPARED, "at_s", "line")
"""In which lines of one number are counted off: by what is compared of them first, so that equal lines meet, and by place last."""


def met(ours: Table, theirs: Table, *, fees: bool) -> Table:
    """The lines of both books that are alike in every word, of columns `columns.MET`; alone, and with its number, each other line.
    To be stored: a join holds one of the books, where counting equal lines would hold both. A bill with a line twice was refused, so that
    no line meets many.

    `fees`: whether both books speak of them; where one does not, comparing them would suspect everything.
    """
    words = [*columns.KEY, *(name for name in _COMPARED if fees or name != "fee_millifen")]
    left, right = (book.select(**{f"{side}_{k}": book[k] for k in ("line", *words)}) for book, side in ((ours, "ours"), (theirs, "theirs")))
    alike = [_alike(left[f"ours_{k}"], right[f"theirs_{k}"], known=k != "fee_millifen") for k in words]
    both = left.outer_join(right, alike)
    alone = both["ours_line"].isnull() | both["theirs_line"].isnull()
    number = ibis.ifelse(alone, ibis.coalesce(both["ours_number"], both["theirs_number"]), ibis.null("string"))
    return both.select("ours_line", "theirs_line", number=number)


def _alike(ours: Value, theirs: Value, *, known: bool) -> BooleanValue:
    """A fee that neither book knows is alike; a number that neither knows is not."""
    return ours == theirs if known else ours.identical_to(theirs)


def suspects(found: Table, ours: Table, theirs: Table) -> Table:
    """The numbers whose lines are not simply one here and one there, alike in every word. To be stored; `found` is what `met` says.

    Most numbers fall out, and only the rest is paired. A number too many changes nothing. Whoever met more than one is a repeated line:
    either of them may be the one too many.
    """
    told = found.filter(found["number"].notnull()).select("number")
    for book, side in ((ours, "ours"), (theirs, "theirs")):
        # Lines alone on the other side count together, as a line that is none: it is in no book.
        lines = found.group_by(line=found[f"{side}_line"]).having(found.count() > 1).agg().select("line")
        told = told.union(book.select("line", "number").semi_join(lines, "line").select("number"))
    return told.distinct()


def few(book: Table, suspected: Table) -> Table:
    """The lines of these numbers, and those whose number nobody knows."""
    return book.semi_join(suspected, "number").union(book.filter(book["number"].isnull()))


@ibis.udf.scalar.builtin(name="hash")  # type: ignore[untyped-decorator]  # Ibis has no types
def _digest(number: str) -> int:  # type: ignore[empty-body]
    """The engine's own digest of a text, whatever it is: it never leaves the engine, and never decides anything."""


def repeated(ours: Table, theirs: Table) -> Table:
    """Digests of the numbers that stand more than once in either book: few. To be stored, as `pairs` looks into them four times.

    A number whose digest is another's is taken for a repeated one, which costs a moment and changes nothing.
    """
    found = []
    for book in (ours, theirs):
        digests = book.filter(book["number"].notnull()).select(digest=_digest(book["number"]))
        found.append(digests.group_by("digest").having(digests.count() > 1).agg().select("digest"))
    return found[0].union(found[1], distinct=True)


def pairs(ours: Table, theirs: Table, again: Table, window: Table) -> Table:
    """All pairs, of columns `columns.PAIRS`; `again` holds what `repeated` found, `window` is of columns.WINDOW.

    A line without a partner is a pair with one side NULL. Numbers that stand once are joined as they are: counting off ten
    million lines for the few that repeat costs more than the join.
    """
    once = [book.anti_join(again, _digest(book["number"]) == again["digest"]) for book in (ours, theirs)]
    more = [book.semi_join(again, _digest(book["number"]) == again["digest"]) for book in (ours, theirs)]
    single = [book.mutate(nth=ibis.literal(1, "int32")) for book in once]
    counted = [book.mutate(nth=_nth(book)) for book in more]
    first = _joined(single[0], single[1], window, columns.KEY)
    return first.union(_joined(counted[0], counted[1], window, (*columns.KEY, "nth")))


def breaks(all_pairs: Table) -> Table:
    """The pairs that are not simply matched: what a person or the next step looks at."""
    return all_pairs.filter(all_pairs["class"] != bill.Break.MATCHED.value)


def matched(all_pairs: Table) -> Table:
    """The others."""
    return all_pairs.filter(all_pairs["class"] == bill.Break.MATCHED.value)


def detailed(found: Table, ours: Table, theirs: Table) -> Table:
    """Breaks with the names that each side knows them by, of columns `columns.BREAKS`."""
    told = found
    for book, side in ((ours, "ours"), (theirs, "theirs")):
        names = book.select(**{f"{side}_at": book["line"]}, **{f"{side}_{name}": book[name] for name in columns.NAMES})
        told = told.left_join(names, told[f"{side}_line"] == names[f"{side}_at"]).drop(f"{side}_at")
    return told.mutate(group=ibis.null("string")).select(*columns.BREAKS)


def _joined(ours: Table, theirs: Table, window: Table, on: tuple[str, ...]) -> Table:
    left, right = _prefixed(ours, "ours"), _prefixed(theirs, "theirs")
    joined = left.outer_join(right, [left[f"ours_{k}"] == right[f"theirs_{k}"] for k in on])
    told = joined.mutate(**{k: ibis.coalesce(joined[f"ours_{k}"], joined[f"theirs_{k}"]) for k in (*columns.KEY, "nth")})
    return told.mutate(**{"class": _class(told, window)}).select(*columns.PAIRS)


def _nth(book: Table) -> Value:
    counted = ibis.row_number().over(group_by=[book[k] for k in columns.KEY], order_by=[book[k] for k in _ORDER])
    return (counted + 1).cast("int32")


def _prefixed(book: Table, side: str) -> Table:
    """Both sides' columns get their own names before the join: nothing is renamed behind our back."""
    return book.select(**{f"{side}_{name}": book[name] for name in (*columns.KEY, "nth", *columns.SIDED)})


def _class(pair: Table, window: Table) -> StringValue:
    """The ladder. What is alike in every word first: it is nearly all, and the engines then look no further.

    One-sided before two-sided; currency before amounts, which mean nothing across currencies; status before amounts, because an unpaid
    order's amount is what was hoped for; a difference of days last, because it is none.
    """
    ours, theirs = pair["ours_line"].notnull(), pair["theirs_line"].notnull()
    again = pair["number"].notnull() & (pair["nth"] > 1)
    o = {name: pair[f"ours_{name}"] for name in columns.SIDED}
    t = {name: pair[f"theirs_{name}"] for name in columns.SIDED}
    alike = ibis.and_(*(o[name] == t[name] for name in ("amount_fen", "standing", "currency", "day")), _same_fee(o, t))
    return ibis.cases(
        (alike, bill.Break.MATCHED.value),
        (~theirs & _idle(o["standing"]), bill.Break.IDLE.value),
        (~ours & _idle(t["standing"]), bill.Break.IDLE.value),
        (~theirs & again, bill.Break.DUPLICATE_OURS.value),
        (~ours & again, bill.Break.DUPLICATE_THEIRS.value),
        (~theirs & _waits(o["at_s"], o["day"], window), bill.Break.WAITING.value),
        (~ours & _waits(t["at_s"], t["day"], window), bill.Break.WAITING.value),
        (~theirs, bill.Break.OURS_ONLY.value),
        (~ours, bill.Break.THEIRS_ONLY.value),
        (o["currency"] != t["currency"], bill.Break.CURRENCY.value),
        (~_agree(o["standing"], t["standing"]), bill.Break.STATUS.value),
        (o["amount_fen"] != t["amount_fen"], bill.Break.AMOUNT.value),
        (~_same_fee(o, t), bill.Break.FEE.value),
        (o["day"] != t["day"], bill.Break.ACROSS_CUT_OFF.value),
        else_=bill.Break.MATCHED.value,
    )


def _same_fee(o: Mapping[str, Value], t: Mapping[str, Value]) -> BooleanValue:
    """A book that does not speak of fees does not differ in them."""
    return (o["fee_millifen"] == t["fee_millifen"]) | o["fee_millifen"].isnull() | t["fee_millifen"].isnull()


def _idle(standing: Value) -> BooleanValue:
    return standing.isin(sorted(s.value for s in bill.IDLE))


def _agree(ours: Value, theirs: Value) -> BooleanValue:
    """Equal, or a pair of words that mean the same; money moved on neither side or on both."""
    agreed = ours == theirs
    for o, t in sorted(bill.AGREEING, key=lambda pair: (pair[0].value, pair[1].value)):
        agreed |= (ours == o.value) & (theirs == t.value)
    return agreed


def _waits(at_s: Value, day: Value, window: Table) -> BooleanValue:
    """Young enough, and near enough to one of its day's midnights."""
    midnight_s = day.cast("int64") * 86_400 - 8 * 3600
    margin_s, waits_after = (window[name].as_scalar() for name in ("margin_s", "waits_after"))
    near = (at_s - midnight_s < margin_s) | (midnight_s + 86_400 - at_s <= margin_s)
    return (day > waits_after) & near
