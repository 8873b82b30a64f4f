"""`makewhole policy show|check`: the dated rules in force, with their sources; or whether they are complete and unambiguous."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import click

from makewhole import settings
from makewhole.cli import exits, options, session, shapes, start, words
from makewhole.core import codec
from makewhole.model import policy
from makewhole.model.policy import RuleName, Unit

SPANS = frozenset({Unit.MINUTES, Unit.HOURS, Unit.DAYS})
COUNTED = {
    RuleName.REVIEW_AMOUNT: Unit.FEN,
    RuleName.REPAIR_AMOUNT_PER_DAY_MAX: Unit.FEN,
    RuleName.AUTOMATIC_REPAIRS: Unit.SWITCH,
    RuleName.REPEATED_PAYMENTS_MAX: Unit.COUNT,
    RuleName.REFUNDS_PER_DAY_MAX: Unit.COUNT,
    RuleName.REPAIRS_PER_DAY_MAX: Unit.COUNT,
    RuleName.PRICE_DRIFT_MAX: Unit.COUNT,
    RuleName.SILENCE_CALLBACKS_MIN: Unit.COUNT,
    RuleName.CODE_BURST_MIN: Unit.COUNT,
    RuleName.CODE_BURST_TIMES: Unit.COUNT,
    RuleName.FEE_DRIFT_MAX: Unit.COUNT,
    RuleName.FEE_VOLUME_MIN: Unit.FEN,
}
"""What these rules count; every other rule is a span of time."""


def command(say: words.Say) -> click.Command:
    """The command in the reader's language."""
    ask = click.Argument(["ask"], type=click.Choice(("show", "check")), metavar=say("arg.policy"))
    params = [ask, options.config(say), options.at(say), options.as_json(say)]
    return options.Command("policy", say, params=params, callback=click.pass_obj(run))


def run(begun: start.Start, /, *, ask: str, config: str | None, at: str | None, as_json: bool) -> int:
    """Show or check."""
    now = session.Session(begun, as_json=as_json)
    told = now.settings(config=config)
    instant = now.instant(at) or datetime.now(UTC)
    book = settings.policy_book(told.platform, told.house)
    wrong = complaints(book, instant, now.say)
    if ask == "check":
        return _check(now, book, wrong)
    if any(lacking(book, instant)):
        return _check(now, book, wrong)
    _show(now, book, book.at(instant))
    return exits.Exit.FINE


def complaints(book: policy.Book, at: datetime, say: words.Say) -> list[str]:
    """What is wrong with the rules: missing, counted in the wrong unit, without sense, or two of one name for the same instant."""
    told = [say("policy.lacks", name=say.meaning(name), slug=name.value) for name in lacking(book, at)]
    for rule in (*book.platform, *book.house):
        fits = rule.unit is COUNTED[rule.name] if rule.name in COUNTED else rule.unit in SPANS
        if not fits:
            told.append(say("policy.unit", slug=rule.name.value, unit=say.meaning(rule.unit)))
        if rule.value < 0 or (rule.unit is Unit.SWITCH and rule.value > 1):
            told.append(say("policy.value", slug=rule.name.value, value=rule.value))
    for rules in (book.platform, book.house):
        twice = Counter((r.name, r.effective_from) for r in rules)
        told += [say("policy.twice", slug=n.value, at=say.instant(since)) for (n, since), times in twice.items() if times > 1]
    return told


def lacking(book: policy.Book, at: datetime) -> list[RuleName]:
    """Rules that nothing gives a value at this instant."""
    known = {r.name for r in (*book.platform, *book.house) if r.effective_from <= at}
    return [name for name in RuleName if name not in known]


def _check(now: session.Session, book: policy.Book, wrong: list[str]) -> exits.Exit:
    out, say = now.out, now.say
    if out.as_json:
        out.document({"policy": book.name, "complete": not wrong, "complaints": wrong})
    for line in wrong:
        out.line(line, "red")
    if not wrong:
        out.line(say("policy.complete", name=book.name, rules=len(RuleName)), "green")
    return exits.Exit.WRONG_USE if wrong else exits.Exit.FINE


def _show(now: session.Session, book: policy.Book, rules: policy.Policy) -> None:
    out, say = now.out, now.say
    house = {r.name for r in rules.rules if r in book.house}
    if out.as_json:
        out.document({"policy": rules.version, "rules": [_plain(r, house) for r in rules.rules]})
        return
    heads = [say(f"head.{name}") for name in ("rule", "value", "from", "origin", "row")]
    rows = [
        (
            say.meaning(r.name),
            f"{r.value} {say.meaning(r.unit)}",
            say.instant(r.effective_from),
            f"{say('policy.house' if r.name in house else 'policy.platform')} · {r.source}",
            r.row,
        )
        for r in rules.rules
    ]
    out.table(heads, rows, title=say("policy.in-force", version=rules.version))


def _plain(rule: policy.Rule, house: set[RuleName]) -> dict[str, Any]:
    told: dict[str, Any] = codec.builtins(rule)
    return {**told, "effective_from": shapes.instant(rule.effective_from), "from": "house" if rule.name in house else "platform"}
