"""Every told order of `cases/` is judged by the flow exactly as its file says, and together they cover what the flow can say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from makewhole import settings
from makewhole.core import codec, faults
from makewhole.model import fact, finding, plan, run, verdict
from makewhole.sandbox import cases
from makewhole.sandbox.cases import page

ROOT = Path(__file__).resolve().parents[2]
PATHS = sorted((ROOT / "cases").glob("*.toml"))
BOOK = settings.policy_book()
PLAYBOOK = settings.load_playbook()

CASES_MIN = 44

GROUNDS_OF_THE_ENGINE = {
    verdict.Ground.NO_HAND: "said by the engine, which alone knows what hands there are",
}
CAUSES_OF_OTHERS = {
    finding.CauseDetail.CALLBACK_NEVER_SENT: "needs the channel's own log of what it sent, which no connector reads yet",
}


def judged(told: cases.ToldCase) -> cases.Judged:
    return cases.judge(told, BOOK, PLAYBOOK)


def word(value: object) -> str:
    return type(value).__name__.lower()


def holds(told: Any, seen: Any) -> bool:
    """Whether everything that is told is seen; what is not told is not asked for."""
    if isinstance(told, Mapping):
        return isinstance(seen, Mapping) and all(k in seen and holds(v, seen[k]) for k, v in told.items())
    if isinstance(told, Sequence) and not isinstance(told, str):
        return isinstance(seen, Sequence) and len(told) == len(seen) and all(map(holds, told, seen))
    return bool(told == seen)


def found(seen: finding.Diagnosis) -> Iterable[cases.FoundAs]:
    for f in seen.findings if isinstance(seen, finding.Broken) else ():
        yield cases.FoundAs(
            ailment=f.ailment,
            cause=f.reason.cause,
            cause_detail=f.reason.detail,
            subject=f.subject,
            stake_fen=f.stake.fen,
        )


def said(seen: verdict.Verdict) -> cases.Said:
    match seen:
        case verdict.Allowed():
            return cases.Said(said=cases.VerdictWord.ALLOWED)
        case verdict.Held(role=role, ground=ground):
            return cases.Said(said=cases.VerdictWord.HELD, role=role, ground=ground)
        case verdict.Refused(ground=ground):
            return cases.Said(said=cases.VerdictWord.REFUSED, ground=ground)


@pytest.mark.parametrize("path", PATHS, ids=lambda p: p.stem)
def test_a_told_order_is_judged_as_its_file_says(path: Path) -> None:
    """Diagnosis, findings in order, remedy, acts, verdict and outcome."""
    told = cases.load(path)
    seen, expect = judged(told), told.expect
    assert word(seen.diagnosis) == expect.diagnosis.value
    assert tuple(found(seen.diagnosis)) == expect.findings
    if isinstance(seen.diagnosis, finding.Unjudged):
        assert tuple(s.source for s in seen.diagnosis.missing) == expect.missing
    assert (seen.plan and seen.plan.remedy) == expect.remedy
    assert (seen.verdict and said(seen.verdict)) == expect.verdict
    assert (seen.outcome and word(seen.outcome)) == (expect.outcome and expect.outcome.value)
    if expect.why:
        assert seen.plan is not None
        assert tuple(f.says for f in seen.plan.why) == expect.why
    if expect.acts:
        assert seen.plan is not None
        acts = [codec.builtins(s.act) for s in seen.plan.steps]
        assert holds([dict(a) for a in expect.acts], acts), acts


@pytest.mark.parametrize("path", PATHS, ids=lambda p: p.stem)
def test_a_told_order_says_what_a_broken_order_needs(path: Path) -> None:
    """A broken order names its remedy and the verdict on it; a whole or unjudged one has none unless somebody proposed it."""
    told = cases.load(path)
    proposed = told.expect.diagnosis is cases.DiagnosisWord.BROKEN or told.proposal is not None
    assert (told.expect.remedy is not None) == proposed
    assert (told.expect.verdict is not None) == proposed
    assert (told.after is not None) == (told.expect.outcome is not None)
    assert told.source.startswith(("https://", "MISSION R"))
    assert told.rows
    for words in (told.title, told.story):
        assert words.en.isascii() or "¥" in words.en
        assert any("\u4e00" <= c <= "\u9fff" for c in words.zh)


def test_there_are_enough_told_orders() -> None:
    """A folder that was not found would otherwise pass in silence."""
    assert len(PATHS) >= CASES_MIN
    assert [c.slug for c in cases.load_all()] == [p.stem for p in PATHS]


def test_every_ailment_is_told() -> None:
    """No ailment without an order that has it."""
    told = {f.ailment for c in cases.load_all() for f in c.expect.findings}
    assert told == set(finding.Ailment)


def test_every_remedy_is_told() -> None:
    """No remedy without an order that it mends; proposals of others do not count."""
    told = {c.expect.remedy for c in cases.load_all() if c.proposal is None and c.expect.remedy is not None}
    assert told == set(plan.Remedy)


def test_every_ground_is_told() -> None:
    """No word of the guard without an order that it is said to."""
    told = {c.expect.verdict.ground for c in cases.load_all() if c.expect.verdict and c.expect.verdict.ground}
    assert told == set(verdict.Ground) - set(GROUNDS_OF_THE_ENGINE)


def test_every_role_is_told() -> None:
    """Each of those who approve has something to approve."""
    told = {c.expect.verdict.role for c in cases.load_all() if c.expect.verdict and c.expect.verdict.role}
    assert told == set(verdict.Role)


def test_every_cause_is_told() -> None:
    """No cause detail without an order whose claims show it."""
    told = {f.cause_detail for c in cases.load_all() for f in c.expect.findings}
    assert told == set(finding.CauseDetail) - set(CAUSES_OF_OTHERS)


def test_every_rung_of_the_late_decision_is_told() -> None:
    """Every reason that the late-payment decision can give, with all three of its ends."""
    told = {w for c in cases.load_all() for w in c.expect.why}
    assert told >= {s for s in fact.Says if s.value.startswith("late-")}


def test_every_outcome_is_told() -> None:
    """Restored, remaining and unsure."""
    assert {c.expect.outcome for c in cases.load_all() if c.expect.outcome} == set(cases.OutcomeWord)
    assert {o.value for o in cases.OutcomeWord} == {t.__name__.lower() for t in (run.Restored, run.Remaining, run.Unsure)}


def test_the_page_of_all_cases_is_up_to_date() -> None:
    """`python -m makewhole.sandbox.cases docs/cases.md` writes it again."""
    assert (ROOT / "docs" / "cases.md").read_text(encoding="utf-8") == page.page(cases.load_all(), BOOK, PLAYBOOK)


@pytest.mark.parametrize(
    "change, complaint",
    [
        (("at = 2026", "when = 2026"), "at"),
        (('says = "order"', 'says = "ordre"'), "ordre"),
        (("fen = 9900", "fen = 99.5"), "int"),
        (("[expect]", "[expected]"), "expect"),
        (("T12:00:00+08:00", "T12:00:00"), "time zone"),
        (("[title]", "[title"), "TOML"),
    ],
)
def test_a_file_that_cannot_be_understood_is_named(tmp_path: Path, change: tuple[str, str], complaint: str) -> None:
    """The error says which file, and which word of it."""
    text = (ROOT / "cases" / "paid-shop-never-heard.toml").read_text(encoding="utf-8")
    path = tmp_path / "broken.toml"
    path.write_text(text.replace(*change), encoding="utf-8")
    with pytest.raises(faults.BadInput) as wrong:
        cases.load(path)
    assert wrong.value.where == str(path)
    assert complaint in wrong.value.what
