"""Every image that we read is what the server itself said of the row, on random tables of all types, however it was told to log."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pytest
import sqlalchemy as sa

from makewhole.adapters.changelog import connection, decoding, replica, scanning
from makewhole.model import change
from makewhole.model.change import Position
from tests.changelog import workload
from tests.servers import launch

pytestmark = pytest.mark.server


@dataclasses.dataclass(frozen=True, kw_only=True)
class Way:
    """A server, what it is told for everybody, and what a session is told."""

    name: str
    server: str
    globally: Mapping[str, str] = dataclasses.field(default_factory=dict)
    session: Mapping[str, str] = dataclasses.field(default_factory=dict)


COMPRESSED = {"log_bin_compress": "ON", "log_bin_compress_min_len": "10"}
WAYS = (
    Way(name="mariadb", server="mariadb"),
    Way(name="mariadb-compressed", server="mariadb", globally=COMPRESSED),
    Way(name="mariadb-minimal-metadata", server="mariadb", globally={"binlog_row_metadata": "MINIMAL"}),
    Way(name="mariadb-no-metadata", server="mariadb", globally={"binlog_row_metadata": "NO_LOG", **COMPRESSED}),
    Way(name="mariadb-minimal-images", server="mariadb", session={"binlog_row_image": "MINIMAL"}),
    Way(name="mysql8", server="mysql8"),
    Way(name="mysql8033-minimal-metadata", server="mysql8033", globally={"binlog_row_metadata": "MINIMAL"}),
    Way(name="mysql8033-compressed", server="mysql8033", session={"binlog_transaction_compression": "ON"}),
    Way(name="mysql8033-partial", server="mysql8033", session={"binlog_row_value_options": "PARTIAL_JSON"}),
    Way(
        name="mysql8033-all",
        server="mysql8033",
        globally={"binlog_row_metadata": "MINIMAL"},
        session={"binlog_row_value_options": "PARTIAL_JSON", "binlog_transaction_compression": "ON", "binlog_row_image": "MINIMAL"},
    ),
    Way(name="mysql8033-noblob", server="mysql8033", session={"binlog_row_image": "NOBLOB"}),
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Played:
    """What a workload wrote, and what we read of it."""

    load: workload.Workload
    wrote: Sequence[workload.Wrote]
    read: Sequence[tuple[change.Change, ...]]


def play(way: Way, server: launch.Server, seed: int, *, statements: int, batch: int) -> Played:
    """Set the server up, write, read the log as a replica from where it began, and leave the settings as they were."""
    database = server.create_database()
    with server.root_connection(database) as root, root.cursor() as cursor:
        before = settings(cursor, way.globally)
        try:
            told(cursor, "GLOBAL", way.globally)
            told(cursor, "SESSION", way.session)
            since = place(cursor)
            load = workload.Workload(root, seed, mariadb=way.server == "mariadb")
            wrote = list(load.wrote(statements, batch))
        finally:
            told(cursor, "GLOBAL", before)
    url = sa.make_url(server.url(database, "reader"))
    read = [
        transaction.changes
        for transaction in transactions(url, since)
        if transaction.changes and transaction.changes[0].table.schema == database
    ]
    return Played(load=load, wrote=[w for w in wrote if w.before or w.after], read=read)


def transactions(url: sa.URL, since: Position) -> Iterator[change.Transaction]:
    """The log from this place on, named by the server's own schema where it does not name its tables."""
    with connection.connected(url) as asked, connection.connected(url) as server:
        decoder = decoding.Decoder(asked.definition)
        for group in scanning.groups(replica.events_of(server, since)):
            decoder.check(group)
            yield decoder.transaction(group)


def settings(cursor: Any, names: Mapping[str, str]) -> dict[str, str]:
    found = {}
    for name in names:
        cursor.execute(f"SELECT @@global.{name}")
        found[name] = str(cursor.fetchone()[0])
    return found


def told(cursor: Any, scope: str, values: Mapping[str, str]) -> None:
    for name, value in values.items():
        cursor.execute(f"SET {scope} {name} = {value if value.isdigit() else repr(value)}")


def place(cursor: Any) -> Position:
    cursor.execute("SHOW MASTER STATUS")
    file, offset, *_ = cursor.fetchone()
    return Position(file=file, offset=int(offset))


def compared(played: Played) -> int:
    """Compare everything; the number of images that were. An image that tells a part tells all that changed."""
    images = 0
    tables = {t.name: t for t in played.load.tables}
    assert len(played.read) == len(played.wrote)
    for wrote, changes in zip(played.wrote, played.read, strict=True):
        kinds = tables[wrote.table].kinds
        assert {c.table.name for c in changes} == {wrote.table}
        for told_, images_of in ((wrote.before, [c.before for c in changes]), (wrote.after, [c.after for c in changes])):
            found = [i for i in images_of if i is not None]
            assert len(found) == len(told_)
            for image, changed in zip(found, (c for c in changes), strict=False):
                key = key_of(changed)
                agree(image, told_[key], kinds, key)
                images += 1
        for changed in changes:
            tells_all(changed, wrote, kinds)
    return images


def key_of(changed: change.Change) -> int:
    key = (changed.before or {}).get("id", (changed.after or {}).get("id"))
    assert isinstance(key, int)
    return key


def agree(image: change.Image, row: Sequence[str | None], kinds: Sequence[workload.Kind], key: int) -> None:
    for i, (said, kind) in enumerate(zip(row, kinds, strict=True)):
        name = f"c{i}"
        if name in image:
            value = image[name]
            same = value is None if said is None else kind.agree(value, said)
            assert same, f"row {key}, {kind.ddl}: we read {value!r}, the server says {said!r}"


def tells_all(changed: change.Change, wrote: workload.Wrote, kinds: Sequence[workload.Kind]) -> None:
    """No column that changed is left out of the image after, but a document that is told as differences to what the log does not hold."""
    key = key_of(changed)
    if changed.after is None:
        return
    was = wrote.before.get(key, (None,) * len(kinds))
    for i, (before, after) in enumerate(zip(was, wrote.after[key], strict=True)):
        if before != after and f"c{i}" not in changed.after:
            assert kinds[i].ddl == "JSON"


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_every_image_is_what_the_server_said(
    way: Way, request: pytest.FixtureRequest, record_property: Callable[[str, object], None]
) -> None:
    """Random tables that have every type between them; some 500 images in each of the ways that servers log."""
    server: launch.Server = request.getfixturevalue(way.server)
    images = compared(play(way, server, seed=WAYS.index(way), statements=50, batch=12))
    assert images > 300
    record_property("says", f"{images} images")


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_a_hundred_and_twenty_thousand_images_are_what_the_server_said(
    way: Way, request: pytest.FixtureRequest, record_property: Callable[[str, object], None]
) -> None:
    """The same with large statements: more than 120,000 images in all, whose number is exact for a seed."""
    server: launch.Server = request.getfixturevalue(way.server)
    images = compared(play(way, server, seed=100 + WAYS.index(way), statements=70, batch=300))
    assert images > 120_000 / len(WAYS)
    record_property("says", f"{images} images")
