"""A comment goes in, the codes that it explains come out with their labels: `0->待付款；1->待发货`, `0待付款 1待发货`, `paid(1)`, JSON."""

from __future__ import annotations

import re

Labels = tuple[tuple[str, str], ...]
"""Pairs of a code as the shop spells it and what the comment calls it, in the comment's order, each code once."""
_NUMBER = r"(?<![\d.\w-])-?\d{1,4}(?![\d.]*%)"
_LINK = r"\s*(?:->|=>|→|—>|--|==|[=:：\-—–~、.)）】]|代表|表示|为|是)?\s*[\"'‘’“”]?\s*"
_LABEL = r"[A-Za-z\u4e00-\u9fff（(_](?:[^;；,，、|/\n\"'‘’“”\[\]{}【】<>]|/(?=[\u4e00-\u9fff]))*?"
_STOP = (
    r"(?=\s*[\"'‘’“”]?\s*(?:[;；,，、|\n\[\]{}】】<>]|/(?![\u4e00-\u9fff])|[-\s]*(?<![\w.])-?\d{1,4}\s*(?:->|=>|→|[=:：\-—–~、.]|"
    r"[\u4e00-\u9fff])|[）)]\s*(?:$|[;；,，。\s])|$))"
)
_FORWARD = re.compile(rf"[\"']?({_NUMBER})[\"']?{_LINK}({_LABEL}){_STOP}")
_GLUED = re.compile(r"(?<!\d)(-?\d{1,4})\s*[-=:：.、]?\s*([\u4e00-\u9fff][\u4e00-\u9fffA-Za-z（）()]*)")
_SPACED = re.compile(r"(?<![\w.-])(\d{1,4})\s+([A-Za-z][A-Za-z _-]*?)(?=\s*[,;/|]|\s+\d|\s*$)")
_BACKWARD = re.compile(r"([A-Za-z\u4e00-\u9fff_][\w\u4e00-\u9fff ]*?)\s*[=:：\-(（]\s*(-?\d{1,4})(?!\d)")
_WORD = re.compile(
    r"(?<![A-Za-z_])([A-Za-z][A-Za-z_]{1,31})(?![A-Za-z_])[\"']?\s*(?:->|=>|→|[=:：\-—(（]|\s)?\s*[\"']?([\u4e00-\u9fff][\u4e00-\u9fff]*)"
)
_LETTER = re.compile(r"(?<![A-Za-z0-9])([A-Z])\s*(?:->|=>|→|[=:：\-—])\s*[\"']?([\u4e00-\u9fff]+|[A-Za-z][A-Za-z ]+)")
_WORD_ENGLISH = re.compile(r"\b([A-Z][A-Z_]{1,31}|[a-z][a-z_]{1,31})\b[\"']?\s*(?:->|=>|=|:)\s*[\"']?([A-Za-z][A-Za-z ]*)")
_SECTION = re.compile(r"\D{0,12}?(-?\d{1,4})\s*[-=:：.、,，)）]?\s*([^\d\s].*)", re.DOTALL)
_SECTIONS_MIN = 3
_BRACKETS_MAX = 60


def of_comment(comment: str, allowed: tuple[str, ...] = ()) -> Labels:
    """The codes of a comment. `allowed` are the codes in use: a reading that explains more of them is the better one."""
    ways = (_sections, _forward, _spaced, _glued, _backward, _words)
    readings = [_once(way(comment)) for way in ways]
    known = set(allowed)

    def worth(labels: Labels) -> tuple[int, int]:
        return (sum(1 for code, _ in labels if code in known), len(labels))

    numbers = bool(known) and all(c.lstrip("-").isdigit() for c in known)
    if numbers:
        readings = [r for r in readings if all(c.lstrip("-").isdigit() for c, _ in r)]
    best = max(readings, key=worth, default=())
    return best if len(best) > 1 or (best and best[0][0] in known) else ()


def _sections(comment: str) -> list[tuple[str, str]]:
    """`101 已下单，未支付；102，未支付，用户取消；`: sentences with commas in them, parted by semicolons or lines, each behind its code."""
    parts = [p.strip() for p in re.split(r"[;；\n]|\\r\\n", comment) if p.strip()]
    told = [_SECTION.fullmatch(p) for p in parts]
    found = [(m[1], _clean(m[2])[:_BRACKETS_MAX]) for m in told if m is not None]
    commas = any(re.search("[,，、]", label) for _, label in found)
    # What stands first may be the column's own name.
    return found if commas and len(found) >= _SECTIONS_MIN and None not in told[1:] else []


def _forward(comment: str) -> list[tuple[str, str]]:
    return [(m[1], _clean(m[2])) for m in _FORWARD.finditer(comment)]


def _spaced(comment: str) -> list[tuple[str, str]]:
    """`0 none 1 applying 2 done`, parted by nothing but blanks."""
    return [(m[1], m[2].strip()) for m in _SPACED.finditer(comment)]


def _glued(comment: str) -> list[tuple[str, str]]:
    """`0待付款1待发货`, and `0-已取消-10-未付款`, where what parts the pairs looks like a sign."""
    told = [(m[1], _clean(m[2])) for m in _GLUED.finditer(comment)]
    positive = [(c.lstrip("-"), label) for c, label in told]
    return (
        positive
        if len({c for c, _ in positive}) == len(positive) and any(c.startswith("-") for c, _ in told[1:]) and _parted(comment)
        else told
    )


def _parted(comment: str) -> bool:
    """Whether minus signs stand directly behind a label: then they part the pairs and are no signs."""
    return bool(re.search(r"[\u4e00-\u9fff]-\d+-", comment))


def _backward(comment: str) -> list[tuple[str, str]]:
    """`待付款:0，已付款:1`, `unpaid(0)`."""
    behind = re.search(r"[（(]-?\d{1,4}[)）][\s.。;；]*$", comment)
    if not behind and re.search(rf"(?:^|[：:（(\[【{{\s,，;；]){_NUMBER}\s*[-=:：>.、)）\]】]", comment):
        return []
    return [(m[2], _clean(m[1])) for m in _BACKWARD.finditer(comment)]


def _words(comment: str) -> list[tuple[str, str]]:
    """`WAIT_PAY:待支付,PAID:已支付`, `pending待支付`."""
    letters = [(m[1], _clean(m[2])) for m in _LETTER.finditer(comment)]
    if len(letters) > 1:
        return letters
    return [(m[1], _clean(m[2])) for m in _WORD.finditer(comment)] or [(m[1], _clean(m[2])) for m in _WORD_ENGLISH.finditer(comment)]


def _once(pairs: list[tuple[str, str]]) -> Labels:
    found: dict[str, str] = {}
    for code, label in pairs:
        if label and len(label) <= _BRACKETS_MAX:
            found.setdefault(code, label)
    return tuple(found.items())


def _clean(label: str) -> str:
    """Without the brackets and marks that the comment put around it."""
    told = label.strip(" \t。.;；,，:：=->）")
    return told if "（" in told or "(" in told else told.strip(")")
