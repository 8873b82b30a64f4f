"""A proposal goes in, the text of a shop file comes out, with its reasons as comments. Whoever writes it parses it first."""

from __future__ import annotations

import re
from collections.abc import Callable

from makewhole.attach import around
from makewhole.attach.proposal import Evidence, Found, Proposal, Role

TABLES = ("order", "item", "refund", "payment", "stock", "stock_move", "coupon", "history")
Words = Callable[[tuple[Evidence, ...]], str]
"""Puts reasons into a line for people."""


def text(told: Proposal, name: str, words: Words, lead: tuple[str, ...]) -> str:
    """The whole file. `lead` are lines of comment for its head."""
    found = {f.field: f for f in told.found}
    lines = [*(f"# {line}" for line in lead), f"name = {quoted(name)}", 'dialect = "mysql"', f"time_zone = {quoted(told.zone)}"]
    if told.channels:
        lines.append(f"channels = [{', '.join(map(quoted, told.channels))}]")
    lines.append(f"payment_numbers = [{', '.join(map(quoted, told.payment_numbers))}]")
    for role_name in TABLES:
        role = told.role(role_name)
        if role is not None and (role_name == "order" or around.usable(role, found)):
            lines += ["", *_table(role, found, words)]
    return "\n".join(lines) + "\n"


def left_out(told: Proposal) -> tuple[str, ...]:
    """Tables that were recognised and cannot be mapped, because something that the language needs is missing."""
    found = {f.field: f for f in told.found}
    return tuple(r.name for r in told.roles if r.name != "order" and not around.usable(r, found))


def name_of(database: str) -> str:
    """A shop's name from a database's: a-z, 0-9 and -."""
    told = re.sub(r"[^a-z0-9]+", "-", database.lower().removesuffix(".db").removesuffix(".sqlite")).strip("-")[:40].strip("-")
    return told or "shop"


def _table(role: Role, found: dict[str, Found], words: Words) -> list[str]:
    lines = [f"[{role.name}]", f"table = {quoted(role.table)}"]
    for key, value in (("key", role.key), ("link", role.link), ("where", role.where)):
        if value:
            lines.append(f"{key} = {quoted(value)}")
    lines += ["", f"[{role.name}.fields]"]
    for name, told in found.items():
        table, _, short = name.partition(".")
        # A column that holds the order's key is the link, not the number that a field would promise.
        if table != role.name or short in {"state", "kind"} or (short == "order" and told.sql == role.link):
            continue
        lines.append(f"{short} = {_field(told)}{_why(told, words)}")
    for key, cases in (("states", role.states), ("kinds", role.kinds), ("moves", role.moves)):
        if cases:
            lines += ["", f"[{role.name}.{key}]", *(f"{quoted(sql)} = {quoted(word)}" for sql, word in cases)]
    return lines


def _field(told: Found) -> str:
    unit = "" if told.unit == "datetime" else told.unit
    if not unit and not told.values:
        return quoted(told.sql)
    parts = [f"sql = {quoted(told.sql)}"]
    if unit:
        parts.append(f"unit = {quoted(unit)}")
    if told.values:
        parts.append(f"values = {{ {', '.join(f'{quoted(c)} = {quoted(w)}' for c, w in told.values)} }}")
    return f"{{ {', '.join(parts)} }}"


def _why(told: Found, words: Words) -> str:
    said = re.sub(r"\s+", " ", words(told.evidence)).strip()
    return f"  # {told.confidence:.2f} {said}"[:160].rstrip()


def quoted(told: str) -> str:
    """A TOML string."""
    escaped = told.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in escaped) + '"'
