"""Record: what happened goes in, an Entry of evidence comes out. No personal data: numbers, digests, amounts, words of ours."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from makewhole.core import codec, ids
from makewhole.model import bank, bill, case, difference, fact, fetched, finding, plan, run, signal, verdict
from makewhole.model.case import EntryKind


def case_opened(opened: case.Case) -> case.Entry:
    """A finding became a case."""
    found = opened.finding
    body = {
        "ailment": found.ailment.value,
        "subject": list(found.subject),
        "stake": codec.builtins(found.stake),
        "cause": found.reason.cause.value,
        "cause_detail": found.reason.detail.value,
        "evidence": codec.digest(found.evidence),
    }
    return case.Entry(kind=EntryKind.CASE_OPENED, at=opened.opened_at, order=opened.order, case=opened.id, body=body)


def judged(made: plan.Plan, said: verdict.Verdict, of: ids.CaseId, at: datetime) -> case.Entry:
    """A plan was judged, under which policy, with which ground."""
    body = {
        "remedy": made.remedy.value,
        "basis": made.basis,
        "plan": codec.digest(made),
        "verdict": codec.builtins(said),
    }
    return case.Entry(kind=EntryKind.VERDICT, at=at, order=made.order, case=of, run=made.run_id(), body=body)


def begun(made: plan.Plan, of: ids.CaseId, at: datetime) -> case.Entry:
    """A run began, its limits reserved; on whose decision, where it is a person's."""
    body: dict[str, Any] = {"plan": codec.digest(made)}
    said = next((w for w in made.why if w.says is fact.Says.DECIDED), None)
    if said is not None:
        body["decided"] = list(said.values)
    return case.Entry(kind=EntryKind.RUN_BEGUN, at=at, order=made.order, case=of, run=made.run_id(), body=body)


def intent(going: run.Run, index: int, of: ids.CaseId, at: datetime) -> case.Entry:
    """A step is intended; the act follows only after this is durable."""
    return _step(EntryKind.INTENT, going, index, of, at, {})


def outcome_of_step(going: run.Run, index: int, news: run.News, of: ids.CaseId, at: datetime) -> case.Entry:
    """What became of a step."""
    return _step(EntryKind.STEP_OUTCOME, going, index, of, at, {"news": codec.builtins(news)})


def ended(going: run.Run, of: ids.CaseId, at: datetime) -> case.Entry:
    """A run ended."""
    body = {"end": going.end.value if going.end else None, "why": going.why}
    return case.Entry(kind=EntryKind.RUN_ENDED, at=at, order=going.plan.order, case=of, run=going.plan.run_id(), body=body)


def case_ended(over: case.Case, at: datetime) -> case.Entry:
    """A case reached its named end (law 8)."""
    body = {"terminal": over.terminal.value if over.terminal else None, "reason": over.reason}
    return case.Entry(kind=EntryKind.CASE_ENDED, at=at, order=over.order, case=over.id, body=body)


def verified(made: plan.Plan, result: run.Outcome, of: ids.CaseId, at: datetime) -> case.Entry:
    """The order was looked at again."""
    body: dict[str, Any] = {"outcome": type(result).__name__.lower()}
    if isinstance(result, run.Remaining):
        body["remaining"] = [f.ailment.value for f in result.findings]
    return case.Entry(kind=EntryKind.OUTCOME, at=at, order=made.order, case=of, run=made.run_id(), body=body)


def bill_kept(shop: ids.ShopName, had: fetched.Had, digest: str, at: datetime) -> case.Entry:
    """A channel's bill was stored, with its digest: who changes both in the store's file has still to change this log."""
    body = {"channel": had.channel, "merchant": had.merchant, "day": had.day.isoformat(), "digest": digest}
    return case.Entry(kind=EntryKind.BILL_KEPT, at=at, order=_day(shop, had.channel, had.day), body=body)


def day_closed(
    shop: ids.ShopName,
    channel: ids.ChannelName,
    day: int,
    stage: bill.Stage,
    source: str,
    new: int,
    at: datetime,
    supersedes: str | None = None,
) -> case.Entry:
    """A day's books were compared; `supersedes`: the bill that they were compared with before the channel corrected it."""
    body: dict[str, Any] = {"stage": stage.value, "source": source, "differences": new}
    if supersedes is not None:
        body["supersedes"] = supersedes
    return case.Entry(kind=EntryKind.DAY_CLOSED, at=at, order=_day(shop, channel, bill.date_of(day)), body=body)


def difference_found(found: difference.Difference) -> case.Entry:
    """Two books differ."""
    body = {
        "difference": found.id,
        "class": found.what.value,
        "channel": found.channel,
        "source": found.source,
        "digest": codec.digest(found),
    }
    return case.Entry(kind=EntryKind.DIFFERENCE_FOUND, at=found.found_at, order=found.order, body=body)


def difference_moved(of: ids.Key, order: ids.OrderKey, move: difference.Move) -> case.Entry:
    """What came of a difference."""
    body = {"difference": of, "move": codec.builtins(move)["type"], "digest": codec.digest(move)}
    return case.Entry(kind=EntryKind.DIFFERENCE_MOVED, at=move.at, order=order, body=body)


def halted(shop: ids.ShopName, channel: ids.ChannelName, record: str, at: datetime) -> case.Entry:
    """A record of ours was altered: nothing more is settled at this channel."""
    order = ids.OrderKey(shop=shop, number=ids.OrderNumber(f"books/{channel}"))
    return case.Entry(kind=EntryKind.SETTLEMENT_HALTED, at=at, order=order, body={"record": record})


def resumed(shop: ids.ShopName, channel: ids.ChannelName, by: str, why: str, at: datetime) -> case.Entry:
    """A person has looked, and lets it go on."""
    order = ids.OrderKey(shop=shop, number=ids.OrderNumber(f"books/{channel}"))
    return case.Entry(kind=EntryKind.SETTLEMENT_RESUMED, at=at, order=order, body={"by": by, "why": why})


def statement_kept(shop: ids.ShopName, told: bank.Statement, at: datetime) -> case.Entry:
    """A bank's statement was stored, with the digest of the file and of what was kept of it."""
    body = {"file": told.digest, "digest": codec.digest(told), "lines": len(told.lines), "others": told.others}
    order = ids.OrderKey(shop=shop, number=ids.OrderNumber(f"books/bank/{bill.date_of(told.last)}"))
    return case.Entry(kind=EntryKind.STATEMENT_KEPT, at=at, order=order, body=body)


def diagnosis_word(told: finding.Diagnosis) -> str:
    """One word for a diagnosis."""
    return type(told).__name__.lower()


def signal_seen(shop: ids.ShopName, seen: signal.Signal) -> case.Entry:
    """Something about a whole shop or a channel is not as usual: told once an episode."""
    body = {
        "sign": seen.sign.value,
        "about": ids.derive("about", seen.about) if seen.sign is signal.Sign.REFUND_VELOCITY else seen.about,
        "since": seen.since,
        "seen": seen.seen,
        "usual": seen.usual,
        "confidence": seen.confidence,
        "for": seen.role.value,
        "subject": list(seen.numbers),
        "key": seen.id(),
    }
    about = ids.OrderKey(shop=shop, number=ids.OrderNumber(f"signals/{seen.sign.value}"))
    return case.Entry(kind=EntryKind.SIGNAL_SEEN, at=seen.seen_at, order=about, body=codec.builtins(body))


def _day(shop: ids.ShopName, channel: ids.ChannelName, day: date) -> ids.OrderKey:
    return ids.OrderKey(shop=shop, number=ids.OrderNumber(f"books/{channel}/{day}"))


def _step(kind: EntryKind, going: run.Run, index: int, of: ids.CaseId, at: datetime, more: dict[str, Any]) -> case.Entry:
    step = going.steps[index]
    body = {
        "index": index,
        "act": codec.builtins(step.act)["act"],
        "key": plan.key(going.plan.order, step),
        "content": codec.digest(step),
        **more,
    }
    return case.Entry(kind=kind, at=at, order=going.plan.order, case=of, run=going.plan.run_id(), body=body)
