"""Two strangers read a Delta Lake table: Polars, and DuckDB by its own reader of Delta; questions come in as JSON lines, rows go out."""

from __future__ import annotations

import json
import sys
from typing import Any

STATE = """
SELECT {columns} FROM (
  SELECT *, row_number() OVER (PARTITION BY _role, _key ORDER BY _image DESC) AS n FROM images
  WHERE _day = '{day}' AND _image <= {image} AND _op <> 'moved' AND _role = '{role}'
    AND _image >= (SELECT max(_image) FROM images WHERE _day = '{day}' AND _part = 'base' AND _image <= {image})
) AS told WHERE n = 1 AND _op <> 'delete' ORDER BY _key
"""
"""As docs/images.md tells it to anybody who has a lake reader."""


def polars(place: str, sql: str) -> list[list[Any]]:
    """By Polars."""
    import polars as pl  # type: ignore[import-not-found]

    return [list(row) for row in pl.SQLContext(images=pl.scan_delta(place)).execute(sql, eager=True).rows()]


def duckdb(place: str, sql: str) -> list[list[Any]]:
    """By DuckDB."""
    import duckdb as duck
    from duckdb_extensions import import_extension  # type: ignore[import-not-found]

    import_extension("delta")
    connection = duck.connect()
    connection.execute("LOAD delta")
    connection.execute(f"CREATE VIEW images AS SELECT * FROM delta_scan('{place}')")
    return [list(row) for row in connection.execute(sql).fetchall()]


READERS = {"polars": polars, "duckdb": duckdb}


def main() -> None:
    """Answer each line."""
    for line in sys.stdin:
        asked = json.loads(line)
        sql = STATE.format(**{k: asked[k] for k in ("columns", "day", "image", "role")})
        print(json.dumps(READERS[asked["do"]](asked["place"], sql)), flush=True)


if __name__ == "__main__":
    main()
