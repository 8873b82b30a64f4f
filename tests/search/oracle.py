"""The trivial index: a list that is read from end to end. What it finds is the truth that every other index is held against."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from makewhole.core import folding
from makewhole.model import document

_OLD = datetime(1, 1, 1, tzinfo=UTC)


class Scan:
    """`ports.Search` by looking at everything."""

    def __init__(self) -> None:
        self.documents: dict[str, document.Document] = {}
        self.marks: dict[str, str] = {}
        self._texts: dict[str, str] = {}

    def index(self, documents: Iterable[document.Document], marks: Mapping[str, str] | None = None) -> int:
        told = list(documents)
        for one in told:
            self.documents[one.key] = one
            self._texts[one.key] = document.searchable(one)
        self.marks |= marks or {}
        return len(told)

    def find(self, asked: document.Asked) -> document.Found:
        hits = [document.Hit(document=d, score=score(asked, d)) for d in self.documents.values() if self._holds(asked, d)]
        hits.sort(key=lambda h: h.document.key)
        hits.sort(key=lambda h: (h.score, h.document.at or _OLD), reverse=True)
        return document.Found(total=len(hits), hits=tuple(hits[: asked.limit]))

    def forget(self, *, source: str | None = None, before: datetime | None = None) -> int:
        doomed = [
            d.key
            for d in self.documents.values()
            if (source is None or d.source == source) and (before is None or d.at is None or d.at < before)
        ]
        for key in doomed:
            del self.documents[key], self._texts[key]
        return len(doomed)

    def mark(self, name: str) -> str | None:
        return self.marks.get(name)

    def size(self) -> int:
        return len(self.documents)

    def clear(self) -> None:
        self.documents.clear()
        self.marks.clear()
        self._texts.clear()

    def _holds(self, asked: document.Asked, told: document.Document) -> bool:
        text = self._texts[told.key]
        dated = asked.since is None and asked.until is None
        if told.at is not None:
            dated = (asked.since is None or told.at >= asked.since) and (asked.until is None or told.at < asked.until)
        return (
            dated
            and all(any(spelt in text for spelt in word) for word in asked.words)
            and (asked.order is None or folding.fold(asked.order) in document.names(told))
            and (told.order is not None or not asked.linked)
        )


def score(asked: document.Asked, told: document.Document) -> int:
    """Whether a word is one of its names."""
    names = document.names(told)
    return document.EXACT if any(spelt in names for word in asked.words for spelt in word) else document.WITHIN
