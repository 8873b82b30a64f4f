"""What a rollback must know of a shop beyond its rows: a map goes in; who writes history, which columns are money, what counts writes."""

from __future__ import annotations

from makewhole.adapters.shops import language, shopmap
from makewhole.model.order import Field

_AMOUNTS = frozenset({language.Unit.YUAN, language.Unit.FEN})


def historian(map_: shopmap.ShopMap) -> tuple[str, str] | None:
    """Table and column in which the shop itself writes who did something; None where the map tells none."""
    table = map_.tables.get("history")
    column = None if table is None else table.fields.get(Field.HISTORY_WHO)
    name = None if column is None else column.sql.column()
    return None if table is None or name is None else (table.table, name)


def money(map_: shopmap.ShopMap) -> frozenset[tuple[str, str]]:
    """Every column that an amount is made of, with its table, in lower case."""
    return frozenset(
        (table.table.lower(), column.lower())
        for table in map_.tables.values()
        for field in table.fields.values()
        if field.unit in _AMOUNTS
        for column in field.sql.columns()
    )


def counters(map_: shopmap.ShopMap) -> dict[str, str]:
    """By table, lower case: the column in which the shop counts a row's writes (its version, where that is a number)."""
    version = map_.order.fields.get(Field.ORDER_VERSION)
    name = None if version is None else version.sql.column()
    return {} if name is None else {map_.order.table.lower(): name.lower()}


def state_columns(map_: shopmap.ShopMap) -> frozenset[str]:
    """The column of the order's table, in lower case, by which alone a row tells the order's state; none where it takes more than that."""
    simple = map_.order.states.simple()
    return frozenset() if simple is None else frozenset({simple[0].lower()})
