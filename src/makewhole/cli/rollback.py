"""`makewhole rollback`: shows what would go back and writes it into a plan; with `--apply PLAN --hash HASH` does that, and nothing else."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import click
import msgspec

from makewhole.cli import exits, options, output, session, start, words
from makewhole.core import clock, codec, faults
from makewhole.model import change, rollback

ROWS_SHOWN_MAX = 20
"""Rows on a terminal; all of them are in the plan."""
PLAN_NAME_LENGTH = 12
"""Characters of the hash in a plan's own name, as many as `--hash` wants at least."""


def command(say: words.Say) -> click.Command:
    """The command in the reader's language."""
    many = {"multiple": True}
    params: list[click.Parameter] = [
        click.Option(["--order", "orders"], metavar="ORDER", help=say("option.rollback-order"), **many),
        click.Option(["--transaction", "transactions"], metavar="GTID", help=say("option.rollback-transaction"), **many),
        click.Option(["--since"], metavar="INSTANT", help=say("option.rollback-since")),
        click.Option(["--until"], metavar="INSTANT", help=say("option.rollback-until")),
        click.Option(["--user"], metavar="NAME", default="", help=say("option.rollback-user")),
        click.Option(["--connection"], type=int, help=say("option.rollback-connection")),
        click.Option(["--column", "columns"], metavar="COLUMN", help=say("option.rollback-column"), **many),
        click.Option(["--partial"], is_flag=True, help=say("option.rollback-partial")),
        click.Option(["--all-or-nothing"], is_flag=True, help=say("option.rollback-all-or-nothing")),
        click.Option(["--output", "target"], metavar="FILE", help=say("option.rollback-output")),
        click.Option(["--apply", "applied"], metavar="PLAN", help=say("option.rollback-apply")),
        click.Option(["--undo", "undone"], metavar="PLAN", help=say("option.rollback-undo")),
        click.Option(["--hash", "known"], metavar="HASH", help=say("option.rollback-hash")),
        click.Option(["--by"], metavar="NAME", help=say("option.rollback-by")),
        click.Option(["--approved-by"], metavar="NAME", default="", help=say("option.rollback-approved-by")),
        *options.attached(say),
        click.Option(["--log"], metavar="FILE|FOLDER", help=say("option.log")),
        click.Option(["--all", "everything"], is_flag=True, help=say("option.everything")),
        options.as_json(say),
    ]
    return options.Command("rollback", say, params=params, callback=click.pass_obj(run))


def run(begun: start.Start, /, *, applied: str | None, undone: str | None, everything: bool, as_json: bool, **asked: Any) -> int:
    """Plan, apply, or plan the undoing of what was applied."""
    now = session.Session(begun, as_json=as_json)
    told = now.settings(config=asked["config"], database=asked["database"], shop=asked["shop"])
    now.attached(told)
    scope = _scope(now, asked)
    if (applied is not None) + (undone is not None) + (scope != rollback.Scope()) != 1:
        raise faults.BadInput(now.say("bad.rollback-one"), where="rollback", todo=now.say("bad.rollback-one-todo"))
    from makewhole.wiring import rollback as wiring_rollback

    with contextlib.ExitStack() as stack:
        bench, known = stack.enter_context(wiring_rollback.open_rollback(told, asked["log"]))
        shown = _everything if everything else known.shown
        if told.channels:
            from makewhole.engine import unwinding

            world = stack.enter_context(now.world(told, need_store=False))
            bench = dataclasses.replace(bench, elsewhere=unwinding.channels_say(world))
        if applied is not None:
            from makewhole.cli import rollback_apply

            return rollback_apply.run(now, told, bench, known.shown, Path(applied), asked)
        if undone is None and not (scope.transactions or scope.since or scope.user or scope.connection is not None):
            where = "--order" if scope.orders else "rollback"
            raise faults.BadInput(now.say("bad.rollback-order-alone"), where=where, todo=now.say("bad.rollback-order-alone-todo"))
        return _plan(now, bench, scope, shown, undone, asked)


def _everything(_table: str, _column: str, value: str) -> str:
    """What `--all` shows of a value: itself."""
    return value


def _scope(now: session.Session, asked: dict[str, Any]) -> rollback.Scope:
    since, until = (_instant(now, f"--{name}", asked[name]) for name in ("since", "until"))
    if since is not None and until is not None and until <= since:
        raise faults.BadInput(now.say("bad.rollback-until"), where="--until", todo=now.say("bad.rollback-until-todo"))
    return rollback.Scope(
        transactions=asked["transactions"],
        since=since,
        until=until,
        user=asked["user"],
        connection=asked["connection"],
        orders=asked["orders"],
        columns=asked["columns"],
    )


def _instant(now: session.Session, option: str, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return clock.parse(text)
    except ValueError as wrong:
        todo = now.say("bad.instant-todo", example="2026-11-23T20:00:00+08:00")
        raise faults.BadInput(now.say("bad.instant", given=text), where=option, todo=todo) from wrong


def _plan(now: session.Session, bench: Any, scope: rollback.Scope, shown: Any, undone: str | None, asked: dict[str, Any]) -> int:
    from makewhole.adapters.store import plans
    from makewhole.engine import unwinding
    from makewhole.wiring import clocks

    mode = rollback.Mode.ALL_OR_NOTHING if asked["all_or_nothing"] else rollback.Mode.SKIP_CONFLICTS
    undo = ""
    if undone is not None:
        with plans.read(Path(undone), asked["known"]) as earlier:
            undo = earlier.hash
    draft = unwinding.plan(bench, scope, clocks.SystemClock().now(), mode, partial=asked["partial"], undo=undo)
    hash_ = draft.hash()
    target = Path(asked["target"] or f"rollback-{hash_[:PLAN_NAME_LENGTH]}.plan")
    plans.write(target, draft.sealed())
    lines = plans.decoded(draft.lines())
    if now.out.as_json:
        now.out.document(document(draft.header, hash_, target, lines, shown))
    else:
        tell(now, draft.header, hash_, target, lines, shown)
    return exits.Exit.BROKEN if draft.header.conflicts else exits.Exit.FINE


def document(header: rollback.Header, hash_: str, target: Path, lines: Iterator[Any], shown: Any) -> dict[str, Any]:
    """A plan as scripts read it, whatever it was made from; values as far as they may be shown, in statements none; the file holds them
    exactly."""
    seen = (
        header.seen
        if shown is _everything
        else (msgspec.structs.replace(s, statement=change.without_values(s.statement)) for s in header.seen)
    )
    return {
        "plan": str(target),
        "hash": hash_,
        "rows": header.rows,
        "conflicts": header.conflicts,
        "mode": header.mode.value,
        "partial": header.partial,
        "money": header.money,
        "transactions": [codec.builtins(s) for s in seen],
        "notes": list(header.notes),
        "lines": [row(line, shown) for line in lines],
    }


def row(line: rollback.Net | rollback.Conflict, shown: Any) -> dict[str, Any]:
    """One row of a plan."""
    net = line if isinstance(line, rollback.Net) else line.net
    told: dict[str, Any] = {
        "order": None if "\x1f" in net.unit else net.unit,
        "table": net.table,
        "how": net.how.value,
        "key": values(net.table, net.key, shown),
        "now": values(net.table, net.now, shown),
        "back": values(net.table, net.back, shown),
        "taken_back": list(net.by),
        "left_alone": list(net.later),
    }
    if isinstance(line, rollback.Conflict):
        told["conflict"] = {
            "why": line.clash.value,
            "columns": list(line.columns),
            "by": line.by,
            "at": None if line.at is None else line.at.isoformat(),
            "live": values(net.table, line.live, shown),
        }
    return told


def values(table: str, cells: dict[str, str | None], shown: Any) -> dict[str, str | None]:
    """Cells as far as they may be shown."""
    from makewhole.model import cell

    return {c: None if v is None else shown(table, c, cell.shown(v)) for c, v in cells.items()}


def tell(now: session.Session, header: rollback.Header, hash_: str, target: Path, lines: Iterator[Any], shown: Any) -> None:
    """For people: the transactions whole, the first rows, every conflict as far as the page goes, and how to go on."""
    out, say = now.out, now.say
    out.line(say("rollback.head", rows=header.rows, conflicts=header.conflicts, transactions=header.transactions), "bold")
    for seen in header.seen[:ROWS_SHOWN_MAX]:
        out.line(f"{say.instant(seen.at)}  {seen.id}", "cyan")
        for what, rows in seen.taken.items():
            out.line("  " + say("rollback.taken", what=what, rows=rows))
        for what, rows in seen.left.items():
            out.line("  " + say("rollback.left", what=what, rows=rows), "yellow")
    rest = _rows(out, say, lines, shown)
    if rest:
        out.line(say("rollback.more", rows=rest), "dim")
    for note in header.notes:
        out.line(say("rollback.note", note=note), "dim")
    if header.money:
        out.line(say("rollback.money"), "yellow")
    out.line(say("rollback.written", file=target))
    if header.rows:
        out.line(say("rollback.next", command=f"makewhole rollback --apply {target} --hash {hash_}"), "bold")


def _rows(out: output.Output, say: words.Say, lines: Iterator[Any], shown: Any) -> int:
    """Conflicts and rows, at most so many of each; how many were not shown."""
    room = {True: ROWS_SHOWN_MAX, False: ROWS_SHOWN_MAX}
    rest = 0
    for line in lines:
        fits = isinstance(line, rollback.Net)
        if not room[fits]:
            rest += 1
            continue
        room[fits] -= 1
        net = line if isinstance(line, rollback.Net) else line.net
        key = ", ".join(f"{c}={v or say('rollback.hidden')}" for c, v in values(net.table, net.key, shown).items())
        if isinstance(line, rollback.Conflict):
            columns = ", ".join(line.columns)
            why = say.meaning(line.clash)
            out.line(
                "  " + say("rollback.conflict", table=net.table, key=key, why=why, columns=columns, by=line.by or words.NOTHING), "red"
            )
            continue
        out.line("  " + say(f"rollback.{net.how.value}", table=net.table, key=key) + _pairs(say, net, shown))
    return rest


def _pairs(say: words.Say, net: rollback.Net, shown: Any) -> str:
    if net.how is not rollback.How.REWRITE:
        return ""
    now, back = (values(net.table, cells, shown) for cells in (net.now, net.back))
    hidden = say("rollback.hidden")

    def one(column: str, told: dict[str, str | None], raw: dict[str, str | None]) -> str:
        return words.NOTHING if raw[column] is None else told[column] or hidden

    told: Sequence[str] = [f"{c} {one(c, now, net.now)} → {one(c, back, net.back)}" for c in net.back]
    return say("punctuation.colon") + ", ".join(itertools.islice(told, ROWS_SHOWN_MAX))
