"""A log that cannot be read says so in one message (what, where, what to do), and what may hold rows is never skipped."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import pytest
import sqlalchemy as sa

from makewhole.adapters.changelog import connection, decoding, events, files, film, opening, queries, replica, scanning
from makewhole.adapters.changelog.events import Type
from makewhole.core import faults
from makewhole.model.change import Position, Sought
from makewhole.ports import trails
from tests.servers import launch

pytestmark = pytest.mark.server
IDS = (1, 2, 3)


@pytest.fixture(params=["mariadb", "mysql8033"])
def server(request: pytest.FixtureRequest) -> launch.Server:
    told: launch.Server = request.getfixturevalue(request.param)
    return told


@pytest.fixture
def log(server: launch.Server, tmp_path: Path) -> Path:
    """A closed log file with three inserted rows and one update of them all, alone in a folder."""
    database = server.create_database()
    with server.root_connection(database) as session, session.cursor() as cursor:
        cursor.execute("FLUSH BINARY LOGS")
        cursor.execute("CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(20))")
        for i in IDS:
            cursor.execute("INSERT INTO t VALUES (%s, 'x')", [i])
        cursor.execute("UPDATE t SET v = 'y'")
        cursor.execute("FLUSH BINARY LOGS")
        cursor.execute("SHOW BINARY LOGS")
        name = cursor.fetchall()[-2][0]
    copy = tmp_path / str(name)
    copy.write_bytes((server.folder / "data" / str(name)).read_bytes())
    return copy


def ids_of(path: Path) -> list[object]:
    """Every row's id before and after, in order; raises what reading raises."""
    decoder = decoding.Decoder()
    told = [decoder.transaction(g) for g in scanning.groups(files.read(files.find(path)))]
    return [image["id"] for t in told for c in t.changes for image in (c.before, c.after) if image is not None]


WHOLE = [1, 2, 3, 1, 1, 2, 2, 3, 3]


def pieces(raw: bytes) -> list[tuple[int, int, int]]:
    """Kind, place and size of every event."""
    found, at = [], 4
    while at < len(raw):
        size = int.from_bytes(raw[at + 9 : at + 13], "little")
        found.append((raw[at + 4], at, size))
        at += size
    return found


def summed(event: bytes) -> bytes:
    """The event with its checksum made right again."""
    return event[:-4] + zlib.crc32(event[:-4]).to_bytes(4, "little")


def test_every_flipped_byte_is_seen(log: Path, tmp_path: Path) -> None:
    """None of them changes what we say and goes unnoticed: it is an error, or it is in a byte that says nothing (the closing flag)."""
    raw = log.read_bytes()
    assert ids_of(log) == WHOLE
    unseen = []
    for at in range(len(raw)):
        damaged = bytearray(raw)
        damaged[at] ^= 0x10
        path = tmp_path / "damaged" / log.name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(damaged)
        try:
            ids_of(path)
        except faults.BadInput as wrong:
            if wrong.where and wrong.todo:
                continue
        unseen.append(at)
    assert unseen == []


def test_a_closed_file_that_was_cut_is_an_error_at_every_byte(log: Path) -> None:
    """At the end of an event it is a shorter log, which nobody can tell; inside one it was truncated."""
    raw = log.read_bytes()
    ends = {4, *(at + size for _, at, size in pieces(raw))}
    first = min(ends - {4})  # cut off in its first event, a file is no log at all
    for cut in range(5, len(raw), 7):
        log.write_bytes(raw[:cut])
        if cut in ends:
            continue
        with pytest.raises(faults.BadInput, match="truncated") as wrong:
            ids_of(log)
        assert wrong.value.where == f"{log.name}, byte {max((end for end in ends if end < cut), default=0) * (cut > first)}"


def test_a_file_in_use_may_end_anywhere(log: Path) -> None:
    """The server is writing it, or died in it: what is whole counts, what is not was never committed."""
    raw = bytearray(log.read_bytes())
    # The server's own sum does not count this flag.
    raw[4 + 17] |= events.IN_USE
    (_, first, size) = pieces(bytes(raw))[0]
    for cut in range(first + size, len(raw), 11):
        log.write_bytes(raw[:cut])
        told = ids_of(log)
        assert told == WHOLE[: len(told)]
        assert len(told) in {0, 1, 2, 3, 9}


def test_an_unknown_event_stops_the_reading(log: Path) -> None:
    """It may hold rows. With the format's own flag that says that it may be passed by, it is passed by."""
    raw = log.read_bytes()
    (_, at, size) = next(p for p in pieces(raw) if p[0] == Type.XID)
    for flag in (0, events.IGNORABLE):
        told = bytearray(raw[at : at + size])
        told[4] = 0xFA
        struct.pack_into("<H", told, 17, flag)
        log.write_bytes(raw[:at] + summed(bytes(told)) + raw[at:])
        if flag:
            assert ids_of(log) == WHOLE
        else:
            with pytest.raises(faults.BadInput, match="kind 250") as wrong:
                ids_of(log)
            assert wrong.value.where == f"{log.name}, byte {at}"


@pytest.mark.parametrize(
    "kind, says",
    [(Type.INCIDENT, "lost events"), (Type.MARIA_START_ENCRYPTION, "encrypted"), (Type.PRE_GA_WRITE_ROWS, "MySQL 5.1")],
)
def test_what_is_known_and_cannot_be_read_has_its_own_words(log: Path, kind: Type, says: str) -> None:
    """Each with what a person can do."""
    raw = log.read_bytes()
    (_, at, size) = next(p for p in pieces(raw) if p[0] == Type.XID)
    told = bytearray(raw[at : at + size])
    told[4] = kind
    log.write_bytes(raw[:at] + summed(bytes(told)) + raw[at:])
    with pytest.raises(faults.BadInput, match=says):
        ids_of(log)


def test_a_missing_file_of_a_chain_is_an_error(log: Path) -> None:
    """A gap may hide changes."""
    base, _, number = log.name.rpartition(".")
    (log.parent / f"{base}.{int(number) + 2:06d}").write_bytes(log.read_bytes())
    with pytest.raises(faults.BadInput, match="missing"):
        files.find(log.parent)


def test_a_file_of_a_chain_that_is_no_log_any_more_is_an_error(log: Path) -> None:
    """A copy that found the disk full is empty, and what it would tell is not passed by; a file of another name is nobody's business."""
    base, _, number = log.name.rpartition(".")
    (log.parent / "error.log.202611").write_text("started")
    assert files.find(log.parent) == [log]
    for beside in (int(number) - 1, int(number) + 1):
        (damaged := log.parent / f"{base}.{beside:06d}").write_bytes(b"")
        with pytest.raises(faults.BadInput, match="empty or damaged"):
            files.find(log.parent)
        damaged.unlink()


def test_folders_and_files_that_are_no_log(tmp_path: Path) -> None:
    """Each says what it is not."""
    with pytest.raises(faults.BadInput, match="no binlog file"):
        files.find(tmp_path)
    with pytest.raises(faults.BadInput, match="cannot read"):
        files.find(tmp_path / "nothing")
    (tmp_path / "x.000001").write_bytes(b"hello")
    with pytest.raises(faults.BadInput, match="not a binlog"):
        ids_of(tmp_path / "x.000001")
    (tmp_path / "x.000001").write_bytes(events.ENCRYPTED_MAGIC + b"x" * 40)
    with pytest.raises(faults.BadInput, match="encrypted"):
        ids_of(tmp_path / "x.000001")


# ---------------------------------------------------------------- servers


def look(server: launch.Server, user: str = "reader", password: str | None = None) -> list[object]:
    url = sa.make_url(server.url("mysql", user))
    url = url if password is None else url.set(password=password)
    return list(opening.open_log(url, None).touching([Sought(schema="x", table="t", column="id", value="1")]))


def test_an_account_without_the_privilege_is_told_what_it_needs(server: launch.Server) -> None:
    """SELECT alone does not read the log; a wrong password does not either."""
    with server.root_connection() as session, session.cursor() as cursor:
        cursor.execute("CREATE USER IF NOT EXISTS poor@'%' IDENTIFIED BY 'poor'")
        cursor.execute("GRANT SELECT ON *.* TO poor@'%'")
    for user, password in (("poor", None), ("reader", "wrong")):
        with pytest.raises(faults.BadInput) as wrong:
            look(server, user, password)
        assert "GRANT REPLICATION SLAVE" in wrong.value.todo
        assert password is None or password not in str(wrong.value)


def test_a_server_that_logs_statements_is_told_to_log_rows(server: launch.Server) -> None:
    """Before anything is read."""
    with server.root_connection() as session, session.cursor() as cursor:
        cursor.execute("SET GLOBAL binlog_format = STATEMENT")
        try:
            with pytest.raises(faults.BadInput, match="binlog_format=STATEMENT"):
                look(server)
        finally:
            cursor.execute("SET GLOBAL binlog_format = ROW")


def test_a_place_that_is_none_and_a_file_that_is_gone(server: launch.Server) -> None:
    """In the middle of an event, or purged: the server's own words, and what to do."""
    url = sa.make_url(server.url("mysql", "reader"))
    for since, says in ((Position(file="binlog.999999", offset=4), "purged|not find"), (Position(file="binlog.000001", offset=77), None)):
        with connection.connected(url) as told, pytest.raises(faults.BadInput, match=says):
            list(replica.events_of(told, since))


def test_a_log_that_was_begun_anew_has_not_the_place_that_was_known(server: launch.Server) -> None:
    """After RESET MASTER its numbers begin again: what stood between is gone, which is no empty stretch of a log."""
    with film.opened(sa.make_url(server.url("mysql", "reader")), None) as told:
        beyond = Position(file=told.end().file, offset=told.end().offset + 1_000_000)
        with pytest.raises(trails.Purged, match="begun anew"):
            list(told.run(beyond))


@pytest.mark.parametrize(
    "text, verb, speaks",
    [
        ("CREATE DEFINER=`root`@`localhost` TRIGGER t BEFORE UPDATE ON orders FOR EACH ROW SET NEW.a = 1", queries.Verb.HARMLESS, True),
        (
            "CREATE ALGORITHM=UNDEFINED DEFINER='a b'@'%' SQL SECURITY DEFINER VIEW `v` AS SELECT 1 FROM orders",
            queries.Verb.HARMLESS,
            True,
        ),
        ("/* x */ CREATE OR REPLACE DEFINER=CURRENT_USER() PROCEDURE p() UPDATE orders SET a = 1", queries.Verb.HARMLESS, True),
        ("CREATE OR REPLACE TABLE orders (a INT)", queries.Verb.OTHER, True),
        ("CREATE TABLE IF NOT EXISTS `shop`.`orders` (a INT)", queries.Verb.OTHER, True),
        ("CREATE TABLE `a``b` LIKE orders", queries.Verb.OTHER, False),
        ("RENAME TABLE orders TO o2, o3 TO orders", queries.Verb.OTHER, True),
        ("ALTER TABLE orders ADD a INT", queries.Verb.OTHER, True),
    ],
)
def test_a_statement_stands_in_nobodys_way_that_leaves_rows_and_columns_alone(text: str, verb: queries.Verb, *, speaks: bool) -> None:
    """Servers write whose a view or a trigger is before what it is; a table that is modelled on another leaves that one alone."""
    assert (queries.verb(text), queries.names(text, "orders")) == (verb, speaks)


def test_a_server_that_is_not_there_is_unavailable() -> None:
    """Later, the same again."""
    port = launch.free_port()
    with pytest.raises(faults.Unavailable), connection.connected(sa.make_url(f"mysql://reader:x@127.0.0.1:{port}/x")):
        pass


def test_ddl_after_unnamed_rows_stops_the_reading(server: launch.Server) -> None:
    """Today's schema names old rows only if nobody changed the table in between; a swap of two columns would be seen by nobody else."""
    database = server.create_database()
    url = sa.make_url(server.url(database, "reader"))
    sought = [Sought(schema=database, table="t", column="id", value="1")]
    with server.root_connection(database) as session, session.cursor() as cursor:
        cursor.execute(f"SET GLOBAL binlog_row_metadata = {'NO_LOG' if server.recipe.name == 'MariaDB' else 'MINIMAL'}")
        try:
            cursor.execute("CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(9), b VARCHAR(9))")
            cursor.execute("INSERT INTO t VALUES (1, 'a', 'b')")
            told = [c.after for t in opening.open_log(url, None).touching(sought) for c in t.changes]
            assert told == [{"id": 1, "a": "a", "b": "b"}]
            cursor.execute("ALTER TABLE t DROP COLUMN a, ADD COLUMN c VARCHAR(9) FIRST, DROP PRIMARY KEY, ADD PRIMARY KEY (id)")
            cursor.execute("ALTER TABLE t MODIFY COLUMN c VARCHAR(9) AFTER id")
            with pytest.raises(faults.BadInput, match="changed after rows"):
                list(opening.open_log(url, None).touching(sought))
        finally:
            cursor.execute("SET GLOBAL binlog_row_metadata = FULL")


def test_ddl_between_rows_that_name_themselves_is_no_matter(server: launch.Server, tmp_path: Path) -> None:
    """Each row is told by the columns that its table had then, from files too; the statement stands between them."""
    database = server.create_database()
    with server.root_connection(database) as session, session.cursor() as cursor:
        cursor.execute("FLUSH BINARY LOGS")
        cursor.execute("CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(9), b VARCHAR(9))")
        cursor.execute("INSERT INTO t VALUES (1, 'a', 'b')")
        cursor.execute("ALTER TABLE t ADD COLUMN c INT NOT NULL DEFAULT 7 AFTER id, DROP COLUMN b")
        cursor.execute("UPDATE t SET a = 'x'")
        cursor.execute("SHOW BINARY LOGS")
        name = str(cursor.fetchall()[-1][0])
        cursor.execute("FLUSH BINARY LOGS")
    (tmp_path / name).write_bytes((server.folder / "data" / name).read_bytes())
    sought = [Sought(schema=database, table="t", column="id", value="1")]
    for place in (None, str(tmp_path)):
        told = list(opening.open_log(sa.make_url(server.url(database, "reader")), place).touching(sought))
        assert [c.after for t in told for c in t.changes] == [{"id": 1, "a": "a", "b": "b"}, {"id": 1, "c": 7, "a": "x"}]
        assert [len(t.statements) for t in told] == [1, 0, 1, 0]


def test_by_gtid_reading_begins_after_what_was_executed(server: launch.Server) -> None:
    """From a transaction's own end: the next one comes, and nothing twice."""
    database = server.create_database()
    with server.root_connection(database) as session, session.cursor() as cursor:
        cursor.execute("CREATE TABLE t (id INT PRIMARY KEY)")
        for i in range(5):
            cursor.execute("INSERT INTO t VALUES (%s)", [i])
    url = sa.make_url(server.url(database, "reader"))
    with connection.connected(url) as told:
        groups = list(scanning.groups(replica.events_of(told, replica.oldest(told))))
    ours = [g for g in groups if any(r.shape.schema == database for r in g.rows)]
    with connection.connected(url) as told:
        after = list(scanning.groups(replica.events_of(told, ours[2].ends, by_gtid=True), ours[2].ends.gtids))
    assert [g.id for g in after] == [g.id for g in ours[3:]]
    assert [g.ends for g in after] == [g.ends for g in ours[3:]]


def test_tls_and_the_newest_login_are_spoken(mysql8033: launch.Server) -> None:
    """caching_sha2_password over TLS, over plain TCP the first time, and with the server's certificate demanded but not ours."""
    with mysql8033.root_connection() as session, session.cursor() as cursor:
        cursor.execute("CREATE USER IF NOT EXISTS sha2@'%' IDENTIFIED WITH caching_sha2_password BY 'sha2' REQUIRE SSL")
        cursor.execute("GRANT REPLICATION SLAVE, REPLICATION CLIENT, SELECT ON *.* TO sha2@'%'")
    authority = mysql8033.folder / "data" / "ca.pem"
    url = sa.make_url(mysql8033.url("mysql", "sha2"))
    with connection.connected(url.update_query_dict({"ssl_ca": str(authority)})) as told:
        assert told.rows("SHOW STATUS LIKE 'Ssl_cipher'")[0][1] != ""
        assert sum(1 for _ in replica.events_of(told, replica.oldest(told))) > 0


def test_xa_counts_when_it_is_committed_and_not_before(server: launch.Server) -> None:
    """Prepared and then committed elsewhere: its rows come at the commit; rolled back, they never come."""
    database = server.create_database()
    url = sa.make_url(server.url(database, "reader"))
    with server.root_connection(database) as session, session.cursor() as cursor:
        cursor.execute("CREATE TABLE t (id INT PRIMARY KEY)")
        for name, row in (("one", 1), ("two", 2)):
            for step in (f"XA START '{name}'", f"INSERT INTO t VALUES ({row})", f"XA END '{name}'", f"XA PREPARE '{name}'"):
                cursor.execute(step)
            session.close()
            session.connect()
            cursor = session.cursor()  # noqa: PLW2901  a prepared transaction outlives its session, which may do nothing else
        cursor.execute("XA ROLLBACK 'two'")
        cursor.execute("INSERT INTO t VALUES (3)")
        cursor.execute("XA COMMIT 'one'")
    sought = [Sought(schema=database, table="t", column="id", value=str(i)) for i in IDS]
    told = [c.after for t in opening.open_log(url, None).touching(sought) for c in t.changes]
    assert told == [{"id": 3}, {"id": 1}]


def test_what_a_savepoint_took_back_is_not_told(server: launch.Server) -> None:
    """Inside one transaction; and a transaction that was rolled back leaves nothing."""
    database = server.create_database()
    url = sa.make_url(server.url(database, "reader"))
    with server.root_connection(database) as session, session.cursor() as cursor:
        cursor.execute("CREATE TABLE t (id INT PRIMARY KEY)")
        for step in (
            "BEGIN",
            "INSERT INTO t VALUES (1)",
            "SAVEPOINT a",
            "INSERT INTO t VALUES (2)",
            "ROLLBACK TO a",
            "INSERT INTO t VALUES (3)",
        ):
            cursor.execute(step)
        cursor.execute("COMMIT")
        for step in ("BEGIN", "INSERT INTO t VALUES (2)", "ROLLBACK"):
            cursor.execute(step)
        cursor.execute("CREATE TABLE u AS SELECT * FROM t")
    sought = [Sought(schema=database, table=t, column="id", value=str(i)) for t in ("t", "u") for i in IDS]
    told = list(opening.open_log(url, None).touching(sought))
    rows = [(t.id, [(c.table.name, c.after["id"]) for c in t.changes if c.after]) for t in told if t.changes]
    assert [r for _, r in rows] == [[("t", 1), ("t", 3)], [("u", 1), ("u", 3)]]
    assert all(t.id for t in told)
