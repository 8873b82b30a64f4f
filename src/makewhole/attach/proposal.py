"""A proposal: which table and column says what, how sure that is and why, what must be asked, and what was left alone."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field, replace

STATED_MIN = 0.8
"""Confidence from which a column is stated without asking. Held by the published figures: at least 99 % of what is stated is right."""


class Why(enum.Enum):
    """A kind of reason; the words for it are the command line's."""

    NAME = "name"
    COMMENT = "comment"
    TYPE = "type"
    KEY = "key"
    VALUES = "values"
    PRESENT = "present"
    SUM = "sum"
    REFERS = "refers"
    LABELS = "labels"
    ALONE = "alone"
    SHARDS = "shards"
    ANSWERED = "answered"


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """One reason. `what` quotes names, comments and shares, never a sampled value."""

    why: Why
    what: str = ""


@dataclass(frozen=True, kw_only=True)
class Found:
    """One of our fields and the column or expression that says it. `values` are the codes of channels and their words."""

    field: str
    table: str
    sql: str
    confidence: float
    evidence: tuple[Evidence, ...] = ()
    unit: str = ""
    values: tuple[tuple[str, str], ...] = ()
    column: str = ""
    """The one column that it rests on; empty where `sql` is that column."""

    def rests_on(self) -> str:
        """The column that a reader would name."""
        return self.column or self.sql


class Asked(enum.Enum):
    """A kind of question."""

    COLUMN = "column"
    UNIT = "unit"
    CODE = "code"
    TABLE = "table"
    TENANT = "tenant"
    STOCK = "stock"
    PARENT = "parent"
    PAPER = "paper"
    ZONE = "zone"


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One answer: what it is called, and what follows from it."""

    label: str
    found: tuple[Found, ...] = ()
    states: tuple[tuple[str, str], ...] = ()
    where: str = ""
    table: str = ""
    """The table that plays the role: with it the survey is read again."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """What the survey could not tell. The first choice is the likeliest; no answer leaves it unmapped."""

    field: str
    asked: Asked
    about: str
    choices: tuple[Choice, ...]
    hint: str = ""


@dataclass(frozen=True, kw_only=True)
class Role:
    """One table of ours. `link` holds the order's key; `states` are conditions and words, the first that holds wins."""

    name: str
    table: str
    confidence: float
    evidence: tuple[Evidence, ...] = ()
    key: str = ""
    link: str = ""
    where: str = ""
    states: tuple[tuple[str, str], ...] = ()
    kinds: tuple[tuple[str, str], ...] = ()
    moves: tuple[tuple[str, str], ...] = ()
    states_confidence: float = 0.0
    states_evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """Everything that a shop file would say, with its reasons."""

    database: str
    dialect: str
    zone: str
    roles: tuple[Role, ...]
    found: tuple[Found, ...]
    questions: tuple[Question, ...]
    unmapped: tuple[str, ...]
    """Our fields that nothing was found for, or that a question left open."""
    payment_numbers: tuple[str, ...] = ("{number}",)
    channels: tuple[str, ...] = ()
    notes: tuple[Evidence, ...] = field(default=())

    def role(self, name: str) -> Role | None:
        """One table of ours, if it is there."""
        return next((r for r in self.roles if r.name == name), None)

    def field(self, name: str) -> Found | None:
        """One field of ours, if it is there."""
        return next((f for f in self.found if f.field == name), None)


def with_sql(found: Found, sql: str) -> Found:
    """The same finding, told by an expression over its column."""
    return replace(found, sql=sql)


def answered(told: Proposal, question: Question, choice: Choice | None) -> Proposal:
    """The proposal after an answer; None leaves the field unmapped and named."""
    rest = tuple(q for q in told.questions if q is not question)
    if choice is None:
        return replace(told, questions=rest, unmapped=_with(told.unmapped, question.field))
    by_user = Evidence(why=Why.ANSWERED)
    new = tuple(replace(f, confidence=1.0, evidence=(*f.evidence, by_user)) for f in choice.found)
    names = {f.field for f in new}
    kept = tuple(f for f in told.found if f.field not in names)
    role_name = question.field.partition(".")[0]
    roles = tuple(_answered_role(r, question, choice) if r.name == role_name else r for r in told.roles)
    unmapped = tuple(u for u in told.unmapped if u not in names and not (choice.states and u == question.field))
    return replace(told, questions=rest, found=(*kept, *new), roles=roles, unmapped=unmapped)


def _answered_role(role: Role, question: Question, choice: Choice) -> Role:
    states = (*role.states, *choice.states)
    # Rows that hang on others, or are other papers, are left out until somebody says that all of them are orders.
    where = choice.where if question.asked in {Asked.PARENT, Asked.PAPER} else choice.where or role.where
    return replace(role, states=states, where=where)


def _with(names: tuple[str, ...], name: str) -> tuple[str, ...]:
    return names if name in names else (*names, name)
