"""A shop that remembers no changes by itself: `attach` offers what makes it, shows every statement, and runs it only when told to.

SQLite gets triggers, PostgreSQL a slot.
"""

from __future__ import annotations

import enum
import sys

import click

from makewhole.cli import session
from makewhole.core import faults
from makewhole.settings import Settings


class What(enum.Enum):
    """What is offered; the value is its option and the beginning of its words."""

    TRIGGERS = "triggers"
    SLOT = "slot"


OFFERED = {"sqlite": What.TRIGGERS, "postgres": What.SLOT}
"""By dialect: what a shop lacks. MariaDB and MySQL lack nothing."""


def at_a_terminal() -> bool:
    """Whether somebody sits there who could answer."""
    return sys.stdin.isatty()


def offer(now: session.Session, told: Settings, what: What, *, wanted: bool, sure: bool) -> None:
    """Runs it on an explicit yes: the option with `--yes`, or an answer on a terminal. Raises BadInput for a shop of another kind."""
    say, out = now.say, now.out
    asks = at_a_terminal() and not sure and not out.as_json
    if not wanted and not asks:
        out.note(say(f"attach.{what.value}-hint"))
        return
    try:
        script = _script(told, what)
    except faults.BadInput as lacking:
        if wanted:
            raise
        # Nobody asked for it: what the shop lacks is no reason to end here.
        out.note(str(lacking))
        return
    write = out.note if out.as_json else out.line
    if not script:
        write(say(f"attach.{what.value}-there"))
        return
    write(say(f"attach.{what.value}-what", statements=len(script)))
    for sql in script:
        write(f"  {sql};")
    yes = sure if not asks else click.confirm(say("attach.triggers-ask"), default=False)
    if not yes:
        write(say(f"attach.{what.value}-not"))
        return
    _run(told, what)
    write(say(f"attach.{what.value}-done"))


def _script(told: Settings, what: What) -> tuple[str, ...]:
    from makewhole.wiring import changelog as wiring_changelog
    from makewhole.wiring import recording as wiring_recording

    return wiring_recording.trigger_script(told) if what is What.TRIGGERS else wiring_changelog.slot_script(told)


def _run(told: Settings, what: What) -> None:
    from makewhole.wiring import changelog as wiring_changelog
    from makewhole.wiring import recording as wiring_recording

    if what is What.TRIGGERS:
        wiring_recording.install_triggers(told)
    else:
        wiring_changelog.make_slot(told)
