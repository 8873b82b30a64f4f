"""One table and what it may be go in; for each of our fields the columns that may say it come out, best first, with reasons."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

from makewhole.attach import naming, survey, values, wants
from makewhole.attach.naming import NONE, Ideas, Said
from makewhole.attach.proposal import Evidence, Why
from makewhole.attach.values import Look, Shape

PREFIX_SHARE_MIN = 0.7
"""A word that stands in more of a table's column names is the table's prefix and says nothing of a column."""
PREFIX_COLUMNS_MIN = 5
CANDIDATE_MIN = 0.45
"""Below it, a column is not even offered as a choice."""
OTHER_MEANING = 0.55
"""What is left of a name's weight where the column's comment speaks of something else."""
COMMENT_ALONE = 0.97
NAME_UNSAID = 0.95
"""What a name is worth in a schema that comments its columns, but not this one."""
OWN_ID = 0.86
KEY_AS_NUMBER = 0.6
"""What is left of a claim to be the number where the values are short whole numbers."""
QUANTITY_MAX = 100_000
"""Pieces of one line of an order: beyond, it is a number that things are called by."""
COUNTS_MAX, COUNT_LARGEST = 12, 50
"""Distinct values, and the largest of them, up to which a column of whole numbers counts things."""
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
    said: Said
    """What the table's own name says."""
    whole_time: str = ""
    """How whole numbers tell instants elsewhere in this database, for a column that holds none yet."""
    whole_money: str = ""
    """The unit that whole amounts have elsewhere in this database, where names or comments say it and none contradicts."""

    def look(self, column: str) -> Look:
        """What the column's sample looks like."""
        return self.looks[column]

    def ideas(self, column: str) -> Ideas:
        """Everything that name and comment speak of."""
        return naming.ideas(self.names[column]) | naming.ideas(self.comments[column])


def read(table: survey.Table, *, initials: bool, whole_money: str = "") -> Read:
    """The table, read."""
    prefixes = {c.name: _meaningful(table, c.name) for c in table.columns}
    return Read(
        table=table,
        looks={c.name: values.look(table, c) for c in table.columns},
        names={c.name: naming.of_name(prefixes[c.name], initials=initials) for c in table.columns},
        comments={c.name: naming.of_text(naming.head(c.comment)) for c in table.columns},
        neutral=NONE,
        whole_money=whole_money,
        said=naming.of_name(table.name, initials=initials),
    )


def _meaningful(table: survey.Table, name: str) -> str:
    """A column's name without the word that nearly every column here begins with."""
    firsts = Counter(naming.split(c.name)[0] for c in table.columns if len(naming.split(c.name)) > 1)
    if not firsts or len(table.columns) < PREFIX_COLUMNS_MIN:
        return name
    word, times = firsts.most_common(1)[0]
    parts = naming.split(name)
    if times < PREFIX_SHARE_MIN * len(table.columns) or len(parts) < 2 or parts[0] != word:
        return name
    return "_".join(parts[1:])


def candidates(told: Read, want: wants.Want, skip: frozenset[str] = frozenset()) -> tuple[Candidate, ...]:
    """The columns that may say a field, best first."""
    found = (_candidate(told, want, c) for c in told.table.columns if c.name not in skip)
    return tuple(sorted((c for c in found if c is not None), key=lambda c: -c.score))


def _candidate(told: Read, want: wants.Want, column: survey.Column) -> Candidate | None:
    look = told.look(column.name)
    if not look.shapes & want.shapes and not _flag_instead(want, look):
        return None
    if want.shapes == {Shape.INSTANT} and not look.unit and "time" not in told.ideas(column.name):
        # Without values and without a word of time, an empty column is no instant.
        return None
    kind_says = _by_type(column, look, want)
    name = want.score(told.names[column.name] + kind_says, told.neutral)
    said = told.comments[column.name]
    comment = want.score(said + kind_says, told.neutral) if said else 0.0
    evidence = []
    if name:
        evidence.append(Evidence(why=Why.NAME, what=column.name))
    if comment:
        evidence.append(Evidence(why=Why.COMMENT, what=naming.head(column.comment)))
    score = _together(name, comment, spoke=bool(said))
    if score < CANDIDATE_MIN:
        return None
    made = Candidate(column=column, look=look, score=score, evidence=tuple(evidence))
    return _by_values(told, want, made)


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


def _together(name: float, comment: float, *, spoke: bool) -> float:
    if name and comment:
        return 1 - (1 - name) * (1 - comment)
    if comment:
        return comment * COMMENT_ALONE
    return name * (OTHER_MEANING if spoke else 1.0)


def _by_values(told: Read, want: wants.Want, made: Candidate) -> Candidate | None:
    """The same, after a look at the values: some of them forbid, some speak for it."""
    look = made.look
    if look.told < values.ROWS_TELL_MIN:
        return _less(made, KEY_AS_NUMBER) if want.field == "order.number" and _bare(told, made) else made
    match want.field:
        case "order.number" | "payment.number" | "refund.number":
            return _numbered(told, made)
        case "order.receiver_phone":
            return _support(made, look.phones >= 0.9, f"{look.phones:.0%}") if look.phones >= 0.5 else _less(made, 0.4)
        case "order.transaction_id" | "payment.transaction_id":
            if look.varied < 0.6:
                return None
            return _support(made, look.transactions >= 0.8, f"{look.transactions:.0%}")
        case "order.tracking_number":
            return None if look.varied < 0.3 else made
        case "order.channel" | "payment.channel":
            return None if look.distinct > 20 else made
        case "order.buyer":
            return _less(made, 0.4) if look.phones > 0.5 else made
        case "item.sku" | "stock.sku":
            return None if _counts(told, made) else made
        case "item.quantity":
            return None if _largest(told, made) > QUANTITY_MAX else made
        case "order.coupon":
            # What many orders share is a campaign, not the one coupon that was used.
            return _less(made, 0.6) if look.varied < 0.9 else made
        case _:
            return made


def _largest(told: Read, made: Candidate) -> int:
    return max((int(n) for v in told.table.values(made.column.name) if (n := values.number(v)) is not None), default=0)


def _counts(told: Read, made: Candidate) -> bool:
    """Whether a column holds small numbers that repeat: a count of things, and not what they are called."""
    whole = made.column.kind is survey.Kind.INTEGER
    return (
        whole and made.look.told >= 4 * values.ROWS_TELL_MIN and made.look.distinct <= COUNTS_MAX and _largest(told, made) <= COUNT_LARGEST
    )


def _own_id(told: Read, made: Candidate) -> bool:
    ideas = naming.ideas(told.names[made.column.name])
    return "id" in ideas and bool(ideas & {"order", "trade"}) and ideas <= {"id", "order", "trade"}


def _bare(told: Read, made: Candidate) -> bool:
    """Whether a column is called nothing but `id`."""
    return naming.ideas(told.names[made.column.name]) == {"id"}


def _numbered(told: Read, made: Candidate) -> Candidate | None:
    look, column = made.look, made.column
    alone = (column.name,)
    if column.kind is survey.Kind.INTEGER and Shape.DOCUMENT not in look.shapes:
        # People read a number of fourteen digits to each other; a row's own key is for the machine.
        return _less(made, KEY_AS_NUMBER)
    if look.varied < 0.5 or look.phones > 0.5:
        return None
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
