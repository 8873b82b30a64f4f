"""What `recover` shows, does, and says afterwards; and that doing it twice does nothing twice."""

from __future__ import annotations

import json
from typing import Any

import pytest

from makewhole.model import order
from tests.cli import fakes
from tests.cli.conftest import Call

KEYS = ["order", "state", "applied", "changed", "plans", "silences", "runs", "ended"]
PLAN_KEYS = ["ailment", "subject", "amount_fen", "remedy", "ends", "why", "blocked_by", "verdict", "steps"]


def lines(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines()]


@pytest.fixture
def broken(house: fakes.FakeWorld) -> fakes.FakeWorld:
    """One order that we may mend, one that needs a risk review, one that is whole."""
    house.add(fakes.shop_order("A1"), fakes.paid("PA1"))
    house.add(fakes.shop_order("BIG", fen=600000), fakes.paid("PBIG", fen=600000))
    house.add(fakes.shop_order("OK", order.OrderState.AWAITING_SHIPMENT, paid_at=fakes.NOW), fakes.paid("POK"))
    return house


def test_a_preview_changes_nothing_and_shows_rows(broken: fakes.FakeWorld, call: Call) -> None:
    """Row by row, with the verdict, and what to add to do it."""
    told = call("recover", "A1")
    assert told.exit_code == 1
    assert "UPDATE orders SET status = 1 WHERE number = 'A1' AND status = 0" in told.stdout
    assert "within your rules (policy douyin+house@" in told.stdout
    assert "nothing was changed. Add --apply" in told.stdout
    assert (broken.acts, broken.store.runs, broken.store.cases_by_id) == ([], {}, {})


def test_a_preview_for_scripts_has_exactly_these_keys(broken: fakes.FakeWorld, call: Call) -> None:
    """One object an order; each plan with its steps, keys and previews."""
    told = call("recover", "A1", "OK", "--json")
    assert told.exit_code == 1
    first, whole = lines(told.stdout)
    assert list(first) == KEYS
    assert (first["state"], first["applied"], first["changed"]) == ("broken", False, False)
    (made,) = first["plans"]
    assert list(made) == PLAN_KEYS
    assert made["verdict"].keys() == {"verdict", "policy_version", "ground", "role", "rule"}
    (step,) = made["steps"]
    assert step["act"] == "record-payment"
    assert len(step["key"]) == 32
    assert step["preview"] == ["UPDATE orders SET status = 1 WHERE number = 'A1' AND status = 0"]
    assert (whole["state"], whole["plans"]) == ("whole", [])


def test_what_policy_holds_is_shown_with_its_rule(broken: fakes.FakeWorld, call: Call) -> None:
    """Exit 4; value, source and row of the rule, in both languages; nothing is done."""
    told = call("recover", "BIG")
    assert told.exit_code == 4
    assert "needs approval by: risk reviewer" in told.stdout
    assert "500000 fen; source: seed §6; row R15" in told.stdout
    assert "须先人工风控审核" in call("recover", "BIG", "--lang", "zh").stdout
    (line,) = lines(call("recover", "BIG", "--json").stdout)
    judged = line["plans"][0]["verdict"]
    assert (judged["verdict"], judged["ground"], judged["role"], judged["rule"]["row"]) == ("held", "review-amount", "risk", "R15")
    assert call("recover", "BIG", "--apply").exit_code == 4
    assert broken.acts == []


def test_apply_acts_once_and_a_second_run_changes_nothing(broken: fakes.FakeWorld, call: Call) -> None:
    """The order is whole, its case restored; again: exit 0, nothing was changed."""
    told = call("recover", "A1", "--apply", "--json")
    assert told.exit_code == 0, told.output
    (line,) = lines(told.stdout)
    assert (line["state"], line["applied"], line["changed"]) == ("whole", True, True)
    assert [r["end"] for r in line["runs"]] == ["done"]
    assert [(c["ailment"], c["ends"]) for c in line["ended"]] == [("paid-not-recorded", "restored")]
    again = call("recover", "A1", "--apply")
    assert again.exit_code == 0
    assert "Nothing was changed." in again.stdout
    assert broken.acts == ["record A1"]


def test_all_works_on_every_broken_order(broken: fakes.FakeWorld, call: Call) -> None:
    """What may be done is done, what policy holds is a person's; the exit code says that something was refused."""
    told = call("recover", "--all", "--apply", "--yes")
    assert told.exit_code == 4
    assert "Orders: 2. Changed: 1. Whole now: 1. With a person: 1." in told.stdout
    assert broken.acts == ["record A1"]
    again = call("recover", "--all", "--apply", "--yes", "--json")
    assert again.exit_code == 4
    assert [(r["order"], r["state"], r["changed"]) for r in lines(again.stdout)] == [("BIG", "person", False)]
    assert broken.acts == ["record A1"]


def test_nothing_broken_is_zero(house: fakes.FakeWorld, call: Call) -> None:
    """With and without --apply."""
    assert call("recover", "--all").exit_code == 0
    told = call("recover", "--all", "--apply")
    assert told.exit_code == 0
    assert "nothing to do" in told.stdout


def test_without_hands_the_repair_is_a_persons(broken: fakes.FakeWorld, call: Call) -> None:
    """Broken orders are left, and nobody's rule refused them: exit 1."""
    broken.handed = False
    told = call("recover", "A1")
    assert told.exit_code == 1
    assert "ask a person" in told.stdout
    assert call("recover", "A1", "--apply").exit_code == 1
    assert broken.acts == []


def test_a_silent_source_is_incomplete(broken: fakes.FakeWorld, call: Call) -> None:
    """Exit 3: not whole, not broken, nothing done."""
    broken.channel_down = True
    told = call("recover", "A1", "--apply", "--json")
    assert told.exit_code == 3
    (line,) = lines(told.stdout)
    assert line["state"] == "unjudged"
    assert broken.acts == []
    assert call("recover", "A1").exit_code == 3


def test_a_payments_number_leads_to_its_order_and_twice_named_is_once(broken: fakes.FakeWorld, call: Call) -> None:
    """What the buyer's screenshot shows is the payment's number."""
    told = call("recover", "PA1", "A1", "--apply", "--json")
    assert [r["order"] for r in lines(told.stdout)] == ["A1"]
    assert broken.acts == ["record A1"]
