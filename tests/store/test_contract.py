"""The contract of the port `Store`, the same on every database: what is done twice is done once, and a refusal moves nothing."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from makewhole import ports
from makewhole.adapters.store import journal, runs
from makewhole.core import faults, ids
from makewhole.flow import execute, record
from makewhole.model import case, payment, plan, run, verdict
from tests.store import scenes
from tests.store.conftest import FILES

pytestmark = pytest.mark.parametrize("address", [pytest.param("memory"), *FILES], indirect=True)

NONE = {"notices": 0, "cases": 0, "runs": 0, "steps": 0, "limit_uses": 0, "aliases": 0, "questions": 0, "entries": 0}


def counted(store: journal.SqlStore) -> dict[str, int]:
    """What there is, without what there is none of."""
    return {name: count for name, count in store.counts().items() if count}


def test_a_new_store_is_empty(store: journal.SqlStore) -> None:
    assert store.counts() == NONE
    assert store.head().size == 0
    assert store.find_case(ids.CaseId("x")) is None
    assert store.find_run(ids.RunId("x")) is None
    assert store.mark("sweep") is None
    assert store.exposure(["a", "b"]) == {"a": (0, 0), "b": (0, 0)}


# ---------------------------------------------------------------- cases


def test_a_case_is_opened_once_and_ended_once(store: journal.SqlStore) -> None:
    new = scenes.opened("1001")
    assert store.open_case(new, record.case_opened(new)) == new
    assert store.open_case(new, record.case_opened(new)) == new
    assert counted(store) == {"cases": 1, "entries": 1}
    over = scenes.ended(new, plan.Terminal.PERSON)
    store.end_case(over, record.case_ended(over, scenes.NOW))
    store.end_case(over, record.case_ended(over, scenes.NOW))
    assert store.find_case(new.id) == over
    assert counted(store) == {"cases": 1, "entries": 2}
    # Mended by others while it was before a person.
    mended = scenes.ended(new, plan.Terminal.RESTORED)
    store.end_case(mended, record.case_ended(mended, scenes.NOW))
    assert store.find_case(new.id) == mended
    assert counted(store) == {"cases": 1, "entries": 3}


@pytest.mark.parametrize("terminal", list(plan.Terminal))
def test_only_a_mended_case_is_opened_anew(store: journal.SqlStore, terminal: plan.Terminal) -> None:
    new = scenes.opened("1001")
    store.open_case(new, record.case_opened(new))
    over = scenes.ended(new, terminal)
    store.end_case(over, record.case_ended(over, scenes.NOW))
    again = store.open_case(new, record.case_opened(new))
    anew = terminal in {plan.Terminal.RESTORED, plan.Terminal.REFUNDED}
    assert again == (new if anew else over)
    assert counted(store) == {"cases": 1, "entries": 3 if anew else 2}


def test_cases_are_found_by_order_and_by_being_open(store: journal.SqlStore) -> None:
    first, second, other = scenes.opened("1"), scenes.opened("2"), scenes.opened("1", "hat")
    for new in (first, second, other):
        store.open_case(new, record.case_opened(new))
    over = scenes.ended(second, plan.Terminal.RESTORED)
    store.end_case(over, record.case_ended(over, scenes.NOW))
    assert {c.id for c in store.cases()} == {first.id, second.id, other.id}
    assert {c.id for c in store.cases(open_only=True)} == {first.id, other.id}
    assert list(store.cases(first.order)) == [first]
    assert list(store.cases(second.order, open_only=True)) == []


def test_a_case_that_nobody_opened_cannot_be_ended(store: journal.SqlStore) -> None:
    over = scenes.ended(scenes.opened("1"), plan.Terminal.RESTORED)
    with pytest.raises(faults.Rejected):
        store.end_case(over, record.case_ended(over, scenes.NOW))
    with pytest.raises(faults.Defect):
        store.end_case(scenes.opened("1"), record.case_ended(over, scenes.NOW))
    assert counted(store) == {}


# ---------------------------------------------------------------- runs


def test_a_run_is_kept_with_every_step_and_its_evidence(store: journal.SqlStore) -> None:
    of = scenes.made("1001")
    over = scenes.drive(store, of)
    assert over.end is run.End.DONE
    assert store.find_run(of.run_id()) == over
    assert list(store.runs_of(of.order)) == [over]
    # begun; intents and outcomes of four steps; the end.
    assert counted(store) == {"runs": 1, "steps": 10, "entries": 10}
    told = [(seq, i, phase.value) for seq, i, phase, _, _, _ in store.steps(of.run_id())]
    assert told == [
        (0, -1, "begun"),
        (1, 0, "intended"),
        *[(2 + i, j, phase) for i in range(3) for j, phase in ((i, "done"), (i + 1, "intended"))],
        (5, -1, "ended"),
        (5, 3, "done"),
    ]
    keys = {i: key for _, i, _, key, _, _ in store.steps(of.run_id()) if i >= 0}
    assert keys == {i: plan.key(of.order, step) for i, step in enumerate(of.steps)}


def test_a_run_may_begin_with_its_first_step_intended(store: journal.SqlStore) -> None:
    of = scenes.made("1001")
    first, _ = execute.advance(execute.begin(of, scenes.NOW), run.Woken(), scenes.NOW)
    case_id = scenes.opened("1001").id
    told = [record.begun(of, case_id, scenes.NOW), record.intent(first, 0, case_id, scenes.NOW)]
    held = store.begin_run(first, case_id, (), told, scenes.lease())
    assert (held.run, held.fence) == (first, 1)
    assert store.find_run(of.run_id()) == first
    key = plan.key(of.order, of.steps[0])
    assert [(i, phase.value) for _, i, phase, *_ in store.steps(of.run_id())] == [(-1, "begun"), (0, "intended")]
    assert [k for _, i, _, k, *_ in store.steps(of.run_id()) if i == 0] == [key]
    assert counted(store) == {"runs": 1, "steps": 2, "entries": 2}


def test_a_run_is_refused_where_the_order_had_another_since_it_was_looked_at(store: journal.SqlStore) -> None:
    """The order's own row may not show what that one moved: stock, a coupon."""
    scenes.drive(store, scenes.made("1001", basis="a"))
    before = counted(store)
    with pytest.raises(ports.Overtaken):
        scenes.begin(store, scenes.made("1001", basis="b"), known=0)
    assert counted(store) == before
    assert scenes.begin(store, scenes.made("1002"), known=0).fence == 1
    assert scenes.begin(store, scenes.made("1001", basis="b"), known=1).fence == 1


def test_a_run_is_begun_once(store: journal.SqlStore) -> None:
    of = scenes.made("1001")
    first = scenes.begin(store, of)
    second = scenes.begin(store, of, owner="worker-2")
    assert (first.fence, second.fence) == (1, None)
    assert second.run == first.run
    assert counted(store) == {"runs": 1, "steps": 1, "entries": 1}


def test_a_run_whose_holder_is_silent_too_long_is_taken_over_by_beginning_it(store: journal.SqlStore) -> None:
    of = scenes.made("1001")
    scenes.begin(store, of)
    at_the_end = scenes.begin(store, of, owner="worker-2", at=scenes.NOW + scenes.SPAN)
    beyond = scenes.begin(store, of, owner="worker-2", at=scenes.NOW + scenes.SPAN + timedelta(microseconds=1))
    assert (at_the_end.fence, beyond.fence) == (None, 2)
    assert counted(store) == {"runs": 1, "steps": 1, "entries": 1}


def test_an_order_has_one_run_under_way(store: journal.SqlStore) -> None:
    first, other = scenes.made("1001"), scenes.made("1001", basis="c")
    held = scenes.begin(store, first)
    refused = scenes.begin(store, other)
    assert refused.fence is None
    assert refused.run == held.run
    assert counted(store) == {"runs": 1, "steps": 1, "entries": 1}
    # Of another shop, the same number is another order.
    assert scenes.begin(store, scenes.made("1001", shop="hat")).fence == 1


def test_an_ended_run_stays_as_it_ended(store: journal.SqlStore) -> None:
    of = scenes.made("1001")
    over = scenes.drive(store, of)
    before = counted(store)
    again = scenes.begin(store, of, at=scenes.NOW + timedelta(days=1))
    assert (again.run, again.fence) == (over, None)
    store.save_run(over, 1, [])  # ending it twice is ending it once
    with pytest.raises(faults.Rejected, match="over"):
        store.save_run(execute.begin(of, scenes.NOW), 1, [])
    assert store.find_run(of.run_id()) == over
    assert counted(store) == before


def test_undoing_and_waiting_are_written_down_too(store: journal.SqlStore) -> None:
    of = scenes.made("1001", steps=2)
    held = scenes.begin(store, of)
    going, told = scenes.intended(held)
    store.save_run(going, 1, told)
    waiting, command = execute.advance(going, run.Saw(there=None, why="cannot tell"), scenes.NOW)
    assert isinstance(command, run.Wait)
    store.save_run(waiting, 1, [], not_before=command.until)
    store.release_run(of.run_id(), 1)
    assert store.find_run(of.run_id()) == waiting
    assert [(i, phase) for _, i, phase, *_ in store.steps(of.run_id())] == [
        (-1, runs.Phase.BEGUN),
        (0, runs.Phase.INTENDED),
        (-1, runs.Phase.WAITED),
    ]
    # Not due yet: seen, not taken.
    assert scenes.begin(store, of, at=command.until - timedelta(microseconds=1)).fence is None
    assert scenes.begin(store, of, at=command.until).fence == 2


# ---------------------------------------------------------------- fences and leases


def test_a_stale_fence_changes_nothing(store: journal.SqlStore) -> None:
    of = scenes.made("1001")
    old = scenes.begin(store, of)
    going, told = scenes.intended(old)
    store.save_run(going, 1, told)
    [taken] = store.claim_runs(scenes.SHOP, scenes.lease("worker-2", scenes.NOW + timedelta(minutes=5)), 10)
    assert (taken.fence, taken.run, taken.case) == (2, going, old.case)
    before = counted(store)
    later, _ = execute.advance(going, run.Succeeded(), scenes.NOW)
    for fence in (0, 1, 3):
        with pytest.raises(faults.Rejected, match="stale"):
            store.save_run(later, fence, told)
        with pytest.raises(faults.Rejected, match="stale"):
            store.release_run(of.run_id(), fence)
    assert counted(store) == before
    assert store.find_run(of.run_id()) == going
    # The new holder still holds it.
    assert store.claim_runs(scenes.SHOP, scenes.lease("worker-3", scenes.NOW + timedelta(minutes=5)), 10) == []
    store.save_run(later, 2, told)
    assert store.find_run(of.run_id()) == later


def test_a_run_that_nobody_began_cannot_be_saved(store: journal.SqlStore) -> None:
    with pytest.raises(faults.Rejected, match="no run"):
        store.save_run(execute.begin(scenes.made("1"), scenes.NOW), 1, [])
    assert counted(store) == {}


@pytest.mark.parametrize("ended", [False, True])
@pytest.mark.parametrize("due", [False, True])
@pytest.mark.parametrize("held", ["free", "expired", "held"])
def test_only_runs_that_are_due_and_free_are_claimed(store: journal.SqlStore, *, ended: bool, due: bool, held: str) -> None:
    of = scenes.made("1001")
    claimed = scenes.begin(store, of)
    going, told = scenes.intended(claimed)
    asked_at = scenes.NOW + (scenes.SPAN * 2 if held == "expired" else scenes.SPAN / 2)
    if ended:
        going, _ = execute.advance(going, run.Saw(there=True), scenes.NOW)
        going = run.Run(plan=of, steps=of.steps, marks=going.marks, begun_at=going.begun_at, end=run.End.PERSON, why="test")
    store.save_run(going, 1, told, not_before=asked_at if due else asked_at + timedelta(microseconds=1))
    if held == "free":
        store.release_run(of.run_id(), 1)
    got = store.claim_runs(scenes.SHOP, scenes.lease("worker-2", asked_at), 10)
    assert [c.fence for c in got] == ([2] if not ended and due and held != "held" else [])
    assert store.claim_runs(scenes.SHOP, scenes.lease("worker-3", asked_at), 10) == []
    assert store.claim_runs(ids.ShopName("hat"), scenes.lease("worker-3", asked_at + timedelta(days=1)), 10) == []


def test_claims_are_limited_and_the_longest_due_come_first(store: journal.SqlStore) -> None:
    for i in range(5):
        of = scenes.made(str(i))
        held = scenes.begin(store, of)
        going, told = scenes.intended(held)
        store.save_run(going, 1, told, not_before=scenes.NOW + timedelta(seconds=5 - i))
        store.release_run(of.run_id(), 1)
    later = scenes.NOW + timedelta(seconds=10)
    first = store.claim_runs(scenes.SHOP, scenes.lease("a", later), 2)
    rest = store.claim_runs(scenes.SHOP, scenes.lease("b", later), 10)
    assert [c.run.plan.order.number for c in (*first, *rest)] == ["4", "3", "2", "1", "0"]


# ---------------------------------------------------------------- limits


def test_limits_are_reserved_with_the_run_or_not_at_all(store: journal.SqlStore) -> None:
    fits = scenes.reservation("day", "a", 60, 100)
    scenes.begin(store, scenes.made("1"), reservations=[fits])
    assert store.exposure(["day", "other"]) == {"day": (1, 60), "other": (0, 0)}
    before = counted(store)
    too_much = scenes.reservation("day", "b", 41, 100)
    other = scenes.reservation("other", "b", 1, 100)
    with pytest.raises(ports.LimitReached) as refused:
        scenes.begin(store, scenes.made("2"), reservations=[other, too_much])
    assert refused.value.reservation == too_much
    assert store.exposure(["day", "other"]) == {"day": (1, 60), "other": (0, 0)}
    assert counted(store) == before
    assert store.find_run(scenes.made("2").run_id()) is None
    # On the limit is within it.
    scenes.begin(store, scenes.made("3"), reservations=[scenes.reservation("day", "c", 40, 100)])
    assert store.exposure(["day"]) == {"day": (2, 100)}


def test_a_limit_of_counts_holds_too(store: journal.SqlStore) -> None:
    for i in range(3):
        one = verdict.Reservation(bucket="n", key=str(i), ground=verdict.Ground.DAILY_COUNT, count=1, count_max=2)
        if i < 2:
            scenes.begin(store, scenes.made(str(i)), reservations=[one])
        else:
            with pytest.raises(ports.LimitReached):
                scenes.begin(store, scenes.made(str(i)), reservations=[one])
    assert store.exposure(["n"]) == {"n": (2, 0)}


def test_the_same_use_counts_once_and_with_other_content_is_refused(store: journal.SqlStore) -> None:
    scenes.begin(store, scenes.made("1"), reservations=[scenes.reservation("day", "a", 60, 100)])
    scenes.begin(store, scenes.made("2"), reservations=[scenes.reservation("day", "a", 60, 100)])
    assert store.exposure(["day"]) == {"day": (1, 60)}
    before = counted(store)
    with pytest.raises(ports.LimitReached) as refused:
        scenes.begin(store, scenes.made("3"), reservations=[scenes.reservation("day", "a", 61, 1_000)])
    assert refused.value.reservation.ground is verdict.Ground.SAME_KEY_OTHER_CONTENT
    assert counted(store) == before
    assert store.exposure(["day"]) == {"day": (1, 60)}


def test_names_longer_than_an_index_are_told_apart(store: journal.SqlStore) -> None:
    long = "b" * 300
    for i, bucket in enumerate((long + "1", long + "2", "é" * 255)):
        scenes.begin(store, scenes.made(str(i)), reservations=[scenes.reservation(bucket, "k" * 400, 10 + i, 100)])
        assert store.exposure([bucket]) == {bucket: (1, 10 + i)}


def test_sixteen_refunds_at_once_pay_out_one(store: journal.SqlStore) -> None:
    """Each asks for 60 of 100: read, check and write would pay out 480 to 960."""
    gate = threading.Barrier(16)
    passed: list[int] = []
    refused: list[int] = []

    def refund(i: int) -> None:
        asked = scenes.reservation("refunded/wechatpay/4200001", f"refund-{i}", 60, 100, verdict.Ground.REFUND_EXCEEDS_PAYMENT)
        gate.wait()
        try:
            scenes.begin(store, scenes.made(str(i)), reservations=[asked], owner=f"worker-{i}")
            passed.append(i)
        except ports.LimitReached:
            refused.append(i)

    threads = [threading.Thread(target=refund, args=[i]) for i in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(passed), len(refused)) == (1, 15)
    assert store.exposure(["refunded/wechatpay/4200001"]) == {"refunded/wechatpay/4200001": (1, 60)}
    assert counted(store) == {"runs": 1, "steps": 1, "limit_uses": 1, "entries": 1}


# ---------------------------------------------------------------- aliases, questions, marks


def test_a_number_belongs_to_one_order_for_good(store: journal.SqlStore) -> None:
    number, owner = ids.OutTradeNo("T1"), ids.OrderNumber("1001")
    store.link(scenes.SHOP, number, owner, "decided")
    store.link(scenes.SHOP, number, owner, "decided")
    with pytest.raises(faults.Rejected, match="already belongs"):
        store.link(scenes.SHOP, number, ids.OrderNumber("1002"), "decided")
    assert store.linked(scenes.SHOP, number) == owner
    assert store.linked(ids.ShopName("hat"), number) is None
    assert list(store.numbers_of(scenes.order("1001"))) == [number]
    assert list(store.numbers_of(scenes.order("1002"))) == []
    assert counted(store) == {"aliases": 1}


def test_numbers_are_compared_to_the_letter(store: journal.SqlStore) -> None:
    for number in ("a1", "A1", "Ａ1", "á1"):
        store.link(scenes.SHOP, ids.OutTradeNo(number), ids.OrderNumber(number), "decided")
    assert counted(store) == {"aliases": 4}
    for number in ("a1 ", "a\0", "x" * 129):
        with pytest.raises(faults.Rejected):
            store.link(scenes.SHOP, ids.OutTradeNo(number), ids.OrderNumber("1"), "decided")
    store.link(scenes.SHOP, ids.OutTradeNo("x" * 128), ids.OrderNumber("1"), "decided")
    assert counted(store) == {"aliases": 5}


def test_a_question_is_put_once(store: journal.SqlStore) -> None:
    of = scenes.order("1001")
    topic = "amount-differs:" + "T" * 300
    store.ask(of, topic, scenes.question("one"), scenes.NOW)
    store.ask(of, topic, scenes.question("two"), scenes.NOW)
    assert store.asked(of, topic) == scenes.question("one")
    assert store.asked(of, topic + "T") is None
    assert counted(store) == {"questions": 1}


def test_marks_are_remembered(store: journal.SqlStore) -> None:
    for value in ("17", "18", "x" * 5_000, ""):
        store.set_mark("sweep", value)
        assert store.mark("sweep") == value
    assert not store.move_mark("sweep", "17", "19")
    assert not store.move_mark("sweep", None, "19")
    assert store.move_mark("sweep", "", "19")
    assert store.move_mark("other", None, "1")
    assert (store.mark("sweep"), store.mark("other")) == ("19", "1")


# ---------------------------------------------------------------- inbox


def test_a_notice_is_kept_once_byte_for_byte(store: journal.SqlStore) -> None:
    told = scenes.notice("k1", "T1")
    assert store.keep_notice(told) is True
    assert store.keep_notice(told) is False
    assert list(store.notices(scenes.SHOP, told.number)) == [told]
    assert list(store.notices(ids.ShopName("hat"), told.number)) == []
    assert counted(store) == {"notices": 1}


def test_only_genuine_unsettled_notices_are_due_and_each_forwarding_is_noted(store: journal.SqlStore) -> None:
    for check in payment.NoticeCheck:
        store.keep_notice(scenes.notice(check.value, f"T-{check.value}", check=check))
    [due] = store.due_notices(scenes.SHOP, scenes.NOW, 10)
    assert due.check is payment.NoticeCheck.GENUINE
    assert store.due_notices(ids.ShopName("hat"), scenes.NOW, 10) == []
    later = scenes.NOW + timedelta(seconds=15)
    store.note_forwarding(due.key, payment.ShopAnswer.REFUSED, 500, later, settled=False)
    assert store.due_notices(scenes.SHOP, later - timedelta(microseconds=1), 10) == []
    [again] = store.due_notices(scenes.SHOP, later, 10)
    assert (again.answer, again.answer_code, again.forwarded) == (payment.ShopAnswer.REFUSED, 500, 1)
    assert list(store.unsettled_payments(scenes.SHOP, later)) == [due.number]
    assert list(store.unsettled_payments(scenes.SHOP, scenes.NOW - timedelta(microseconds=1))) == []
    store.note_forwarding(due.key, payment.ShopAnswer.ACKNOWLEDGED, 200, None, settled=True)
    assert store.due_notices(scenes.SHOP, later + timedelta(days=9), 10) == []
    assert list(store.unsettled_payments(scenes.SHOP, later)) == []
    [kept] = store.notices(scenes.SHOP, due.number)
    assert (kept.forwarded, kept.settled) == (2, True)
    with pytest.raises(faults.Rejected, match="no notice"):
        store.note_forwarding(ids.Key("unknown"), payment.ShopAnswer.REFUSED, 500, None, settled=False)


# ---------------------------------------------------------------- evidence on its own


def test_evidence_of_a_refused_write_is_not_kept(store: journal.SqlStore) -> None:
    new = scenes.opened("1")
    entries = [case.Entry(kind=case.EntryKind.VERDICT, at=scenes.NOW, order=new.order, body={"i": i}) for i in range(3)]
    store.append(entries)
    with pytest.raises(faults.Rejected):
        store.save_run(execute.begin(scenes.made("1"), scenes.NOW), 1, entries)
    assert [line.entry() for line in store.entries()] == entries
    assert [line.seq for line in store.entries(start=1)] == [1, 2]
    assert store.audit().complaints == ()
