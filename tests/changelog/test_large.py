"""A log may be larger than memory: what is held of it does not grow with it, whichever reader goes through it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from makewhole.adapters.changelog import compiled
from makewhole.adapters.changelog.events import HEADER_LENGTH, MAGIC, Type
from tests.changelog import written
from tools import native

pytestmark = pytest.mark.slow
GIGABYTE = 1 << 30
GROWTH_KB_MAX = 60_000
"""Of memory that is not the file's own pages, for a log ten times as long: what batches and the allocator take."""
READER = """
import json, sys
from pathlib import Path
from makewhole.adapters.changelog import segments, stretches
told = stretches.read(segments.of_files([Path(sys.argv[1])]), lambda shape: stretches.ALL, plain=sys.argv[2] == "compiled")
transactions = most = 0

def held():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("RssAnon"))

for n, one in enumerate(told):
    transactions += one.count if isinstance(one, stretches.Stretch) else 1
    if n % 500 == 0:
        most = max(most, held())
print(json.dumps({"transactions": transactions, "most_kb": most}))
"""


def transaction(at: int, number: int) -> bytes:
    """One insert, with its places as they are in the file."""
    raw = bytearray()
    image = b"\0" + number.to_bytes(4, "little") + b"\x80\0\0\1\0"
    parts = [
        (Type.MARIA_GTID, written.maria_gtid(number)),
        (Type.TABLE_MAP, written.table_map(7, "shop", "orders", [written.INTEGER, written.AMOUNT])),
        (23, written.rows(7, 23, 2, [image] * 20)),
        (Type.XID, bytes(8)),
    ]
    for kind, body in parts:
        raw += written.event(kind, body, at=at + len(raw))
    return bytes(raw)


def read(path: Path, reader: str) -> dict[str, int]:
    done = subprocess.run([sys.executable, "-c", READER, str(path), reader], cwd=native.ROOT, capture_output=True, text=True, check=True)
    told: dict[str, int] = json.loads(done.stdout)
    return told


@pytest.mark.parametrize("reader", ["python", "compiled"])
def test_memory_does_not_grow_with_the_log(reader: str, tmp_path: Path) -> None:
    """4,000 and 40,000 transactions of twenty rows."""
    assert reader == "python" or compiled.library() is not None
    found = []
    for count in (4_000, 40_000):
        path = tmp_path / f"binlog.{count:06d}"
        with path.open("wb") as log:
            log.write(MAGIC + written.description())
            for number in range(count):
                log.write(transaction(log.tell(), number))
        told = read(path, reader)
        assert told["transactions"] == count
        found.append(told["most_kb"])
    assert found[1] < found[0] + GROWTH_KB_MAX, found


@pytest.mark.parametrize("reader", ["python", "compiled"])
def test_a_log_of_three_gigabytes_is_read_to_its_end(reader: str, tmp_path: Path) -> None:
    """Three events of a gigabyte each that may be passed by, most of it a hole in the file, with a transaction before and behind each.

    Without checksums, or every byte of the hole would have to be made.
    """
    path = tmp_path / "binlog.000001"
    description = bytearray(written.description())
    description[-5] = 0
    with path.open("wb") as log:
        log.write(MAGIC + description)
        for number in range(4):
            whole, at = transaction(log.tell(), number), 0
            while at < len(whole):
                size = int.from_bytes(whole[at + 9 : at + 13], "little")
                log.write(without_sum(whole[at : at + size], log.tell()))
                at += size
            if number < 3:
                end = log.tell() + GIGABYTE
                head = bytes(4) + bytes([250]) + bytes(4) + GIGABYTE.to_bytes(4, "little") + end.to_bytes(4, "little") + b"\x80\0"
                assert len(head) == HEADER_LENGTH
                log.write(head)
                log.seek(end)
    assert path.stat().st_size > 3 * GIGABYTE
    told = read(path, reader)
    assert told["transactions"] == 4
    assert told["most_kb"] < 300_000


def without_sum(event: bytes, at: int) -> bytes:
    size = len(event) - 4
    return event[:9] + size.to_bytes(4, "little") + (at + size).to_bytes(4, "little") + event[17:-4]
