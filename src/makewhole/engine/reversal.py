"""A plan is applied as it is: batch by batch, every row judged anew under its lock, then read again. Never plans."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from makewhole import ports
from makewhole.core import clock, codec, faults
from makewhole.engine import rewinding, untold
from makewhole.flow.rollback import deciding, folding, telling
from makewhole.model import cell, rollback
from makewhole.model.change import Position
from makewhole.model.rollback import Batch, Block, Conflict, Form, Header, How, Mode, Net, Receipt
from makewhole.ports import reversals


@dataclass(frozen=True, kw_only=True)
class Order:
    """A plan as it was reviewed, and who says that it be done."""

    header: Header
    hash: str
    rows: Iterable[Net]
    """In the plan's order: what belongs together stands together."""
    by: str
    approved_by: str = ""

    @property
    def approved(self) -> bool:
        """Whether a second person said so: the same name with a blank or a capital more is the same person."""
        return self.approved_by.strip().casefold() not in {"", self.by.strip().casefold()}


@dataclass(kw_only=True)
class _Run:
    bench: rewinding.Bench
    order: Order
    forms: Mapping[str, Form]
    at: Position
    """How far the log has been read."""
    own: list[_Own] = field(default_factory=list)
    """Our own transactions, as the log tells them."""
    settled: Mapping[str, Conflict] = field(default_factory=dict)
    """Rows of this batch, by name, of which a channel does not say that no money went back."""


@dataclass(frozen=True, kw_only=True)
class _Own:
    """One of our own transactions: its name, its place, and the name of one row that it wrote."""

    name: str
    begins: Position
    ends: Position
    row: str


def apply(
    bench: rewinding.Bench, order: Order, ticking: clock.Clock, tell: Callable[[Batch, Block], None], known: Callable[[str], bool]
) -> Receipt:
    """Do it; `tell` gets each batch, and its rows, as soon as it is committed and found in the log. A second run of the same plan writes
    nothing again, and tells what an earlier one committed and did not live to tell: `known` says of a transaction whether it was told.

    Raises BadInput where the plan does not fit what is there any more, Rejected where the database refuses or a conflict stops all,
    Unavailable or Indeterminate where the way was lost: the same call again goes on where it stopped.
    """
    going = _begin(bench, order)
    missing = _missing(going, known)
    began = ticking.now()
    rows = left = earlier = proven = 0
    for number, units in enumerate(_batches(order.rows), start=1):
        judging = _Judging(going=going, units=units, block=_block(going, units))
        try:
            # Asked of channels, which takes its time: before any lock. What they say of money that went back they never take back.
            going.settled = rewinding.settled(bench, judging.block)
            wrote = bench.hand.write(order.hash, judging.block, going.forms, judging.decide)
        except folding.Incomplete as hole:
            raise rewinding.incomplete(hole) from hole
        written, conflicts = wrote.block.rows, judging.conflicts
        own = _find_own(going, written)
        proven += len(written) if wrote.proven else _prove(going, written)
        for lost in missing.meet(number, judging.block.rows):
            _prove(going, lost.rows)
            tell(lost, Block(rows=lost.rows))
        rows, left, earlier = rows + len(written), left + len(conflicts), earlier + wrote.earlier
        if written and not own:
            raise rewinding.incomplete(folding.Incomplete("what we wrote ourselves is not in it"), written=True)
        tell(
            Batch(
                plan=order.hash,
                number=number,
                at=ticking.now(),
                transactions=tuple(o.name for o in own),
                begins=own[0].begins if own else going.at,
                ends=own[-1].ends if own else going.at,
                rows=tuple(written),
                before=_before(wrote),
                exact=wrote.exact,
                left=tuple(conflicts),
                earlier=wrote.earlier,
            ),
            wrote.block,
        )
    if places := missing.left():
        raise rewinding.incomplete(folding.Incomplete(f"rows that this plan does not name were written in its name at {places[0]}"))
    return Receipt(
        plan=order.hash,
        by=order.by,
        approved_by=order.approved_by,
        began_at=began,
        ended_at=ticking.now(),
        rows=rows,
        left=left,
        earlier=earlier,
        transactions=tuple(o.name for o in going.own),
        proven=proven,
    )


def recorded(
    bench: rewinding.Bench,
    order: Order,
    ticking: clock.Clock,
    store: ports.Store,
    shown: telling.Shown,
    keep: Callable[[bytes], None],
) -> Receipt:
    """The same with evidence: the intention before the first row (law 2), each batch as it is done and once only, the end. `keep` gets the
    receipt's lines, which hold everything exactly."""
    shop = order.header.shop
    store.append([telling.begun(order.header, order.hash, order.by, order.approved_by, ticking.now())])

    def tell(batch: Batch, block: Block) -> None:
        line = codec.canonical(batch)
        keep(line)
        once = telling.key(batch.plan, batch.transactions[0]) if batch.transactions else ""
        store.append([telling.done(shop, batch, block.kinds, line, shown)], once)

    def known(transaction: str) -> bool:
        return store.mark(telling.key(order.hash, transaction)) is not None

    receipt = apply(bench, order, ticking, tell, known)
    keep(codec.canonical(receipt))
    store.append([telling.ended(shop, receipt)])
    return receipt


def _begin(bench: rewinding.Bench, order: Order) -> _Run:
    """What must hold for the whole, before the first row."""
    header = order.header
    if header.format != rollback.FORMAT:
        raise faults.BadInput(f"a plan of format {header.format}", where="the plan", todo="Make it anew with this version.")
    here = bench.hand.place()
    if here != header.place:
        raise faults.BadInput(
            f"the plan is for {header.place.database} of {header.place.server}, and this is {here.database} of {here.server}",
            where="the plan",
            todo="Apply it where it was made.",
        )
    if header.money and not order.approved:
        raise faults.Rejected("amounts would be written: a second person approves that", code="approval")
    if header.mode is Mode.ALL_OR_NOTHING and (header.conflicts or header.rows > rollback.ROWS_MAX):
        why = (
            f"{header.conflicts} conflicts"
            if header.conflicts
            else f"more than {rollback.ROWS_MAX} rows, which no one transaction may hold"
        )
        raise faults.Rejected(f"all or nothing was chosen, and there are {why}", code="conflicts")
    bench.hand.ready()
    bench.film.watch(rewinding.AUDIT)
    forms = {f.table.lower(): f for f in header.forms}
    if dict(bench.hand.describe([f.table for f in header.forms])) != forms:
        todo = "The plan does not hold any more: make a new one."
        raise faults.BadInput("a table is another one than when the plan was made", where="the plan", todo=todo)
    return _Run(bench=bench, order=order, forms=forms, at=header.read_to)


def _batches(rows: Iterable[Net]) -> Iterator[list[list[Net]]]:
    """Whole units, at most so many rows. Raises BadInput for a unit that no one transaction may hold."""
    batch: list[list[Net]] = []
    size = 0
    for unit in (list(told) for _, told in itertools.groupby(rows, key=operator.attrgetter("unit"))):
        if len(unit) > rollback.ROWS_MAX:
            what = f"{len(unit)} rows of {unit[0].unit} belong together, and one transaction holds at most {rollback.ROWS_MAX}"
            raise faults.BadInput(what, where="the plan", todo="Take back fewer of its changes at once (--column, --since).")
        if size + len(unit) > rollback.ROWS_MAX:
            yield batch
            batch, size = [], 0
        batch.append(unit)
        size += len(unit)
    if batch:
        yield batch


def _block(going: _Run, units: Sequence[Sequence[Net]]) -> Block:
    """The rows of these units in the order in which they are written; those of one table alone find theirs in the database."""
    rows = [net for unit in units for net in unit]
    return Block(rows=rows if len(going.forms) == 1 else deciding.in_order(rows, deciding.ranks(going.forms)))


@dataclass(kw_only=True)
class _Judging:
    """One batch under its locks."""

    going: _Run
    units: Sequence[Sequence[Net]]
    block: Block
    conflicts: list[Conflict] = field(default_factory=list)
    """Rows that are left alone, as they were found last."""

    def decide(self, held: reversals.Held) -> Block:
        """The log up to this very instant, then every row against what stands in it."""
        going, self.conflicts = self.going, []
        _follow(going)
        if held.exact and not held.done and not going.settled and going.bench.shelf.quiet():
            return self.block
        chosen: list[Net] = []
        for unit in self.units:
            judged = deciding.together(_stands(going, net, held) for net in unit if net.name() not in held.done)
            self.conflicts += [row for row in judged if isinstance(row, Conflict)]
            chosen += [row for row in judged if isinstance(row, Net)]
        if self.conflicts and going.order.header.mode is Mode.ALL_OR_NOTHING:
            what = f"all or nothing was chosen, and {len(self.conflicts)} rows were changed meanwhile"
            raise faults.Rejected(what, code="conflicts")
        if len(chosen) == len(self.block.rows):
            return self.block
        return Block(rows=deciding.in_order(chosen, deciding.ranks(going.forms)))


def _stands(going: _Run, net: Net, held: reversals.Held) -> Net | Conflict:
    name = net.name()
    live = rollback.expected(net) if held.exact else held.live.get(name)
    return deciding.stands(net, live, going.bench.shelf.since(name)) or going.settled.get(name) or net


def _missing(going: _Run, known: Callable[[str], bool]) -> untold.Untold:
    """What earlier runs of this plan committed, as the log tells it, and nobody told."""
    missing = untold.Untold(plan=going.order.hash)

    def met(passing: reversals.Passing) -> None:
        if not known(passing.head.id):
            missing.add(passing.head, rewinding.noted(passing, going.order.header.place.database, going.order.hash))

    _follow(going, met)
    return missing


def _follow(going: _Run, met: Callable[[reversals.Passing], None] = lambda passing: None) -> None:
    database = going.order.header.place.database

    def own(passing: reversals.Passing) -> bool:
        row = next(rewinding.noted(passing, database, going.order.hash), None)
        if row is None:
            return False
        going.own.append(_Own(name=passing.head.id, begins=passing.head.begins, ends=passing.head.ends, row=row))
        met(passing)
        return True

    going.at = rewinding.follow(going.bench, going.forms, database, going.at, own) or going.at


def _find_own(going: _Run, rows: Sequence[Net]) -> list[_Own]:
    """Our transaction of these rows, as the log tells it: another run of the same plan may have written others at the same time."""
    before = len(going.own)
    _follow(going)
    found = going.own[before:]
    if len(found) < 2:
        return found
    names = set(rollback.names(rows))
    return [o for o in found if o.row in names]


def _prove(going: _Run, rows: Sequence[Net]) -> int:
    """Read again: every row holds what was written, or somebody wrote it since, which the log then tells. Raises BadInput where not."""
    targets = [target(row) for row in rows]
    live = going.bench.hand.read(targets, going.forms)
    proven = 0
    for row, wanted in zip(rows, targets, strict=True):
        stands = live.get(wanted.name())
        right = stands is None if row.how is How.REMOVE else stands is not None and all(stands.get(c) == v for c, v in wanted.now.items())
        if right:
            proven += 1
            continue
        _follow(going)
        if not going.bench.shelf.since(wanted.name()):
            hole = folding.Incomplete(f"a row of {row.table} does not hold what was just written")
            raise rewinding.incomplete(hole, written=True)
    return proven


def _before(wrote: reversals.Wrote) -> tuple[dict[str, cell.Cell], ...]:
    """Of each row, what stood under the lock in the columns that the plan looks at."""
    if wrote.exact:
        return ()
    return tuple({c: v for c, v in (wrote.before[r.name()] or {}).items() if c in r.now or c in r.key} for r in wrote.block.rows)


def target(row: Net) -> Net:
    """What must stand in a row once it is written, under the key that it then has."""
    key = {c: row.back.get(c, v) for c, v in row.key.items()}
    return Net(table=row.table, key=key, unit=row.unit, how=row.how, now=row.back, back=row.back, by=row.by)
