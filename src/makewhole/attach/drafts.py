"""A proposal in the making: what was found and what is doubted is put in, and a finished proposal is taken out."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field, replace

from makewhole.attach import ladders, spelling, survey
from makewhole.attach.columns import PERSONAL, Read
from makewhole.attach.fields import Chosen
from makewhole.attach.proposal import STATED_MIN, Asked, Choice, Evidence, Found, Proposal, Question, Role, Why

NOUNS = """
    order.number order.buyer order.state order.amount_due order.amount_paid order.created_at order.paid_at order.shipped_at
    order.completed_at order.closed_at order.expires_at order.channel order.transaction_id order.carrier order.tracking_number
    order.receiver_phone order.coupon order.deleted order.tenant order.version order.kind item.order item.sku item.quantity
    item.amount payment.order payment.number payment.channel payment.transaction_id payment.amount payment.state payment.at
    refund.order refund.number refund.amount refund.state refund.requested_at refund.done_at stock.sku stock.available
    stock.locked coupon.id coupon.order coupon.state coupon.used_at history.order history.at history.who history.from history.to
""".split()  # noqa: SIM905 - a list of fifty quoted words is no easier to read
"""Our fields; what is not found is named as unmapped."""
UNITS = ("yuan", "fen")
UNSURE = 0.75
"""A claim of which one part is a guess."""
ASK_MIN = 0.6
"""A claim that is weaker is not worth a person's time: the field is named as unmapped."""
CHOICES_MAX = 4
ORDER_STATES = (
    "awaiting-payment", "awaiting-shipment", "partly-shipped", "shipped", "completed", "closed", "refunding", "refunded", "invalid",
)  # fmt: skip


@dataclass(kw_only=True)
class Draft:
    """Collects. The only thing here that changes."""

    dialect: str
    found: dict[str, Found] = field(default_factory=dict)
    roles: list[Role] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    payment_numbers: tuple[str, ...] = ("{number}",)
    channels: tuple[str, ...] = ()

    def state(self, found: Found) -> None:
        """A column that is sure enough."""
        self.found[found.field] = found

    def ask(self, question: Question) -> None:
        """One question."""
        self.questions.append(question)

    def table(self, role: str, best: str, rivals: tuple[str, ...]) -> None:
        """Ask which table plays a role."""
        choices = tuple(Choice(label=t, table=t) for t in (best, *rivals))
        self.ask(Question(field=role, asked=Asked.TABLE, about=best, choices=choices))

    def unit(self, likely: Found, said: str) -> None:
        """Ask what whole amounts count: once for all columns of money, for no shop writes one in fen and the next in yuan."""
        before = next((q for q in self.questions if q.asked is Asked.UNIT), None)
        if before is not None:
            more = tuple(replace(c, found=(*c.found, replace(likely, unit=c.label))) for c in before.choices)
            self.questions[self.questions.index(before)] = replace(before, choices=more)
            return
        units = sorted(UNITS, key=lambda unit: unit != likely.unit)
        choices = tuple(Choice(label=unit, found=(replace(likely, unit=unit),)) for unit in units)
        about = f"{likely.table}.{likely.rests_on()}"
        self.ask(Question(field=likely.field, asked=Asked.UNIT, about=about, choices=choices, hint=said))

    def column(self, read: Read, name: str, chosen: Chosen, unit: str = "") -> None:
        """State a column where it is sure enough and alone; else ask."""
        made = [found_of(read, name, c.column.name, c.score, c.evidence, unit) for c in (chosen.best, *chosen.rivals)]
        if made[0].confidence >= STATED_MIN and len(made) == 1:
            self.state(made[0])
            return
        if made[0].confidence < ASK_MIN:
            return
        choices = tuple(Choice(label=f"{f.table}.{f.rests_on()}", found=(f,)) for f in made[:CHOICES_MAX])
        self.ask(Question(field=name, asked=Asked.COLUMN, about=made[0].table, choices=choices))


def found_of(read: Read, name: str, column: str, score: float, evidence: tuple[Evidence, ...], unit: str = "") -> Found:
    """A column as one of our fields; instants get their unit from the sample."""
    told = read.table.by_name[column]
    look = read.look(column)
    dated = bool(look.unit) or (not look.told and "update" in read.ideas(column) and "version" not in read.ideas(column))
    instant = name.endswith(("_at", ".at")) or (name == "order.version" and dated)
    sql = spelling.name(column)
    if instant:
        unit, score = _clock(read, told, score)
        if unit == "packed":
            sql, unit = spelling.packed(column), "text"
    typed = (Evidence(why=Why.TYPE, what=told.declared),) if told.declared and name not in PERSONAL else ()
    return Found(field=name, table=read.table.name, sql=sql, column=column, confidence=down(score), evidence=(*evidence, *typed), unit=unit)


def down(score: float) -> float:
    """A score in hundredths, never more than it is."""
    return math.floor(score * 100 + 1e-9) / 100


def clock_said(told: survey.Column) -> str:
    """The unit that a comment names."""
    comment = told.comment.lower()
    if any(word in comment for word in ("毫秒", "milli", "(ms)", "13位")):
        return "unix_ms"
    # 秒杀 is a sale against the clock, and no unit of it.
    return "unix_s" if re.search(r"秒(?!杀)|second|unix|10位", comment) else ""


def _clock(read: Read, told: survey.Column, score: float) -> tuple[str, float]:
    """The unit of an instant. A column that holds none yet is told by its type and its neighbours; else its claim is no longer sure."""
    look = read.look(told.name)
    if look.unit:
        return look.unit, score
    if told.kind is not survey.Kind.INTEGER:
        return ("text" if told.kind is survey.Kind.TEXT else "datetime"), score
    if said := clock_said(told):
        return said, score
    if read.whole_time:
        return read.whole_time, score
    # Thirty-two bits hold seconds since 1970 and no milliseconds.
    return ("unix_s", score) if told.declared.lower().startswith("int") else ("unix_ms", min(score, UNSURE))


def coded(role: str, told: ladders.Told, words: tuple[str, ...]) -> list[Question]:
    """A question for each code that nothing explains."""
    made = []
    for condition, label in told.unclear:
        choices = tuple(Choice(label=w, states=((condition, w),)) for w in words)
        made.append(Question(field=f"{role}.state", asked=Asked.CODE, about=condition, choices=choices, hint=label))
    return made


def finished(draft: Draft, told: survey.Survey) -> Proposal:
    """The proposal, with everything of ours that was not found named."""
    have = set(draft.found) | {f"{r.name}.state" for r in draft.roles if r.states} | {"order.kind" for r in draft.roles if r.kinds}
    return Proposal(
        database=told.database,
        dialect=told.dialect,
        zone=told.zone or "Asia/Shanghai",
        roles=tuple(draft.roles),
        found=tuple(draft.found[n] for n in sorted(draft.found, key=_place)),
        questions=tuple(draft.questions),
        unmapped=tuple(n for n in NOUNS if n not in have),
        payment_numbers=draft.payment_numbers,
        channels=draft.channels,
    )


def _place(name: str) -> tuple[int, str]:
    return (NOUNS.index(name) if name in NOUNS else len(NOUNS), name)
