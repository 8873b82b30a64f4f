"""The name of a table in a shop file goes in, the tables that it means come out: one, or all shards of one that was cut by suffix."""

from __future__ import annotations

import re

from makewhole.core import faults

SHARDS_MAX = 256
"""Tables in one statement: what MySQL, MariaDB and SQLite still plan in a moment. Whoever has more keeps them in several databases."""
_RANGE = re.compile(r"\{(\d+)\.\.(\d+)\}")
_LIST = re.compile(r"\{(\w+(?:,\w+)+)\}")


def expand(told: str, where: str) -> tuple[str, ...]:
    """`t_order_{00..15}` is sixteen tables, `orders_{2025,2026}` two, and any other name itself. Raises BadInput."""
    if (span := _RANGE.search(told)) is not None:
        first, last = span.groups()
        names = tuple(f"{told[: span.start()]}{i:0{len(first)}d}{told[span.end() :]}" for i in range(int(first), int(last) + 1))
    elif (words := _LIST.search(told)) is not None:
        names = tuple(f"{told[: words.start()]}{word}{told[words.end() :]}" for word in words[1].split(","))
    else:
        names = (told,)
    if not names or len(names) > SHARDS_MAX or any("{" in n or "}" in n for n in names):
        todo = f"Write t_order_{{00..15}}, with the smaller number first and at most {SHARDS_MAX} tables, or orders_{{2025,2026}}."
        raise faults.BadInput(f"not a name of tables: {told!r}", where=where, todo=todo)
    return names
