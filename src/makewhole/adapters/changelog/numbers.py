"""Numbers of row images go in, exact ones come out: integers of every width, decimals, floats by their bits, bit fields.

Format: MySQL, "Binary Log: Rows Events, column values" (log_event.cc, rpl_utility.cc).
"""

from __future__ import annotations

import struct
from decimal import Context, Decimal

from makewhole.adapters.changelog.fields import Bytes, Field

_DIGIT_BYTES = (0, 1, 1, 2, 2, 3, 3, 4, 4, 4)
"""Bytes that so many decimal digits take; nine fill four."""
_EXACT = Context(prec=100)
"""A column has up to 65 digits, Python's own context rounds to 28."""
_MINUS_ZERO = Decimal("-0")
_FLOAT, _DOUBLE = struct.Struct("<f"), struct.Struct("<d")


_LETTERS = {1: "b", 2: "h", 4: "i", 8: "q"}


def whole(width: int, *, unsigned: bool) -> Field:
    """TINYINT to BIGINT: 1, 2, 3, 4 or 8 bytes, little-endian."""
    letter = _LETTERS.get(width, "")
    return Field(width, lambda raw: int.from_bytes(raw, "little", signed=not unsigned), direct=letter.upper() if unsigned else letter)


SINGLE = Field(4, lambda raw: _FLOAT.unpack(raw)[0], direct="f")
"""FLOAT: the double that has the same value, to the bit."""
DOUBLE = Field(8, lambda raw: _DOUBLE.unpack(raw)[0], direct="d")
"""DOUBLE, to the bit."""


def bits(width: int) -> Field:
    """BIT: so many bytes, big-endian."""
    return Field(width, lambda raw: int.from_bytes(raw, "big"))


def decimal(precision: int, scale: int) -> Field:
    """DECIMAL: groups of nine digits in four bytes each, the odd digits outside; the first bit is the sign, negatives complemented.

    Every digit that the column has is there in the result, zeros at the end too.
    """
    whole_groups, whole_odd = divmod(precision - scale, 9)
    part_groups, part_odd = divmod(scale, 9)
    whole_width = _DIGIT_BYTES[whole_odd] + 4 * whole_groups
    width = whole_width + 4 * part_groups + _DIGIT_BYTES[part_odd]
    groups = _groups(whole_odd, whole_groups, part_groups, part_odd)
    scaled, unit = _EXACT.multiply, Decimal(1).scaleb(-scale)
    sign_bit = 1 << 8 * width - 1
    mask = sign_bit - 1

    def read(raw: Bytes) -> Decimal:
        packed = int.from_bytes(raw, "big")
        negative = not packed & sign_bit
        # The first bit is set where the sign is plus, and all others are turned round where it is minus.
        body = packed ^ (mask if negative else sign_bit)
        digits = 0
        for shift, ones, power in groups:
            digits = digits * power + (body >> shift & ones)
        if negative:
            return scaled(-digits, unit) if digits else scaled(_MINUS_ZERO, unit)
        return scaled(digits, unit)

    if len(groups) != 2:
        return Field(width, read)
    (shift, _, _), (_, ones, power) = groups

    def read_money(raw: Bytes) -> Decimal:
        """The same for a column of one group before its point and one behind: nearly every amount."""
        packed = int.from_bytes(raw, "big")
        if not packed & sign_bit:
            return read(raw)
        body = packed ^ sign_bit
        return scaled((body >> shift) * power + (body & ones), unit)

    return Field(width, read_money)


def _groups(whole_odd: int, whole_groups: int, part_groups: int, part_odd: int) -> tuple[tuple[int, int, int], ...]:
    """Where each group of digits stands: by how many bits to shift, which bits to keep, and ten to the power of its digits."""
    digits = [whole_odd] * bool(whole_odd) + [9] * whole_groups + [9] * part_groups + [part_odd] * bool(part_odd)
    shift = 8 * sum(_DIGIT_BYTES[n] for n in digits)
    found = []
    for n in digits:
        shift -= 8 * _DIGIT_BYTES[n]
        found.append((shift, (1 << 8 * _DIGIT_BYTES[n]) - 1, 10**n))
    return tuple(found)
