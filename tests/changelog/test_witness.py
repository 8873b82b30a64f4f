"""What MariaDB's and MySQL's own mysqlbinlog print of random rows is what we read, to the byte: a second witness beside SELECT.

It prints what lies in the log and not what the column means, so each type has its own way of looking at it. Known misprints, taken into
account: numbers without their sign (-1 (255)), FLOAT to six digits, DATE with colons, the YEAR 0 as 1900, SET bytewise, labels as
numbers, text in its own character set with backslashes as they come, and MySQL's stops at a geometry.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from makewhole.adapters.changelog import decoding, files, scanning
from makewhole.model import change
from makewhole.model.change import Value, ZeroDate
from tests.changelog import workload
from tests.servers import launch
from tests.servers.packages import MYSQL_FULL_HOME, mariadb_binlog

pytestmark = pytest.mark.server
_SHORT = {byte: rb"|\\" + re.escape(bytes([short])) for byte, short in zip(b"\n\r\t\f\b\v\a\0\x1a\x1b'\\", b"nrtfbva0Ze'\\", strict=True)}
_COLUMN = re.compile(rb"###   @(\d+)=(.*?) /\* [A-Z]+[^*]* meta=\d+ nullable=\d is_null=\d \*/", re.DOTALL)
_CODECS = {"utf8mb4": "utf-8", "utf8": "utf-8", "latin1": "cp1252", "ucs2": "utf-16-be", "utf16": "utf-16-be", "utf16le": "utf-16-le"}
_CODECS |= {"utf32": "utf-32-be", "gbk": "gbk", "gb2312": "gb2312", "gb18030": "gb18030", "big5": "big5hkscs", "ascii": "ascii"}


def printed(program: Path | str, log: Path) -> Iterator[dict[str, bytes]]:
    """Every image that it prints, in the order of the log: column by number, as raw text."""
    command = [str(program), "-vv", "--base64-output=DECODE-ROWS", str(log)]
    told = subprocess.run(command, capture_output=True, check=True, env={"TZ": "UTC", "PATH": "/usr/bin:/bin"}).stdout
    for block in re.split(rb"\n### (?:INSERT INTO|UPDATE|DELETE FROM) ", told)[1:]:
        body = block.split(b"\n# at ")[0]
        for image in re.split(rb"\n### (?:SET|WHERE)\n", body)[1:]:
            yield {f"@{int(m[1])}": m[2] for m in _COLUMN.finditer(image)}


def is_printed(raw: bytes, told: bytes) -> bool:
    """Whether these bytes may be printed so: plain, as \\xNN, or with a backslash; the programs do not agree with themselves which."""
    options = [b"(?:" + re.escape(bytes([b])) + b"|" + re.escape(b"\\x%02x" % b) + _SHORT.get(b, b"") + b")" for b in raw]
    return re.fullmatch(b"'" + b"".join(options) + rb"(?:\\x00|\x00)*'", told, re.DOTALL) is not None


def same(value: Value, told: bytes, kind: workload.Kind | None) -> bool:
    """Whether the printed text is this value."""
    if value is None or told == b"NULL":
        return value is None and told == b"NULL"
    text = told.decode("utf-8", "replace")
    family = "" if kind is None else re.split(r"[ (]", kind.ddl)[0]
    if family in _FAMILIES and kind is not None:
        return _FAMILIES[family](value, text, kind)
    match value:
        case int():
            # The year 0 is printed as 1900.
            return (value, family, text) == (0, "YEAR", "1900") or value in {int(n) for n in re.findall(r"-?\d+", text)}
        case Decimal():
            return Decimal(text) == value
        case str() | bytes():
            raw = value if isinstance(value, bytes) else value.encode(_CODECS[kind.charset if kind and kind.charset else "utf8mb4"])
            # BINARY is printed without the zeros at its end.
            return is_printed(raw.rstrip(b"\0"), told)
        case _:
            raise AssertionError((value, text))


def _float(value: Value, text: str, kind: workload.Kind) -> bool:
    return isinstance(value, float) and (f"{value:g}" == f"{float(text):g}" if kind.ddl == "FLOAT" else float(text) == value)


def _bits(value: Value, text: str, kind: workload.Kind) -> bool:
    return value == int(text.strip("b'"), 2)


def _moment(value: Value, text: str, kind: workload.Kind) -> bool:
    plain = text.strip("'")
    match value:
        case ZeroDate():
            return value.text.replace("-", ":") == plain.replace("-", ":") or Decimal(re.sub(r"[^0-9.]", "", plain)) == 0
        case datetime():
            if value.tzinfo is None:
                return value == datetime.fromisoformat(plain)
            seconds = (value - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1)
            return int(Decimal(plain) * 1_000_000) == int(seconds)
        case date():
            return value.isoformat() == plain.replace(":", "-")
        case timedelta():
            return workload.is_span(value, plain)
        case _:
            return False


def _enum(value: Value, text: str, kind: workload.Kind) -> bool:
    labels = ["", *labels_of(kind)]
    return value == labels[int(text)]


def _set(value: Value, text: str, kind: workload.Kind) -> bool:
    digits = text.strip("b'")
    # Printed byte for byte as it lies in the log, the lowest first.
    bits = int.from_bytes(int(digits, 2).to_bytes(len(digits) // 8, "big"), "little")
    return value == ",".join(label for i, label in enumerate(labels_of(kind)) if bits >> i & 1)


def labels_of(kind: workload.Kind) -> list[str]:
    return [m.replace("''", "'") for m in re.findall(r"'((?:[^']|'')*)'", kind.ddl)]


_FAMILIES: dict[str, Callable[[Value, str, workload.Kind], bool]] = {
    "FLOAT": _float,
    "DOUBLE": _float,
    "BIT": _bits,
    "DATE": _moment,
    "DATETIME": _moment,
    "TIMESTAMP": _moment,
    "TIME": _moment,
    "ENUM": _enum,
    "SET": _set,
}


def told_otherwise(kind: workload.Kind) -> bool:
    """Compressed columns it prints as they lie in the log; JSON it prints with doubles of its own spelling. SELECT is their witness."""
    return "COMPRESSED" in kind.ddl or kind.ddl == "JSON"


@pytest.mark.parametrize("name, seed", [("mariadb", 31), ("mysql8033", 32), ("mysql8033", 33)])
def test_mysqlbinlog_prints_what_we_read(
    name: str, seed: int, request: pytest.FixtureRequest, record_property: Callable[[str, object], None]
) -> None:
    """Every value of every image, of every type."""
    server: launch.Server = request.getfixturevalue(name)
    with server.root_connection(server.create_database()) as session, session.cursor() as cursor:
        cursor.execute("FLUSH BINARY LOGS")
        cursor.execute("SHOW BINARY LOGS")
        log = server.folder / "data" / str(cursor.fetchall()[-1][0])
        # MySQL's own prints "Don't know how to handle column type=255" and leaves the rest of the event out.
        load = workload.Workload(session, seed, mariadb=name == "mariadb", without="" if name == "mariadb" else "POINT")
        list(load.wrote(40, 10))
        load.run("FLUSH BINARY LOGS")
    program = mariadb_binlog() if name == "mariadb" else MYSQL_FULL_HOME / "bin" / "mysqlbinlog"
    assert program is not None
    decoder = decoding.Decoder()
    ours = [c for g in scanning.groups(files.read([log])) for c in decoder.transaction(g).changes]
    images = [(c, image) for c in ours for image in (c.before, c.after) if image is not None]
    theirs = list(printed(program, log))
    assert len(images) == len(theirs) > 200
    values = 0
    kinds = {t.name: t.kinds for t in load.tables}
    for (changed, image), told in zip(images, theirs, strict=True):
        values += agree(changed, image, told, kinds[changed.table.name])
    record_property("says", f"{len(images)} images, {values} values")


def agree(changed: change.Change, image: change.Image, told: dict[str, bytes], kinds: Sequence[workload.Kind]) -> int:
    values = 0
    for i, column in enumerate(changed.table.columns):
        kind = None if i == 0 else kinds[i - 1]
        if kind is None or not told_otherwise(kind):
            seen = told[f"@{i + 1}"]
            assert same(image[column], seen, kind), f"{kind.ddl if kind else 'id'}: we read {image[column]!r}, it prints {seen!r}"
            values += 1
    return values
