"""An order is brought back to what an image holds: rows then and rows now go in, a rollback's plan comes out. Writes nothing.

Only columns that an image holds as they are can go back, and only those that differ. The plan is applied by the same hand, under the same
locks and with the same comparison as any other (`engine.reversal`): what anybody writes after it was made is left alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from makewhole.core import clock, codec, faults, ids
from makewhole.engine import image as mover
from makewhole.engine import rewinding, unwinding
from makewhole.flow.rollback import deciding
from makewhole.model import cell, image, rollback
from makewhole.model.image import Row
from makewhole.model.rollback import Clash, Conflict, Form, Header, How, Mode, Net
from makewhole.ports import reversals


def plan(bench: rewinding.Bench, studio: mover.Studio, number: ids.OrderNumber, at: datetime, now: datetime) -> unwinding.Draft:
    """The plan that brings this order back to this instant. Raises BadInput where no image is that old, or it had no row then."""
    seen = mover.as_of(studio, number, at)
    if seen is None or not seen.rows:
        todo = "`makewhole images list` tells which images there are; `makewhole images as-of` what they hold."
        raise faults.BadInput(f"no image holds a row of {number} at {clock.rfc3339(at)}", where="the images", todo=todo)
    if seen.exact_to != at and seen.why:
        todo = f"Restore to the image itself: --at {clock.rfc3339(seen.head.at)}."
        raise faults.BadInput(f"the image cannot be run on to {clock.rfc3339(at)}: {seen.why}", where="the change log", todo=todo)
    tables = {f.table.role: f for f in studio.source.forms}
    rows = [r for r in seen.rows if r.role in tables and (bench.who is None or tables[r.role].table.name != bench.who[0].lower())]
    place = bench.hand.place()
    forms = dict(bench.hand.describe([tables[r.role].table.name for r in rows]))
    # First the log's end, then the rows: what is written in between stands after it, and is found when the plan is applied.
    read_to = bench.film.end()
    name = clock.rfc3339(seen.head.at)
    nets = [_net(tables[r.role], r, seen.columns[r.role], forms, number, name) for r in rows]
    live = bench.hand.read([n for n, _ in nets], forms)
    lines = deciding.together([line for net, was in nets if (line := _line(bench, net, was, live, forms)) is not None])
    for line in lines:
        bench.shelf.keep(codec.canonical(line))
    written = [n for n in lines if isinstance(n, Net)]
    header = Header(
        shop=bench.shop,
        place=place,
        origin=rollback.FromImage(image=str(seen.head.id), as_of=at, orders=(str(number),)),
        made_at=now,
        read_to=read_to,
        mode=Mode.ALL_OR_NOTHING,
        money=any((n.table.lower(), c.lower()) in bench.money for n in written for c in n.back),
        forms=tuple(forms[t] for t in sorted(forms)),
        transactions=0,
        rows=len(written),
        conflicts=len(lines) - len(written),
        notes=("only columns that images hold as they are go back; rows that came later stay",),
    )
    return unwinding.Draft(header=header, lines=bench.shelf.lines)


def _net(
    known: image.Form, row: Row, columns: Sequence[str], forms: Mapping[str, Form], number: str, name: str
) -> tuple[Net, dict[str, cell.Cell]]:
    """The row, and what the image holds of it: plain values alone."""
    form = forms.get(known.table.name)
    if form is None:
        todo = "Bring the table back first."
        raise faults.BadInput(f"the database has no table {known.table.name} any more", where="the shop's database", todo=todo)
    told = dict(zip(columns, zip(row.values or (), row.types, strict=True), strict=True))
    spelled = {c.name.lower(): c for c in form.columns}
    # What a card's number was starred in is not what the shop had either.
    plain = {c: v for c, v in told.items() if c in spelled and c not in known.guarded() and v[1] != image.CARD}
    was = {spelled[c].name: cell.pack(image.value(word, kind)) for c, (word, kind) in plain.items()}
    key = {k: was[k] for k in form.key if k in was}
    if len(key) != len(form.key):
        raise faults.BadInput(
            f"the images do not hold the key of {form.table}",
            where="the shop file",
            todo="Let it be plain there, and begin the images anew.",
        )
    # With the columns that are to be read.
    return Net(table=form.table, key=key, unit=number, how=How.REWRITE, now=was, back={}, by=(name, name)), was


def _line(
    bench: rewinding.Bench, net: Net, was: Mapping[str, cell.Cell], live: reversals.Live, forms: Mapping[str, Form]
) -> Net | Conflict | None:
    """What would be written of this row; None where it is what it was."""
    form, now = forms[net.table.lower()], live.get(net.name())
    if now is None:
        return _gone(net, was, form)
    mine = {c.name for c in form.columns if c.written and not c.ticks and not c.counts}
    apart = {c: v for c, v in was.items() if c in mine and c in now and now[c] != v}
    if not apart:
        return None
    told = Net(table=net.table, key=net.key, unit=net.unit, how=How.REWRITE, now={c: now[c] for c in apart}, back=apart, by=net.by)
    return _settled(bench, told, now, was) or deciding.cascades(told, form) or told


def _gone(net: Net, was: Mapping[str, cell.Cell], form: Form) -> Net | Conflict:
    """A row that was deleted since comes back whole or not at all."""
    whole = all(c.name in was or not c.written for c in form.columns)
    told = Net(table=net.table, key=net.key, unit=net.unit, how=How.REINSERT, now={}, back=dict(was), by=net.by)
    if not whole:
        lacking = tuple(c.name for c in form.columns if c.written and c.name not in was)
        return Conflict(net=told, clash=Clash.GONE, columns=lacking)
    return deciding.cascades(told, form) or told


def _settled(bench: rewinding.Bench, net: Net, now: Mapping[str, cell.Cell], was: Mapping[str, cell.Cell]) -> Conflict | None:
    """Money that went back is not brought here by SQL (F10)."""
    before, after = rewinding.states(bench, net.table, now, {**now, **was})
    return deciding.settled(net, before, after, elsewhere=bench.elsewhere(net.unit))
