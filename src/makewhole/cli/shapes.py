"""Shapes: findings, silences, plans and runs come in, the plain objects that scripts parse go out. Language-neutral but for `says`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, assert_never

import msgspec

from makewhole.cli import words
from makewhole.core import clock, codec
from makewhole.engine import look, propose
from makewhole.model import act, case, claim, fact, finding, plan, run, verdict

PRIVATE = frozenset({"payer", "buyer", "attach", "raw", "speaks_of", "version", "own_words", "part_words"})
"""Fields of claims that nobody need see to understand an order: who paid, and our own bookkeeping."""
AMOUNTS = frozenset({"due", "parts", "paid", "amount", "price"})
"""Fields that hold money or nothing; in JSON each is two: minor units in `…_fen`, and the currency."""
ENGLISH = words.Say(words.Language.ENGLISH, exact=True)
"""What `says` is written in: English, instants as exact as everywhere in JSON."""


def broken(looked: look.Looked, found: finding.Finding, proposed: propose.Proposal) -> dict[str, Any]:
    """One line of `scan --json`: one finding."""
    return {**_found(looked, found), "remedy": proposed.plan.remedy.value, "blocked_by": blocked_by(proposed)}


def _found(looked: look.Looked, found: finding.Finding) -> dict[str, Any]:
    return {
        "order": looked.order.number,
        "ailment": found.ailment.value,
        "family": finding.family(found.ailment).value,
        "cause": found.reason.cause.value,
        "cause_detail": found.reason.detail.value,
        "confidence": found.reason.confidence,
        "since": instant(found.since),
        "deadline": instant(found.deadline),
        "amount_fen": found.stake.fen,
        "evidence": [evidence(e) for e in found.evidence],
        "silences": [silence(s) for s in heard_of(looked)],
    }


def decided(looked: look.Looked, one: look.Decided) -> dict[str, Any]:
    """One line of `scan --json`: a finding about which a person has decided, and nobody's work.

    It has no remedy, and says who decided what, and under `stays` why the shop's row may not be corrected, where it might be.
    """
    said = one.said
    of = {"choice": said.choice.value, "by": said.by, "why": said.why, "at": instant(said.at)}
    stays = None if one.why is None else ENGLISH.fact(one.why)
    return {**_found(looked, one.finding), "remedy": None, "blocked_by": None, "decided": of, "stays": stays}


def unjudged(looked: look.Looked) -> dict[str, Any]:
    """One line of `scan --json`: an order that could not be judged has no ailment, and says who was silent."""
    shop = looked.dossier.shop()
    nothing = ("ailment", "family", "cause", "cause_detail", "confidence", "since", "deadline")
    return {
        "order": looked.order.number,
        **dict.fromkeys(nothing),
        "amount_fen": None if shop is None else shop.due.fen,
        "evidence": [],
        "silences": [silence(s) for s in heard_of(looked)],
        "remedy": None,
        "blocked_by": None,
    }


def heard_of(looked: look.Looked) -> Sequence[claim.Silence]:
    """The silences that matter to this diagnosis."""
    match looked.diagnosis:
        case finding.Unjudged(missing=missing):
            return missing
        case finding.Broken(unheard=unheard):
            return unheard
        case finding.Whole():
            return ()
        case _:
            assert_never(looked.diagnosis)


def blocked_by(proposed: propose.Proposal) -> str | None:
    """The ground for which we may not or cannot do it: policy's, or that nobody is there to do it."""
    if not isinstance(proposed.verdict, verdict.Allowed):
        return proposed.verdict.ground.value
    held = [why for why in proposed.plan.why if why.says is fact.Says.HELD_BY_GUARD]
    return held[0].values[0] if held and held[0].values else None


def evidence(told: finding.Evidence) -> dict[str, Any]:
    """Who said it, as of when, and what, in English."""
    return {"source": told.source, "as_of": instant(told.as_of), "says": ENGLISH.fact(told.what)}


def silence(quiet: claim.Silence) -> dict[str, Any]:
    """Who did not speak of what, and why."""
    return {"source": quiet.source, "about": quiet.about.value, "number": quiet.number, "why": quiet.why.value, "detail": quiet.detail}


def said(judged: verdict.Verdict) -> dict[str, Any]:
    """What policy says, always with the same keys."""
    match judged:
        case verdict.Allowed(policy_version=version):
            return {"verdict": "allowed", "policy_version": version, "ground": None, "role": None, "rule": None}
        case verdict.Held(policy_version=version, ground=ground, role=role, rule=held):
            told = codec.builtins(held)
            return {"verdict": "held", "policy_version": version, "ground": ground.value, "role": role.value, "rule": told}
        case verdict.Refused(policy_version=version, ground=ground, rule=broken_rule):
            told = codec.builtins(broken_rule)
            return {"verdict": "refused", "policy_version": version, "ground": ground.value, "role": None, "rule": told}
        case _:
            assert_never(judged)


def planned(proposed: propose.Proposal, previews: Sequence[Sequence[str]]) -> dict[str, Any]:
    """A plan, its verdict, and what each step would change."""
    made = proposed.plan
    return {
        "ailment": made.ailment.value,
        "subject": list(made.subject),
        "amount_fen": made.stake.fen,
        "remedy": made.remedy.value,
        "ends": made.terminal.value,
        "why": [ENGLISH.fact(w) for w in made.why],
        "blocked_by": blocked_by(proposed),
        "verdict": said(proposed.verdict),
        "steps": [
            {"act": act_slug(step.act), "key": plan.key(made.order, step), "preview": list(lines)}
            for step, lines in zip(made.steps, previews, strict=True)
        ],
    }


def ran(going: run.Run) -> dict[str, Any]:
    """A run and how far each of its steps is."""
    return {
        "run": going.plan.run_id(),
        "ailment": going.plan.ailment.value,
        "remedy": going.plan.remedy.value,
        "begun_at": instant(going.begun_at),
        "steps": [{"act": act_slug(s.act), "mark": m.value} for s, m in zip(going.steps, going.marks, strict=True)],
        "end": None if going.end is None else going.end.value,
        "why": going.why,
    }


def followed(known: case.Case) -> dict[str, Any]:
    """A case and its named end."""
    return {
        "case": known.id,
        "ailment": known.finding.ailment.value,
        "opened_at": instant(known.opened_at),
        "deadline": instant(known.deadline),
        "ends": None if known.terminal is None else known.terminal.value,
        "reason": known.reason,
        "ended_at": instant(known.ended_at),
    }


def public(told: msgspec.Struct) -> dict[str, Any]:
    """A claim as scripts read it: amounts in whole fen, instants as RFC 3339, nothing that nobody need see."""
    tag = told.__struct_config__.tag
    found: dict[str, Any] = {"says": tag} if tag is not None else {}
    for name in (n for n in told.__struct_fields__ if n not in PRIVATE):
        value = getattr(told, name)
        # An order's amount of parts is money; its sub-orders are parts as well.
        if name in AMOUNTS and not isinstance(value, tuple):
            found[f"{name}_fen"] = None if value is None else value.fen
            found[f"{name}_currency"] = None if value is None else value.currency
        else:
            found[name] = _plain(value)
    return found


def _plain(value: object) -> Any:
    match value:
        case datetime():
            return instant(value)
        case msgspec.Struct():
            return public(value)
        case tuple():
            return [_plain(v) for v in value]
        case _:
            return codec.builtins(value)


def act_slug(done: act.AnyAct) -> str:
    """An act's stable word."""
    return str(codec.builtins(done)["act"])


def instant(at: datetime | None) -> str | None:
    """RFC 3339 with an offset."""
    return None if at is None else clock.rfc3339(at)
