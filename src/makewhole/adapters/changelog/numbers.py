"""Numbers of row images go in, exact ones come out: integers of every width, decimals, floats by their bits, bit fields.

Format: MySQL, "Binary Log: Rows Events, column values" (log_event.cc, rpl_utility.cc). Every decoder takes the buffer and where the
value begins, and gives the value and where the next one begins.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from decimal import Decimal

from makewhole.model.change import Value

Decode = Callable[[memoryview, int], tuple[Value, int]]
_DIGIT_BYTES = (0, 1, 1, 2, 2, 3, 3, 4, 4, 4)
"""Bytes that so many decimal digits take; nine fill four."""
_FLOAT, _DOUBLE = struct.Struct("<f"), struct.Struct("<d")


def whole(width: int, *, unsigned: bool) -> Decode:
    """TINYINT to BIGINT: 1, 2, 3, 4 or 8 bytes, little-endian."""
    signed = not unsigned

    def decode(raw: memoryview, at: int) -> tuple[Value, int]:
        end = at + width
        return int.from_bytes(raw[at:end], "little", signed=signed), end

    return decode


def single(raw: memoryview, at: int) -> tuple[Value, int]:
    """FLOAT: the double that has the same value, to the bit."""
    return _FLOAT.unpack_from(raw, at)[0], at + 4


def double(raw: memoryview, at: int) -> tuple[Value, int]:
    """DOUBLE, to the bit."""
    return _DOUBLE.unpack_from(raw, at)[0], at + 8


def bits(width: int) -> Decode:
    """BIT: so many bytes, big-endian."""

    def decode(raw: memoryview, at: int) -> tuple[Value, int]:
        end = at + width
        return int.from_bytes(raw[at:end], "big"), end

    return decode


def decimal(precision: int, scale: int) -> Decode:
    """DECIMAL: groups of nine digits in four bytes each, the odd digits outside; the first bit is the sign, negatives complemented.

    Every digit that the column has is there in the result, zeros at the end too.
    """
    whole_groups, whole_odd = divmod(precision - scale, 9)
    part_groups, part_odd = divmod(scale, 9)
    whole_width = _DIGIT_BYTES[whole_odd] + 4 * whole_groups
    width = whole_width + 4 * part_groups + _DIGIT_BYTES[part_odd]
    groups = _groups(whole_odd, whole_groups, part_groups, part_odd)
    sign_bit, mask = 1 << 8 * width - 1, (1 << 8 * width) - 1

    def decode(raw: memoryview, at: int) -> tuple[Value, int]:
        end = at + width
        packed = int.from_bytes(raw[at:end], "big")
        negative = not packed & sign_bit
        body = (packed ^ mask if negative else packed) & ~sign_bit
        digits = 0
        for shift, ones, power in groups:
            digits = digits * power + (body >> shift & ones)
        return _scaled(-digits if negative else digits, scale, negative=negative), end

    return decode


def _groups(whole_odd: int, whole_groups: int, part_groups: int, part_odd: int) -> tuple[tuple[int, int, int], ...]:
    """Where each group of digits stands: by how many bits to shift, which bits to keep, and ten to the power of its digits."""
    digits = [whole_odd] * bool(whole_odd) + [9] * whole_groups + [9] * part_groups + [part_odd] * bool(part_odd)
    shift = 8 * sum(_DIGIT_BYTES[n] for n in digits)
    found = []
    for n in digits:
        shift -= 8 * _DIGIT_BYTES[n]
        found.append((shift, (1 << 8 * _DIGIT_BYTES[n]) - 1, 10**n))
    return tuple(found)


def _scaled(digits: int, scale: int, *, negative: bool) -> Decimal:
    """Made from text, because arithmetic on decimals rounds to a context's 28 digits, and a column has up to 65."""
    if not scale:
        return Decimal(digits)
    text = f"{abs(digits):0{scale + 1}d}"
    return Decimal(f"{'-' if negative else ''}{text[:-scale]}.{text[-scale:]}")
