"""Damaged logs by the thousand go through a compiled reader built with sanitizers; the process dies at the first byte out of place.

    PYTHONMALLOC=malloc LD_PRELOAD=$(gcc -print-file-name=libasan.so) python -m tests.changelog.hammer LIBRARY SEED LOGS BEYOND

Each log is copied to memory of exactly its size, so that one byte too far is seen. Prints how many images were read all the same.
"""

from __future__ import annotations

import ctypes
import random
import sys
import zlib
from pathlib import Path

from makewhole.adapters.changelog import arrow, columns, compiled, events, tablemaps, wrong
from makewhole.adapters.changelog.events import Type
from makewhole.adapters.changelog.tablemaps import Code, Column
from tests.changelog import written

TEXTS = [Column(code=Code.VARCHAR, meta=meta, charset=c) for meta in (20, 400) for c in ("utf8mb4", "latin1", "binary")]
COLUMNS = [
    *(Column(code=code, meta=0, unsigned=u) for code in tablemaps.INTEGERS for u in (False, True)),
    *(Column(code=Code.NEWDECIMAL, meta=p | s << 8, unsigned=False) for p, s in ((10, 2), (38, 19), (1, 0), (5, 5), (18, 9))),
    Column(code=Code.FLOAT, meta=4, unsigned=False), Column(code=Code.DOUBLE, meta=8, unsigned=False), Column(code=Code.YEAR, meta=0),
    Column(code=Code.DATE, meta=0), *(Column(code=c, meta=n) for c in (Code.DATETIME2, Code.TIMESTAMP2, Code.TIME2) for n in range(7)),
    *(Column(code=Code.BIT, meta=n // 8 << 8 | n % 8) for n in (1, 8, 13, 64)), *TEXTS,
    *(Column(code=Code.STRING, meta=n, charset=c) for n in (8, 400) for c in ("utf8mb4", "binary")),
    *(Column(code=Code.BLOB, meta=n, charset=c) for n in (1, 2, 3, 4) for c in ("utf8mb4", "binary")),
    Column(code=Code.ENUM, meta=1, charset="utf8mb4", labels=("待付款", "b")),
    Column(code=Code.SET, meta=1, charset="utf8mb4", labels=("加急", "b", "c")),
]  # fmt: skip


def log(r: random.Random) -> bytearray:
    """A log of one table: some transactions with random values, most of them such as Arrow can hold."""
    told = r.choices(COLUMNS, k=r.randint(1, 12))
    parts: list[tuple[int, bytes]] = []
    for number in range(r.randint(1, 3)):
        kind = r.choice([23, 24, 25, 30, 31, 32])
        images = [image(r, told) for _ in range(r.randint(1, 4) * (2 if kind in {24, 31} else 1))]
        parts += [(Type.MARIA_GTID, written.maria_gtid(number)), (Type.TABLE_MAP, written.table_map(7, "s", "t", told))]
        parts += [(kind, written.rows(7, kind, len(told), images)), (Type.XID, bytes(8))]
    return bytearray(written.log(parts))


def image(r: random.Random, told: list[Column]) -> bytes:
    nulls = r.choice([0, r.getrandbits(len(told))])
    return nulls.to_bytes((len(told) + 7) // 8, "little") + b"".join(value(r, c) for i, c in enumerate(told) if not nulls >> i & 1)


def value(r: random.Random, column: Column) -> bytes:
    field = columns.field(column)
    if field.counted:
        text = r.choice(["", "ab", "退款😀"]).encode() if column.charset == "utf8mb4" else r.randbytes(r.randint(0, 9))
        return len(text).to_bytes(field.size, "little") + text
    if column.code is Code.NEWDECIMAL:
        return b"\x80" + bytes(field.size - 1)
    return r.choice([bytes(field.size), r.randbytes(field.size)])


def damaged(r: random.Random, raw: bytearray) -> bytearray:
    """Bytes changed, mostly under a checksum that is made right again; or the end cut off."""
    if r.random() < 0.2:
        return raw[: r.randint(4 + int.from_bytes(raw[13:17], "little"), len(raw))]
    at = 4
    while at + 19 <= len(raw):
        size = int.from_bytes(raw[at + 9 : at + 13], "little")
        end = at + size
        if at > 4 and r.random() < 0.4:
            for _ in range(r.randint(1, 3)):
                raw[r.randrange(at + (0 if r.random() < 0.1 else 19), end - 4)] = r.choice([0, 1, 0x7F, 0xFF, r.randrange(256)])
            if r.random() < 0.9:
                raw[end - 4 : end] = zlib.crc32(raw[at : end - 4]).to_bytes(4, "little")
        at = end
    return raw


def read(library: ctypes.CDLL, raw: bytes, beyond: int) -> int:
    """What `stretches` does, on memory of exactly this size; how many images came out. `beyond` bytes it is lied to about the size."""
    scan, images = compiled.Scan(library), 0
    memory = (ctypes.c_uint8 * len(raw)).from_buffer_copy(raw)
    size = int.from_bytes(raw[13:17], "little")
    told = events.format_of(memoryview(raw)[4 : 4 + size])
    scan.format(told.lengths, checksummed=True)
    at, plans = 4 + size, set[int]()
    while True:
        reason, at, map_at, map_size = scan.run(ctypes.addressof(memory), len(raw) + beyond, at)
        if reason == compiled.UNKNOWN_MAP:
            map_ = raw[map_at : map_at + map_size]
            plan = compiled.ODD
            try:
                plan = scan.add(tablemaps.parse(memoryview(map_), mariadb=True), None)
            except wrong.UNREAD:
                plan = compiled.ODD
            scan.teach(map_, plan)
            plans |= {plan} - {compiled.ODD}
            continue
        for plan in plans:
            table = arrow.Table(lambda array, schema, plan=plan: scan.export(plan, array, schema), scan.release)  # type: ignore[misc]
            images += sum(len(table.values(name)) for name in table.columns[:1])
        scan.clear()
        if reason != compiled.NOT_PLAIN:
            return images
        length = int.from_bytes(raw[at + 9 : at + 13], "little")
        at += max(length, 19)
        if at >= len(raw):
            return images


def main(library: str, seed: int, logs: int, beyond: int) -> None:
    compiled.LIBRARY = Path(library)
    told = compiled.library()
    assert told is not None
    r = random.Random(seed)
    print(sum(read(told, bytes(damaged(r, log(r))), beyond) for _ in range(logs)))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
