"""Images of a SQLite shop with triggers: exact at their instants, whenever they are made and whoever is killed meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from makewhole.core import clock, faults, ids
from makewhole.engine import image as mover
from makewhole.model import image
from makewhole.model.image import Kind
from tests.images import shops

MINUTE = timedelta(minutes=1)
N = ids.OrderNumber


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[shops.SqliteShop]:
    """Three orders, the second with two items."""
    with shops.sqlite_shop(tmp_path) as made:
        made.write(
            shops.START - MINUTE,
            *(f"INSERT INTO orders VALUES ({i}, 'A{i}', 0, {i}00, '1380013800{i}', '张三{i}', '密')" for i in (1, 2, 3)),
            "INSERT INTO items VALUES (1, 2, 'tea', 1), (2, 2, 'cup', 2)",
        )
        yield made


def told(studio: mover.Studio, number: str, at: datetime, *, run_on: bool = True) -> dict[str, dict[str, str | None]]:
    """An order's rows by role and key."""
    seen = mover.as_of(studio, N(number), at, run_on=run_on)
    assert seen is not None
    return {f"{r.role} {r.key}": dict(zip(seen.columns[r.role], r.values or (), strict=True)) for r in seen.rows}


def test_an_order_is_seen_as_it_was_at_any_minute(shop: shops.SqliteShop, tmp_path: Path) -> None:
    """From the image before, and the log up to the minute; with --image-only from the image alone."""
    ticking = clock.ManualClock(shops.START)
    with shops.studio(shop, tmp_path / "images", ticking) as studio:
        list(mover.take(studio))
        at = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
        shop.write(at + 20 * MINUTE, "UPDATE orders SET status = 1 WHERE id = 2", "DELETE FROM items WHERE id = 2")
        shop.write(at + 21 * MINUTE, "UPDATE items SET order_id = 3 WHERE id = 1")
        ticking.advance(45 * MINUTE)
        assert [h.at for h in mover.take(studio)] == [at + m * MINUTE for m in (15, 30, 45)]
        before, between, after = (told(studio, "A2", at + m * MINUTE) for m in (19, 21, 22))
        assert set(before) == {"order 2", "item 1", "item 2"}
        assert before["order 2"]["status"] == "0"
        assert set(between) == {"order 2", "item 1"}
        assert between["order 2"]["status"] == "1"
        assert set(after) == {"order 2"}
        assert set(told(studio, "A3", at + 22 * MINUTE)) == {"order 3", "item 1"}
        assert set(told(studio, "A2", at + 22 * MINUTE, run_on=False)) == {"order 2", "item 1", "item 2"}
        assert mover.as_of(studio, N("A2"), shops.START - MINUTE) is None


def test_only_what_the_map_allows_is_in_an_image(shop: shops.SqliteShop, tmp_path: Path) -> None:
    """A masked phone, a hashed buyer, and nothing of a column that the map does not look at; in no file's bytes either."""
    with shops.studio(shop, tmp_path / "images", clock.ManualClock(shops.START)) as studio:
        list(mover.take(studio))
        shop.write(shops.START + MINUTE, "UPDATE orders SET phone = '13912345678', buyer = '李四', secret = '私' WHERE id = 1")
        studio.clock.sleep(20 * MINUTE)
        list(mover.take(studio))
        row = told(studio, "A1", studio.clock.now())["order 1"]
        assert row["phone"] == "*******5678"
        assert len(row["buyer"] or "") == 16
        assert "secret" not in row
    raw = b"".join(f.read_bytes() for f in (tmp_path / "images").rglob("*") if f.is_file())
    for word in ("13912345678", "1380013800", "李四", "张三", "私", "密"):
        assert word.encode() not in raw


def test_what_is_not_due_is_not_made(shop: shops.SqliteShop, tmp_path: Path) -> None:
    """An image waits for its instant and five seconds more; asking twice makes nothing twice."""
    ticking = clock.ManualClock(datetime(2026, 11, 23, 10, 15, tzinfo=UTC))
    with shops.studio(shop, tmp_path / "images", ticking) as studio:
        assert [h.kind for h in mover.take(studio)] == [Kind.OPENING]
        ticking.advance(datetime(2026, 11, 23, 10, 30, tzinfo=UTC) + image.SETTLED - 1 * timedelta(microseconds=1) - ticking.now())
        assert list(mover.take(studio)) == []
        ticking.advance(timedelta(microseconds=1))
        assert [h.at.minute for h in mover.take(studio)] == [30]
        assert list(mover.take(studio)) == []


@pytest.mark.slow
def test_missed_images_are_the_images_that_were_not_missed(shop: shops.SqliteShop, tmp_path: Path) -> None:
    """One studio makes each in time, another all of them two days later: the same rows in every one."""
    ticking = clock.ManualClock(shops.START)
    with (
        shops.studio(shop, tmp_path / "in-time", ticking) as one,
        shops.studio(shop, tmp_path / "late", ticking) as other,
    ):
        for studio in (one, other):
            list(mover.take(studio))
        for i in range(12):
            shop.write(ticking.now() + MINUTE, f"UPDATE orders SET amount = {i} WHERE id = {i % 3 + 1}")
            ticking.advance(41 * MINUTE)
            list(mover.take(one))
        list(mover.take(other))
        ever = (shops.START, ticking.now())
        pairs = list(zip(one.album.heads(*ever), other.album.heads(*ever), strict=True))
        assert len(pairs) == 33
        for mine, theirs in pairs[1:]:
            assert (mine.at, mine.kind, mine.position, mine.changed, mine.rows) == (
                theirs.at,
                theirs.kind,
                theirs.position,
                theirs.changed,
                theirs.rows,
            )
            assert shops.state(one.album, mine) == shops.state(other.album, theirs)


def test_a_map_that_changed_begins_anew_and_says_so(shop: shops.SqliteShop, tmp_path: Path) -> None:
    """Other columns, or another secret of hashes: images of two forms are not mixed."""
    ticking = clock.ManualClock(shops.START)
    with shops.studio(shop, tmp_path / "images", ticking) as studio:
        list(mover.take(studio))
    ticking.advance(20 * MINUTE)
    with shops.studio(shop, tmp_path / "images", ticking, secret=b"another") as studio:
        (head,) = mover.take(studio)
        assert head.kind is Kind.OPENING
        assert "secret of hashes" in head.why
        assert [h.kind for h in mover.take(studio, anew="asked for")] == [Kind.OPENING]


def test_less_than_the_audit_needs_is_refused(shop: shops.SqliteShop, tmp_path: Path) -> None:
    """R19: 180 days at least; and nothing is deleted on a refusal."""
    ticking = clock.ManualClock(shops.START)
    with shops.studio(shop, tmp_path / "images", ticking) as studio:
        list(mover.take(studio))
        ticking.advance(timedelta(days=400))
        with pytest.raises(faults.Rejected, match="R19"):
            mover.tidy(studio, timedelta(days=180) - timedelta(microseconds=1))
        assert len(studio.album.heads(shops.START, ticking.now())) == 1
        assert mover.tidy(studio, timedelta(days=180)) == (0, 1)
        assert studio.album.heads(shops.START, ticking.now()) == []
