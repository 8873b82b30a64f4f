"""SQL of states: where a whole image and what changed since lie goes in; a query for every row as it was goes out."""

from __future__ import annotations

from collections.abc import Sequence

from makewhole.adapters.images.columns import HEAD, IMAGE, KEY, LINK, OP, ROLE, TYPES, quoted
from makewhole.model.image import Op

SAME = (LINK, TYPES)
"""What must agree beside the shop's own columns."""


def latest(changes: str, names: Sequence[str]) -> str:
    """The newest line of each row among changes. That a row left an order says nothing of the row."""
    told = ", ".join(map(quoted, names))
    place = f"PARTITION BY {ROLE}, {KEY} ORDER BY {IMAGE} DESC"
    mine = f"{ROLE} <> '{HEAD}' AND {OP} <> '{Op.MOVED.value}'"
    numbered = f"SELECT {told}, row_number() OVER ({place}) AS newest FROM {changes} WHERE {mine}"  # noqa: S608  names of our own, here and below
    return f"(SELECT {told} FROM ({numbered}) WHERE newest = 1)"  # noqa: S608


def state(base: str, changes: str, names: Sequence[str], only: str | None = None) -> str:
    """Every row as it is after the last of these changes; of the rows alone that `only` names by role and key, where it is given."""
    told = ", ".join(f"o.{quoted(n)}" for n in names)
    same = f"o.{ROLE} = l.{ROLE} AND o.{KEY} = l.{KEY}"
    mine = "TRUE" if only is None else f"({ROLE}, {KEY}) IN (SELECT ({ROLE}, {KEY}) FROM {only})"  # noqa: S608
    newest = latest(changes, [*names, OP])
    return (
        f"(WITH newest AS MATERIALIZED (SELECT * FROM {newest} WHERE {mine}) "  # noqa: S608
        f"SELECT {told} FROM (SELECT * FROM {base} WHERE {mine}) AS o ANTI JOIN newest AS l ON {same} "
        f"UNION ALL SELECT {told} FROM newest AS o WHERE {OP} = '{Op.PUT.value}')"
    )


def differing(before: str, after: str, names: Sequence[str], where: str = "TRUE") -> str:
    """Rows that are not the same in both: role, order, key, and the values of each side after whether it has the row."""
    sides = [f"{s}.{KEY} IS NOT NULL, " + ", ".join(f"{s}.{quoted(n)}" for n in names) for s in ("a", "b")]
    apart = " OR ".join(f"a.{quoted(n)} IS DISTINCT FROM b.{quoted(n)}" for n in (*SAME, *names))
    heads = ", ".join(f"COALESCE(b.{n}, a.{n}) AS {n}" for n in (ROLE, LINK, KEY))
    return (
        f"SELECT {heads}, {', '.join(sides)} FROM {before} AS a FULL JOIN {after} AS b ON a.{ROLE} = b.{ROLE} AND a.{KEY} = b.{KEY} "  # noqa: S608
        f"WHERE (a.{KEY} IS NULL OR b.{KEY} IS NULL OR {apart}) AND ({where}) ORDER BY 1, 2, 3"
    )
