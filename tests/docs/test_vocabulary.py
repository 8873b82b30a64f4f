"""The vocabulary page says what the program says."""

from __future__ import annotations

import enum
import inspect

import pytest

from makewhole.flow.diagnose import rules
from makewhole.model import finding, plan, verdict
from tests.docs import vocabulary


def test_the_page_is_the_one_that_the_code_writes() -> None:
    """Renewed by `.venv/bin/python -m tests.docs.vocabulary`."""
    assert vocabulary.PAGE.read_text(encoding="utf-8") == vocabulary.page()


@pytest.mark.parametrize("words", [finding.Ailment, finding.Cause, finding.CauseDetail, plan.Remedy, plan.Terminal, verdict.Ground])
def test_every_word_stands_on_the_page_with_both_languages(words: type[enum.Enum]) -> None:
    """A slug without its words is a riddle for whoever reads a terminal."""
    text = vocabulary.PAGE.read_text(encoding="utf-8")
    for member in words:
        lines = [line for line in text.splitlines() if line.startswith(f"| `{member.value}` |")]
        assert lines, member
        assert not any("| – |" in line for line in lines), member


def test_every_ailment_has_a_rule_that_finds_it() -> None:
    """The page lists rules; an ailment that no rule finds would be missing from it without a word."""
    assert {rule.ailment for rule in rules.RULES} == set(finding.Ailment)
    assert all(inspect.getdoc(rule.find) for rule in rules.RULES)
