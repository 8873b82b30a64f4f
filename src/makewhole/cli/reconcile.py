"""`makewhole reconcile`: closes a day's books against the channels' bills; `decide`, `differences` and `resume` go on from there."""

from __future__ import annotations

from datetime import date
from typing import Any

import click

from makewhole.adapters.payments import registry
from makewhole.cli import bookfiles, daybooks, decide, options, session, start, words
from makewhole.core import faults
from makewhole.model import bill

MARKETS = ("douyin-shop",)
"""Marketplaces: their account lines are asked for, and come as no file."""


def command(say: words.Say) -> click.Command:
    """The command in the reader's language."""
    names = [*registry.ENTRIES, *MARKETS]
    params: list[click.Parameter] = [
        click.Option(["--day"], metavar="DAY", help=say("option.day")),
        click.Option(["--channel"], type=click.Choice(names), help=say("option.channel", names=", ".join(names))),
        click.Option(["--apply", "applied"], is_flag=True, help=say("option.follow")),
        click.Option(["--report"], metavar="FOLDER", help=say("option.report")),
        click.Option(["--theirs"], metavar="FILE", help=say("option.theirs")),
        click.Option(["--ours"], metavar="FILE", help=say("option.ours")),
        click.Option(["--merchant"], metavar="NUMBER", help=say("option.merchant")),
        click.Option(["--again"], is_flag=True, help=say("option.again")),
        click.Option(["--bank"], metavar="FILE", help=say("option.bank")),
        *options.attached(say),
        options.as_json(say),
    ]
    group = options.Group("reconcile", say, params=params, callback=run)
    for one in (decide.command(say), decide.listing(say), decide.resuming(say)):
        group.add_command(one)
    return group


@click.pass_context
def run(ctx: click.Context, /, **given: Any) -> int:
    """Compare; leave with 1 where something differs that is nobody's yet."""
    begun = ctx.find_object(start.Start)
    if ctx.invoked_subcommand is not None or begun is None:
        return 0
    now = session.Session(begun, as_json=given["as_json"])
    told = now.settings(config=given["config"], database=given["database"], shop=given["shop"])
    if given["bank"] is not None and given["day"] is None:
        return daybooks.bank(now, told, given["bank"])
    day = _day(now, given["day"])
    if given["theirs"] is not None and given["channel"] in MARKETS:
        raise faults.BadInput(now.say("reconcile.no-file"), where="--theirs", todo=now.say("reconcile.no-file-todo"))
    if given["theirs"] is not None:
        only = {name: given[name] for name in ("ours", "theirs", "merchant")}
        return bookfiles.run(now, told, day=day, channel=given["channel"] or next(iter(registry.ENTRIES)), **only)
    if given["ours"] is not None:
        raise faults.BadInput(now.say("reconcile.no-theirs"), where="--theirs", todo=now.say("reconcile.no-theirs-todo"))
    only = {name: given[name] for name in ("channel", "applied", "report", "bank", "again")}
    return daybooks.run(now, told, day=day, **only)


def _day(now: session.Session, given: str | None) -> int:
    try:
        return bill.day_number(date.fromisoformat(given or ""))
    except ValueError as wrong:
        shown = given or now.say("reconcile.nothing")
        raise faults.BadInput(now.say("reconcile.day-not-over", given=shown), where="--day", todo=now.say("reconcile.day-todo")) from wrong
