"""A table around the order goes in; its fields, units, link and states go into the draft, doubts as questions."""

from __future__ import annotations

import re
from collections import Counter

from makewhole.attach import axes, fields, labels, ladders, lines, links, naming, orders, proposal, spelling, states, values
from makewhole.attach.columns import Candidate, Read
from makewhole.attach.drafts import UNSURE, Draft, coded, found_of
from makewhole.attach.fields import Chosen
from makewhole.attach.proposal import STATED_MIN, Asked, Choice, Evidence, Found, Question, Role, Why
from makewhole.attach.tables import Cast
from makewhole.attach.values import Shape

_MONEY = frozenset({"item.amount", "payment.amount", "refund.amount", "stock.price"})
_WORDS: dict[str, tuple[str, ...]] = {
    "refund": ("requested", "processing", "done", "closed", "abnormal"),
    "coupon": ("unused", "used", "expired"),
    "payment": ("unpaid", "paid", "refund", "closed", "failed", "paying"),
}
_CLASSIFY = {"refund": labels.refund_state, "coupon": labels.coupon_state, "payment": labels.attempt_state}
_WITNESS = {
    "refund": (("refund.done_at",), "done"),
    "coupon": (("coupon.used_at",), "used"),
    "payment": (("payment.at", "payment.transaction_id"), "paid"),
}
"""What only rows of one word hold: an instant, or the channel's number."""
_NEEDED = {
    "item": ("item.sku", "item.quantity"),
    "refund": ("refund.amount",),
    "payment": ("payment.number",),
    "stock": ("stock.sku", "stock.available"),
    "stock_move": ("stock_move.sku", "stock_move.quantity"),
    "coupon": ("coupon.id",),
    "history": (),
}
"""What the shop file's language asks of a table before it is of any use."""
BACK, OTHERWISE = frozenset({"notify", "finish", "pay", "paid"}), frozenset({"create", "update", "refund", "expire", "begin"})
ALIKE_MIN, BY_ROWS = 0.97, 0.84
"""Share of attempts that must hold an instant exactly where they succeeded; and how sure that makes it."""
SHARED_MIN = 0.5
FEW_ROWS_MIN, FEW = 20, 2
"""Lines, and the different values up to which a column numbers them and names no goods."""
GOODS_ID_MAX = 0.9
"""How sure a line's goods are by their names alone; beyond, the stock's own values said so."""
REPEATED_MAX = 0.5
"""Share of lines up to which a key has values of its own: goods are bought again, and what is new in each line is the line's."""
UNIQUE_MIN = 0.98
"""Share of an item's skus that the stock must know; and of a stock's rows that a number must tell apart."""


def propose(draft: Draft, cast: Cast, casts: dict[str, Cast], parent: links.Parent, lookups: orders.Lookups) -> None:
    """Everything that one table says."""
    read, role = cast.read, cast.role
    skip = frozenset(filter(None, (cast.link.key, cast.link.number)))
    chosen = fields.assign(read, role, skip)
    if _strangers(cast, casts):
        return
    _skus(cast, casts, chosen)
    _own_key(read, role, chosen, casts.get("item"))
    _finer(read, role, chosen)
    _coupon_key(draft, read, role, chosen)
    if role == "payment":
        chosen = called_back(read, chosen, lookups)
    for name, told in chosen.items():
        match name:
            case "refund.state" | "coupon.state" | "payment.state":
                continue
            case "payment.channel":
                orders.channel(draft, read, name, chosen, lookups)
            case "stock.available":
                _available(draft, read, chosen)
            case "item.amount":
                lines.amount(draft, read, chosen, parent)
            case "refund.done_at":
                _refunded(draft, read, chosen)
            case "stock_move.quantity":
                _moved(draft, read, told)
            case _ if name in _MONEY:
                orders.money(draft, read, name, told)
            case _:
                draft.column(read, name, told)
    _number_of_payment(draft, read, role, cast)
    _link(draft, cast)
    ladder = _states(draft, read, role, chosen, lookups)
    draft.roles.append(
        Role(
            name=role,
            table=read.table.name,
            confidence=round(cast.score, 2),
            evidence=cast.evidence,
            link=spelling.name(cast.link.key) if cast.link.key else "",
            where=_amounted(draft, read, role),
            states=ladder.rungs if ladder is not None else (),
            states_confidence=ladder.confidence if ladder is not None else 0.0,
            states_evidence=(Evidence(why=Why.LABELS, what=ladder.said),) if ladder is not None and ladder.said else (),
            moves=_moves(read, role, chosen),
        )
    )
    if role == "payment":
        _prefixes(draft, read, parent)


def called_back(read: Read, chosen: dict[str, Chosen], lookups: orders.Lookups) -> dict[str, Chosen]:
    """With the instant that attempts hold exactly where they succeeded, if none is called that of paying: when the channel called back."""
    told = chosen.get("payment.at")
    if told is not None and told.best.score >= STATED_MIN:
        return chosen
    paid = _succeeded(read, chosen, lookups)
    if paid is None or min(sum(paid), len(paid) - sum(paid)) < values.ROWS_TELL_MIN:
        return chosen
    same = []
    for column in read.table.columns:
        ideas, look = read.ideas(column.name), read.look(column.name)
        if look.unit and ideas & BACK and not ideas & OTHERWISE:
            there = [not values.absent(v) for v in read.table.values(column.name)]
            if sum(a == b for a, b in zip(there, paid, strict=True)) >= ALIKE_MIN * len(paid):
                same.append(column)
    if len(same) != 1:
        return chosen
    by = Evidence(why=Why.PRESENT, what=same[0].name)
    return {**chosen, "payment.at": Chosen(best=Candidate(column=same[0], look=read.look(same[0].name), score=BY_ROWS, evidence=(by,)))}


def _succeeded(read: Read, chosen: dict[str, Chosen], lookups: orders.Lookups) -> list[bool] | None:
    """Of each attempt, whether it succeeded: by its state's label, else by the channel's number."""
    state, number = chosen.get("payment.state"), chosen.get("payment.transaction_id")
    axis = axes.axis(read, state.name, labels.attempt_state, lookups) if state is not None else None
    if axis is not None and axis.having("paid"):
        return [c in axis.having("paid", "refund") for c in axis.told(read)]
    if number is not None and number.best.score >= STATED_MIN:
        return [not values.absent(v) for v in read.table.values(number.name)]
    return None


def _amounted(draft: Draft, read: Read, role: str) -> str:
    """An application that names no amount yet moves no money: where the sample shows such rows, they are left out."""
    found = draft.found.get("refund.amount")
    if role != "refund" or found is None or all(v is not None for v in read.table.values(found.column)):
        return ""
    return f"{spelling.name(found.column)} IS NOT NULL"


def _states(draft: Draft, read: Read, role: str, chosen: dict[str, Chosen], lookups: orders.Lookups) -> ladders.Told | None:
    if role not in _WORDS or f"{role}.state" not in chosen:
        return None
    best = chosen[f"{role}.state"].best
    shown, word = _WITNESS[role]
    witness = next(((chosen[f].name, word) for f in shown if f in chosen and chosen[f].best.score >= STATED_MIN), None)
    told = states.one(read, best.column.name, _CLASSIFY[role], lookups, frozenset(_WORDS[role]), witness)
    if told is None or best.score < STATED_MIN:
        return None
    draft.questions += coded(role, told, _WORDS[role])
    if not told.rungs:
        return told
    draft.state(
        Found(
            field=f"{role}.state",
            table=read.table.name,
            sql=spelling.name(best.column.name),
            column=best.column.name,
            confidence=round(best.score, 2),
            evidence=best.evidence,
        )
    )
    return told


def _link(draft: Draft, cast: Cast) -> None:
    """Which order a row belongs to: by the number it carries, else by the key."""
    name = cast.link.number or cast.link.key
    if not name or cast.role == "stock":
        return
    draft.state(found_of(cast.read, f"{cast.role}.order", name, cast.link.score, cast.link.evidence))


def _skus(cast: Cast, casts: dict[str, Cast], chosen: dict[str, Chosen]) -> None:
    """An item's sku is what the stock is kept by: of several columns, the one whose values are the stock's own."""
    if cast.role not in {"item", "stock"}:
        return
    item, stock = casts.get("item"), casts.get("stock")
    if item is None or stock is None:
        return
    pair = _shared(item, stock)
    if pair is None:
        return
    ours = pair[0] if cast.role == "item" else pair[1]
    column = cast.read.table.by_name[ours]
    by = (Evidence(why=Why.REFERS, what=f"{stock.read.table.name}.{pair[1]}"),)
    chosen[f"{cast.role}.sku"] = Chosen(best=Candidate(column=column, look=cast.read.look(ours), score=0.95, evidence=by))


def _finer(read: Read, role: str, chosen: dict[str, Chosen]) -> None:
    """A line's goods, where another column tells them apart further: which of the two the stock is kept by is asked."""
    told = chosen.get("item.sku")
    if role != "item" or told is None or "sku" in read.ideas(told.name) or told.best.score > GOODS_ID_MAX:
        return
    finer = next((c for c in read.table.columns if (c.name,) != read.table.key and _parts(read, told.name, c.name)), None)
    if finer is not None and finer not in {c.column for c in told.rivals}:
        more = Candidate(column=finer, look=read.look(finer.name), score=told.best.score, evidence=(Evidence(why=Why.VALUES),))
        chosen["item.sku"] = Chosen(best=told.best, rivals=(*told.rivals, more))


def _parts(read: Read, goods: str, other: str) -> bool:
    """Whether another column is a key, and each of its values belongs to one good, of which some have several."""
    look = read.look(other)
    if other == goods or Shape.KEY not in look.shapes or look.unit or not naming.ideas(read.names[other]) & {"id", "number"}:
        return False
    pairs = {(values.text(a), values.text(b)) for a, b in zip(read.table.values(other), read.table.values(goods), strict=True)}
    return len(pairs) == len({a for a, _ in pairs}) and len({b for _, b in pairs}) < len(pairs) <= REPEATED_MAX * len(read.table.sample)


def _strangers(cast: Cast, casts: dict[str, Cast]) -> bool:
    """Whether this is a stock whose goods the items call otherwise: what cannot be found by a line's sku is no stock to speak of."""
    item = casts.get("item")
    if cast.role != "stock" or item is None or not cast.read.table.whole or len(cast.read.table.sample) < values.ROWS_TELL_MIN:
        return False
    named = any(_calls_goods(item.read.ideas(c.name)) and item.read.look(c.name).told for c in item.read.table.columns)
    return named and _shared(item, cast) is None


def _shared(item: Cast, stock: Cast) -> tuple[str, str] | None:
    """The columns of item and stock that hold the same things: by values, then by name."""
    theirs = {k: {values.text(v) for v in stock.read.table.values(k) if not values.absent(v)} for k in _stock_keys(stock.read)}
    best: tuple[float, str, str] | None = None
    for column in item.read.table.columns:
        ideas = item.read.ideas(column.name)
        counted = item.read.look(column.name).told >= FEW_ROWS_MIN and item.read.look(column.name).distinct <= FEW
        if not _calls_goods(ideas) or (column.name,) == item.read.table.key or counted:
            continue
        ours = {values.text(v) for v in item.read.table.values(column.name) if not values.absent(v)}
        for key, there in theirs.items():
            share = len(ours & there) / len(ours) if ours and there else 0.0
            kin = _kin(stock, key, column.name, ideas)
            worth = share + (0.3 if "sku" in ideas else 0.0) + (0.25 if (key,) == stock.read.table.key else 0.0) + kin
            if (share >= SHARED_MIN or (not (ours and there) and kin > 0)) and (best is None or worth > best[0]):
                best = (worth, column.name, key)
    return None if best is None else best[1:]


def _stock_keys(read: Read) -> set[str]:
    """Columns by which a stock's row is found: what the schema calls unique, and numbers that differ in every sampled row."""
    keys = {k[0] for k in (read.table.key, *read.table.unique) if len(k) == 1}
    for column in read.table.columns:
        ideas, look = read.ideas(column.name), read.look(column.name)
        if not _calls_goods(ideas):
            continue
        if (look.told >= values.ROWS_TELL_MIN and look.varied >= UNIQUE_MIN) or (look.told < values.ROWS_TELL_MIN and not keys):
            keys.add(column.name)
    return keys


def _calls_goods(ideas: frozenset[str]) -> bool:
    """Whether a column is what goods are called by: `sku`, `goods_id`; not their name, not their count."""
    called = "sku" in ideas or ideas == {"goods"} or (bool(ideas & {"goods", "item"}) and bool(ideas & {"id", "number"}))
    return called and not ideas & {"name", "amount", "price", "quantity", "num", "image", "stock", "lock"}


def _kin(stock: Cast, key: str, name: str, ideas: frozenset[str]) -> float:
    """Whether the stock's column is what the item's name says: `product_id` is the `id` of a table that ends in `product`."""
    own, table = stock.read.ideas(key), stock.read.table.stem.lower()
    same = 0.2 if key.lower() == name.lower() else 0.0
    says = "sku" if "sku" in ideas else "goods"
    if says in own and (own & ideas & {"id", "number"} or own == ideas):
        return same + 0.4
    base = name.lower().removesuffix("_id").removesuffix("id")
    if naming.ideas(stock.read.names[key]) <= {"id"} and "id" in ideas:
        if table.rstrip("s").endswith(base.rstrip("s")):
            return same + 0.5
        return same + (0.3 if says in naming.ideas(stock.read.said) else 0.0)
    return same


def _own_key(read: Read, role: str, chosen: dict[str, Chosen], item: Cast | None) -> None:
    """A stock's or a coupon's own key, where no better name is there; a refund without a number is called by its key."""
    wanted = {"stock": "stock.sku"}.get(role)
    if wanted is None or len(read.table.key) != 1:
        return
    key = read.table.key[0]
    if wanted in chosen and chosen[wanted].best.score >= STATED_MIN and chosen[wanted].name in _stock_keys(read):
        return
    # Where lines name goods, and none of them by this key, the key is only a guess.
    told = item is not None and any(item.read.look(c.name).told for c in item.read.table.columns if _calls_goods(item.read.ideas(c.name)))
    score = UNSURE if told else 0.88
    best = Candidate(column=read.table.by_name[key], look=read.look(key), score=score, evidence=(Evidence(why=Why.KEY, what=key),))
    chosen[wanted] = Chosen(best=best)


def _coupon_key(draft: Draft, read: Read, role: str, chosen: dict[str, Chosen]) -> None:
    """A coupon is called what the order's row calls it; where that does not tell, by its row's own key."""
    if role != "coupon":
        return
    named = draft.found.get("order.coupon")
    number = chosen.get("coupon.id")
    if number is not None and named is not None and number.name.lower() == named.column.lower() and number.best.score >= STATED_MIN:
        return
    if len(read.table.key) == 1:
        key = read.table.key[0]
        best = Candidate(column=read.table.by_name[key], look=read.look(key), score=0.88, evidence=(Evidence(why=Why.KEY, what=key),))
        chosen["coupon.id"] = Chosen(best=best)


def _number_of_payment(draft: Draft, read: Read, role: str, cast: Cast) -> None:
    """Where an attempt has no number of its own, the order's number may be what the channel was told: that is asked."""
    if role != "payment" or "payment.number" in draft.found or any(q.field == "payment.number" for q in draft.questions):
        return
    if cast.link.number:
        by = Evidence(why=Why.ALONE, what=cast.link.number)
        made = found_of(read, "payment.number", cast.link.number, 0.7, (by,))
        choices = (Choice(label=f"{made.table}.{made.rests_on()}", found=(made,)),)
        draft.ask(Question(field="payment.number", asked=Asked.COLUMN, about=read.table.name, choices=choices))


def _refunded(draft: Draft, read: Read, chosen: dict[str, Chosen]) -> None:
    """A time of handling is the time of the refund only in rows that are done."""
    told = chosen["refund.done_at"]
    state = chosen.get("refund.state")
    if "handle" not in read.ideas(told.name) or state is None:
        draft.column(read, "refund.done_at", told)
        return
    axis = axes.axis(read, state.name, labels.refund_state, {})
    if not axis.having("done"):
        return
    done = spelling.among(axis.column, axis.having("done"), style=axis.style)
    bare = found_of(read, "refund.done_at", told.name, 0.85, told.best.evidence)
    draft.state(proposal.with_sql(bare, f"CASE WHEN {done} THEN {bare.sql} END"))


def _available(draft: Draft, read: Read, chosen: dict[str, Chosen]) -> None:
    """What can still be sold: the column itself where it says so, less what is locked where it says `stock` and locks stand beside it."""
    told = chosen["stock.available"]
    lock = chosen.get("stock.locked")
    says = read.ideas(told.name)
    if lock is None or "available" in says or lock.best.score < STATED_MIN:
        draft.column(read, "stock.available", told)
        return
    bare = found_of(read, "stock.available", told.name, told.best.score, told.best.evidence)
    less = proposal.with_sql(bare, f"{spelling.name(told.name)} - {spelling.name(lock.name)}")
    choices = tuple(Choice(label=f.sql, found=(f,)) for f in (less, bare))
    draft.ask(Question(field="stock.available", asked=Asked.STOCK, about=f"{read.table.name}.{told.name}", choices=choices))


def _moved(draft: Draft, read: Read, told: Chosen) -> None:
    """A signed quantity counts pieces without its sign, which tells the direction."""
    draft.column(read, "stock_move.quantity", told)
    found = draft.found.get("stock_move.quantity")
    if found is not None and _signed(read, told.name):
        draft.state(proposal.with_sql(found, f"ABS({found.sql})"))


def _signed(read: Read, column: str) -> bool:
    return any((n := values.number(v)) is not None and n < 0 for v in read.table.values(column))


def _moves(read: Read, role: str, chosen: dict[str, Chosen]) -> tuple[tuple[str, str], ...]:
    """A ledger of signed quantities tells by the sign what a row did."""
    if role != "stock_move" or "stock_move.quantity" not in chosen:
        return ()
    name = chosen["stock_move.quantity"].name
    if _signed(read, name):
        return ((f"{spelling.name(name)} < 0", "taken"), (f"{spelling.name(name)} > 0", "returned"))
    return ()


def _prefixes(draft: Draft, read: Read, parent: links.Parent) -> None:
    """How an order's out_trade_no is made from its number, where the attempts show a prefix or a suffix."""
    number = draft.found.get("payment.number")
    if number is None or not parent.numbers:
        return
    rules = Counter(r for v in read.table.values(number.column) if (r := _rule(values.text(v), parent.numbers)) is not None)
    told = [rule for rule, times in rules.most_common(3) if times >= 2]
    if told:
        draft.payment_numbers = tuple(dict.fromkeys(("{number}", *told)))


def _rule(told: str, numbers: frozenset[str]) -> str | None:
    for part in (told, *re.split(r"[_\-]", told)):
        if part in numbers:
            before, _, after = told.partition(part)
            return f"{'{any}' + before[-1] if before else ''}{{number}}{after[0] + '{any}' if after else ''}"
    return None


def usable(role: Role, found: dict[str, Found]) -> bool:
    """Whether a shop file can hold this table: the language asks for some fields, for a link, and of some tables for states."""
    if any(n not in found for n in _NEEDED[role.name]):
        return False
    linked = role.name == "stock" or bool(role.link) or f"{role.name}.order" in found or (role.name == "coupon" and "order.coupon" in found)
    return linked and (role.name not in {"refund", "coupon"} or bool(role.states))
