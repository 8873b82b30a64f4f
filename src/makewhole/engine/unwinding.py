"""A rollback is planned: a scope goes in, the log is run through once, a plan comes out line by line. Writes nothing anywhere but on its
own shelf."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from makewhole import ports
from makewhole.core import codec, faults, ids
from makewhole.engine import gather, owners, rewinding
from makewhole.flow.rollback import deciding, folding
from makewhole.model import rollback
from makewhole.model.rollback import Conflict, Header, Mode, Net, Scope
from makewhole.model.trail import Trail
from makewhole.ports import reversals


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A plan that is thought through: its header, then its lines from the shelf."""

    header: Header
    lines: Callable[[], Iterator[bytes]]

    def hash(self) -> str:
        """The plan's hash: over its header and every line."""
        told = rollback.Hasher()
        for line in itertools.chain((codec.canonical(self.header),), self.lines()):
            told.add(line)
        return told.hex()

    def sealed(self) -> Iterator[bytes]:
        """Every line with the hash as the last, in canonical bytes; what was read at once is never held at once."""
        yield codec.canonical(self.header)
        yield from self.lines()
        yield codec.canonical(rollback.End(hash=self.hash()))


def plan(bench: rewinding.Bench, scope: Scope, now: datetime, mode: Mode, *, partial: bool, undo: str = "") -> Draft:
    """The plan that takes these changes back. Raises BadInput where they cannot be taken back by rows, and says what can be done instead;
    or where the log does not hold everything, which stops all."""
    place = bench.hand.place()
    origin = rollback.Undo(plan=undo) if undo else scope
    whose = owners.Owners(bench.tables, bench.shelf, bench.part)
    going = rewinding.Run(bench=bench, origin=origin, scope=scope, database=place.database, owners=whose)
    for number in scope.orders:
        if (key := bench.key_of(ids.OrderNumber(number))) is not None:
            bench.shelf.same(f"#{key}", number)
    try:
        rewinding.read(going)
        _check(going, partial=partial)
        counts = _judge(going)
    except folding.Incomplete as hole:
        raise rewinding.incomplete(hole) from hole
    header = Header(
        shop=bench.shop,
        place=place,
        origin=origin,
        made_at=now,
        read_to=going.read_to or bench.film.end(),
        mode=mode,
        partial=partial and bool(going.left),
        money=counts.money,
        forms=tuple(going.forms[t] for t in sorted(going.forms)),
        seen=tuple(going.seen),
        transactions=going.transactions,
        rows=counts.rows,
        conflicts=counts.conflicts,
        notes=tuple(_notes(going)),
    )
    return Draft(header=header, lines=bench.shelf.lines)


def _check(going: rewinding.Run, *, partial: bool) -> None:
    """Preconditions of the whole: refused, not warned of."""
    scope = going.scope
    missing = [t for t in scope.transactions if t.lower() not in going.found]
    if missing:
        todo = "Check the name (`history ORDER` tells it); what the server has purged can be read from a copy of its files (--log)."
        if beyond := going.bench.film.beyond():
            todo = f"Check the name (`history ORDER` tells it): {beyond}."
        raise faults.BadInput(f"the log holds no transaction {', '.join(missing)}", where="the change log", todo=todo)
    if scope.since is not None and not going.bench.film.whole() and (going.began is None or going.began > scope.since):
        oldest = "nothing" if going.began is None else going.began.isoformat()
        todo = "Name a later beginning."
        if not going.bench.film.beyond():
            todo = "Name the folder that holds a copy of the older files (--log), or a later beginning."
        raise faults.BadInput(
            f"the log begins at {oldest}, later than what is asked for: what came before is purged, or was never kept",
            where="--since",
            todo=todo,
        )
    if going.left and not partial:
        todo = "Say --partial if only this part is to go back: it is written into the plan."
        raise faults.BadInput(
            f"{going.left} other rows were written by the same transactions and would stay as they are", where="the scope", todo=todo
        )
    for table, spoken in going.spoken:
        verb = spoken.columns[0].split(maxsplit=1)[0].upper()
        if verb not in rewinding.FORWARD:
            raise faults.BadInput(
                f"{table} was changed afterwards by a statement that the log tells without rows: {spoken.columns[0]}",
                where=spoken.by,
                todo="Nobody can tell which rows it wrote. Restore the orders from an image (images restore) instead.",
            )


def channels_say(world: ports.World) -> Callable[[str], bool | None]:
    """Whether the channels hold a refund of an order, asked now; None where they cannot say."""
    return lambda number: deciding.returned(gather.one(world, ids.OrderNumber(number)))


@dataclass(kw_only=True)
class _Counts:
    rows: int = 0
    conflicts: int = 0
    money: bool = False


def _judge(going: rewinding.Run) -> _Counts:
    """Every row's net change against the log and the live row; half an order is none. The lines go to the shelf."""
    counts = _Counts()
    for rows in _batched(_units(going)):
        for line in _against_live(going, rows):
            going.bench.shelf.keep(codec.canonical(line))
            if isinstance(line, Conflict):
                counts.conflicts += 1
                continue
            counts.rows += 1
            columns = line.back if line.how is not rollback.How.REMOVE else line.now
            counts.money = counts.money or any((line.table.lower(), c.lower()) in going.bench.money for c in columns)
    return counts


def _units(going: rewinding.Run) -> Iterator[list[Net | Conflict]]:
    for unit, told in itertools.groupby(going.bench.shelf.trails(), key=lambda t: t[0]):
        rows = [row for _, trail in told if (row := _row(going, trail, unit)) is not None]
        if rows:
            yield rows


def _row(going: rewinding.Run, trail: Trail, unit: str) -> Net | Conflict | None:
    form = going.forms[trail.table.lower()]
    net = folding.net(trail, form, unit)
    if net is None:
        return None
    return (
        deciding.trailed(trail, net)
        or deciding.drifted(net, going.drift[trail.table.lower()], form)
        or deciding.cascades(net, form)
        or rewinding.settled(going.bench, rollback.Block(rows=[net])).get(net.name())
        or net
    )


def _batched(units: Iterable[list[Net | Conflict]]) -> Iterator[list[list[Net | Conflict]]]:
    """Units in batches of about so many rows: one look at the database for each."""
    batch: list[list[Net | Conflict]] = []
    size = 0
    for unit in units:
        if size + len(unit) > rollback.ROWS_MAX and batch:
            yield batch
            batch, size = [], 0
        batch.append(unit)
        size += len(unit)
    if batch:
        yield batch


def _against_live(going: rewinding.Run, units: list[list[Net | Conflict]]) -> Iterator[Net | Conflict]:
    nets = [row for unit in units for row in unit if isinstance(row, Net)]
    live = going.bench.hand.read(nets, going.forms)
    caught_up = False
    for unit in units:
        told: list[Net | Conflict] = []
        for row in unit:
            if not isinstance(row, Net):
                told.append(row)
                continue
            try:
                told.append(_stands(going, row, live))
            except folding.Incomplete:
                if caught_up:
                    raise
                # Written between the end of the log as it was read and now: then the log tells it by now.
                live, caught_up = _caught_up(going, nets), True
                told.append(_stands(going, row, live))
        yield from deciding.together(told)


def _stands(going: rewinding.Run, net: Net, live: reversals.Live) -> Net | Conflict:
    name = net.name()
    return deciding.stands(net, live.get(name), going.bench.shelf.since(name)) or net


def _caught_up(going: rewinding.Run, nets: Sequence[Net]) -> reversals.Live:
    """Read first, and the log after it: what the log then tells is at least what was read."""
    live = going.bench.hand.read(nets, going.forms)
    going.read_to = rewinding.follow(going.bench, going.forms, going.database, going.read_to, lambda passing: False)
    return live


def _notes(going: rewinding.Run) -> Iterator[str]:
    """What a reader of the plan must know beyond its rows."""
    if beyond := going.bench.film.beyond():
        yield beyond
    if going.scope.since is not None and going.began is not None and going.began > going.scope.since:
        yield f"the log begins at {going.began.isoformat()}: of what came before nothing is known"
    for table in sorted(going.forms):
        form = going.forms[table]
        if form.triggers:
            yield f"triggers of {form.table} fire, as for any other write: {', '.join(form.triggers)}"
        left = [c.name for c in form.columns if not c.written]
        if left:
            yield f"{form.table}: the server itself makes {', '.join(left)}"
        ticking = [c.name for c in form.columns if c.ticks]
        if ticking:
            yield f"{form.table}: {', '.join(ticking)} are set to now, as at any other write"
    for name, rows in sorted(going.kept.items()):
        yield f"{rows} rows of {name} stay: they tell what was done"
    if going.transactions > len(going.seen):
        yield f"{going.transactions - len(going.seen)} more transactions are not told one by one"
