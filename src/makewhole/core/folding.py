"""Text as people type it goes in, one form of it comes out, in which equal looks are equal letters; who searches compares these forms.

Full and half width, capitals, ligatures, invisible joints and runs of blanks make no difference. Traditional and simplified characters do.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

_SURROGATE = re.compile("[\ud800-\udfff]")
_INVISIBLE = (
    0x00AD,
    0x061C,
    0x180E,
    *range(0x200B, 0x2010),
    *range(0x202A, 0x202F),
    *range(0x2060, 0x2070),
    0xFEFF,
    *range(0xFE00, 0xFE10),
)
"""Soft hyphen, zero-width joints and blanks, marks of direction, variation selectors: copied along from chats, seen by nobody."""
_LOST: dict[int, str | None] = dict.fromkeys(_INVISIBLE)
_LOST |= dict.fromkeys((*range(0x20), *range(0x7F, 0xA0)), " ")
ELLIPSIS = "…"


def fold(text: str) -> str:
    """The form to compare in: NFKC, casefolded, without what is invisible, control characters as blanks, one blank for a run of them.

    Folding what is folded changes nothing. The result can be encoded: half of a surrogate pair becomes U+FFFD.
    """
    if text.isascii():
        return " ".join(text.lower().translate(_LOST).split())
    if _SURROGATE.search(text):
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    told = unicodedata.normalize("NFKC", text.translate(_LOST)).casefold()
    # Casefolding may undo the composition, and both may bring characters that were not there before.
    return " ".join(unicodedata.normalize("NFKC", told).translate(_LOST).split())


def snippet(text: str, words: Sequence[str], width: int) -> str:
    """About `width` characters of the text around the first of these folded words, blanks collapsed; its beginning where none is found."""
    # Whoever writes a log must not write to a reader's terminal: control characters and marks of direction are not shown.
    shown = " ".join(text.translate(_LOST).split())
    if len(shown) <= width:
        return shown
    letters, places = _placed(shown)
    found = [at for word in words if (at := letters.find(word)) >= 0]
    middle = places[min(found)] if found else 0
    # More of what follows than of what went before: the word is read from its beginning.
    start = max(0, min(middle - width // 3, len(shown) - width))
    end = start + width
    return (ELLIPSIS if start else "") + shown[start:end] + (ELLIPSIS if end < len(shown) else "")


def _placed(text: str) -> tuple[str, list[int]]:
    """The text folded letter by letter, and for each letter of the result the place that it came from."""
    letters: list[str] = []
    places: list[int] = []
    for place, letter in enumerate(text):
        told = " " if letter == " " else fold(letter)
        letters.append(told)
        places += [place] * len(told)
    return "".join(letters), places
