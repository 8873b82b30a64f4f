"""A card's number in a shop's words is starred in every image, and never goes back into the shop from there; own numbers pass."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from makewhole.core import clock
from makewhole.engine import image as mover
from makewhole.engine import restoring
from makewhole.model import image, rollback
from tests.images import shops

CARD = "4111111111111111"
TEXT = "请退到 4111 1111 1111 1111"
STARRED = "请退到 **** **** **** 1111"


def test_a_card_is_in_no_file_of_the_images_and_the_shop_is_the_same_as_its_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the tables and from the log, as text and as a number; an order's number that looks like one stays, for it is no card's."""
    monkeypatch.setattr(shops, "MAP", shops.MAP.replace('buyer = "buyer"', 'channel = "buyer"'))
    ticking = clock.ManualClock(shops.START)
    with shops.sqlite_shop(tmp_path) as shop:
        shop.write(shops.START - timedelta(minutes=1), f"INSERT INTO orders VALUES (1, '{CARD}', 0, 5, '', '{TEXT}', '')")
        with shops.studio(shop, tmp_path / "images", ticking) as studio:
            list(mover.take(studio))
            shop.write(shops.START + timedelta(minutes=1), f"INSERT INTO orders VALUES (2, 'A2', 0, {CARD}, '', 'wechat', '')")
            ticking.advance(timedelta(minutes=20))
            *_, head = mover.take(studio)
            rows = {row.key: row for row in studio.album.everything(head)}
            told = {
                key: dict(zip(head.columns["order"], zip(row.values or (), row.types, strict=True), strict=True))
                for key, row in rows.items()
            }
            assert told["1"]["buyer"] == (STARRED, image.CARD)
            assert told["1"]["number"] == (CARD, "s")
            assert told["2"]["buyer"] == ("wechat", "s")
            assert told["2"]["amount"] == ("************1111", image.CARD)
            checked = mover.check(studio)
            assert checked is not None
            assert checked.count == 0
            (form,) = [f for f in studio.source.forms if f.table.role == "order"]
    columns = tuple(rollback.Column(name=n, type="text") for n in ("id", "number", "buyer"))
    live = rollback.Form(table="orders", columns=columns, key=("id",))
    _, was = restoring._net(form, rows["1"], head.columns["order"], {"orders": live}, CARD, "")
    assert set(was) == {"id", "number"}
