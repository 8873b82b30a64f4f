"""Images of an order's own row and of its parts' go in, our word for its state comes out; None where they do not tell it."""

from __future__ import annotations

from collections.abc import Iterable

from makewhole.adapters.shops import evaluate, shopmap
from makewhole.model import change, suborder
from makewhole.model.order import OrderState


class Whole:
    """`trails.Whole` by a shop's map."""

    def __init__(self, orders: shopmap.Table, parts: shopmap.Table) -> None:
        self._orders, self._parts = orders, parts

    def key(self, part: change.Image) -> str:
        """See the port."""
        if self._parts.key is None:
            return ""
        try:
            return change.spell(evaluate.evaluate(self._parts.key, part))
        except evaluate.Unsure:
            return ""

    def part(self, part: change.Image) -> str | None:
        """See the port."""
        word = _state(self._parts, part)
        return None if word is None else word.value

    def state(self, own: change.Image, parts: Iterable[change.Image] | None) -> str | None:
        """See the port."""
        word = _state(self._orders, own)
        if parts is None:
            return None if word is None or word in suborder.WAY else word.value
        whole = suborder.whole(word, suborder.stages(_state(self._parts, p) for p in parts if self._counts(p)))
        return None if whole is None else whole.value

    def _counts(self, part: change.Image) -> bool:
        """Whether the map's filter lets the row in."""
        try:
            return self._parts.where is None or evaluate.holds(self._parts.where, part)
        except evaluate.Unsure:
            return True


def of(map_: shopmap.ShopMap) -> Whole | None:
    """For a shop whose orders have parts; None for any other."""
    return None if map_.parts is None else Whole(map_.order, map_.parts)


def _state(table: shopmap.Table, image: change.Image) -> OrderState | None:
    """The first condition that holds; None where none does, or where only the database could tell."""
    try:
        return next((OrderState(word) for told, word in table.states.rungs if evaluate.holds(told, image)), None)
    except evaluate.Unsure:
        return None
