"""The page of all told orders for people: each story, who says what, what is found, what is done and why, as the flow decides it today."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from makewhole.core import clock, codec, money
from makewhole.model import act, claim, dossier, finding, order, payment, playbook, policy, resource, rowchange, run, verdict
from makewhole.sandbox import cases

_HEAD = """# Told orders

Each of these orders is one file in `cases/`: at once a test, this page, and a scene of the demo. A story tells what happened; then come
the words of each system of record, what the flow finds in them, what it plans, what policy says to that, and what is left afterwards.

This page is generated: `python -m makewhole.sandbox.cases docs/cases.md`.
"""
_QUIET = frozenset(
    {
        "says",
        "source",
        "as_of",
        "raw",
        "speaks_of",
        "version",
        "raw_state",
        "number",
        "merchant",
        "state",
        "due",
        "amount",
        "part",
        "suborders",
    }
)
"""Fields of a claim that its sentence spells itself, or that nobody wants to read."""
_SAYS_LITTLE: tuple[object, ...] = (None, "", (), False, 0, 1, "normal")


def page(told: tuple[cases.ToldCase, ...], book: policy.Book, remedies: playbook.Playbook) -> str:
    """Markdown. The same cases, rules and playbook give the same page."""
    judged = [(c, cases.judge(c, book, remedies)) for c in told]
    index = "\n".join(f"| [{c.slug}](#{c.slug}) | {c.title.en} | {_found(j.diagnosis)} | {_done(j)} |" for c, j in judged)
    table = f"| case | title | found | done |\n| --- | --- | --- | --- |\n{index}\n"
    return "\n".join([_HEAD, f"{len(told)} orders.\n", table, *("\n".join(_section(c, j)) for c, j in judged)])


def _section(told: cases.ToldCase, seen: cases.Judged) -> Iterator[str]:
    yield f"## {told.slug}\n"
    yield f"**{told.title.en} · {told.title.zh}**\n"
    yield f"{told.story.en}\n"
    yield f"{told.story.zh}\n"
    yield f"Looked at {clock.rfc3339(told.at)} · serves {', '.join(told.rows)} · from {_source(told.source)}\n"
    yield from (f"- {_claim(c)}" for c in seen.dossier.claims)
    yield from (f"- {_silence(s)}" for s in seen.dossier.silences)
    yield ""
    yield from _judgement(told, seen)


def _judgement(told: cases.ToldCase, seen: cases.Judged) -> Iterator[str]:
    match seen.diagnosis:
        case finding.Whole():
            yield "**Found:** nothing; the sources agree.\n"
        case finding.Unjudged(missing=missing):
            yield f"**Found:** not judged; {', '.join(f'{s.source} ({s.why.value})' for s in missing)} would have to speak first.\n"
        case finding.Broken(findings=findings):
            for f in findings:
                yield f"**Found:** `{f.ailment.value}`, {f.stake} at stake; cause `{f.reason.cause.value}` / `{f.reason.detail.value}`.\n"
    if seen.plan is None:
        return
    who = "Proposed by somebody" if told.proposal is not None else "Plan"
    why = ", because " + ", ".join(f"`{w.says.value}`" for w in seen.plan.why) if seen.plan.why else ""
    yield f"**{who}:** `{seen.plan.remedy.value}`{why}:\n"
    yield from (f"{i}. {_act(s.act)}" for i, s in enumerate(seen.plan.steps, 1))
    yield ""
    yield f"**Verdict:** {_verdict(seen.verdict)}\n"
    if seen.outcome is not None:
        yield f"**Afterwards:** {_outcome(seen.outcome)}\n"


def _source(source: str) -> str:
    return f"<{source}>" if source.startswith("https://") else source


def _claim(told: dossier.AnyClaim) -> str:
    """One claim as a sentence, with what else it holds behind it."""
    match told:
        case order.ShopOrder():
            state = f"`{told.state.value}`" if told.state else f"an unknown status code `{told.raw_state}`"
            first = f"the order is {state}, {told.due} due" + "".join(_part(p) for p in (told.suborders.parts if told.suborders else ()))
        case payment.Attempt():
            first = f"attempt {told.number} is `{told.state.value}`{_of(told.amount)}"
        case payment.ChannelRefund():
            first = f"refund {told.number} is `{told.state.value}`{_of(told.amount)}"
        case payment.ShopRefund():
            first = f"a refund {told.number or 'without a number'} is `{told.state.value}`{_of(told.amount)}"
        case payment.Notice():
            first = f"a callback came (`{told.check.value}`), the shop's answer: `{told.answer.value}`"
        case payment.Candidate():
            first = f"order {told.order} may be meant, {told.due} due"
        case payment.Link():
            first = f"this payment belongs to order {told.order}"
        case resource.StockLeft():
            first = f"{told.available} of {told.sku} are left"
        case resource.StockTally():
            first = f"of {told.sku} the order took {told.taken} and gave back {told.returned}"
        case resource.CouponUse():
            first = f"coupon {told.coupon} is `{told.state.value}`"
        case rowchange.RowChange():
            whose = f"the row of its part {told.part}" if told.part else "its row"
            first = f"{whose} saw one `{told.did.value}` by {told.who()}: " + ", ".join(_move(m) for m in told.moved)
        case _:
            first = type(told).__name__.lower()
    return f"**{told.source}**: {first}{_rest(told)}"


_SPELT = frozenset({"order", "sku", "available", "taken", "returned", "check", "answer", "coupon", "did", "moved"})


def _part(told: order.Suborder) -> str:
    state = f"`{told.state.value}`" if told.state else f"an unknown status code `{told.raw_state}`"
    return f"; its part {told.called()} is {state}{_of(told.due)}{f', parcel {told.tracking}' if told.tracking else ''}"


def _move(told: rowchange.Moved) -> str:
    return f"`{told.field.value}` {told.before or '–'} → {told.after or '–'}"


def _rest(told: dossier.AnyClaim) -> str:
    fields: dict[str, Any] = codec.builtins(told)
    spelt = _QUIET if isinstance(told, order.ShopOrder | resource.CouponUse) else _QUIET | _SPELT
    rest = {k: v for k, v in fields.items() if k not in spelt and v not in _SAYS_LITTLE}
    if "channel" in rest and rest["channel"] == told.source:
        del rest["channel"]
    return "".join(f"; {k.replace('_', ' ')} {_value(v)}" for k, v in rest.items())


def _value(value: Any) -> str:
    match value:
        case {"fen": int(fen), "currency": str(currency)}:
            return str(money.Money(fen=fen, currency=currency))
        case {"sku": str(sku), "quantity": int(quantity)}:
            return f"{quantity} × {sku}"
        case dict():
            return " ".join(f"{k} {_value(v)}" for k, v in value.items() if v is not None)
        case list() | tuple():
            return ", ".join(_value(v) for v in value)
        case _:
            return str(value)


def _of(amount: object) -> str:
    return "" if amount is None else f", {amount}"


def _silence(quiet: claim.Silence) -> str:
    return f"**{quiet.source}** does not speak of {quiet.about.value} {quiet.number}: {quiet.why.value}"


def _act(done: act.AnyAct) -> str:
    told: dict[str, Any] = codec.builtins(done)
    rest = {k: v for k, v in told.items() if k not in {"act", "question"} and v not in _SAYS_LITTLE}
    return f"`{told['act']}`: " + "; ".join(f"{k.replace('_', ' ')} {_value(v)}" for k, v in rest.items())


def _verdict(said: verdict.Verdict | None) -> str:
    match said:
        case verdict.Allowed():
            return "allowed."
        case verdict.Held(role=role, ground=ground):
            return f"held for `{role.value}`: `{ground.value}`."
        case verdict.Refused(ground=ground):
            return f"refused: `{ground.value}`."
        case None:
            return "none."


def _outcome(after: run.Outcome) -> str:
    match after:
        case run.Restored():
            return "restored; the sources agree."
        case run.Remaining(findings=findings):
            return f"still to do: {', '.join(f'`{f.ailment.value}`' for f in findings)}."
        case run.Unsure(missing=missing):
            return f"unsure, until {', '.join(s.source for s in missing)} speaks."


def _found(diagnosis: finding.Diagnosis) -> str:
    match diagnosis:
        case finding.Whole():
            return "whole"
        case finding.Unjudged():
            return "not judged"
        case finding.Broken(findings=findings):
            return ", ".join(f"`{f.ailment.value}`" for f in findings)


def _done(seen: cases.Judged) -> str:
    if seen.plan is None:
        return "nothing"
    match seen.verdict:
        case verdict.Held(role=role):
            return f"`{seen.plan.remedy.value}`, held for {role.value}"
        case verdict.Refused(ground=ground):
            return f"`{seen.plan.remedy.value}` refused: {ground.value}"
        case _:
            return f"`{seen.plan.remedy.value}`"
