"""Collations by number go in, decoders of text go out. The numbers are the same on MySQL and MariaDB, which has ranges of its own."""

from __future__ import annotations

from collections.abc import Callable

from makewhole.adapters.changelog.fields import Bytes

BINARY = 63
"""The collation of what is no text: BLOB, BINARY, VARBINARY."""
_CODECS = {
    "big5": "big5hkscs", "cp850": "cp850", "koi8r": "koi8_r", "latin2": "iso8859_2", "ascii": "ascii", "ujis": "euc_jp",
    "sjis": "shift_jis", "hebrew": "iso8859_8", "tis620": "tis_620", "euckr": "euc_kr", "koi8u": "koi8_u", "gb2312": "gb2312",
    "greek": "iso8859_7", "cp1250": "cp1250", "gbk": "gbk", "latin5": "iso8859_9", "utf8mb3": "utf_8", "utf8": "utf_8",
    "ucs2": "utf_16_be", "cp866": "cp866", "macce": "mac_latin2", "macroman": "mac_roman", "cp852": "cp852", "latin7": "iso8859_13",
    "utf8mb4": "utf_8", "cp1251": "cp1251", "utf16": "utf_16_be", "utf16le": "utf_16_le", "cp1256": "cp1256", "cp1257": "cp1257",
    "utf32": "utf_32_be", "cp932": "cp932", "eucjpms": "euc_jp", "gb18030": "gb18030",
}  # fmt: skip
"""MySQL's character sets that Python knows; armscii8, dec8, geostd8, hp8, keybcs2 and swe7 it does not."""
_LATIN1 = "latin1"
_NUMBERED = {
    "big5": (1, 84), "latin2": (2, 9, 21, 27, 77), "dec8": (3, 69), "cp850": (4, 80), "latin1": (5, 8, 15, 31, 47, 48, 49, 94),
    "hp8": (6, 72), "koi8r": (7, 74), "swe7": (10, 82), "ascii": (11, 65), "ujis": (12, 91), "sjis": (13, 88),
    "cp1251": (14, 23, 50, 51, 52), "hebrew": (16, 71), "tis620": (18, 89), "euckr": (19, 85), "latin7": (20, 41, 42, 79),
    "koi8u": (22, 75), "gb2312": (24, 86), "greek": (25, 70), "cp1250": (26, 34, 44, 66, 99), "gbk": (28, 87), "cp1257": (29, 58, 59),
    "latin5": (30, 78), "armscii8": (32, 64), "utf8mb3": (33, 76, 83, *range(192, 224), *range(576, 608)),
    "ucs2": (35, 90, *range(128, 160), *range(640, 672)), "cp866": (36, 68), "keybcs2": (37, 73), "macce": (38, 43),
    "macroman": (39, 53), "cp852": (40, 81), "utf8mb4": (45, 46, *range(224, 248), *range(255, 576), *range(608, 640)),
    "utf16": (54, 55, *range(101, 125), *range(672, 704)), "utf16le": (56, 62), "cp1256": (57, 67),
    "utf32": (60, 61, *range(160, 184), *range(736, 768)), "binary": (63,), "geostd8": (92, 93), "cp932": (95, 96), "eucjpms": (97, 98),
    "gb18030": (248, 249, 250),
}  # fmt: skip
_BY_NUMBER = {number: name for name, numbers in _NUMBERED.items() for number in numbers}
_NOPAD = 1024
"""MariaDB: a collation without padding has its sibling's number and this on top."""
_UCA1400 = ((2048, "utf8mb3"), (2304, "utf8mb4"), (2560, "ucs2"), (2816, "utf16"), (3072, "utf32"))
"""MariaDB: 256 numbers from each of these are UCA 14.0.0 collations."""

Decode = Callable[[Bytes], str | bytes]


def charset(collation: int) -> str:
    """The character set of a collation; empty for a number that nobody has given yet."""
    for first, name in _UCA1400:
        if first <= collation < first + 256:
            return name
    return _BY_NUMBER.get(collation, "") or (charset(collation - _NOPAD) if _NOPAD < collation < 2 * _NOPAD else "")


def decoder(name: str) -> Decode:
    """How bytes of this character set become text; bytes stay bytes where they are none, or where Python does not know the set."""
    if name == _LATIN1:
        return _latin1
    codec = _CODECS.get(name)
    return bytes if codec is None else _plain(codec)


def is_utf8(name: str) -> bool:
    """Whether text of this character set is UTF-8."""
    return _CODECS.get(name) == "utf_8"


def _plain(codec: str) -> Decode:
    def decode(raw: Bytes) -> str | bytes:
        try:
            return str(raw, codec)
        except UnicodeDecodeError:
            return bytes(raw)

    return decode


def _latin1(raw: Bytes) -> str:
    """MySQL's latin1 is cp1252, and the five bytes that have no letter there are control characters."""
    try:
        return str(raw, "cp1252")
    except UnicodeDecodeError:
        return "".join(chr(b) if b in {0x81, 0x8D, 0x8F, 0x90, 0x9D} else bytes((b,)).decode("cp1252") for b in raw)
