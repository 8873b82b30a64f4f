"""The name of a file in a rotation, with and without its checksum: whatever the checksum's bytes look like."""

from __future__ import annotations

import struct
import zlib

import pytest

from makewhole.adapters.changelog import events, replica

NAME = b"binlog.000007"


def rotation(position: int, *, summed: bool) -> events.Event:
    """A rotation as a server invents it for a replica, which has told no format yet."""
    body = position.to_bytes(8, "little") + NAME
    size = 19 + len(body) + (4 if summed else 0)
    raw = struct.pack("<IBIIIH", 0, events.Type.ROTATE, 1, size, 0, events.ARTIFICIAL) + body
    raw += zlib.crc32(raw).to_bytes(4, "little") if summed else b""
    return events.parse(memoryview(raw), 4, None)


@pytest.mark.parametrize("summed", [True, False])
def test_a_checksum_is_no_part_of_the_name(*, summed: bool) -> None:
    """Among two thousand rotations some sums begin with a digit, as names end."""
    raws = [rotation(at, summed=summed) for at in range(2000)]
    assert {replica._next(event) for event in raws} == {NAME.decode()}
    digits = [e for e in raws if summed and chr(e.raw[-4]).isdigit()]
    assert bool(digits) is summed
