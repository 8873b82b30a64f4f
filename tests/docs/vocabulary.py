"""The words of the program go in, the page docs/vocabulary.md comes out: every enum that users meet, in English and Chinese.

`python -m tests.docs.vocabulary` writes the page; the test beside this file compares it. What a word means comes from where it is
defined: a rule's own docstring, the line under an enum's member, the catalogue of the command line.
"""

from __future__ import annotations

import ast
import enum
import inspect
import itertools
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from makewhole import settings
from makewhole.cli.catalogue import meanings
from makewhole.engine import recover
from makewhole.flow.diagnose import rules
from makewhole.flow.plan import remedies
from makewhole.model import bank, claim, finding, order, payment, plan, resource, rollback, run, signal, verdict

PAGE = Path(__file__).resolve().parents[2] / "docs" / "vocabulary.md"

HEAD = """\
# Vocabulary

Every word that users and scripts meet. Slugs (`like-this`) are stable: they stand in `--json`, in the store and in policy files.
The words beside them are what people read on a terminal, in English and Chinese, and may change.

This page is written by `python -m tests.docs.vocabulary` from the code itself, and a test keeps it so.
"""
AILMENTS_HEAD = """\
Most harmful first: this is the order in which an order's findings are worked on. "Remedies" are what `playbooks/default.toml`
allows, best first; where none applies, a person is asked.
"""


def page() -> str:
    """The whole page."""
    sections = (
        HEAD,
        _section("What can be said of an order", "", _classes(finding.Whole, finding.Broken, finding.Unjudged)),
        _section("Ailments", AILMENTS_HEAD, _ailments()),
        _section("Families", "", _table(finding.Family)),
        _section("Causes", "", _table(finding.Cause)),
        _section("Causes, finer", "", _table(finding.CauseDetail)),
        _section("Silences: about what", "", _table(claim.About)),
        _section("Silences: why", "", _table(claim.Why)),
        _section("States of an order", "", _table(order.OrderState)),
        _section("Kinds of goods", "", _table(order.OrderKind)),
        _section("States of an attempt to pay", "", _table(payment.AttemptState)),
        _section("States of a refund", "", _table(payment.RefundState)),
        _section("What the relay makes of a callback", "", _table(payment.NoticeCheck)),
        _section("What the shop answers to a callback", "", _table(payment.ShopAnswer)),
        _section("Why an order may be a payment's", "", _table(payment.Match)),
        _section("States of a coupon", "", _table(resource.CouponState)),
        _section("Why a rollback leaves a row alone", "", _table(rollback.Clash)),
        _section("Remedies", "", _table(plan.Remedy, lambda told: _doc(remedies.REMEDIES.get(told)))),
        _section("Verdicts", "", _classes(verdict.Allowed, verdict.Held, verdict.Refused)),
        _section("Grounds of a verdict", "", _table(verdict.Ground)),
        _section("Who a plan may wait for", "", _table(verdict.Role)),
        _section("Signs that a whole shop is not as usual", "", _table(signal.Sign)),
        _section("What the bank says of a payout", "", _table(bank.Paid)),
        _section("Marks of a step", "", _table(run.Mark)),
        _section("Ends of a run", "", _table(run.End)),
        _section("After a run: looked at again", "", _classes(run.Restored, run.Remaining, run.Unsure)),
        _section("How far an order is after work on it", "", _table(recover.State)),
        _section("Terminals of a case", "A case always ends in one of these (law 8).\n", _table(plan.Terminal)),
    )
    return "\n".join(sections)


def _section(title: str, head: str, body: str) -> str:
    return f"## {title}\n\n" + (f"{head}\n" if head else "") + body


def _table(words: type[enum.Enum], means: Callable[[Any], str] | None = None) -> str:
    said = means or (lambda member: notes(words).get(member.name, ""))
    rows = [("slug", "English", "中文", "note"), ("---",) * 4]
    rows += [(f"`{member.value}`", _word(member, 0), _word(member, 1), said(member)) for member in words]
    width = 4 if any(said(member) for member in words) else 3
    return "".join(f"| {' | '.join(row[:width])} |\n" for row in rows)


def _ailments() -> str:
    allowed = settings.load_playbook().remedies
    lines = []
    for rule in rules.RULES:
        ailment = rule.ailment
        mends = ", ".join(f"`{r.value}`" for r in allowed.get(ailment, ())) or "a person"
        lines.append(f"| `{ailment.value}` | {_word(ailment, 0)} | {_word(ailment, 1)} | {_doc(rule.find)} | {mends} |\n")
    return "| slug | English | 中文 | what the claims show | remedies |\n| --- | --- | --- | --- | --- |\n" + "".join(lines)


def _classes(*kinds: type) -> str:
    return "".join(f"- **{kind.__name__}**: {_doc(kind)}\n" for kind in kinds)


def _word(member: enum.Enum, language: int) -> str:
    """The catalogue's word, 0 English, 1 Chinese; a dash where the catalogue has none yet."""
    told = meanings.MEANINGS.get(f"{type(member).__name__}.{member.value}")
    return "–" if told is None else told[language]


def _doc(of: object) -> str:
    return "" if of is None else " ".join((inspect.getdoc(of) or "").split())


def notes(words: type[enum.Enum]) -> dict[str, str]:
    """The line under each member of an enum, where it has one."""
    return dict(_notes(ast.parse(textwrap.dedent(inspect.getsource(words))).body[0]))


def _notes(defined: ast.stmt) -> Iterator[tuple[str, str]]:
    body = getattr(defined, "body", [])
    for member, below in itertools.pairwise(body):
        match member, below:
            case ast.Assign(targets=[ast.Name(id=name)]), ast.Expr(value=ast.Constant(value=str(text))):
                yield name, " ".join(text.split())
            case _:
                continue


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
