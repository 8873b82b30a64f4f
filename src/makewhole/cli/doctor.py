"""`makewhole doctor`: checks settings, store, shop, channels, clocks, port, rules and disk; a line each, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import click

from makewhole import settings
from makewhole.adapters import http
from makewhole.adapters.payments import registry
from makewhole.cli import checks, exits, options, policy, proof, report, session, shoplog, start, unusual, words
from makewhole.cli.checks import Check, Light
from makewhole.core import faults, ids
from makewhole.engine import signals

STYLES = {Light.OK: "green", Light.WARN: "yellow", Light.FAIL: "bold red", Light.SILENT: "red"}


def command(say: words.Say) -> click.Command:
    """The command in the reader's language."""
    return options.Command("doctor", say, params=[*options.attached(say), options.as_json(say)], callback=click.pass_obj(run))


def run(begun: start.Start, /, *, config: str | None, database: str | None, shop: str | None, as_json: bool) -> int:
    """Check everything, whatever fails on the way, and leave by the worst."""
    now = session.Session(begun, as_json=as_json)
    told = []
    for check in _checks(now, config, database, shop):
        masked = report.masked(check.what, begun)
        told.append({"check": check.name, "state": check.light.value, "what": masked, "where": check.where, "todo": check.todo})
        if not as_json:
            _line(now, check, masked)
    if as_json:
        now.out.document({"checks": told})
    lights = {t["state"] for t in told}
    if not as_json:
        worst = next((light for light in (Light.FAIL, Light.SILENT, Light.WARN) if light.value in lights), Light.OK)
        now.out.line(now.say(f"doctor.sum-{worst.value}"), STYLES[worst])
    if Light.FAIL.value in lights:
        return exits.Exit.WRONG_USE
    return exits.Exit.INCOMPLETE if Light.SILENT.value in lights else exits.Exit.FINE


def _checks(now: session.Session, config: str | None, database: str | None, shop: str | None) -> Iterator[Check]:
    try:
        told = now.settings(config=config, database=database, shop=shop)
    except faults.BadInput as wrong:
        # Without settings there is nothing else to check.
        yield checks.failed("settings", wrong, now.say)
        return
    say = now.say
    yield Check(name="settings", light=Light.OK, what=say("doctor.settings"), where=config or settings.FILE)
    yield from _rules(told, say)
    yield from _world(now, told)
    if channel := _channel(told):
        yield checks.clock_offset(channel, http.Client(http.Pool(), read_pauses_s=()), say)
    yield checks.port(told.relay, say)
    yield checks.disk(told.store, say)


def _channel(told: settings.Settings) -> str:
    """The base address of a channel whose clock ours can be held against; those that sign their time first. Empty without any."""
    attached = [(registry.ENTRIES[ids.ChannelName(name)], own) for name, own in told.channels.items()]
    return next((joined.address(own) for joined, own in sorted(attached, key=lambda one: not one[0].stamp)), "")


def _rules(told: settings.Settings, say: words.Say) -> Iterator[Check]:
    where = f"{told.platform}, {told.house}"
    try:
        book = settings.policy_book(told.platform, told.house)
        settings.load_playbook(told.playbook)
        wrong = policy.complaints(book, datetime.now(UTC), say)
    except faults.BadInput as broken:
        yield checks.failed("policy", broken, say)
        return
    for line in wrong:
        yield Check(name="policy", light=Light.FAIL, what=line, where=where, todo=say("doctor.policy-todo"))
    if not wrong:
        yield Check(name="policy", light=Light.OK, what=say("doctor.policy"), where=where)


def _world(now: session.Session, told: settings.Settings) -> Iterator[Check]:
    say = now.say
    try:
        with now.world(told) as world:
            yield checks.store(world, report.masked(told.store, now.begun), say)
            yield from checks.shop(world, told, say)
            yield from shoplog.log(told, say)
            yield from proof.proof(world, told.shop.file, say)
            yield from checks.channels(world, told, say)
            yield from checks.keys(world, say)
            yield from checks.markets(world, say)
            yield from checks.halted(world, say)
            for seen in signals.found(world):
                yield Check(name="signal", light=Light.WARN, what=unusual.line(seen, say), where=seen.about, todo=unusual.todo(seen, say))
    except (faults.Fault, faults.BadInput) as wrong:
        yield checks.failed("attach", wrong, say, told.shop.file)


def _line(now: session.Session, check: Check, what: str) -> None:
    out, say = now.out, now.say
    out.line(f"{say(f'doctor.{check.light.value}')}  {say(f'check.{check.name}')}{say('punctuation.colon')}{what}", STYLES[check.light])
    if check.where and check.light is not Light.OK:
        out.line(f"        {say('wrong.where')} {check.where}", "dim")
    if check.todo:
        out.line(f"        {say('wrong.todo')} {check.todo}")
