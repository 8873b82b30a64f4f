"""The folder of an index: a path comes in, an open tantivy index goes out, or one clear word about what is wrong with its files."""

from __future__ import annotations

import contextlib
import errno
import os
import re
from collections.abc import Iterator
from pathlib import Path

import tantivy

from makewhole.core import faults

VERSION = 1
"""Raised by whoever changes fields or grams; an index of another version is filled anew, never guessed at."""
MARKER = "makewhole-search"
"""Says that the folder is ours, and of which version."""
_SEGMENT = re.compile(r"[0-9a-f]{32}\..*")
_PASSING = re.compile(r"\.tantivy-(meta|writer)\.lock|\.tmp-\d+")
_OURS = re.compile(r"[0-9a-f]{32}\..*|meta\.json|\.managed\.json|\.tantivy-(meta|writer)\.lock|\.tmp.*")
REBUILD = "Run `makewhole search --rebuild`: it throws the index away and fills it again. Imported log files must be imported again."


def schema() -> tantivy.Schema:
    """Fields of a document. Only `body` is kept as it is; the others are ways to find it."""
    made = tantivy.SchemaBuilder()
    made.add_text_field("key", tokenizer_name="raw", index_option="basic")
    made.add_text_field("mark", tokenizer_name="raw", index_option="basic")
    made.add_text_field("source", tokenizer_name="raw", index_option="basic")
    made.add_text_field("order", tokenizer_name="raw", index_option="basic")
    made.add_text_field("names", tokenizer_name="raw", index_option="basic")
    made.add_text_field("short", tokenizer_name="short", index_option="basic")
    made.add_text_field("grams", tokenizer_name="blanks", index_option="position")
    made.add_unsigned_field("linked", indexed=True)
    made.add_integer_field("at", indexed=True, fast=True)
    made.add_bytes_field("body", stored=True)
    return made.build()


def exists(path: Path) -> bool:
    """Whether an index is there. Raises BadInput for a folder of another version or of somebody else's."""
    with translated(path, "reading"):
        if not path.exists():
            return False
        told = sorted(p.name for p in path.iterdir())
        marker = (path / MARKER).read_text(encoding="utf-8").strip() if MARKER in told else None
    # A reader that still has an index open that somebody cleared may leave its lock behind.
    if marker is None and any(not _PASSING.fullmatch(name) for name in told):
        raise faults.BadInput("the folder is not empty and is no search index", where=str(path), todo="Name another folder as `search`.")
    if marker is not None and marker != str(VERSION):
        raise faults.BadInput(f"the search index is of version {marker}, this is version {VERSION}", where=str(path), todo=REBUILD)
    if "meta.json" in told:
        return True
    # Without its list an index is empty only as long as nothing was ever written.
    if any(_SEGMENT.fullmatch(name) for name in told):
        raise faults.BadInput("the search index is damaged (its list of segments is gone)", where=str(path), todo=REBUILD)
    return False


def opened(path: Path) -> tantivy.Index | None:
    """The index; None where there is none."""
    return _opened(path) if exists(path) else None


def made(path: Path) -> tantivy.Index:
    """The index, made where there is none."""
    exists(path)
    with translated(path, "making"):
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not (path / MARKER).exists():
            # One rename, so that whoever is killed leaves no empty marker, which would be of no version.
            (path / f".tmp-{os.getpid()}").write_text(f"{VERSION}\n", encoding="utf-8")
            (path / f".tmp-{os.getpid()}").replace(path / MARKER)
    return _opened(path)


def _opened(path: Path) -> tantivy.Index:
    with translated(path, "opening"):
        index = tantivy.Index(schema(), str(path), reuse=True)
        # We reload before each search; a thread that watches the folder would only meet whoever clears it.
        index.config_reader("manual")
        index.register_tokenizer("short", tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.ngram(1, 2)).build())
        index.register_tokenizer("blanks", tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build())
        return index


def clear(path: Path) -> None:
    """Delete the index's own files, and nothing else that somebody put there."""
    with translated(path, "clearing"):
        if not (path / MARKER).exists():
            return
        for file in path.iterdir():
            if _OURS.fullmatch(file.name):
                file.unlink()
        (path / MARKER).unlink()


@contextlib.contextmanager
def translated(path: Path, doing: str) -> Iterator[None]:
    """Whatever tantivy and the disk raise, as a fault. A panic of its native code is no Exception, and means the same: damaged files."""
    try:
        yield
    except (faults.Fault, faults.BadInput):
        raise
    except OSError as wrong:
        raise _disk(wrong, path, doing) from wrong
    except Exception as wrong:
        raise _native(wrong, path, doing) from wrong
    except BaseException as wrong:
        if type(wrong).__name__ != "PanicException":
            raise
        raise _native(wrong, path, doing) from wrong


def _disk(wrong: OSError, path: Path, doing: str) -> Exception:
    if wrong.errno in {errno.ENOSPC, errno.EDQUOT}:
        return faults.Unavailable(f"{doing} the search index {path}: no room left on the disk; the last commit is whole")
    if wrong.errno in {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST}:
        todo = "Name a folder as `search` that this account may write to."
        return faults.BadInput(f"{doing} the search index: {wrong.strerror}", where=str(path), todo=todo)
    return _native(wrong, path, doing)


def _native(wrong: BaseException, path: Path, doing: str) -> Exception:
    told = " ".join(str(wrong).split())[:300]
    if "LockBusy" in told or "Failed to acquire" in told:
        return faults.Unavailable(f"another process writes to the search index {path}", code=LOCKED)
    if "No space left" in told:
        return faults.Unavailable(f"{doing} the search index {path}: no room left on the disk; the last commit is whole")
    return faults.BadInput(f"the search index is damaged ({doing}: {told})", where=str(path), todo=REBUILD)


LOCKED = "index-locked"
