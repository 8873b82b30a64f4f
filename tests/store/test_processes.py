"""Two processes on one store share the work: each run has one holder, the log one order, and both may open an empty database at once."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from makewhole.adapters.store import journal
from makewhole.core import faults
from makewhole.model import run
from tests.store import scenes, test_ledger
from tests.store.conftest import FILES

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("address", FILES, indirect=True)]

ROOT = Path(__file__).resolve().parent.parent.parent
PREAMBLE = """
import json, sys, threading
from datetime import timedelta
from makewhole import ports
from makewhole.adapters.store import journal
from tests.store import scenes
store, name = journal.SqlStore(sys.argv[1]), sys.argv[2]
"""


def together(address: str, program: str, processes: int = 2) -> list[object]:
    """What each printed; they start at once."""
    started = [
        subprocess.Popen([sys.executable, "-c", PREAMBLE + program, address, str(i)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for i in range(processes)
    ]
    said = [process.communicate(timeout=60)[0] for process in started]
    assert [process.returncode for process in started] == [0] * processes
    return [json.loads(text) for text in said]


def test_two_processes_make_the_tables_at_once(address: str) -> None:
    assert together(address, "print(json.dumps(dict(store.counts())['runs'])); store.close()", 3) == [0, 0, 0]


DRIVE = """
def work(i):
    for j in range(10):
        scenes.drive(store, scenes.made(f"{name}-{i}-{j}"))
threads = [threading.Thread(target=work, args=[i]) for i in range(4)]
for t in threads: t.start()
for t in threads: t.join()
store.close()
print(json.dumps(40))
"""


def test_two_processes_write_one_log(address: str) -> None:
    with journal.SqlStore(address) as store:
        assert together(address, DRIVE) == [40, 40]
        assert store.counts()["runs"] == 80
        assert store.counts()["steps"] == store.counts()["entries"] == 800
        assert store.audit().complaints == ()


CLAIM = """
mine = []
while got := store.claim_runs(scenes.SHOP, scenes.lease(f"process-{name}", scenes.NOW + scenes.SPAN * 2), 3):
    for held in got:
        going, told = scenes.intended(held)
        store.save_run(going, held.fence, told)
        mine.append(held.run.plan.order.number)
store.close()
print(json.dumps(mine))
"""


def test_every_run_left_behind_is_claimed_by_one_process(address: str) -> None:
    with journal.SqlStore(address) as store:
        for i in range(60):
            scenes.begin(store, scenes.made(str(i)))
        mine = together(address, CLAIM)
        assert sorted(_numbers(mine)) == sorted(str(i) for i in range(60))
        assert store.counts()["steps"] == 120
        assert all(going.marks[0] is run.Mark.INTENDED for i in range(60) for going in store.runs_of(scenes.order(str(i))))


REFUND = """
passed = 0
def refund(i):
    global passed
    asked = scenes.reservation("refunded/wechatpay/4200001", f"{name}-{i}", 60, 100)
    try:
        scenes.begin(store, scenes.made(f"{name}-{i}"), reservations=[asked])
        passed += 1
    except ports.LimitReached:
        pass
threads = [threading.Thread(target=refund, args=[i]) for i in range(16)]
for t in threads: t.start()
for t in threads: t.join()
store.close()
print(json.dumps(passed))
"""


def test_refunds_of_two_processes_pay_out_one(address: str) -> None:
    passed = together(address, REFUND)
    assert sorted(map(str, passed)) == ["0", "1"]
    with journal.SqlStore(address) as store:
        assert store.exposure(["refunded/wechatpay/4200001"]) == {"refunded/wechatpay/4200001": (1, 60)}
        assert store.counts()["runs"] == 1


DECIDE = """
from makewhole.core import faults
from makewhole.flow import record
from makewhole.model import decision, difference
from tests.store import test_ledger
choice = list(decision.Choice)[int(name)]
store.set_mark(f"ready-{name}", "yes")
while not store.mark(f"ready-{1 - int(name)}"):
    pass
taken = []
for i in range(20):
    one = test_ledger.found(str(i))
    try:
        test_ledger.add(store, one, test_ledger.decided(choice))
        taken.append(i)
    except faults.Rejected:
        pass
store.close()
print(json.dumps(taken))
"""


def test_of_two_decisions_at_once_one_stands(address: str) -> None:
    """Two people press otherwise at the same moment: whoever comes second is refused, and nothing else goes wrong."""
    of = [test_ledger.found(str(i)) for i in range(20)]
    with journal.SqlStore(address) as store:
        test_ledger.put(store, *of)
    one, other = together(address, DECIDE)
    assert isinstance(one, list)
    assert isinstance(other, list)
    assert sorted(one + other) == list(range(20))
    with journal.SqlStore(address) as store:
        assert [len(known.moves) for d in of if (known := store.ledger.find(d.id)) is not None] == [1] * 20


def test_two_stores_of_one_process_see_each_other(address: str) -> None:
    """What one store remembers of a run does not blind it to what the other wrote since."""
    with journal.SqlStore(address) as one, journal.SqlStore(address) as two:
        of = scenes.made("1001")
        held = scenes.begin(one, of)
        going, told = scenes.intended(held)
        two.save_run(going, 1, told)
        one.save_run(going, 1, told)
        assert [seq for seq, *_ in two.steps(of.run_id())] == [0, 1, 2]
        [taken] = two.claim_runs(scenes.SHOP, scenes.lease("two", scenes.NOW + timedelta(hours=1)), 1)
        assert taken.fence == 2
        with pytest.raises(faults.Rejected, match="stale"):
            one.save_run(going, 1, [])
        assert two.audit().complaints == ()


def _numbers(lists: Sequence[object]) -> list[str]:
    return [number for mine in lists if isinstance(mine, list) for number in mine]
