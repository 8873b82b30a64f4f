"""A table goes in; its columns of codes come out, each with what it tells of an order and what its codes mean in our words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from makewhole.attach import codes, spelling, survey, values
from makewhole.attach.columns import Read
from makewhole.attach.naming import Said
from makewhole.attach.values import Shape

PREFIXED_MIN = 3
"""Codes from which a common beginning is believed to be a prefix."""
MEANT = frozenset({"wait", "waiting", "to", "un", "pay", "pending", "refund", "ship", "not", "no"})
"""Beginnings that say something of their own."""
CODES_MAX = 40
"""A column of more codes is no state."""
MISSING, THERE = "missing", "there"
"""The codes of a column that tells by holding anything or nothing."""
Classify = Callable[[str], str | None]
Fits = Callable[[Said], float]
"""How well the words of a column say that it tells one thing of an order."""


@dataclass(frozen=True, kw_only=True)
class Axis:
    """One column of codes. `words` are what its labels say, in our words or in those of `labels`; `unclear` are used without one."""

    column: str
    style: spelling.Style
    words: dict[str, str]
    labels: dict[str, str]
    unclear: tuple[str, ...]
    absent: str = ""
    """Of a column that tells by holding anything: the condition under which it holds nothing. Its codes are `MISSING` and `THERE`."""
    present: str = ""

    def sql(self, *these: str) -> str:
        """The condition under which a row has one of these codes."""
        if self.present:
            return self.present if these == (THERE,) else self.absent
        return spelling.among(self.column, these, style=self.style)

    def told(self, read: Read) -> tuple[str | None, ...]:
        """The code of each sampled row."""
        there = read.table.values(self.column)
        if self.present:
            return tuple(MISSING if values.absent(v) else THERE for v in there)
        return tuple(None if v is None else values.text(v) for v in there)

    def having(self, *wanted: str) -> tuple[str, ...]:
        """The codes that mean one of these."""
        return tuple(c for c, w in self.words.items() if w in wanted)


def axis(read: Read, column: str, classify: Classify, lookups: dict[str, dict[str, str]]) -> Axis:
    """The codes of a column and what they mean."""
    told = read.table.by_name[column]
    used = values.codes(read.table, told)
    explained = dict(codes.of_comment(told.comment, used)) or lookups.get(column, {})
    explained = _unprefixed(explained)
    by_case = {c.lower(): c for c in used}
    found = {by_case.get(c.lower(), c): label for c, label in explained.items()}
    prefix = _prefix(used)
    for code in used:
        if code not in found and not code.lstrip("-").isdigit():
            found[code] = code.removeprefix(prefix)
    words = {code: word for code, label in found.items() if (word := classify(label)) is not None}
    # What an empty text or NULL means is told by the columns beside it.
    there = {values.text(v) for v in read.table.values(column) if v is not None}
    # A number that the type allows and no row holds is nobody's question yet.
    unclear = tuple(c for c in used if c not in words and (c in there or c not in told.members or not c.isdigit()))
    return Axis(column=column, style=spelling.style(told), words=words, labels=found, unclear=unclear)


def by_presence(read: Read, column: str, no: str, yes: str) -> Axis:
    """A column that tells by holding anything: an instant of payment is there in paid orders."""
    unit = read.look(column).unit
    return Axis(
        column=column,
        style=spelling.Style.NUMBER,
        words={MISSING: no, THERE: yes},
        labels={},
        unclear=(),
        absent=spelling.missing(column, unit),
        present=spelling.present(column, unit),
    )


def flag(told: Axis, no: str, yes: str) -> Axis:
    """A column of 0 and 1 without labels says no and yes."""
    if told.words or not values.flagged(told.unclear):
        return told
    truth = {c: yes if c.lower() in {"1", "y", "true"} else no for c in told.unclear}
    other = {"0": no, "1": yes} if set(told.unclear) <= values.ONES else {}
    return Axis(column=told.column, style=told.style, words=other or truth, labels={}, unclear=())


def _unprefixed(labels: dict[str, str]) -> dict[str, str]:
    """Labels without what all of them begin with: `COM_SHOP_ORDER_STATUS_PENDING` is `PENDING`."""
    prefix = _prefix(tuple(labels.values()))
    return {c: label.removeprefix(prefix) for c, label in labels.items()}


def _prefix(used: tuple[str, ...]) -> str:
    """What all codes begin with and none means: the `wc-` of `wc-pending` and `wc-completed`."""
    if len(used) < PREFIXED_MIN:
        return ""
    least, most = min(used), max(used)
    common = next((least[:i] for i, (a, b) in enumerate(zip(least, most, strict=False)) if a != b), least)
    cut = max(common.rfind("-"), common.rfind("_")) + 1
    return "" if common[:cut].strip("-_").lower() in MEANT else common[:cut]


def of_kind(read: Read, fits: Fits, classify: Classify, lookups: dict[str, dict[str, str]], deleted: str) -> Axis | None:
    """The column that says it best, with its codes; None where none does."""
    best: tuple[float, str] = (0.0, "")
    for column in read.table.columns:
        look = read.look(column.name)
        if column.name == deleted or Shape.CODE not in look.shapes or look.distinct > CODES_MAX:
            continue
        worth = max(fits(read.names[column.name]), 0.95 * fits(read.comments[column.name]))
        if worth > best[0]:
            best = (worth, column.name)
    return axis(read, best[1], classify, lookups) if best[0] else None


def hidden(read: Read) -> bool:
    """Whether some column is called the order's state, and nothing of it was read."""
    return any(c.kind is survey.Kind.OTHER and is_main(read.names[c.name]) for c in read.table.columns)


_BESIDE = frozenset({"order", "trade", "info", "goods", "buyer", "id", "number"})


def is_main(said: Said) -> float:
    """`status`, `order_status`; of several, the one that says least besides."""
    return (1.0 if any("order" in w for w in said) else 0.97) if _says(said, "state") and _only(said, frozenset({"state", "new"})) else 0.0


def is_pay(said: Said) -> float:
    return _side(said, frozenset({"pay", "paid"}))


def is_ship(said: Said) -> float:
    return _side(said, frozenset({"ship", "carrier"}))


def is_arrival(said: Said) -> float:
    """`is_received`, `confirm_flag`, `finish_status`: whether the buyer has the goods, and nothing of them before."""
    of = frozenset({"receive", "finish"})
    return 0.9 if any(w & of for w in said) and _only(said, of | {"flag", "state"}) else 0.0


def is_refund(said: Said) -> float:
    return _side(said, frozenset({"refund", "return"}))


def is_cancel(said: Said) -> float:
    of = frozenset({"cancel", "close"})
    return 0.9 if any(w & of for w in said) and _only(said, of | {"flag", "state"}) else 0.0


def _side(said: Said, of: frozenset[str]) -> float:
    if not any(w & of for w in said) or not _only(said, of | {"state", "flag", "receive"}):
        return 0.0
    return 0.95 if _says(said, "state") or _says(said, "flag") else 0.85 if _says(said, "paid") else 0.0


def _says(said: Said, idea: str) -> bool:
    return any(idea in word for word in said)


def _only(said: Said, of: frozenset[str]) -> bool:
    """Whether no word speaks of anything else: a word of several ideas, like `payment`, means the one that fits."""
    return all(not word or word & (of | _BESIDE) for word in said)
