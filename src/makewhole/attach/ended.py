"""Columns of codes go in, with what tables of payments and refunds say of their orders; what that says of the codes comes out."""

from __future__ import annotations

import re
from dataclasses import replace

from makewhole.attach import ladders, moments, spelling
from makewhole.attach.axes import Axis
from makewhole.attach.columns import Read
from makewhole.attach.ladders import Told
from makewhole.attach.ledgers import Back

ROWS_MIN = 3
"""Sampled orders in one code from which other tables tell what it means."""
_PAY = re.compile(r"付|缴|pay|paid", re.IGNORECASE)
UNPAID_MAX = 0.1
"""Share of a code's orders that may be unpaid where it says that money is to go back."""


def known(read: Read, refund: Axis, back: Back) -> Axis:
    """A column of refunds, with what a table of refunds says of the codes that nothing explains."""
    rows, words = moments.rows_of(read, refund), dict(refund.words)
    for code in refund.unclear:
        if len(rows[code]) >= ROWS_MIN and moments.among(rows[code], back.done) >= moments.NEARLY_ALL:
            words[code] = "done"
        elif len(rows[code]) >= ROWS_MIN and moments.among(rows[code], back.asked) >= moments.NEARLY_ALL:
            words[code] = "requested"
    return replace(refund, words=words, unclear=tuple(c for c in refund.unclear if c not in words))


def of_paid(read: Read, refund: Axis, unpaid: set[int]) -> Axis:
    """A column of refunds without the codes that unpaid orders have too: nobody asks for money back that nobody paid."""
    rows = moments.rows_of(read, refund)
    asked = refund.having("requested", "processing", "done")
    none = {c for c in asked if len(rows[c]) >= ROWS_MIN and len(unpaid & set(rows[c])) > UNPAID_MAX * len(rows[c])}
    return replace(refund, words={c: "none" if c in none else w for c, w in refund.words.items()})


def apart(read: Read, told: Told, refund: Axis) -> Told:
    """The ladder without orders whose code of refunds nothing explains: those are asked about."""
    rows = moments.rows_of(read, refund)
    none = refund.having("none", "closed") or tuple(sorted(refund.unclear, key=lambda c: -len(rows[c]))[:1])
    unknown = [c for c in refund.unclear if c not in none and rows[c]]
    known_ = [c for c in (*refund.words, *refund.unclear) if c not in unknown]
    if not unknown or not known_:
        return told
    here = refund.sql(*known_)
    if any(v is None for v in read.table.values(refund.column)):
        here = f"({spelling.name(refund.column)} IS NULL OR {here})"
    own = set(ladders.refunds(refund))
    rungs = tuple(r if r in own else (ladders.within(here, r[0]), r[1]) for r in told.rungs)
    return replace(told, rungs=rungs, unclear=(*told.unclear, *ladders.asked(refund, unknown, rows)))


def paid_all_the_same(read: Read, main: Axis, back: Back) -> Axis:
    """The order's column without codes that seem to wait for a payment, and whose orders nearly all have one in the table of payments."""
    rows = moments.rows_of(read, main)
    # A label that itself speaks of paying, like that of a deposit's rest, is believed.
    waiting = [c for c in main.having("awaiting-payment") if len(rows[c]) >= ROWS_MIN and not _PAY.search(main.labels.get(c, ""))]
    paid = {c for c in waiting if moments.among(rows[c], back.paid) >= moments.MOSTLY}
    words = {c: w for c, w in main.words.items() if c not in paid}
    return replace(main, words=words, unclear=(*main.unclear, *sorted(paid)))


def given_back(read: Read, main: Axis, back: Back) -> Axis:
    """With what a table of refunds says of codes that nothing explains: all of their orders were paid back, or all ask for it."""
    rows, words = moments.rows_of(read, main), dict(main.words)
    for code in main.unclear:
        if len(rows[code]) < ROWS_MIN:
            continue
        if moments.among(rows[code], back.done) >= moments.NEARLY_ALL:
            words[code] = "refunded"
        elif moments.among(rows[code], back.asked - back.done) >= moments.NEARLY_ALL:
            words[code] = "refunding"
    labels_ = {**{c: "" for c in words if c in main.unclear}, **main.labels}
    return replace(main, words=words, labels=labels_, unclear=tuple(c for c in main.unclear if c not in words))
