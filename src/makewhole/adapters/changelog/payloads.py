"""A transaction that MySQL wrote as one compressed event goes in, the events inside come out.

Format: MySQL 8.0.20, Transaction_payload_event (binlog_transaction_compression, which every session may switch on).
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from typing import Any

from makewhole.adapters.changelog import events
from makewhole.adapters.changelog.wrong import Unreadable

_END, _SIZE, _METHOD, _FULL_SIZE = range(4)
_ZSTD, _PLAIN = 0, 255
_BYTES_MAX = 4 << 30
"""MySQL's own limit of a transaction's uncompressed size is memory; ours keeps a damaged size from taking the machine's."""


def unpacked(body: memoryview) -> Iterator[memoryview]:
    """The events inside, whole, one after the other. Raises Unreadable where they do not fit what the event says of itself."""
    told, at = {}, 0
    while True:
        kind, at = events.lenenc(body, at)
        if kind == _END:
            break
        length, at = events.lenenc(body, at)
        told[kind], _ = events.lenenc(body, at)
        at += length
    raw = body[at : at + told[_SIZE]]
    match told.get(_METHOD, _PLAIN):
        case 0:
            inside = memoryview(_zstd(raw, told.get(_FULL_SIZE, 0)))
        case 255:
            inside = raw
        case other:
            raise Unreadable(f"a transaction compressed by method {other}, which is not known here")
    if _FULL_SIZE in told and len(inside) != told[_FULL_SIZE]:
        raise Unreadable("a compressed transaction of another length than it says")
    at = 0
    while at < len(inside):
        size = events.size_of(inside[at : at + events.HEADER_LENGTH])
        yield inside[at : at + size]
        at += size


def _zstd(raw: memoryview, size: int) -> bytes:
    if size > _BYTES_MAX:
        raise Unreadable(f"a transaction of {size} bytes")
    return _decompressor()(raw, size)


def _decompressor() -> Callable[[memoryview, int], bytes]:
    """Python's own from 3.14 on, else the package that brings it."""
    try:
        own: Any = importlib.import_module("compression.zstd")
    except ImportError:
        package: Any = importlib.import_module("zstandard")
        return lambda raw, size: bytes(package.ZstdDecompressor().decompressobj().decompress(raw))
    return lambda raw, size: bytes(own.decompress(raw))
