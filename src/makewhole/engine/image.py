"""The mover of images: the shop's log and tables go in, an image every 15 minutes comes out, exact at its instant; missed ones too.

An image is made of the log and not of a SELECT, so that it is as exact when it is made late. Only where the log does not tell the whole
(at the beginning, after DDL, after a new map) are the tables read: what was written meanwhile is laid over what was read, row by row.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from makewhole.core import clock, faults, ids
from makewhole.model import change, image
from makewhole.model.fold import Fold
from makewhole.model.image import Head, Kind, Row
from makewhole.model.sheet import Sheet
from makewhole.ports import imaging, trails

AT_REST = timedelta(seconds=1)
"""Between looking where the log ends and reading the tables: a transaction is in the log a moment before others can see it."""
KEPT_MIN = timedelta(days=180)
"""R19: whoever asks for less is refused."""
CHECK_EVERY = timedelta(hours=24)


@dataclass(frozen=True, kw_only=True)
class Studio:
    """What images are made of, and where they are kept."""

    source: imaging.Source
    album: imaging.Album
    clock: clock.Clock
    state: Callable[[change.Image], str | None] = lambda image: None
    """Our word for an order's state in its row."""
    whole: trails.Whole | None = None
    """Where orders have parts: tells their state by all of their rows."""
    left_out: tuple[str, ...] = ()
    """Mapped tables that no image holds, as their rows cannot be told apart or tied to an order."""

    def fold(self) -> Fold:
        """An empty one."""
        return Fold(self.source.forms)

    def columns(self) -> dict[str, tuple[str, ...]]:
        """What the values of each role's rows are called."""
        return {f.table.role: f.table.columns for f in self.source.forms}

    def tables(self) -> frozenset[tuple[str, str]]:
        """Schema and name of every imaged table, in lower case."""
        return frozenset((f.table.schema, f.table.name) for f in self.source.forms)

    def said(self, passing: imaging.Passing) -> str:
        """A statement without row images that speaks of an imaged table: from then on the log does not tell the whole. Its values are
        left out: no image holds them."""
        return next((change.without_values(told) for schema, name in sorted(self.tables()) if (told := passing.speaks(schema, name))), "")


# ---------------------------------------------------------------- making


def take(studio: Studio, *, anew: str = "", stopped: Callable[[], bool] = lambda: False) -> Iterator[Head]:
    """Every image that is due, oldest first; where there is none to go on from, an opening. `anew` says why there must be an opening.

    Raises BadInput where the log cannot be read (nothing was added that is not exact), Unavailable where somebody is silent.
    """
    last = studio.album.last()
    why = anew or _why(studio, last)
    if last is None or why:
        yield _open(studio, why)
        return
    try:
        yield from _follow(studio, last, stopped)
    except trails.Purged as gone:
        # What was written in between nobody knows, and no later image may hide that: it says so itself.
        yield _open(studio, f"the log has a gap: {gone.what}")


def _follow(studio: Studio, last: Head, stopped: Callable[[], bool]) -> Iterator[Head]:
    """The images after the last one, from the log."""
    due, place, fold = image.following(last.at), last.position, studio.fold()
    now = studio.clock.now()
    for passing in studio.source.log.run(last.position):
        while due <= now and passing.head.committed_at >= due:
            yield _close(studio, due, place, fold)
            due, fold = image.following(due), studio.fold()
            if stopped():
                return
        if said := studio.said(passing):
            yield _open(studio, f"{said} ({passing.head.id})")
            return
        fold.add(passing.changes(studio.tables()))
        place = passing.head.ends
    while due + image.SETTLED <= now and not stopped():
        yield _close(studio, due, place, fold)
        due, fold = image.following(due), studio.fold()


def _why(studio: Studio, last: Head | None) -> str:
    """Why images cannot go on from the last one; empty where they can."""
    if last is None:
        return "the first image"
    if last.form != studio.source.form:
        return "the shop's map, its tables or the secret of hashes are others now"
    return "" if last.server == studio.source.server else "the log is another server's"


def _close(studio: Studio, at: datetime, place: change.Position, fold: Fold) -> Head:
    rows = fold.rows()
    kind = Kind.BASE if image.begins_day(at) else Kind.CHANGES
    return studio.album.add(_head(studio, at, kind, place, rows), rows)


def _head(studio: Studio, at: datetime, kind: Kind, place: change.Position, rows: Sheet, why: str = "") -> Head:
    return Head(
        at=at,
        kind=kind,
        server=studio.source.server,
        position=place,
        form=studio.source.form,
        columns=studio.columns(),
        changed=rows.counted(),
        why=why,
    )


def _open(studio: Studio, why: str) -> Head:
    """Read the tables as they are. The image is exact at the moment when they had been read."""
    begun = studio.source.log.end()
    studio.clock.sleep(AT_REST)

    def finish() -> imaging.Changed:
        at = studio.clock.now()
        # All that the log holds: what was read may be as new as that.
        place, fold = _since(studio, begun)
        rows = fold.rows()
        return _head(studio, at, Kind.OPENING, place, rows, why), rows

    return studio.album.open(studio.source.tables.pages(), studio.columns(), finish)


def _since(studio: Studio, place: change.Position, until: datetime | None = None) -> tuple[change.Position, Fold]:
    """What was written from a place on, before the first transaction that was committed at this instant or later."""
    fold = studio.fold()
    for passing in studio.source.log.run(place):
        if until is not None and passing.head.committed_at >= until:
            break
        if said := studio.said(passing):
            raise faults.Unavailable(f"the tables were altered while they were read: {said}")
        fold.add(passing.changes(studio.tables()))
        place = passing.head.ends
    return place, fold


# ---------------------------------------------------------------- looking


@dataclass(frozen=True, kw_only=True)
class Seen:
    """An order as it was."""

    head: Head
    """The image that it was read from."""
    columns: Mapping[str, tuple[str, ...]]
    """What the values of each role's rows are called."""
    rows: tuple[Row, ...]
    exact_to: datetime
    """The instant that the rows are true of: the one that was asked for, where the log could be run on to it; else the image's."""
    why: str = ""
    """Why the log was not run on."""


def as_of(studio: Studio, number: ids.OrderNumber, at: datetime, *, run_on: bool = True) -> Seen | None:
    """An order's rows at an instant: the image before it, and then the log up to it. None where no image is that old."""
    head = studio.album.head(at)
    if head is None:
        return None
    since: Sequence[Row] = Sheet()
    exact_to, why = head.at, ""
    if run_on and at > head.at:
        try:
            _, fold = _since(studio, head.position, at)
            since, exact_to = fold.rows(), at
        except (faults.Unavailable, faults.BadInput) as lost:
            why = str(lost)
    known = [link for link in _known(studio, number) if link[0] in head.columns]
    found = _laid(studio.album.rows(head, known), since, set(known))
    # Under the key that it has at this instant: in the image it may have been another order's, or nobody's.
    for role in ("order", "suborder"):
        keyed = [link for link in _keyed(studio, found, role) if link[0] in head.columns]
        found += _laid(studio.album.rows(head, keyed), since, set(keyed)) if keyed else []
    rows = tuple(sorted(found, key=lambda r: r[:3]))
    return Seen(head=head, columns=head.columns, rows=rows, exact_to=exact_to, why=why)


def _laid(rows: Iterable[Row], since: Iterable[Row], links: Collection[tuple[str, str]]) -> list[Row]:
    """Rows of an image with what changed since laid over them: those that are there."""
    told = {r[:3]: r for r in rows} | {r[:3]: r for r in since if (r.role, r.link) in links}
    return [r for r in told.values() if r.values is not None]


def state(studio: Studio, seen: Seen) -> str | None:
    """Our word for the state that these rows tell; None where they do not. An order's parts have their say, where they are imaged."""
    rows = [(r.role, dict(zip(seen.columns[r.role], r.values or (), strict=True))) for r in seen.rows]
    own = next((told for role, told in rows if role == "order"), None)
    if own is None or studio.whole is None:
        return None if own is None else studio.state(own)
    imaged = "suborder" in seen.columns
    return studio.whole.state(own, [told for role, told in rows if role == "suborder"] if imaged else None)


def _known(studio: Studio, number: ids.OrderNumber) -> list[tuple[str, str]]:
    """Under which names the rows of an order are known that its number tells, by role: one question, together with the order's own."""
    return [(f.table.role, str(number)) for f in studio.source.forms if not f.table.by_key and not f.table.by_part]


def _keyed(studio: Studio, found: Sequence[Row], role: str) -> list[tuple[str, str]]:
    """Under which names those are known that the order's key tells, or the keys of its parts."""
    tables = [f.table for f in studio.source.forms]
    there = next((t for t in tables if t.role == role), None)
    if there is None or there.known not in there.columns:
        return []
    at = there.columns.index(there.known)
    keys = [key for r in found if r.role == role and r.values is not None and (key := r.values[at]) is not None]
    return [(t.role, key) for t in tables if (t.by_part if role == "suborder" else t.by_key) for key in keys]


# ---------------------------------------------------------------- checking


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What a comparison of the newest image with the shop itself told."""

    head: Head
    differences: tuple[imaging.Difference, ...]
    """The first of them, at most `DIFFERENCES_MAX`."""
    count: int
    unsure: int
    """Rows that changed while the shop was read: they are looked at tomorrow."""


DIFFERENCES_MAX = 20


def check(studio: Studio) -> Checked | None:
    """Read the whole shop, and compare: an image that is not what the shop holds means that our log is not whole (F20).

    None where there is no image. Raises Unavailable where the tables were altered since.
    """
    head = studio.album.last()
    if head is None:
        return None
    begun = studio.source.log.end()
    studio.clock.sleep(AT_REST)
    unsure: frozenset[tuple[str, str]] = frozenset()

    def finish() -> imaging.Meanwhile:
        nonlocal unsure
        fold, late = studio.fold(), studio.fold()
        reached = False
        for passing in studio.source.log.run(head.position):
            if said := studio.said(passing):
                raise faults.Unavailable(f"the tables were altered since the image: {said}")
            changes = list(passing.changes(studio.tables()))
            fold.add(changes)
            reached = reached or _past(passing.head.ends, begun)
            if reached:
                late.add(changes)
        unsure = late.places()
        return imaging.Meanwhile(since=fold.rows(), unsure=unsure)

    first: list[imaging.Difference] = []
    count = 0
    for one in studio.album.compared(head, studio.source.tables.pages(), finish):
        count += 1
        if count <= DIFFERENCES_MAX:
            first.append(one)
    return Checked(head=head, differences=tuple(first), count=count, unsure=len(unsure))


def _past(place: change.Position, begun: change.Position) -> bool:
    """Whether a transaction that ends here was written after the log ended there. File names of a log only grow."""
    return (len(place.file), place.file, place.offset) > (len(begun.file), begun.file, begun.offset)


# ---------------------------------------------------------------- keeping


def tidy(studio: Studio, keep: timedelta) -> tuple[int, int]:
    """Put the files of days that are over together, delete days that nobody must keep; files taken in, images deleted.

    Raises Rejected where less is to be kept than the audit needs.
    """
    if keep < KEPT_MIN:
        raise faults.Rejected(f"images are kept for {KEPT_MIN.days} days at least (R19), not {keep.days}: see image-retention")
    now = studio.clock.now()
    return studio.album.compact(now), studio.album.forget(now - keep)
