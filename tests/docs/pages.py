"""The documentation's pages, and what stands in them: headings, links, code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"!?\[(?:[^\]]*)\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"")


def pages() -> list[Path]:
    """Every page of ours."""
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def prose(page: Path) -> str:
    """A page without its blocks of code."""
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def links(page: Path) -> Iterator[str]:
    """Where a page links to."""
    for told in _LINK.finditer(prose(page)):
        yield told[1] or told[2]


def anchors(page: Path) -> set[str]:
    """The anchors that a page's headings make, as code hosts spell them."""
    titles = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def headings(page: Path) -> list[str]:
    """The second-level headings, in their order."""
    return re.findall(r"^## (.+)$", prose(page), re.MULTILINE)


def code(page: Path) -> Iterator[str]:
    """What stands between single backticks."""
    yield from re.findall(r"`([^`\n]+)`", prose(page))


def blocks(page: Path) -> Iterator[str]:
    """Blocks of code, without their fences."""
    for told in re.finditer(r"^```[a-z]*\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
        yield told[1]
