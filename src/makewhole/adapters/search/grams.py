"""Folded text goes in, the grams that an index keeps of it come out, and the grams that a word must be looked for by.

Every place of every text begins a trigram, kept with its position: a word of three characters or more is a phrase of them, and a phrase is
exact. No candidate has to be read again, a word may begin and end anywhere, and Chinese needs no dictionary whose mistakes are silent.
Words of one and two characters have terms of their own: a trigram index can answer them only by reading everything.
"""

from __future__ import annotations

SIZE = 3
_BLANK = "\x1e"
"""Stands for a blank inside a gram, as blanks part the grams. Folding leaves no control character, so nothing else is spelt so."""


def trigrams(folded: str) -> str:
    """Every trigram in its place, parted by blanks: a tokenizer that splits at blanks gives each its position."""
    told = folded.replace(" ", _BLANK)
    return " ".join([told[i : i + SIZE] for i in range(len(told) - SIZE + 1)])


def phrase(word: str) -> list[tuple[int, str]]:
    """The trigrams that tell a word of three characters or more, each with its place in it: as few as cover it."""
    told = word.replace(" ", _BLANK)
    last = len(told) - SIZE
    places = [*range(0, last, SIZE), last]
    return [(place, told[place : place + SIZE]) for place in places]
