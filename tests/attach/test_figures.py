"""Precision and recall of what attach states without asking, on made shops whose truth is known; docs/attach.md publishes these figures."""

from __future__ import annotations

import functools

import pytest

from tests.attach import figures

RECALL_MIN, PRECISION_MIN = 0.95, 0.99
STYLE_RECALL_MIN = 0.85
"""What no single style may fall below: in the sum of all, one shop of which nothing is recognised would not be seen."""
pytestmark = [pytest.mark.slow, pytest.mark.together]


@functools.cache
def graded() -> figures.Figures:
    return figures.measured()


def test_what_is_stated_is_right_and_little_is_left_unsaid() -> None:
    """Of the styles that the inference was tuned on and of those it was not, each for itself."""
    for held in (False, True):
        total = graded().total(held_out=held)
        assert total.precision >= PRECISION_MIN, total.complaints
        assert total.recall >= RECALL_MIN, total.complaints


def test_no_style_pays_for_the_others() -> None:
    """A rule made for one house may cost another one its table of orders."""
    for style, told in graded().styles:
        assert told.precision >= PRECISION_MIN, (style.name, told.complaints)
        assert told.recall >= STYLE_RECALL_MIN, (style.name, told.complaints)


def test_there_are_enough_styles() -> None:
    """Twelve at least that were tuned on, and some that were not."""
    told = [style.held_out for style, _ in graded().styles]
    assert told.count(False) >= 12
    assert told.count(True) >= 5


def test_the_published_figures_are_these() -> None:
    """`python -m tests.attach.figures` writes them."""
    page = figures.PAGE.read_text(encoding="utf-8")
    assert figures.between(page) == figures.table(graded())
