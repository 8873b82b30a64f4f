"""A downloaded file in, the one text that it holds out, never more of it than a bill can be; a name from an archive is never written to."""

from __future__ import annotations

import gzip
import hashlib
import io
import zipfile
import zlib
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import IO

from makewhole.model.bill import Refused, Wrong

BYTES_MAX = 2**30
"""One gibibyte of text: three million lines. A merchant with more has one bill for each of its numbers."""
RATIO_MAX = 200
"""Unpacked to packed. Bills come to 5 to 30; zlib's own limit, which a bomb is near, is 1032."""
FREE_BYTES = 2**20
"""Below this much nothing explodes, whatever the ratio."""
MEMBERS_MAX = 8
"""Files in an archive. Alipay sends two."""
_PACKED = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
"""As channels pack. Other ways have decoders with bombs and faults of their own."""
_CHUNK = 2**20


def genuine(raw: bytes, plain: bytes, sha1: str | None) -> None:
    """Raises Refused (TAMPERED) unless this is the hash of the text or of the packed bytes: channels' pages do not agree on which."""
    if sha1 is None:
        return
    if sha1.lower() not in {hashlib.sha1(part, usedforsecurity=False).hexdigest() for part in (plain, raw)}:
        raise Refused(Wrong.TAMPERED, 0, "the bill is not what the channel's hash was made of")


def gunzipped(raw: bytes) -> bytes:
    """The text of a gzip file, or the bytes themselves where they are none."""
    if not raw.startswith(b"\x1f\x8b"):
        _fits(len(raw), len(raw))
        return raw
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(raw)) as opened:
            return _bounded(opened, len(raw))
    except EOFError as short:
        raise Refused(Wrong.TRUNCATED, 0, "the gzip file ends before its end") from short
    except (OSError, zlib.error) as broken:
        raise Refused(Wrong.ARCHIVE, 0, f"not a whole gzip file: {broken}") from broken


def member(raw: bytes, wanted: Callable[[bytes], bool]) -> bytes:
    """The one file of a zip whose first bytes are `wanted`. Its name is looked at for harm and otherwise not believed."""
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            listed = archive.infolist()
            if len(listed) > MEMBERS_MAX:
                raise Refused(Wrong.ARCHIVE, 0, f"{len(listed)} files in the archive, a bill has two")
            for one in listed:
                harmless(one)
            found = [one for one in listed if not one.is_dir() and wanted(_head(archive, one))]
            if len(found) != 1:
                raise Refused(Wrong.ARCHIVE, 0, f"{len(found)} bills in the archive")
            with archive.open(found[0]) as opened:
                return _bounded(opened, found[0].compress_size)
    except (EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError, ValueError) as broken:
        raise Refused(Wrong.ARCHIVE, 0, f"not a whole zip file: {broken}") from broken


def text(plain: bytes, encoding: str) -> str:
    """The text without a byte order mark. Raises Refused (ENCODING) at the line with the first byte that is none of this encoding's."""
    try:
        return plain.decode("utf-8-sig" if encoding == "utf-8" else encoding)
    except UnicodeDecodeError as wrong:
        raise Refused(Wrong.ENCODING, plain.count(b"\n", 0, wrong.start) + 1, f"byte {wrong.start} is not {encoding}") from wrong


def no_markup(plain: bytes, what: str) -> None:
    """Raises Refused where this is XML, HTML or JSON. No bill of ours is, so that no parser of them, and none of their bombs, is here."""
    if plain[:64].lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in {b"<", b"{", b"["}:
        raise Refused(Wrong.FOREIGN_FORMAT, 1, f"markup, not {what}")


def harmless(one: zipfile.ZipInfo) -> None:
    name = one.filename.replace("\\", "/")
    if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts or ":" in name:
        raise Refused(Wrong.ARCHIVE, 0, f"the archive names a place outside itself: {one.filename!r}")
    if one.compress_type not in _PACKED:
        raise Refused(Wrong.ARCHIVE, 0, f"packed in a way that no bill is (method {one.compress_type})")
    if one.flag_bits & 1:
        raise Refused(Wrong.ARCHIVE, 0, "the archive is locked")
    _fits(one.file_size, one.compress_size)


def _head(archive: zipfile.ZipFile, one: zipfile.ZipInfo) -> bytes:
    with archive.open(one) as opened:
        return opened.read(256)


def _bounded(opened: IO[bytes] | gzip.GzipFile, packed: int) -> bytes:
    """All of it, or Refused as soon as it is too much: what a header says of the length is not believed."""
    parts: list[bytes] = []
    length = 0
    while part := opened.read(_CHUNK):
        parts.append(part)
        length += len(part)
        _fits(length, packed)
    return b"".join(parts)


def _fits(length: int, packed: int) -> None:
    if length > BYTES_MAX or (length > FREE_BYTES and length > packed * RATIO_MAX):
        raise Refused(Wrong.TOO_LARGE, 0, f"{packed} bytes unpack to {length} and more")
