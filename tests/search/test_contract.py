"""The contract of `ports.Search`, held by every adapter and by the scan that is the truth of them all."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from makewhole import ports
from makewhole.adapters.search import embedded
from makewhole.core import clock, faults, folding, ids
from makewhole.model import document
from tests.search import lines, oracle

NOW = datetime(2026, 11, 23, 20, 0, tzinfo=clock.BEIJING)
LINES = 5_000


def doc(key: str, text: str, order: str | None = None, *names: str, at: datetime | None = NOW, source: str = "a.log") -> document.Document:
    number = None if order is None else ids.OrderNumber(order)
    return document.Document(key=key, what=document.What.LOG, source=source, at=at, text=text, order=number, ids=names)


def asked(*words: str, **more: object) -> document.Asked:
    return document.Asked(words=document.asking(words), **more)  # type: ignore[arg-type]


def found(index: ports.Search, *words: str, **more: object) -> list[str]:
    return [hit.document.key for hit in index.find(asked(*words, **more)).hits]


def test_nothing_is_found_before_anything_is_indexed(index: ports.Search) -> None:
    """And to ask makes nothing."""
    assert index.find(asked("退款")) == document.Found(total=0, hits=())
    assert (index.size(), index.mark("orders"), index.forget(source="a.log")) == (0, None, 0)


@pytest.mark.parametrize(
    "word",
    [
        "退",
        "退款",
        "款失",
        "退款失败",
        "Null",
        "POINTEREX",
        "PointerException",
        "77",
        "2026",
        "6112",
        "20261123007",
        "trace-9f",
        "race-9F3",
        "：第",
        "款 失 x"[:1],
    ],
)
def test_a_word_is_found_wherever_it_stands(index: ports.Search, word: str) -> None:
    """Inside words, across words, in numbers, in names; and where it does not stand, it is not found."""
    index.index([doc("1", "退款失败：第77次 NullPointerException", "20261123007", "trace-9f3"), doc("2", "别的事情 other")])
    assert found(index, word) == ["1"]


@pytest.mark.parametrize(
    "word",
    ["款退", "由待付款", "NullException", "20261123008", "trace-9f4", "第78", "退?", "退*", ".*", "退款 OR 别的", '"', "(", "a:b", "\\"],
)
def test_a_word_that_stands_nowhere_is_not_found(index: ports.Search, word: str) -> None:
    """Grams that are all there in another order are no word, and no character is an operator."""
    index.index([doc("1", "退款失败：第77次 NullPointerException 款待退由付", "20261123007", "trace-9f3"), doc("2", "别的事情 other")])
    assert found(index, word) == []


@pytest.mark.parametrize(
    "word",
    ['"', "(", ")", "[x TO y]", "key:1", "*", "?", "~2", "^5", "+a", "-b", "\\", "AND", "NOT a", "a OR b", "';--", "<b>", "${x}", "%"],
)
def test_whatever_could_be_an_operator_is_text(index: ports.Search, word: str) -> None:
    """It finds itself and nothing else."""
    index.index([doc("1", f"before {word} after"), doc("2", "nothing of the kind here")])
    assert found(index, word) == ["1"]


@pytest.mark.parametrize(
    "written,typed",
    [
        ("ＡＢＣ１２３", "abc123"),
        ("abc123", "ＡＢＣ１２３"),
        ("ﾃｽﾄ", "テスト"),
        ("Straße", "STRASSE"),
        ("ﬁnance", "finance"),
        ("退\u200b款\ufeff失败", "退款失败"),
        ("café", "cafe\u0301"),
        ("订单　号", "订单 号"),
        ("two\n\tlines  here", "two lines here"),
        ("①号", "1号"),
        ("家庭👨\u200d👩\u200d👧", "👨👩👧"),
        ("𠮷野家", "𠮷野"),
        ("İstanbul", "i\u0307stanbul"),
    ],
)
def test_what_looks_the_same_is_the_same(index: ports.Search, written: str, typed: str) -> None:
    """Width, case, composition, blanks and what nobody sees make no difference."""
    index.index([doc("1", written), doc("2", "other")])
    assert found(index, typed) == ["1"]


def test_half_a_character_and_zero_bytes_harm_nothing(index: ports.Search) -> None:
    """Logs hold what they hold."""
    index.index([doc("1", "before after \x00\x1f\x1e end", None, "id\x00x"), doc("2", "")])
    assert found(index, "before") == ["1"]
    assert found(index, "before\ud83d") == []
    assert found(index, "after end") == ["1"]
    assert index.size() == 2


def test_no_word_reaches_from_the_text_into_a_name(index: ports.Search) -> None:
    """Or from one name into the next."""
    index.index([doc("1", "ends with ab", "cd99", "ef77", "gh55")])
    assert found(index, "abcd") == found(index, "99ef") == found(index, "ab cd") == []
    assert found(index, "ef77") == ["1"]


def test_a_name_that_is_met_whole_comes_first(index: ports.Search) -> None:
    """However old it is; then the newest, and documents without a time last."""
    old = NOW - timedelta(days=300)
    index.index([doc("3", "x 7788"), doc("2", "7788", at=NOW + timedelta(1)), doc("0", "7788", at=None), doc("1", "y", "7788", at=old)])
    hits = index.find(asked("7788")).hits
    assert [(h.document.key, h.score) for h in hits] == [("1", document.EXACT), ("2", 1), ("3", 1), ("0", 1)]
    assert found(index, "7788", limit=2) == ["1", "2"]
    assert index.find(asked("7788", limit=1)).total == 4


def test_every_word_must_be_there(index: ports.Search) -> None:
    """One spelling of each suffices."""
    index.index([doc("1", "退款 张三"), doc("2", "退款 李四"), doc("3", "支付 李四")])
    assert found(index, "退款", "李四") == ["2"]
    either = document.Asked(words=(("退款",), ("张三", "王五")))
    assert [h.document.key for h in index.find(either).hits] == ["1"]


def test_time_limits_hold_to_the_microsecond(index: ports.Search) -> None:
    """`since` counts, `until` does not; a document without a time is in no span."""
    tick = timedelta(microseconds=1)
    index.index([doc("1", "x", at=NOW), doc("2", "x", at=NOW - tick), doc("3", "x", at=None)])
    assert found(index, "x", since=NOW) == ["1"]
    assert found(index, "x", until=NOW) == ["2"]
    assert found(index, "x", since=NOW - tick, until=NOW + tick) == ["1", "2"]
    assert found(index, "x") == ["1", "2", "3"]


def test_an_order_is_a_filter(index: ports.Search) -> None:
    """By its number, or by any name of a document; whole, never in part."""
    index.index(
        [doc("1", "a", "2026-A"), doc("2", "b", "other", "2026-a"), doc("3", "2026-a as text"), doc("4", "c", "2026-AB")], {"m": "1"}
    )
    assert sorted(found(index, order="2026-A")) == ["1", "2"]
    assert found(index, "b", order="2026-A") == ["2"]
    assert found(index, "2026-a", linked=True)[:2] == found(index, order="2026-a")


def test_the_same_again_changes_nothing_and_other_text_replaces(index: ports.Search) -> None:
    """Also within one batch: the later counts."""
    told = [doc("1", "退款"), doc("2", "支付")]
    for _ in range(3):
        assert index.index(told) == 2
    assert index.size() == 2
    index.index([doc("1", "关闭"), doc("1", "完成")])
    assert (found(index, "退款"), found(index, "关闭"), found(index, "完成"), index.size()) == ([], [], ["1"], 2)


def test_marks_are_kept_and_are_no_documents(index: ports.Search) -> None:
    """Neither counted, nor found, nor forgotten."""
    index.index([doc("1", "x")], {"orders/demo": "41"})
    index.index([], {"orders/demo": "42", "log": "ü"})
    assert (index.mark("orders/demo"), index.mark("log"), index.mark("orders")) == ("42", "ü", None)
    assert (index.size(), found(index, "orders"), found(index)) == (1, [], ["1"])
    assert index.forget(before=NOW + timedelta(days=1)) == 1
    assert (index.size(), index.mark("orders/demo")) == (0, "42")


def test_forgetting_takes_what_was_named_and_nothing_else(index: ports.Search) -> None:
    """By source, by time, by both."""
    old = NOW - timedelta(days=1)
    index.index(
        [doc("1", "x", at=old), doc("2", "x"), doc("3", "x", at=old, source="b"), doc("4", "x", source="b"), doc("5", "x", at=None)]
    )
    assert index.forget(source="b", before=NOW) == 1
    assert sorted(found(index, "x")) == ["1", "2", "4", "5"]
    assert index.forget(before=NOW) == 2
    assert index.forget(source="b") == 1
    assert found(index, "x") == ["2"]


def test_what_was_cleared_is_empty_and_can_be_filled_again(index: ports.Search) -> None:
    """Marks too: the feeds begin anew."""
    index.clear()
    index.index([doc("1", "退款")], {"orders": "5"})
    index.clear()
    assert (index.size(), index.mark("orders"), found(index, "退款")) == (0, None, [])
    index.index([doc("2", "退款")])
    assert found(index, "退款") == ["2"]


def test_limits_on_both_sides(tmp_path: Path) -> None:
    """What is too much is said, and what just fits is done."""
    index = embedded.EmbeddedSearch(tmp_path / "index")
    long = "退" * document.WORD_CHARS_MAX
    index.index([doc("1", long + "款")])
    assert found(index, *["退"] * document.WORDS_MAX) == ["1"]
    assert found(index, long) == ["1"]
    assert found(index, "退", limit=document.HITS_MAX) == ["1"]
    for words, limit in ((["退"] * (document.WORDS_MAX + 1), 1), ([long + "退"], 1), (["退"], document.HITS_MAX + 1), (["退"], 0)):
        with pytest.raises(faults.BadInput):
            index.find(asked(*words, limit=limit))


def test_the_suite_of_21_is_found_whole(tmp_path: Path) -> None:
    """Recall 1.0 and precision 1.0 against reading every line, for each of them; the totals are exact."""
    index, truth = embedded.EmbeddedSearch(tmp_path / "index"), oracle.Scan()
    told = list(lines.documents(LINES))
    for start in range(0, LINES, 1000):  # several segments, as life makes them
        index.index(told[start : start + 1000])
    truth.index(told)
    suite = lines.suite(told)
    assert len(suite) == 21
    for name, words in suite.items():
        want = truth.find(asked(*words, limit=LINES))
        assert want.total > 0, name
        got = index.find(asked(*words, limit=document.HITS_MAX))
        assert got.total == want.total, name
        assert got.hits == want.hits[: document.HITS_MAX], name


LETTERS = st.text(alphabet="退款状态由abAB１ 7-\u200b　.", max_size=24)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(LETTERS, min_size=1, max_size=12), seed=st.integers(0, 10**6))
def test_any_fragment_of_any_text_is_found_exactly(tmp_path_factory: pytest.TempPathFactory, texts: list[str], seed: int) -> None:
    """Whatever the text, whatever the piece: the index and the scan agree."""
    index, truth = embedded.EmbeddedSearch(tmp_path_factory.mktemp("index")), oracle.Scan()
    told = [doc(str(n), text, None, *text.split()[:2]) for n, text in enumerate(texts)]
    index.index(told)
    truth.index(told)
    chance = random.Random(seed)
    for text in texts:
        folded = folding.fold(text)
        start = chance.randrange(len(folded) + 1)
        piece = folded[start : start + chance.randrange(1, 9)]
        question = asked(piece, chance.choice(texts)[:2], limit=100)
        assert index.find(question) == truth.find(question), question


@given(st.text())
def test_folding_what_is_folded_changes_nothing(text: str) -> None:
    """Else a word copied out of a hit would not find it again."""
    once = folding.fold(text)
    assert folding.fold(once) == once
    once.encode()
