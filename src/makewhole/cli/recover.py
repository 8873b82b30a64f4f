"""`makewhole recover`: shows row by row and call by call what would be done; with `--apply` does it, looks again, and reports."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator, Sequence
from concurrent import futures
from typing import Any, assert_never

import click

from makewhole import ports
from makewhole.cli import exits, options, orders, progress, scan, session, shapes, show, start, words
from makewhole.core import faults
from makewhole.engine import drive, look, propose, sweep
from makewhole.engine import recover as recover_engine
from makewhole.model import act, case, finding, plan, run, verdict
from makewhole.settings import Settings

State = recover_engine.State


@dataclasses.dataclass(frozen=True, kw_only=True)
class Before:
    """An order before anything is done: what is planned for it, what that would change, what was done earlier."""

    looked: look.Looked
    proposals: tuple[propose.Proposal, ...]
    previews: tuple[tuple[tuple[str, ...], ...], ...]
    runs: tuple[run.Run, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class After:
    """An order when we stopped working on it."""

    before: Before
    state: State
    ended: tuple[case.Case, ...] = ()
    runs: tuple[run.Run, ...] = ()
    silent: bool = False

    def changed(self) -> tuple[run.Run, ...]:
        """Runs that are new or further than they were; asking a person changes nothing about the order."""
        earlier = {r.plan.run_id(): r for r in self.before.runs}
        moved = [r for r in self.runs if earlier.get(r.plan.run_id()) != r]
        return tuple(r for r in moved if r.plan.remedy is not plan.Remedy.ASK_PERSON)

    def refused(self) -> bool:
        """Whether policy, and not only the want of somebody to do it, stands in the way."""
        return self.state is not State.WHOLE and any(not isinstance(p.verdict, verdict.Allowed) for p in self.before.proposals)


def command(say: words.Say) -> click.Command:
    """The command in the reader's language."""
    params: list[click.Parameter] = [
        click.Argument(["numbers"], nargs=-1, metavar=say("arg.orders")),
        click.Option(["--all", "everything"], is_flag=True, help=say("option.all")),
        click.Option(["--apply", "applied"], is_flag=True, help=say("option.apply")),
        click.Option(["--yes"], is_flag=True, help=say("option.yes")),
        *options.attached(say),
        options.as_json(say),
    ]
    return options.Command("recover", say, params=params, callback=click.pass_obj(run_))


def run_(begun: start.Start, /, *, numbers: Sequence[str], everything: bool, applied: bool, yes: bool, **where: Any) -> int:
    """Preview; with `--apply` ask, act, look again."""
    now = session.Session(begun, as_json=where.pop("as_json"))
    if everything == bool(numbers):
        raise faults.BadInput(now.say("bad.orders-or-all"), where="recover", todo=now.say("bad.orders-or-all-todo"))
    told = now.settings(**where)
    with now.world(told, need_store=applied) as world, progress.Progress() as bar:
        afters = _applied(now, world, told, numbers, yes=yes, bar=bar) if applied else _previewed(now, world, told, numbers, bar)
    return _exit(afters)


def _previewed(now: session.Session, world: ports.World, told: Settings, numbers: Sequence[str], bar: progress.Progress) -> list[After]:
    shown = []
    for before in _befores(now, world, told, numbers, bar):
        after = After(before=before, state=_state(before), silent=_silent(before))
        bar.clear()
        if now.out.as_json:
            now.out.document(document(after, applied=False))
        else:
            preview(now, before)
        shown.append(after)
    if not now.out.as_json:
        planned = any(a.before.proposals for a in shown)
        now.out.line(now.say("recover.preview-end" if planned else "recover.nothing-to-do"), "bold")
    return shown


def _applied(
    now: session.Session, world: ports.World, told: Settings, numbers: Sequence[str], *, yes: bool, bar: progress.Progress
) -> list[After]:
    befores = {b.looked.order.number: b for b in _befores(now, world, told, numbers, bar)}
    bar.clear()
    asks = not now.out.as_json and not yes and sys.stdin.isatty() and any(b.proposals for b in befores.values())
    if asks:
        for before in befores.values():
            preview(now, before)
        if not click.confirm(now.say("recover.confirm", orders=len(befores)), err=True):
            raise click.Abort
    done = []
    tasks = [sweep.urgency(b.looked) for b in befores.values()] if numbers else sorted(sweep.urgency(b.looked) for b in befores.values())
    with futures.ThreadPoolExecutor(told.engine.workers, thread_name_prefix="order") as pool:
        for result in sweep.drain(world, tasks, pool):
            after = _after(world, befores[result.order.number], result)
            done.append(after)
            bar.at(now.say("recover.progress"), len(done), len(tasks))
            bar.clear()
            if now.out.as_json:
                now.out.document(document(after, applied=True))
            else:
                report(now, after)
    if not now.out.as_json:
        _total(now, done)
    return done


def _befores(now: session.Session, world: ports.World, told: Settings, numbers: Sequence[str], bar: progress.Progress) -> Iterator[Before]:
    """The orders that were named, or every one that a sweep finds, with their plans. Changes nothing."""
    if numbers:
        seen = set()
        for number in numbers:
            named = orders.named(world, number, now.say)
            if named.number not in seen:
                seen.add(named.number)
                yield _before(world, named.looked)
        return
    tally = sweep.Tally()
    with futures.ThreadPoolExecutor(told.engine.workers, thread_name_prefix="order") as pool:
        for looked in sweep.scan(world, tally, pool=pool):
            bar.at(now.say("scan.progress", suspects=tally.suspects, broken=tally.broken))
            # What people have decided about stands as they decided it: whoever names the order may work on it all the same.
            if not looked.findings() or look.open_findings(looked):
                yield _before(world, looked)


def _before(world: ports.World, looked: look.Looked) -> Before:
    proposals = tuple(propose.propose(world, looked, found) for found in looked.findings())
    return Before(
        looked=looked,
        proposals=proposals,
        previews=tuple(_preview(world, p.plan) for p in proposals),
        runs=tuple(world.store.runs_of(looked.order)),
    )


def _preview(world: ports.World, made: plan.Plan) -> tuple[tuple[str, ...], ...]:
    """What each step would change, in the words of whoever would change it."""
    return tuple(tuple(drive.doer_of(world, s).preview(made.order, s, world.clock.now())) for s in made.steps)


def _after(world: ports.World, before: Before, result: recover_engine.Result) -> After:
    silent = result.state is not State.WHOLE and any(
        s.why not in scan.ANSWERED for s in shapes.heard_of(look.Looked(dossier=before.looked.dossier, diagnosis=result.diagnosis))
    )
    concerned = [result.order] if result.owner is None else [result.order, result.owner]
    runs = tuple(going for order in concerned for going in world.store.runs_of(order))
    return After(before=before, state=result.state, ended=result.ended, runs=runs, silent=silent)


def document(after: After, *, applied: bool) -> dict[str, Any]:
    """One line of `recover --json`."""
    before = after.before
    return {
        "order": before.looked.order.number,
        "state": after.state.value,
        "applied": applied,
        "changed": bool(after.changed()) if applied else False,
        "plans": [shapes.planned(p, lines) for p, lines in zip(before.proposals, before.previews, strict=True)],
        "silences": [shapes.silence(s) for s in shapes.heard_of(before.looked)],
        "runs": [shapes.ran(r) for r in (after.changed() if applied else ())],
        "ended": [shapes.followed(c) for c in after.ended],
    }


def preview(now: session.Session, before: Before) -> None:
    """Finding by finding: what would be done, step by step, or why not and by which rule."""
    out, say = now.out, now.say
    if not before.proposals:
        whole = _state(before) is State.WHOLE
        out.line(say("recover.whole" if whole else "scan.unjudged", order=before.looked.order.number))
        for quiet in shapes.heard_of(before.looked):
            out.line(f"    {scan.silence(say, quiet)}", "dim")
    for proposed, lines in zip(before.proposals, before.previews, strict=True):
        out.line(scan.headline(say, before.looked, proposed.finding), "bold")
        for why in proposed.plan.why:
            out.line(f"    {say('plan.because', why=say.fact(why))}", "dim")
        out.line(f"    {scan.remedy(say, proposed)}", "yellow" if shapes.blocked_by(proposed) else "green")
        for line in show.verdict_lines(say, proposed.verdict):
            out.line(f"    {line}", "dim" if isinstance(proposed.verdict, verdict.Allowed) else "yellow")
        for ordinal, (step, changes) in enumerate(zip(proposed.plan.steps, lines, strict=True), start=1):
            out.line(f"    {ordinal}. {say.word('Act', shapes.act_slug(step.act))}")
            for change in _spoken(say, step.act, changes):
                out.line(f"         {change}", "cyan")


def _spoken(say: words.Say, done: act.AnyAct, changes: Sequence[str]) -> Sequence[str]:
    """Statements and calls are shown as they would be sent; a question in the reader's language."""
    if isinstance(done, act.AskPerson):
        return (say("question.head", deadline=say.instant(done.deadline)), *(say.fact(r) for r in done.question.reasons))
    return changes


def report(now: session.Session, after: After) -> None:
    """What became of one order."""
    out, say = now.out, now.say
    style = {State.WHOLE: "green", State.WAITING: "yellow", State.PERSON: "yellow"}.get(after.state, "red")
    out.line(say("recover.order", order=after.before.looked.order.number, state=say.meaning(after.state)), style)
    for going in after.changed():
        for step, mark in zip(going.steps, going.marks, strict=True):
            out.line(f"    {say.meaning(mark)}{say('punctuation.colon')}{say.word('Act', shapes.act_slug(step.act))}", "dim")
    for known in after.ended:
        if known.terminal is not None:
            out.line(f"    {say('recover.ended', ailment=say.meaning(known.finding.ailment), end=say.meaning(known.terminal))}", "dim")
    for proposed in after.before.proposals:
        blocked = shapes.blocked_by(proposed)
        if blocked is not None and after.state is not State.WHOLE:
            for line in show.verdict_lines(say, proposed.verdict):
                out.line(f"    {line}", "yellow")
    if not after.changed() and not after.ended:
        out.line(f"    {say('recover.nothing-changed')}", "dim")


def _total(now: session.Session, done: list[After]) -> None:
    say = now.say
    if not done:
        now.out.line(say("recover.nothing-to-do"), "bold")
        return
    changed = sum(bool(a.changed()) for a in done)
    whole = sum(a.state is State.WHOLE for a in done)
    people = sum(a.state is State.PERSON for a in done)
    waiting = sum(a.state is State.WAITING for a in done)
    other = len(done) - whole - people - waiting
    now.out.line(say("recover.total", orders=len(done), changed=changed, whole=whole, people=people, waiting=waiting, other=other), "bold")
    if not changed and len(done) > 1:
        now.out.line(say("recover.nothing-changed"), "bold")


def _state(before: Before) -> State:
    match before.looked.diagnosis:
        case finding.Broken():
            return State.BROKEN
        case finding.Unjudged():
            return State.UNJUDGED
        case finding.Whole():
            return State.WHOLE
        case _:
            assert_never(before.looked.diagnosis)


def _silent(before: Before) -> bool:
    return any(s.why not in scan.ANSWERED for s in shapes.heard_of(before.looked))


def _exit(done: Sequence[After]) -> exits.Exit:
    """Our own defect first, then who did not answer, then what policy refused, then what is left, then what nobody could tell."""
    if any(a.state is State.DEFECT for a in done):
        return exits.Exit.DEFECT
    if any(a.silent for a in done):
        return exits.Exit.INCOMPLETE
    if any(a.refused() for a in done):
        return exits.Exit.REFUSED
    if any(a.state in {State.BROKEN, State.WAITING, State.PERSON} for a in done):
        return exits.Exit.BROKEN
    return exits.Exit.INCOMPLETE if any(a.state is State.UNJUDGED for a in done) else exits.Exit.FINE
