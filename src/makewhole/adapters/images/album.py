"""`imaging.Album` over one Delta Lake table: images go in as commits; states, orders and differences come out.

A whole image and what changed since are read together: the newest line of a row wins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from makewhole.adapters.images import columns as tables
from makewhole.adapters.images import states, touches
from makewhole.adapters.images.columns import CHANGED, DAY, HEAD, IMAGE, KEY, LINK, OP, PART, ROLE, TOLD, TYPES, WHOLE, literal, quoted
from makewhole.adapters.images.desk import Desk
from makewhole.adapters.images.lake import File, Lake
from makewhole.core import codec
from makewhole.model import image
from makewhole.model.image import Head, Kind, Op, Row
from makewhole.model.sheet import Block, Sheet, newest
from makewhole.ports import imaging

_EVER = (-1, 1 << 62)


class LakeAlbum:
    """See the port. One thread at a time; `close` lets go of what it holds."""

    def __init__(self, place: str) -> None:
        self._lake = Lake(place)
        folder = self._lake.folder
        self._touches = None if folder is None else touches.Touches(folder.with_name(folder.name + "-touched"))
        self._desk = Desk(self._lake)
        self._heads: dict[str, tuple[frozenset[str], dict[int, Head]]] = {}
        self._mended: set[str] = set()

    def close(self) -> None:
        """Let go of everything."""
        self._desk.close()

    # ------------------------------------------------------------ heads

    def last(self) -> Head | None:
        """See the port."""
        newest = self._lake.last()
        return None if newest is None else self._told(image.day(image.instant(newest)))[newest]

    def head(self, at: datetime) -> Head | None:
        """See the port."""
        for day in sorted((d for d in self._days() if d <= image.day(at)), reverse=True):
            found = [h for h in self._told(day).values() if h.at <= at]
            if found:
                return max(found, key=lambda h: h.at)
        return None

    def heads(self, since: datetime, until: datetime) -> Sequence[Head]:
        """See the port."""
        days = [d for d in self._days() if image.day(since) <= d <= image.day(until)]
        return sorted((h for d in days for h in self._told(d).values() if since <= h.at <= until), key=lambda h: h.at)

    def _days(self) -> set[str]:
        return {f.day for f in self._lake.files()}

    def _files(self, day: str, part: str) -> list[File]:
        return [f for f in self._lake.files() if f.day == day and f.part == part]

    def _told(self, day: str) -> dict[int, Head]:
        """The heads of a day. They are read once; of files that came since, theirs."""
        files = self._files(day, CHANGED)
        paths = frozenset(f.path for f in files)
        known, told = self._heads.get(day, (frozenset[str](), dict[int, Head]()))
        if paths != known:
            new = [f for f in files if f.path not in known] if known <= paths else files
            source = self._desk.source(new, [KEY], _EVER, f"{ROLE} = '{HEAD}'")
            found = [codec.decode(raw, Head) for (raw,) in self._desk.rows(f"SELECT {KEY} FROM {source}")]  # noqa: S608  names of our own
            told = (told if known <= paths else {}) | {h.id: h for h in found}
            self._heads[day] = (paths, told)
        return self._heads[day][1] if paths else {}

    # ------------------------------------------------------------ adding

    def open(self, pages: Iterable[Sheet], columns: Mapping[str, tuple[str, ...]], finish: Callable[[], imaging.Changed]) -> Head:
        """See the port."""
        names = _names(columns)
        with self._desk.staged((tables.batch(page.blocks, columns) for page in pages), names) as stage:
            head, rows = finish()
            with self._desk.staged((tables.batch(rows.blocks, columns),), [IMAGE, *names]) as since:
                return self._whole(head, states.state(stage, since, names), Sheet())

    def add(self, head: Head, rows: Sheet) -> Head:
        """See the port."""
        newest = self._lake.last()
        if newest is not None and newest >= head.id:
            return self._told(image.day(head.at)).get(head.id, head)
        before = self.last() if head.kind is Kind.BASE else None
        if before is not None:
            names = _names(head.columns)
            with self._desk.staged((tables.batch(rows.blocks, head.columns),), [IMAGE, *names]) as since:
                return self._whole(head, states.state(self._state(before, names), since, names), rows)
        self._append(head, rows, tables.batch([tables.head_block(head), *rows.blocks], head.columns, head.id, image.day(head.at)))
        return head

    def _whole(self, head: Head, state: str, changed: Sheet) -> Head:
        """One commit with every row, and with what changed since the image before."""
        names = _names(head.columns)
        with self._desk.made(f"SELECT * FROM {state}") as whole:  # noqa: S608  names of our own, here and below
            rows = dict(self._desk.rows(f"SELECT {ROLE}, count(*) FROM {whole} GROUP BY 1 ORDER BY 1"))  # noqa: S608
            counted = msgspec.structs.replace(head, rows=rows)
            day = image.day(head.at)
            told = tables.batch([tables.head_block(counted), *changed.blocks], head.columns, head.id, day)
            shop = ", ".join(map(quoted, tables.names(head.columns)))
            ours = f"{head.id}::BIGINT AS {IMAGE}, {literal(day)} AS {DAY}, '{WHOLE}' AS {PART}"
            fixed = f"{ours}, {ROLE}, {LINK}, {KEY}, '{Op.BASE.value}' AS {OP}, {TYPES}"
            with self._desk.staged((told,), [IMAGE, DAY, PART, *names]) as since:
                sql = (
                    f"SELECT {fixed}, {shop} FROM {whole} UNION ALL "  # noqa: S608
                    f"SELECT {', '.join(tables.FIXED)}, {shop} FROM {since} ORDER BY {PART}, {ROLE}, {LINK}, {KEY}"
                )
                self._append(counted, changed, self._desk.stream(sql))
        return counted

    def _append(self, head: Head, changed: Sheet, data: Any) -> None:
        self._lake.append(head, data)
        if self._touches is not None:
            self._mend(image.day(head.at), but=head.id)
            self._touches.add(image.day(head.at), head.id, changed.links())

    def _mend(self, day: str, but: int) -> None:
        """What a kill between the commit and the index left out of the index: looked for once."""
        if self._touches is None or day in self._mended:
            return
        self._mended.add(day)
        lacking = [i for i in self._told(day) if i not in self._touches.images(day) and i != but]
        for of in lacking:
            files = [f for f in self._files(day, CHANGED) if f.first <= of <= f.last]
            source = self._desk.source(files, [ROLE, LINK], (of - 1, of), f"{ROLE} <> '{HEAD}'")
            self._touches.add(day, of, self._desk.rows(f"SELECT {ROLE}, list({LINK}) FROM {source} GROUP BY 1"))  # noqa: S608  names of our own

    # ------------------------------------------------------------ reading

    def _chain(self, of: Head) -> tuple[Head, list[int]]:
        """The whole image that this one goes back to, and the images between."""
        told = self._told(image.day(of.at))
        whole = max(h.id for h in told.values() if h.id <= of.id and h.kind is not Kind.CHANGES)
        return told[whole], [i for i in told if whole < i <= of.id]

    def _state(self, of: Head, names: Sequence[str], only: str | None = None) -> str:
        """SQL of every row of an image."""
        whole, later = self._chain(of)
        day = image.day(of.at)
        base = [f for f in self._files(day, WHOLE) if f.first == whole.id]
        since = [f for f in self._files(day, CHANGED) if later and f.last > whole.id and f.first <= of.id]
        return states.state(
            self._desk.source(base, names, (whole.id - 1, whole.id)),
            self._desk.source(since, [IMAGE, *names], (whole.id, of.id)),
            names,
            only,
        )

    def rows(self, of: Head, links: Sequence[tuple[str, str]]) -> Sequence[Row]:
        """See the port."""
        whole, later = self._chain(of)
        day = image.day(of.at)
        roles = {role for role, _ in links}
        shape = {role: of.columns[role] for role in roles if role in of.columns}
        mine = " OR ".join(f"({ROLE} = {literal(role)} AND {LINK} = {literal(link)})" for role, link in links) or "FALSE"
        touched = set(later if self._touches is None else self._touches.touched(day, later, links))
        base = [f for f in self._files(day, WHOLE) if f.first == whole.id and any(f.may_hold(*link) for link in links)]
        since = [
            f
            for f in self._files(day, CHANGED)
            if f.last > whole.id and f.first <= of.id and (f.first != f.last or f.first in touched) and touched
        ]
        found = self._desk.looked_up(base, since, _names(shape), (whole.id, of.id), mine)
        return sorted(newest((i, _row(told, shape)) for i, *told in found), key=lambda r: r[:3])

    def everything(self, of: Head) -> Iterator[Row]:
        """See the port."""
        names = _names(of.columns)
        told = ", ".join(map(quoted, names))
        for found in self._desk.each(f"SELECT {told} FROM {self._state(of, names)} ORDER BY {ROLE}, {LINK}, {KEY}"):  # noqa: S608  names of our own
            yield _row(found, of.columns)

    def differences(self, before: Head, after: Head) -> Iterator[imaging.Difference]:
        """See the port."""
        shape = {role: tuple(c for c in told if c in before.columns.get(role, ())) for role, told in after.columns.items()}
        names = _names(shape)
        between = self.heads(before.at, after.at)[1:]
        if any(h.kind is Kind.OPENING for h in between):
            yield from self._apart(self._state(before, names), self._state(after, names), shape)
            return
        days = sorted({image.day(h.at) for h in between})
        ids = (before.id, after.id)
        touched = {d: [f for f in self._files(d, CHANGED) if f.last > before.id and f.first <= after.id] for d in days}
        changed = [self._desk.source(files, [ROLE, KEY], ids) for files in touched.values()]
        if not changed:
            return
        rows = " UNION ".join(f"SELECT {ROLE}, {KEY} FROM {source}" for source in changed)  # noqa: S608  names of our own
        with self._desk.made(f"SELECT * FROM ({rows}) WHERE {ROLE} <> '{HEAD}'") as only:  # noqa: S608
            yield from self._apart(self._state(before, names, only), self._state(after, names, only), shape)

    def compared(self, of: Head, pages: Iterable[Sheet], finish: Callable[[], imaging.Meanwhile]) -> Iterator[imaging.Difference]:
        """See the port."""
        names = _names(of.columns)
        with self._desk.staged((tables.batch(page.blocks, of.columns) for page in pages), names) as live:
            told = finish()
            unsure = _keyed(told.unsure)
            with (
                self._desk.staged((tables.batch(told.since.blocks, of.columns),), [IMAGE, *names]) as since,
                self._desk.staged((tables.batch(unsure, of.columns),), [ROLE, KEY]) as left,
            ):
                ours = states.state(self._state(of, names), since, names)
                where = f"(COALESCE(b.{ROLE}, a.{ROLE}), COALESCE(b.{KEY}, a.{KEY})) NOT IN (SELECT ({ROLE}, {KEY}) FROM {left})"  # noqa: S608
                yield from self._apart(ours, live, of.columns, where)

    def _apart(self, before: str, after: str, shape: Mapping[str, tuple[str, ...]], where: str = "TRUE") -> Iterator[imaging.Difference]:
        shop = tables.names(shape)
        width = len(shop)
        for role, link, key, *told in self._desk.each(states.differing(before, after, shop, where)):
            sides = [
                {n: v for n, v in zip(shop, side[1:], strict=True) if n in shape[role]} if side[0] else None
                for side in (told[: width + 1], told[width + 1 :])
            ]
            yield imaging.Difference(role=role, link=link, key=key, before=sides[0], after=sides[1])

    # ------------------------------------------------------------ keeping

    def compact(self, before: datetime) -> int:
        """See the port."""
        done = 0
        for day in sorted(d for d in self._days() if d < image.day(before)):
            if len(self._files(day, CHANGED)) > 1:
                done += self._lake.sort(day)
                if self._touches is not None:
                    # Sorted by order, one file of the day tells what the index told of 96.
                    self._touches.forget(day)
        self._lake.sweep()
        return done

    def forget(self, before: datetime) -> int:
        """See the port."""
        gone = 0
        for day in sorted(d for d in self._days() if d < image.day(before)):
            gone += len(self._told(day))
            self._lake.drop(day)
            if self._touches is not None:
                self._touches.forget(day)
        return gone


def _names(shape: Mapping[str, tuple[str, ...]]) -> list[str]:
    return [*TOLD, *tables.names(shape)]


def _keyed(places: Iterable[tuple[str, str]]) -> list[Block]:
    """Rows of which role and key are known, and nothing else."""
    told: dict[str, list[str]] = {}
    for role, key in sorted(places):
        told.setdefault(role, []).append(key)
    return [Block(role, nothing := [""] * len(keys), keys, [Op.PUT] * len(keys), nothing, ()) for role, keys in told.items()]


def _row(found: Sequence[Any], shape: Mapping[str, tuple[str, ...]]) -> Row:
    """A row with the values of its own role's columns."""
    wide = tables.row(found)
    if wide.values is None:
        return wide
    told = dict(zip(tables.names(shape), wide.values, strict=True))
    return wide._replace(values=tuple(told[c] for c in shape[wide.role]))
