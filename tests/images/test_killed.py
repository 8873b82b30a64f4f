"""Whoever makes images may be killed at any moment: the last image is whole, and the next process goes on as if nobody had been."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

from makewhole.core import clock, ids
from makewhole.engine import image as mover
from tests.images import shops
from tests.images.test_take import MINUTE

pytestmark = pytest.mark.slow
KILLS = 8
IMAGES = 60
MAKER = """
import sys
from datetime import datetime
from pathlib import Path
from makewhole.core import clock
from makewhole.engine import image as mover
from tests.images import shops
folder, place, now = Path(sys.argv[1]), sys.argv[2], datetime.fromisoformat(sys.argv[3])
shop = shops.SqliteShop.__new__(shops.SqliteShop)
shop.file, shop.map = folder / "shop.db", shops.shop_map(folder, "sqlite")
shop.url = shops.sa.make_url(f"sqlite:///{shop.file}")
with shops.studio(shop, place, clock.ManualClock(now)) as studio:
    print("begun", flush=True)
    for head in mover.take(studio):
        print(head.id, flush=True)
"""


def test_killed_at_random_moments(tmp_path: Path) -> None:
    """The album opens each time, no image that was told is lost, and at the end all are what nobody disturbed."""
    r = random.Random(5)
    with shops.sqlite_shop(tmp_path) as shop:
        shop.write(shops.START - MINUTE, *(f"INSERT INTO orders VALUES ({i}, 'N{i}', 0, 1, 'p', 'b', 's')" for i in range(1, 400)))
        ticking = clock.ManualClock(shops.START)
        for place in ("killed", "whole"):
            with shops.studio(shop, tmp_path / place, ticking) as studio:
                list(mover.take(studio))
        for i in range(IMAGES):
            ticking.advance(15 * MINUTE)
            shop.write(ticking.now(), f"UPDATE orders SET amount = amount + 1 WHERE id % {i % 7 + 2} = 0")
        ticking.advance(timedelta(minutes=1))
        told: list[int] = []
        for _ in range(KILLS):
            command = [sys.executable, "-c", MAKER, str(tmp_path), str(tmp_path / "killed"), ticking.now().isoformat()]
            root = Path(__file__).parents[2]
            maker = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True, cwd=root)
            assert maker.stdout is not None
            assert maker.stdout.readline() == "begun\n"
            time.sleep(r.random() * 0.3)
            os.kill(maker.pid, signal.SIGKILL)
            told += [int(line) for line in maker.stdout.read().split("\n") if line.endswith(tuple("0123456789")) and len(line) == 16]
            maker.wait()
            maker.stdout.close()
            with shops.studio(shop, tmp_path / "killed", ticking) as studio:
                last = studio.album.last()
                assert last is not None
                assert last.id >= max(told, default=0)
                assert mover.as_of(studio, ids.OrderNumber("N6"), last.at, run_on=False) is not None
        for place in ("killed", "whole"):
            with shops.studio(shop, tmp_path / place, ticking) as studio:
                list(mover.take(studio))
        with shops.studio(shop, tmp_path / "killed", ticking) as one, shops.studio(shop, tmp_path / "whole", ticking) as other:
            pairs = list(zip(one.album.heads(shops.START, ticking.now()), other.album.heads(shops.START, ticking.now()), strict=True))
            assert len(pairs) == IMAGES + 1
            for mine, theirs in pairs[1::9]:
                assert shops.state(one.album, mine) == shops.state(other.album, theirs)
            for number in ("N6", "N7", "N30"):
                seen = [mover.as_of(s, ids.OrderNumber(number), pairs[-9][0].at, run_on=False) for s in (one, other)]
                assert seen[0] is not None
                assert seen[1] is not None
                assert seen[0].rows == seen[1].rows
