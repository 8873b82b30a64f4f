"""Which images of a day touched an order: one small file a day beside the table, so that looking an order up reads three files and not 97.

A record for each image: its id, how many, a checksum, and the sorted 32-bit sums of the orders that it changed. Two orders may share a sum:
then one file more is read. What the file does not tell (it was cut off, or thrown away) is read too: it never decides what is found.
"""

from __future__ import annotations

import array
import bisect
import contextlib
import functools
import itertools
import struct
import sys
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

_RECORD = struct.Struct("<QII")


class Touches:
    """The touch index of one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, tuple[int, dict[int, array.array[int]], bool]] = {}
        """Of each day: the file's bytes, what they tell, and whether all of them are whole records."""

    def images(self, day: str) -> frozenset[int]:
        """The images of this day that it tells of."""
        return frozenset(self._day(day))

    def touched(self, day: str, images: Iterable[int], places: Iterable[tuple[str, str]]) -> list[int]:
        """Those of these images that may have changed a row of these orders, by role and order; those it knows nothing of, too."""
        told, sums = self._day(day), [_sum(role, link) for role, link in places]
        return [i for i in images if (known := told.get(i)) is None or any(_holds(known, s) for s in sums)]

    def add(self, day: str, image: int, links: Iterable[tuple[str, Iterable[str]]]) -> None:
        """One image more: its orders, by role. What a kill left half written is cut off first."""
        sums = array.array("I", sorted(set(itertools.chain.from_iterable(itertools.starmap(_sums, links)))))
        body = _little(array.array("I", sums)).tobytes()
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._folder / day
        with path.open("r+b" if path.exists() else "w+b") as file:
            size = path.stat().st_size
            known = self._known.get(day)
            # What was whole when it was read is not read again for each of a day's images.
            whole, told = (size, known[1]) if known is not None and known[0] == size and known[2] else _read(file.read())
            if image in told:
                return
            file.truncate(whole)
            file.seek(whole)
            record = _RECORD.pack(image, len(sums), _check(image, body)) + body
            file.write(record)
        self._known[day] = (whole + len(record), {**told, image: sums}, True)

    def forget(self, day: str) -> None:
        """Throw a day away."""
        self._known.pop(day, None)
        with contextlib.suppress(FileNotFoundError):
            (self._folder / day).unlink()

    def days(self) -> list[str]:
        """The days that it tells of."""
        return sorted(p.name for p in self._folder.iterdir()) if self._folder.exists() else []

    def _day(self, day: str) -> dict[int, array.array[int]]:
        path = self._folder / day
        try:
            size = path.stat().st_size
            known = self._known.get(day)
            if known is None or known[0] != size:
                whole, told = _read(path.read_bytes())
                known = self._known[day] = (size, told, whole == size)
        except FileNotFoundError:
            return {}
        return known[1]


def _read(raw: bytes) -> tuple[int, dict[int, array.array[int]]]:
    """How many bytes are whole records, and what they tell."""
    told: dict[int, array.array[int]] = {}
    at = 0
    while at + _RECORD.size <= len(raw):
        image, count, check = _RECORD.unpack_from(raw, at)
        body = raw[at + _RECORD.size : at + _RECORD.size + 4 * count]
        if len(body) < 4 * count or _check(image, body) != check:
            break
        sums = array.array("I")
        sums.frombytes(body)
        told[image] = _little(sums)
        at += _RECORD.size + len(body)
    return at, told


def _check(image: int, body: bytes) -> int:
    """Of the image's id too: a record must not come to speak of another one."""
    return zlib.crc32(body, zlib.crc32(image.to_bytes(8, "little")))


def _little(sums: array.array[int]) -> array.array[int]:
    if sys.byteorder == "big":
        sums.byteswap()
    return sums


def _holds(sums: array.array[int], sought: int) -> bool:
    at = bisect.bisect_left(sums, sought)
    return at < len(sums) and sums[at] == sought


def _sums(role: str, links: Iterable[str]) -> Iterator[int]:
    """`_sum` of each of them; all of them are in the table, which holds UTF-8 alone."""
    return map(zlib.crc32, map(str.encode, links), itertools.repeat(_begun(role)))


def _sum(role: str, link: str) -> int:
    return zlib.crc32(link.encode("utf-8", "surrogatepass"), _begun(role))


@functools.cache
def _begun(role: str) -> int:
    """The sum of what comes before an order's name."""
    return zlib.crc32(f"{role}\0".encode())
