"""A survey's tables go in, which of them is the order, its items, payments, refunds, stock, coupons and history comes out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from makewhole.attach import axes, columns, links, naming, values, wants
from makewhole.attach.columns import Read
from makewhole.attach.naming import Ideas, Said
from makewhole.attach.proposal import Evidence, Why
from makewhole.attach.values import Shape

ROLE_MIN = 0.62
"""A table that says a role less clearly is not given one."""
LEDGERS = frozenset({"payment", "refund"})
PLAIN_MIN = 0.8
"""How clearly a ledger must be named that has nothing but an amount."""
NAMED_MIN = 0.88
"""How clearly a table is called the orders that is believed to be them even without an amount."""
LINES_TELL = 0.1
"""What a table of its lines adds to a table's claim to be the orders."""
SURE_MAX = 0.99
UNUSED_ROWS_MIN, EMPTY_NAMED_MIN = 50, 0.7
"""Orders beside which a table without a row is used only if it is plainly called so."""
OVER_PARTS, PART_MIN = 0.2, 0.5
"""By how much parts may look more like orders than their wholes do; and the share of parts whose whole must be among the sampled ones."""
CLOSE = 0.06
"""Two tables whose claims to a role lie nearer than this are a question, not a choice."""
ABOUT_ORDERS, NO_ORDERS, PERHAPS_MAX = frozenset({"order", "trade"}), frozenset({"supply", "procure", "cart"}), 4
"""Of tables that may hold the orders and are not called so: words that they must and must not speak of; how many are named."""
ALL_DIFFER_MIN, NAMED_MIN_ROWS = 0.95, 10
"""Share of the coupons named by orders that must differ, and be those of a table that no column of its own leads to an order."""
_MORE_COSTS = 0.16
_STRANGE_COSTS = 0.05


@dataclass(frozen=True, kw_only=True)
class Sought:
    """How a role's table is recognised: by its name, and by the fields that it must have or often has."""

    role: str
    says: tuple[tuple[Ideas, float], ...]
    never: Ideas
    needed: tuple[str, ...]
    often: tuple[str, ...]
    linked: bool


def _sought(role: str, says: str, never: str, needed: str, often: str, *, linked: bool) -> Sought:
    return Sought(
        role=role,
        says=tuple(wants.alternatives(says)),
        never=frozenset(never.split()),
        needed=tuple(f"{role}.{n}" for n in needed.split()),
        often=tuple(f"{role}.{n}" for n in often.split()),
        linked=linked,
    )


_SIDE = "bak stat_ relation setting comment address cart invoice image email notify remind settle"
_ORDER = _sought(
    "order",
    (
        "order .9 | trade .78 | order trade .92 | order info .9 | order parent .8 | goods order .85 | pay order .6 | "
        "recharge order .5 | procure .74"
    ),
    f"item history refund return coupon stock point transfer balance seller commission supply who {_SIDE}",
    "number amount_due",
    "created_at paid_at buyer receiver_phone channel shipped_at completed_at closed_at transaction_id tracking_number",
    linked=False,
)
_PLAINLY = replace(_ORDER, needed=("order.number",), often=(*_ORDER.often, "order.amount_due"))
"""What a table must have that is plainly called the orders: where its amounts stand elsewhere, that is asked, and not its role."""
_CHILDREN = (
    _sought(
        "item",
        (
            "order item .95 | order goods .92 | order sku .9 | order goods item .95 | order sub .6 | trade item .8 "
            "| order quantity .6 | item .5 | order cart info .6 | order .55 | trade .5"
        ),
        f"history refund return coupon pay stock ship attribute {_SIDE.replace(' cart', '')}",
        "sku quantity",
        "amount",
        linked=True,
    ),
    _sought(
        "payment",
        (
            "pay .85 | order pay .93 | pay history .82 | pay item .85 | pay transaction .9 | pay order .92 | trade "
            "transaction .7 | transaction .7 | pay attempt .95 | pay info .88 | trade history .7"
        ),
        f"refund return method coupon goods channel freight {_SIDE}",
        "amount",
        "number transaction_id channel at state",
        linked=True,
    ),
    _sought(
        "refund",
        (
            "refund .9 | order refund .95 | return order .88 | return .82 | return apply .85 | refund return .9 | "
            "order return .9 | return item .7 | refund item .75 | refund apply .93 | order return apply .92 | "
            "refund history .72 | return goods .84 | order return goods .88 | refund goods .75"
        ),
        f"pay_ stock goods {_SIDE} history_",
        "amount",
        "number requested_at done_at state",
        linked=True,
    ),
    _sought(
        "stock",
        "stock .85 | sku stock .95 | goods stock .93 | sku .85 | goods sku .92 | goods item .6 | goods .62 | stock item .6",
        f"history order coupon refund return buyer type old pay {_SIDE}",
        "sku available",
        "locked price",
        linked=False,
    ),
    _sought(
        "coupon",
        ("buyer coupon .95 | coupon history .88 | coupon item .8 | coupon receive .88 | coupon .72 | coupon sold .88 | coupon number .8"),
        f"goods order_ type {_SIDE}",
        "state",
        "used_at id",
        linked=True,
    ),
    _sought(
        "history",
        (
            "order history .95 | order operate .9 | order state .85 | order operate history .95 | order state "
            "history .95 | order state update .9 | order who .7 | order note .6"
        ),
        f"pay refund return coupon goods carrier ship stock item_ {_SIDE}",
        "at",
        "who to from",
        linked=True,
    ),
    _sought(
        "stock_move",
        (
            "stock history .93 | stock item .7 | stock transaction .93 | stock update .9 | stock order .6 | sku "
            "history .7 | stock operate .85 | stock update history .95"
        ),
        f"coupon buyer pay {_SIDE}",
        "sku quantity",
        "",
        linked=True,
    ),
)


@dataclass(frozen=True, kw_only=True)
class Cast:
    """A table in its role. `rivals` are tables that could play it as well."""

    role: str
    read: Read
    score: float
    evidence: tuple[Evidence, ...]
    link: links.Link
    rivals: tuple[str, ...] = ()
    doubtful: bool = False
    """Whether its own name does not say the role: somebody must, before anything rests on it."""


def order(reads: tuple[Read, ...], named: str = "") -> Cast | None:
    """The table of orders, if one is clear enough; the one that somebody named, where that could be one."""
    found = sorted((c for r in reads if (c := _order(r, reads, _ORDER)) is not None), key=lambda c: -c.score)
    if not found or found[0].score < ROLE_MIN:
        plainly = (_order(r, reads, _PLAINLY) for r in reads if _says(r, _ORDER) >= NAMED_MIN)
        found = sorted((c for c in plainly if c is not None), key=lambda c: -c.score)
    if not found or found[0].score < ROLE_MIN:
        return _perhaps(reads, named)
    best = next((c for c in found if c.read.table.name == named), None) or (_told(reads, named) if named else None) or found[0]
    if not named:
        best = next((c for c in found if c is not best and best.score - c.score < OVER_PARTS and _parts_of(best.read, c.read)), best)
    others = (c for c in found if c is not best and abs(best.score - c.score) < CLOSE and not _parts_of(c.read, best.read))
    rivals = () if named else tuple(c.read.table.name for c in others)
    return Cast(role="order", read=best.read, score=min(best.score, SURE_MAX), evidence=best.evidence, link=best.link, rivals=rivals)


def _parts_of(told: Read, whole: Read) -> bool:
    """Whether each row here names a row of the other table by the number that people read, and the other one tells of states itself."""
    if not any(axes.is_main(whole.names[c.name]) and Shape.CODE in whole.look(c.name).shapes for c in whole.table.columns):
        return False
    for offer in columns.candidates(whole, wants.of("order.number"))[:1]:
        numbers = {values.text(v) for v in whole.table.values(offer.column.name) if not values.absent(v)}
        own = {k for k in (told.table.key, *told.table.unique) if len(k) == 1}
        if offer.look.varied < 1.0 or offer.look.told < links.STRANGERS_MIN or min(map(len, numbers)) < links.LONG_MIN:
            continue
        for column in told.table.columns:
            there = [values.text(v) for v in told.table.values(column.name) if not values.absent(v)]
            repeats = len(set(there)) < len(there) and (column.name,) not in own
            if repeats and len(there) == len(told.table.sample) and sum(v in numbers for v in there) >= PART_MIN * len(there):
                return True
    return False


def _told(reads: tuple[Read, ...], named: str) -> Cast | None:
    """The table that somebody names, where it has what an order must have, whatever it is called."""
    told = next((r for r in reads if r.table.name == named), None)
    covers = () if told is None else (_cover(told, _ORDER), _cover(told, _PLAINLY))
    cover, there = next((c for c in covers if c[0]), (0.0, ()))
    if told is None or not cover:
        return None
    return Cast(role="order", read=told, score=max(cover, ROLE_MIN), evidence=_why(told, there), link=links.NONE)


def _perhaps(reads: tuple[Read, ...], named: str) -> Cast | None:
    """Where no table is plainly the orders: those that speak of orders and have what one must have, to be asked about."""
    if named:
        return _told(reads, named)
    speak = (r for r in reads if r.table.sample and naming.ideas(r.said) & ABOUT_ORDERS and not naming.ideas(r.said) & NO_ORDERS)
    found = sorted((c for r in speak if (c := _told(reads, r.table.name)) is not None), key=lambda c: -c.score)[:PERHAPS_MAX]
    return replace(found[0], rivals=tuple(c.read.table.name for c in found[1:]), doubtful=True) if found else None


def _order(told: Read, reads: tuple[Read, ...], sought: Sought) -> Cast | None:
    name = _says(told, _ORDER)
    cover, there = _cover(told, sought)
    if cover == 0.0 or not (name or cover > 0.7):
        return None
    children = sum(1 for r in reads if r is not told and any(f.table == told.table.name for f in r.table.references))
    used = _pointed_at(told, reads)
    score = (0.5 * name + 0.5 * cover) * (1.0 if name else 0.9) + 0.02 * min(children, 3) + 0.03 * min(used, 3)
    return Cast(
        role="order", read=told, score=score + (LINES_TELL if _has_lines(told, reads) else 0.0), evidence=_why(told, there), link=links.NONE
    )


def _has_lines(told: Read, reads: tuple[Read, ...]) -> bool:
    """Whether some table's rows are this one's lines: they count goods, and carry its keys or its name."""
    stem = told.table.stem.lower() + "_"
    return any(
        r is not told
        and _counts_goods(r)
        and (r.table.name.lower().startswith(stem) or any(f.table == told.table.name for f in r.table.references))
        for r in reads
    )


def _counts_goods(told: Read) -> bool:
    return all(_cover_of(told, f) >= ROLE_MIN for f in ("item.sku", "item.quantity"))


def _cover_of(told: Read, field: str) -> float:
    found = columns.candidates(told, wants.of(field))
    return found[0].score if found else 0.0


def _pointed_at(told: Read, reads: tuple[Read, ...]) -> int:
    """How many other tables carry a column named as this table's key or number is."""
    own = {c.lower() for c in told.table.key if naming.ideas(naming.of_name(c)) - {"id"}}
    singular = told.table.stem.lower().split("_")[-1].removesuffix("s")
    own |= {f"{singular}_id", f"{singular}id", f"{singular}_sn", f"{singular}_no"}
    return sum(1 for r in reads if r is not told and any(c.name.lower() in own for c in r.table.columns))


def children(reads: tuple[Read, ...], parent: links.Parent, named: Mapping[str, str]) -> tuple[Cast, ...]:
    """The tables around the order, each in one role at most, each role once. `named` are tables that somebody gave a role."""
    claims = [c for r in reads if r.table.name != parent.table for s in _CHILDREN if (c := _child(r, s, parent)) is not None]
    claims = [c for c in claims if named.get(c.role, c.read.table.name) == c.read.table.name]
    found: list[Cast] = []
    for claim in sorted(claims, key=lambda c: (-c.score + (0.0 if c.read.table.sample else CLOSE), c.read.table.name)):
        taken = {c.role for c in found}
        if claim.role in taken or any(c.read is claim.read for c in found):
            continue
        rivals = tuple(c.read.table.name for c in claims if c.role == claim.role and c is not claim and _rivals(claim, c))
        # Of a role that somebody gave to a table, no other claim is left here, and nothing is asked.
        found.append(Cast(role=claim.role, read=claim.read, score=claim.score, evidence=claim.evidence, link=claim.link, rivals=rivals))
    return tuple(found)


def _rivals(best: Cast, other: Cast) -> bool:
    """Whether two tables could play a role as well; one without a row is no rival to one that holds some."""
    return best.score - other.score < CLOSE and bool(other.read.table.sample or not best.read.table.sample)


def _child(told: Read, sought: Sought, parent: links.Parent) -> Cast | None:
    name = _says(told, sought)
    if name == 0.0 or (name < EMPTY_NAMED_MIN and not told.table.sample and len(parent.read.table.sample) >= UNUSED_ROWS_MIN):
        # A table without a row beside orders by the dozen, which is not even plainly called so, is another.
        return None
    cover, there = _cover(told, sought)
    if cover == 0.0 or (sought.role in LEDGERS and name < PLAIN_MIN and not set(there) & set(sought.often)):
        # An amount and a link alone are any ledger's: without a clear name, something else of the role must be there.
        return None
    link = links.find(told, parent)
    held = sought.role == "coupon" and not (link.key or link.number) and _held(told, parent)
    if sought.linked and not (link.key or link.number or held):
        return None
    belongs = 1.0 if not sought.linked or held else link.score
    score = 0.4 * name + 0.35 * cover + 0.25 * belongs
    if score < ROLE_MIN:
        return None
    return Cast(role=sought.role, read=told, score=score, evidence=(*_why(told, there), *link.evidence), link=link)


def _held(told: Read, parent: links.Parent) -> bool:
    """Whether orders name the rows of this table, one each: a coupon that knows nothing of its order is known by it."""
    if len(told.table.key) != 1:
        return False
    keys = {values.text(v) for v in told.table.values(told.table.key[0])}
    for column in parent.read.table.columns:
        ideas = parent.read.ideas(column.name)
        named = [values.text(v) for v in parent.read.table.values(column.name) if not values.absent(v)]
        if "coupon" in ideas and ideas & {"id", "number"} and len(named) >= NAMED_MIN_ROWS:
            differ = len(set(named)) >= ALL_DIFFER_MIN * len(named)
            if differ and sum(v in keys for v in named) >= (ALL_DIFFER_MIN if told.table.whole else links.OVERLAP_MIN) * len(named):
                return True
    return False


def _says(told: Read, sought: Sought) -> float:
    by_name = _score(told.said, sought)
    comment = naming.of_text(told.table.comment)
    by_comment = _score(comment, sought) if comment else 0.0
    if by_name and by_comment:
        return 1 - (1 - by_name) * (1 - by_comment)
    return max(by_name * (0.75 if comment else 1.0), by_comment * 0.9)


def _score(words: Said, sought: Sought) -> float:
    everything = naming.ideas(words)
    best = 0.0
    for told, weight in sought.says:
        if not told <= everything:
            continue
        rest = [w for w in words if not w & told]
        if any(w and w <= sought.never for w in rest):
            continue
        extra = [w for w in rest if "info" not in w and "shop" not in w and "buyer" not in w]
        best = max(best, weight - sum(_MORE_COSTS if w else _STRANGE_COSTS for w in extra))
    return best


def _cover(told: Read, sought: Sought) -> tuple[float, tuple[str, ...]]:
    """How much of what the role needs is there: 0 where something needed is missing."""
    best = {}
    for want in wants.WANTS[sought.role]:
        if want.field in (*sought.needed, *sought.often):
            found = columns.candidates(told, want)
            best[want.field] = found[0].score if found else 0.0
    if sought.role == "stock" and not best["stock.sku"] and told.table.key:
        best["stock.sku"] = 0.6
    if sought.role == "order" and not best["order.number"] and told.table.key:
        # Where no column is called a number, people call an order by its row's key.
        best["order.number"] = 0.5
    if any(best[n] == 0.0 for n in sought.needed):
        return 0.0, ()
    needed = sum(best[n] for n in sought.needed) / len(sought.needed)
    often = sum(best[n] for n in sought.often) / max(min(len(sought.often), 4), 1)
    there = tuple(f for f, s in best.items() if s >= values.ROWS_TELL_MIN / 10)
    return (0.6 * needed + 0.4 * min(often, 1.0) if sought.often else needed), there


def _why(told: Read, there: tuple[str, ...]) -> tuple[Evidence, ...]:
    comment = (Evidence(why=Why.COMMENT, what=told.table.comment),) if told.table.comment else ()
    cut = told.table.shards
    shards = (Evidence(why=Why.SHARDS, what=f"{len(cut)}: {cut[0]} … {cut[-1]}"),) if cut else ()
    return (Evidence(why=Why.NAME, what=told.table.name), *shards, *comment, Evidence(why=Why.LABELS, what=", ".join(there)))
