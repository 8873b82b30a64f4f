"""What happened goes into the search index: orders, callbacks, cases and evidence, log files; in batches, going on where it was left.

How far each feed has come stands in the index itself, in the commit that holds the documents: whoever is killed goes on from there, and an
index that was thrown away is filled from the beginning.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from makewhole import ports
from makewhole.core import codec, ids
from makewhole.engine import pasts
from makewhole.model import case, document

BATCH = 10_000
"""Documents in a commit: a second or two of work to lose, and segments of a size that need little merging."""
NOTICES = 1_000
"""Callbacks read at once."""
ORDERS_AGAIN = timedelta(hours=24)
"""An order changes after it was read. The next pass over all of them begins this long after the last one began."""
OVERLAP = timedelta(minutes=5)
"""Callbacks are dated before they are committed: the next look begins this much earlier."""
_NAMES = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{5,127}")
"""Words of an evidence entry that may be a name."""
_DAWN = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
Stopped = Callable[[], bool]
Seen = Callable[[int], None]
"""Is told how many documents were written so far."""


@dataclass(kw_only=True)
class Fed:
    """How many documents were written."""

    orders: int = 0
    callbacks: int = 0
    cases: int = 0
    changes: int = 0

    def total(self) -> int:
        """All of them."""
        return self.orders + self.callbacks + self.cases + self.changes


def refresh(
    world: ports.World,
    archive: ports.Archive | None,
    search: ports.Search,
    *,
    whole: bool = False,
    stopped: Stopped = lambda: False,
    seen: Seen = lambda _: None,
) -> Fed:
    """Everything new since the last time; with `whole`, every order again, whenever it was read last. Stops between two batches.

    Raises Unavailable where shop, store or index do not answer; what was written before stays, and is gone on from.
    """
    fed, now = Fed(), world.clock.now()
    for count in callbacks(world, search, now):
        fed.callbacks += count
        seen(fed.total())
        if stopped():
            return fed
    for count in evidence(world, search):
        fed.cases += count
        seen(fed.total())
        if stopped():
            return fed
    for count in () if world.trail is None else pasts.changes(world.eyes.shop, world.trail, search):
        fed.changes += count
        seen(fed.total())
        if stopped():
            return fed
    for count in () if archive is None else orders(world.eyes.shop, archive, search, now, whole=whole):
        fed.orders += count
        seen(fed.total())
        if stopped():
            return fed
    return fed


def orders(shop: ids.ShopName, archive: ports.Archive, search: ports.Search, now: datetime, *, whole: bool = False) -> Iterator[int]:
    """Each page of orders, with its mark. New ones always; all of them once a day, or where `whole` asks for it."""
    place, begun, done = f"orders/{shop}", f"orders-begun/{shop}", f"orders-done/{shop}"
    after, over = search.mark(place), search.mark(done) == "1"
    last = datetime.fromisoformat(search.mark(begun) or _DAWN.isoformat())
    # A pass that was cut off goes on, whoever asks: its beginning is as fresh as it was.
    if after is None or (over and (whole or now - last >= ORDERS_AGAIN)):
        after = None
        search.index((), {begun: now.isoformat(), done: "0"})
    for documents, mark in archive.pages(after):
        yield search.index(documents, {place: mark})
    search.index((), {done: "1"})


def callbacks(world: ports.World, search: ports.Search, now: datetime) -> Iterator[int]:
    """Each batch of callbacks that the relay kept since the last look."""
    shop = world.eyes.shop
    place = f"callbacks/{shop}"
    at, key = datetime.fromisoformat(search.mark(place) or _DAWN.isoformat()), ""
    while found := world.store.notices_after(shop, at, key, NOTICES):
        at, key = found[-1].received_at, found[-1].key
        # Never past now: a clock that was wrong for a moment must not hide what comes after.
        mark = max(_DAWN, min(at, now) - OVERLAP)
        yield search.index([callback(world, kept) for kept in found], {place: mark.isoformat()})


def callback(world: ports.World, kept: ports.Kept) -> document.Document:
    """What a callback can be found by. Nothing of its body but what was verified, and nothing of the payer."""
    told = kept.attempt or kept.refund
    names: list[str] = [kept.number, *(v for k, v in kept.headers if k.lower().endswith(("request-id", "-nonce")))]
    said = ["callback", kept.channel, kept.check.value]
    if kept.attempt is not None:
        names += [kept.attempt.transaction] if kept.attempt.transaction else []
        said += [kept.attempt.state.value, str(kept.attempt.amount or "")]
    if kept.refund is not None:
        names += [str(kept.refund.number)]
        said += ["refund", kept.refund.state.value, str(kept.refund.amount)]
    return document.Document(
        key=ids.derive("callback", kept.key),
        what=document.What.CALLBACK,
        source=kept.channel,
        at=kept.received_at,
        text=" ".join(filter(None, said)),
        # What is not genuine names any order it likes; it leads to none.
        order=None if told is None else world.store.linked(kept.shop, kept.number) or ids.OrderNumber(kept.number),
        ids=tuple(dict.fromkeys(n[: document.ID_CHARS_MAX] for n in names if n)),
    )


def evidence(world: ports.World, search: ports.Search) -> Iterator[int]:
    """Each batch of what we ourselves wrote down since the last look."""
    place = "evidence"
    start = int(search.mark(place) or 0)
    lines = world.store.entries(start)
    while batch := list(itertools.islice(lines, BATCH)):
        yield search.index([entry(line.entry()) for line in batch], {place: str(batch[-1].seq + 1)})


def entry(told: case.Entry) -> document.Document:
    """What an entry can be found by: it holds no personal data, so all of it."""
    said = list(_leaves(told.body))
    names = [n for n in (told.case, told.run, *said) if n and _NAMES.fullmatch(n) and any(c.isdigit() for c in n)]
    return document.Document(
        key=ids.derive("entry", codec.digest(told)),
        what=document.What.CASE,
        source="makewhole",
        at=told.at,
        text=" ".join((told.kind.value, *said))[: document.TEXT_CHARS_MAX],
        order=told.order.number,
        ids=tuple(dict.fromkeys(names))[: document.IDS_MAX],
    )


def logs(documents: Iterable[document.Document], search: ports.Search, seen: Seen = lambda _: None) -> int:
    """Documents of a log file; the same file again changes nothing. Raises what reading it raises, once what came before is written."""
    count = 0
    reading = iter(documents)
    failed: Exception | None = None
    while failed is None:
        batch: list[document.Document] = []
        try:
            for one in itertools.islice(reading, BATCH):
                batch.append(one)  # noqa: PERF402  what came before a failure is written
        except Exception as wrong:  # noqa: BLE001  raised again below
            failed = wrong
        if not batch:
            break
        count += search.index(batch)
        seen(count)
    if failed is not None:
        raise failed
    return count


def find(search: ports.Search, asked: document.Asked) -> document.Found:
    """The hits; one that names no order gets the order of another document that shares a name with it, as a trace id does."""
    found = search.find(asked)
    known: dict[str, ids.OrderNumber | None] = {}
    hits = tuple(h if h.document.order is not None else _led(search, h, known) for h in found.hits)
    return document.Found(total=found.total, hits=hits)


def _led(search: ports.Search, hit: document.Hit, known: dict[str, ids.OrderNumber | None]) -> document.Hit:
    for name in hit.document.ids:
        if name not in known:
            known[name] = _owner(search, name)
        if (order := known[name]) is not None:
            told = hit.document
            return document.Hit(document=_with(told, order), score=hit.score)
    return hit


def _owner(search: ports.Search, name: str) -> ids.OrderNumber | None:
    """The one order that documents of this name lead to; None where it is none, or several: never a coin toss."""
    orders = {h.document.order for h in search.find(document.Asked(order=name, linked=True, limit=20)).hits}
    return orders.pop() if len(orders) == 1 else None


def _with(told: document.Document, order: ids.OrderNumber) -> document.Document:
    return document.Document(key=told.key, what=told.what, source=told.source, at=told.at, text=told.text, order=order, ids=told.ids)


def _leaves(value: object) -> Iterator[str]:
    match value:
        case dict():
            for inner in value.values():
                yield from _leaves(inner)
        case list() | tuple():
            for inner in value:
                yield from _leaves(inner)
        case None | "" | bool():
            return
        case _:
            yield str(value)
