"""The walk-through of docs/reconcile.md is what happens when it is done as it is written."""

from __future__ import annotations

import pytest

from tests.reconcile import walk


@pytest.mark.slow
def test_the_page_is_what_happens() -> None:
    """Every command, at its hour, word for word; `python -m tests.reconcile.walk` records it anew."""
    page = walk.PAGE.read_text(encoding="utf-8")
    assert page.count("$ makewhole ") == 9
    assert walk.played(page) == page
