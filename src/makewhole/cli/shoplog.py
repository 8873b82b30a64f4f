"""What the doctor says of a shop's log: whether it is kept, and for how long, what it does not tell, and what was not taken out of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from makewhole.adapters.changelog import serverlog
from makewhole.adapters.changelog.postgres import health
from makewhole.cli import checks, words
from makewhole.cli.checks import Check, Light
from makewhole.core import faults
from makewhole.settings import Settings

NAME = "log"
LATE = timedelta(minutes=15)
"""After which an archive that has not taken a change counts as stopped, and never before ten rounds: a round takes seconds."""
ROUNDS_LATE = 10
_GIGABYTE = 1 << 30


def log(told: Settings, say: words.Say) -> Iterator[Check]:
    """A line for each part. Nothing for a shop on SQLite, whose triggers forget nothing."""
    from makewhole.wiring import changelog as wiring_changelog
    from makewhole.wiring import history as wiring_history

    try:
        slot, server = wiring_changelog.slot_health(told), wiring_history.log_health(told)
        if slot is not None:
            yield from _slot(slot, say)
        if server is not None:
            yield from _server(told, *server, say)
    except (faults.Fault, faults.BadInput) as wrong:
        yield _lacking(wrong, say)


def _server(told: Settings, seen: serverlog.Health, unkept: serverlog.Unkept | None, say: words.Say) -> Iterator[Check]:
    """Of a MariaDB or MySQL server."""
    where, place = "shop.database", told.history.archive
    if seen.naming is not None:
        todo = say("doctor.log-nameless-todo", sql=f"{seen.naming};") if seen.naming else say("doctor.log-nameless-old")
        yield Check(name=NAME, light=Light.WARN, what=say("doctor.log-nameless"), where=where, todo=todo)
    if not place:
        kept = say("doctor.log-forever") if seen.kept_for is None else say("doctor.log-kept", span=say.span(seen.kept_for))
        light = Light.WARN if seen.short else Light.OK
        yield Check(name=NAME, light=light, what=kept, where=where, todo=say("doctor.log-short-todo") if seen.short else "")
        return
    where, late = "history.archive", max(LATE, ROUNDS_LATE * timedelta(seconds=told.history.every_s))
    todo = say("doctor.archive-todo")
    if unkept is None:
        yield Check(name=NAME, light=Light.OK, what=say("doctor.archive", place=place), where=where)
    elif unkept.why:
        yield Check(name=NAME, light=Light.WARN, what=say("doctor.archive-gap", place=place, why=unkept.why), where=where, todo=todo)
    elif unkept.since is None:
        yield Check(name=NAME, light=Light.WARN, what=say("doctor.archive-missing", place=place), where=where, todo=todo)
    elif datetime.now(UTC) - unkept.since < late:
        yield Check(name=NAME, light=Light.OK, what=say("doctor.archive", place=place), where=where)
    else:
        what = say("doctor.archive-stopped", place=place, since=say.instant(unkept.since))
        yield Check(name=NAME, light=Light.WARN, what=what, where=where, todo=todo)


def _slot(seen: health.Health, say: words.Say) -> Iterator[Check]:
    """Of a PostgreSQL server."""
    where, slot = "shop.database", seen.slot
    held = f"{slot.held_bytes / _GIGABYTE:.2f}"
    for table in seen.unpublished:
        what = say("doctor.log-untold", table=table.name)
        yield Check(name=NAME, light=Light.WARN, what=what, where=where, todo=say("doctor.log-untold-todo"))
    for sql in seen.partly:
        yield Check(name=NAME, light=Light.WARN, what=say("doctor.log-partly"), where=where, todo=f"{sql};")
    if seen.heavy or slot.status in {"extended", "unreserved"}:
        todo = say("doctor.log-held-todo", drop=f"{seen.drop};")
        yield Check(name=NAME, light=Light.WARN, what=say("doctor.log-held", slot=slot.name, gigabytes=held), where=where, todo=todo)
    if not seen.bounded:
        yield Check(name=NAME, light=Light.WARN, what=say("doctor.log-unbounded"), where=where, todo=say("doctor.log-unbounded-todo"))
    if not (seen.unpublished or seen.partly):
        yield Check(name=NAME, light=Light.OK, what=say("doctor.log", slot=slot.name, gigabytes=held), where=where)


def _lacking(wrong: faults.Fault | faults.BadInput, say: words.Say) -> Check:
    """A shop is looked at without its log as well: what it lacks is a warning, and a silent server nobody's fault."""
    told = checks.failed(NAME, wrong, say, "shop.database")
    return told if told.light is Light.SILENT else Check(name=NAME, light=Light.WARN, what=told.what, where=told.where, todo=told.todo)
