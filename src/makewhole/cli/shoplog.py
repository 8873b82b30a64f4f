"""What the doctor says of a PostgreSQL shop's log: whether it is kept for us, what it does not tell, and what it holds on the server."""

from __future__ import annotations

from collections.abc import Iterator

from makewhole.cli import checks, words
from makewhole.cli.checks import Check, Light
from makewhole.core import faults
from makewhole.settings import Settings

NAME = "log"
_GIGABYTE = 1 << 30


def log(told: Settings, say: words.Say) -> Iterator[Check]:
    """A line for each part. Nothing for another kind of shop, whose log grows whether we read it or not."""
    from makewhole import wiring_changelog

    try:
        seen = wiring_changelog.slot_health(told)
    except (faults.Fault, faults.BadInput) as wrong:
        yield _lacking(wrong, say)
        return
    if seen is None:
        return
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
