"""Search in a folder of our own: documents and searches come in, hits go out; no server. `ports.Search` says what it promises.

tantivy keeps segments that never change and a list of them that is swapped by one rename: whoever is killed in the middle leaves the last
commit, and readers never wait. One process writes at a time; another waits for it a moment.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import tantivy

from makewhole.adapters.search import folder, grams
from makewhole.core import cards, codec, faults, folding
from makewhole.model import document

HEAP_BYTES = 64_000_000
"""Memory of the writer before it writes a segment. More is hardly faster; tantivy wants 15 MB at least."""
LOCK_WAIT_S = 10.0
"""How long to wait for another writer: a batch of `serve` takes a second or two."""
_LOCK_LOOK_S = 0.1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)
_TYPED = frozenset({document.What.ORDER, document.What.CALLBACK, document.What.CASE})
"""Kinds of documents whose names are read from fields of their own, and not from words."""
UNDATED = -(2**62)
"""The tick of a document without a time: before all others."""
END = 2**62
_MUST, _SHOULD, _NOT = tantivy.Occur.Must, tantivy.Occur.Should, tantivy.Occur.MustNot


class EmbeddedSearch:
    """`ports.Search` on one folder. May be used by many readers at once, in this process and in others."""

    def __init__(self, path: Path) -> None:
        """Nothing is opened yet, and nothing made: a search before anything was indexed finds nothing."""
        self._path = path
        self._schema = folder.schema()
        self._index: tantivy.Index | None = None

    def index(self, documents: Iterable[document.Document], marks: Mapping[str, str] | None = None) -> int:
        count = 0
        index = self._made()
        writer = self._locked(index)
        try:
            for told in map(_cardless, documents):
                self._replace(writer, "key", told.key, self._row(told))
                count += 1
            for name, value in (marks or {}).items():
                self._replace(writer, "mark", name, _marked(name, value))
            with folder.translated(self._path, "writing to"):
                writer.commit()
        finally:
            with folder.translated(self._path, "writing to"):
                # Ends the writer. Merges under way would otherwise be thrown away with it, and segments would pile up.
                writer.wait_merging_threads()
        return count

    def find(self, asked: document.Asked) -> document.Found:
        _check(asked)
        searcher = self._searcher()
        if searcher is None:
            return document.Found(total=0, hits=())
        must = self._conditions(asked)
        named = self._named(asked)
        with folder.translated(self._path, "searching"):
            # Names first, by a search of their own: they are few, and found without looking at what else matches.
            exact = searcher.search(_all([*must, (_MUST, named)]), asked.limit, count=True, order_by_field="at")
            rest = searcher.search(_all([*must, (_NOT, named)]), asked.limit, count=True, order_by_field="at")
            hits = [self._hit(searcher, at, document.EXACT) for _, at in exact.hits]
            hits += [self._hit(searcher, at, document.WITHIN) for _, at in rest.hits[: max(0, asked.limit - len(hits))]]
        for hit in hits:
            self._doubted(asked, hit)
        ranked = sorted(hits, key=lambda h: (-h.score, -_ticks(h.document.at), h.document.key))
        return document.Found(total=_count(exact) + _count(rest), hits=tuple(ranked))

    def forget(self, *, source: str | None = None, before: datetime | None = None) -> int:
        parts = [] if source is None else [(_MUST, self._term("source", source))]
        if before is not None:
            parts.append((_MUST, self._between(UNDATED, _ticks(before))))
        if not parts:
            raise faults.Defect("forget: neither a source nor a time was given")
        index, searcher = self._opened(), self._searcher()
        if index is None or searcher is None:
            return 0
        doomed = _all([*parts, (_NOT, self._marks())])
        writer = self._locked(index)
        with folder.translated(self._path, "deleting from"):
            try:
                count = _count(searcher.search(doomed, 1))
                writer.delete_documents_by_query(doomed)
                writer.commit()
            finally:
                writer.wait_merging_threads()
        return count

    def mark(self, name: str) -> str | None:
        searcher = self._searcher()
        if searcher is None:
            return None
        with folder.translated(self._path, "reading"):
            found = searcher.search(self._term("mark", name), 1).hits
            return None if not found else bytes(searcher.doc(found[0][1])["body"][0]).decode()

    def size(self) -> int:
        searcher = self._searcher()
        if searcher is None:
            return 0
        with folder.translated(self._path, "reading"):
            return _count(searcher.search(_all([(_MUST, tantivy.Query.all_query()), (_NOT, self._marks())]), 1))

    def clear(self) -> None:
        self._index = None
        folder.clear(self._path)

    # ------------------------------------------------------------ writing

    def _row(self, told: document.Document) -> tantivy.Document:
        text = document.searchable(told)
        row = tantivy.Document()
        row.add_text("key", told.key)
        row.add_text("source", told.source)
        for name in document.names(told):
            row.add_text("names", name)
        if told.order is not None:
            row.add_text("order", folding.fold(told.order))
        row.add_unsigned("linked", int(told.order is not None))
        row.add_text("short", text)
        row.add_text("grams", grams.trigrams(text))
        row.add_integer("at", _ticks(told.at))
        row.add_bytes("body", codec.canonical(told))
        return row

    def _replace(self, writer: tantivy.IndexWriter, field: str, key: str, row: tantivy.Document) -> None:
        with folder.translated(self._path, "writing to"):
            writer.delete_documents_by_term(field, key)
            writer.add_document(row)

    def _locked(self, index: tantivy.Index) -> tantivy.IndexWriter:
        """The writer, once nobody else holds it. The lock is the kernel's: whoever was killed holds it no more."""
        return _patiently(lambda: self._writer(index))

    def _writer(self, index: tantivy.Index) -> tantivy.IndexWriter:
        with folder.translated(self._path, "writing to"):
            writer = index.writer(HEAP_BYTES, 1)
            # Whoever was killed between writing a segment's deletions and the commit left a file whose name the next commit takes again.
            writer.garbage_collect_files()
            return writer

    # ------------------------------------------------------------ asking

    def _conditions(self, asked: document.Asked) -> list[tuple[tantivy.Occur, tantivy.Query]]:
        parts = [(_MUST, _any([self._word(spelt) for spelt in word])) for word in asked.words]
        if asked.order is not None:
            told = folding.fold(asked.order)
            parts.append((_MUST, _any([self._term("order", told), self._term("names", told)])))
        if asked.linked:
            parts.append((_MUST, tantivy.Query.term_query(self._schema, "linked", 1)))
        if asked.since is not None or asked.until is not None:
            start = UNDATED + 1 if asked.since is None else _ticks(asked.since)
            parts.append((_MUST, self._between(start, END if asked.until is None else _ticks(asked.until))))
        return parts or [(_MUST, tantivy.Query.all_query()), (_NOT, self._marks())]

    def _named(self, asked: document.Asked) -> tantivy.Query:
        spelt = [self._term("names", told) for word in asked.words for told in word]
        return _any(spelt) if spelt else tantivy.Query.empty_query()

    def _word(self, folded: str) -> tantivy.Query:
        if len(folded) < grams.SIZE:
            return self._term("short", folded)
        told = grams.phrase(folded)
        if len(told) == 1:
            return self._term("grams", told[0][1])
        return tantivy.Query.phrase_query(self._schema, "grams", list(told))

    def _term(self, field: str, value: str) -> tantivy.Query:
        return tantivy.Query.term_query(self._schema, field, value, "basic")

    def _between(self, start: int, end: int) -> tantivy.Query:
        return tantivy.Query.range_query(
            self._schema, "at", tantivy.FieldType.Integer, lower_bound=start, upper_bound=end, include_upper=False
        )

    def _marks(self) -> tantivy.Query:
        return self._term("mark", "")

    # ------------------------------------------------------------ reading

    def _opened(self) -> tantivy.Index | None:
        self._index = self._index or folder.opened(self._path)
        return self._index

    def _made(self) -> tantivy.Index:
        self._index = self._index or folder.made(self._path)
        return self._index

    def _searcher(self) -> tantivy.Searcher | None:
        """As of the last commit of whoever writes. One that somebody cleared meanwhile is opened anew."""
        for known in (self._index is not None, False):
            index = self._opened()
            if index is None:
                return None
            try:
                with folder.translated(self._path, "opening"):
                    index.reload()
                    return index.searcher()
            except faults.BadInput:
                self._index = None
                if not known:
                    raise
        return None

    def _hit(self, searcher: tantivy.Searcher, at: tantivy.DocAddress, score: int) -> document.Hit:
        raw = bytes(searcher.doc(at)["body"][0])
        try:
            return document.Hit(document=codec.decode(raw, document.Document), score=score)
        except msgspec.DecodeError as wrong:
            raise faults.BadInput(
                "the search index is damaged (a document cannot be read)", where=str(self._path), todo=folder.REBUILD
            ) from wrong

    def _doubted(self, asked: document.Asked, hit: document.Hit) -> None:
        """Segments carry no check that is made on reading: a damaged one would give hits that do not hold what was asked for."""
        text = document.searchable(hit.document)
        if not all(any(told in text for told in word) for word in asked.words):
            raise faults.BadInput("the search index is damaged (a hit does not hold the words)", where=str(self._path), todo=folder.REBUILD)


def _check(asked: document.Asked) -> None:
    """Raises BadInput where a limit is passed."""
    longest = max((len(told) for word in asked.words for told in word), default=0)
    for what, value, most in (
        ("words", len(asked.words), document.WORDS_MAX),
        ("characters in a word", longest, document.WORD_CHARS_MAX),
        ("hits", asked.limit, document.HITS_MAX),
    ):
        if value > most:
            raise faults.BadInput(f"{value} {what} are too many", where="search", todo=f"At most {most}.")
    if asked.limit < 1:
        raise faults.BadInput("a search must ask for one hit at least", where="search", todo="Ask for 1 or more.")


def _patiently(work: Callable[[], tantivy.IndexWriter]) -> tantivy.IndexWriter:
    end = time.monotonic() + LOCK_WAIT_S
    while True:
        try:
            return work()
        except faults.Unavailable as busy:
            if busy.code != folder.LOCKED or time.monotonic() >= end:
                raise
            time.sleep(_LOCK_LOOK_S)


def _cardless(told: document.Document) -> document.Document:
    """Whatever feeds the index: no card's number in what is kept. The names of an order, a callback or a case were read from fields of
    theirs; those of a log's line are only words."""
    own = document.names(told) if told.what in _TYPED else ()
    text = cards.masked(told.text, own=own)
    names = told.ids if own else tuple(n for n in told.ids if n not in told.text or n in text)
    if text == told.text and names == told.ids:
        return told
    return msgspec.structs.replace(told, text=text, ids=names)


def _marked(name: str, value: str) -> tantivy.Document:
    row = tantivy.Document()
    row.add_text("mark", name)
    row.add_text("mark", "")  # what all marks have in common, and no name
    row.add_integer("at", UNDATED)
    row.add_bytes("body", value.encode())
    return row


def _count(found: tantivy.SearchResult) -> int:
    return int(found.count)  # type: ignore[attr-defined]  # tantivy's own stub forgets it


def _ticks(at: datetime | None) -> int:
    return UNDATED if at is None else (at - _EPOCH) // _TICK


def _all(parts: list[tuple[tantivy.Occur, tantivy.Query]]) -> tantivy.Query:
    return tantivy.Query.boolean_query(parts)


def _any(parts: list[tantivy.Query]) -> tantivy.Query:
    return parts[0] if len(parts) == 1 else tantivy.Query.boolean_query([(_SHOULD, part) for part in parts])
