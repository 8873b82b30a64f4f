"""What a server had executed at a place of its log: GTIDs go in, the text and the bytes that a server understands come out."""

from __future__ import annotations

import functools
import uuid

from makewhole.adapters.changelog.wrong import Unreadable


@functools.lru_cache(maxsize=64)
def spelled(server: bytes) -> str:
    """A server's UUID as text; a log names few of them, each in every transaction."""
    return str(uuid.UUID(bytes=server))


Interval = tuple[int, int]
"""First and last number, both executed."""


class Executed:
    """Grows with every transaction that is read. MySQL: sets of numbers by server; MariaDB: the last of each domain."""

    def __init__(self, text: str = "") -> None:
        """From the text of a position. Raises Unreadable for what is no set of GTIDs."""
        self._sets: dict[str, list[Interval]] = {}
        self._domains: dict[int, str] = {}
        self._text: str | None = None
        for part in filter(None, (p.strip() for p in text.split(","))):
            self._read(part)

    def _read(self, part: str) -> None:
        try:
            if ":" not in part:
                domain, server, number = (int(n) for n in part.split("-"))
                self._domains[domain] = f"{domain}-{server}-{number}"
                return
            server_id, *intervals = part.split(":")
            for interval in intervals:
                first, _, last = interval.partition("-")
                self._sets.setdefault(str(uuid.UUID(server_id)), []).append((int(first), int(last or first)))
        except ValueError as wrong:
            raise Unreadable(f"{part!r} is no GTID", "MySQL writes server-uuid:1-5, MariaDB domain-server-number.") from wrong

    def __str__(self) -> str:
        return self.text()

    def text(self) -> str:
        """All of it, spelled. Asked for before and after each transaction, and the same where one ends and the next begins."""
        if self._text is None:
            self._text = self._spelled()
        return self._text

    def _spelled(self) -> str:
        if not self._sets and len(self._domains) == 1:
            return next(iter(self._domains.values()))
        ours = [self._domains[d] for d in sorted(self._domains)]
        for server, intervals in sorted(self._sets.items()):
            ours.append(":".join([server, *(f"{a}-{b}" if a != b else str(a) for a, b in intervals)]))
        return ",".join(ours)

    def add_mysql(self, server: str, number: int, last: int | None = None) -> None:
        """One more transaction of a server, nearly always the next one; or all from one number to another."""
        last = number if last is None else last
        self._text = None
        intervals = self._sets.setdefault(server, [])
        if intervals and intervals[-1][1] + 1 == number:
            intervals[-1] = (intervals[-1][0], last)
            return
        intervals.append((number, last))
        self._sets[server] = _joined(intervals)

    def add_mariadb(self, domain: int, gtid: str) -> None:
        """The newest transaction of a domain."""
        self._domains[domain] = gtid
        self._text = gtid if len(self._domains) == 1 and not self._sets else None

    def encoded(self) -> bytes:
        """A MySQL set as COM_BINLOG_DUMP_GTID wants it."""
        told = len(self._sets).to_bytes(8, "little")
        for server, intervals in sorted(self._sets.items()):
            told += uuid.UUID(server).bytes + len(intervals).to_bytes(8, "little")
            told += b"".join(a.to_bytes(8, "little") + (b + 1).to_bytes(8, "little") for a, b in intervals)
        return told


def _joined(intervals: list[Interval]) -> list[Interval]:
    told: list[Interval] = []
    for first, last in sorted(intervals):
        if told and first <= told[-1][1] + 1:
            told[-1] = (told[-1][0], max(last, told[-1][1]))
        else:
            told.append((first, last))
    return told


def previous_mysql(body: memoryview) -> str:
    """The set in a PREVIOUS_GTIDS event; empty where it is written with tags (8.3 and newer), which are not read here."""
    count = int.from_bytes(body[:8], "little")
    if count >> 56:
        return ""
    at, told = 8, []
    for _ in range(count):
        server = spelled(bytes(body[at : at + 16]))
        intervals = int.from_bytes(body[at + 16 : at + 24], "little")
        at += 24
        for _ in range(intervals):
            first, beyond = int.from_bytes(body[at : at + 8], "little"), int.from_bytes(body[at + 8 : at + 16], "little")
            told.append(f"{server}:{first}-{beyond - 1}")
            at += 16
    return ",".join(told)


def previous_mariadb(body: memoryview) -> str:
    """The last of each domain in a GTID_LIST event; of several servers in a domain, the newest stands last."""
    count = int.from_bytes(body[:4], "little") & 0x0FFFFFFF
    told = []
    for at in range(4, 4 + 16 * count, 16):
        domain, server = int.from_bytes(body[at : at + 4], "little"), int.from_bytes(body[at + 4 : at + 8], "little")
        told.append(f"{domain}-{server}-{int.from_bytes(body[at + 8 : at + 16], 'little')}")
    return ",".join(told)
