"""`makewhole reconcile --theirs FILE`: a bill that somebody downloaded beside our book of its day. Only reads."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from makewhole import ports, settings
from makewhole.cli import exits, session, words
from makewhole.core import clock, faults, ids, money
from makewhole.model import bill, comparison

SHOWN_MAX = 50
"""Differences that people are shown one by one: a screen or two. Scripts get all."""
_SIDED = ("amount_fen", "fee_millifen", "currency", "standing", "transaction", "order_number")


def run(
    now: session.Session, told: settings.Settings, *, day: int, channel: str, ours: str | None, theirs: str, merchant: str | None
) -> int:
    """Read both books, pair them, say what differs; leave with 1 where something does."""
    window = bill.Window(day=day)
    number = _merchant(now, told, channel, merchant)
    # Here and not above: the engine of the books costs `reconcile --help` half a second.
    from makewhole.adapters.books import desk, duck

    with tempfile.TemporaryDirectory(prefix="makewhole-") as scratch, duck.opened(Path(scratch)) as opened:
        _read(now, opened, Path(theirs), ids.ChannelName(channel), bill.date_of(window.day), number)
        with _world(now, told, ours) as world:
            if world is None:
                _our_file(now, opened, Path(ours or ""))
            else:
                from makewhole.engine import keepbook

                opened.book(bill.Side.OURS, keepbook.book(world, window, {ids.ChannelName(channel): number}))
            found = desk.reconcile(opened, window, owner=None if world is None else world.eyes.owner)
        _tell(now, opened, found.sums, channel=channel, day=str(bill.date_of(day)))
        return exits.Exit.BROKEN if found.broken() else exits.Exit.FINE


@contextlib.contextmanager
def _world(now: session.Session, told: settings.Settings, ours: str | None) -> Iterator[ports.World | None]:
    """The attached shop, unless our book is a file."""
    if ours is not None:
        yield None
        return
    with now.world(told, need_store=False) as world:
        yield world


def _merchant(now: session.Session, told: settings.Settings, channel: str, given: str | None) -> str:
    account = told.channels.get(channel)
    number = given or (account.merchant() if account is not None else "")
    if not number:
        what = now.say("reconcile.no-merchant", channel=now.say.word("Source", channel))
        raise faults.BadInput(what, where="--merchant", todo=now.say("reconcile.no-merchant-todo"))
    return number


def _read(now: session.Session, opened: Any, path: Path, channel: ids.ChannelName, day: date, merchant: str) -> None:
    """The bill onto the desk, or the reason why it is refused."""
    from makewhole.adapters.bills import formats, reading

    expected = reading.Expected(day=bill.day_number(day), merchant=merchant)
    try:
        reading.read(opened.connection, formats.FORMATS[channel], _bytes(now, path, "--theirs"), expected)
    except bill.Refused as refused:
        what = now.say("reconcile.refused", wrong=now.say.meaning(refused.wrong), why=refused.why)
        where = f"{path}:{refused.line}" if refused.line else str(path)
        raise faults.BadInput(what, where=where, todo=now.say("reconcile.refused-todo")) from refused


def _our_file(now: session.Session, opened: Any, path: Path) -> None:
    """A book in a file of our own format onto the desk."""
    from makewhole.adapters.books import duck

    _bytes(now, path, "--ours", only_head=4)
    try:
        opened.book_file(bill.Side.OURS, path)
    except duck.Unreadable as wrong:
        what = now.say("reconcile.unreadable", why=wrong)
        raise faults.BadInput(what, where=str(path), todo=now.say("reconcile.unreadable-todo")) from wrong


def _bytes(now: session.Session, path: Path, option: str, *, only_head: int = -1) -> bytes:
    try:
        with path.open("rb") as opened:
            return opened.read(only_head)
    except OSError as missing:
        what = now.say("reconcile.unreadable", why=missing.strerror)
        raise faults.BadInput(what, where=f"{option} {path}", todo=now.say("reconcile.unreadable-todo")) from missing


def _tell(now: session.Session, opened: Any, sums: tuple[dict[str, Any], ...], *, channel: str, day: str) -> None:
    from makewhole.adapters.books import desk

    breaks = desk.breaks(opened)
    if now.out.as_json:
        now.out.document({"day": day, "channel": channel, "sums": [sum_shape(s) for s in sums], "breaks": [_shape(b) for b in breaks]})
    _for_people(now, sums, breaks, channel=channel, day=day)


def _for_people(now: session.Session, sums: tuple[dict[str, Any], ...], breaks: list[dict[str, Any]], *, channel: str, day: str) -> None:
    say, out = now.say, now.out
    lines = {side: sum(s["lines"] for s in sums if s["side"] == side) for side in ("ours", "theirs")}
    out.line(say("reconcile.title", channel=say.word("Source", channel), day=day, **lines), "bold")
    heads = [say(f"head.{name}") for name in ("class", "side", "kind", "lines", "amount", "fees")]
    out.table(heads, [row(say, s) for s in sums])
    broken = [b for b in breaks if bill.Break(b["class"]) not in bill.SETTLED]
    for one in broken[:SHOWN_MAX]:
        out.line(_sentence(say, one))
    if len(broken) > SHOWN_MAX:
        out.note(say("reconcile.shown", shown=SHOWN_MAX, lines=len(broken)))
    out.line(say("reconcile.broken", lines=len(broken)) if broken else say("reconcile.fine"), "bold")


def summed(told: comparison.Sum) -> dict[str, Any]:
    """A sum in the shape in which the engine of the books gives it."""
    return {
        "side": told.side.value,
        "channel": told.channel,
        "currency": told.currency,
        "kind": told.kind.value,
        "day": told.day,
        "class": told.what.value,
        "lines": told.lines,
        "fen": told.fen,
        "fees_millifen": told.fees_millifen,
    }


def row(say: words.Say, told: dict[str, Any]) -> tuple[str, ...]:
    """A sum as a line of a table."""
    what, side, kind = say.meaning(bill.Break(told["class"])), say.meaning(bill.Side(told["side"])), say.meaning(bill.Kind(told["kind"]))
    amount = money.Money(fen=told["fen"], currency=told["currency"])
    # Fees are reckoned finer than money can be paid: as the channel writes them, in yuan with five places.
    sign, fees = ("-" if told["fees_millifen"] < 0 else ""), abs(told["fees_millifen"])
    return (what, side, kind, str(told["lines"]), str(amount), f"{sign}{fees // 100_000}.{fees % 100_000:05d}")


def _sentence(say: words.Say, one: dict[str, Any]) -> str:
    sides = {side: _side(say, one, side) for side in ("ours", "theirs")}
    number = one["number"] or say("reconcile.numberless")
    return say(
        "reconcile.break", kind=say.meaning(bill.Kind(one["kind"])), number=number, what=say.meaning(bill.Break(one["class"])), **sides
    )


def _side(say: words.Say, one: dict[str, Any], side: str) -> str:
    if one[f"{side}_line"] is None:
        return say("reconcile.nothing")
    amount = money.Money(fen=one[f"{side}_amount_fen"], currency=one[f"{side}_currency"])
    return f"{amount} {say.meaning(bill.Standing(one[f'{side}_standing']))}"


def sum_shape(told: dict[str, Any]) -> dict[str, Any]:
    """A sum as scripts read it: amounts end in `_fen`."""
    shape = {k: told[k] for k in ("side", "channel", "currency", "kind", "class", "lines")}
    return {**shape, "day": bill.date_of(told["day"]), "amount_fen": told["fen"], "fees_millifen": told["fees_millifen"]}


def _shape(one: dict[str, Any]) -> dict[str, Any]:
    """A break as scripts read it: both sides beside each other, None for a side that has nothing."""
    shape = {k: one[k] for k in ("class", "channel", "merchant", "kind", "number", "group")}
    return {**shape, **{side: _sided(one, side) for side in ("ours", "theirs")}}


def _sided(one: dict[str, Any], side: str) -> dict[str, Any] | None:
    if one[f"{side}_line"] is None:
        return None
    at = clock.rfc3339(datetime.fromtimestamp(one[f"{side}_at_s"], UTC))
    return {"line": one[f"{side}_line"], "at": at, "day": bill.date_of(one[f"{side}_day"]), **{k: one[f"{side}_{k}"] for k in _SIDED}}
