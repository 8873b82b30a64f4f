"""Row events and the shape of their table go in, images by column come out: every version, compressed or not, partial JSON included.

Format: MySQL, Rows_event (libbinlogevents/include/rows_event.h); MariaDB, "Rows Event" and its compressed kinds 166 to 171.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from makewhole.adapters.changelog import columns, documents, events, tablemaps
from makewhole.adapters.changelog.events import Type
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
BEARING = frozenset({*_KINDS, *_COMPRESSED})
"""Kinds of events that hold rows."""
_SECOND_VERSION = frozenset({Type.WRITE_ROWS, Type.UPDATE_ROWS, Type.DELETE_ROWS, Type.PARTIAL_UPDATE_ROWS})
_UNCOMPRESSED_BYTES_MAX = 1 << 30
"""No event is larger than the largest packet that a server can be set to."""
END_OF_STATEMENT = 0x0001


class Block(NamedTuple):
    """One row event, cut but not decoded: which table, what was done, which columns are told, and the bytes of the rows."""

    kind: Kind
    table: int
    flags: int
    before: int
    """Bits of the columns that images before hold, the first column lowest; of the only image where there is one."""
    after: int
    width: int
    rows: memoryview
    partial: bool = False


def cut(kind: int, body: memoryview, fixed: int) -> Block:
    """The parts of a row event's body. `fixed` is the length of its fixed part. Raises Unreadable."""
    plain = _COMPRESSED.get(Type(kind))
    version = plain or Type(kind)
    at = fixed
    if version in _SECOND_VERSION:
        # Two bytes count themselves and what else the server tells about the rows (partitions, NDB).
        at = fixed - 2 + int.from_bytes(body[fixed - 2 : fixed], "little")
    width, at = events.lenenc(body, at)
    size = (width + 7) // 8
    before = after = int.from_bytes(body[at : at + size], "little")
    at += size
    if _KINDS[version] is Kind.UPDATE:
        after = int.from_bytes(body[at : at + size], "little")
        at += size
    told = tablemaps.table_id(body, 6 if fixed == 6 else 8)
    flags_at = 4 if fixed == 6 else 6
    flags = int.from_bytes(body[flags_at : flags_at + 2], "little")
    rows = body[at:] if plain is None else memoryview(inflated(body[at:]))
    every = (1 << width) - 1
    return Block(_KINDS[version], told, flags, before & every, after & every, width, rows, version is Type.PARTIAL_UPDATE_ROWS)


def inflated(raw: memoryview) -> bytes:
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


Plan = Sequence[tuple[str, columns.Decode, bool]]
"""The columns of an image in order: name, decoder, whether it is MySQL's JSON."""


class Reader:
    """Reads the rows of one table; what depends on its shape alone is made once."""

    def __init__(self, shape: tablemaps.Shape) -> None:
        names = [c.name if c.name is not None and shape.named else f"@{i + 1}" for i, c in enumerate(shape.columns)]
        self.table = change.Table(
            schema=shape.schema,
            name=shape.table,
            columns=tuple(names),
            key=tuple(names[i] for i in shape.key),
            named=shape.named,
        )
        self._all = [(n, columns.decoder(c), c.code is Code.JSON) for n, c in zip(names, shape.columns, strict=True)]
        self._documents = sum(c.code is Code.JSON for c in shape.columns)
        self._plans: dict[int, Plan] = {}

    def read(self, block: Block) -> Iterator[tuple[change.Image | None, change.Image | None]]:
        """Images before and after of every row. Raises Unreadable where the bytes do not fit the shape."""
        if block.width != len(self._all):
            raise Unreadable(f"rows of {block.width} columns for {self.table}, which has {len(self._all)}")
        raw, at, end = block.rows, 0, len(block.rows)
        first, second = self._plan(block.before), self._plan(block.after)
        while at < end:
            image, at = _image(raw, at, first)
            match block.kind:
                case Kind.INSERT:
                    yield None, image
                case Kind.DELETE:
                    yield image, None
                case Kind.UPDATE:
                    if block.partial:
                        after, at = self._partial(raw, at, block.after, image)
                    else:
                        after, at = _image(raw, at, second)
                    yield image, after
        if at != end:
            raise Unreadable(f"rows of {self.table} that end {at - end} bytes after their event")

    def _plan(self, told: int) -> Plan:
        plan = self._plans.get(told)
        if plan is None:
            plan = self._plans[told] = [c for i, c in enumerate(self._all) if told >> i & 1]
        return plan

    def _partial(self, raw: memoryview, at: int, told: int, before: change.Image) -> tuple[change.Image, int]:
        """An image after whose JSON may be told as differences to the one before (binlog_row_value_options=PARTIAL_JSON)."""
        options, at = events.lenenc(raw, at)
        partial = 0
        if options & 1:
            width = (self._documents + 7) // 8
            partial = int.from_bytes(raw[at : at + width], "little")
            at += width
        plan = self._plan(told)
        width = (len(plan) + 7) // 8
        nulls = int.from_bytes(raw[at : at + width], "little")
        at += width
        places = {n: i for i, n in enumerate(n for n, _, document in self._all if document)}
        image: dict[str, Value] = {}
        for i, (name, decode, document) in enumerate(plan):
            if nulls >> i & 1:
                image[name] = None
            elif document and partial >> places[name] & 1:
                size = int.from_bytes(raw[at : at + 4], "little")
                told_before = before.get(name)
                if isinstance(told_before, str):
                    image[name] = documents.patched(told_before, raw[at + 4 : at + 4 + size])
                # Else the log holds differences to a document that it does not hold: the column is not told.
                at += 4 + size
            else:
                image[name], at = decode(raw, at)
        return image, at


def _image(raw: memoryview, at: int, plan: Plan) -> tuple[dict[str, Value], int]:
    width = (len(plan) + 7) // 8
    nulls = int.from_bytes(raw[at : at + width], "little")
    at += width
    image: dict[str, Value] = {}
    for name, decode, _ in plan:
        if nulls & 1:
            image[name] = None
        else:
            image[name], at = decode(raw, at)
        nulls >>= 1
    return image, at
