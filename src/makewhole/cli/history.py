"""`makewhole history ORDER`: every state of an order as the shop's own change log tells it, with who wrote what beside it. Only reads."""

from __future__ import annotations

from typing import Any

import click

from makewhole.cli import exits, options, orders, session, start, words
from makewhole.core import cards, codec, faults, ids
from makewhole.engine import history
from makewhole.model import change

UNTOLD = "?"
"""Instead of a value that the log left out, and that is not NULL."""
STATEMENT_LENGTH_MAX = 200
"""Characters of a statement that people are shown; the whole of it is in JSON with --all."""


def command(say: words.Say) -> click.Command:
    """The command in the reader's language."""
    params: list[click.Parameter] = [
        click.Argument(["number"], metavar=say("arg.order")),
        *options.attached(say),
        click.Option(["--log"], metavar="FILE|FOLDER", help=say("option.log")),
        click.Option(["--archive"], metavar="FOLDER", help=say("option.archive")),
        click.Option(["--all", "everything"], is_flag=True, help=say("option.everything")),
        options.as_json(say),
    ]
    return options.Command("history", say, params=params, callback=click.pass_obj(run))


def run(begun: start.Start, /, *, number: str, everything: bool, as_json: bool, **places: str | None) -> int:
    """Read the log, then tell it."""
    now = session.Session(begun, as_json=as_json)
    told = now.settings(config=places["config"], database=places["database"], shop=places["shop"])
    now.attached(told)
    if not number.strip() or len(number) > orders.NUMBER_LENGTH_MAX or not number.isprintable():
        raise faults.BadInput(
            now.say("bad.number", given=number[: orders.NUMBER_LENGTH_MAX]), where="ORDER", todo=now.say("bad.number-todo")
        )
    from makewhole.wiring import history as wiring_history

    with wiring_history.open_past(told, places["log"], places["archive"]) as past:
        steps = history.history(past, ids.OrderNumber(number))
        if as_json:
            told_steps = [_document(s, past, everything=everything) for s in steps]
            gaps = [codec.builtins(gap) for gap in history.missing(past, steps)]
            now.out.document({"order": number, "steps": told_steps, "gaps": gaps})
        else:
            _tell(now, number, steps, past, everything=everything)
    return exits.Exit.FINE


def _document(step: history.Step, past: history.Past, *, everything: bool) -> dict[str, Any]:
    """One transaction as scripts read it."""
    told = step.transaction
    return {
        "at": told.committed_at.isoformat(),
        "transaction": told.id,
        "position": str(told.begins),
        "connection": told.connection,
        "user": told.user,
        "state": step.state,
        "changes": [
            {
                "role": role,
                "table": str(c.table),
                "kind": c.kind.value,
                "statement": _statement(c.statement, everything=everything),
                "columns": {n: _pair(past, c, n, b, a, everything=everything) for n, (b, a) in _columns(c).items()},
                "whole": c.whole(),
                "untold": list(c.untold()),
            }
            for role, c in step.own
        ],
        "also": [{"table": table, "kind": kind.value, "rows": n} for (table, kind), n in step.also.items()],
        "without_images": [_statement(s, everything=everything) for s in told.statements],
    }


def _columns(told: change.Change) -> dict[str, tuple[change.Value, change.Value]]:
    return dict(told.changed())


def _pair(
    past: history.Past, told: change.Change, column: str, before: change.Value, after: change.Value, *, everything: bool
) -> list[str | None] | None:
    """A column's value before and after, as far as it may be shown; None for one whose values are nobody's business here."""
    pair: list[str | None] = []
    for value in (before, after):
        if value is None:
            pair.append(None)
            continue
        spelled = change.spell(value)
        shown = cards.masked(spelled, key=column) if everything else past.shown(told.table.name, column, spelled)
        if shown is None:
            return None
        pair.append(shown)
    return pair


def _statement(text: str, *, everything: bool) -> str:
    """A statement's values are people's names and numbers: they are left out unless everything was asked for."""
    return cards.masked(text) if everything else change.without_values(text)


def _tell(now: session.Session, number: str, steps: tuple[history.Step, ...], past: history.Past, *, everything: bool) -> None:
    out, say = now.out, now.say
    out.line(say("history.head", order=number, steps=sum(bool(s.own) for s in steps)), "bold")
    if not any(s.own for s in steps):
        out.line(say("history.nothing"))
    for gap in history.missing(past, steps):
        after = words.NOTHING if gap.after is None else say.instant(gap.after)
        places = {"since": str(gap.since), "until": str(gap.until)}
        out.line(say("history.gap", after=after, before=say.instant(gap.before), **places), "yellow")
    state: str | None = None
    for step in steps:
        told = step.transaction
        out.line()
        out.line(f"{say.instant(told.committed_at)}  {told.id}{_who(say, told)}", "cyan")
        if step.state is not None and step.state != state:
            before = words.NOTHING if state is None else say.word("OrderState", state)
            out.line("  " + say("history.state", before=before, after=say.word("OrderState", step.state)), "bold")
            state = step.state
        for role, changed in step.own:
            _change(now, role, changed, past, everything=everything)
        for table, kind, rows in ((t, k, n) for (t, k), n in step.also.items()):
            out.line("  " + say("history.also", what=say(f"history.{kind.value}"), table=table, rows=rows), "dim")
        for text in told.statements:
            out.line("  " + say("history.unseen", statement=_short(_statement(text, everything=everything))), "yellow")


def _who(say: words.Say, told: change.Transaction) -> str:
    if told.user:
        return "  " + say("history.user", user=told.user)
    return "" if told.connection is None else "  " + say("history.connection", number=told.connection)


def _change(now: session.Session, role: str, told: change.Change, past: history.Past, *, everything: bool) -> None:
    out, say = now.out, now.say
    out.line("  " + say("history.change", what=say(f"history.{told.kind.value}"), table=told.table.name, role=role))
    hidden = []
    for column, (before, after) in _columns(told).items():
        pair = _pair(past, told, column, before, after, everything=everything)
        if pair is None:
            hidden.append(column)
            continue
        images = (told.before, told.after)
        was, is_ = (
            UNTOLD if image is not None and column not in image else words.NOTHING if v is None else _short(v)
            for v, image in zip(pair, images, strict=True)
        )
        arrow = {change.Kind.INSERT: is_, change.Kind.DELETE: was}.get(told.kind, f"{was} → {is_}")
        if told.kind is change.Kind.UPDATE or arrow != words.NOTHING:
            out.line(f"      {column}{say('punctuation.colon')}{arrow}")
    if untold := told.untold():
        out.line("      " + say("history.untold", columns=", ".join(untold)), "dim")
    if hidden:
        out.line("      " + say("history.hidden", columns=", ".join(hidden)), "dim")
    if told.statement:
        out.line("      " + say("history.statement", statement=_short(_statement(told.statement, everything=everything))), "dim")


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= STATEMENT_LENGTH_MAX else line[:STATEMENT_LENGTH_MAX] + "…"
