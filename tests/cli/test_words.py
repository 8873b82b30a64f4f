"""The catalogue is complete: every word of ours and every sentence of the program, in both languages, with the same placeholders."""

from __future__ import annotations

import ast
import enum
import re
import string
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import get_args

import pytest

from makewhole.cli import program, words
from makewhole.cli.catalogue import facts, guide, meanings, sentences
from makewhole.core import codec, money
from makewhole.engine import closing, recover
from makewhole.flow.plan import ask
from makewhole.model import (
    act,
    bank,
    bill,
    claim,
    daysheet,
    fact,
    finding,
    order,
    payment,
    plan,
    policy,
    resource,
    rollback,
    run,
    signal,
    verdict,
)

CLI = Path(words.__file__).parent
ENUMS: tuple[type[enum.Enum], ...] = (
    finding.Ailment,
    finding.Family,
    finding.Cause,
    finding.CauseDetail,
    order.OrderState,
    order.OrderKind,
    payment.AttemptState,
    payment.RefundState,
    payment.NoticeCheck,
    payment.ShopAnswer,
    payment.Match,
    resource.CouponState,
    claim.About,
    claim.Why,
    plan.Remedy,
    plan.Terminal,
    run.Mark,
    run.End,
    recover.State,
    closing.Closing,
    daysheet.DayState,
    verdict.Ground,
    verdict.Role,
    signal.Sign,
    bank.Paid,
    policy.Unit,
    rollback.Clash,
    policy.RuleName,
    bill.Break,
    bill.Kind,
    bill.Side,
    bill.Standing,
    bill.Wrong,
)
TABLES = {**facts.FACTS, **guide.GUIDE, **sentences.SENTENCES, **meanings.MEANINGS}
CHINESE = re.compile(r"[\u4e00-\u9fff]")
PLACEHOLDER = re.compile(r"\{[^}]*\}")
LETTERS = re.compile(r"[a-z]", re.IGNORECASE)
SAME_IN_BOTH = {"Source.makewhole", "arg.policy"}
"""Names."""


def placeholders(text: str) -> list[tuple[str, str]]:
    return sorted({(name, spec or "") for _, name, spec, _ in string.Formatter().parse(text) if name is not None})


@pytest.mark.parametrize("kind", ENUMS, ids=lambda kind: kind.__name__)
def test_every_member_has_words_in_both_languages(kind: type[enum.Enum]) -> None:
    """A new ailment, ground or state without words fails here, not on a merchant's screen."""
    for language in words.Language:
        say = words.Say(language)
        lacking = [m.value for m in kind if f"{kind.__name__}.{m.value}" not in meanings.MEANINGS]
        assert lacking == [], language
        assert all(say.meaning(m) for m in kind)


def test_no_meaning_is_left_over() -> None:
    """A slug that nothing has any more would be a lie in the catalogue."""
    known = {f"{kind.__name__}.{m.value}" for kind in ENUMS for m in kind}
    named = ("Act.", "Choice.", "Beside.", "Source.")
    assert [k for k in meanings.MEANINGS if k not in known and not k.startswith(named)] == []


def test_every_fact_has_a_sentence() -> None:
    """`Says` and the table of facts name the same sentences."""
    assert set(facts.FACTS) == {s.value for s in fact.Says}


def test_every_act_choice_and_line_of_a_sheet_has_words() -> None:
    """Acts by their tag, a person's choices by their slug."""
    acts = {str(kind.__struct_config__.tag) for kind in get_args(act.AnyAct)}
    assert {k.removeprefix("Act.") for k in meanings.MEANINGS if k.startswith("Act.")} == acts
    assert {k.removeprefix("Choice.") for k in meanings.MEANINGS if k.startswith("Choice.")} == {*ask.CHOICES, *ask.BOOK_CHOICES}


@pytest.mark.parametrize("key", sorted(TABLES))
def test_both_languages_say_the_same(key: str) -> None:
    """Same placeholders with the same spelling; Chinese is Chinese, English is not."""
    english, chinese = TABLES[key]
    assert placeholders(english) == placeholders(chinese)
    assert english.strip()
    assert chinese.strip()
    assert not CHINESE.search(english)
    # A sentence that is nothing but its values and punctuation is nobody's language.
    if key not in SAME_IN_BOTH and not key.startswith("punctuation.") and LETTERS.search(PLACEHOLDER.sub("", english)):
        assert CHINESE.search(chinese), key
    for _, spec in placeholders(english):
        if spec and spec[0].isupper():
            assert any(k.startswith(f"{spec}.") for k in meanings.MEANINGS), f"{key}: nothing is called {spec}"


def spoken() -> Iterator[tuple[str, ast.Call]]:
    """Every `say(…)` of the command line's own code: its key (with * where it is put together) and the call."""
    for path in sorted(CLI.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            is_say = name == "say" or (isinstance(node.func, ast.Call) and ast.unparse(node.func).startswith("_say"))
            if not is_say and ast.unparse(node.func) != "self":
                continue
            for key in _keys(node.args[0]):
                yield key, node


def _keys(told: ast.expr) -> list[str]:
    match told:
        case ast.Constant(value=str(key)):
            return [key]
        case ast.JoinedStr(values=parts):
            return ["".join(p.value if isinstance(p, ast.Constant) and isinstance(p.value, str) else "*" for p in parts)]
        case ast.IfExp(body=body, orelse=orelse):
            return _keys(body) + _keys(orelse)
        case _:
            return []


def test_every_sentence_that_the_code_says_exists_with_the_values_it_is_given() -> None:
    """A misspelt key or a value too few would be a crash in front of a merchant."""
    program_words = {**guide.GUIDE, **sentences.SENTENCES}
    seen = 0
    for key, call in spoken():
        seen += 1
        if "*" in key:
            assert any(re.fullmatch(re.escape(key).replace(r"\*", ".+"), known) for known in program_words), key
            continue
        assert key in program_words, key
        if any(k.arg is None for k in call.keywords):
            continue
        given = {k.arg for k in call.keywords}
        assert {name for name, _ in placeholders(program_words[key][0])} <= given, key
    assert seen > 150


def test_no_sentence_is_left_over() -> None:
    """Every sentence is named somewhere in the code, whole or by the family it belongs to."""
    code = "\n".join(path.read_text(encoding="utf-8") for path in sorted(CLI.glob("*.py")))
    quoted = set(re.findall(r"""["']([a-z-]+\.[a-z0-9-]+)["']""", code))
    families = tuple({key.split("*")[0] for key, _ in spoken() if "*" in key} - {""} | {"ladder.", "claim."})
    sides = {**guide.GUIDE, **sentences.SENTENCES}
    assert [k for k in sides if k not in quoted and not k.startswith(families)] == []


def test_every_command_has_its_help() -> None:
    """In the list and on its own page."""
    for name in program.COMMANDS:
        assert {f"short.{name}", f"help.{name}"} <= set(guide.GUIDE)


@pytest.mark.parametrize(
    "named, spoken_language",
    [("zh", "zh"), ("zh_CN.UTF-8", "zh"), ("zh-TW", "zh"), ("en_GB.UTF-8", "en"), ("C", None), ("fr_FR", None), ("", None)],
)
def test_a_language_is_known_by_its_name(named: str, spoken_language: str | None) -> None:
    """As a setting or a locale spells it."""
    found = words.language_of(named)
    assert (None if found is None else found.value) == spoken_language


def test_the_locale_is_read_as_the_system_reads_it() -> None:
    """LC_ALL beats LC_MESSAGES beats LANG; what is none of ours is English."""
    chinese, english = words.Language.CHINESE, words.Language.ENGLISH
    assert words.from_locale({"LC_ALL": "zh_CN", "LANG": "en_US"}) is chinese
    assert words.from_locale({"LC_MESSAGES": "zh_CN", "LANG": "en_US"}) is chinese
    assert words.from_locale({"LC_ALL": "C", "LANG": "zh_CN"}) is english
    assert words.from_locale({"LANG": "fr_FR"}) is english
    assert words.from_locale({}) is english


def test_facts_are_told_with_their_values_in_words() -> None:
    """States, instants and spans are spelt for people; what is missing is a dash; a shop's own code stays as it is."""
    say = words.Say(words.Language.CHINESE)
    assert say.fact(fact.fact(fact.Says.SHOP_STATE, order.OrderState.CLOSED, money.Money(fen=1))) == "订单状态为已关闭，应付 ¥0.01"
    assert say.fact(fact.fact(fact.Says.SHOP_STATE, "77", money.Money(fen=1))) == "订单状态为77，应付 ¥0.01"
    assert say.fact(fact.Fact(says=fact.Says.SHOP_DUE)) == "应付 –"
    english = words.Say(words.Language.ENGLISH)
    told = fact.fact(fact.Says.LATE_TOO_OLD, "2026-11-22T12:00:00+00:00", timedelta(days=1))
    assert english.fact(told) == "the money came at 2026-11-22 20:00:00, longer ago than 1 d"
    candidate = fact.fact(fact.Says.CANDIDATE, "A1", money.Money(fen=1), "attach, time")
    assert english.fact(candidate).endswith("it fits by what the client attached, time")


def test_a_slug_is_json_and_a_meaning_is_not() -> None:
    """Nobody parses a sentence: what scripts read are the values of the enums."""
    assert codec.builtins(finding.Ailment.PAID_TWICE) == "paid-twice"
    assert words.Say(words.Language.ENGLISH).meaning(finding.Ailment.PAID_TWICE) != "paid-twice"
