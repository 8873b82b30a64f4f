"""Log files as they really are: every form, every encoding, traces of many lines; and nothing personal in what is kept of them."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from makewhole.adapters.search import entries, files, logs, personal
from makewhole.core import clock, faults, ids
from makewhole.model import document

SHOP = ids.ShopName("demo")
AT = datetime(2026, 11, 23, 12, 0, 0, tzinfo=clock.BEIJING)


def kept(phone: str) -> str:
    return "*******" + phone[-4:]


def read(path: Path, spell: personal.Spell = kept) -> list[document.Document]:
    return list(logs.documents(path, SHOP, clock.BEIJING, spell))


def written(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(
    "line,at",
    [
        ("2026-11-23 12:00:00 INFO x", AT),
        ("2026-11-23 12:00:00.123 INFO x", AT + timedelta(milliseconds=123)),
        ("2026-11-23 12:00:00,123456789 x", AT + timedelta(microseconds=123456)),
        ("2026-11-23T12:00:00+08:00 x", AT),
        ("2026-11-23T04:00:00Z x", AT),
        ("[2026-11-23 12:00:00] x", AT),
        ("INFO 2026-11-23 12:00:00 x", AT),
        ("[ERROR] [2026-11-23 12:00:00] x", AT),
        ("2026/11/23 12:00:00 [error] 12#0: x", AT),
        ('{"@timestamp":"2026-11-23T04:00:00Z","msg":"x"}', AT),
        ('{"ts":1795406400,"msg":"x"}', AT),
        ('{"time":1795406400000,"msg":"x"}', AT),
        ('{"time":"2026-11-23 12:00:00","msg":"x"}', AT),
        ('1.2.3.4 - - [23/Nov/2026:12:00:00 +0800] "GET /x HTTP/1.1" 200 1 "-" "-"', AT),
    ],
)
def test_every_form_tells_its_time(line: str, at: datetime) -> None:
    """A time without a zone is the shop's."""
    (found,) = entries.entries([line], clock.BEIJING)
    assert found.at == at
    assert "x" in found.text


@pytest.mark.parametrize(
    "line", ["x", "", "  ", "{", "{}", "{broken json}", '{"ts":true}', '{"ts":1e300}', "2026-13-45 99:00:00 x", "[]", '"']
)
def test_what_tells_no_time_has_none(line: str) -> None:
    """And nothing is thrown away but emptiness."""
    found = list(entries.entries([line], clock.BEIJING))
    assert [e.at for e in found] == ([None] if line.strip() else [])


def test_a_stack_trace_is_one_entry() -> None:
    """Whatever stands between two times belongs to the first; where nothing has a time, what is indented belongs to what it follows."""
    trace = ["java.lang.NullPointerException: x", "\tat com.shop.A.b(A.java:1)", "", "Caused by: y", "... 7 more"]
    dated = list(entries.entries(["2026-11-23 12:00:00 ERROR a", *trace, "2026-11-23 12:00:01 INFO b"], clock.BEIJING))
    assert [(e.at, e.text.count("\n")) for e in dated] == [(AT, 5), (AT + timedelta(seconds=1), 0)]
    bare = list(entries.entries(["Traceback", "  File x", "ValueError", "Exception y", "\tat z", "Caused by: w"], clock.BEIJING))
    assert [e.text for e in bare] == ["Traceback\n  File x", "ValueError", "Exception y\n\tat z\nCaused by: w"]


def test_an_entry_without_end_is_cut_and_nothing_is_lost() -> None:
    """On both sides of the limit."""
    for count, parts in ((entries.ENTRY_LINES_MAX, 1), (entries.ENTRY_LINES_MAX + 1, 2)):
        found = list(entries.entries(["2026-11-23 12:00:00 a", *(f"line {n}" for n in range(count - 1))], clock.BEIJING))
        assert len(found) == parts
        assert sum(e.text.count("\n") + 1 for e in found) == count


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_every_encoding_is_read(tmp_path: Path, encoding: str, end: str, *, packed: bool) -> None:
    """Packed and not, with either end of a line."""
    raw = end.join(["2026-11-23 12:00:00 退款失败：联通", "2026-11-23 12:00:01 张三 ok"]).encode(encoding)
    path = written(tmp_path / "a.log", gzip.compress(raw) if packed else raw)
    assert [d.text for d in read(path)] == ["2026-11-23 12:00:00 退款失败：联通", "2026-11-23 12:00:01 张三 ok"]


def test_a_file_of_two_encodings_is_read_line_by_line(tmp_path: Path) -> None:
    """Two programs write into one file."""
    raw = b"\n".join(["2026-11-23 12:00:00 退款".encode(), "2026-11-23 12:00:01 超时".encode("gb18030"), b"2026-11-23 12:00:02 \xff\xfe"])
    assert [d.text[20:] for d in read(written(tmp_path / "a.log", raw))] == ["退款", "超时", "��"]


def test_a_long_line_goes_on_as_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory stays bounded, and nothing is lost."""
    monkeypatch.setattr(files, "LINE_BYTES_MAX", 10)
    monkeypatch.setattr(files, "SNIFF_BYTES", 4)
    assert "".join(files.lines(written(tmp_path / "a.log", "abcd" * 20 + "\nend\n"))) == "abcd" * 20 + "end"


def test_a_long_entry_is_kept_in_parts_that_overlap(tmp_path: Path) -> None:
    """Any word of the longest length stands whole in one of them; and each has a key of its own."""
    words = [f"word{n:05d}" for n in range(3000)]
    text = "2026-11-23 12:00:00 " + " ".join(words)
    found = read(written(tmp_path / "a.log", text))
    assert len(found) == len({d.key for d in found}) == 4
    assert all(len(d.text) <= document.TEXT_CHARS_MAX for d in found)
    for start in range(0, len(text) - document.WORD_CHARS_MAX, 97):
        piece = text[start : start + document.WORD_CHARS_MAX]
        assert any(piece in d.text for d in found)


@pytest.mark.parametrize("raw", [b"\x7fELF\x00\x01", b"abc\x00def", gzip.compress(b"x\x00y", mtime=0)])
def test_what_is_no_text_is_refused(tmp_path: Path, raw: bytes) -> None:
    """With one clear word."""
    with pytest.raises(faults.BadInput, match="not a text file"):
        read(written(tmp_path / "a.log", raw))


def test_an_archive_that_is_cut_off_gives_what_came_before(tmp_path: Path) -> None:
    """And then says so."""
    whole = gzip.compress("\n".join(f"2026-11-23 12:00:00 line {n} {n * 7919}" for n in range(50_000)).encode())
    path = written(tmp_path / "a.log.gz", whole[: len(whole) // 2])
    found: list[document.Document] = []
    with pytest.raises(faults.BadInput, match="damaged or cut off"):
        found.extend(logs.documents(path, SHOP, clock.BEIJING, kept))
    assert "line 0 " in found[0].text
    assert len(found) > 1000


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """The path, and what to do."""
    with pytest.raises(faults.BadInput, match="cannot read") as told:
        read(tmp_path / "no.log")
    assert told.value.where.endswith("no.log")


def test_a_rotated_file_gives_the_same_documents(tmp_path: Path) -> None:
    """Under another name and packed; a line that stands there twice is two, each time the same two."""
    text = "2026-11-23 12:00:00 a\n2026-11-23 12:00:00 a\n2026-11-23 12:00:01 b\n"
    first = read(written(tmp_path / "app.log", text))
    again = read(written(tmp_path / "app.log.1.gz", gzip.compress(text.encode())))
    assert len({d.key for d in first}) == 3
    assert [d.key for d in first] == [d.key for d in again]
    grown = read(written(tmp_path / "app.log", text + "2026-11-23 12:00:02 c\n"))
    assert [d.key for d in grown][:3] == [d.key for d in first]


@pytest.mark.parametrize(
    "line,order,names",
    [
        ("orderSn=202611230101000001 paid", "202611230101000001", ()),
        ('"out_trade_no": "P-77881"', "P-77881", ()),
        ("订单202611230101000001 关闭", "202611230101000001", ()),
        ("订单号：A1234 关闭", "A1234", ()),
        ('{"ctx":{"orderNo":"55667788"},"traceId":"ab12cd34"}', "55667788", ("ab12cd34",)),
        ('1.2.3.4 - - [23/Nov/2026:12:00:00 +0800] "GET /api/order/20261123001 HTTP/1.1" 200 1 "-" "-"', "20261123001", ()),
        ("[0af7651916cd43dd] 运单号 SF1234567890", None, ("SF1234567890", "0af7651916cd43dd")),
        ("transaction_id=4200002026112300000001", None, ("4200002026112300000001",)),
        ("order by created desc", None, ()),
        ("orders 12 in 40ms", None, ()),
    ],
)
def test_names_are_found_in_a_line(tmp_path: Path, line: str, order: str | None, names: tuple[str, ...]) -> None:
    """The order that it is about, and what else has a name."""
    (found,) = read(written(tmp_path / "a.log", line))
    assert found.order == order
    assert set(names) <= set(found.ids)


PERSONAL = [
    ("phone 13812345678 called", "13812345678"),
    ("手机号：138-1234-5678", "138-1234-5678"),
    ("mobile=+86 13812345678", "13812345678"),
    ("联系１３８１２３４５６７８吧", "１３８１２３４５６７８"),
    ("phone13812345678", "13812345678"),
    ("收货人：张三，地址：北京市朝阳区建国路1号", "张三"),
    ("收货人：张三，地址：北京市朝阳区建国路1号", "建国路"),
    ('{"receiverName":"张三","detailAddress":"建国路1号"}', "张三"),
    ('{"receiverName":"张三","detailAddress":"建国路1号"}', "建国路"),
    ("receiver_name=ZhangSan&x=1", "ZhangSan"),
    ("mail zhang.san@example.com sent", "zhang.san"),
    ("id 11010519491231002X checked", "11010519491231002X"),
    ("bankCard: 6222020200112233445", "6222020200112233445"),
    ("openid=oUpF8uMuAJO_M2pxb1Q9zNjWeS6o", "oUpF8uMuAJO"),
    ("Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.e30.x", "eyJhbGci"),
    ("password=hunter2&user=a", "hunter2"),
    ("connect mysql://root:hunter2@db/shop", "hunter2"),
    ("access_token: abc.def-123", "abc.def-123"),
]


@pytest.mark.parametrize("line,secret", PERSONAL)
def test_what_is_personal_is_not_kept(tmp_path: Path, line: str, secret: str) -> None:
    """Neither in the text nor among the names, in whatever form the line comes."""
    (found,) = read(written(tmp_path / "a.log", "2026-11-23 12:00:00 " + line if not line.startswith("{") else line))
    assert secret not in document.searchable(found)
    assert secret not in found.text
    assert "*" in found.text


@pytest.mark.parametrize(
    "line",
    [
        "orderSn=13812345678 paid",
        "订单号 13812345678",
        "202611231381234567890",
        "[a13812345678f0e1] x",
        "trace 0af13812345678dd",
        "order 202611230101000001",
        "id 110105194912310021",
        "took 13812 ms",
        "ip-13812345678-x",
    ],
)
def test_what_is_no_person_stays(tmp_path: Path, line: str) -> None:
    """Order numbers and trace ids are what is looked for: a phone inside them is none."""
    (found,) = read(written(tmp_path / "a.log", line))
    assert found.text == line


def test_an_address_of_the_network_tells_its_network_alone(tmp_path: Path) -> None:
    """Whose it is, nobody needs to know to find an order."""
    lines = [f'{a} - - [23/Nov/2026:12:00:00 +0800] "GET / HTTP/1.1" 200 1 "-" "-"' for a in ("203.0.113.77", "2001:db8:1:2::77", "host")]
    assert [d.text.split()[0] for d in read(written(tmp_path / "a.log", "\n".join(lines)))] == ["203.0.113.*", "2001:db8:1::*", "host"]
    lines = [
        f'10.0.0.1 - - [23/Nov/2026:12:00:00 +0800] "GET / HTTP/1.1" 200 1 "-" "-" "{a}"' for a in ("203.0.113.77, 2001:db8::77", "12:30")
    ]
    assert [d.text.split(' "')[-1] for d in read(written(tmp_path / "b.log", "\n".join(lines)))] == ['203.0.113.*, 2001:db8:::*"', '12:30"']


def test_json_is_written_out(tmp_path: Path) -> None:
    """What it escapes would not be found; and what is broken is a line like any other."""
    told = read(written(tmp_path / "a.log", '{"msg":"\\u9000\\u6b3e","n":1,"ok":true,"none":null,"l":[1,{"k":"v"}]}\n{"cut":"\\u90'))
    assert [d.text for d in told] == ["msg=退款 n=1 ok=true l=1 l.k=v", '{"cut":"\\u90']


def test_without_any_time_it_is_the_files_own(tmp_path: Path) -> None:
    """Until the first entry that has one; from then on the one before."""
    path = written(tmp_path / "a.log", 'x\n{"time":"2026-11-23T04:00:00Z","m":"a"}\n{"m":"b"}\n')
    found = read(path)
    assert found[0].at == datetime.fromtimestamp(path.stat().st_mtime, UTC)
    assert [d.at for d in found[1:]] == [AT, AT]


def test_a_phone_is_looked_for_as_it_was_kept() -> None:
    """Whole; and where nothing is kept of anybody, the mask is not looked for."""
    assert personal.spellings("138 1234-5678", kept) == ("138 1234-5678", "*******5678")
    assert personal.spellings("+86 13812345678", kept) == ("+86 13812345678", "*******5678")
    assert personal.spellings("13812345678", lambda phone: phone) == ("13812345678",)
    assert personal.spellings("13812345678", lambda _: personal.MASK) == ("13812345678",)
    assert personal.spellings("5678", kept) == ("5678",)
    assert personal.shown("tel 13812345678, order 202611230101000001") == "tel 138****5678, order 202611230101000001"
