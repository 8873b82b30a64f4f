"""MySQL's binary JSON goes in, its text as the server prints it comes out; and differences between two documents are applied.

Format: MySQL, sql-common/json_binary.h (storage) and sql-common/json_diff.h (PARTIAL_UPDATE_ROWS). MariaDB keeps JSON as text.
"""

from __future__ import annotations

import base64
import json
import re
import struct
from dataclasses import dataclass
from decimal import Decimal

from makewhole.adapters.changelog import events, numbers
from makewhole.adapters.changelog.wrong import Unreadable

DEPTH_MAX = 100
"""MySQL's own limit of nesting."""
_DOUBLE = struct.Struct("<d")
_INTEGERS = {5: (2, True), 6: (2, False), 7: (4, True), 8: (4, False), 9: (8, True), 10: (8, False)}
"""Bytes of a number's kind, and whether it is signed."""
_LITERALS: dict[int, bool | None] = {0: None, 1: True, 2: False}
_INLINE = {4, 5, 6}
_INLINE_LARGE = {4, 5, 6, 7, 8}
"""Kinds that stand in their container's own entry and not behind an offset."""
_LEG = re.compile(r'\[(\d+)\]|\.("(?:[^"\\]|\\.)*"|[^.\["]+)')
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_ESCAPED = re.compile(r'["\\\x00-\x1f]')
_PLAIN_EXPONENT = 15
"""Beyond so many digits before or after its point the server writes a double with an exponent."""


@dataclass(frozen=True, slots=True)
class Opaque:
    """A value of a type that JSON does not have, as the text that the server makes of it."""

    text: str


@dataclass(frozen=True, slots=True)
class Verbatim:
    """A number with a point as it was printed: nobody can tell any more whether it is a double or a decimal."""

    text: str


Node = None | bool | int | float | Decimal | str | Opaque | Verbatim | list["Node"] | dict[str, "Node"]


def read(raw: memoryview) -> Node:
    """A document. No bytes at all are the literal null."""
    return _value(raw[0], raw, 1, 0) if len(raw) else None


def _value(kind: int, raw: memoryview, at: int, depth: int) -> Node:
    if depth > DEPTH_MAX:
        raise Unreadable(f"JSON nested deeper than {DEPTH_MAX}")
    if kind in {0, 1, 2, 3}:
        return _container(raw[at:], large=bool(kind & 1), keyed=kind < 2, depth=depth)
    if kind == 4:
        return _LITERALS[raw[at]]
    if kind in _INTEGERS:
        width, signed = _INTEGERS[kind]
        return int.from_bytes(raw[at : at + width], "little", signed=signed)
    if kind == 11:
        told: float = _DOUBLE.unpack_from(raw, at)[0]
        return told
    if kind == 12:
        length, at = _length(raw, at)
        return str(raw[at : at + length], "utf-8")
    if kind == 15:
        length, after = _length(raw, at + 1)
        return _opaque(raw[at], raw[after : after + length])
    raise Unreadable(f"JSON with a value of kind {kind}")


def _container(raw: memoryview, *, large: bool, keyed: bool, depth: int) -> Node:
    width = 4 if large else 2
    inline = _INLINE_LARGE if large else _INLINE

    def number(at: int, size: int = width) -> int:
        return int.from_bytes(raw[at : at + size], "little")

    count = number(0)
    if number(width) > len(raw):
        raise Unreadable("JSON that ends before its own length")
    keys_at = 2 * width
    values_at = keys_at + (count * (width + 2) if keyed else 0)
    values: list[Node] = []
    for i in range(count):
        entry = values_at + i * (1 + width)
        kind = raw[entry]
        values.append(_value(kind, raw, entry + 1 if kind in inline else number(entry + 1), depth + 1))
    if not keyed:
        return values
    starts = (keys_at + i * (width + 2) for i in range(count))
    keys = [str(raw[number(s) : number(s) + number(s + width, 2)], "utf-8") for s in starts]
    return dict(zip(keys, values, strict=True))


def _length(raw: memoryview, at: int) -> tuple[int, int]:
    """A length of seven bits a byte, the lowest first."""
    told = shift = 0
    while shift < 35:
        byte = raw[at]
        at += 1
        told |= (byte & 0x7F) << shift
        if byte < 0x80:
            return told, at
        shift += 7
    raise Unreadable("JSON with a length of more than five bytes")


def _opaque(kind: int, raw: memoryview) -> Node:
    if kind == 246:
        field = numbers.decimal(raw[0], raw[1])
        told = field.read(raw[2 : 2 + field.size])
        return told if isinstance(told, Decimal) else None
    if kind in {7, 10, 11, 12}:
        return Opaque(_moment(kind, int.from_bytes(raw[:8], "little", signed=True)))
    return Opaque(f"base64:type{kind}:{base64.b64encode(raw).decode('ascii')}")


def _moment(kind: int, packed: int) -> str:
    size = abs(packed)
    micro, clock = size & 0xFFFFFF, size >> 24
    sign = "-" if packed < 0 else ""
    if kind == 11:
        return f"{sign}{clock >> 12 & 1023:02d}:{clock >> 6 & 63:02d}:{clock & 63:02d}.{micro:06d}"
    months, of_month = clock >> 22, clock >> 17 & 31
    day = f"{months // 13:04d}-{months % 13:02d}-{of_month:02d}"
    return day if kind == 10 else f"{day} {clock >> 12 & 31:02d}:{clock >> 6 & 63:02d}:{clock & 63:02d}.{micro:06d}"


def write(told: Node) -> str:
    """The document as the server prints it."""
    match told:
        case None:
            return "null"
        case bool():
            return "true" if told else "false"
        case int():
            return str(told)
        case float():
            return _double(told)
        case Decimal():
            return format(told, "f")
        case str():
            return _quoted(told)
        case Opaque(text=text):
            return _quoted(text)
        case Verbatim(text=text):
            return text
        case list():
            return f"[{', '.join(map(write, told))}]"
        case dict():
            # A difference may have added a member: the server keeps them by length, then by bytes.
            members = sorted(told.items(), key=lambda m: (len(m[0].encode()), m[0].encode()))
            return "{" + ", ".join(f"{_quoted(k)}: {write(v)}" for k, v in members) + "}"


def _quoted(text: str) -> str:
    return '"' + _ESCAPED.sub(lambda m: _ESCAPES.get(m[0]) or f"\\u{ord(m[0]):04x}", text) + '"'


def _double(told: float) -> str:
    """The shortest digits that are this number, in the server's own form (dtoa.cc, my_gcvt): 1.0, 0.00001, 1e20."""
    sign, digits, exponent = Decimal(repr(told)).normalize().as_tuple()
    if not isinstance(exponent, int):
        raise Unreadable(f"JSON with the number {told}")
    text = "".join(map(str, digits))
    point = len(text) + exponent
    minus = "-" if sign else ""
    if told == 0:
        return f"{minus}0.0"
    if -_PLAIN_EXPONENT < point <= _PLAIN_EXPONENT:
        if point <= 0:
            return f"{minus}0.{'0' * -point}{text}"
        whole = text[:point].ljust(point, "0")
        return f"{minus}{whole}.{text[point:] or '0'}"
    return f"{minus}{text[0]}{'.' if len(text) > 1 else ''}{text[1:]}e{point - 1}"


def patched(text: str, differences: memoryview) -> str:
    """A document's text after the differences that a partial update holds. Raises Unreadable where they do not fit it."""
    return write(patch(from_text(text), differences))


def from_text(text: str) -> Node:
    """A document from its text, as `write` left it, so that `write` gives the same text again."""
    told: Node = json.loads(text, parse_float=Verbatim)
    return told


def patch(document: Node, raw: memoryview) -> Node:
    """The document after the differences that a partial update holds. Raises Unreadable where they do not fit it."""
    at = 0
    while at < len(raw):
        operation = raw[at]
        length, at = events.lenenc(raw, at + 1)
        path = _path(str(raw[at : at + length], "utf-8"))
        at += length
        value: Node = None
        if operation != 2:
            length, at = events.lenenc(raw, at)
            value = read(raw[at : at + length])
            at += length
        if not path:
            document = value
            continue
        try:
            _apply(document, path, operation, value)
        except (KeyError, IndexError, TypeError) as wrong:
            raise Unreadable("a partial update of JSON that does not fit the document before it") from wrong
    return document


def _path(text: str) -> list[int | str]:
    """Legs of a path such as $.a[0]."b c"."""
    legs: list[int | str] = []
    at = 1
    while at < len(text):
        leg = _LEG.match(text, at)
        if leg is None or text[0] != "$":
            raise Unreadable(f"a JSON path {text!r}")
        index, name = leg.groups()
        legs.append(int(index) if index is not None else json.loads(name) if name.startswith('"') else name)
        at = leg.end()
    return legs


def _apply(document: Node, path: list[int | str], operation: int, value: Node) -> None:
    """0 replaces, 1 inserts, 2 removes what is at the path's end."""
    inside: Node = document
    for leg in path[:-1]:
        inside = _step(inside, leg)
    last = path[-1]
    match inside, last:
        case list(), int():
            if operation == 1:
                inside.insert(last, value)
            elif operation == 0:
                inside[last] = value
            else:
                del inside[last]
        case dict(), str():
            if operation == 2 or (operation == 0 and last not in inside):
                del inside[last]
            if operation != 2:
                inside[last] = value
        case _:
            raise TypeError(last)


def _step(inside: Node, leg: int | str) -> Node:
    match inside, leg:
        case list(), int():
            return inside[leg]
        case dict(), str():
            return inside[leg]
        case _:
            raise TypeError(leg)
