"""Strangers at our images: two lake readers that know nothing of us read every state; an S3 server keeps them where a folder would."""

from __future__ import annotations

import contextlib
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from makewhole.core import clock, ids
from makewhole.engine import image as mover
from makewhole.model import image
from tests.images import shops
from tests.images.test_take import MINUTE
from tests.servers import launch
from tests.strangers import process

pytestmark = pytest.mark.slow
STARTS_S_MAX = 60


@pytest.fixture
def stranger(stranger_python: Callable[[str], Path]) -> Iterator[process.Stranger]:
    """Both readers, in an environment of their own."""
    made = process.Stranger(stranger_python("lake"), "drive_lake.py")
    yield made
    made.stop()


@contextlib.contextmanager
def lived(folder: Path, place: str) -> Iterator[mover.Studio]:
    """Images of a shop over a midnight: rows that change, go, move to another order, and one with a quote in it."""
    with shops.sqlite_shop(folder) as shop:
        ticking = clock.ManualClock(shops.START)
        shop.write(shops.START - MINUTE, *(f"INSERT INTO orders VALUES ({i}, 'N{i}', 0, {i}, 'p', 'b', 's')" for i in range(1, 40)))
        shop.write(shops.START - MINUTE, *(f"INSERT INTO items VALUES ({i}, {i % 9 + 1}, '茶''s', 1)" for i in range(1, 20)))
        with shops.studio(shop, place, ticking) as studio:
            list(mover.take(studio))
            for i in range(6):
                ticking.advance(67 * MINUTE)
                shop.write(ticking.now(), f"UPDATE orders SET status = 1, amount = amount + {i} WHERE id % 7 = {i % 7}")
                shop.write(
                    ticking.now(), f"DELETE FROM items WHERE id = {i + 1}", f"UPDATE items SET order_id = {i + 2} WHERE id = {i + 9}"
                )
                list(mover.take(studio))
            ticking.advance(16 * MINUTE)
            list(mover.take(studio))
            yield studio


@pytest.mark.parametrize("reader", ["polars", "duckdb"])
def test_any_lake_reader_tells_every_state_as_we_do(stranger: process.Stranger, tmp_path: Path, reader: str) -> None:
    """One query, written by hand, without any code of ours; before and after a day's files were put together."""
    place = str(tmp_path / "images")
    with lived(tmp_path, place) as studio:
        heads = studio.album.heads(shops.START, studio.clock.now())
        assert {h.kind for h in heads} == {image.Kind.OPENING, image.Kind.CHANGES, image.Kind.BASE}
        for _ in range(2):
            for head in heads[::9]:
                want = shops.state(studio.album, head)
                for role, columns in (("order", ["number", "status", "amount"]), ("item", ["order_id", "sku", "quantity"])):
                    told = ", ".join(["_key", *columns])
                    day = image.day(head.at)
                    found = stranger.ask(reader, place=place, columns=told, day=day, image=head.id, role=role)
                    assert found == [[k, *(row[c] for c in columns)] for k, row in sorted(want[role].items())]
            assert studio.album.compact(studio.clock.now() + timedelta(days=1)) >= 0


@pytest.fixture
def s3(stranger_python: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A bucket at moto, which speaks S3 on loopback: a stand-in for a real object store, and said to be one."""
    port = launch.free_port()
    command = [str(stranger_python("lake")), "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    told = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ALLOW_HTTP": "true",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    try:
        give_up = time.monotonic() + STARTS_S_MAX
        while True:
            try:
                urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}/images", method="PUT"), timeout=5).close()
                break
            except OSError:
                if time.monotonic() > give_up:
                    raise
                time.sleep(0.2)
        yield "s3://images/shops/t"
    finally:
        server.terminate()
        server.wait(timeout=10)


def test_images_in_an_object_store_are_those_in_a_folder(s3: str, tmp_path: Path) -> None:
    """The same shop, the same images: states, orders, differences, the daily check, a day's files put together."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with lived(tmp_path / "a", s3) as far, lived(tmp_path / "b", str(tmp_path / "b" / "images")) as near:
        ever = (shops.START, far.clock.now())
        pairs = list(zip(far.album.heads(*ever), near.album.heads(*ever), strict=True))
        for one, other in pairs[1::11]:
            assert shops.state(far.album, one) == shops.state(near.album, other)
            for number in ("N3", "N7"):
                seen = [mover.as_of(s, ids.OrderNumber(number), one.at + MINUTE) for s in (far, near)]
                assert seen[0] is not None
                assert seen[1] is not None
                assert seen[0].rows == seen[1].rows
        first, last = pairs[0], pairs[-1]
        assert list(far.album.differences(first[0], last[0])) == list(near.album.differences(first[1], last[1])) != []
        checked = mover.check(far)
        assert checked is not None
        assert checked.count == 0
        assert far.album.compact(far.clock.now()) == near.album.compact(near.clock.now()) > 0
        assert shops.state(far.album, pairs[5][0]) == shops.state(near.album, pairs[5][1])
