"""Attack 26 on what bills are packed in: bombs, paths out of the archive, locked and doubled members; and both sides of each limit."""

from __future__ import annotations

import gzip
import io
import zipfile

import pytest

from makewhole.adapters.bills import alipay, unpacking
from makewhole.model.bill import Refused, Wrong
from tests.bills import making


def zipped(*members: tuple[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return made.getvalue()


DETAIL = making.alipay_text().encode("gbk")


def wrong(raw: bytes) -> Wrong:
    with pytest.raises(Refused) as caught:
        alipay.Business().plain(raw)
    return caught.value.wrong


def test_attack_26_a_gzip_bomb_is_stopped_on_the_way() -> None:
    """A thousand to one: refused after the first mebibytes, not after the last."""
    bomb = gzip.compress(bytes(50 * 2**20))
    with pytest.raises(Refused) as caught:
        unpacking.gunzipped(bomb)
    assert caught.value.wrong is Wrong.TOO_LARGE
    small = bytes(unpacking.FREE_BYTES)
    assert unpacking.gunzipped(gzip.compress(small)) == small


def test_attack_26_a_zip_bomb_is_stopped() -> None:
    """By what it says of itself, and by what comes out where it lies."""
    bomb = zipped(("a.csv", DETAIL + bytes(50 * 2**20)))
    assert wrong(bomb) is Wrong.TOO_LARGE
    lying = bytearray(bomb)
    at = bomb.rfind(b"PK\x01\x02")
    lying[at + 24 : at + 28] = (1000).to_bytes(4, "little")
    assert wrong(bytes(lying)) in {Wrong.TOO_LARGE, Wrong.ARCHIVE}


@pytest.mark.parametrize("name", ["../a.csv", "/etc/a.csv", "x/../../a.csv", "..\\a.csv", "C:\\a.csv"])
def test_attack_26_a_path_out_of_the_archive_is_refused(name: str) -> None:
    """Nothing is ever written to a name from an archive; whoever sends such a name sends no bill."""
    assert wrong(zipped((name, DETAIL))) is Wrong.ARCHIVE


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_attack_26_an_archive_packed_as_no_bill_is(method: int) -> None:
    """Decoders that no bill needs are not run: what they raise over a broken file is nobody's refusal."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        archive.writestr("a.csv", DETAIL)
    assert wrong(made.getvalue()) is Wrong.ARCHIVE


def test_attack_26_no_bill_two_bills_locked_bills() -> None:
    """Exactly one file has the lines."""
    assert wrong(zipped(("a.csv", "#支付宝业务汇总查询".encode("gbk")))) is Wrong.ARCHIVE
    assert wrong(zipped(("a.csv", DETAIL), ("b.csv", DETAIL))) is Wrong.ARCHIVE
    assert wrong(zipped(*((f"{n}.csv", b"x") for n in range(unpacking.MEMBERS_MAX + 1)))) is Wrong.ARCHIVE
    assert wrong(zipped(("a.zip", making.zipped(DETAIL)))) is Wrong.ARCHIVE
    locked = bytearray(zipped(("a.csv", DETAIL)))
    locked[6] |= 1
    locked[locked.rfind(b"PK\x01\x02") + 8] |= 1
    assert wrong(bytes(locked)) is Wrong.ARCHIVE
    assert wrong(making.zipped(DETAIL)[:-30]) is Wrong.ARCHIVE
    assert alipay.Business().plain(zipped(*((f"{n}.csv", b"x") for n in range(unpacking.MEMBERS_MAX - 1)), ("a.csv", DETAIL))) == DETAIL
