"""Trading days at every channel: Makewhole keeps the daily books of a shop that nobody watches otherwise, and is graded on every break."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import msgspec

from makewhole import ports, settings
from makewhole.adapters import http
from makewhole.adapters.payments import joining, registry
from makewhole.adapters.shops import engines, eyes, hands
from makewhole.adapters.store import journal
from makewhole.core import codec, ids
from makewhole.engine import closing, daily, daysheets, sweep
from makewhole.model import bill, daysheet
from makewhole.ports import accounts
from makewhole.rehearsal import stage
from makewhole.sandbox import trading
from makewhole.sandbox.channel.faults import Fault
from makewhole.sandbox.stories import trading as stories
from makewhole.wiring import books as wiring_books

EVENING, MORNING = timedelta(hours=20, minutes=1), timedelta(hours=10, minutes=1)
AFTER = tuple(timedelta(minutes=m) for m in (2, 10, 30, 60))
"""After each hour of the books: when waiting runs go on and differences are followed, as `serve` does every few minutes."""
RATE_PPM = 6_000
"""What the sandbox's channels take, unless they take too much."""
SPOILT = (Fault.BILL_LATE, Fault.BILL_LINE_DOUBLED, Fault.BILL_TRUNCATED)
"""What goes wrong with the bills, one a day, at one channel after the other: late, wrong in a line, cut short on the way."""
Progress = Callable[[int, int], None]


class Grade(codec.Noun, frozen=True, kw_only=True):
    """The JSON of `demo --days`."""

    seed: int
    days: int
    channels: tuple[str, ...]
    orders: int
    bills_closed: int
    bills_refused: int
    bills_waited_for: int
    lines: int
    """Of all bills."""
    planted: int
    found: int
    missed: int
    false_alarms: int
    misclassed: int
    wrong_ends: int
    cases: int
    cases_open: int
    unexplained_fen: int
    not_conserved: int
    """Sums of bills that are not what the channel's own ledger says."""
    laws_broken: int
    by_state: dict[str, int]

    def flawless(self) -> bool:
        """Every break found and classed, each case at a named end, every fen accounted for."""
        wrong = (self.missed, self.false_alarms, self.misclassed, self.wrong_ends, self.cases_open, self.unexplained_fen)
        return not (any(wrong) or self.not_conserved or self.laws_broken)


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What the days came to; a line for every mistake; the sheets of each day."""

    grade: Grade
    mistakes: tuple[str, ...]
    sheets: dict[int, list[daysheet.DaySheet]]


@dataclass(frozen=True, kw_only=True)
class Scene:
    """The days, and Makewhole beside them."""

    trading: trading.Trading
    store: journal.SqlStore
    world: ports.World
    books: accounts.Books


def run(*, seed: int, days: int, orders: int, folder: Path, progress: Progress | None = None) -> Shown:
    """Build, trade, close each day, follow, grade. The folder is emptied first: it is the demo's own."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    on = scene(seed, folder)
    try:
        stories.fill(on.trading, days=days, orders=orders)
        results = []
        for day in range(days + 1):
            results += _day(on, day, last=day == days)
            if progress is not None:
                progress(day + 1, days + 1)
        return _judged(on, seed, days, results)
    finally:
        on.store.close()


def scene(seed: int, folder: Path, *, store: str = "") -> Scene:
    """An empty world with Makewhole attached to it as to any shop: by address, shop file and credentials."""
    made = trading.Trading(seed, folder / "shop.db")
    map_ = dataclasses.replace(stage.shop_map(), channels=tuple(made.gates))
    address = f"sqlite:///{folder / 'shop.db'}"
    reading = engines.for_eyes(address)
    kept = journal.SqlStore(store or f"sqlite:///{folder / 'makewhole.db'}")
    channels = dict(_channels(made))
    books = wiring_books.books(channels, kept.ledger, dict.fromkeys(made.gates, RATE_PPM))
    world = ports.World(
        clock=made.clock,
        eyes=eyes.attach(map_, reading, made.clock, stage.SECRET),
        hands=hands.attach(map_, engines.for_hands(address), reading),
        channels=channels,
        store=kept,
        policies=settings.policy_book(),
        playbook=settings.load_playbook(),
        books=books,
    )
    return Scene(trading=made, store=kept, world=world, books=books)


def _channels(made: trading.Trading) -> Iterator[tuple[ids.ChannelName, ports.Channel]]:
    """Each channel that the world has, attached as by a merchant's settings; the files that they name lie in the sandbox."""
    nonces = iter(range(10**12))
    for told, at in made.gates.items():
        joined = registry.ENTRIES[ids.ChannelName(told)]
        means = joining.Means(
            client=http.Client(at.transport, sleep=lambda _: None),
            clock=made.clock,
            read=lambda file, _, at=at: at.file(file),  # type: ignore[misc]
            nonce=lambda: f"{next(nonces):032d}",
        )
        yield joined.name, joined.attach(msgspec.convert(at.section(), joined.section), means)


def _day(on: Scene, day: int, *, last: bool) -> list[closing.Result]:
    """The morning's bills of the day before, then the evening's comparison; each with what follows from it."""
    begins = trading.START + timedelta(days=day)
    if day:
        gates = list(on.trading.gates.values())
        gates[(day - 1) % len(gates)].faults.next(SPOILT[(day - 1) % len(SPOILT)], where="bill")
    results = []
    for hour in (MORNING,) if last else (MORNING, EVENING):
        for after in (timedelta(), *AFTER):
            on.trading.run_until(begins + hour + after)
            results += daily.keep(on.world, on.books)
            sweep.resume_left(on.world)
            daily.follow(on.world, on.books)
    return results


def _judged(on: Scene, seed: int, days: int, results: list[closing.Result]) -> Shown:
    first = bill.day_of(trading.START)
    channels = sorted(on.books.sources)
    sheets = {day: daysheets.sheets(on.world, on.books, day, channels) for day in range(first, first + days)}
    mistakes, counts = _compared(on, [r for of in sheets.values() for s in of for r in s.rows])
    lost = list(_not_conserved(on, sheets))
    broken = on.store.audit().complaints
    cases = on.store.cases()
    states: dict[str, int] = {}
    for told in (s for of in sheets.values() for s in of):
        for state, (lines, _) in told.by_state().items():
            states[state.value] = states.get(state.value, 0) + lines
    bills = [s for of in sheets.values() for s in of if s.stage is bill.Stage.BILL]
    grade = Grade(
        seed=seed,
        days=days,
        channels=tuple(channels),
        orders=on.trading.shop.placed,
        bills_closed=len(bills),
        bills_refused=sum(r.state is closing.Closing.REFUSED for r in results),
        bills_waited_for=sum(r.state is closing.Closing.NOT_MADE for r in results),
        lines=sum(t.lines for s in bills for t in s.sums if t.side is bill.Side.THEIRS),
        planted=len(on.trading.planted),
        found=len(on.trading.planted) - counts["missed"],
        cases=len(cases),
        cases_open=sum(c.terminal is None for c in cases),
        unexplained_fen=sum(s.unexplained().fen for of in sheets.values() for s in of),
        not_conserved=len(lost),
        laws_broken=len(broken),
        by_state=dict(sorted(states.items())),
        **counts,
    )
    return Shown(grade=grade, mistakes=(*mistakes, *lost, *broken), sheets=sheets)


def _compared(on: Scene, rows: list[daysheet.Row]) -> tuple[list[str], dict[str, int]]:
    """What was found beside what is really there."""
    by_number = {(r.of.found.channel, r.of.found.kind, r.of.found.number): r for r in rows if r.state is not daysheet.DayState.PAIRED}
    mistakes: list[str] = []
    counts = {"missed": 0, "false_alarms": 0, "misclassed": 0, "wrong_ends": 0}
    for planted in on.trading.planted:
        row = by_number.pop((ids.ChannelName(planted.channel), planted.kind, planted.number), None)
        name = f"{planted.story} at {planted.channel}: {planted.number}"
        if row is None:
            counts["missed"] += 1
            mistakes.append(f"missed: {name}")
            continue
        if row.of.what() not in planted.classes:
            counts["misclassed"] += 1
            mistakes.append(f"classed {row.of.what().value}: {name}")
        if row.state not in planted.states:
            counts["wrong_ends"] += 1
            mistakes.append(f"stands {row.state.value}: {name}")
    counts["false_alarms"] = len(by_number)
    mistakes += [
        f"false alarm: {r.of.found.number} {r.of.what().value} {r.state.value} at {r.of.found.channel}" for r in by_number.values()
    ]
    return mistakes, counts


def _not_conserved(on: Scene, sheets: dict[int, list[daysheet.DaySheet]]) -> Iterator[str]:
    """Law 7 from outside: what the classes of a bill's side add up to is what the channel's ledger moved that day, to the fen."""
    for day, told in sheets.items():
        for sheet in told:
            for kind, (lines, fen) in trading.really(on.trading, sheet.channel, day).items():
                mine = [s for s in sheet.sums if s.side is bill.Side.THEIRS and s.kind is kind]
                if (sum(s.lines for s in mine), sum(s.fen for s in mine)) != (lines, fen):
                    where = f"{sheet.channel} {bill.date_of(day)} {kind.value}"
                    yield f"{where}: {sum(s.fen for s in mine)} fen in the books, {fen} in the ledger"


def shape(shown: Shown) -> dict[str, object]:
    """The grade as scripts read it."""
    told: dict[str, object] = msgspec.to_builtins(shown.grade)
    return told
