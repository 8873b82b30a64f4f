"""A log goes in where a transaction may begin, and transactions of the usual kind come out: GTID, words, tables, rows, end.

They are read in one go, and of an event nothing is made but what its transaction keeps. Whatever is not of that kind (another event, a
wrong sum, a table that nobody described) is left where it stands for `transactions.Assembler`, which reads event by event, knows them
all, and says of the others what is wrong and where. What both can read, both read alike.
"""

from __future__ import annotations

import contextlib
import struct
import zlib
from collections.abc import Generator, Iterator

from makewhole.adapters.changelog import events, queries, rows, tablemaps, transactions, wrong
from makewhole.adapters.changelog.events import Type
from makewhole.adapters.changelog.segments import Segment
from makewhole.adapters.changelog.transactions import Assembler, Group, Rows

_TABLE_MAP, _XID, _QUERY, _ROWS_QUERY = int(Type.TABLE_MAP), int(Type.XID), int(Type.QUERY), int(Type.ROWS_QUERY)
_MARIA_ANNOTATE_ROWS = int(Type.MARIA_ANNOTATE_ROWS)
"""Plain numbers: members of an enum cost more than what is done with them."""
_HEADER = struct.Struct("<IBIII")
"""All of an event's header but its flags, which tell nothing of these events."""
WINDOW_BYTES = 64 << 10
"""How much of a log is taken to hand at once."""
_new = tuple.__new__


def read(told: Segment, assembler: Assembler) -> Iterator[Group]:
    """The transactions from `told.at` on, as long as they are usual; there it then stands where the first begins that is not."""
    usual = True
    while usual:
        begun = told.at
        # Parts of bytes are had for a fifth of what parts of a file's memory cost.
        window = bytes(told.raw[begun : begun + WINDOW_BYTES])
        usual = yield from _within(window, told, assembler)
        # One that does not fit into a window is not usual either.
        usual &= told.at > begun


def _within(window: bytes, told: Segment, assembler: Assembler) -> Generator[Group, None, bool]:
    """Those that stand whole in a window, which begins at `told.at`; False where what comes next is not usual, in a larger one neither."""
    form, file, first, head = told.told, told.file, told.at, events.HEADER_LENGTH
    tail = events.CHECKSUM_LENGTH if form.checksummed else 0
    size, least, residue, sum_of = len(window), head + tail, events.RESIDUE, zlib.crc32
    header, lengths, shape_of, bearing = _HEADER.unpack_from, form.lengths, assembler.shape, rows.BEARING
    base, gtids = told.base + first, transactions.GTIDS
    # Whoever reads event by event says what cannot be read, and where.
    with contextlib.suppress(*wrong.UNREAD):
        map_fixed, end = form.fixed(_TABLE_MAP), 0
        while True:
            begun, gtid, within, text, connection, user = end, None, False, "", None, ""
            kind = when = following = 0
            found: list[Rows] = []
            shapes: dict[bytes, tablemaps.Shape] = {}
            while kind != _XID:
                at = end
                if at + head > size:
                    return True
                when, kind, server, length, following = header(window, at)
                end = at + length
                if end > size:
                    return True
                if length < least or (tail and sum_of(window[at:end]) != residue):
                    return False
                body = window[at + head : end - tail]
                if kind == _TABLE_MAP:
                    shapes[tablemaps.table_id(body, map_fixed)] = shape_of(body[map_fixed:], form)
                elif kind in bearing:
                    block = rows.cut(kind, body, lengths[kind - 1])
                    if block.rows:
                        found.append(_new(Rows, (shapes[block.table], block, text, at + base)))
                    if block.ends_statement:
                        shapes, text = {}, ""
                elif kind == _MARIA_ANNOTATE_ROWS:
                    text = str(body, "utf-8", "replace")
                elif kind in gtids:
                    # One, and at the beginning.
                    if at != begun:
                        return False
                    gtid = transactions.gtid(kind, server, body)
                    within = gtid.within
                elif kind == _ROWS_QUERY:
                    text = str(body[1:], "utf-8", "replace")
                elif kind == _QUERY:
                    query = queries.parse(memoryview(body), compressed=False)
                    if queries.verb(query.text) is not queries.Verb.BEGIN:
                        return False
                    within, connection, user = True, query.connection or connection, query.invoker or user
                elif kind != _XID:
                    return False
            if gtid is None or not within or shapes:
                return False
            begins, ends = assembler.passed(gtid, file, begun + base, following or end + base)
            told.at = first + end
            committed_us, whole = gtid.committed_us or when * 1_000_000, (told.raw[first + begun : told.at],)
            yield _new(Group, (gtid.id, begins, ends, committed_us, connection, user, tuple(found), (), whole, form))
    return False
