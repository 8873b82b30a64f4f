"""A bank's statement that somebody names comes in; what is said of it and of payouts, to people and to scripts, goes out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from makewhole import settings
from makewhole.cli import session, words
from makewhole.core import faults, money
from makewhole.model import bank, bill
from makewhole.wiring import books as wiring_books


def read(now: session.Session, told: settings.Settings, path: str) -> bank.Statement:
    """The statement. Raises BadInput with the line that is wrong."""
    try:
        return wiring_books.statement(told.bank, Path(path))
    except bill.Refused as refused:
        what = now.say("reconcile.bank-refused", wrong=now.say.meaning(refused.wrong), why=refused.why)
        where = f"{path}:{refused.line}" if refused.line else path
        raise faults.BadInput(what, where=where, todo=now.say("reconcile.bank-refused-todo")) from refused
    except OSError as missing:
        what = now.say("reconcile.unreadable", why=missing.strerror)
        raise faults.BadInput(what, where=f"--bank {path}", todo=now.say("reconcile.unreadable-todo")) from missing


def rows(say: words.Say, found: Sequence[bank.Payout]) -> list[tuple[str, ...]]:
    """A line of a table for each payout."""
    return [
        (
            say.word("Source", p.channel),
            span([*p.days]),
            str(money.Money(fen=p.settled_fen)),
            span([line.day for line in p.lines]),
            str(money.Money(fen=p.bank_fen)),
            say.meaning(p.state),
        )
        for p in found
    ]


def heads(say: words.Say) -> list[str]:
    """What stands above them."""
    return [say(f"head.{name}") for name in ("channel", "paid-days", "settled", "bank-days", "bank", "state")]


def span(days: Sequence[int]) -> str:
    """The first and the last of some days."""
    if not days:
        return "–"
    first, last = bill.date_of(days[0]), bill.date_of(days[-1])
    return str(first) if first == last else f"{first} … {last}"


def shape(told: bank.Payout) -> dict[str, Any]:
    """A payout as scripts read it."""
    return {
        "channel": told.channel,
        "days": [bill.date_of(day) for day in told.days],
        "settled_fen": told.settled_fen,
        "bank_fen": told.bank_fen,
        "state": told.state.value,
        "lines": [{"day": bill.date_of(line.day), "fen": line.fen, "place": line.place, "memo": line.memo} for line in told.lines],
    }


def statement_shape(told: bank.Statement) -> dict[str, Any]:
    """A statement as scripts read it."""
    return {
        "file": told.digest,
        "first": bill.date_of(told.first),
        "last": bill.date_of(told.last),
        "lines": len(told.lines),
        "others": told.others,
    }


def tell(now: session.Session, told: bank.Statement, found: Sequence[bank.Payout]) -> None:
    """For people."""
    say, out = now.say, now.out
    out.line(
        say("reconcile.bank-kept", name=told.name, span=span([told.first, told.last]), lines=len(told.lines), others=told.others), "bold"
    )
    if not found:
        out.line(say("reconcile.bank-nothing"))
        return
    out.table(heads(say), rows(say, found))
    wrong = sum(p.state in bank.WRONG for p in found)
    out.line(say("reconcile.bank-wrong", lines=wrong) if wrong else say("reconcile.bank-fine"), "bold")
