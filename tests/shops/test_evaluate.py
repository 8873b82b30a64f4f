"""What we make of a shop file's expression over an image is what SQLite makes of it over the same row; or we say that we are not sure."""

from __future__ import annotations

import re
import sqlite3
from typing import Any

import pytest

from makewhole.adapters.shops import evaluate, expressions

EXPRESSIONS = (
    "status = 1 AND is_del = 0",
    "status = 1 OR paid_at IS NULL",
    "NOT (status IN (1, 2, 3))",
    "status BETWEEN 1 AND 2",
    "status <> 3 AND paid_at IS NOT NULL",
    "COALESCE(NULLIF(status, 0), 7) >= 2",
    "CASE WHEN status = 0 THEN 10 WHEN status = 1 THEN 11 ELSE 12 END",
    "CASE status WHEN 2 THEN 'two' END",
    "IF(is_del = 1, -status, status + 2 * 3)",
    "status IN (2, NULL)",
    "word = 'paid'",
    "status > is_del",
    "paid_at",
)
ROWS: tuple[dict[str, Any], ...] = tuple(
    {"status": status, "is_del": is_del, "paid_at": paid_at, "word": word}
    for status in (0, 1, 2, 3, None)
    for is_del in (0, 1, None)
    for paid_at in (None, "2026-11-23 10:00:00")
    for word in ("paid", "open", None)
)


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_it_is_what_the_database_says(text: str) -> None:
    """Three-valued logic and all."""
    told = expressions.parse(text, "mysql", "here")
    with sqlite3.connect(":memory:") as database:
        for row in ROWS:
            sql = re.sub(r"\bIF\(", "IIF(", text)
            for name, value in row.items():
                sql = sql.replace(name, f":{name}") if value is not None else sql.replace(name, "NULL")
            (wanted,) = database.execute(f"SELECT {sql}", {k: v for k, v in row.items() if v is not None and f":{k}" in sql}).fetchone()
            assert evaluate.evaluate(told, row) == wanted, row
            if not isinstance(wanted, str):
                assert evaluate.holds(told, row) is bool(wanted), row


@pytest.mark.parametrize("text", ["word = 'PAID'", "nowhere = 1", "LOWER(word) = 'paid'", "word + 1 = 2", "word LIKE 'p%'"])
def test_what_only_the_server_knows_is_not_guessed(text: str) -> None:
    """Collations, functions, columns that the log does not tell."""
    with pytest.raises(evaluate.Unsure):
        evaluate.holds(expressions.parse(text, "mysql", "here"), {"word": "paid", "status": 1})
