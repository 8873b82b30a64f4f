"""Log files go in, documents for the index come out: without what is personal, each under a key that is the same at every import."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from pathlib import Path

from makewhole.adapters.search import entries, files, personal
from makewhole.core import ids
from makewhole.model import document

SAME_MAX = 50_000
"""Entries remembered to count those that are the same to the letter: a line may be logged twice in one second, and both are kept."""
OVERLAP_CHARS = document.WORD_CHARS_MAX
"""Characters that two parts of a long entry share, so that no word is cut in two."""


def documents(path: Path, shop: ids.ShopName, zone: tzinfo, spell: personal.Spell) -> Iterator[document.Document]:
    """Every entry of a file; one without a time has that of the entry before it, the first ones the file's own.

    The key is of the entry's time and words and not of the file: app.log that became app.log.3.gz gives the same documents again.
    Raises BadInput for a file that cannot be read.
    """
    same: OrderedDict[str, int] = OrderedDict()
    fallback = _changed_at(path)
    for entry in entries.entries(files.lines(path), zone):
        key = ids.derive("log", shop, entry.at, entry.text)
        same[key] = same.pop(key, -1) + 1
        if len(same) > SAME_MAX:
            same.popitem(last=False)
        yield from _parts(f"{key}/{same[key]}", path.name, entry, fallback, spell)


def _parts(key: str, source: str, entry: entries.Entry, fallback: datetime | None, spell: personal.Spell) -> Iterator[document.Document]:
    # Of the whole, before it is cut: what is personal must not be cut into something that nobody recognises.
    whole = personal.told(entry.text, spell)
    step = document.TEXT_CHARS_MAX - OVERLAP_CHARS
    for start in range(0, max(1, len(whole.text) - OVERLAP_CHARS), step):
        yield document.Document(
            key=key if not start else f"{key}/{start}",
            what=document.What.LOG,
            source=source,
            at=entry.at or fallback,
            text=whole.text[start : start + document.TEXT_CHARS_MAX],
            order=None if whole.order is None else ids.OrderNumber(whole.order),
            ids=tuple(whole.names),
        )


def _changed_at(path: Path) -> datetime | None:
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except OSError:
        return None  # whoever opens it next says what is wrong
