"""What people decided in the daily books, the shop's rows go on showing: scan and sweep know of it, as long as it is the same money."""

from __future__ import annotations

import json
from concurrent import futures

import pytest

from makewhole.engine import sweep
from tests.reconcile import conftest, morning

pytestmark = pytest.mark.slow


def test_a_decided_order_is_told_apart_until_its_money_is_another(shop: morning.Shop, call: conftest.Call) -> None:
    """Paid by hand, and decided for the channel: no open break and nobody's work. Another amount in the row, nobody has decided."""
    sn = shop.by_hand()
    shop.morning()
    shop.settled()
    (of,) = shop.differences()
    assert call("scan").exit_code == 1
    decide = ("reconcile", "decide", of.found.id, "channel-is-right", "--by", "Lin", "--why", "the screenshot was edited")
    assert call(*decide).exit_code == 0
    told = call("scan")
    assert told.exit_code == 0, told.output
    assert sn in told.stdout
    assert "decided by Lin on 2026-11-19: the channel is right (the screenshot was edited)" in told.stdout
    assert "Decided by people in the daily books: 1" in told.stdout
    (line,) = [json.loads(line) for line in call("scan", "--json").stdout.splitlines()]
    assert (line["order"], line["ailment"], line["remedy"]) == (sn, "paid-in-shop-only", None)
    assert (line["decided"]["by"], line["decided"]["choice"]) == ("Lin", "channel-is-right")
    tally = sweep.Tally()
    with futures.ThreadPoolExecutor(1) as pool:
        assert sweep.worklist(shop.world, tally, pool) == []
    assert (tally.decided, tally.broken) == (1, 0)
    before = shop.on.store.counts()
    assert call("recover", "--all", "--apply", "--yes").exit_code == 0
    assert shop.on.store.counts() == before
    due = shop.day.due_fen(sn)
    shop.day.shop.edit(sn, paid_amount=due - 100)
    after = call("scan", "--json")
    assert after.exit_code == 1
    assert not any("decided" in json.loads(line) for line in after.stdout.splitlines())
