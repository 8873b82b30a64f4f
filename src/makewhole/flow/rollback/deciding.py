"""What stands in a row and what happened to it since go in; whether it may be written back comes out. Asked when a plan is made, and
again under the lock: the answer then is the one that counts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from makewhole.flow.rollback.folding import Incomplete
from makewhole.model import change, claim, dossier, order, payment
from makewhole.model.cell import Cell
from makewhole.model.rollback import Clash, Conflict, Form, How, Net
from makewhole.model.trail import Later, Trail

Standing = Mapping[str, Cell] | None
"""What stands in a row, column by column; None where it is not there."""
RETURNED = frozenset({order.OrderState.REFUNDED, order.OrderState.REFUNDING})
"""States of an order whose money went back, or is on its way."""


def trailed(trail: Trail, net: Net) -> Conflict | None:
    """What the log alone says against it."""
    if trail.clash is None:
        return None
    by = trail.clash_by
    return Conflict(
        net=net,
        clash=trail.clash,
        columns=trail.clash_columns,
        by="" if by is None else by.by,
        at=None if by is None else by.at,
    )


def drifted(net: Net, drift: Mapping[str, str], form: Form) -> Conflict | None:
    """What is different about the table today, as far as it concerns this row: a touched column, the key, or all for a whole row."""
    concerns = set(drift) if net.how is not How.REWRITE else set(drift) & {*net.now, *net.back, *net.key}
    # Under another key the row cannot even be looked for.
    concerns |= {c.lower() for c in net.key} ^ {c.lower() for c in form.key}
    return Conflict(net=net, clash=Clash.TYPE_CHANGED, columns=tuple(sorted(concerns))) if concerns else None


def cascades(net: Net, form: Form) -> Conflict | None:
    """Rows that refer to this one and that the database changes by itself, where its log does not hold what it did to them."""
    for child in form.children:
        # Where the log tells what went with its parent, that is taken back beside it; what came since would go without a word.
        back = net.how is How.REINSERT and child.told
        deletes = net.how is not How.REWRITE and child.on_delete not in _KEPT and not back
        renames = net.how is How.REWRITE and child.on_update not in _KEPT and bool(set(child.to) & set(net.back))
        if deletes or renames:
            return Conflict(net=net, clash=Clash.CASCADED, columns=child.to, by=child.table)
    return None


_KEPT = frozenset({"RESTRICT", "NO ACTION", ""})
"""What a foreign key may say without touching the rows that refer."""


def returned(told: dossier.Dossier) -> bool | None:
    """Whether money of this order went back, as its channels say; None where nobody can say, which is no proof that none did.

    A channel says of each attempt whether it was refunded, in part or in full. Of an attempt that it was not heard on, nothing follows.
    """
    attempts = told.of(payment.Attempt)
    if any(a.state is payment.AttemptState.REFUND for a in attempts) or told.of(payment.ChannelRefund):
        return True
    unheard = any(s.about in {claim.About.PAYMENT, claim.About.REFUND} and s.why in claim.UNHEARD for s in told.silences)
    paid = any(a.state is payment.AttemptState.PAID for a in attempts)
    return False if paid and not unheard else None


def settled(net: Net, was: order.OrderState | None, becomes: order.OrderState | None, *, elsewhere: bool | None) -> Conflict | None:
    """Money that went back is not brought here by SQL: an order leaves refunded or refunding only where the channel says, when asked
    (`elsewhere`), that it holds no refund. None is "nobody could say", which is no."""
    if was not in RETURNED or becomes in RETURNED or elsewhere is False:
        return None
    return Conflict(net=net, clash=Clash.SETTLED)


def stands(net: Net, live: Standing, since: Sequence[Later]) -> Conflict | None:
    """Compare-and-set: whether the row is exactly what the plan expects, and nobody wrote it since. Raises Incomplete where it is not and
    nobody did, by the log: then the log does not hold everything, and nothing at all may be written."""
    for event in since:
        if clash := _overtaken(net, event):
            return Conflict(net=net, clash=clash, columns=_both(net, event), by=event.by, at=event.at, live=_shown(net, live))
    if net.how is How.REINSERT:
        if live is None:
            return None
        raise Incomplete(f"a row of {net.table} is there again, and nothing in the log inserted it ({_key(net)})")
    if live is None:
        raise Incomplete(f"a row of {net.table} is gone, and nothing in the log deleted it ({_key(net)})")
    wrong = [c for c, v in net.now.items() if c not in live or live[c] != v]
    if wrong:
        raise Incomplete(f"{', '.join(wrong)} of {net.table} ({_key(net)}) is not what the log told last, and nothing in the log wrote it")
    return None


def together(unit: Iterable[Net | Conflict]) -> list[Net | Conflict]:
    """What belongs together goes back together or not at all."""
    rows = list(unit)
    stopped = next((r for r in rows if isinstance(r, Conflict)), None)
    if stopped is None:
        return rows
    return [r if isinstance(r, Conflict) else Conflict(net=r, clash=Clash.WITH_ORDER, by=stopped.by, at=stopped.at) for r in rows]


def ranks(forms: Mapping[str, Form]) -> Mapping[str, int]:
    """Tables in the order in which rows are inserted: whoever is referred to comes first. Circles end where they are met again."""
    found: dict[str, int] = {}

    def rank(name: str, above: Collection[str]) -> int:
        if name not in found:
            form = forms.get(name)
            parents = [] if form is None else [p.lower() for p in form.parents if p.lower() != name and p.lower() not in above]
            found[name] = 1 + max((rank(p, {*above, name}) for p in parents), default=-1)
        return found[name]

    for name in sorted(forms):
        rank(name, ())
    return found


def in_order(rows: Iterable[Net], rank: Mapping[str, int]) -> list[Net]:
    """How a batch is written: removed children first, then what is rewritten, then parents inserted before their children. What may refer
    to a parent that is inserted is rewritten after it. Each table's rows in the order of their keys, in which everybody locks them."""
    rows = list(rows)
    inserted = {net.table.lower() for net in rows if net.how is How.REINSERT}
    lowest = min((rank.get(table, 0) for table in inserted), default=None)

    def place(net: Net) -> tuple[int, int, str, tuple[tuple[int, int, str], ...]]:
        told = rank.get(net.table.lower(), 0)
        step = {How.REMOVE: 0, How.REWRITE: 1, How.REINSERT: 2}[net.how]
        if net.how is How.REWRITE and lowest is not None and told > lowest and net.table.lower() not in inserted:
            step = 3
        return step, -told if net.how is How.REMOVE else told, net.table, tuple(_sortable(v) for _, v in sorted(net.key.items()))

    return sorted(rows, key=place)


def _sortable(cell: Cell) -> tuple[int, int, str]:
    if cell is not None and cell.startswith("i:"):
        return 0, int(cell[2:]), ""
    return 1, 0, cell or ""


def _overtaken(net: Net, event: Later) -> Clash | None:
    match change.Kind(event.kind):
        case change.Kind.DELETE:
            return Clash.GONE
        case change.Kind.INSERT:
            return Clash.BACK_AGAIN
        case change.Kind.UPDATE:
            whole = net.how is not How.REWRITE
            return Clash.CHANGED_LATER if whole or set(event.columns) & set(net.now) else None


def _both(net: Net, event: Later) -> tuple[str, ...]:
    return tuple(c for c in event.columns if c in net.now)


def _shown(net: Net, live: Standing) -> dict[str, Cell]:
    return {} if live is None else {c: live[c] for c in net.now if c in live}


def _key(net: Net) -> str:
    return ", ".join(f"{c} = {v}" for c, v in net.key.items())
