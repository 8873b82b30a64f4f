"""Fixtures of the search tests: every index that there is, empty."""

from __future__ import annotations

from pathlib import Path

import pytest

from makewhole import ports
from makewhole.adapters.search import embedded
from tests.search import oracle


@pytest.fixture(params=["embedded", "scan"])
def index(request: pytest.FixtureRequest, tmp_path: Path) -> ports.Search:
    """One after another; a server's adapter joins this list and no test."""
    if request.param == "scan":
        return oracle.Scan()
    return embedded.EmbeddedSearch(tmp_path / "index")
