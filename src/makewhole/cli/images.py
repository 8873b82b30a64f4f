"""`makewhole images`: lists, makes and checks the images of the orders; shows an order as it was, what differs, and takes one back."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

import click

from makewhole import settings
from makewhole.cli import exits, options, orders, session, start, words
from makewhole.core import clock, faults, ids
from makewhole.engine import image as mover
from makewhole.model import image
from makewhole.model.policy import RuleName
from makewhole.ports import imaging

ASKS = ("list", "take", "as-of", "diff", "restore", "check", "tidy")
_OF_ORDER = frozenset({"as-of", "restore"})


def command(say: words.Say) -> click.Command:
    """The command in the reader's language."""
    params: list[click.Parameter] = [
        click.Argument(["ask"], type=click.Choice(ASKS), metavar=say("arg.images")),
        click.Argument(["number"], metavar=say("arg.image-order"), required=False),
        click.Option(["--at"], metavar="INSTANT", help=say("option.image-at")),
        click.Option(["--since"], metavar="INSTANT|DATE", help=say("option.image-since")),
        click.Option(["--until"], metavar="INSTANT|DATE", help=say("option.image-until")),
        click.Option(["--image-only", "on_grid"], is_flag=True, help=say("option.image-grid")),
        click.Option(["--output", "target"], metavar="FILE", help=say("option.rollback-output")),
        click.Option(["--anew"], is_flag=True, help=say("option.image-anew")),
        *options.attached(say),
        options.as_json(say),
    ]
    return options.Command("images", say, params=params, callback=click.pass_obj(run))


def run(begun: start.Start, /, *, ask: str, number: str | None, as_json: bool, on_grid: bool, anew: bool, **asked: str | None) -> int:
    """Do what was asked for."""
    now = session.Session(begun, as_json=as_json)
    told = now.settings(config=asked["config"], database=asked["database"], shop=asked["shop"])
    now.attached(told)
    if ask in _OF_ORDER:
        _check_number(now, ask, number)
    at = now.instant(asked["at"])
    if ask == "restore" and at is None:
        raise faults.BadInput(now.say("bad.image-at"), where="--at", todo=now.say("bad.image-at-todo"))
    since, until = (_instant(now, asked[name], f"--{name}") for name in ("since", "until"))
    from makewhole.wiring import images as wiring_images

    with wiring_images.open_studio(told) as studio:
        moment = studio.clock.now()
        since, until = since or (until or moment) - timedelta(hours=24), until or moment
        _check_times(now, since, until, at, moment)
        match ask:
            case "take":
                return _take(now, studio, anew=anew)
            case "as-of":
                return _as_of(now, studio, ids.OrderNumber(number or ""), at or moment, run_on=not on_grid)
            case "diff":
                return _diff(now, studio, since, until, number)
            case "restore":
                from makewhole.cli import images_restore

                return images_restore.run(now, told, studio, ids.OrderNumber(number or ""), at, asked["target"])
            case "check":
                return _check(now, studio)
            case "tidy":
                return _tidy(now, studio, told, moment)
            case _:
                return _list(now, studio, since, until)


def _check_number(now: session.Session, ask: str, number: str | None) -> None:
    if number is None:
        raise faults.BadInput(now.say("bad.image-order"), where=f"images {ask}", todo=now.say("bad.image-order-todo", ask=ask))
    if not number.strip() or len(number) > orders.NUMBER_LENGTH_MAX or not number.isprintable():
        given = number[: orders.NUMBER_LENGTH_MAX]
        raise faults.BadInput(now.say("bad.number", given=given), where="ORDER", todo=now.say("bad.number-todo"))


def _check_times(now: session.Session, since: datetime, until: datetime, at: datetime | None, moment: datetime) -> None:
    """Of what has not come yet nobody knows anything, and nothing lies between a time and an earlier one."""
    if until < since:
        raise faults.BadInput(now.say("bad.rollback-until"), where="--until", todo=now.say("bad.rollback-until-todo"))
    if at is not None and at > moment:
        what = now.say("bad.image-future", at=now.say.instant(at))
        raise faults.BadInput(what, where="--at", todo=now.say("bad.image-future-todo", now=clock.rfc3339(moment)))


def _instant(now: session.Session, given: str | None, option: str) -> datetime | None:
    """An instant, or the Beijing midnight that a date begins with."""
    if given is None:
        return None
    with contextlib.suppress(ValueError):
        return datetime.combine(date.fromisoformat(given), time(), clock.BEIJING)
    try:
        return clock.parse(given)
    except ValueError as wrong:
        todo = now.say("bad.instant-todo", example="2026-11-23T20:00:00+08:00")
        raise faults.BadInput(now.say("bad.instant", given=given), where=option, todo=todo) from wrong


# ---------------------------------------------------------------- images themselves


def _list(now: session.Session, studio: mover.Studio, since: datetime, until: datetime) -> int:
    heads = studio.album.heads(since, until)
    for head in heads:
        _head(now, head)
    if not heads and not now.out.as_json:
        now.out.line(now.say("images.none"))
    return exits.Exit.FINE


def _take(now: session.Session, studio: mover.Studio, *, anew: bool) -> int:
    for table in studio.left_out:
        now.out.note(now.say("images.left-out", table=table), "yellow")
    count = 0
    for head in mover.take(studio, anew="asked for" if anew else ""):
        _head(now, head)
        count += 1
    now.out.note(now.say("images.taken", count=count))
    return exits.Exit.FINE


def _head(now: session.Session, head: image.Head) -> None:
    if now.out.as_json:
        now.out.document(document(head))
        return
    kind, rows = now.say(f"images.kind-{head.kind.value}"), sum((head.rows or head.changed).values())
    now.out.line(now.say("images.head", at=now.say.instant(head.at), kind=kind, changed=rows))
    if head.why:
        now.out.line("    " + now.say("images.because", why=head.why), "yellow")


def document(head: image.Head) -> dict[str, Any]:
    """An image as scripts read it."""
    return {
        "image": head.id,
        "at": clock.rfc3339(head.at),
        "instant": head.at.isoformat(),
        "kind": head.kind.value,
        "position": str(head.position),
        "gtids": head.position.gtids,
        "changed": dict(head.changed),
        "rows": dict(head.rows),
        "why": head.why,
    }


# ---------------------------------------------------------------- orders


def _as_of(now: session.Session, studio: mover.Studio, number: ids.OrderNumber, at: datetime, *, run_on: bool) -> int:
    out, say = now.out, now.say
    seen = mover.as_of(studio, number, at, run_on=run_on)
    if seen is None:
        if out.as_json:
            out.document({"order": number, "at": clock.rfc3339(at), "image": None, "exact_to": None, "state": None, "why": "", "rows": []})
        else:
            _none(now, studio, at)
        return exits.Exit.FINE
    rows = [(r, dict(zip(seen.columns[r.role], r.values or (), strict=True))) for r in seen.rows]
    state = mover.state(studio, seen)
    if out.as_json:
        out.document(
            {
                "order": number,
                "at": clock.rfc3339(at),
                "image": seen.head.id,
                "exact_to": seen.exact_to.isoformat(),
                "state": state,
                "why": seen.why,
                "rows": [{"role": r.role, "key": r.key, "columns": told} for r, told in rows],
            }
        )
        return exits.Exit.FINE
    out.line(say("images.order", order=number, at=say.instant(seen.exact_to)), "bold")
    out.note(say("images.from", at=say.instant(seen.head.at)))
    if seen.why:
        out.note(say("images.not-run-on", why=seen.why), "yellow")
    if not rows:
        out.line(say("images.no-rows"))
    if state is not None:
        out.line("  " + say("images.state", state=say.word("OrderState", state)), "bold")
    for r, told in rows:
        out.line("  " + say("images.row", role=r.role, key=r.key), "cyan")
        for name, value in told.items():
            if value is not None:
                out.line(f"      {name}{say('punctuation.colon')}{value}")
    return exits.Exit.FINE


def _none(now: session.Session, studio: mover.Studio, at: datetime) -> None:
    """That no image is so old; and which is the next one, to the microsecond: an opening is between two seconds."""
    after = next(iter(studio.album.heads(at, at + timedelta(hours=24))), None)
    now.out.line(now.say("images.none"))
    if after is not None:
        now.out.note(now.say("images.next", at=after.at.astimezone(clock.BEIJING).isoformat()))


def _diff(now: session.Session, studio: mover.Studio, since: datetime, until: datetime, number: str | None) -> int:
    out, say = now.out, now.say
    before, after = studio.album.head(since), studio.album.head(until)
    if after is None or (before is None and not (before := next(iter(studio.album.heads(since, until)), None))):
        out.note(say("images.none"))
        return exits.Exit.FINE
    count = 0
    for one in studio.album.differences(before, after):
        if number is not None and one.link != number:
            continue
        count += 1
        _difference(now, one)
    out.note(say("images.differences", count=count, before=say.instant(before.at), after=say.instant(after.at)))
    return exits.Exit.FINE


def _difference(now: session.Session, one: imaging.Difference) -> None:
    out, say = now.out, now.say
    told = changed(one)
    if out.as_json:
        out.document({"role": one.role, "order": one.link, "key": one.key, "what": _what(one), "columns": told})
        return
    out.line(say("images.differ", role=one.role, key=one.key, order=one.link, what=say(f"images.{_what(one)}")), "cyan")
    for name, (was, is_) in told.items():
        out.line(f"      {name}{say('punctuation.colon')}{words.NOTHING if was is None else was} → {words.NOTHING if is_ is None else is_}")


def _what(one: imaging.Difference) -> str:
    if one.before is None:
        return "appeared"
    return "gone" if one.after is None else "changed"


def changed(one: imaging.Difference) -> Mapping[str, list[str | None]]:
    """Columns that are another value afterwards, before and after."""
    before, after = one.before or {}, one.after or {}
    return {n: [before.get(n), after.get(n)] for n in {**before, **after} if before.get(n) != after.get(n)}


# ---------------------------------------------------------------- keeping


def _check(now: session.Session, studio: mover.Studio) -> int:
    out, say = now.out, now.say
    told = mover.check(studio)
    if told is None:
        out.note(say("images.none"))
        return exits.Exit.FINE
    if out.as_json:
        first = [{"role": d.role, "order": d.link, "key": d.key, "columns": changed(d)} for d in told.differences]
        out.document({"image": told.head.id, "differences": told.count, "unsure": told.unsure, "first": first})
        return exits.Exit.BROKEN if told.count else exits.Exit.FINE
    if not told.count:
        out.line(say("images.agree", at=say.instant(told.head.at), unsure=told.unsure), "green")
        return exits.Exit.FINE
    for one in told.differences:
        _difference(now, one)
    out.line(say("images.drift", count=told.count), "red")
    return exits.Exit.BROKEN


def _tidy(now: session.Session, studio: mover.Studio, told: settings.Settings, moment: datetime) -> int:
    keep = settings.policy_book(told.platform, told.house).at(moment).span(RuleName.IMAGE_RETENTION)
    try:
        files, images = mover.tidy(studio, keep)
    except faults.Rejected as refused:
        now.out.note(refused.why, "yellow")
        return exits.Exit.REFUSED
    if now.out.as_json:
        now.out.document({"files": files, "images": images})
    else:
        now.out.line(now.say("images.tidied", files=files, images=images))
    return exits.Exit.FINE
