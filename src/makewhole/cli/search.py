"""`makewhole search WORD…`: finds orders by any fragment of what was ever said of them; fills the index, and reads log files into it."""

from __future__ import annotations

import contextlib
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import click

from makewhole import ports, settings
from makewhole.cli import exits, options, progress, session, start, words
from makewhole.core import clock, faults, folding
from makewhole.engine import feed
from makewhole.model import document

SNIPPET_CHARS = 160
"""Of a hit's text: two lines of a usual terminal."""


def command(say: words.Say) -> click.Command:
    """The command in the reader's language."""
    params: list[click.Parameter] = [
        click.Argument(["typed"], metavar=say("arg.words"), nargs=-1),
        click.Option(["--since"], metavar="INSTANT|DATE", help=say("option.since")),
        click.Option(["--until"], metavar="INSTANT|DATE", help=say("option.until")),
        click.Option(["--order"], metavar=say("arg.order"), help=say("option.order")),
        click.Option(["--limit"], metavar="N", type=click.IntRange(1, document.HITS_MAX), default=20, help=say("option.limit")),
        click.Option(["--import", "files"], metavar="FILE…", multiple=True, help=say("option.import")),
        click.Option(["--refresh"], is_flag=True, help=say("option.refresh")),
        click.Option(["--rebuild"], is_flag=True, help=say("option.rebuild")),
        *options.attached(say),
        options.as_json(say),
    ]
    return options.Command("search", say, params=params, callback=click.pass_obj(run))


def run(
    begun: start.Start,
    /,
    *,
    typed: tuple[str, ...],
    files: tuple[str, ...],
    refresh: bool,
    rebuild: bool,
    limit: int,
    as_json: bool,
    **asked: str | None,
) -> int:
    """Empty the index, fill it, read files, search: whatever was asked for, in this order."""
    now = session.Session(begun, as_json=as_json)
    told = now.settings(config=asked["config"], database=asked["database"], shop=asked["shop"])
    since, until = _instant(now, asked["since"], "--since"), _instant(now, asked["until"], "--until")
    # A shell writes `--import *.log` out as one file for the option and words after it: with --import, all of them are files.
    paths, sought = ((*files, *typed), ()) if files else ((), typed)
    if not (sought or paths or refresh or rebuild or asked["order"]):
        raise faults.BadInput(now.say("search.nothing-asked"), where=now.say("arg.words"), todo=now.say("search.nothing-asked-todo"))
    from makewhole.wiring import search as wiring_search

    index, reader = wiring_search.open_search(told), wiring_search.log_reader(told)
    if rebuild:
        index.clear()
    if refresh or (rebuild and told.shop.database):
        _refresh(now, told, index)
    failed = _import(now, index, reader, paths)
    if failed is not None:
        raise failed
    if not (sought or asked["order"]):
        return exits.Exit.FINE
    spelt = reader.words(sought)
    if sought and not spelt:
        raise faults.BadInput(now.say("search.invisible"), where=now.say("arg.words"), todo=now.say("search.nothing-asked-todo"))
    question = document.Asked(words=spelt, since=since, until=until, order=asked["order"], limit=limit)
    _tell(now, index, reader, question)
    return exits.Exit.FINE


def _refresh(now: session.Session, told: settings.Settings, index: ports.Search) -> None:
    from makewhole.wiring import search as wiring_search

    with now.world(told, need_store=False) as world, wiring_search.open_archive(told) as archive, progress.Progress() as bar:
        fed = feed.refresh(world, archive, index, whole=True, seen=lambda n: bar.at(now.say("search.progress", count=n)))
    now.out.note(now.say("search.refreshed", orders=fed.orders, callbacks=fed.callbacks, entries=fed.cases, changes=fed.changes))


def _import(now: session.Session, index: ports.Search, reader: Any, paths: tuple[str, ...]) -> faults.BadInput | None:
    """Read every file; one that cannot be read is told, and does not keep the others out. The last such mishap, if there was one."""
    failed: faults.BadInput | None = None
    for path in paths:
        with progress.Progress() as bar, contextlib.ExitStack() as told:
            told.callback(bar.clear)
            try:
                count = feed.logs(reader.documents(Path(path)), index, seen=lambda n: bar.at(now.say("search.progress", count=n)))
            except faults.BadInput as wrong:
                if failed is not None:
                    now.out.note(f"{failed.where}: {failed.what}", "yellow")
                failed = wrong
                continue
        now.out.note(now.say("search.imported", file=path, count=count))
    return failed


def _tell(now: session.Session, index: ports.Search, reader: Any, question: document.Asked) -> None:
    say, out = now.say, now.out
    found = feed.find(index, question)
    spelt = [told for word in question.words for told in word]
    for hit in found.hits:
        told = hit.document
        said = " ".join((told.text, *(name for name in told.ids if name not in told.text)))
        text = folding.snippet(reader.shown(said), spelt, SNIPPET_CHARS)
        if out.as_json:
            out.document(_shape(hit, text))
            continue
        leads = "" if told.order is None else f"  makewhole show {_quoted(told.order)}"
        out.line(f"{say.instant(told.at)}  {say(f'search.kind-{told.what.value}')}  {_plain(told.source)}{leads}", "bold")
        out.line(f"    {text}")
    # Beside the result: whoever reads lines reads hits.
    out.note(say("search.total", shown=len(found.hits), total=found.total))
    if not found.total and not index.size():
        out.note(say("search.empty"), "yellow")


def _shape(hit: document.Hit, text: str) -> dict[str, Any]:
    """One hit of `search --json`."""
    told = hit.document
    return {
        "what": told.what.value,
        "source": told.source,
        "at": None if told.at is None else clock.rfc3339(told.at),
        "order": told.order,
        "exact": hit.score == document.EXACT,
        "snippet": text,
    }


def _quoted(order: str) -> str:
    """An order's number as a shell takes it: a log may have claimed any."""
    import shlex

    return shlex.quote(_plain(order))


def _plain(text: str) -> str:
    return folding.snippet(text, (), SNIPPET_CHARS)


def _instant(now: session.Session, given: str | None, option: str) -> datetime | None:
    """An instant, or the Beijing midnight that a date begins with. Raises BadInput for anything else."""
    if given is None:
        return None
    with contextlib.suppress(ValueError):
        return datetime.combine(date.fromisoformat(given), time(), clock.BEIJING)
    try:
        return clock.parse(given)
    except ValueError as wrong:
        todo = now.say("bad.instant-todo", example="2026-11-23T20:00:00+08:00")
        raise faults.BadInput(now.say("bad.instant", given=given), where=option, todo=todo) from wrong
