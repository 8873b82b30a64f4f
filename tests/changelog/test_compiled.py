"""The compiled reader reads what the Python reader reads, of any rows and any damage; where it does not, the Python reader has the word."""

from __future__ import annotations

import contextlib
import functools
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import arro3.core
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from makewhole.adapters.changelog import columns, compiled, decoding, files, film, replica, scanning, segments, stretches
from makewhole.adapters.changelog.events import MAGIC, Type
from makewhole.adapters.changelog.tablemaps import Code, Column, Shape
from makewhole.adapters.changelog.transactions import Group
from makewhole.core import faults
from makewhole.model.change import Kind, Position, Value
from tests.changelog import workload, written
from tests.servers import launch
from tools import native

RUNTIMES = ("libasan.so", "libubsan.so")
KINDS = (Kind.INSERT, Kind.UPDATE, Kind.DELETE)
Row = tuple[str, str, int, str, bool, dict[str, Value]]
"""Transaction's id, table, place of the row's event, what was done, whether it is an image after, the image."""


# ./test --quick may run where there is no C compiler.
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def built() -> None:
    """./test builds it; where it is missing these tests say so and do not pass in silence."""
    assert compiled.library() is not None, "the compiled reader is not built: .venv/bin/python tools/native.py --needed"


def everything_of(shape: Shape) -> frozenset[str]:
    return stretches.ALL


def by_hand(group: Group, decoder: decoding.Decoder, wanted: stretches.Wanted) -> list[Row]:
    told: list[Row] = []
    for rows in group.rows:
        columns = wanted(rows.shape) or frozenset()
        for c in decoder.changes(rows, group.begins.file):
            for after, image in ((False, c.before), (True, c.after)):
                if image is not None:
                    some = {n: v for n, v in image.items() if columns == stretches.ALL or n.lower() in columns}
                    told.append((group.id, str(c.table), rows.at, c.kind.value, after, some))
    return told


def in_columns(stretch: stretches.Stretch) -> list[Row]:
    """In the order of the log: by transaction, then by event; of one event in the order of its rows."""
    told: list[tuple[int, Row]] = []
    groups = list(stretch.groups(range(stretch.count)))
    heads = list(stretch.heads())
    assert [head_of(g) for g in heads] == [head_of(g) for g in groups]
    assert [stretch.rows(n, head) for n, head in enumerate(heads)] == [g.rows for g in groups]
    assert stretch.ends == groups[-1].ends
    ids = [group.id for group in groups]
    for part in stretch.parts:
        values_of = {name: part.table.values(name) for name in part.table.columns}
        own = [values_of.pop(name) for name in ("_group", "_kind", "_after", "_at")]
        for n in range(part.table.rows):
            group, kind, after, at = (int(str(column[n])) for column in own)
            image = {name: values[n] for name, values in values_of.items()}
            name = f"{part.shape.schema}.{part.shape.table}"
            told.append((group, (ids[group], name, at, KINDS[kind].value, bool(after), image)))
    return [row for _, row in sorted(told, key=lambda r: (r[0], r[1][2]))]


def head_of(group: Group) -> tuple[object, ...]:
    return group.id, group.begins, group.ends, group.committed_us, group.connection, group.user


def everything(log: Iterable[segments.Segment], *, plain: bool, wanted: stretches.Wanted = everything_of) -> tuple[list[Row], int, str]:
    """All rows, how many of the transactions came in columns, and what was said at the end, if it was refused."""
    rows: list[Row] = []
    decoder, in_stretches = decoding.Decoder(), 0
    try:
        for told in stretches.read(log, wanted, plain=plain):
            if isinstance(told, stretches.Stretch):
                in_stretches += told.count
                rows += in_columns(told)
            else:
                rows += by_hand(told, decoder, wanted)
    except faults.BadInput as wrong:
        return rows, in_stretches, str(wrong)
    return rows, in_stretches, ""


def spelled(rows: Sequence[Row]) -> list[tuple[object, ...]]:
    return [(*row[:5], {n: (type(v).__name__, str(v)) for n, v in row[5].items()}) for row in rows]


def same(path: Path, wanted: stretches.Wanted = everything_of) -> int:
    """Both readers say the same of a file; how many transactions came in columns."""
    theirs, _, their_word = everything(segments.of_files([path]), plain=False, wanted=wanted)
    ours, in_stretches, our_word = everything(segments.of_files([path]), plain=True, wanted=wanted)
    assert spelled(ours) == spelled(theirs)
    assert our_word == their_word
    assert read_out(stretches.read(segments.of_files([path]), wanted, plain=False)) == read_out(scanning.groups(files.read([path])))
    return in_stretches


def read_out(told: Iterable[stretches.Stretch | Group]) -> tuple[list[object], str]:
    """All that the transactions are, in one go or event by event; and what was said at the end, if it was refused."""
    found: list[object] = []
    try:
        for group in told:
            assert isinstance(group, Group)
            found.append(group._replace(raw=(memoryview(b"".join(group.raw)),)))
    except faults.BadInput as wrong:
        return found, str(wrong)
    return found, ""


@st.composite
def logs(draw: st.DrawFn, *, sane: bool) -> tuple[int, list[tuple[int, bytes]]]:
    """Events of some transactions on one random table; and how many they are."""
    told = draw(st.lists(written.COLUMNS, min_size=1, max_size=10))
    count = draw(st.integers(1, 4))
    events: list[tuple[int, bytes]] = []
    for number in range(count):
        kinds = draw(st.lists(st.sampled_from([23, 24, 25, 30, 31, 32]), min_size=1, max_size=3))
        events.append((Type.MARIA_GTID, written.maria_gtid(number + 1)))
        for kind in kinds:
            images = [draw(image(told, sane=sane)) for _ in range(draw(st.integers(1, 3)) * (2 if kind in {24, 31} else 1))]
            events += [(Type.TABLE_MAP, written.table_map(7, "shop", "t", told)), (kind, written.rows(7, kind, len(told), images))]
        events.append((Type.XID, bytes(8)))
    return count, events


@st.composite
def image(draw: st.DrawFn, told: Sequence[Column], *, sane: bool) -> bytes:
    nulls = draw(st.one_of(st.just(0), st.integers(0, (1 << len(told)) - 1)))
    values = b"".join(draw(written.value(c, sane=sane)) for i, c in enumerate(told) if not nulls >> i & 1)
    return nulls.to_bytes((len(told) + 7) // 8, "little") + values


def test_what_servers_write_comes_in_columns_and_is_the_same(tmp_path: Path) -> None:
    """Every type but those that only Python reads; every value is equal by type and to the last digit. Most of it does come in columns."""
    path, written_, in_columns_ = tmp_path / "binlog.000001", 0, 0

    @given(case=logs(sane=True))
    @settings(suppress_health_check=[HealthCheck.too_slow])
    def hold(case: tuple[int, list[tuple[int, bytes]]]) -> None:
        nonlocal written_, in_columns_
        path.write_bytes(written.log(case[1]))
        written_ += case[0]
        in_columns_ += same(path)

    hold()
    assert in_columns_ > written_ / 3


def sent(path: Path) -> Iterator[replica.Sent]:
    """The events of a file as a server would send them."""
    for file, event, told in files.read([path]):
        yield replica.Sent(file, event.at, event.kind, event.flags, event.raw, told)


@given(case=logs(sane=True), size=st.integers(1, 400))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_what_comes_over_the_wire_is_the_same_however_it_is_cut(
    case: tuple[int, list[tuple[int, bytes]]], size: int, tmp_path: Path
) -> None:
    """Segments end in the middle of transactions; those are read by hand, the others in columns, in order and at the same places."""
    path = tmp_path / "binlog.000001"
    path.write_bytes(written.log(case[1]))
    theirs, _, _ = everything(segments.of_files([path]), plain=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(segments, "BYTES", size)
        ours, _, said = everything(segments.of_sent(sent(path)), plain=True)
    # Where a row's event stands is told within its segment, which is not the file.
    apart = [(*row[:2], *row[3:]) for row in spelled(ours)]
    assert (apart, said) == ([(*row[:2], *row[3:]) for row in spelled(theirs)], "")


@given(case=logs(sane=False), data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=200)
def test_any_bytes_at_all_are_read_or_refused_alike(case: tuple[int, list[tuple[int, bytes]]], data: st.DataObject, tmp_path: Path) -> None:
    """Values that no server writes, bodies that were cut or changed under a right checksum, files that were cut."""
    _, events = case
    damaged = data.draw(st.integers(0, len(events) - 1))
    kind, body = events[damaged]
    act = data.draw(st.sampled_from(["none", "cut", "change", "kind"]))
    if act == "cut":
        body = body[: data.draw(st.integers(0, len(body)))]
    elif act == "change" and body:
        at = data.draw(st.integers(0, len(body) - 1))
        body = body[:at] + bytes([data.draw(st.integers(0, 255))]) + body[at + 1 :]
    elif act == "kind":
        kind = data.draw(st.integers(0, 180))
    events[damaged] = (kind, body)
    raw = written.log(events)
    path = tmp_path / "binlog.000001"
    path.write_bytes(raw if data.draw(st.booleans()) else raw[: data.draw(st.integers(4, len(raw)))])
    same(path)


def test_plain_transactions_do_come_in_columns(tmp_path: Path) -> None:
    """Else the tests above would compare the Python reader with itself. What only Python reads comes between them, in its place."""
    told = [written.INTEGER, written.AMOUNT, Column(code=Code.NEWDECIMAL, meta=60 | 2 << 8, unsigned=False)]
    row = b"\0" + bytes([1, 0, 0, 0]) + b"\x80\0\0\1\0"
    events: list[tuple[int, bytes]] = []
    for number in range(10):
        wide = number == 5
        some = told if wide else told[:2]
        image = row + (b"\x80" + bytes(26) if wide else b"")
        events += [
            (Type.MARIA_GTID, written.maria_gtid(number + 1)),
            (Type.TABLE_MAP, written.table_map(number, "shop", "t", some)),
            (23, written.rows(number, 23, len(some), [image])),
            (Type.XID, bytes(8)),
        ]
    path = tmp_path / "binlog.000001"
    path.write_bytes(written.log(events))
    assert same(path) == 9
    rows, _, _ = everything(segments.of_files([path]), plain=True)
    assert [r[0] for r in rows] == [f"0-1-{n + 1}" for n in range(10)]


def test_any_arrow_library_takes_the_columns_over(tmp_path: Path) -> None:
    """The same values through a stranger's reader of the interface; afterwards they are its own."""
    told = [written.INTEGER, written.AMOUNT, Column(code=Code.VARCHAR, meta=80, charset="utf8mb4")]
    images = [b"\0" + bytes([n, 0, 0, 0]) + bytes([0x80, 0, 0, n, 5]) + bytes([6]) + "退款".encode() for n in range(9)] + [b"\7"]
    events = [
        (Type.MARIA_GTID, written.maria_gtid(1)),
        (Type.TABLE_MAP, written.table_map(7, "shop", "t", told)),
        (23, written.rows(7, 23, 3, images)),
        (Type.XID, bytes(8)),
    ]
    path = tmp_path / "binlog.000001"
    path.write_bytes(written.log(events))
    (stretch,) = [s for s in stretches.read(segments.of_files([path]), everything_of) if isinstance(s, stretches.Stretch)]
    table = stretch.parts[0].table
    ours = {name: table.values(name) for name in table.columns}
    batch = arro3.core.RecordBatch.from_arrow(table)
    theirs = {name: [v.as_py() for v in iter(batch[name])] for name in table.columns}
    assert theirs == ours
    assert ours["c2"] == ["退款"] * 9 + [None]
    assert str(ours["c1"][3]) == "3.05"
    with pytest.raises(ValueError, match="handed over"):
        table.values("c0")


def test_every_flipped_byte_and_every_cut_is_told_alike(tmp_path: Path) -> None:
    """Of a small log: one message with the same words, or the same rows."""
    told = [written.INTEGER, written.AMOUNT, Column(code=Code.VARCHAR, meta=80, charset="utf8mb4")]
    image = b"\0" + bytes([1, 0, 0, 0]) + b"\x80\0\0\1\0" + b"\2ab"
    events = [
        (Type.MARIA_GTID, written.maria_gtid(1)),
        (Type.TABLE_MAP, written.table_map(7, "shop", "t", told)),
        (24, written.rows(7, 24, 3, [image, image])),
        (Type.XID, bytes(8)),
    ]
    raw = written.log(events)
    path = tmp_path / "binlog.000001"
    for at in range(len(raw)):
        for damaged in (raw[:at] + bytes([raw[at] ^ 0x10]) + raw[at + 1 :], raw[:at]):
            path.write_bytes(damaged)
            assert same(path) == 0 or at < 4 + len(written.description())


def test_unwanted_columns_and_tables_are_stepped_over(tmp_path: Path) -> None:
    """And a transaction is there all the same, for what is asked of its place."""
    told = [written.INTEGER, Column(code=Code.VARCHAR, meta=80, charset="utf8mb4"), written.AMOUNT]
    image = b"\0" + bytes([1, 0, 0, 0]) + b"\2ab" + b"\x80\0\0\1\0"
    events: list[tuple[int, bytes]] = []
    for n, name in enumerate(("orders", "noise")):
        events += [
            (Type.MARIA_GTID, written.maria_gtid(n + 1)),
            (Type.TABLE_MAP, written.table_map(n, "shop", name, told)),
            (23, written.rows(n, 23, 3, [image])),
            (Type.XID, bytes(8)),
        ]
    path = tmp_path / "binlog.000001"
    path.write_bytes(written.log(events))
    wanted = {"orders": frozenset({"c2"})}
    (stretch,) = [
        s for s in stretches.read(segments.of_files([path]), lambda shape: wanted.get(shape.table)) if isinstance(s, stretches.Stretch)
    ]
    assert stretch.count == 2
    assert [(p.shape.table, p.table.columns, p.table.values("c2")) for p in stretch.parts] == [
        ("orders", ("_group", "_kind", "_after", "_at", "c2"), [written_amount()])
    ]
    assert [g.id for g in stretch.groups([1])] == ["0-1-2"]
    plain = list(scanning.groups(files.read([path])))
    assert [(g.id, g.begins, g.ends, g.committed_us) for g in stretch.groups([0, 1])] == [
        (g.id, g.begins, g.ends, g.committed_us) for g in plain
    ]


def written_amount() -> Value:
    return columns.field(written.AMOUNT).read(b"\x80\0\0\1\0")


@pytest.mark.server
@pytest.mark.parametrize("name", ["mariadb", "mysql8", "mysql8033"])
def test_what_real_servers_wrote_is_the_same(name: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Random rows of all types on real servers; of each table now these columns, now those, since zero dates are left to Python."""
    server: launch.Server = request.getfixturevalue(name)
    with server.root_connection(server.create_database()) as root, root.cursor() as cursor:
        cursor.execute("FLUSH BINARY LOGS")
        list(workload.Workload(root, 77, mariadb=name == "mariadb").wrote(statements=150, batch=3))
        cursor.execute("SHOW BINARY LOGS")
        log = str(cursor.fetchall()[-1][0])
        cursor.execute("FLUSH BINARY LOGS")
    path = tmp_path / log
    path.write_bytes((server.folder / "data" / log).read_bytes())

    def some(shape: Shape, turn: int) -> frozenset[str]:
        readable = [str(c.name).lower() for c in shape.columns if compiled.layout(c) is not None]
        return frozenset(readable[turn::8])

    came = [same(path, functools.partial(some, turn=turn)) for turn in range(8)]
    assert sum(came) > 300, came
    with contextlib.closing(film.ServerFilm(sa.make_url(server.url("", "reader")))) as running:
        since = Position(file=log, offset=len(MAGIC))
        ours = [(p.head, p.tables, list(p.changes(None))) for p in running.run(since)]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(compiled, "library", lambda: None)
            theirs = [(p.head, p.tables, list(p.changes(None))) for p in running.run(since)]
    assert ours == theirs
    assert len(ours) > 100


def test_no_damage_makes_it_read_beyond_the_bytes(tmp_path: Path) -> None:
    """Built with sanitizers for addresses and undefined behaviour, over thousands of damaged logs; and they do see one that overruns."""
    library = native.build(tmp_path / "scan.so", *native.SANITIZED)
    runtimes = [
        subprocess.run(["gcc", f"-print-file-name={n}"], capture_output=True, text=True, check=True).stdout.strip() for n in RUNTIMES
    ]
    # Python's own leaks at its end are not ours to count.
    told = {**os.environ, "LD_PRELOAD": " ".join(runtimes), "PYTHONMALLOC": "malloc", "ASAN_OPTIONS": "detect_leaks=0"}

    def hammered(logs: int, beyond: int) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "tests.changelog.hammer", str(library), "7", str(logs), str(beyond)]
        return subprocess.run(command, env=told, cwd=native.ROOT, capture_output=True, text=True, check=False)

    whole = hammered(3000, 0)
    assert whole.returncode == 0, whole.stderr[-3000:]
    assert int(whole.stdout) > 1000
    overrun = hammered(50, 64)
    assert overrun.returncode != 0
    assert "heap-buffer-overflow" in overrun.stderr


def test_it_travels_in_wheels_and_wheels_go_without_it(tmp_path: Path) -> None:
    """With a compiler a wheel is for this platform and any Python, without one for everybody; both hold the sources."""
    names = {}
    for name, compiler in (("with", ""), ("without", "/nowhere/cc")):
        told = {**os.environ, "CC": compiler}
        command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / name)]
        subprocess.run(command, env=told, cwd=native.ROOT, capture_output=True, text=True, check=True)
        (wheel,) = (tmp_path / name).iterdir()
        names[name] = wheel.name
        held = {Path(n).name for n in zipfile.ZipFile(wheel).namelist() if "/native/" in n}
        assert held == {"arrow.h", "bytes.h", "scan.c", "values.h", *(["scan.so"] if name == "with" else [])}
    assert "-py3-none-any." not in names["with"]
    assert "-py3-none-" in names["with"]
    assert names["without"].endswith("-py3-none-any.whl")


def test_a_library_of_other_sources_is_not_loaded(tmp_path: Path) -> None:
    """After an update of the checkout the old one is left alone until it is built again."""
    (tmp_path / "scan.c").write_text("int x;")
    assert compiled.digest(tmp_path) != compiled.digest()
