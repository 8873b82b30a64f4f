"""Checks: one part of what Makewhole needs goes in, lines that say ok, warn or fail (what, where, what to do) come out."""

from __future__ import annotations

import dataclasses
import enum
import itertools
import shutil
import socket
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

from makewhole import ports
from makewhole.adapters import http
from makewhole.adapters.payments import registry
from makewhole.cli import words
from makewhole.core import batching, faults, ids
from makewhole.engine import codes, gather, sweep
from makewhole.model import claim, finding, order, screen
from makewhole.ports import accounts
from makewhole.settings import RelaySettings, Settings

CODES_READ_MAX = 2000
"""Orders with an unknown status code that are read for their codes; more would show no new ones."""
EXAMPLES = 3
OFFSET_WARN = timedelta(seconds=30)
OFFSET_FAIL = timedelta(minutes=5)
"""WeChat Pay refuses a signature that is more than five minutes off, and so do we refuse its callbacks."""
KEY_ENDS_WARN = timedelta(days=14)
"""WeChat Pay lists a new certificate weeks before the old one ends: whoever sees none by then has another problem."""
TOKEN_ENDS_WARN = timedelta(days=2)
"""Of a marketplace's token that we do not renew: it lives seven days, and the books are asked for once a day."""
DISK_WARN_BYTES = 1024**3
DISK_FAIL_BYTES = 100 * 1024**2
"""Less, and the journal of a busy day may not be written any more: then nothing may be done either."""


class Light(enum.Enum):
    """How a check came out."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SILENT = "silent"
    """Nobody answered: neither right nor wrong."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Check:
    """One line."""

    name: str
    light: Light
    what: str
    where: str = ""
    todo: str = ""


def failed(name: str, error: faults.Fault | faults.BadInput, say: words.Say, where: str = "") -> Check:
    """What an error says about the part that was checked."""
    match error:
        case faults.BadInput(what=what, where=place, todo=todo):
            return Check(name=name, light=Light.FAIL, what=what, where=place, todo=todo)
        case faults.Unavailable(why=why) | faults.Indeterminate(why=why):
            return Check(name=name, light=Light.SILENT, what=why, where=where, todo=say("wrong.unavailable-todo"))
        case _:
            return Check(name=name, light=Light.FAIL, what=error.why, where=where, todo=say("doctor.credentials-todo"))


def store(world: ports.World, at: str, say: words.Say) -> Check:
    """Our own memory takes a mark and gives it back."""
    now = datetime.now(UTC).isoformat()
    try:
        world.store.set_mark("doctor", now)
        back = world.store.mark("doctor")
    except faults.Fault as down:
        return failed("store", down, say, at)
    if back != now:
        return Check(name="store", light=Light.FAIL, what=say("doctor.store-forgets"), where=at, todo=say("doctor.store-todo"))
    return Check(name="store", light=Light.OK, what=say("doctor.store"), where=at)


def shop(world: ports.World, told: Settings, say: words.Say) -> Iterator[Check]:
    """The shop's database answers, the map fits (attaching has compared them), and the map knows every status code in use."""
    where = told.shop.file
    try:
        world.eyes.read([ids.OrderNumber(gather.NOBODYS_NUMBER)])
        yield Check(name="shop", light=Light.OK, what=say("doctor.shop", shop=world.eyes.shop), where=where)
        yield from _account(world, say)
        yield from _codes(world, where, say)
    except faults.Fault as down:
        yield failed("shop", down, say, where)
    if world.hands is None:
        yield Check(
            name="hands", light=Light.WARN, what=say("doctor.no-hands"), where="shop.hands_database", todo=say("doctor.no-hands-todo")
        )
    else:
        yield Check(name="hands", light=Light.OK, what=say("doctor.hands"), where="shop.hands_database")


def _account(world: ports.World, say: words.Say) -> Iterator[Check]:
    """What the reading account could do, where its database has accounts at all."""
    where, may_write = "shop.database", world.eyes.may_write()
    if may_write:
        yield Check(name="account", light=Light.WARN, what=say("doctor.account-writes"), where=where, todo=say("doctor.account-todo"))
    elif may_write is False:
        yield Check(name="account", light=Light.OK, what=say("doctor.account"), where=where)


def _codes(world: ports.World, where: str, say: words.Say) -> Iterator[Check]:
    unknown = ((finding.Ailment.ORDER_CONTRADICTS_ITSELF, screen.Unknown(field=order.Field.ORDER_STATE)),)
    numbers = itertools.islice((s.number for s in world.eyes.suspects(unknown)), CODES_READ_MAX)
    counts: Counter[str] = Counter()
    examples: dict[str, list[str]] = {}
    unread: list[claim.Silence] = []
    for batch in batching.batches(numbers, sweep.BATCH):
        for claims, silences in world.eyes.read(batch).values():
            unread += [s for s in silences if s.why is claim.Why.NOT_UNDERSTOOD]
            for told in claims:
                if isinstance(told, order.ShopOrder) and told.state is None:
                    counts[told.raw_state] += 1
                    examples.setdefault(told.raw_state, []).append(told.number)
    for code, times in counts.most_common():
        some = ", ".join(examples[code][:EXAMPLES])
        what = say("doctor.unknown-code", code=code, times=times, examples=some)
        yield Check(name="codes", light=Light.WARN, what=what, where=where, todo=say("doctor.unknown-code-todo"))
    for silence in unread[:EXAMPLES]:
        what = say("doctor.unread", number=silence.number, detail=silence.detail)
        yield Check(name="codes", light=Light.WARN, what=what, where=where, todo=say("doctor.unread-todo"))
    if not counts and not unread:
        yield Check(name="codes", light=Light.OK, what=say("doctor.codes"), where=where)


def channels(world: ports.World, told: Settings, say: words.Say) -> Iterator[Check]:
    """A signed question for a number that does not exist: "there is none" proves merchant number, key, serial and clock at once."""
    if not world.channels:
        yield Check(
            name="channel", light=Light.WARN, what=say("doctor.no-channel"), where="[wechatpay]", todo=say("doctor.no-channel-todo")
        )
    for name in ports.channel_names(world):
        where = str(name)
        try:
            _, silences = world.channels[name].ask([gather.NOBODYS_NUMBER])
        except faults.Fault as wrong:
            yield failed("channel", wrong, say, where)
            continue
        source = say.word("Source", name)
        match next((s for s in silences), None):
            case claim.Silence(why=claim.Why.NOT_FOUND):
                yield Check(name="channel", light=Light.OK, what=say("doctor.channel", source=source), where=where)
            case claim.Silence(why=claim.Why.UNREACHABLE, detail=detail):
                yield Check(name="channel", light=Light.SILENT, what=detail, where=where, todo=say("wrong.unavailable-todo"))
            case claim.Silence(detail=detail):
                yield Check(name="channel", light=Light.FAIL, what=detail, where=where, todo=say("doctor.credentials-todo"))
            case None:
                yield Check(name="channel", light=Light.WARN, what=say("doctor.channel-odd", number=gather.NOBODYS_NUMBER), where=where)
    for section, account in told.channels.items():
        if not account.notify_url:
            todo = say("doctor.notify-todo")
            yield Check(name="channel", light=Light.WARN, what=say("doctor.notify"), where=f"{section}.notify_url", todo=todo)


def keys(world: ports.World, say: words.Say) -> Iterator[Check]:
    """Whether we believe what each channel says, and which of its codes we met and do not know."""
    for name in ports.channel_names(world):
        channel, where = world.channels[name], str(name)
        if isinstance(channel, codes.Checkable):
            yield _key(channel, where, say)
        for code, times in codes.remembered(world, name).items():
            what = say("doctor.unlisted", source=say.word("Source", name), code=code, times=times)
            yield Check(name="codes", light=Light.WARN, what=what, where=where, todo=say("doctor.unlisted-todo"))


def _key(channel: codes.Checkable, where: str, say: words.Say) -> Check:
    try:
        doubt = channel.doubt()
    except faults.Fault as wrong:
        return failed("key", wrong, say, where)
    if doubt is None:
        return Check(name="key", light=Light.WARN, what=say("doctor.key-unsigned"), where=where, todo=say("doctor.key-todo"))
    if doubt:
        return Check(name="key", light=Light.FAIL, what=say("doctor.key-wrong", why=doubt), where=where, todo=say("doctor.key-todo"))
    until = channel.believed_until()
    if until is not None and until - datetime.now(UTC) < KEY_ENDS_WARN:
        what = say("doctor.key-ends", until=say.instant(until))
        return Check(name="key", light=Light.WARN, what=what, where=where, todo=say("doctor.key-ends-todo"))
    return Check(name="key", light=Light.OK, what=say("doctor.key"), where=where)


def markets(world: ports.World, say: words.Say) -> Iterator[Check]:
    """Whether each marketplace lets us ask for its account's lines, and how long it will."""
    for name, source in {} if world.books is None else world.books.sources.items():
        if isinstance(source, accounts.AccountSource):
            try:
                yield _access(source.access(), str(name), say)
            except faults.Fault as wrong:
                yield failed("market", wrong, say, str(name))


def halted(world: ports.World, say: words.Say) -> Iterator[Check]:
    """Channels at which nothing is settled, because a record of ours was altered."""
    for name in () if world.books is None else sorted(world.books.sources):
        record = world.books.ledger.halted(world.eyes.shop, name) if world.books is not None else None
        if record is not None:
            todo = say("wrong.altered-todo", channel=name)
            yield Check(name="books", light=Light.FAIL, what=say("doctor.halted", record=record), where=str(name), todo=todo)


def _access(told: accounts.Access, where: str, say: words.Say) -> Check:
    name, now = "market", datetime.now(UTC)
    until = "–" if told.until is None else say.instant(told.until)
    if told.unkept:
        what = say("doctor.market-unkept", until=until, why=told.unkept)
        return Check(name=name, light=Light.FAIL, what=what, where=where, todo=say("doctor.market-unkept-todo"))
    if told.until is None:
        return Check(name=name, light=Light.OK, what=say("doctor.market-open"), where=where)
    if told.renews:
        over = told.until <= now
        key, light = ("doctor.market-over", Light.WARN) if over else ("doctor.market-renews", Light.OK)
        return Check(name=name, light=light, what=say(key, until=until), where=where, todo=say("doctor.market-over-todo") if over else "")
    light, todo = (Light.WARN, say("doctor.market-todo")) if told.until - now < TOKEN_ENDS_WARN else (Light.OK, "")
    return Check(name=name, light=light, what=say("doctor.market-ends", until=until), where=where, todo=todo)


def clock_offset(base_url: str, client: http.Client, say: words.Say) -> Check:
    """How far this machine's clock is from the channel's, by the time that its answer carries."""
    before = datetime.now(UTC)
    try:
        answer = client.read(base_url + "/", dict)
    except faults.Unavailable as down:
        return failed("clock", down, say, base_url)
    theirs = _stamp(answer)
    if theirs is None:
        return Check(name="clock", light=Light.WARN, what=say("doctor.clock-unknown"), where=base_url)
    ours = before + (datetime.now(UTC) - before) / 2
    # Their second has begun at the time they name: half of it, on average, has passed.
    offset = ours - theirs - timedelta(milliseconds=500)
    distance = _rounded(abs(offset))
    if distance <= OFFSET_WARN:
        return Check(name="clock", light=Light.OK, what=say("doctor.clock", span=say.span(distance)), where=base_url)
    light = Light.FAIL if distance >= OFFSET_FAIL else Light.WARN
    key = "doctor.clock-ahead" if offset > timedelta(0) else "doctor.clock-behind"
    return Check(name="clock", light=light, what=say(key, span=say.span(distance)), where=base_url, todo=say("doctor.clock-todo"))


def _rounded(span: timedelta) -> timedelta:
    """To the minute where it is minutes: their time is told to the second, and nobody needs "9 min 59 s"."""
    unit = timedelta(minutes=1) if span >= timedelta(seconds=59) else timedelta(seconds=1)
    return round(span / unit) * unit


def _stamp(answer: http.Answer) -> datetime | None:
    """The channel's own stamp where it signs its answer, else the web server's."""
    for name in filter(None, (joined.stamp for joined in registry.ENTRIES.values())):
        signed = answer.header(name)
        if signed.isdigit():
            return datetime.fromtimestamp(int(signed), UTC)
    try:
        return parsedate_to_datetime(answer.header("Date"))
    except ValueError:
        return None


def port(relay: RelaySettings, say: words.Say) -> Check:
    """Whether the relay could listen."""
    where = f"{relay.host}:{relay.port}"
    try:
        address = socket.getaddrinfo(relay.host, relay.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        with socket.socket(address[0], address[1]) as taken:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            taken.bind(address[4])
    except OSError as busy:
        what = say("doctor.port-taken", why=busy.strerror or str(busy))
        return Check(name="relay", light=Light.WARN, what=what, where=where, todo=say("doctor.port-todo"))
    return Check(name="relay", light=Light.OK, what=say("doctor.port"), where=where)


def disk(address: str, say: words.Say) -> Check:
    """Room where our memory is kept; for a server's, room where we stand."""
    file = address.removeprefix("sqlite:///") if address.startswith("sqlite:///") else ""
    folder = Path(file or ".").resolve().parent if file else Path.cwd()
    try:
        free = shutil.disk_usage(folder).free
    except OSError as missing:
        what = say("doctor.disk-unknown", why=missing.strerror or str(missing))
        return Check(name="disk", light=Light.FAIL, what=what, where=str(folder), todo=say("doctor.disk-unknown-todo"))
    light = Light.FAIL if free < DISK_FAIL_BYTES else Light.WARN if free < DISK_WARN_BYTES else Light.OK
    todo = "" if light is Light.OK else say("doctor.disk-todo")
    return Check(name="disk", light=light, what=say("doctor.disk", megabytes=free // 1024**2), where=str(folder), todo=todo)
