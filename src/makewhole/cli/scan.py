"""`makewhole scan`: lists broken orders as they are found, and says as clearly what it could not compare. Changes nothing."""

from __future__ import annotations

import dataclasses
from collections import Counter
from concurrent import futures

import click

from makewhole import ports
from makewhole.cli import exits, ladder, options, progress, session, shapes, start, unusual, words
from makewhole.core import clock, money
from makewhole.engine import look, propose, signals, sweep
from makewhole.model import claim, finding
from makewhole.ports import trails

ANSWERED = frozenset({claim.Why.NOT_FOUND, claim.Why.NOT_CONFIGURED})
"""A source that knows nothing has answered, and one that nobody attached was not expected to."""


@dataclasses.dataclass(kw_only=True)
class Seen:
    """What the whole scan came to."""

    tally: sweep.Tally = dataclasses.field(default_factory=sweep.Tally)
    stakes: Counter[finding.Ailment] = dataclasses.field(default_factory=Counter)
    found: Counter[finding.Ailment] = dataclasses.field(default_factory=Counter)
    silences: Counter[tuple[str, claim.Why]] = dataclasses.field(default_factory=Counter)

    def add(self, looked: look.Looked) -> None:
        """Count one order that is not whole."""
        for found in look.open_findings(looked):
            self.found[found.ailment] += 1
            self.stakes[found.ailment] += found.stake.fen
        silent = {(s.source, s.why) for s in (*shapes.heard_of(looked), *looked.dossier.silent(claim.About.PAYMENT))}
        self.silences.update(silent)

    def exit(self) -> exits.Exit:
        """Incomplete beats broken: whoever trusts the list must know that it may be short."""
        if any(why not in ANSWERED for _, why in self.silences):
            return exits.Exit.INCOMPLETE
        if self.tally.broken:
            return exits.Exit.BROKEN
        return exits.Exit.INCOMPLETE if self.tally.unjudged else exits.Exit.FINE


def command(say: words.Say) -> click.Command:
    """The command in the reader's language."""
    params = [*options.attached(say), options.at(say), options.as_json(say)]
    return options.Command("scan", say, params=params, callback=click.pass_obj(run))


def run(begun: start.Start, /, *, config: str | None, database: str | None, shop: str | None, at: str | None, as_json: bool) -> int:
    """Scan, print what is found while it is found, then the totals."""
    now = session.Session(begun, as_json=as_json)
    told = now.settings(config=config, database=database, shop=shop)
    instant = now.instant(at)
    seen = Seen()
    with now.world(told, at=instant, need_store=False) as world, progress.Progress() as bar:
        stood = ladder.ladder(world)
        with futures.ThreadPoolExecutor(told.engine.workers, thread_name_prefix="order") as pool:
            for looked in sweep.scan(world, seen.tally, pool=pool):
                bar.at(now.say("scan.progress", suspects=seen.tally.suspects, broken=seen.tally.broken))
                seen.add(looked)
                bar.clear()
                _show(now, world, looked)
        log = trails.Coverage() if world.trail is None else world.trail.coverage()
        # Of the past nobody can say any more what was usual then.
        signs = signals.found(world) if instant is None else ()
    _total(now, seen, stood, log)
    for sign in signs:
        now.out.line(unusual.line(sign, now.say), "bold yellow")
    return seen.exit()


def _show(now: session.Session, world: ports.World, looked: look.Looked) -> None:
    out, say = now.out, now.say
    if not looked.findings():
        if out.as_json:
            out.document(shapes.unjudged(looked))
            return
        out.line(say("scan.unjudged", order=looked.order.number), "bold")
        for quiet in shapes.heard_of(looked):
            out.line(f"    {silence(say, quiet)}", "dim")
        return
    for one in looked.decided:
        if out.as_json:
            out.document(shapes.decided(looked, one))
            continue
        said, day = one.said, f"{one.said.at.astimezone(clock.BEIJING):%Y-%m-%d}"
        told = say("scan.decided", by=said.by, day=day, choice=say.meaning(said.choice), why=said.why)
        out.line(f"{headline(say, looked, one.finding)}  {told}", "dim")
        if one.why is not None:
            out.line(f"    {say.fact(one.why)}", "dim")
    for found in look.open_findings(looked):
        proposed = propose.propose(world, looked, found)
        if out.as_json:
            out.document(shapes.broken(looked, found, proposed))
            continue
        out.line(headline(say, looked, found), "bold")
        for line in grounds(say, found):
            out.line(f"    {line}", "dim")
        out.line(f"    {remedy(say, proposed)}", "yellow" if shapes.blocked_by(proposed) else "green")


def headline(say: words.Say, looked: look.Looked, found: finding.Finding) -> str:
    """Order, ailment, money, since when: what a merchant scans for."""
    parts = [looked.order.number, say.meaning(found.ailment), str(found.stake)]
    if found.since is not None:
        parts.append(say("scan.since", since=say.instant(found.since)))
    if found.deadline is not None:
        parts.append(say("scan.deadline", deadline=say.instant(found.deadline)))
    return "  ".join(parts)


def grounds(say: words.Say, found: finding.Finding) -> list[str]:
    """Who says so, and why it happened as far as anybody tells."""
    told = [f"{say.word('Source', e.source)}{say('punctuation.colon')}{say.fact(e.what)}" for e in found.evidence]
    reason = found.reason
    percent = round(reason.confidence * 100)
    why = say("scan.cause", cause=say.meaning(reason.cause), detail=say.meaning(reason.detail), percent=percent)
    return [*told, why if reason.cause is not finding.Cause.UNKNOWN else say("scan.cause-unknown")]


def remedy(say: words.Say, proposed: propose.Proposal) -> str:
    """What would be done about it, or why not."""
    blocked = shapes.blocked_by(proposed)
    what = say.meaning(proposed.plan.remedy)
    return say("scan.remedy", remedy=what) if blocked is None else say("scan.blocked", remedy=what, ground=say.word("Ground", blocked))


def silence(say: words.Say, quiet: claim.Silence) -> str:
    """Who did not speak of what, and why."""
    detail = f" ({quiet.detail})" if quiet.detail else ""
    source, about = say.word("Source", quiet.source), say.meaning(quiet.about)
    return say("scan.silence", source=source, about=about, number=quiet.number, why=say.meaning(quiet.why), detail=detail)


def _total(now: session.Session, seen: Seen, stood: ladder.Ladder, log: trails.Coverage) -> None:
    """The sum for people; beside a script's JSON it goes to standard error."""
    out, say, tally = now.out, now.say, seen.tally
    if seen.found:
        heads = (say("head.ailment"), say("head.orders"), say("head.amount"))
        rows = [(say.meaning(a), str(n), str(money.Money(fen=seen.stakes[a]))) for a, n in seen.found.most_common()]
        out.table(heads, rows)
    sentence = "scan.nothing" if not (tally.broken or tally.unjudged) else "scan.total"
    out.line(say(sentence, suspects=tally.suspects, broken=tally.broken, unjudged=tally.unjudged, whole=tally.whole), "bold")
    if tally.decided:
        out.line(say("scan.decided-total", orders=tally.decided))
    if tally.one_sided:
        out.line(say("scan.one-sided", orders=tally.one_sided), "bold")
    for line in (*ladder.lines(stood, seen.silences, say), *ladder.log_lines(log, say)):
        out.line(line, "dim")
    if tally.broken:
        out.line(say("scan.next"))
