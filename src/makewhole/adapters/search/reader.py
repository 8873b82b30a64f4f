"""Reads for the index what is not ours: log files as documents, and the words that somebody types, both as far as the shop's map allows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path

from makewhole.adapters.search import logs, personal
from makewhole.core import folding, ids
from makewhole.model import document


@dataclass(frozen=True, kw_only=True)
class Reader:
    """Of one shop. `zone`: of times that name none; `spell`: what may be kept of a phone."""

    shop: ids.ShopName
    zone: tzinfo
    spell: personal.Spell

    def documents(self, path: Path) -> Iterator[document.Document]:
        """Every entry of a log file. Raises BadInput for a file that cannot be read."""
        return logs.documents(path, self.shop, self.zone, self.spell)

    def words(self, typed: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
        """Each word in every spelling under which it may be kept; what folds to nothing is left out."""
        return tuple(personal.spellings(word, self.spell) for word in typed if folding.fold(word))

    def shown(self, text: str) -> str:
        """Text as it may be shown: phones masked, whatever the index holds."""
        return personal.shown(text)
