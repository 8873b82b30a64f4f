"""The fourth channel joins as any would: a line in each of three registries, for as long as a test lasts."""

from __future__ import annotations

import pytest

from makewhole.adapters.bills import formats
from makewhole.adapters.payments import registry
from makewhole.sandbox import counterparts
from tests.payments.fourth import bill, connector, sandbox

ENTRIES = {connector.ENTRY.name: connector.ENTRY}
GATES = {sandbox.Gateway.NAME: sandbox.Gateway}
FORMATS = {bill.Trade.channel: bill.Trade()}


def join(patch: pytest.MonkeyPatch) -> None:
    """Its three lines."""
    patch.setattr(registry, "ENTRIES", {**registry.ENTRIES, **ENTRIES})
    patch.setattr(counterparts, "GATES", {**counterparts.GATES, **GATES})
    patch.setattr(formats, "FORMATS", {**formats.FORMATS, **FORMATS})
