"""Files are looked through alike with the compiled reader and without it; and signs that nobody can tell apart are not guessed."""

from __future__ import annotations

from pathlib import Path

import pytest

from makewhole.adapters.changelog import compiled, decoding, files, scanning, segments, stretches, tablemaps
from makewhole.adapters.changelog.events import Type
from makewhole.adapters.changelog.tablemaps import Code, Column
from makewhole.adapters.changelog.wrong import Unreadable
from makewhole.model.change import Sought
from tests.changelog import written

TEXT = Column(code=Code.VARCHAR, meta=80, charset="utf8mb4", name="number")
YEAR = Column(code=Code.YEAR, meta=0, unsigned=False)
UNSIGNED = Column(code=Code.LONG, meta=0, unsigned=True)


def log(path: Path) -> Path:
    """Forty transactions on orders and on another table by turns; one in ten is a statement."""
    told = [written.INTEGER, TEXT]
    parts: list[tuple[int, bytes]] = []
    for n in range(40):
        parts.append((Type.MARIA_GTID, written.maria_gtid(n + 1, standalone=n % 10 == 9)))
        if n % 10 == 9:
            parts.append((Type.QUERY, bytes(4) + bytes(4) + b"\4" + bytes(2) + bytes(2) + b"shop\0" + b"TRUNCATE orders"))
            continue
        number = f"A{n % 4}".encode()
        image = b"\0" + n.to_bytes(4, "little") + bytes([len(number)]) + number
        table = "orders" if n % 2 else "noise"
        parts += [(Type.TABLE_MAP, written.table_map(n % 2, "shop", table, told)), (23, written.rows(n % 2, 23, 2, [image]))]
        parts.append((Type.XID, bytes(8)))
    path.write_bytes(written.log(parts))
    return path


@pytest.mark.parametrize("is_built", [True, False])
def test_what_is_sought_is_found_whole_and_in_order(*, is_built: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a scan of everything finds it; without a library all of it is Python's."""
    path = log(tmp_path / "binlog.000001")
    if not is_built:
        monkeypatch.setattr(compiled, "library", lambda: None)
        assert not any(
            isinstance(told, stretches.Stretch) for told in stretches.read(segments.of_files([path]), lambda shape: stretches.ALL)
        )
    sought = [Sought(schema="shop", table="orders", column="number", value="A3")]
    found = list(scanning.ScannedLog(lambda: segments.of_files([path]), decoding.Decoder).touching(sought))
    plain = [decoding.Decoder().transaction(group) for group in scanning.groups(files.read([path]))]
    assert found == [t for t in plain if t.statements or any((c.after or {}).get("number") == "A3" for c in t.changes)]
    # Numbers 3, 7, 11, … of the table orders, but for those that are a statement; and the four statements.
    assert [len(t.changes) for t in found].count(1) == 8
    assert [t.statements for t in found].count(("TRUNCATE orders",)) == 4


def test_a_year_moves_the_signs_of_what_comes_after_it_as_its_server_wrote_them() -> None:
    """With a bit of its own or without one; where nobody knows, only what comes to the same is read."""
    before = memoryview(written.table_map(1, "s", "t", [UNSIGNED, YEAR]))[8:]
    for year_signed in (True, False, None):
        assert tablemaps.parse(before, mariadb=False, year_signed=year_signed).columns[0].unsigned
    after = memoryview(written.table_map(1, "s", "t", [YEAR, UNSIGNED]))[8:]
    assert tablemaps.parse(after, mariadb=False, year_signed=True).columns[1].unsigned
    with pytest.raises(Unreadable, match="another number"):
        tablemaps.parse(after, mariadb=False, year_signed=False)
    signed = memoryview(written.table_map(1, "s", "t", [Column(code=Code.YEAR, meta=0, unsigned=True), written.INTEGER]))[8:]
    with pytest.raises(Unreadable, match="nobody can tell apart"):
        tablemaps.parse(signed, mariadb=False, year_signed=None)


def test_a_key_of_a_column_that_is_not_there_is_damage() -> None:
    """Each of its columns is looked up by number: a wrong one is told as the log's fault, and is none of ours."""
    one = b"\x04shop\x00\x01t\x00" + b"\x01\xf6\x02\x01\x00\xff\x01\x01\x00\x04\x03\x02c0\x08\x01"
    assert tablemaps.parse(memoryview(one + b"\x00"), mariadb=True).key == (0,)
    with pytest.raises(Unreadable, match="a key of column 2 in a table of 1 columns"):
        tablemaps.parse(memoryview(one + b"\x01"), mariadb=True)
