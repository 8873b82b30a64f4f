"""A SQLite shop has no change log: `attach` offers triggers that write one, shows their every statement, and installs them when told to."""

from __future__ import annotations

import sys

import click

from makewhole.cli import session
from makewhole.settings import Settings


def at_a_terminal() -> bool:
    """Whether somebody sits there who could answer."""
    return sys.stdin.isatty()


def offer(now: session.Session, told: Settings, *, wanted: bool, sure: bool) -> None:
    """Installs them on an explicit yes: `--triggers --yes`, or an answer on a terminal. Raises BadInput for a shop that is not SQLite."""
    from makewhole import wiring

    say, out = now.say, now.out
    asks = at_a_terminal() and not sure and not out.as_json
    if not wanted and not asks:
        out.note(say("attach.triggers-hint"))
        return
    script = wiring.trigger_script(told)
    write = out.note if out.as_json else out.line
    write(say("attach.triggers-what", statements=len(script)))
    for sql in script:
        write(f"  {sql};")
    yes = sure if not asks else click.confirm(say("attach.triggers-ask"), default=False)
    if not yes:
        write(say("attach.triggers-not"))
        return
    wiring.install_triggers(told)
    write(say("attach.triggers-done"))
