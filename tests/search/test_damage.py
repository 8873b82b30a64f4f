"""An index that is killed, locked, damaged or foreign: the last commit stays whole, and every mishap is one clear word."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from makewhole.adapters.search import embedded, folder
from makewhole.core import faults
from makewhole.model import document
from tests.search.test_contract import asked, doc, found

ROOT = Path(__file__).resolve().parents[2]
WRITER = """
import sys
from pathlib import Path
from makewhole.adapters.search import embedded
from tests.search import lines
index = embedded.EmbeddedSearch(Path(sys.argv[1]))
told = list(lines.documents(3000))
n = int(index.mark("n") or 0)
while True:
    index.index(told[n * 100 : n * 100 + 100], {"n": str(n + 1)})
    n += 1
    print(n, flush=True)
"""


@pytest.mark.slow
def test_whoever_is_killed_leaves_the_last_commit(tmp_path: Path) -> None:
    """Ten times killed without warning: what is there is whole, the mark fits the documents, and the next one goes on."""
    path = tmp_path / "index"
    done = 0
    for pause in (0.0, 0.01, 0.02, 0.03, 0.05, 0.07, 0.0, 0.01, 0.04, 0.02):
        with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], cwd=ROOT, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            told = int(writer.stdout.readline())
            time.sleep(pause)
            writer.send_signal(signal.SIGKILL)
        index = embedded.EmbeddedSearch(path)
        done = int(index.mark("n") or 0)
        assert done >= told
        assert index.size() == min(done * 100, 3000)
        assert index.find(asked("orderSn=")).total == min(done * 100, 3000)
    assert done >= 10


def test_whoever_is_killed_just_before_the_commit_is_in_nobodys_way(tmp_path: Path) -> None:
    """New segments and deletions are on the disk, the list of segments is still the old one: the next commit takes the same names again."""
    path, before = tmp_path / "index", tmp_path / "before"
    index = embedded.EmbeddedSearch(path)
    index.index([doc(str(n), "退款") for n in range(50)])
    shutil.copytree(path, before)
    index.index([doc("7", "支付")])
    for file in before.iterdir():
        if file.name == "meta.json" or not (path / file.name).exists():
            shutil.copy(file, path / file.name)
    index = embedded.EmbeddedSearch(path)
    assert (index.size(), found(index, "支付")) == (50, [])
    assert index.index([doc("7", "支付")]) == 1
    assert (index.size(), found(index, "支付")) == (50, ["7"])


def test_a_second_writer_waits_and_then_says_who_is_in_the_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And readers never wait."""
    monkeypatch.setattr(embedded, "LOCK_WAIT_S", 0.3)
    path = tmp_path / "index"
    index, other = embedded.EmbeddedSearch(path), embedded.EmbeddedSearch(path)
    index.index([doc("1", "退款")])

    def slowly() -> Iterator[document.Document]:
        yield doc("2", "退款")
        with pytest.raises(faults.Unavailable, match="another process writes"):
            other.index([doc("3", "退款")])
        assert found(other, "退款") == ["1"]

    index.index(slowly())
    assert other.index([doc("3", "退款")]) == 1
    assert found(other, "退款") == ["1", "2", "3"]


def test_documents_that_cannot_be_had_to_the_end_are_not_there_in_part(tmp_path: Path) -> None:
    """A batch is one commit or none, marks too, and the index can be written to again."""
    index = embedded.EmbeddedSearch(tmp_path / "index")

    def half() -> Iterator[document.Document]:
        yield doc("1", "退款")
        raise faults.Unavailable("the shop went away")

    with pytest.raises(faults.Unavailable, match="the shop went away"):
        index.index(half(), {"m": "1"})
    assert (index.size(), index.mark("m")) == (0, None)
    assert index.index([doc("2", "退款")]) == 1
    assert found(index, "退款") == ["2"]


def files(path: Path) -> list[Path]:
    return sorted(p for p in path.iterdir() if p.name not in {folder.MARKER, ".tantivy-meta.lock", ".tantivy-writer.lock"})


@pytest.mark.parametrize("how", ["gone", "empty", "half", "noise"])
def test_a_damaged_file_is_one_clear_word_or_no_harm(tmp_path: Path, how: str) -> None:
    """Each file in turn: either everything is still found, or it is said that the index is damaged and what to do. Never a wrong answer."""
    path, copy = tmp_path / "index", tmp_path / "copy"
    whole = embedded.EmbeddedSearch(path)
    whole.index([doc(str(n), f"退款失败 {n} NullPointerException", f"2026{n:08d}") for n in range(200)])
    want = whole.find(asked("退款失败", "Pointer"))
    harmed = 0
    for file in files(path):
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(path, copy)
        spoil(copy / file.name, how)
        wrong = complaint(copy, want)
        if wrong is not None:
            harmed += 1
            assert "search index" in wrong.what
            assert "--rebuild" in wrong.todo or "another folder" in wrong.todo
            index = embedded.EmbeddedSearch(copy)
            index.clear()
            assert index.index([doc("1", "退款")]) == 1
            assert found(index, "退款") == ["1"]
    assert harmed > 0


def complaint(path: Path, want: document.Found) -> faults.BadInput | None:
    """What is said about the index, or nothing: then the answer is the right one."""
    try:
        got = embedded.EmbeddedSearch(path).find(asked("退款失败", "Pointer"))
    except faults.BadInput as told:
        return told
    assert got == want
    return None


def spoil(file: Path, how: str) -> None:
    raw = file.read_bytes()
    match how:
        case "gone":
            file.unlink()
        case "empty":
            file.write_bytes(b"")
        case "half":
            file.write_bytes(raw[: len(raw) // 2])
        case _:
            file.write_bytes(bytes(b ^ 0x5A for b in raw))


def test_another_version_and_a_foreign_folder_are_refused(tmp_path: Path) -> None:
    """Neither is guessed at, and nothing of somebody else's is deleted."""
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    embedded.EmbeddedSearch(ours).index([doc("1", "x")])
    (ours / folder.MARKER).write_text("0\n", encoding="utf-8")
    with pytest.raises(faults.BadInput, match="version 0"):
        embedded.EmbeddedSearch(ours).find(asked("x"))
    theirs.mkdir()
    (theirs / "letter.txt").write_text("dear", encoding="utf-8")
    with pytest.raises(faults.BadInput, match="no search index"):
        embedded.EmbeddedSearch(theirs).find(asked("x"))
    with pytest.raises(faults.BadInput, match="no search index"):
        embedded.EmbeddedSearch(theirs).index([doc("1", "x")])
    embedded.EmbeddedSearch(theirs).clear()
    assert [p.name for p in theirs.iterdir()] == ["letter.txt"]


def test_clearing_leaves_what_somebody_else_put_there(tmp_path: Path) -> None:
    """Only the index's own files go."""
    path = tmp_path / "index"
    index = embedded.EmbeddedSearch(path)
    index.index([doc("1", "x")])
    (path / "letter.txt").write_text("dear", encoding="utf-8")
    index.clear()
    assert [p.name for p in path.iterdir()] == ["letter.txt"]


def test_a_reader_sees_what_others_write_and_clear(tmp_path: Path) -> None:
    """`serve` reads for months while somebody rebuilds at a terminal."""
    path = tmp_path / "index"
    long, other = embedded.EmbeddedSearch(path), embedded.EmbeddedSearch(path)
    other.index([doc("1", "退款")])
    assert found(long, "退款") == ["1"]
    other.clear()
    other.index([doc("2", "退款")])
    assert found(long, "退款") == ["2"]


def test_a_path_that_is_a_file_is_a_wrong_setting(tmp_path: Path) -> None:
    """Whatever the account may do."""
    (tmp_path / "index").write_text("x", encoding="utf-8")
    with pytest.raises(faults.BadInput, match="Name a folder"):
        embedded.EmbeddedSearch(tmp_path / "index").index([doc("1", "x")])
