"""Lines of a log go in, entries with their instant come out: plain, JSON lines, nginx access; a stack trace belongs to what it follows."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any
from urllib.parse import unquote

import msgspec

ENTRY_LINES_MAX = 2_000
"""Lines of one entry: more is no stack trace but a file whose times we do not understand. The next line begins a new entry."""
_ISO = re.compile(
    r"(?P<date>(?:19|20)\d\d[-/]\d\d[-/]\d\d)[T ](?P<time>\d\d:\d\d:\d\d)(?:[.,](?P<part>\d{1,9}))?\s?(?P<zone>Z|[+-]\d\d:?\d\d)?"
)
_START = re.compile(r"^(?:\W|<\d+>|\[?(?:TRACE|DEBUG|INFO|WARN(?:ING)?|ERROR|FATAL)\]?\s){0,4}(?=(?:19|20)\d\d[-/]\d\d[-/]\d\d[T ]\d\d:)")
_NGINX = re.compile(r'^(?P<address>\S+) (?P<rest>\S+ .{1,64}?\[(?P<at>\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\] ".*)$', re.DOTALL)
_QUOTED = re.compile(r'"([\da-fA-F.:, ]{3,400})"')
_ABBREVIATED = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTHS = {m: f"{n:02d}" for n, m in enumerate(_ABBREVIATED, start=1)}
_INDENTED = re.compile(r"^(?:\s+\S|Caused by: |Suppressed: |Traceback |\.\.\. \d+ more|\)|\}|\])")
_TIMES = ("@timestamp", "timestamp", "time", "ts", "datetime", "date", "at", "asctime")
_UNITS = ((1e17, 10**9), (1e14, 10**6), (1e11, 10**3))
"""From which size on a number counts nano-, micro- or milliseconds."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One thing that was logged. `at` is None where nothing tells."""

    at: datetime | None
    text: str


def entries(lines: Iterable[str], zone: tzinfo) -> Iterator[Entry]:
    """Entries in the order of the file. `zone`: of times that name none."""
    at: datetime | None = None
    held: list[str] = []
    dated = False
    for line in lines:
        alone = _structured(line, zone)
        instant = _instant(line, zone) if alone is None else alone.at
        dated = dated or instant is not None
        follows = (
            alone is None and held and len(held) < ENTRY_LINES_MAX and (instant is None if dated else _INDENTED.match(line) is not None)
        )
        if follows:
            held.append(line)
            continue
        yield from _held(at, held)
        held = []
        at = instant or at
        if alone is not None:
            yield Entry(at=at, text=alone.text)
        elif line.strip():
            held = [line]
    yield from _held(at, held)


def _held(at: datetime | None, lines: list[str]) -> Iterator[Entry]:
    if lines:
        yield Entry(at=at, text="\n".join(lines))


def _structured(line: str, zone: tzinfo) -> Entry | None:
    """An entry that is a line by its form."""
    if line.startswith("{") and line.rstrip().endswith("}"):
        try:
            told = msgspec.json.decode(line)
        except (msgspec.DecodeError, UnicodeEncodeError):
            return None
        return _json(told, zone) if isinstance(told, dict) else None
    if '"' in line and (match := _NGINX.match(line)):
        day, month, rest = match["at"].split("/", 2)
        at = datetime.strptime(f"{day}/{_MONTHS.get(month, '01')}/{rest}", "%d/%m/%Y:%H:%M:%S %z")
        # Who called is somebody's address; the network it came from tells enough.
        rest = _QUOTED.sub(_networks, match["rest"])
        return Entry(at=at, text=f"{_network(match['address'])} {unquote(rest, errors='replace')}")
    return None


def _json(told: dict[str, Any], zone: tzinfo) -> Entry:
    lowered = {k.lower(): v for k, v in told.items()}
    at = next((found for name in _TIMES if (found := _moment(lowered.get(name), zone)) is not None), None)
    return Entry(at=at, text=" ".join(_flat("", told)))


def _flat(prefix: str, value: Any) -> Iterator[str]:
    """`key=value` for every leaf: what JSON escapes is written out, so that it can be found."""
    match value:
        case dict():
            for key, inner in value.items():
                yield from _flat(f"{prefix}.{key}" if prefix else str(key), inner)
        case list():
            for inner in value:
                yield from _flat(prefix, inner)
        case None | "":
            return
        case bool():
            yield f"{prefix}={str(value).lower()}"
        case _:
            yield f"{prefix}={value}"


def _instant(line: str, zone: tzinfo) -> datetime | None:
    """The time that a line begins with."""
    start = _START.match(line)
    if start is None:
        return None
    match = _ISO.match(line, start.end())
    return None if match is None else _made(match, zone)


def _moment(value: object, zone: tzinfo) -> datetime | None:
    """A time in JSON: text, or a count since 1970."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        scale = next((by for least, by in _UNITS if value >= least), 1)
        try:
            return datetime.fromtimestamp(value / scale, UTC) if value > 1e8 else None
        except (OverflowError, ValueError, OSError):
            return None
    match = _ISO.match(value) if isinstance(value, str) else None
    return None if match is None else _made(match, zone)


def _made(match: re.Match[str], zone: tzinfo) -> datetime | None:
    micro = (match["part"] or "0").ljust(6, "0")[:6]
    offset = (match["zone"] or "").replace("Z", "+00:00")
    try:
        told = datetime.fromisoformat(f"{match['date'].replace('/', '-')}T{match['time']}.{micro}{offset}")
    except ValueError:
        return None
    return told if told.tzinfo is not None else told.replace(tzinfo=zone)


def _networks(quoted: re.Match[str]) -> str:
    """Addresses alone in quotes, as a proxy before the server passes them on; whatever else stands there stays."""
    return f'"{", ".join(_network(part.strip()) for part in quoted[1].split(","))}"' if _addresses(quoted[1]) else quoted[0]


def _addresses(text: str) -> bool:
    try:
        return all(ipaddress.ip_address(part.strip()) for part in text.split(","))
    except ValueError:
        return False


def _network(address: str) -> str:
    if re.fullmatch(r"\d{1,3}(\.\d{1,3}){3}", address):
        return address.rpartition(".")[0] + ".*"
    return ":".join(address.split(":")[:3]) + "::*" if ":" in address else address
