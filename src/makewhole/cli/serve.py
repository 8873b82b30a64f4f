"""`makewhole serve`: relay, sweeps and left-over runs until somebody says stop."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from types import FrameType

import click

from makewhole.cli import exits, logs, options, session, sheets, start, words


def command(say: words.Say) -> click.Command:
    """The command in the reader's language."""
    return options.Command("serve", say, params=options.attached(say), callback=click.pass_obj(run))


def run(begun: start.Start, /, *, config: str | None, database: str | None, shop: str | None) -> int:
    """Serve until SIGTERM (a supervisor's stop: 0) or Ctrl-C (130); both let what is under way finish."""
    now = session.Session(begun)
    told = now.settings(config=config, database=database, shop=shop)
    now.attached(told)
    logs.listen(begun, logs.TALKATIVE)
    stop, how = threading.Event(), [exits.Exit.FINE]

    def stopped(number: int, _: FrameType | None) -> None:
        how[0] = exits.Exit.INTERRUPTED if number == signal.SIGINT else exits.Exit.FINE
        stop.set()

    was = {number: signal.signal(number, stopped) for number in (signal.SIGINT, signal.SIGTERM)}
    # Web server and adapters are imported only now: a wrong setting is told before they are.
    from makewhole.web import serve

    def ready(port: int) -> None:
        now.out.note(now.say("serve.starts", host=told.relay.host, port=port))

    try:
        serve.serve(told, stop, ready, lambda days: sheets.written(days, Path(told.reports)) if days else [])
    finally:
        for number, handler in was.items():
            signal.signal(number, handler)
    now.out.note(now.say("serve.stopped"))
    return how[0]
