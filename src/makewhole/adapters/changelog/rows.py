"""Row events and the shape of their table go in, images by column come out: every version, compressed or not, partial JSON included.

Format: MySQL, Rows_event (libbinlogevents/include/rows_event.h); MariaDB, "Rows Event" and its compressed kinds 166 to 171.
"""

from __future__ import annotations

import functools
import zlib
from typing import NamedTuple

from makewhole.adapters.changelog import columns, documents, events, fields, images, tablemaps
from makewhole.adapters.changelog.events import Type
from makewhole.adapters.changelog.fields import Bytes
from makewhole.adapters.changelog.tablemaps import Code
from makewhole.adapters.changelog.wrong import Unreadable
from makewhole.model import change
from makewhole.model.change import Kind, Value

_COMPRESSED = {
    Type.MARIA_WRITE_ROWS_COMPRESSED_V1: Type.WRITE_ROWS_V1,
    Type.MARIA_UPDATE_ROWS_COMPRESSED_V1: Type.UPDATE_ROWS_V1,
    Type.MARIA_DELETE_ROWS_COMPRESSED_V1: Type.DELETE_ROWS_V1,
    Type.MARIA_WRITE_ROWS_COMPRESSED: Type.WRITE_ROWS,
    Type.MARIA_UPDATE_ROWS_COMPRESSED: Type.UPDATE_ROWS,
    Type.MARIA_DELETE_ROWS_COMPRESSED: Type.DELETE_ROWS,
}
_KINDS = {
    Type.WRITE_ROWS_V1: Kind.INSERT,
    Type.UPDATE_ROWS_V1: Kind.UPDATE,
    Type.DELETE_ROWS_V1: Kind.DELETE,
    Type.WRITE_ROWS: Kind.INSERT,
    Type.UPDATE_ROWS: Kind.UPDATE,
    Type.DELETE_ROWS: Kind.DELETE,
    Type.PARTIAL_UPDATE_ROWS: Kind.UPDATE,
}
_SECOND_VERSION = frozenset({Type.WRITE_ROWS, Type.UPDATE_ROWS, Type.DELETE_ROWS, Type.PARTIAL_UPDATE_ROWS})
_UNCOMPRESSED_BYTES_MAX = 1 << 30
"""No event is larger than the largest packet that a server can be set to."""
_END_OF_STATEMENT = 0x01
"""In the lower byte of a row event's flags."""
_ONE_BYTE_END = 251
"""A length below this is one byte."""
_new = tuple.__new__
_COPIED_MAX = 4096
"""Bytes of an event that is copied, because parts of bytes are had for less than parts of a file's memory; larger ones stay in the file."""


class _Form(NamedTuple):
    """What a row event's number says of it."""

    kind: Kind
    images: int
    """Of each row."""
    compressed: bool
    second_version: bool
    partial: bool


_FORMS: dict[int, _Form] = {
    int(t): _Form(kind, 1 + (kind is Kind.UPDATE), False, t in _SECOND_VERSION, t is Type.PARTIAL_UPDATE_ROWS) for t, kind in _KINDS.items()
}
_FORMS |= {int(t): _FORMS[plain]._replace(compressed=True) for t, plain in _COMPRESSED.items()}
BEARING = frozenset(_FORMS)
"""Kinds of events that hold rows."""


class Told(NamedTuple):
    """What stands before the rows of an event, the same in all of a table's events of one kind: what was done, which columns are told."""

    kind: Kind
    before: bytes
    """A bit for each column that images before hold, the first column lowest; of the only image where there is one."""
    after: bytes
    width: int
    """How many columns the table has."""
    partial: bool


class Block(NamedTuple):
    """One row event, cut but not decoded."""

    told: Told
    table: bytes
    """Its number, see `tablemaps.table_id`."""
    ends_statement: bool
    rows: Bytes


def cut(kind: int, body: Bytes, fixed: int) -> Block:
    """The parts of a row event's body. `fixed` is the length of its fixed part. Raises Unreadable."""
    if len(body) <= _COPIED_MAX:
        body = bytes(body)
    form = _FORMS[kind]
    at, flags_at = fixed, 4 if fixed == 6 else 6
    if form.second_version:
        # Two bytes count themselves and what else the server tells about the rows (partitions, NDB).
        at += int.from_bytes(body[fixed - 2 : fixed], "little") - 2
    width, bits = body[at], at + 1
    if width >= _ONE_BYTE_END:
        width, bits = events.lenenc(body, at)
    begins = bits + (width + 7 >> 3) * form.images
    told = _told(kind, width, bytes(body[bits:begins]))
    rows = inflated(body[begins:]) if form.compressed else body[begins:]
    return _new(Block, (told, bytes(body[:flags_at]), body[flags_at] & _END_OF_STATEMENT != 0, rows))


@functools.lru_cache(maxsize=1024)
def _told(kind: int, width: int, bits: bytes) -> Told:
    form = _FORMS[kind]
    size = (width + 7) // 8
    if len(bits) != size * form.images:
        raise Unreadable("an event that ends before its rows")
    return Told(form.kind, bits[:size], bits[-size:], width, form.partial)


def inflated(raw: Bytes) -> bytes:
    """What MariaDB compressed with log_bin_compress: a byte that says how, the length in so many bytes, zlib (binlog_buf_uncompress)."""
    if not raw[0] & 0x80 or raw[0] & 0x70:
        raise Unreadable(f"rows compressed by method {raw[0]:#x}")
    width = raw[0] & 0x07
    size = int.from_bytes(raw[1 : 1 + width], "big")
    if size > _UNCOMPRESSED_BYTES_MAX:
        raise Unreadable(f"an event of {size} bytes, more than any server writes")
    inflater = zlib.decompressobj()
    told = inflater.decompress(raw[1 + width :], size + 1)
    if len(told) != size:
        raise Unreadable("compressed rows of another length than they say")
    return told


Pair = tuple[change.Image | None, change.Image | None]
"""A row before and after."""


class Reader:
    """Reads the rows of one table; what depends on its shape alone is made once. `wanted` are the only columns that are read, if told."""

    def __init__(self, shape: tablemaps.Shape, wanted: frozenset[str] | None = None) -> None:
        names = [c.name if c.name is not None and shape.named else f"@{i + 1}" for i, c in enumerate(shape.columns)]
        self.table = change.Table(
            schema=shape.schema,
            name=shape.table,
            columns=tuple(names),
            key=tuple(names[i] for i in shape.key),
            named=shape.named,
        )
        self._all = [(n, columns.field(c)) for n, c in zip(names, shape.columns, strict=True)]
        self._wanted = None if wanted is None else frozenset(n for n in names if n.lower() in wanted)
        self._documents = [n for n, c in zip(names, shape.columns, strict=True) if c.code is Code.JSON]
        self._images: dict[bytes, images.Images] = {}
        self._ways: dict[int, tuple[Told, images.Images, images.Images]] = {}

    def read(self, block: Block) -> list[Pair]:
        """Images before and after of every row. Raises Unreadable where the bytes do not fit the shape."""
        raw, (told, first, second) = bytes(block.rows), self._ways.get(id(block.told)) or self._way(block.told)
        if told.partial:
            read, at = self._partials(raw, told)
        elif told.kind is Kind.UPDATE:
            read, at = _pairs(raw, first, second)
        else:
            found, at = _each(raw, first)
            read = [(None, image) for image in found] if told.kind is Kind.INSERT else [(image, None) for image in found]
        if at != len(raw):
            raise Unreadable(f"rows of {self.table} that end {at - len(raw)} bytes after their event")
        return read

    def _way(self, told: Told) -> tuple[Told, images.Images, images.Images]:
        """By identity, and so with it: what reads the images of such events."""
        if told.width != len(self._all):
            raise Unreadable(f"rows of {told.width} columns for {self.table}, which has {len(self._all)}")
        first, second = self._reading(told.before), self._reading(told.after)
        if not (first.width or second.width):
            raise Unreadable(f"rows of {self.table} without a column")
        self._ways[id(told)] = way = (told, first, second)
        return way

    def _reading(self, told: bytes) -> images.Images:
        """What reads images that hold the columns of these bits."""
        known = self._images.get(told)
        if known is None:
            known = self._images[told] = images.Images(self._plan(told), self._wanted)
        return known

    def _plan(self, told: bytes) -> images.Plan:
        bits = int.from_bytes(told, "little")
        return [c for i, c in enumerate(self._all) if bits >> i & 1]

    def _partials(self, raw: bytes, how: Told) -> tuple[list[Pair], int]:
        """Rows whose images after may tell JSON as differences (binlog_row_value_options=PARTIAL_JSON)."""
        told: list[Pair] = []
        at, first = 0, self._reading(how.before)
        while at < len(raw):
            begins = at + first.width
            before, at = first[raw[at:begins]](raw, begins)
            after, at = self._partial(raw, at, how.after, before)
            told.append((before, after))
        return told, at

    def _partial(self, raw: bytes, at: int, told: bytes, before: change.Image) -> tuple[change.Image, int]:
        options, at = events.lenenc(raw, at)
        partial = 0
        if options & 1:
            width = (len(self._documents) + 7) // 8
            partial = int.from_bytes(raw[at : at + width], "little")
            at += width
        plan = self._plan(told)
        width = (len(plan) + 7) // 8
        nulls = int.from_bytes(raw[at : at + width], "little")
        at += width
        differing = {n for i, n in enumerate(self._documents) if partial >> i & 1}
        image: dict[str, Value] = {}
        for i, (name, field) in enumerate(plan):
            if nulls >> i & 1:
                image[name] = None
                continue
            begins, at = fields.end_of(field, raw, at)
            if name not in differing:
                image[name] = field.read(raw[begins:at])
                continue
            told_before = before.get(name)
            # Without it the log holds differences to a document that it does not hold: the column is not told.
            if isinstance(told_before, str):
                image[name] = documents.patched(told_before, memoryview(raw)[begins:at])
        return (image if self._wanted is None else {n: v for n, v in image.items() if n in self._wanted}), at


def _each(raw: bytes, reading: images.Images) -> tuple[list[change.Image], int]:
    told: list[change.Image] = []
    at, width = 0, reading.width
    while at < len(raw):
        begins = at + width
        image, at = reading[raw[at:begins]](raw, begins)
        told.append(image)
    return told, at


def _pairs(raw: bytes, first: images.Images, second: images.Images) -> tuple[list[Pair], int]:
    told: list[Pair] = []
    at, alike = 0, first is second
    while at < len(raw):
        begins = at + first.width
        nulls = raw[at:begins]
        if alike:
            before, after, at = first.pair(nulls)(raw, begins)
        else:
            before, at = first[nulls](raw, begins)
            after, at = second.after(raw, at)
        told.append((before, after))
    return told, at
