"""Made shops are attached and graded: what is stated right, stated wrong, asked and missed, field by field and style by style."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import sqlite3
import tempfile
from collections import Counter
from pathlib import Path

from makewhole.adapters.shops import engines, language, shopmap, survey
from makewhole.attach import drafts, infer, proposal, shopfile
from makewhole.attach.proposal import STATED_MIN
from tests.attach import making

STYLES = Path(__file__).with_name("styles")
SEEDS = tuple(range(1, 6))
"""The published figures are of these."""


@dataclasses.dataclass
class Grade:
    """Counts of fields, and what went wrong."""

    right: int = 0
    wrong: int = 0
    asked: int = 0
    missed: int = 0
    complaints: Counter[str] = dataclasses.field(default_factory=Counter)

    def __add__(self, other: Grade) -> Grade:
        return Grade(
            self.right + other.right,
            self.wrong + other.wrong,
            self.asked + other.asked,
            self.missed + other.missed,
            self.complaints + other.complaints,
        )

    @property
    def recall(self) -> float:
        return self.right / max(self.right + self.asked + self.missed, 1)

    @property
    def precision(self) -> float:
        return self.right / max(self.right + self.wrong, 1)


def all_styles() -> list[making.Style]:
    return [making.parse(path.read_text(encoding="utf-8")) for path in sorted(STYLES.glob("*.txt"))]


def propose(path: Path) -> proposal.Proposal | None:
    engine = engines.for_eyes(f"sqlite:///{path}")
    try:
        return infer.propose(survey.take(engine, str(path)))
    finally:
        engine.dispose()


def grade(style: making.Style, seed: int) -> Grade:
    with tempfile.TemporaryDirectory() as folder:
        shop = making.Maker(style, seed).make(Path(folder) / "shop.db")
        told = propose(shop.path)
        return _graded(style, shop, told)


def _graded(style: making.Style, shop: making.Shop, told: proposal.Proposal | None) -> Grade:
    found = Grade()
    asked = set() if told is None else {q.field for q in told.questions}
    for field in drafts.NOUNS:
        truth = shop.truth.get(field)
        said = None if told is None else told.field(field)
        if field == "order.state":
            _grade_states(found, shop, told)
            continue
        if said is not None and said.confidence >= STATED_MIN:
            if truth is None or said.table != truth.table or said.rests_on() not in truth.columns or (said.unit or "") != truth.unit:
                found.wrong += 1
                real = "nothing" if truth is None else f"{'/'.join(sorted(truth.columns))} {truth.unit}"
                found.complaints[f"WRONG {field} = {said.table}.{said.rests_on()} {said.unit}, is {real}"] += 1
            else:
                found.right += 1
        elif truth is not None:
            if field in asked:
                found.asked += 1
            else:
                found.missed += 1
            found.complaints[f"{'asked' if field in asked else 'MISSED'} {field} ({'/'.join(sorted(truth.columns))})"] += 1
    if told is not None:
        with contextlib.suppress(StopIteration):
            _compiles(found, told)
    return found


def _compiles(found: Grade, told: proposal.Proposal) -> None:
    if told.field("order.amount_due") is None or told.field("order.number") is None:
        return
    role = told.role("order")
    if role is None or not role.states:
        return
    shopmap.compile_map(language.parse(shopfile.text(told, "made", lambda _: "", ()), "made"))


def _grade_states(found: Grade, shop: making.Shop, told: proposal.Proposal | None) -> None:
    """One count for each state that orders are really in: right where every order of it is told so."""
    role = None if told is None else told.role("order")
    rungs = () if role is None or role.table != shop.table else role.states
    asked = told is not None and any(q.field == "order.state" for q in told.questions)
    with contextlib.closing(sqlite3.connect(shop.path)) as connection:
        case = " ".join(f"WHEN {sql} THEN '{word}'" for sql, word in rungs)
        rows = list(connection.execute(f'SELECT "{shop.key}", {f"CASE {case} END" if case else "NULL"} FROM "{shop.table}"'))
    says: dict[str, Counter[str | None]] = {}
    for key, word in rows:
        says.setdefault(shop.states[key], Counter())[word] += 1
    for real, words in says.items():
        wrong = {w: n for w, n in words.items() if w not in {real, None}}
        if wrong:
            found.wrong += 1
            found.complaints[f"WRONG order.state {real} told as {wrong}"] += 1
        elif words[None]:
            found.asked, found.missed = found.asked + asked, found.missed + (not asked)
            found.complaints[f"{'asked' if asked else 'MISSED'} order.state {real}"] += 1
        else:
            found.right += 1


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--style", default="")
    parser.add_argument("--held", action="store_true")
    parser.add_argument("--seeds", type=int, default=4)
    given = parser.parse_args()
    total = Grade()
    for style in all_styles():
        if (given.style and given.style not in style.name) or (style.held_out != given.held and not given.style):
            continue
        told = sum((grade(style, seed) for seed in range(1, given.seeds + 1)), Grade())
        total += told
        print(
            f"{style.name:20} recall {told.recall:6.1%} precision {told.precision:6.1%} "
            f" right {told.right} wrong {told.wrong} asked {told.asked} missed {told.missed}"
        )
        for text, times in told.complaints.most_common(40):
            print(f"      {times} {text}")
    print(f"{'all':20} recall {total.recall:6.1%} precision {total.precision:6.1%}")


if __name__ == "__main__":
    main()
