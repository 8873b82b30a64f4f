"""Lives of a writing process: each is forked, writes runs with several threads, is killed at a random instant, and its store is examined.

Run as a program, so that no child is forked from a test runner with threads. What a life was told is durable it says through a pipe,
run and number of the save; that, and everything else that must hold after a death, is then looked for.
"""

from __future__ import annotations

import json
import os
import random
import select
import signal
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta

from makewhole import ports
from makewhole.adapters.store import journal
from makewhole.core import ids, merkle
from makewhole.flow import execute, record
from makewhole.model import run
from tests.store import scenes

THREADS = 3
RUNS_A_LIFE_MAX = 200
ENTRIES_AFTER = (1, 2, 4, 6, 8, 10)
"""Entries of a four-step run after so many saves: begun; one intent; outcome and intent; at last outcome and end."""


def go_on(store: journal.SqlStore, held: ports.Claimed, tell: Tell, saves: int) -> None:
    """As `engine.drive` does it; a step that was intended before a death is looked at and found done."""
    assert held.fence is not None
    going, at = held.run, next((i for i, mark in enumerate(held.run.marks) if mark is run.Mark.INTENDED), -1)
    news: run.News = run.Woken() if at < 0 else run.Saw(there=True)
    while going.end is None:
        told = [] if at < 0 else [record.outcome_of_step(going, at, news, held.case, scenes.NOW)]
        going, command = execute.advance(going, news, scenes.NOW)
        if isinstance(command, run.Do):
            told.append(record.intent(going, command.index, held.case, scenes.NOW))
            at, news = command.index, run.Succeeded()
        else:
            told.append(record.ended(going, held.case, scenes.NOW))
        store.save_run(going, held.fence, told)
        saves += 1
        tell(going.plan.run_id(), saves)


class Tell:
    """Says what is durable."""

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe

    def __call__(self, of: ids.RunId, saves: int) -> None:
        os.write(self._pipe, f"{of} {saves}\n".encode())


def live(address: str, life: int, pipe: int) -> None:
    """Take over what the dead left, then begin runs of our own until killed."""
    store, tell = journal.SqlStore(address), Tell(pipe)
    now = scenes.NOW + timedelta(hours=life)

    def work(thread: int) -> None:
        for held in store.claim_runs(scenes.SHOP, scenes.lease(f"life-{life}", now), 2):
            go_on(store, held, tell, len({seq for seq, *_ in store.steps(held.run.plan.run_id())}) - 1)
        for i in range(RUNS_A_LIFE_MAX):
            of = scenes.made(f"{life}-{thread}-{i}")
            held = scenes.begin(store, of, owner=f"life-{life}", at=now)
            tell(of.run_id(), 0)
            go_on(store, held, tell, 0)

    threads = [threading.Thread(target=work, args=[i]) for i in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@dataclass
class Ledger:
    """What is known of the store between two lives."""

    size: int = 0
    frontier: tuple[bytes, ...] = ()
    entries: Counter[str] = field(default_factory=Counter)
    acknowledged: dict[str, int] = field(default_factory=dict)
    unfinished: set[str] = field(default_factory=set)
    complaints: list[str] = field(default_factory=list)

    def examine(self, address: str, told: dict[str, int]) -> None:
        """Everything acknowledged is there, nothing is there by half, and the tree grew out of the one we knew."""
        self.acknowledged.update({of: max(saves, self.acknowledged.get(of, 0)) for of, saves in told.items()})
        with journal.SqlStore(address) as store:
            touched = self.unfinished | set(told)
            for line in store.entries(self.size):
                if line.seq != self.size or merkle.leaf_hash(line.body) != line.leaf:
                    self.complaints.append(f"entry {line.seq} after {self.size}")
                self.frontier = merkle.append(self.frontier, self.size, line.leaf)
                self.size += 1
                written = line.entry().run
                assert written is not None
                self.entries[written] += 1
                touched.add(written)
            head = store.head()
            if (head.size, head.root) != (self.size, merkle.frontier_root(self.frontier)):
                self.complaints.append(f"the tree of {self.size} is no prefix of the one of {head.size}")
            for of in touched:
                self._examine_run(store, ids.RunId(of))

    def _examine_run(self, store: journal.SqlStore, of: ids.RunId) -> None:
        going, seqs = store.find_run(of), [seq for seq, *_ in store.steps(of)]
        saves = max(seqs, default=-1)
        if going is None or saves < self.acknowledged.get(of, 0):
            self.complaints.append(f"run {of}: save {self.acknowledged.get(of, 0)} was acknowledged, {saves} is there")
            return
        done = sum(mark is run.Mark.DONE for mark in going.marks)
        if set(seqs) != set(range(saves + 1)) or done != max(saves - 1, 0) or (going.end is not None) != (saves == 5):
            self.complaints.append(f"run {of}: {saves} saves, but {going.marks}")
        if self.entries[of] != ENTRIES_AFTER[saves]:
            self.complaints.append(f"run {of}: {saves} saves, but {self.entries[of]} entries")
        (self.unfinished.discard if going.end is not None else self.unfinished.add)(of)


def one_life(address: str, life: int, span_s: float) -> dict[str, int]:
    """Fork, let it live, kill it; what it said."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            live(address, life, writing)
        finally:
            os._exit(1)
    os.close(writing)
    said, deadline = b"", time.monotonic() + span_s
    while (left := deadline - time.monotonic()) > 0:
        if select.select([reading], [], [], left)[0]:
            piece = os.read(reading, 65_536)
            if not piece:
                break
            said += piece
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    while piece := os.read(reading, 65_536):
        said += piece
    os.close(reading)
    lines = [line.split() for line in said.decode().splitlines()]
    told: dict[str, int] = {}
    for of, saves in lines:
        told[of] = max(int(saves), told.get(of, 0))
    return told


def main(address: str, lives: int, longest_s: float, seed: int) -> dict[str, object]:
    chance, ledger, wrote, roots = random.Random(seed), Ledger(), 0, []
    for life in range(lives):
        # The square makes many short lives: of those that die while they open the store, and of those that just begin.
        told = one_life(address, life, longest_s * chance.random() ** 2)
        wrote += bool(told)
        ledger.examine(address, told)
        roots.append((ledger.size, merkle.frontier_root(ledger.frontier)))
    with journal.SqlStore(address) as store:
        ledger.complaints += store.audit().complaints
        for old_size, old_root in [r for r in roots if r[0]][:: max(lives // 20, 1)]:
            proof = store.prove_consistency(old_size)
            if proof.old_root != old_root or not proof.holds():
                ledger.complaints.append(f"the root of {old_size} is no prefix of the newest")
    return {
        "lives": lives,
        "wrote": wrote,
        "acknowledged": sum(ledger.acknowledged.values()),
        "entries": ledger.size,
        "complaints": ledger.complaints,
    }


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]))))
