"""One table and what it may be go in; for each of our fields the columns that may say it come out, best first, with reasons."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from makewhole.attach import codes, labels, naming, survey, values, wants, wording
from makewhole.attach.naming import NONE, Ideas, Said
from makewhole.attach.proposal import Evidence, Why
from makewhole.attach.values import Look, Shape

CANDIDATE_MIN = 0.45
"""Below it, a column is not even offered as a choice."""
OTHER_MEANING = 0.55
"""What is left of a name's weight where the column's comment speaks of something else."""
COMMENT_ALONE = 0.97
NAME_UNSAID = 0.95
"""What is left where the comment says less than the name, and nothing else."""
COUNTED = 0.82
"""How sure small whole numbers beside prices are pieces."""
STRANGE_MIN, SAID_STRANGELY = 2, 0.82
"""Chinese characters of words that nobody knows, from which a comment may speak of something else; what is left of a name beside one."""
PROSE_MIN, IN_PROSE = 4, 0.89
_PROSE = re.compile(r"[A-Za-z]{2,}")
"""English words from which a comment is a sentence, which explains and does not name; what is left of a name beside one."""
OWN_ID = 0.86
UNTOLD = 0.8
OTHERWISE = 0.75
"""What is left of a comment's weight where the column's name says that it is something else."""
KEY_AS_NUMBER = 0.6
"""What is left of a claim to be the number where the values are short whole numbers."""
QUANTITY_MAX = 100_000
"""Pieces of one line of an order: beyond, it is a number that things are called by."""
CHANNELS_MAX = 20
"""Different values of a column that tells how orders are paid."""
CHANNELS_KNOWN_MIN, CHANNELS_SAY = 0.6, 0.86
CARRIERS_VARY_MAX = 0.5
"""Share of parcels with a carrier of their own: beyond, they are the parcels' numbers."""
CODES_FEW = 12
"""Distinct values of a column that a comment may explain code by code."""
COUNTS_MAX, COUNT_LARGEST = 12, 50
"""Distinct values, and the largest of them, up to which a column of whole numbers counts things."""
EMPTY_COSTS = 0.85
"""What is left of a claim where the column holds nothing in any sampled row and another one that may say the same holds something."""
EMPTY_ROWS_MIN = 20
"""Sampled rows from which a column without a single value is believed to be unused."""
DUE_MIN = 0.4
"""Share of orders that must hold what is due: some are free, and where it is written with the payment only, some are unpaid."""
NUMBER_NAMED_MIN = 0.9
"""How plainly a column must be called the number that its rows then prove, whatever else its comment speaks of."""
BY_SHAPE = 0.86
"""How sure numbers are the channel's whose every digit looks so; and texts of a number's shape that are their rows' own keys the rows'."""
NUMBERED_MIN = 0.95
"""Share of orders that must carry what every order has: its number, and the time of placing it."""
RANDOM = frozenset({"uuid", "guid", "token", "hash", "secret", "salt", "nonce"})
"""Words for what is drawn, and not counted or put together from a date."""
UNUSED_ROWS_MIN, UNUSED = 50, 0.6
"""Sampled rows without a single value, from which a column is believed to be unused; what is left of its claim."""
BUYERS_ROWS_MIN, BUYERS_FEW, BY_FEW = 50, 3, 0.7
"""Orders, and the different people up to which they have no buyer in a column; what is then left of its claim."""
NEVER_NEEDED = frozenset({"order.deleted", "stock.locked", "stock.available", "coupon.used_at"})
"""Fields that hold nothing in a shop where all is well."""
PERSONAL = frozenset({"order.receiver_phone", "order.buyer"})


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A column that may say a field, and how much speaks for it."""

    column: survey.Column
    look: Look
    score: float
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, kw_only=True)
class Read:
    """A table with what its names, comments and samples say, worked out once."""

    table: survey.Table
    looks: dict[str, Look]
    names: dict[str, Said]
    comments: dict[str, Said]
    neutral: Ideas
    coded: frozenset[str]
    """Short whole numbers whose comments list what their codes mean."""
    said: Said
    """What the table's own name says."""
    whole_time: str = ""
    """How whole numbers tell instants elsewhere in this database, for a column that holds none yet."""
    whole_money: str = ""
    """The unit that whole amounts have elsewhere in this database, where names or comments say it and none contradicts."""

    def look(self, column: str) -> Look:
        """What the column's sample looks like."""
        return self.looks[column]

    def says(self, field: str, column: str) -> tuple[float, float]:
        """How well the column's name, and its comment, say a field."""
        want = wants.of(field)
        return want.score(self.names[column]), want.score(self.comments[column])

    def ideas(self, column: str) -> Ideas:
        """Everything that name and comment speak of."""
        return naming.ideas(self.names[column]) | naming.ideas(self.comments[column])


def read(table: survey.Table, *, initials: bool, whole_money: str = "") -> Read:
    """The table, read."""
    prefixes = {c.name: wording.meaningful(table, c.name) for c in table.columns}
    names = {c.name: naming.of_name(prefixes[c.name], initials=initials) for c in table.columns}
    names = wording.net_of(names)
    within = wording.addresses(names)
    return Read(
        table=table,
        looks={c.name: values.look(table, c) for c in table.columns},
        names={name: (*said, frozenset({"address"})) if name in within else said for name, said in names.items()},
        comments={c.name: () if wording.lists(table, c) else naming.of_text(naming.head(c.comment)) for c in table.columns},
        neutral=NONE,
        coded=frozenset(c.name for c in table.columns if _coded(table, c)),
        whole_money=whole_money,
        said=naming.of_name(table.name, initials=initials),
    )


def _coded(table: survey.Table, column: survey.Column) -> bool:
    if column.kind is not survey.Kind.INTEGER or not column.comment:
        return False
    used = values.codes(table, column)
    return len(used) <= CODES_FEW and len(codes.of_comment(column.comment, used)) > 1


def candidates(told: Read, want: wants.Want, skip: frozenset[str] = frozenset()) -> tuple[Candidate, ...]:
    """The columns that may say a field, best first."""
    found = [c for column in told.table.columns if column.name not in skip and (c := _candidate(told, want, column)) is not None]
    if len(told.table.sample) >= EMPTY_ROWS_MIN and any(c.look.told for c in found):
        found = [c if c.look.told else replace(c, score=c.score * EMPTY_COSTS) for c in found]
    if want.field == "order.buyer" and any(c.look.distinct > BUYERS_FEW for c in found):
        # Beside a column of many people, one of three people says who serves them.
        found = [replace(c, score=c.score * BY_FEW) if _serves(c.look) else c for c in found]
    return tuple(sorted((c for c in found if c.score >= CANDIDATE_MIN), key=lambda c: -c.score))


def _serves(look: Look) -> bool:
    return look.told >= BUYERS_ROWS_MIN and look.distinct <= BUYERS_FEW


def _candidate(told: Read, want: wants.Want, column: survey.Column) -> Candidate | None:
    look = told.look(column.name)
    if not look.shapes & want.shapes and not _flag_instead(want, look):
        return None
    if want.shapes == {Shape.INSTANT} and not look.unit and "time" not in told.ideas(column.name):
        # Without values and without a word of time, an empty column is no instant.
        return None
    if Shape.CODE not in want.shapes and column.name in told.coded:
        # A comment that lists codes says that the column holds codes, and neither counts nor amounts nor times.
        return None
    kind_says = _by_type(column, look, want)
    if not (told.ideas(column.name) & want.ideas):
        # The type alone is no claim: `length decimal(15,8)` is no amount.
        return None
    name = max(want.score(told.names[column.name] + kind_says, told.neutral), _by_reference(told, want, column))
    said = told.comments[column.name]
    comment = want.score(said + kind_says, told.neutral) if said else 0.0
    if not name and want.forbids(told.names[column.name]):
        comment *= OTHERWISE
    evidence = []
    if name:
        evidence.append(Evidence(why=Why.NAME, what=column.name))
    if comment:
        evidence.append(Evidence(why=Why.COMMENT, what=naming.head(column.comment)))
    score = _together(name, comment, _unsaid(want, column, said))
    if score < CANDIDATE_MIN:
        return None
    made = Candidate(column=column, look=look, score=score, evidence=tuple(evidence))
    return _by_values(told, want, made)


def _by_reference(told: Read, want: wants.Want, column: survey.Column) -> float:
    """What the table says that a foreign key leads to: `method_id` that refers to `payment_method` is how the order is paid."""
    if want.field not in {"order.channel", "payment.channel"}:
        return 0.0
    there = next((r.table for r in told.table.references if r.column == column.name), "")
    return want.score(naming.of_name(there)) if there else 0.0


def _flag_instead(want: wants.Want, look: Look) -> bool:
    """A deletion is told by a flag or by an instant."""
    return want.field == "order.deleted" and Shape.INSTANT in look.shapes


def _by_type(column: survey.Column, look: Look, want: wants.Want) -> Said:
    """What the type itself says: a DATETIME is a time, a DECIMAL with places is an amount."""
    if Shape.INSTANT in want.shapes and look.unit:
        return (frozenset({"time"}),)
    if Shape.AMOUNT in want.shapes and column.scale:
        return (frozenset({"amount"}),)
    return ()


def _together(name: float, comment: float, unsaid: float) -> float:
    if name and comment:
        return 1 - (1 - name) * (1 - comment)
    if comment:
        return comment * COMMENT_ALONE
    return name * unsaid


def _unsaid(want: wants.Want, column: survey.Column, said: Said) -> float:
    """What is left of a name whose comment does not say the same: little where it speaks of something else in as few words."""
    if not said:
        return 1.0
    if len(_PROSE.findall(column.comment)) >= PROSE_MIN:
        return IN_PROSE
    foreign = any(word and not word & (want.ideas | want.neutral) for word in said)
    if not foreign and naming.strange_han(naming.head(column.comment)) >= STRANGE_MIN:
        return SAID_STRANGELY
    return OTHER_MEANING if foreign else NAME_UNSAID


def _by_values(told: Read, want: wants.Want, made: Candidate) -> Candidate | None:
    """The same, after a look at the values: some of them forbid, some speak for it."""
    look = made.look
    if want.field == "order.number" and not look.told and look.rows >= EMPTY_ROWS_MIN:
        return None
    unused = look.rows >= EMPTY_ROWS_MIN and not look.told
    if look.rows >= UNUSED_ROWS_MIN and not look.told and want.field not in NEVER_NEEDED:
        return _less(made, UNUSED)
    if (
        want.field == "order.coupon"
        and look.told < values.ROWS_TELL_MIN
        and (unused or not told.ideas(made.column.name) & {"id", "number"})
    ):
        # Without a value, nothing tells a coupon's number from a text about coupons.
        return _less(made, UNTOLD)
    if look.told < values.ROWS_TELL_MIN and want.field != "order.version":
        return _less(made, KEY_AS_NUMBER) if want.field == "order.number" and _bare(told, made) else made
    match want.field:
        case "order.number" | "payment.number" | "refund.number":
            return _numbered(told, want, made)
        case "order.amount_due" if look.rows >= EMPTY_ROWS_MIN and look.present < DUE_MIN:
            # What most orders do not have is a part of the sum, or something taken off.
            return None
        case "order.receiver_phone":
            return _support(made, look.phones >= 0.9, f"{look.phones:.0%}") if look.phones >= 0.5 else _less(made, 0.4)
        case "order.transaction_id" | "payment.transaction_id":
            if look.varied < 0.6:
                return None
            told_by = _support(made, look.transactions >= 0.8, f"{look.transactions:.0%}")
            return replace(told_by, score=max(told_by.score, BY_SHAPE)) if look.transactions >= 0.8 else told_by
        case "order.tracking_number":
            return None if look.varied < 0.3 else made
        case "order.carrier" if look.told >= EMPTY_ROWS_MIN and look.varied > CARRIERS_VARY_MAX:
            return None
        case "order.channel" | "payment.channel":
            return None if look.distinct > CHANNELS_MAX else _channels(told, made)
        case "order.buyer":
            return _less(made, 0.4) if look.phones > 0.5 else made
        case "order.version" if not look.unit and look.rows >= EMPTY_ROWS_MIN and look.distinct <= 1:
            # A counter that never counted tells no change.
            return _less(made, UNTOLD)
        case "item.sku" if (made.column.name,) == told.table.key and made.look.varied == 1.0:
            # The line's own key is no good's.
            return None
        case "item.sku" | "stock.sku":
            return None if _counts(told, made) else made
        case "stock.available" | "stock.locked" if look.rows >= EMPTY_ROWS_MIN and values.flagged(_spelled(told, made)):
            # Goods of which there is one or none, all of them: that is a yes and a no, and no count.
            return None
        case "item.quantity" | "stock.available" if _largest(told, made) > QUANTITY_MAX:
            return None
        case "item.amount" if _counts(told, made) and _priced(told):
            # Small whole numbers beside prices with places: pieces, whatever they are called.
            return None
        case "item.quantity" if _counts(told, made):
            pieces = made.score < COUNTED and _priced(told) and not told.ideas(made.column.name) & {"number", "id"}
            return replace(made, score=COUNTED) if pieces else _support(made, fits=True, what="")
        case "order.created_at" if look.rows >= EMPTY_ROWS_MIN and look.present < NUMBERED_MIN:
            # Every order was placed at some time: an instant that some lack is another.
            return None
        case "order.coupon":
            # What many orders share is a campaign, not the one coupon that was used.
            return _less(made, 0.6) if look.varied < 0.9 else made
        case _:
            return made


def _channels(told: Read, made: Candidate) -> Candidate:
    """A column whose words are nearly all names of channels is how orders are paid, whatever it is called."""
    words = {v for v in _spelled(told, made) if v}
    known = sum(bool(labels.channel(w)) and not w.isdigit() for w in words)
    if not known and len(words) > 1 and not any(w.lstrip("-").isdigit() for w in words):
        # Words, and none of them that of a channel: another column may hold those.
        return replace(made, score=made.score * UNTOLD)
    if not words or known < CHANNELS_KNOWN_MIN * len(words):
        return made
    return replace(made, score=max(made.score, CHANNELS_SAY), evidence=(*made.evidence, Evidence(why=Why.VALUES)))


def _spelled(told: Read, made: Candidate) -> tuple[str, ...]:
    return tuple({values.text(v) for v in told.table.values(made.column.name) if v is not None})


def _largest(told: Read, made: Candidate) -> int:
    return max((int(n) for v in told.table.values(made.column.name) if (n := values.number(v)) is not None), default=0)


def _counts(told: Read, made: Candidate) -> bool:
    """Whether a column holds small numbers that repeat: a count of things, and not what they are called."""
    whole = made.column.kind is survey.Kind.INTEGER
    return (
        whole and made.look.told >= 4 * values.ROWS_TELL_MIN and made.look.distinct <= COUNTS_MAX and _largest(told, made) <= COUNT_LARGEST
    )


def _priced(told: Read) -> bool:
    return any(c.scale and "price" in told.ideas(c.name) for c in told.table.columns)


def _own_id(told: Read, made: Candidate) -> bool:
    ideas = naming.ideas(told.names[made.column.name])
    return "id" in ideas and bool(ideas & {"order", "trade"}) and ideas <= {"id", "order", "trade"}


def _bare(told: Read, made: Candidate) -> bool:
    """Whether a column is called nothing but `id`."""
    return naming.ideas(told.names[made.column.name]) == {"id"}


def random_name(name: str) -> bool:
    """Whether a column is called as what a machine draws: a `uuid`, an `access_token`. Nobody reads those to anybody."""
    return bool(RANDOM & set(naming.split(name)))


def _numbered(told: Read, want: wants.Want, made: Candidate) -> Candidate | None:
    look, column = made.look, made.column
    alone = (column.name,)
    if random_name(column.name):
        return _less(made, KEY_AS_NUMBER)
    if column.kind is survey.Kind.INTEGER and Shape.DOCUMENT not in look.shapes:
        # People read a number of fourteen digits to each other; a row's own key is for the machine.
        differs = alone in told.table.unique or (look.varied == 1.0 and look.told >= EMPTY_ROWS_MIN and look.present == 1.0)
        if differs and told.table.key not in {(), alone} and "number" in naming.ideas(told.names[column.name]):
            return _support(made, fits=True, what="")
        return _less(made, KEY_AS_NUMBER)
    if look.varied < 0.5 or look.phones > 0.5:
        return None
    if (want.field == "order.number" and look.present < NUMBERED_MIN) or look.transactions > 0.5:
        # A number with the shape of a channel's own is the channel's.
        return None
    if want.field == "order.number" and look.varied == look.present == 1.0 and want.score(told.names[column.name]) >= NUMBER_NAMED_MIN:
        # `order_sn`, another one in every row: whatever its comment adds to that.
        made = replace(made, score=max(made.score, BY_SHAPE))
    if alone == told.table.key and column.kind is survey.Kind.TEXT and Shape.DOCUMENT in look.shapes and look.varied == 1.0:
        return replace(made, score=max(made.score, BY_SHAPE), evidence=(*made.evidence, Evidence(why=Why.VALUES)))
    if alone in told.table.unique or alone == told.table.key:
        return _support(made, fits=True, what="")
    if look.varied >= 0.95 and Shape.DOCUMENT in look.shapes and told.table.key not in {(), alone} and _own_id(told, made):
        # `order_id` beside another primary key is no reference to itself: it is what people call the order.
        return replace(made, score=max(made.score, OWN_ID), evidence=(*made.evidence, Evidence(why=Why.VALUES, what=f"{look.varied:.0%}")))
    if look.varied >= 0.95 and Shape.DOCUMENT in look.shapes:
        return _support(made, fits=True, what=f"{look.varied:.0%}")
    return made


def _support(made: Candidate, fits: bool, what: str) -> Candidate:  # noqa: FBT001 - the one fact that it is about
    if not fits:
        return made
    return replace(made, score=1 - (1 - made.score) * 0.6, evidence=(*made.evidence, Evidence(why=Why.VALUES, what=what)))


def _less(made: Candidate, share: float) -> Candidate | None:
    score = made.score * share
    return replace(made, score=score) if score >= CANDIDATE_MIN else None
