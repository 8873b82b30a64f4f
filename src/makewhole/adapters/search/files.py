"""A log file's path goes in, its lines as text come out: gzip or not, UTF-8, UTF-16 or GB 18030, a line as long as it likes but bounded."""

from __future__ import annotations

import codecs
import contextlib
import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from makewhole.core import faults

LINE_BYTES_MAX = 1_000_000
"""Bytes of a line; what is longer goes on as the next line, and nothing is lost."""
SNIFF_BYTES = 1_000_000
"""Read first, to tell the encoding and that it is text at all."""
_GZIP = b"\x1f\x8b"
_UTF16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


def lines(path: Path) -> Iterator[str]:
    """Every line without its end. Raises BadInput for no such file, no text, a damaged archive; what came before counts."""
    try:
        with _opened(path) as source:
            start = source.read(SNIFF_BYTES)
            encoding = _encoding(start, path)
            if encoding.startswith("utf-16"):
                yield from _wide(source, start, encoding)
                return
            first, second = ("utf-8", "gb18030") if encoding == "utf-8" else ("gb18030", "utf-8")
            for raw in _split(source, start.removeprefix(codecs.BOM_UTF8)):
                yield _decoded(raw, first, second)
    except (EOFError, gzip.BadGzipFile, zlib.error) as broken:
        todo = "Lines before the damage were imported. Give the whole file."
        raise faults.BadInput(f"the archive is damaged or cut off ({broken})", where=str(path), todo=todo) from broken
    except OSError as missing:
        todo = "Check the path and its permissions."
        raise faults.BadInput(f"cannot read it: {missing.strerror or missing}", where=str(path), todo=todo) from missing


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    with path.open("rb") as raw:
        packed = raw.read(2) == _GZIP
        raw.seek(0)
        if not packed:
            yield raw
            return
        with gzip.GzipFile(fileobj=raw) as unpacked:
            yield io.BufferedReader(unpacked)


def _encoding(start: bytes, path: Path) -> str:
    for mark, name in _UTF16.items():
        if start.startswith(mark):
            return name
    if b"\0" in start:
        raise faults.BadInput("not a text file", where=str(path), todo="Give log files: plain text, JSON lines or nginx, also as .gz.")
    for name in ("utf-8", "gb18030"):
        try:
            # The last character may be cut in two.
            codecs.getincrementaldecoder(name)().decode(start)
        except UnicodeDecodeError:
            continue
        return name
    return "utf-8"


def _split(source: IO[bytes], start: bytes) -> Iterator[bytes]:
    """Lines of what was read already and of the rest."""
    for whole in io.BytesIO(start):
        if whole.endswith(b"\n"):
            yield whole
        else:
            yield whole + source.readline(LINE_BYTES_MAX)
    while raw := source.readline(LINE_BYTES_MAX):
        yield raw


def _wide(source: IO[bytes], start: bytes, encoding: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    left = decoder.decode(start[2:])
    while True:
        *whole, left = left.split("\n")
        yield from (line.rstrip("\r") for line in whole)
        more = source.read(SNIFF_BYTES)
        if not more:
            break
        left += decoder.decode(more)
    if left:
        yield left.rstrip("\r")


def _decoded(raw: bytes, first: str, second: str) -> str:
    """Line by line: one log is written by several programs, and one of them on another machine."""
    line = raw.rstrip(b"\r\n")
    for encoding in (first, second):
        with contextlib.suppress(UnicodeDecodeError):
            return line.decode(encoding)
    return line.decode(first, "replace")
