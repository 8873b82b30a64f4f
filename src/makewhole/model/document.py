"""What can be searched: pieces of text about orders go in, hits with the order to look at come out. Also the meaning of a search."""

from __future__ import annotations

import enum
from datetime import datetime

from makewhole.core import codec, folding, ids

TEXT_CHARS_MAX = 8_000
"""Characters of one document; longer stack traces are cut into parts, never dropped."""
IDS_MAX = 64
"""Exact names of one document."""
ID_CHARS_MAX = 128
"""Characters of one of them; no shop, channel or carrier has longer ones."""
WORDS_MAX = 16
"""Words of one search: all of them must be there."""
WORD_CHARS_MAX = 256
"""Characters of one word or phrase, folded."""
HITS_MAX = 1_000
"""Hits of one search; whoever wants more narrows it by time or order."""
SEPARATOR = "\x1f"
"""Stands between text and names: folding leaves no control character, so no word ever reaches across."""


class What(enum.Enum):
    """Of what kind a document is."""

    ORDER = "order"
    CALLBACK = "callback"
    HISTORY = "history"
    """A change of an order, as the shop's own history or a change log tells it."""
    LOG = "log"
    CASE = "case"
    """Our own cases and evidence."""


class Document(codec.Noun, frozen=True, kw_only=True):
    """One thing that can be found. Two of one key are one: the later replaces the earlier.

    `order` is what `show` understands: an order's number or a payment's. `ids` are names that are found whole, before other hits, and by
    fragment too. Text and ids hold personal data only as far as it may be kept; nothing is masked later.
    """

    key: str
    what: What
    source: str
    at: datetime | None
    text: str
    order: ids.OrderNumber | None = None
    ids: tuple[str, ...] = ()


class Asked(codec.Noun, frozen=True, kw_only=True):
    """A search. Every word must be in the document; each has one or more spellings, of which one suffices.

    `since` counts, `until` does not; a document without a time is found only where neither is given. `order` wants documents of this
    order or with this name; `linked` wants those that lead to any order.
    """

    words: tuple[tuple[str, ...], ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    order: str | None = None
    linked: bool = False
    limit: int = 20


class Hit(codec.Noun, frozen=True, kw_only=True):
    """A document that was found. `score`: `EXACT` where a word is one of its names, else `WITHIN`."""

    document: Document
    score: int


class Found(codec.Noun, frozen=True, kw_only=True):
    """The best hits, by score, then the newest, then by key; and how many there are in all, exactly."""

    total: int
    hits: tuple[Hit, ...]


EXACT = 2
WITHIN = 1


def asking(words: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """Words as people type them, each in its one spelling, folded; those of which nothing is left are left out."""
    return tuple((told,) for word in words if (told := folding.fold(word)))


def searchable(told: Document) -> str:
    """All that a word can be found in, folded: the text, then each name that does not stand in it anyway."""
    text = folding.fold(told.text)
    return SEPARATOR.join((text, *(name for name in names(told) if name not in text)))


def names(told: Document) -> tuple[str, ...]:
    """The names that are found whole, folded."""
    spelt = (told.order, *told.ids) if told.order else told.ids
    return tuple(dict.fromkeys(folded for name in spelt if (folded := folding.fold(name))))
