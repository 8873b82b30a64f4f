"""The log runs by once, and the rows that a rollback is about come to lie on the shelf: what is meant, and what is somebody else's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from makewhole.core import codec, faults, ids
from makewhole.engine import owners
from makewhole.flow.rollback import deciding, folding
from makewhole.model import cell, change, order, rollback
from makewhole.model.change import Kind, Position, Traced
from makewhole.model.rollback import Form, Scope, Seen
from makewhole.model.trail import Later
from makewhole.ports import reversals, trails

AUDIT = "makewhole_rollbacks"
"""Our own table in the shop's database: which rows which plan wrote."""
OURS = "makewhole_"
"""What every table of ours is called by: never taken back."""
FORWARD = frozenset({"ALTER"})
"""Statements after the last bad change that leave a table's rows what they were: columns are then found by name, types compared."""


@dataclass(frozen=True, kw_only=True)
class Bench:
    """Everything that a plan is made with."""

    film: reversals.Film
    hand: reversals.Reverser
    shelf: reversals.Shelf
    shop: str
    tables: Sequence[Traced]
    """Where orders leave rows."""
    key_of: Callable[[ids.OrderNumber], str | None] = lambda number: None
    """The key of an order's row now. A row beside it may be all of it that was written, and knows its order by that key alone."""
    part: Callable[[str], change.Image | None] = lambda key: None
    """A part's row now, by its key, as far as it tells whose it is: a row beside it may name the part alone."""
    who: tuple[str, str] | None = None
    """Table and column in which the shop itself writes who did something; rows of that table are never taken back."""
    state: Callable[[change.Image], str | None] = lambda image: None
    state_columns: frozenset[str] | None = None
    """Columns of the order's own table, lower case, without which `state` says nothing; None where nobody knows which these are."""
    whole: trails.Whole | None = None
    """Where orders have parts: tells a part's state."""
    money: frozenset[tuple[str, str]] = frozenset()
    """Table and column, lower case, of amounts."""
    elsewhere: Callable[[str], bool | None] = lambda number: None
    """Whether the channel holds a refund of this order; None where nobody can say."""


@dataclass(kw_only=True)
class Run:
    """What is known while the log runs by."""

    bench: Bench
    origin: rollback.Origin
    scope: Scope
    database: str
    owners: owners.Owners
    forms: dict[str, Form] = field(default_factory=dict)
    unwanted: dict[str, frozenset[str]] = field(default_factory=dict)
    """Of each touched table, the columns that are never taken back: the server's own, and those that tick or count."""
    drift: dict[str, dict[str, str]] = field(default_factory=dict)
    shapes: set[change.Table] = field(default_factory=set)
    spoken: list[tuple[str, Later]] = field(default_factory=list)
    """Statements that spoke of a touched table after the last bad change of it: table, and the statement as columns."""
    seen: list[Seen] = field(default_factory=list)
    found: set[str] = field(default_factory=set)
    transactions: int = 0
    left: int = 0
    kept: Counter[str] = field(default_factory=Counter)
    """Rows of tables that tell what was done, which stay: history of the shop's own, and ours."""
    read_to: Position | None = None
    began: datetime | None = None


def settled(bench: Bench, block: rollback.Block) -> dict[str, rollback.Conflict]:
    """Rows of orders, by name, that may not leave refunded or refunding, though they would: their channels are asked, now."""
    found = {}
    telling: dict[tuple[str, ...], bool] = {}
    for alike in block.kinds.values():
        one = alike[0]
        columns = (one.table, *one.now)
        if columns not in telling:
            telling[columns] = _may_tell(bench, one)
        # Thousands of rows may differ in what says nothing of their state.
        if not telling[columns] or one.how is not rollback.How.REWRITE:
            continue
        was, becomes = states(bench, one.table, one.now, one.back)
        if was not in deciding.RETURNED or becomes in deciding.RETURNED:
            continue
        for net in alike:
            if clash := deciding.settled(net, was, becomes, elsewhere=bench.elsewhere(net.unit)):
                found[net.name()] = clash
    return found


def _may_tell(bench: Bench, net: rollback.Net) -> bool:
    """Whether rows that are looked at in the same columns tell a state."""
    there = [t for t in bench.tables if t.table.lower() == net.table.lower()]
    if bench.state_columns is None or any(t.key is None for t in there):
        return bool(there)
    return bool(there) and not bench.state_columns.isdisjoint(c.lower() for c in net.now)


def states(
    bench: Bench, table: str, now: Mapping[str, cell.Cell], back: Mapping[str, cell.Cell]
) -> tuple[order.OrderState | None, order.OrderState | None]:
    """The states that a row tells before and after it goes back: an order's own, or a part's; None for every other row, and where it does
    not tell it."""
    image, becomes = ({c: cell.unpack(v) for c, v in cells.items()} for cells in (now, back))
    there = [t for t in bench.tables if t.table.lower() == table.lower() and t.holds(image) is not False]
    told = [(_state(bench, t, image), _state(bench, t, becomes)) for t in there]
    # Of two kinds in one table the columns that changed may not tell which it is: money that may leave here is money that leaves.
    leaves = (pair for pair in told if pair[0] in deciding.RETURNED and pair[1] not in deciding.RETURNED)
    return next(leaves, told[0] if told else (None, None))


def _state(bench: Bench, table: Traced, image: change.Image) -> order.OrderState | None:
    word = None
    if table.key is not None:
        word = bench.state(image)
    elif table.role == "suborder" and bench.whole is not None:
        word = bench.whole.part(image)
    return None if word is None else order.OrderState(word)


def incomplete(hole: folding.Incomplete, *, written: bool = False) -> faults.BadInput:
    """The alarm: something wrote and is not in the log. `written`: so did we, and what we wrote stands."""
    stands = f"A batch was written and stands ({AUDIT} names its rows); nothing after it was." if written else "Nothing was written."
    todo = f"{stands} Find out what writes past the log (sql_log_bin=0, a statement, another server) before anything is taken back."
    return faults.BadInput(f"the change log does not hold everything: {hole}", where="the change log", todo=todo)


def read(going: Run) -> None:
    end = going.bench.film.end()
    for passing in going.bench.film.run():
        going.began = going.began or passing.head.committed_at
        going.read_to = passing.head.ends
        if _may_be_meant(going, passing.head) and _is_meant(going, passing):
            _bad(going, passing)
        elif going.forms:
            _good(going, passing)
    if going.read_to is None or (going.read_to.file, going.read_to.offset) < (end.file, end.offset):
        going.read_to = end


def _may_be_meant(going: Run, head: change.Transaction) -> bool:
    """What the transaction itself tells."""
    scope = going.scope
    if isinstance(going.origin, rollback.Undo):
        return True
    if scope.transactions and head.id.lower() not in {t.lower() for t in scope.transactions}:
        return False
    if scope.since is not None and head.committed_at < scope.since:
        return False
    if scope.until is not None and head.committed_at >= scope.until:
        return False
    return scope.connection is None or head.connection == scope.connection


def _is_meant(going: Run, passing: reversals.Passing) -> bool:
    """And what only its rows tell: whoever the shop says did it."""
    if isinstance(going.origin, rollback.Undo):
        return wrote(passing, going.database, going.origin.plan)
    user = going.scope.user
    if not user or passing.head.user == user or passing.head.user.partition("@")[0] == user:
        return True
    if going.bench.who is None:
        return False
    table, column = going.bench.who
    asked = (going.database.lower(), table.lower())
    if asked not in passing.tables:
        return False
    return any(change.spell((c.after or {}).get(column)) == user for c in passing.changes(frozenset({asked})))


def wrote(passing: reversals.Passing, database: str, plan: str) -> bool:
    """Whether this transaction is a batch of the plan with this hash: its audit rows say so, in the same transaction."""
    return next(noted(passing, database, plan), None) is not None


def noted(passing: reversals.Passing, database: str, plan: str) -> Iterator[str]:
    """The names of the rows that this transaction wrote as a batch of the plan with this hash, as its audit rows tell them."""
    audit = (database.lower(), AUDIT)
    if audit not in passing.tables:
        return
    for told in passing.changes(frozenset({audit})):
        after = told.after or {}
        if after.get("plan") == plan:
            yield from codec.decode(str(after["row_names"]), list[str])


def _bad(going: Run, passing: reversals.Passing) -> None:
    head = passing.head
    going.found.add(head.id.lower())
    _refuse_statements(going, passing)
    taken: Counter[str] = Counter()
    left: Counter[str] = Counter()
    statement = ""
    for told in passing.changes(None):
        name = told.table.name.lower()
        row = f"{told.table.name} {told.kind.value}"
        if told.table.schema.lower() not in {going.database.lower(), ""}:
            left[f"{told.table} {told.kind.value}"] += 1
            continue
        if name.startswith(OURS) or (going.bench.who is not None and name == going.bench.who[0].lower()):
            going.kept[told.table.name] += 1
            continue
        unit = going.owners.unit(told)
        if going.scope.orders and not going.owners.ours(told, going.scope.orders):
            left[row] += 1
            continue
        statement = statement or told.statement
        _prepare(going, told, passing)
        _fold(going, told, head, unit)
        changed = (c.lower() for c in told.changed() if told.kind is Kind.UPDATE)
        skipped = [c for c in changed if c not in going.unwanted[name] and not _asked(going, name, c)]
        taken[row] += 1
        left[f"{row}: {', '.join(skipped)}"] += bool(skipped)
    left = +left
    if not taken and not left:
        return
    going.left += sum(left.values())
    going.transactions += 1
    if len(going.seen) < rollback.SEEN_MAX:
        going.seen.append(
            Seen(
                id=head.id,
                at=head.committed_at,
                position=str(head.begins),
                user=head.user,
                connection=head.connection,
                statement=statement,
                taken=dict(taken),
                left=dict(left),
            )
        )


def _refuse_statements(going: Run, passing: reversals.Passing) -> None:
    """A transaction that is meant and tells rows by a statement alone: no image of them is anywhere in the log."""
    told = list(going.owners.tables) + [t for t in going.forms if t not in going.owners.tables]
    for table in told:
        text = passing.speaks(going.database, table)
        if text and (going.scope.transactions or going.forms or text.split(maxsplit=1)[0].upper() != "CREATE"):
            raise faults.BadInput(
                f"{table} was changed by a statement that the log tells without rows: {_said(text)}",
                where=f"{passing.head.id} at {passing.head.begins}",
                todo="Rows cannot take it back. Restore the orders from an image (images restore), or leave this transaction out.",
            )


def _said(statement: str) -> str:
    """A statement in a message: without its values, which are people's names and numbers."""
    return change.without_values(statement)[:200]


def _good(going: Run, passing: reversals.Passing) -> None:
    """Somebody else's work, as far as it concerns a row that is to be taken back."""
    head = passing.head
    for table in going.forms:
        if text := passing.speaks(going.database, table):
            by = Later(by=head.id, at=head.committed_at, kind=Kind.UPDATE.value, columns=(_said(text),))
            going.spoken.append((table, by))
    asked = frozenset((going.database.lower(), t) for t in going.forms)
    if passing.tables.isdisjoint(asked):
        return
    for told in passing.changes(asked):
        _named(going, told, passing)
        name, event = later(going.forms[told.table.name.lower()], told, head)
        known = going.bench.shelf.get(name)
        if known is not None and (event.columns or told.kind is not Kind.UPDATE):
            going.bench.shelf.put(name, folding.good(known, event))


def later(form: Form, told: change.Change, head: change.Transaction) -> tuple[str, Later]:
    """Which row somebody wrote, and what of it. A row that got another key is gone under its old one."""
    image = told.before if told.before is not None else told.after
    name = rollback.row_name(told.table.name, folding.key_of(told.table, image or {}))
    own = {c.name.lower() for c in form.columns if c.written and not c.ticks and not c.counts}
    kind = Kind.DELETE if folding.moved(told.table, told) else told.kind
    columns = tuple(c for c in told.changed() if c.lower() in own)
    return name, Later(by=head.id, at=head.committed_at, kind=kind.value, columns=columns)


def _prepare(going: Run, told: change.Change, passing: reversals.Passing) -> None:
    """The first time that a table is met, and every time that the log describes it in another way."""
    name = told.table.name.lower()
    if not told.whole():
        raise faults.BadInput(
            f"the log does not hold the whole row of a change of {told.table} ({going.bench.film.lacking(told.table)})",
            where=f"{passing.head.id} at {passing.head.begins}",
            todo="It cannot be taken back: what it overwrote may be nowhere. Restore the orders from an image, or leave it out.",
        )
    if told.table in going.shapes:
        return
    _named(going, told, passing)
    going.drift.setdefault(name, {}).update(going.bench.film.drift(told.table))
    going.shapes.add(told.table)
    if name in going.forms:
        return
    form = going.bench.hand.describe([told.table.name]).get(name)
    if form is None:
        todo = "A table that was dropped or renamed is not put back by rows."
        raise faults.BadInput(f"the database has no table {told.table.name} any more", where=str(passing.head.begins), todo=todo)
    going.forms[name] = form
    going.unwanted[name] = frozenset(c.name.lower() for c in form.columns if not c.written or c.ticks or c.counts)


def _wanted(going: Run, table: str, column: str) -> bool:
    """Whether a change of this column is taken back. One that the table has not got any more is: that it cannot go back must be seen."""
    name = column.lower()
    return name not in going.unwanted[table] and _asked(going, table, name)


def _asked(going: Run, table: str, column: str) -> bool:
    columns = {c.lower() for c in going.scope.columns}
    return not columns or not columns.isdisjoint({column, f"{table}.{column}"})


def _named(going: Run, told: change.Change, passing: reversals.Passing) -> None:
    if not told.table.named or not told.table.key:
        # Raises, with what to do about it.
        going.bench.film.drift(told.table)
        raise faults.BadInput(f"{told.table} has no key in the log", where=str(passing.head.begins), todo="Give the table a primary key.")


def _fold(going: Run, told: change.Change, head: change.Transaction, unit: str) -> None:
    shelf, table = going.bench.shelf, told.table.name.lower()
    # By the key that it had: an update may change it.
    image = told.before if told.before is not None else told.after
    name = rollback.row_name(told.table.name, folding.key_of(told.table, image or {}))
    by = Later(by=head.id, at=head.committed_at, kind=told.kind.value, columns=())
    # What happened before the last bad change of a table is inside what is taken back.
    for spoken_of, spoken in going.spoken:
        if spoken_of == table:
            raise faults.BadInput(
                f"{table} was changed by a statement between the changes that are to be taken back: {spoken.columns[0]}",
                where=spoken.by,
                todo="Rows cannot reach behind it. Restore the orders from an image, or take back only what came after it.",
            )
    known = shelf.get(name)
    trail = folding.bad(known, told, by, known.unit if known is not None else unit, lambda c: _wanted(going, table, c))
    if trail is not None and trail.key != (known.key if known is not None else None):
        now = rollback.row_name(trail.table, trail.key)
        if now != name:
            shelf.put(name, None)
            name = now
    if known is not None or trail is not None:
        shelf.put(name, trail)


def follow(
    bench: Bench,
    forms: Mapping[str, Form],
    database: str,
    since: Position | None,
    own: Callable[[reversals.Passing], bool],
) -> Position | None:
    """Everything that others wrote to these tables from this place to now goes to the shelf; where the log ended. Raises BadInput for a
    statement that speaks of them: its rows are nowhere."""
    asked = frozenset((database.lower(), t) for t in forms)
    for passing in bench.film.run(since):
        since = passing.head.ends
        if own(passing):
            continue
        for table in forms:
            if text := passing.speaks(database, table):
                todo = "The plan does not hold any more: make a new one."
                raise faults.BadInput(f"{table} was changed by a statement meanwhile: {_said(text)}", where=passing.head.id, todo=todo)
        if passing.tables.isdisjoint(asked):
            continue
        for told in passing.changes(asked):
            name, event = later(forms[told.table.name.lower()], told, passing.head)
            if event.columns or told.kind is not Kind.UPDATE:
                bench.shelf.happened(name, event)
    return since
