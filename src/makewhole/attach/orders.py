"""The order's table and the columns chosen for it go in; fields, units, states, kinds, parts go into the draft, doubts as questions."""

from __future__ import annotations

import dataclasses

from makewhole.attach import (
    amounts,
    codes,
    columns,
    fields,
    labels,
    ladders,
    ledgers,
    moments,
    naming,
    numbers,
    spelling,
    states,
    survey,
    timeline,
    values,
    wants,
)
from makewhole.attach.columns import Candidate, Read
from makewhole.attach.drafts import ORDER_STATES, UNSURE, Draft, coded, found_of
from makewhole.attach.fields import Chosen
from makewhole.attach.proposal import STATED_MIN, Asked, Choice, Evidence, Found, Question, Role, Why
from makewhole.attach.tables import Cast

_PLAIN = (
    "order.buyer", "order.created_at", "order.paid_at", "order.shipped_at", "order.completed_at", "order.closed_at", "order.expires_at",
    "order.transaction_id", "order.carrier", "order.tracking_number", "order.receiver_phone", "order.coupon", "order.version",
)  # fmt: skip
_STEPS = ("paid", "shipped", "completed", "closed")
_WITNESSES = {"paying": "order.amount_paid", "parcel": "order.tracking_number"}
"""What else only paid, and only sent orders hold."""
PARENT = frozenset({"parent", "order", "trade", "id", "number", "relation"})
KIND_OF_PAPER = frozenset({"type", "order", "trade", "bill", "info", "id", "number"})
"""What the name of a column may speak of that tells orders from other papers in their table."""
PARENTS_MIN = 0.5
"""Share of the parents named that must be among the sampled rows."""
BESIDE_MAX = 0.2
"""Share of unpaid orders that may hold an instant that only paid ones have."""
HELD_ROWS_MIN, HELD_MIN = 20, 0.85
"""Orders in a state, and the share of them that must hold its instant; a few broken ones lack it in any shop."""
TENANTS_MAX = 6
BARRED_MAX = 8
"""Times that columns are chosen anew; no table is known that needs more than three."""
Lookups = dict[str, dict[str, str]]


def key_of(read: Read) -> str:
    """The row's own key: the primary key where it is one column, else a column that is unique, else the key's part that is."""
    if len(read.table.key) == 1:
        return read.table.key[0]
    alone = next((u[0] for u in read.table.unique if len(u) == 1), "")
    rows = len(read.table.sample)
    # A partitioned table's key holds the partition's column too.
    return alone or next((k for k in read.table.key if rows and len(set(read.table.values(k))) == rows), "")


def columns_of(read: Read) -> tuple[dict[str, Chosen], fields.Barred]:
    """The columns for an order's fields, and those that the rows contradict: each of them gives way to the next."""
    barred: fields.Barred = frozenset()
    for _ in range(BARRED_MAX):
        plain = fields.assign(read, "order", barred=barred)
        left = amounts.contradicted(read, plain)
        chosen = plain if left else _by_fuller(read, plain, barred)
        more = left | frozenset(timeline.contradicted(read, chosen).items())
        if not more:
            return chosen, barred
        barred |= more
    return _by_fuller(read, fields.assign(read, "order", barred=barred), barred), barred


def _by_fuller(read: Read, chosen: dict[str, Chosen], barred: fields.Barred) -> dict[str, Chosen]:
    """What is due is in every order; an amount that equals it where there is one, and that some orders lack, was paid."""
    due = chosen.get("order.amount_due")
    fuller = None if due is None else amounts.fuller(read, due, barred)
    return chosen if due is None or fuller is None else {**chosen, "order.amount_paid": due, "order.amount_due": Chosen(best=fuller)}


def propose(
    draft: Draft, cast: Cast, chosen: dict[str, Chosen], barred: fields.Barred, lookups: Lookups, back: ledgers.Back = ledgers.NOTHING_BACK
) -> None:
    """Everything that the order's own row says, with what a table of refunds says of it."""
    read = cast.read
    chosen = timeline.placed(read, chosen)
    numbers.number(draft, read, chosen, key_of(read))
    for name in _PLAIN:
        if name in chosen:
            draft.column(read, name, chosen[name])
    deleted = _deleted(draft, read, chosen)
    _tenant(draft, read, chosen)
    when = moments.Instants(
        **{k: chosen[f"order.{k}_at"].name for k in _STEPS if f"order.{k}_at" in chosen and not chosen[f"order.{k}_at"].rivals},
        **{k: chosen[f].name for k, f in _WITNESSES.items() if f in chosen and chosen[f].best.score >= STATED_MIN},
    )
    _money(draft, read, chosen, when, barred)
    told = states.of_order(read, when, deleted, lookups, back)
    channel(draft, read, "order.channel", chosen, lookups)
    role = Role(
        name="order",
        table=read.table.name,
        where=_apart_from_parts(draft, read, chosen) or _apart_from_papers(draft, read, lookups),
        confidence=round(cast.score, 2),
        evidence=cast.evidence,
        key=spelling.name(key_of(read)) if key_of(read) else "",
        states=told.rungs if told is not None else (),
        states_confidence=told.confidence if told is not None else 0.0,
        states_evidence=(Evidence(why=Why.LABELS, what=told.said),) if told is not None and told.said else (),
        kinds=_kinds(draft, read, lookups),
    )
    draft.roles.append(role)
    if told is not None:
        _lacking(draft, read, chosen, told)
        draft.questions += coded("order", told, ORDER_STATES)
        if told.rungs:
            draft.state(_state_found(read, told))


def _lacking(draft: Draft, read: Read, chosen: dict[str, Chosen], told: ladders.Told) -> None:
    """An instant that many orders in its own state lack is not what it seems: another that they all hold takes its place, or none."""
    for name in ("order.paid_at", "order.shipped_at", "order.completed_at"):
        # What stands in orders that nobody paid is another instant: that of placing them, mostly.
        if (
            len(told.unpaid) >= values.ROWS_TELL_MIN
            and name in draft.found
            and _held(read, draft.found[name].column, told.unpaid) > BESIDE_MAX
        ):
            del draft.found[name]
    completed = next((rows for word, rows in told.arrived if word == "completed"), ())
    for rows in (completed, told.paid):
        # What stands in completed orders, or in paid ones, is the end of any order, or of the good ones.
        closed = draft.found.get("order.closed_at")
        if closed is not None and len(rows) >= HELD_ROWS_MIN and _held(read, closed.column, rows) > BESIDE_MAX:
            del draft.found["order.closed_at"]
    for word, rows in told.arrived:
        name = f"order.{word}_at"
        if name not in draft.found or len(rows) < HELD_ROWS_MIN or _held(read, draft.found[name].column, rows) >= HELD_MIN:
            continue
        del draft.found[name]
        taken = {c.name for c in chosen.values()}
        others = (c for c in columns.candidates(read, wants.of(name)) if c.column.name not in taken and c.score >= STATED_MIN)
        better = next((c for c in others if _held(read, c.column.name, rows) >= HELD_MIN), None)
        if better is not None:
            draft.column(read, name, Chosen(best=better))


def _held(read: Read, column: str, rows: tuple[int, ...]) -> float:
    there = read.table.values(column)
    return sum(not values.absent(there[i]) for i in rows) / len(rows)


def _state_found(read: Read, told: ladders.Told) -> Found:
    by = Evidence(why=Why.LABELS if told.said else Why.PRESENT, what=told.said)
    return Found(
        field="order.state", table=read.table.name, sql=told.columns[0], column=told.columns[0], confidence=told.confidence, evidence=(by,)
    )


def _apart_from_parts(draft: Draft, read: Read, chosen: dict[str, Chosen]) -> str:
    """Where rows hang on another row of the same table, the condition of those that do not; what the others are is asked.

    They may be parts of an order, its refunds, or orders of their own: until somebody says so, nothing is said of them.
    """
    number = chosen["order.number"].name if "order.number" in chosen else ""
    own = {values.text(v) for name in {key_of(read), number} - {""} for v in read.table.values(name) if not values.absent(v)}
    for column in read.table.columns:
        ideas = naming.ideas(read.names[column.name])
        there = [values.text(v) for v in read.table.values(column.name) if not values.absent(v)]
        if "parent" not in ideas or not ideas <= PARENT or not there or sum(v in own for v in there) < PARENTS_MIN * len(there):
            continue
        style = spelling.style(column)
        none = "''" if style is spelling.Style.TEXT else "0"
        alone = f"COALESCE({spelling.name(column.name)}, {none}) = {none}"
        choices = (Choice(label=alone, where=alone), Choice(label="*"))
        draft.ask(Question(field="order", asked=Asked.PARENT, about=column.name, choices=choices, hint=f"{len(there)} rows"))
        return alone
    return ""


def _apart_from_papers(draft: Draft, read: Read, lookups: Lookups) -> str:
    """Where purchases, returns or offers stand among the orders by their kind's label, the condition of the others; the rest is asked."""
    for column in read.table.columns:
        ideas = naming.ideas(read.names[column.name])
        if "type" not in ideas or not ideas <= KIND_OF_PAPER:
            continue
        used = values.codes(read.table, column)
        explained = dict(codes.of_comment(column.comment, used)) or lookups.get(column.name, {}) or {c: c for c in used}
        ours = tuple(c for c in used if not labels.other_paper(explained.get(c, c)))
        if not ours or len(ours) == len(used):
            continue
        alone = spelling.among(column.name, ours, style=spelling.style(column))
        others = ", ".join(explained.get(c, c) for c in used if c not in ours)
        choices = (Choice(label=alone, where=alone), Choice(label="*"))
        draft.ask(Question(field="order", asked=Asked.PAPER, about=column.name, choices=choices, hint=others))
        return alone
    return ""


def _deleted(draft: Draft, read: Read, chosen: dict[str, Chosen]) -> str:
    """The condition under which a row is deleted; empty where nothing says so."""
    if "order.deleted" not in chosen:
        return ""
    best = chosen["order.deleted"].best
    column, look = best.column.name, best.look
    used = values.codes(read.table, best.column)
    clock = not used and best.column.kind is not survey.Kind.INTEGER and values.Shape.INSTANT in look.shapes
    if look.unit or clock:
        sql = spelling.present(column, look.unit)
    else:
        explained = dict(codes.of_comment(best.column.comment, used))
        yes = next((c for c, label in explained.items() if labels.deleted(label)), "")
        if not yes and not (set(used) <= values.ONES or values.flagged(used)):
            draft.column(read, "order.deleted", chosen["order.deleted"])
            return ""
        kept = next((c for c in used if c.lower() in {"y", "true"}), "1")
        sql = spelling.equals(column, yes or kept, style=spelling.style(best.column))
    if best.score >= STATED_MIN:
        draft.state(
            Found(
                field="order.deleted",
                table=read.table.name,
                sql=sql,
                column=column,
                confidence=round(best.score, 2),
                evidence=best.evidence,
            )
        )
        return sql
    return ""


def _tenant(draft: Draft, read: Read, chosen: dict[str, Chosen]) -> None:
    """The column is named; whether only one tenant's rows are ours is for a person to say."""
    if "order.tenant" not in chosen:
        return
    best = chosen["order.tenant"].best
    if best.score < STATED_MIN:
        return
    draft.column(read, "order.tenant", chosen["order.tenant"])
    there = values.codes(read.table, best.column)
    if 1 < len(there) <= TENANTS_MAX and read.look(best.column.name).rows >= 5:
        style = spelling.style(best.column)
        every = (Choice(label="*"), *(Choice(label=t, where=spelling.equals(best.column.name, t, style=style)) for t in there))
        draft.ask(Question(field="order.tenant", asked=Asked.TENANT, about=best.column.name, choices=every))


def _money(draft: Draft, read: Read, chosen: dict[str, Chosen], when: moments.Instants, barred: fields.Barred) -> None:
    """Due and paid, told apart by what unpaid orders hold; then what the due amount adds up from."""
    chosen = amounts.alone(read, _apart(read, chosen, when, barred))
    chosen = _added_up(draft, read, chosen)
    for name in ("order.amount_due", "order.amount_paid"):
        if name in chosen:
            money(draft, read, name, chosen[name])
    due = draft.found.get("order.amount_due")
    if due is None:
        return
    added = amounts.parts(read, due.column)
    if added is not None:
        sql, share = added
        by = Evidence(why=Why.SUM, what=f"{share:.0%}")
        draft.state(Found(field="order.amount_parts", table=read.table.name, sql=sql, confidence=0.9, evidence=(by,), unit=due.unit))


def _added_up(draft: Draft, read: Read, chosen: dict[str, Chosen]) -> dict[str, Chosen]:
    """An amount from which another one adds up is not due: the other one is, or, where unpaid orders lack it, that is asked."""
    due = chosen.get("order.amount_due")
    rest = amounts.rest_of(read, due.name) if due is not None else ""
    if due is None or not rest:
        return chosen
    look = read.look(rest)
    by = (Evidence(why=Why.SUM, what=due.name),)
    if look.present >= columns.NUMBERED_MIN * due.best.look.present:
        return {**chosen, "order.amount_due": Chosen(best=Candidate(column=read.table.by_name[rest], look=look, score=0.9, evidence=by))}
    money(draft, read, "order.amount_due", Chosen(best=dataclasses.replace(due.best, score=min(due.best.score, UNSURE))))
    return {f: c for f, c in chosen.items() if f != "order.amount_due"}


def _apart(read: Read, chosen: dict[str, Chosen], when: moments.Instants, barred: fields.Barred) -> dict[str, Chosen]:
    """An amount that unpaid orders do not have yet is what was paid; one that they have is what is due."""
    told = dict(chosen)
    due, paid = told.get("order.amount_due"), told.get("order.amount_paid")
    if when.paid:
        unpaid = tuple(i for i, v in enumerate(read.table.values(when.paid)) if values.absent(v))
        if due is not None and (share := amounts.share_present(read, due.name, unpaid)) is not None and share <= 0.1:
            rest = fields.assign(read, "order", frozenset({due.name}), barred).get("order.amount_due")
            if rest is not None:
                told["order.amount_paid"], told["order.amount_due"] = due, rest
                return told
        if paid is not None and (share := amounts.share_present(read, paid.name, unpaid)) is not None and share >= 0.9:
            del told["order.amount_paid"]
            if due is None or due.best.score < paid.best.score:
                told["order.amount_due"] = paid
    elif paid is not None and due is None and paid.best.look.present >= columns.NUMBERED_MIN:
        # Every order has it, and nothing else is due: whether it was paid, no row tells.
        told["order.amount_due"] = Chosen(best=dataclasses.replace(told.pop("order.amount_paid").best, score=UNSURE))
    elif paid is not None and paid.best.score < 0.85:
        del told["order.amount_paid"]
    return told


def money(draft: Draft, read: Read, name: str, chosen: Chosen) -> None:
    """A column of money: the column may be sure and its unit not; then only the unit is asked."""
    unit = amounts.unit(read, chosen.best.column)
    if unit.confidence >= STATED_MIN or chosen.best.score < STATED_MIN or chosen.rivals:
        draft.column(read, name, chosen, unit.word)
        return
    draft.unit(found_of(read, name, chosen.name, chosen.best.score, chosen.best.evidence, unit.word), unit.said)


def channel(draft: Draft, read: Read, name: str, chosen: dict[str, Chosen], lookups: Lookups) -> None:
    """The channel with the words for its codes; a code that nothing explains is left as it is spelled."""
    if name not in chosen:
        return
    best = chosen[name].best
    used = values.codes(read.table, best.column)
    explained = dict(codes.of_comment(best.column.comment, used)) or lookups.get(best.column.name, {})
    words = {c: labels.channel(explained.get(c, c)) for c in (*explained, *used)}
    known = tuple((c, w) for c, w in words.items() if w is not None)
    draft.column(read, name, chosen[name])
    if name in draft.found and known:
        told = draft.found[name]
        by = Evidence(why=Why.LABELS, what=", ".join(f"{c}={explained[c]}" for c in explained))
        draft.state(_with_values(told, known, by if explained else None))


def _with_values(told: Found, known: tuple[tuple[str, str], ...], by: Evidence | None) -> Found:
    return dataclasses.replace(told, values=known, evidence=(*told.evidence, by) if by is not None else told.evidence)


def _kinds(draft: Draft, read: Read, lookups: Lookups) -> tuple[tuple[str, str], ...]:
    """Conditions for kinds of goods that are not the normal one."""
    for column in read.table.columns:
        ideas = read.ideas(column.name)
        if not ideas & {"type", "mode"} or ideas & {"pay", "ship", "invoice", "source", "coupon", "refund", "address", "buyer", "discount"}:
            continue
        used = values.codes(read.table, column)
        explained = dict(codes.of_comment(column.comment, used)) or lookups.get(column.name, {}) or {c: c for c in used}
        found = tuple(
            (spelling.equals(column.name, c, style=spelling.style(column)), w)
            for c, label in explained.items()
            if (w := labels.kind(label))
        )
        if found:
            by = Evidence(why=Why.LABELS, what=", ".join(f"{c}={label}" for c, label in explained.items()))
            draft.state(
                Found(
                    field="order.kind",
                    table=read.table.name,
                    sql=spelling.name(column.name),
                    column=column.name,
                    confidence=ladders.BY_LABEL,
                    evidence=(by,),
                )
            )
            return found
    return ()
