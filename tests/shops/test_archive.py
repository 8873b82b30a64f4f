"""Orders as the search index gets them: every one, page by page, with its names; of the phone what its class allows."""

from __future__ import annotations

import pytest

from makewhole.adapters.shops import archive, language, shopmap
from makewhole.core import faults, ids
from makewhole.model import document
from tests.shops import tea
from tests.shops.conftest import Shop

PHONE = "13800138000"


def attached(shop: Shop, privacy: str | None = None, column: str = "link") -> archive.SqlArchive:
    """The shop's archive; with `privacy`, its map names a phone."""
    text = tea.SHOP_FILE.read_text(encoding="utf-8")
    if privacy is not None:
        text = text.replace("[order.fields]\n", f'[order.fields]\nreceiver_phone = {{ sql = "{column}"{privacy} }}\n')
    return archive.attach(shopmap.compile_map(language.parse(text, "tea")), shop.reader, tea.SECRET)


def told(shop: Shop, privacy: str | None = None) -> dict[str, document.Document]:
    return {str(d.order): d for page, _ in attached(shop, privacy).pages(None) for d in page}


def test_every_order_is_told_with_its_names(shop: Shop) -> None:
    """Numbers of payments, refunds, parcels; state, amount, goods; no buyer."""
    shop.sql("INSERT INTO t_pay (order_id, out_no, channel) VALUES (3, 'pay-3-a', 'wx')")
    shop.sql("INSERT INTO t_refund (order_id, refund_no, amount, state) VALUES (3, 'refund-3', 1.00, 1)")
    shop.sql("UPDATE t_order SET parcel = 'SF1234567890', buyer = 'member-77' WHERE id = 3")
    found = told(shop)
    assert set(found) == {"O1", "C1", "P1"}
    paid = found["P1"]
    assert set(paid.ids) == {"T3", "********7890", "c-P1", "pay-3-a", "refund-3"}
    for word in ("awaiting-shipment", "128.50", "a", "b"):
        assert word in paid.text
    assert (paid.what, paid.source) == (document.What.ORDER, "tea")
    assert paid.at is not None
    assert "member-77" not in document.searchable(paid)


@pytest.mark.parametrize(
    "privacy,kept",
    [(None, ()), ("", ()), (', privacy = "never"', ()), (', privacy = "masked"', ("*******8000",)), (', privacy = "plain"', (PHONE,))],
)
def test_of_a_phone_what_its_class_allows(shop: Shop, privacy: str | None, kept: tuple[str, ...]) -> None:
    """Nothing, unless the map says otherwise."""
    shop.sql(f"UPDATE t_order SET link = '{PHONE}' WHERE id = 1")
    found = told(shop, privacy)["O1"]
    assert tuple(n for n in found.ids if n != "c-O1") == kept
    assert (PHONE in document.searchable(found)) == (PHONE in kept)


def test_a_hashed_phone_is_one_word_that_nobody_can_read(shop: Shop) -> None:
    """And the same phone in a log is the same word."""
    shop.sql(f"UPDATE t_order SET link = '{PHONE}' WHERE id = 1")
    (name,) = (n for n in told(shop, ', privacy = "hashed"')["O1"].ids if n != "c-O1")
    map_ = shopmap.compile_map(
        language.parse(
            tea.SHOP_FILE.read_text(encoding="utf-8").replace(
                "[order.fields]\n", '[order.fields]\nreceiver_phone = { sql = "link", privacy = "hashed" }\n'
            ),
            "tea",
        )
    )
    assert archive.hashes_phones(map_)
    assert archive.phones(map_, tea.SECRET)(PHONE) == name
    assert archive.phones(map_, b"another")(PHONE) != name


def test_a_phone_is_in_no_dossier(shop: Shop) -> None:
    """It is for the index alone, whatever its class: neither selected for a dossier nor part of a row's version."""
    shop.sql(f"UPDATE t_order SET origin = '{PHONE}' WHERE id = 1")
    heard = shop.eyes.read([ids.OrderNumber("O1")])
    assert PHONE not in repr(heard)


def test_pages_follow_the_key_as_a_number_and_go_on_from_a_mark(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """9 comes before 10; each order once; what came meanwhile is found by going on."""
    for n in range(8, 13):
        shop.sql(f"INSERT INTO t_order (id, sn, state, due) VALUES ({n}, 'N{n}', 1, 1.00)")
    monkeypatch.setattr(archive, "PAGE", 3)
    shops = attached(shop)
    pages = [([str(d.order) for d in page], mark) for page, mark in shops.pages(None)]
    assert [mark for _, mark in pages] == ["3", "10", "12"]
    assert sorted(n for page, _ in pages for n in page) == sorted(["O1", "C1", "P1", "N8", "N9", "N10", "N11", "N12"])
    assert list(shops.pages("12")) == []
    shop.sql("INSERT INTO t_order (id, sn, state, due) VALUES (13, 'N13', 1, 1.00)")
    assert [[str(d.order) for d in page] for page, _ in shops.pages("12")] == [["N13"]]


def test_a_row_that_cannot_be_judged_is_found_all_the_same(shop: Shop) -> None:
    """A search is no judgement: an unknown state and a broken time keep no order out."""
    shop.sql("UPDATE t_order SET state = 77, expires_at = 'soon', due = 1.005 WHERE id = 1")
    assert told(shop)["O1"].order == "O1"


def test_a_phone_that_is_no_column_is_a_wrong_map(shop: Shop) -> None:
    """Said at the start, with the key."""
    with pytest.raises(faults.BadInput, match="no column nowhere"):
        attached(shop, ', privacy = "plain"', "nowhere")
