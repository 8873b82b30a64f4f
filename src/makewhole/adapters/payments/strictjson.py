"""JSON as channels write it, read strictly: text goes in, plain values come out, or ValueError. Shared by the connectors.

Duplicate keys, NaN, deep nesting and large bodies are refused; what a field may be is each wire's own.
"""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn, TypeVar

import msgspec

Shape = TypeVar("Shape")
BODY_BYTES_MAX = 64 * 1024
"""A transaction with many coupons has 4 KB; a list of certificates 6 KB."""
DEPTH_MAX = 12
"""Documented objects nest to 4."""
_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_BRACKETS = re.compile(r"[\[\]{}]")


def text(raw: bytes, charset: str = "utf-8") -> str:
    """The text of a body. Raises ValueError where it is too long, or not of this charset to the last byte."""
    if len(raw) > BODY_BYTES_MAX:
        raise ValueError(f"{len(raw)} bytes, allowed are {BODY_BYTES_MAX}")
    try:
        told = raw.decode(charset)
    except UnicodeDecodeError as wrong:
        raise ValueError(f"not {charset}: {wrong.reason}") from wrong
    # A signature is over bytes: text that does not lead back to them proves nothing.
    if told.encode(charset) != raw:
        raise ValueError(f"not plain {charset}")
    return told


def read(told: str) -> object:
    """The value. Raises ValueError for anything that is not exactly one."""
    depth = 0
    for bracket in _BRACKETS.findall(_STRINGS.sub("", told)):
        depth += 1 if bracket in "[{" else -1
        if depth > DEPTH_MAX:
            raise ValueError(f"nested deeper than {DEPTH_MAX}")
    try:
        value: object = json.loads(told, object_pairs_hook=_object, parse_constant=_constant)
    except (json.JSONDecodeError, RecursionError) as wrong:
        raise ValueError(f"not JSON: {wrong}") from wrong
    return value


def parse(raw: bytes, shape: type[Shape], charset: str = "utf-8") -> Shape:
    """The object. Raises ValueError, saying what is wrong, for anything that is not exactly one."""
    try:
        return msgspec.convert(read(text(raw, charset)), shape, strict=True)
    except msgspec.ValidationError as wrong:
        raise ValueError(str(wrong)) from wrong


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Two values under one key are two stories; whoever signs one and reads the other can be fooled."""
    told = dict(pairs)
    if len(told) != len(pairs):
        raise json.JSONDecodeError("a key comes twice", "", 0)
    return told


def _constant(name: str) -> NoReturn:
    raise json.JSONDecodeError(f"{name} is no JSON", "", 0)
