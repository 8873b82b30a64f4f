"""Told orders: a file of `cases/` goes in; the dossier that it tells of and everything the flow makes of it come out.

One file is at once a test, a page of the documentation and a scene of the demo. Claims are written in the words of `model`; what
every claim of a kind would repeat (its source, when it was read) has a default, so that a file holds only what its story is about.
`python -m makewhole.sandbox.cases docs/cases.md` writes the readable page of all of them.
"""

from __future__ import annotations

import enum
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from makewhole import settings
from makewhole.core import clock, codec, faults, ids, money
from makewhole.flow import guard, observe, verify
from makewhole.flow.diagnose import rule, rules
from makewhole.flow.plan import brief, plans
from makewhole.model import claim, dossier, fact, finding, order, payment, plan, playbook, policy, rowchange, run, verdict

LATER = timedelta(minutes=1)
"""When news of the meantime is heard, unless it says otherwise."""
AFTERWARDS = timedelta(minutes=10)
"""When the order is looked at again, unless the file says otherwise."""
DEFAULT_CHANNEL = "wechatpay"
DEFAULT_MERCHANT = "1900000001"
DEFAULT_ITEM = {"sku": "tea", "quantity": 1}
"""What is in an order whose story is not about goods."""


class Told(codec.Noun, frozen=True, kw_only=True):
    """The same words in both languages."""

    en: str
    zh: str


class DiagnosisWord(enum.Enum):
    """The three kinds of diagnosis."""

    WHOLE = "whole"
    BROKEN = "broken"
    UNJUDGED = "unjudged"


class VerdictWord(enum.Enum):
    """The three kinds of verdict."""

    ALLOWED = "allowed"
    HELD = "held"
    REFUSED = "refused"


class OutcomeWord(enum.Enum):
    """The three kinds of outcome."""

    RESTORED = "restored"
    REMAINING = "remaining"
    UNSURE = "unsure"


class FoundAs(codec.Noun, frozen=True, kw_only=True):
    """A finding as the file expects it."""

    ailment: finding.Ailment
    cause: finding.Cause
    cause_detail: finding.CauseDetail
    subject: tuple[str, ...]
    stake_fen: int


class Said(codec.Noun, frozen=True, kw_only=True):
    """A verdict as the file expects it."""

    said: VerdictWord
    role: verdict.Role | None = None
    ground: verdict.Ground | None = None


class Expect(codec.Noun, frozen=True, kw_only=True):
    """What the flow must make of the dossier. Of each act only the fields that the file names are compared."""

    diagnosis: DiagnosisWord
    findings: tuple[FoundAs, ...] = ()
    missing: tuple[str, ...] = ()
    """Sources that are silent and matter."""
    remedy: plan.Remedy | None = None
    why: tuple[fact.Says, ...] = ()
    acts: tuple[dict[str, Any], ...] = ()
    verdict: Said | None = None
    outcome: OutcomeWord | None = None


class Inputs(codec.Noun, frozen=True, kw_only=True):
    """What the guard is told besides the plan and the dossier."""

    actor: verdict.Actor = verdict.Actor.ENGINE
    repairs_today: int = 0
    repaired_today_fen: int = 0
    refunds_today: int = 0


class Proposal(codec.Noun, frozen=True, kw_only=True):
    """A plan that the flow would not make: what somebody in a hurry, or a bug, might put before the guard."""

    remedy: plan.Remedy
    steps: tuple[plan.Step, ...]
    ailment: finding.Ailment
    stake_fen: int = 0


class Hearing(codec.Noun, frozen=True, kw_only=True):
    """Later news: its claims take the place of earlier words about the same thing."""

    at: datetime
    claims: tuple[dossier.AnyClaim, ...] = ()
    silences: tuple[claim.Silence, ...] = ()


class ToldCase(codec.Noun, frozen=True, kw_only=True):
    """One told order. `meanwhile` is heard between planning and judging, `after` once the run is over."""

    slug: str
    title: Told
    story: Told
    source: str
    """Where the story comes from: a peer's issue, or a row of the mission."""
    rows: tuple[str, ...]
    at: datetime
    order: ids.OrderKey
    claims: tuple[dossier.AnyClaim, ...]
    silences: tuple[claim.Silence, ...] = ()
    house: dict[policy.RuleName, int] = msgspec.field(default_factory=dict)
    """Numbers of the house's rules that differ from the shipped ones."""
    exposure: Inputs = Inputs()
    proposal: Proposal | None = None
    meanwhile: Hearing | None = None
    after: Hearing | None = None
    expect: Expect

    def heard(self) -> dossier.Dossier:
        """The dossier that the flow sees."""
        return observe.observe(self.order, self.claims, self.silences)

    def heard_later(self, later: Hearing) -> dossier.Dossier:
        """The dossier with later news. Who speaks of a topic is silent on it no more; who falls silent takes his words with him."""
        quiet = {(s.source, s.about) for s in later.silences}
        spoke = {(c.source, _about(c)) for c in later.claims}
        claims = (c for c in self.claims if (c.source, _about(c)) not in quiet)
        silences = (s for s in self.silences if (s.source, s.about) not in spoke)
        return observe.observe(self.order, (*claims, *later.claims), (*silences, *later.silences))


class Judged(codec.Noun, frozen=True, kw_only=True):
    """What the flow made of a told order."""

    dossier: dossier.Dossier
    policy: policy.Policy
    diagnosis: finding.Diagnosis
    plan: plan.Plan | None = None
    verdict: verdict.Verdict | None = None
    outcome: run.Outcome | None = None


def judge(told: ToldCase, book: policy.Book, remedies: playbook.Playbook) -> Judged:
    """Run the whole flow over a told order: diagnose, plan for the most harmful finding, guard, and verify if the file tells of after."""
    heard, rules_now = told.heard(), _house(told, book).at(told.at)
    diagnosis = rules.diagnose(rule.View(dossier=heard, policy=rules_now, now=told.at))
    made = _plan(told, heard, diagnosis, rules_now, remedies)
    said = outcome = None
    if made is not None:
        seen = heard if told.meanwhile is None else told.heard_later(told.meanwhile)
        exposed = verdict.Exposure(
            dossier=seen,
            actor=told.exposure.actor,
            repairs_today=told.exposure.repairs_today,
            repaired_today_fen=told.exposure.repaired_today_fen,
            refunds_today=told.exposure.refunds_today,
        )
        said = guard.guard(made, rules_now, exposed, told.at)
        if told.after is not None:
            view = rule.View(dossier=told.heard_later(told.after), policy=rules_now, now=told.after.at)
            outcome = verify.verify(made, diagnosis, rules.diagnose(view))
    return Judged(dossier=heard, policy=rules_now, diagnosis=diagnosis, plan=made, verdict=said, outcome=outcome)


def load(path: Path) -> ToldCase:
    """One told order. Raises BadInput, naming the file and the entry, where it cannot be understood."""
    raw = settings.read_toml(path)
    try:
        filled = _filled(raw, path.stem)
        return msgspec.convert(filled, ToldCase)
    except (msgspec.ValidationError, KeyError, TypeError, AttributeError, ValueError) as wrong:
        what = f"it lacks {wrong}" if isinstance(wrong, KeyError) else str(wrong)
        raise faults.BadInput(what, where=str(path), todo="Mend the entry it names; the words are those of makewhole.model.") from wrong


def load_all(folder: Path | None = None) -> tuple[ToldCase, ...]:
    """Every told order of a folder, by name; the shipped ones without one."""
    return tuple(load(path) for path in sorted((folder or settings.data_dir("cases")).glob("*.toml")))


def _plan(
    told: ToldCase, heard: dossier.Dossier, diagnosis: finding.Diagnosis, rules_now: policy.Policy, remedies: playbook.Playbook
) -> plan.Plan | None:
    if told.proposal is not None:
        return plan.Plan(
            order=told.order,
            ailment=told.proposal.ailment,
            subject=(told.order.number,),
            basis=heard.digest(),
            remedy=told.proposal.remedy,
            terminal=plan.Terminal.RESTORED,
            stake=money.Money(fen=told.proposal.stake_fen),
            steps=told.proposal.steps,
        )
    if not isinstance(diagnosis, finding.Broken):
        return None
    return plans.make(brief.Brief(dossier=heard, finding=diagnosis.findings[0], policy=rules_now, now=told.at), remedies)


def _house(told: ToldCase, book: policy.Book) -> policy.Book:
    """The book with the case's own numbers in place of the house's."""
    changed = tuple(msgspec.structs.replace(r, value=told.house[r.name]) for r in (*book.platform, *book.house) if r.name in told.house)
    kept = tuple(r for r in book.house if r.name not in told.house)
    return msgspec.structs.replace(book, house=(*kept, *changed))


def _about(told: dossier.AnyClaim) -> claim.About | None:
    match told:
        case order.ShopOrder():
            return claim.About.ORDER
        case payment.Attempt():
            return claim.About.PAYMENT
        case payment.ChannelRefund():
            return claim.About.REFUND
        case payment.Notice():
            return claim.About.NOTICE
        case _:
            return None


def _filled(raw: dict[str, Any], slug: str) -> dict[str, Any]:
    """The file's content with every default in its place."""
    _aware(raw)
    told = {**raw, "slug": slug}
    at, number = told["at"], told["order"]["number"]
    told["claims"] = [_claim(c, at, number) for c in told.get("claims", ())]
    told["silences"] = [_silence(s, number) for s in told.get("silences", ())]
    for name, wait in (("meanwhile", LATER), ("after", AFTERWARDS)):
        if name in told:
            later = {"at": at + wait, **told[name]}
            later["claims"] = [_claim(c, later["at"], number) for c in later.get("claims", ())]
            later["silences"] = [_silence(s, number) for s in later.get("silences", ())]
            told[name] = later
    return told


def _aware(raw: object) -> None:
    """Raises ValueError for an instant without a zone, wherever it stands."""
    match raw:
        case datetime():
            clock.aware(raw)
        case dict():
            _aware(list(raw.values()))
        case list():
            for part in raw:
                _aware(part)
        case _:
            pass


def _claim(raw: dict[str, Any], at: datetime, number: str) -> dict[str, Any]:
    """A claim with its defaults. A shop's map covers every field unless `speaks_of` says otherwise."""
    match raw["says"]:
        case "order":
            fills = {
                "source": claim.SHOP,
                "number": number,
                "raw_state": raw.get("state", "?"),
                "state": None,
                "version": "1",
                "speaks_of": [f.value for f in order.Field],
                "items": [DEFAULT_ITEM],
            }
        case "attempt":
            channel = raw.get("channel", DEFAULT_CHANNEL)
            fills = {"source": channel, "channel": channel, "number": number, "merchant": DEFAULT_MERCHANT}
        case "channel-refund":
            channel = raw.get("channel", DEFAULT_CHANNEL)
            fills = {"source": channel, "channel": channel, "payment": number}
        case "notice":
            fills = {"source": claim.RELAY, "channel": DEFAULT_CHANNEL, "number": number, "received_at": at}
        case "shop-refund":
            fills = {"source": claim.SHOP, "number": None}
        case "link":
            fills = {"source": claim.RELAY, "number": number}
        case "row-change":
            fills = {"source": rowchange.SOURCE, "order": number, "did": "update"}
        case _:
            fills = {"source": claim.SHOP}
    return {**fills, "as_of": at, **raw}


def _silence(raw: dict[str, Any], number: str) -> dict[str, Any]:
    source = {"payment": DEFAULT_CHANNEL, "refund": DEFAULT_CHANNEL, "notice": claim.RELAY}.get(raw["about"], claim.SHOP)
    return {"source": source, "number": number, **raw}
