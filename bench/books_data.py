"""Two books of any size, made by arithmetic: a number of lines goes in, two Parquet files with ten known differences come out.

Seven days, four channels, one line in twenty a refund, unordered unique numbers. Of every hundred lines one is of each class of
difference (fees and statuses among refunds included); the other ninety-one are alike.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

DAY = 20_789
TRUTH = ("ours-only", "theirs-only", "amount", "fee", "status", "currency", "duplicate-ours", "duplicate-theirs", "across-cut-off")
"""The class of the lines whose place is 0, 1, 2 … among a hundred; each is one line in a hundred."""


def make(folder: Path, lines: int) -> tuple[Path, Path]:
    """Both books, made once."""
    made = tuple(folder / f"{side}_{lines}.parquet" for side in ("ours", "theirs"))
    with duckdb.connect(":memory:", config={"threads": 2, "preserve_insertion_order": False, "temp_directory": str(folder)}) as connection:
        for path in made:
            if not path.exists():
                rows = _book(lines, theirs="theirs" in path.name)
                connection.execute(f"COPY ({rows}) TO '{path}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 250000)")
    return made[0], made[1]


def _book(lines: int, *, theirs: bool) -> str:
    """7919 is prime to every power of ten: each place comes once, in no order."""
    lacks, again = (0, 7) if theirs else (1, 6)

    def differs(place: int, changed: str, plain: str) -> str:
        return f"CASE WHEN j % 100 = {place} THEN {changed} ELSE {plain} END" if theirs else plain

    standing = "CASE WHEN j % 20 = 19 THEN 'refunded' ELSE 'paid' END"
    unpaid = standing if theirs else f"CASE WHEN j % 100 = 4 THEN 'unpaid' ELSE {standing} END"
    return f"""
    WITH told AS (
        SELECT ['wechatpay', 'alipay', 'douyinpay', 'unionpay'][1 + j % 4] AS channel,
            ['1601', '2088', '7001', '8980'][1 + j % 4] AS merchant,
            CASE WHEN j % 20 = 19 THEN 'refund' ELSE 'payment' END AS kind,
            md5(j::VARCHAR)[:28] AS number, md5(j::VARCHAR)[:28] AS payment,
            '4200' || lpad((hash(j) % 1000000000000)::VARCHAR, 24, '0') AS transaction, NULL::VARCHAR AS order_number,
            (1000 + j % 90000 + {differs(2, "1", "0")})::BIGINT AS amount_fen,
            ((1000 + j % 90000) * 6 + {differs(3, "1000", "0")})::BIGINT AS fee_millifen,
            {differs(5, "'USD'", "'CNY'")} AS currency, {unpaid} AS standing,
            (1795363200 + (j % 7) * 86400 + 43200 - j % 30000 + {differs(8, "86400", "0")})::BIGINT AS at_s, j
        FROM (SELECT (i * 7919) % {lines} AS j FROM range({lines}) t(i)) WHERE j % 100 <> {lacks}),
    doubled AS (SELECT * FROM told UNION ALL SELECT * FROM told WHERE j % 100 = {again})
    SELECT row_number() OVER () AS line, * EXCLUDE (j, at_s), at_s, ((at_s + 28800) // 86400)::INTEGER AS day FROM doubled"""
