"""A style of schema in words, a world and a seed go in; a SQLite shop in that style comes out, with the truth about each of its columns.

A style's text: a line at the margin names a table (`order t_order, orders | 订单表`), a line below it a column
(`number order_sn, order_no | 订单编号`): what it is, its names, one of which is drawn by the seed, and comments to draw from.
`~ name TYPE` is a column that says nothing of ours, `+ name TYPE = value` one that holds a value of the world but no field of ours.
Lines with `%` set units and codes; `␣` is a blank at an end.
"""

from __future__ import annotations

import dataclasses
import random
import re
import sqlite3
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from tests.attach import world

ZONE = ZoneInfo("Asia/Shanghai")
STATE_ORDER = ("awaiting-payment", "awaiting-shipment", "shipped", "completed", "closed", "refunding", "refunded")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Truth:
    """What a column really says: the columns that may be named for a field, and its unit."""

    table: str
    columns: frozenset[str]
    unit: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Shop:
    """A made shop: its file, what each field really is, and each order's real state by its key."""

    path: Path
    truth: Mapping[str, Truth]
    states: Mapping[object, str]
    key: str
    table: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Style:
    """One way in which shops are built."""

    name: str
    head: dict[str, list[str]]
    tables: tuple[tuple[str, list[str], list[str], tuple[tuple[str, list[str], list[str]], ...]], ...]
    held_out: bool


def parse(text: str) -> Style:
    """A style from its text."""
    head: dict[str, list[str]] = {}
    tables: list[tuple[str, list[str], list[str], list[tuple[str, list[str], list[str]]]]] = []
    for line in text.strip("\n").splitlines():
        if not line.strip():
            continue
        if line.startswith("%"):
            key, _, rest = line[1:].partition(" ")
            head[key] = [p.strip().replace("␣", " ") for p in rest.split("|")]
            continue
        told, _, comments = line.strip().partition(" | ")
        what, _, names = told.partition(" ")
        parts = [n.strip() for n in names.split(",")]
        notes = [c.strip() for c in comments.split(" / ")] if comments else []
        if line.startswith(" "):
            tables[-1][3].append((what, parts, notes))
        else:
            tables.append((what, parts, notes, []))
    return Style(name=head["name"][0], head=head, tables=tuple((w, n, c, tuple(f)) for w, n, c, f in tables), held_out="held" in head)


MONEY = {"amount_due", "amount_paid", "goods", "freight", "discount", "price", "amount", "off", "left"}
INSTANTS = {
    "created_at",
    "paid_at",
    "shipped_at",
    "completed_at",
    "closed_at",
    "expires_at",
    "version",
    "at",
    "used_at",
    "requested_at",
    "done_at",
    "created",
    "confirmed_at",
    "ended_at",
}
CODES = {"state", "channel", "paid_flag", "ship_flag", "arrival_flag", "refund_flag", "deleted", "from", "to", "main", "order_flag"}


class Maker:
    """Draws one variation of a style."""

    def __init__(self, style: Style, seed: int) -> None:
        self.style = style
        self.rng = random.Random(f"{style.name}-{seed}")
        self.money = self.draw("money", "yuan")
        self.time = self.draw("time", "datetime")
        self.comments = self.draw("comments", "yes") == "yes"
        self.join = self.draw("codes", "{c}->{l}；")
        self.maps: dict[str, dict[str, str]] = {}
        self.truth: dict[str, Truth] = {}

    def draw(self, key: str, default: str) -> str:
        return self.rng.choice(self.style.head.get(key, [default]))

    def make(self, path: Path) -> Shop:
        told = world.make(self.rng, orders=int(self.draw("orders", "160")), refunds="only" not in self.style.head)
        connection = sqlite3.connect(path)
        order_table, key = "", ""
        for role, names, notes, fields in self.style.tables:
            table = self.rng.choice(names)
            columns = [c for f in fields if (c := self._column(role, table, *f)) is not None]
            if role == "order":
                order_table, key = table, next(c[0] for c in columns if c[3] in {"key", "number!"})
            head = f"-- {self.rng.choice(notes)}\n" if notes and self.comments else ""
            lines = [
                f'  "{n}" {t}{"," if i < len(columns) - 1 else ""}{f" -- {c}" if c and self.comments else ""}'
                for i, (n, t, c, _) in enumerate(columns)
            ]
            connection.execute(f'{head}CREATE TABLE "{table}" (\n' + "\n".join(lines) + "\n)")
            rows = told.tables.get(role, []) if not role.startswith("#") else self._lookup(role)
            filled = [[self._value(role, c[3], row, i) for c in columns] for i, row in enumerate(rows)]
            connection.executemany(f'INSERT INTO "{table}" VALUES ({", ".join("?" * len(columns))})', filled)
        connection.commit()
        states = {}
        place = next(f for r, _, _, fs in self.style.tables if r == "order" for f in fs if f[0] in {"key", "number!"})[0]
        for i, row in enumerate(told.tables["order"]):
            states[self._value("order", place, row, i)] = str(row["state"])
        connection.close()
        return Shop(path=path, truth=self.truth, states=states, key=key, table=order_table)

    def _column(self, role: str, table: str, what: str, names: list[str], notes: list[str]) -> tuple[str, str, str, str] | None:
        optional = what.endswith("?")
        what = what.rstrip("?")
        if optional and self.rng.random() < 0.3:
            return None
        name = self.rng.choice(names)
        if what in {"~", "+"}:
            name, kind, value = [*name.split(" ", 2), ""][:3]
            return (
                name,
                kind.replace("_", " ").replace(";", ","),
                self.rng.choice(notes) if notes else "",
                f"={value.removeprefix('= ')}" if value else "~",
            )
        note = self.rng.choice(notes) if notes else ""
        kind = self._type(role, what)
        if what.rstrip("!") in CODES:
            codes = self._codes(role, what)
            if "@" in note:
                note = note.replace("@", self._listed(role, what, codes))
            if what.rstrip("!") in {"state", "main", "paid_flag", "ship_flag", "refund_flag", "channel", "from", "to"} and any(
                not c.lstrip("-").isdigit() for c in codes.values()
            ):
                kind = "VARCHAR(32)"
        self._tell(role, table, what, name)
        return name, kind, note, what

    def _tell(self, role: str, table: str, what: str, name: str) -> None:
        """Notes what the column says. `key` and the parts of the due amount are no fields of ours; a link is `<role>.order`."""
        fields = {
            "number!": "number",
            "refund_no": "number",
            "out_trade_no": "number",
            "sku_key": "sku",
            "coupon_key": "coupon" if role == "order" else "id",
            "price": "amount" if role == "item" else "",
        }
        what = what.removesuffix("*")
        ours = fields.get(what, what)
        if what in {"paid_flag", "ship_flag", "arrival_flag", "refund_flag", "main", "order_flag"}:
            ours = "state"
        if what in {"link_key", "link_number"}:
            ours = "order"
        if (
            role.startswith("#")
            or what in {"key", "goods", "freight", "discount", "created", "off"}
            or not ours
            or (role == "stock" and what in {"price", "key"})
        ):
            return
        if (
            role == "payment"
            and what == "link_number"
            and not any(f[0].rstrip("?") == "out_trade_no" for r, _, _, fs in self.style.tables if r == "payment" for f in fs)
        ):
            self._add(role, "number", table, name, "")
        unit = self.money if what in MONEY else self.time if what in INSTANTS else ""
        self._add(role, ours, table, name, "text" if unit == "packed" else unit)

    def _add(self, role: str, ours: str, table: str, name: str, unit: str) -> None:
        before = self.truth.get(f"{role}.{ours}")
        columns = frozenset({name}) | (before.columns if before is not None else frozenset())
        self.truth[f"{role}.{ours}"] = Truth(table=table, columns=columns, unit=unit)

    def _type(self, role: str, what: str) -> str:
        what = what.removesuffix("*")
        if what in MONEY:
            return {"yuan": "DECIMAL(10,2)", "fen": "BIGINT", "yuan_text": "VARCHAR(20)", "float": "DOUBLE"}[self.draw_once("money")]
        if what in INSTANTS:
            return {"datetime": "DATETIME", "unix_s": "INT(11)", "unix_ms": "BIGINT", "text": "VARCHAR(30)", "packed": "VARCHAR(14)"}[
                self.time
            ]
        if what in {"key", "link_key", "sku_key", "coupon_key"}:
            return "BIGINT PRIMARY KEY" if what == "key" or (role, what) in {("stock", "sku_key"), ("coupon", "coupon_key")} else "BIGINT"
        if what == "buyer":
            return "BIGINT"
        if what in {"quantity", "available", "locked", "tenant"}:
            return "INT(11)"
        if what.rstrip("!") in CODES:
            return "TINYINT(4)"
        return "VARCHAR(64)" + (" PRIMARY KEY" if what == "number!" else "")

    def draw_once(self, key: str) -> str:
        """The style's money, as it is typed."""
        typed = {"yuan": "yuan", "fen": "fen"}
        return self.style.head.get(f"{key}_type", [typed[self.money]])[0]

    # ------------------------------------------------------------ codes

    def _codes(self, role: str, what: str) -> dict[str, str]:
        """Our words (of orders, or of one axis) and the shop's codes for them."""
        key = f"{role}.{what}" if what == "state" and role != "order" else {"from": "state", "to": "state"}.get(what, what)
        if key not in self.maps:
            raw = self.style.head.get(f"codes.{key}") or self.style.head.get(f"codes.{what}")
            if raw is None:
                raw = ["auto"]
            self.maps[key] = self._drawn(self.rng.choice(raw), key)
        return self.maps[key]

    def _drawn(self, text: str, key: str) -> dict[str, str]:
        if text == "auto":
            words = {"deleted": ("no", "yes"), "channel": ("wechatpay", "alipay", "balance")}.get(key, STATE_ORDER)
            start = self.rng.choice((0, 1)) if key != "deleted" else 0
            return {w: str(start + i) for i, w in enumerate(words)}
        found = {}
        for pair in text.split(","):
            word, _, code = pair.strip().partition("=")
            found[word] = code
        return found

    def _listed(self, role: str, what: str, codes: Mapping[str, str]) -> str:
        """The codes with their labels, in the style's own spelling."""
        labels = {
            p.partition("=")[0]: p.partition("=")[2]
            for p in self.draw(f"labels.{role}.{what}", self.draw(f"labels.{what}", self.draw("labels", ""))).split(",")
        }
        pairs = [(c, labels.get(w, "")) for w, c in dict(codes).items() if labels.get(w)]
        told = "".join(self.join.replace("{c}", c).replace("{l}", label) for c, label in dict(pairs).items())
        return told.rstrip("；;，,、 |/")

    # ------------------------------------------------------------ values

    def _value(self, role: str, what: str, row: Mapping[str, object], i: int) -> object:
        what = what.removesuffix("*")
        if what.startswith("="):
            return self._spelt(row.get(what[1:].strip()), what[1:].strip())
        match what:
            case "~":
                return None if i % 3 else 0
            case "key" if role != "order":
                own = row.get("coupon_key") if role == "coupon" else row.get("sku_key") if role == "stock" else None
                return own if own is not None else i + 1
            case "link_key":
                return row["key"]
            case "link_number":
                return row["number"]
            case "number!":
                return row["number"]
            case "paid_flag":
                return self._codes(role, what)["yes" if row["paid"] else "no"]
            case "ship_flag":
                done = row["completed_at"] is not None
                return self._codes(role, what)["received" if done else "yes" if row["shipped"] else "no"]
            case "arrival_flag":
                return self._codes(role, what)["yes" if row["completed_at"] is not None else "no"]
            case "refund_flag":
                return self._codes(role, what).get(str(row["state"]), self._codes(role, what)["no"])
            case "deleted":
                codes = self._codes(role, what)
                closes = "closes" in self.style.head.get("deleted", [])
                gone = (row["state"] == "closed") if closes else row["deleted"]
                return codes["yes" if gone else "no"]
            case "main" | "order_flag":
                return self._codes(role, what).get(str(row["state"]), self._codes(role, what).get("*"))
            case "channel":
                told = str(row["channel"])
                return self._codes(role, what).get(
                    told, self._codes(role, what).get("none", "" if "VARCHAR" in self._type(role, "x") and not told else None)
                )
            case "state" | "from" | "to":
                return None if row[what] is None else self._codes(role, what)[str(row[what])]
            case "state_label" | "code":
                return row[what]
            case _:
                return self._spelt(row.get(what), what)

    def _spelt(self, told: object, what: str) -> object:
        if what in MONEY and isinstance(told, int):
            if self.draw_once("money") == "fen":
                return told
            return f"{told / 100:.2f}" if self.draw_once("money") == "yuan_text" else told / 100
        if what in INSTANTS:
            return self._instant(told)
        return told

    def _instant(self, told: object) -> object:
        if not isinstance(told, datetime):
            return {"unix_s": 0, "unix_ms": None, "packed": "", "text": None}.get(self.time)
        stamp = int(told.replace(tzinfo=ZONE).timestamp())
        return {"unix_s": stamp, "unix_ms": stamp * 1000 + 123, "packed": f"{told:%Y%m%d%H%M%S}"}.get(self.time, told.isoformat(sep=" "))

    def _lookup(self, role: str) -> list[dict[str, object]]:
        """A table of labels for the order's states."""
        labels = {p.partition("=")[0]: p.partition("=")[2] for p in self.draw("labels", "").split(",")}
        return [{"code": int(c), "state_label": labels[w]} for w, c in self._codes("order", "state").items()]


def clean(name: str) -> str:
    """A style's name as a file's."""
    return re.sub(r"\W+", "-", name)
