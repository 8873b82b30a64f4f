"""An order's steps in its change log go in, each comes out with the order's state after it, where the order has parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from makewhole.model.change import Change, Image, Kind
from makewhole.ports import trails


@dataclass(kw_only=True)
class Rows:
    """An order's rows as the log has told them so far. Where it does not begin with the order's birth, it may not know all parts."""

    whole: trails.Whole
    known: bool
    """Whether every part was told."""
    own: Image | None = None
    parts: dict[str, Image] = field(default_factory=dict)

    def take(self, told: Sequence[tuple[str, Change]]) -> str | None:
        """The order's state after this transaction; None where it told nothing of it, or not enough."""
        seen = False
        for role, changed in told:
            if role == "order":
                self.own, seen = _after(self.own, changed), True
            elif role == "suborder":
                self._part(changed)
                seen = True
        if not seen or self.own is None:
            return None
        return self.whole.state(self.own, tuple(self.parts.values()) if self.known else None)

    def _part(self, changed: Change) -> None:
        key = self.whole.key(changed.before or changed.after or {})
        after = _after(self.parts.pop(key, None), changed)
        if after is not None:
            self.parts[self.whole.key(after)] = after


def _after(before: Image | None, changed: Change) -> Image | None:
    """The row after a change: a log may tell of an update only the columns that it wrote."""
    if changed.kind is Kind.DELETE or changed.after is None:
        return None
    return {**(before or {}), **(changed.before or {}), **changed.after}
