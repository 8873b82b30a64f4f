"""`makewhole attach`: looks at a shop's database, proposes a shop file with reasons and doubts, asks, writes it, runs a first scan."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from makewhole.attach import infer, proposal, shopfile, survey
from makewhole.attach.proposal import STATED_MIN, Asked, Choice, Evidence, Proposal, Question
from makewhole.cli import exits, options, recording, scan, session, start, words
from makewhole.core import faults
from makewhole.settings import Settings

NEEDED = ("order.number", "order.amount_due", "order.state")
"""Without these no shop file is of any use."""
WHY_MAX = 3
"""Reasons shown in the table; the file's comments and --json hold all of them."""


def command(say: words.Say) -> click.Command:
    """The command in the reader's language."""
    params: list[click.Parameter] = [
        options.config(say),
        click.Option(["--database"], metavar="URL", help=say("option.database")),
        click.Option(["--output"], metavar="FILE", help=say("option.output")),
        click.Option(["--yes"], is_flag=True, help=say("option.sure")),
        click.Option(["--table", "tables"], metavar="ROLE=TABLE", multiple=True, help=say("option.table")),
        click.Option(["--triggers"], is_flag=True, help=say("option.triggers")),
        click.Option(["--slot"], is_flag=True, help=say("option.slot")),
        click.Option(["--shop"], metavar="FILE", help=say("option.triggers-shop")),
        options.as_json(say),
    ]
    return options.Command("attach", say, params=params, callback=click.pass_obj(run))


def run(
    begun: start.Start,
    /,
    *,
    config: str | None,
    database: str | None,
    output: str | None,
    yes: bool,
    tables: tuple[str, ...],
    shop: str | None,
    as_json: bool,
    **recorders: bool,
) -> int:
    """Look, propose, ask, write, scan; or, for a shop file that is there, the triggers or the slot alone."""
    now = session.Session(begun, as_json=as_json)
    told = now.settings(config=config, database=database, shop=shop)
    now.attached(told)
    wanted = next((what for what in recording.What if recorders[what.value]), None)
    if shop is not None:
        if wanted is None:
            raise faults.BadInput(now.say("attach.shop-alone"), where="--shop", todo=now.say("attach.shop-alone-todo"))
        recording.offer(now, told, wanted, wanted=True, sure=yes)
        return exits.Exit.FINE
    _free(now, output)
    named = _named(now, tables)
    seen = _survey(now, told)
    made = infer.propose(seen, named)
    if made is None:
        raise faults.BadInput(now.say("attach.no-orders"), where=seen.database, todo=now.say("attach.no-orders-todo"))
    if not as_json:
        now.out.line(now.say("attach.looked", tables=len(seen.tables), dialect=seen.dialect))
        _show(now, made)
    asks = not yes and not as_json and recording.at_a_terminal()
    settled = _asked(now, _cast(now, seen, made, named)) if asks else made
    if as_json:
        now.out.document(document(settled))
    if not (yes or asks or output):
        now.out.line(now.say("attach.not-written"), "bold")
        return exits.Exit.FINE
    path = _write(now, settled, output)
    now.out.line(now.say("attach.written", file=path), "bold")
    lacks = wanted or (None if as_json else recording.OFFERED.get(seen.dialect))
    if lacks is not None:
        recording.offer(now, now.settings(config=config, database=database, shop=str(path)), lacks, wanted=wanted is not None, sure=yes)
    _scan(now, path, config, database)
    return exits.Exit.FINE


def _survey(now: session.Session, told: Settings) -> survey.Survey:
    from makewhole.wiring import shop as wiring_shop

    now.out.note(now.say("attach.reading", database=told.shop.database))
    return wiring_shop.survey_shop(told)


def _scan(now: session.Session, path: Path, config: str | None, database: str | None) -> None:
    """The first scan, for people: a script that asked for JSON has its one document already, and calls `scan --json` itself."""
    if now.out.as_json:
        return
    now.out.line()
    now.out.line(now.say("attach.scanning"), "bold")
    scan.run(now.begun, config=config, database=database, shop=str(path), at=None, as_json=False)


# ---------------------------------------------------------------- what is shown


def _show(now: session.Session, made: Proposal) -> None:
    out, say = now.out, now.say
    heads = tuple(say(f"attach.head-{h}") for h in ("ours", "theirs", "unit", "sure", "why"))
    for role in made.roles:
        rows = [
            (f.field, f.sql, f.unit, f"{f.confidence:.0%}", reasons(say, f.evidence[:WHY_MAX]))
            for f in made.found
            if f.field.partition(".")[0] == role.name
        ]
        title = f"{role.name} = {role.table}  {role.confidence:.0%}  {reasons(say, role.evidence[:WHY_MAX])}"
        out.table(heads, rows, title=title)
        if role.states:
            pair = (say("attach.head-condition"), say("attach.head-state"))
            out.table(pair, [(sql, _word(say, role.name, word)) for sql, word in role.states])
    if made.questions:
        out.line(say("attach.doubts", count=len(made.questions)), "bold")
        for question in made.questions:
            out.line(f"  {asked(say, question)}", "yellow")
            out.line(f"    {' | '.join(c.label for c in question.choices)}", "dim")
    if made.unmapped:
        out.line(say("attach.unmapped", names=", ".join(made.unmapped)), "dim")


def _word(say: words.Say, role: str, word: str) -> str:
    kind = {"order": "OrderState", "refund": "RefundState", "coupon": "CouponState", "payment": "AttemptState"}.get(role, "")
    return f"{word} ({say.word(kind, word)})" if kind else word


def reasons(say: words.Say, evidence: tuple[Evidence, ...]) -> str:
    """Reasons as one line."""
    told = (say(f"why.{e.why.value}", what=e.what).strip() for e in evidence)
    return say("punctuation.comma").join(told)


def asked(say: words.Say, question: Question) -> str:
    """A question as one line."""
    told = say(f"ask.{question.asked.value}", field=question.field, about=question.about)
    return f"{told} {say('ask.hint', hint=question.hint)}" if question.hint else told


def document(made: Proposal) -> dict[str, Any]:
    """The proposal as scripts read it: the same in every language."""
    say = words.Say(words.Language.ENGLISH)
    order = made.role("order")
    return {
        "database": made.database,
        "dialect": made.dialect,
        "tables": [
            {
                "role": r.name,
                "table": r.table,
                "confidence": r.confidence,
                "key": r.key,
                "link": r.link,
                "evidence": _lines(say, r.evidence),
            }
            for r in made.roles
        ],
        "fields": {
            f.field: {
                "table": f.table,
                "column": f.rests_on(),
                "sql": f.sql,
                "confidence": f.confidence,
                "unit": f.unit or None,
                "time_zone": made.zone if f.unit in {"datetime", "text"} else None,
                "values": dict(f.values),
                "evidence": _lines(say, f.evidence),
            }
            for f in made.found
        },
        "states": dict(order.states) if order is not None else {},
        "states_of": {r.name: dict(r.states) for r in made.roles if r.states},
        "kinds": dict(order.kinds) if order is not None else {},
        "payment_numbers": list(made.payment_numbers),
        "stated_from": STATED_MIN,
        "questions": [{"field": q.field, "question": asked(say, q), "choices": [c.label for c in q.choices]} for q in made.questions],
        "unmapped": list(made.unmapped),
    }


def _lines(say: words.Say, evidence: tuple[Evidence, ...]) -> list[str]:
    return [say(f"why.{e.why.value}", what=e.what).strip() for e in evidence]


# ---------------------------------------------------------------- asking


def _asked(now: session.Session, made: Proposal) -> Proposal:
    """Every question put to whoever sits there; Enter leaves it unmapped."""
    for question in made.questions:
        made = proposal.answered(made, question, _put(now, question))
    return made


def _cast(now: session.Session, seen: survey.Survey, made: Proposal, named: dict[str, str]) -> Proposal:
    """Which table plays which role is asked first: with another table, everything else is another question."""
    told = dict(named)
    while (question := next((q for q in made.questions if q.asked is Asked.TABLE and q.field not in told), None)) is not None:
        choice = _put(now, question)
        # Enter takes the likeliest of the tables around the orders; of the orders themselves nothing is guessed.
        told[question.field] = question.choices[0].table if choice is None else choice.table
        if choice is None and question.field == "order":
            return made
        made = infer.propose(seen, told) or made
        if question.field == "order":
            _show(now, made)
    return made


def _named(now: session.Session, tables: tuple[str, ...]) -> dict[str, str]:
    """Tables by role, as `--table` gives them. Raises BadInput."""
    parts = [(t, *t.partition("=")) for t in tables]
    for told, role, _, table in parts:
        if role not in shopfile.TABLES or not table:
            todo = now.say("attach.table-todo", roles=", ".join(shopfile.TABLES))
            raise faults.BadInput(now.say("attach.table-what", told=told), where="--table", todo=todo)
    return {role: table for _, role, _, table in parts}


def _put(now: session.Session, question: Question) -> Choice | None:
    """One question with its choices; None where nobody chose."""
    now.out.line()
    now.out.line(asked(now.say, question), "bold")
    for number, choice in enumerate(question.choices, start=1):
        now.out.line(f"  {number}  {choice.label}")
    return _chosen(now, question)


def _chosen(now: session.Session, question: Question) -> Choice | None:
    while True:
        typed = click.prompt(now.say("attach.choose"), default="", show_default=False, prompt_suffix="").strip()
        if not typed:
            return None
        if typed.isdigit() and 1 <= int(typed) <= len(question.choices):
            return question.choices[int(typed) - 1]
        now.out.line(now.say("attach.pick-again", most=len(question.choices)))


# ---------------------------------------------------------------- writing


def _free(now: session.Session, output: str | None) -> None:
    """A file that is there is refused before anything is asked."""
    if output is not None and Path(output).exists():
        raise faults.BadInput(now.say("attach.exists", file=output), where="--output", todo=now.say("attach.exists-todo"))


def _write(now: session.Session, made: Proposal, output: str | None) -> Path:
    """The shop file, written only once it has been parsed. Raises BadInput."""
    say = now.say
    states = made.role("order")
    if (doubt := next((q for q in made.questions if q.asked is Asked.TABLE and q.field == "order"), None)) is not None:
        names = ", ".join(c.label for c in doubt.choices)
        todo = say("attach.which-orders-todo", table=doubt.about)
        raise faults.BadInput(say("attach.which-orders", names=names), where=made.database, todo=todo)
    lacking = [n for n in NEEDED if made.field(n) is None and not (n == "order.state" and states is not None and states.states)]
    if lacking:
        raise faults.BadInput(say("attach.not-enough", names=", ".join(lacking)), where=made.database, todo=say("attach.not-enough-todo"))
    name = shopfile.name_of(Path(output).stem if output else made.database)
    path = Path(output or f"{name}.toml")
    _free(now, str(path))
    lead = (say("attach.lead"), say("attach.lead-unmapped", names=", ".join(made.unmapped)))
    text = shopfile.text(made, name, lambda evidence: reasons(say, evidence), lead)
    _parsed(text, path)
    try:
        with path.open("x", encoding="utf-8") as out:
            out.write(text)
    except OSError as wrong:
        why = wrong.strerror or str(wrong)
        raise faults.BadInput(say("attach.cannot-write", why=why), where=str(path), todo=say("attach.cannot-write-todo")) from wrong
    if left := shopfile.left_out(made):
        now.out.line(say("attach.left-out", names=", ".join(left)), "yellow")
    return path


def _parsed(text: str, path: Path) -> None:
    from makewhole.adapters.shops import language, shopmap

    shopmap.compile_map(language.parse(text, str(path)))
