"""Tables of a database go in; the labels that other tables, columns and comments give to a column's codes come out."""

from __future__ import annotations

from makewhole.attach import codes, dictionaries, naming, survey, values
from makewhole.attach.columns import Read
from makewhole.attach.naming import Said

Labels = dict[str, str]
"""What each code of one column is called."""
CODES_MIN = 3
"""Codes that a table or a comment must name before it is believed to explain a column that it is not made for."""
LABEL_ENDS = frozenset({"name", "text", "label", "title", "desc", "str", "cn", "zh"})
MATTERS = frozenset({"pay", "ship", "refund", "return", "coupon", "stock", "buyer", "carrier", "invoice"})
DIFFER_MIN = 0.4
"""Share of a small table's rows that must have a label of their own; some shops write each in two languages, or one label twice."""
NAME_MIN = 5
"""Letters of a column's name from which a table of the same name is no accident."""
LOOKUP_ROWS_MAX = 60
LOOKUP_COLUMNS_MAX = 16
"""A table of labels is small in both directions."""


class Words:
    """Who explains codes in this database: small tables, dictionaries of all codes, columns beside, comments elsewhere."""

    def __init__(self, reads: tuple[Read, ...]) -> None:
        self._reads = reads
        self._small = {
            r.table.name: r
            for r in reads
            if r.table.whole and 1 < len(r.table.sample) <= LOOKUP_ROWS_MAX and len(r.table.columns) <= LOOKUP_COLUMNS_MAX
        }
        self._groups = dictionaries.groups(tuple(r.table for r in reads))

    def of(self, told: Read) -> dict[str, Labels]:
        """The labels of a table's columns of codes, of those that something explains."""
        found = {c.name: self._labels(told, c) for c in told.table.columns}
        return {name: labels for name, labels in found.items() if labels}

    def _labels(self, of: Read, column: survey.Column) -> Labels:
        """By a declared foreign key, by `order_status(id, name)`, by the same row, by a dictionary, by a comment elsewhere."""
        target = next((ref.table for ref in of.table.references if ref.column == column.name), "")
        others = [r for r in self._small.values() if r is not of]
        told = self._small.get(target) or next((r for r in others if _explains(r, column.name)), None)
        told = told or next((r for r in others if _holds_codes(r, of, column)), None)
        if told is not None and (labels := _labels(told, frozenset(values.codes(of.table, column)))):
            return labels
        return _beside(of, column.name) or dictionaries.of(self._groups, of.table, column) or self._elsewhere(of, column)

    def _elsewhere(self, of: Read, column: survey.Column) -> Labels:
        """What another table's comment, or this table's own, says of the codes of a column that has no such comment itself."""
        used = values.codes(of.table, column)
        if "state" not in of.ideas(column.name) or len(used) < CODES_MIN or codes.of_comment(column.comment, used):
            return {}
        said = [_part(of.table, column.name)]
        for other in self._reads:
            said += [c.comment for c in other.table.columns if other is not of and c.comment and _alike(other, c, of, column)]
        for comment in filter(None, said):
            labels = dict(codes.of_comment(comment, used))
            if set(used) <= set(labels):
                return labels
        return {}


def _part(table: survey.Table, column: str) -> str:
    """What a table's comment says behind a column's name, up to the next column's."""
    comment, lower = table.comment, table.comment.lower()
    at = lower.find(column.lower())
    if at < 0:
        return ""
    start = at + len(column)
    ends = [lower.find(c.name.lower(), start) for c in table.columns if len(c.name) >= NAME_MIN]
    return comment[start : min((e for e in ends if e >= 0), default=len(comment))]


def _alike(other: Read, there: survey.Column, of: Read, column: survey.Column) -> bool:
    """Whether another table's column of states is this one again: called the same, or `order_status` of an order's `status`."""
    name, own = there.name.lower(), column.name.lower()
    if "state" not in other.ideas(there.name) or _matter(other.said) != _matter(of.said):
        return False
    if name == own:
        return len(own) > len("status") or naming.ideas(other.said) & naming.ideas(of.said) >= {"order"}
    stem = of.table.stem.lower().split("_")[-1].rstrip("s")
    return name == f"{stem}_{own}"


def _beside(told: Read, column: str) -> Labels:
    """Labels that stand in the same row: `order_status_name` beside `order_status`, always the same one for a code."""
    name = next((c.name for c in told.table.columns if c.kind is survey.Kind.TEXT and _names(c.name, column)), "")
    found: dict[str, set[str]] = {}
    for code, label in zip(told.table.values(column), told.table.values(name), strict=True) if name else ():
        if code is not None and label is not None and str(label).strip():
            found.setdefault(values.text(code), set()).add(str(label).strip())
    return {code: min(labels) for code, labels in found.items()} if all(len(labels) == 1 for labels in found.values()) else {}


def _names(name: str, column: str) -> bool:
    """Whether a column is called as what another one's codes are called: its name, with one more word for a name."""
    rest = name.lower().removeprefix(column.lower())
    return rest != name.lower() and rest.strip("_") in LABEL_ENDS


def _holds_codes(told: Read, of: Read, column: survey.Column) -> bool:
    """Whether a small table that speaks of states names every code of a column of states: `order_state_lang` explains `current_state`."""
    if "state" not in naming.ideas(told.said) or "state" not in naming.ideas(of.names[column.name]):
        return False
    used = frozenset(values.codes(of.table, column))
    about, column_says, table_says = _matter(told.said), _matter(of.names[column.name]), _matter(of.said)
    if not (column_says <= about <= column_says | table_says) or (table_says and not about):
        # Codes 0, 1 and 2 are in every list: the list of shipping states explains no payment.
        return False
    known = set(_labels(told, used))
    return len(used) >= CODES_MIN and used <= known


def _matter(said: Said) -> frozenset[str]:
    """What a name speaks of besides states of orders."""
    told = naming.ideas(said) & MATTERS
    return told - {"return"} | {"refund"} if "return" in told else told


def _explains(told: Read, column: str) -> bool:
    """Whether a small table is called as a column of codes is: `order_status` or `shop_order_statuses` explains `order_status_id`."""
    base = column.lower().removesuffix("_id").removesuffix("_code")
    table = told.table.name.lower()
    return len(base) >= NAME_MIN and any(table == base + end or table.endswith(f"_{base}{end}") for end in ("", "s", "es"))


def _labels(told: Read, used: frozenset[str] = frozenset()) -> Labels:
    """The labels of a small table, by its key; by another column that differs in every row, where that one holds the codes in use."""
    key = told.table.key[0] if len(told.table.key) == 1 else told.table.columns[0].name
    coded = {c.name: [values.text(v) for v in told.table.values(c.name) if v is not None] for c in told.table.columns}
    if not used <= set(coded[key]):
        key = next((n for n, there in coded.items() if used <= set(there) and len(set(there)) == len(told.table.sample)), key)
    names = [c.name for c in told.table.columns if c.name != key and c.kind is survey.Kind.TEXT]
    # Labels differ from code to code; a kind that many codes share is none.
    names = [n for n in names if len(set(told.table.values(n))) >= DIFFER_MIN * len(told.table.sample)]
    best = max(names, key=lambda n: len(told.ideas(n) & {"name", "note", "state"}), default="")
    if not best:
        return {}
    found: Labels = {}
    for code, label in zip(told.table.values(key), told.table.values(best), strict=True):
        if label is not None and str(label).strip():
            # A label in each of the shop's languages: the first one will do.
            found.setdefault(str(code), str(label))
    return found if not used or used & set(found) else {}
