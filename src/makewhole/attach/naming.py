"""Names and comments go in, the ideas that they speak of come out: `fahuo_sj`, `ship_at`, `发货时间` all speak of shipping and a time."""

from __future__ import annotations

import functools
import re

from makewhole.attach import vocabulary

Ideas = frozenset[str]
"""What one word may mean; empty for a word that is not known."""
Said = tuple[Ideas, ...]
"""A name or a comment, word by word."""
NONE: Ideas = frozenset()
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_HAN = re.compile(r"[\u4e00-\u9fff]+")
_HEAD_END = re.compile(r"\s(?:关联|对应)|[：:（(\[【{,，;；。|/\n=＝]|[-\s]*(?<![A-Za-z0-9])-?\d+\s*[-=:：.、]|\s-?\d")
_TOOL = re.compile(r"\(DC2Type:[^)]*\)")
"""What a mapping library writes into comments for itself."""
_CODES_FIRST = re.compile(r"[\s\[({（【]*[\"']?(-?\d|[A-Z]\s*[-=:：])")
SEGMENT_MIN = 2
"""Letters of the shortest word looked for inside a longer one: shorter ones are found in everything."""
ENDS = ("id", "no", "sn")
"""Words of two letters that end many names without an underscore."""
COMPOUNDS = frozenset(
    tuple(pair.split())
    for pair in (
        "after sale", "after sales", "way bill", "open id", "time out", "third party", "pre pay", "on hand", "on hold", "in stock",
        "pick up", "pre sale", "pre sell", "incl tax", "excl tax", "tax incl", "tax excl", "with tax", "without tax",
        "money back", "purchase order", "purchase orders", "account log", "account logs",
        "cost price", "cost amount", "cost money", "cost fee", "caozuo ren", "caozuo yuan", "chuangjian ren", "shouhuo ren", "shoujian ren",
        "yuan zhuangtai",
    )
)  # fmt: skip
"""Words that say one thing together."""
INITIALS_MIN = 3
"""Names made of pinyin's initials from which a schema is believed to speak them: two letters fit many things by chance."""
HAN_MAX = 6
"""Characters of the longest Chinese word that is listed."""


def _table(place: int) -> dict[str, Ideas]:
    found: dict[str, set[str]] = {}
    for idea, told in vocabulary.WORDS.items():
        for word in told[place].split():
            found.setdefault(word, set()).add(idea)
    return {word: frozenset(ideas) for word, ideas in found.items()}


_ENGLISH, _CHINESE, _PINYIN, _INITIALS = (_table(i) for i in range(4))
_SPELLED = {**_PINYIN, **{w: i for w, i in _ENGLISH.items() if len(w) > SEGMENT_MIN and "_" not in w}}


def split(name: str) -> tuple[str, ...]:
    """The words of a name: parted by underscores and by capitals, in lower case, without a trailing number."""
    spaced = _CAMEL.sub("_", name)
    words = [w for part in re.split(r"[_\W]+", spaced.lower()) if (w := part.rstrip("0123456789"))]
    joined: list[str] = []
    for word in words:
        if joined and (joined[-1], word) in COMPOUNDS:
            joined[-1] += word
        else:
            joined.append(word)
    return tuple(joined)


@functools.lru_cache(maxsize=8192)
def of_name(name: str, *, initials: bool = False) -> Said:
    """What a table's or column's name says. `initials` where the schema's other names are pinyin's initials too."""
    if _HAN.search(name):
        return of_text(name)
    words = split(name)
    mixed = initials or any(w in _PINYIN for w in words)
    return tuple(told for w in words for told in _of_word(w, initials=mixed))


def _of_word(word: str, *, initials: bool) -> Said:
    for told in (word, word.removesuffix("s"), word.removesuffix("es")):
        if told in _ENGLISH or told in _PINYIN:
            return (_ENGLISH.get(told, NONE) | _PINYIN.get(told, NONE),)
    for end in ENDS:
        # `orderid`, `paysn`: two letters that are only looked for at a word's end.
        short = len(end) + SEGMENT_MIN - (initials and word.removesuffix(end) in _INITIALS)
        if word.endswith(end) and len(word) > short and all(before := _of_word(word.removesuffix(end), initials=initials)):
            return (*before, _ENGLISH[end])
    if word.startswith("is") and len(word) > len("is") + SEGMENT_MIN and all(after := _of_word(word.removeprefix("is"), initials=initials)):
        return (_ENGLISH["is"], *after)
    for table in (_SPELLED, _INITIALS) if initials else (_SPELLED,):
        parts = _segments(word, table) or (_segments(word[:-1], table) if word.endswith("s") else None)
        if parts:
            return tuple(table[p] for p in parts)
    return (NONE,)


def speaks_initials(names: tuple[str, ...]) -> bool:
    """Whether these names, as a whole, are made of pinyin's initials: most of what English does not know, they do."""
    words = {w for n in names for w in split(n)} - {"id", "is"}
    strange = [w for w in words if w not in _ENGLISH and _segments(w, _SPELLED) is None]
    told = [w for w in strange if _segments(w, _INITIALS) is not None]
    return len(told) >= INITIALS_MIN and 2 * len(told) > len(strange) and 3 * len(told) > len(words)


def _segments(word: str, table: dict[str, Ideas]) -> tuple[str, ...] | None:
    """The word as words of a table, longest first from the left; None where something is left over."""
    if not word:
        return ()
    for size in range(len(word), SEGMENT_MIN - 1, -1):
        if word[:size] in table:
            rest = _segments(word[size:], table)
            if rest is not None:
                return (word[:size], *rest)
    return None


def head(comment: str) -> str:
    """What a comment says before it lists codes or goes into detail."""
    told = _TOOL.sub("", comment).strip()
    if _CODES_FIRST.match(told):
        return ""
    end = _HEAD_END.search(told, 1) if told else None
    return told[: end.start()].strip() if end is not None else told


@functools.lru_cache(maxsize=8192)
def of_text(text: str) -> Said:
    """What a comment says: Chinese words, longest first; English words around them."""
    told = text.translate(vocabulary.OLD_SCRIPT)
    chinese = tuple(ideas for run in _HAN.findall(told) for ideas in _of_han(run))
    english = (_ENGLISH.get(w) or _ENGLISH.get(w.removesuffix("s")) or NONE for w in split(_HAN.sub(" ", told)))
    return chinese + tuple(e for e in english if e)


def strange_han(text: str) -> int:
    """How many Chinese characters of a text belong to no word that is listed."""
    told = text.translate(vocabulary.OLD_SCRIPT)
    return sum(_strange(run) for run in _HAN.findall(told))


def _strange(run: str) -> int:
    at = found = 0
    while at < len(run):
        size = next((n for n in range(min(HAN_MAX, len(run) - at), 0, -1) if run[at : at + n] in _CHINESE), 0)
        found += not size
        at += size or 1
    return found


def _of_han(run: str) -> Said:
    found: list[Ideas] = []
    at = 0
    while at < len(run):
        size = next((n for n in range(min(HAN_MAX, len(run) - at), 0, -1) if run[at : at + n] in _CHINESE), 0)
        if size:
            found.append(_CHINESE[run[at : at + size]])
        at += size or 1
    return tuple(found)


def ideas(told: Said) -> Ideas:
    """All ideas of all words together."""
    return NONE.union(*told)
