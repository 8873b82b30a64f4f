"""The tables of our own memory, one text for SQLite, MariaDB and MySQL; every key that could mean two shops' things carries the shop.

Instants are UTC microseconds in a BIGINT: SQLite has no instant, MySQL's DATETIME has no zone and rounds by default; an integer is the
same, sorts the same and compares the same in all three. Money is BIGINT fen. Nouns are their canonical bytes, never a JSON column:
MySQL re-orders the keys of a JSON value, and what is hashed must come back byte for byte.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

SCHEMA_VERSION = 3
"""Raised by whoever changes a table; a store of another version is refused, never guessed at."""
GROWN_FROM = 1
"""Since this version tables were only added: a store of it is given them when it is opened."""

SHOP_LENGTH = 64
"""Characters. Our own name of a shop file."""
NUMBER_LENGTH = 128
"""Characters. Channels allow 64 in an out_trade_no; platforms' order numbers stay under 40; twice the larger."""
KEY_LENGTH = 32
"""Characters: `ids.KEY_LENGTH`; run and case ids are keys."""
NAME_LENGTH = 255
"""Characters of a bucket, a use, a topic, a mark: two of them in one index are 2,040 bytes of InnoDB's 3,072. Longer ones are shortened
with their digest (`names.fit`), never cut."""
WORD_LENGTH = 32
"""Characters of an enum's value."""
OWNER_LENGTH = 255
"""Characters: host, process and thread."""
SEALED_FROM = "notices-sealed-from"
"""The mark that says from which instant on, in ticks, every genuine notice was kept with its digest."""
DIGEST_LENGTH = 64
ASIDE = 2
"""In the place of `over`: a difference that was altered, at which a person has looked."""
"""Characters: SHA-256 in hex."""
BODY_BYTES_MAX = 2**24 - 1
"""A noun's canonical bytes: MEDIUMBLOB. A dossier's plan is some kilobytes; 16 MB is a mistake somewhere."""

metadata = sa.MetaData()


def _text(length: int) -> sa.types.TypeEngine[str]:
    """Binary collation: with MariaDB's default one, orders `a1` and `A1` would be the same order."""
    server = mysql.VARCHAR(length, charset="utf8mb4", collation="utf8mb4_bin")
    return sa.String(length).with_variant(server, "mysql", "mariadb")


def _bytes() -> sa.types.TypeEngine[bytes]:
    return sa.LargeBinary(BODY_BYTES_MAX)


# SQLite counts rows by itself only where the type is spelt INTEGER, which holds 64 bits there.
_ROW = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _table(name: str, *parts: sa.schema.SchemaItem, rowid: bool = True) -> sa.Table:
    # InnoDB by name: a server whose default is another engine would give us tables without transactions.
    return sa.Table(name, metadata, *parts, mysql_engine="InnoDB", mariadb_engine="InnoDB", sqlite_with_rowid=rowid)


meta = _table(
    "mw_meta",
    sa.Column("name", _text(WORD_LENGTH), primary_key=True),
    sa.Column("value", _text(NAME_LENGTH), nullable=False),
)

notices = _table(
    "mw_notices",
    sa.Column("key", _text(KEY_LENGTH), primary_key=True),
    sa.Column("shop", _text(SHOP_LENGTH), nullable=False),
    sa.Column("channel", _text(WORD_LENGTH), nullable=False),
    sa.Column("number", _text(NUMBER_LENGTH), nullable=False),
    sa.Column("check", _text(WORD_LENGTH), nullable=False),
    sa.Column("received_at", sa.BigInteger, nullable=False),
    sa.Column("headers", _bytes(), nullable=False),
    sa.Column("body", _bytes(), nullable=False),
    # What a genuine one claims: an Attempt or a ChannelRefund, which its tag tells.
    sa.Column("attempt", _bytes()),
    sa.Column("answer", _text(WORD_LENGTH), nullable=False),
    sa.Column("answer_code", sa.Integer),
    sa.Column("forwarded", sa.Integer, nullable=False),
    sa.Column("next_at", sa.BigInteger),
    sa.Column("settled", sa.SmallInteger, nullable=False),
    sa.Index("mw_notices_number", "shop", "number"),
    sa.Index("mw_notices_due", "shop", "settled", "next_at"),
    # A store without it is read all the same, from end to end: no other version.
    sa.Index("mw_notices_received", "shop", "received_at"),
)

cases = _table(
    "mw_cases",
    sa.Column("id", _text(KEY_LENGTH), primary_key=True),
    sa.Column("shop", _text(SHOP_LENGTH), nullable=False),
    sa.Column("number", _text(NUMBER_LENGTH), nullable=False),
    sa.Column("opened_at", sa.BigInteger, nullable=False),
    sa.Column("terminal", _text(WORD_LENGTH)),
    sa.Column("body", _bytes(), nullable=False),
    sa.Index("mw_cases_order", "shop", "number"),
    sa.Index("mw_cases_open", "terminal", "opened_at"),
)

# A run is split in what never changes (its plan) and what every save rewrites (a hundred bytes): runs that are under way together lie on
# a few neighbouring pages, by their row number, and a commit of sixty of them writes ten pages and not a hundred.
runs = _table(
    "mw_runs",
    sa.Column("n", _ROW, primary_key=True, autoincrement=True),
    sa.Column("id", _text(KEY_LENGTH), nullable=False),
    sa.Column("shop", _text(SHOP_LENGTH), nullable=False),
    sa.Column("number", _text(NUMBER_LENGTH), nullable=False),
    sa.Column("case_id", _text(KEY_LENGTH), nullable=False),
    sa.Column("owner", _text(OWNER_LENGTH), nullable=False),
    sa.Column("fence", sa.BigInteger, nullable=False),
    sa.Column("lease_until", sa.BigInteger, nullable=False),
    sa.Column("not_before", sa.BigInteger, nullable=False),
    sa.Column("ended", sa.SmallInteger, nullable=False),
    sa.Column("saves", sa.BigInteger, nullable=False),
    sa.Column("progress", _bytes(), nullable=False),
    sa.UniqueConstraint("id", name="mw_runs_id"),
    sa.Index("mw_runs_order", "shop", "number"),
    sa.Index("mw_runs_due", "shop", "ended", "not_before"),
)

plans = _table(
    "mw_plans",
    sa.Column("run_n", _ROW, primary_key=True, autoincrement=False),
    sa.Column("body", _bytes(), nullable=False),
)

steps = _table(
    "mw_steps",
    sa.Column("run_n", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("phase", _text(WORD_LENGTH), nullable=False),
    sa.Column("key", _text(KEY_LENGTH), nullable=False),
    sa.Column("fence", sa.BigInteger, nullable=False),
    sa.Column("at", sa.BigInteger),
    rowid=False,
)

limits = _table(
    "mw_limits",
    sa.Column("bucket", _text(NAME_LENGTH), primary_key=True),
    sa.Column("used", sa.BigInteger, nullable=False),
    sa.Column("used_fen", sa.BigInteger, nullable=False),
)

limit_uses = _table(
    "mw_limit_uses",
    sa.Column("bucket", _text(NAME_LENGTH), primary_key=True),
    sa.Column("key", _text(NAME_LENGTH), primary_key=True),
    sa.Column("used", sa.BigInteger, nullable=False),
    sa.Column("used_fen", sa.BigInteger, nullable=False),
    sa.Column("run_id", _text(KEY_LENGTH), nullable=False),
    rowid=False,
)

aliases = _table(
    "mw_aliases",
    sa.Column("shop", _text(SHOP_LENGTH), primary_key=True),
    sa.Column("number", _text(NUMBER_LENGTH), primary_key=True),
    sa.Column("order_number", _text(NUMBER_LENGTH), nullable=False),
    sa.Column("source", _text(NAME_LENGTH), nullable=False),
    sa.Index("mw_aliases_order", "shop", "order_number"),
)

questions = _table(
    "mw_questions",
    sa.Column("shop", _text(SHOP_LENGTH), primary_key=True),
    sa.Column("number", _text(NUMBER_LENGTH), primary_key=True),
    sa.Column("topic", _text(NAME_LENGTH), primary_key=True),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("body", _bytes(), nullable=False),
)

marks = _table(
    "mw_marks",
    sa.Column("name", _text(NAME_LENGTH), primary_key=True),
    sa.Column("value", _bytes(), nullable=False),
)

# What the shop's change log shows of an order's row that nothing explains, while it stands.
trails = _table(
    "mw_trails",
    sa.Column("shop", _text(SHOP_LENGTH), primary_key=True),
    sa.Column("number", _text(NUMBER_LENGTH), primary_key=True),
    sa.Column("body", _bytes(), nullable=False),
)

entries = _table(
    "mw_entries",
    sa.Column("seq", _ROW, primary_key=True, autoincrement=False),
    sa.Column("leaf", sa.LargeBinary(32), nullable=False),
    sa.Column("body", _bytes(), nullable=False),
)

# One row. Whoever writes locks it first: it gives out the numbers of entries, so that the log has one order and cannot fork. It also
# holds the token of the last commit and whose it was: after a commit whose answer was lost, the token tells.
tree = _table(
    "mw_tree",
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("frontier", sa.LargeBinary(64 * 32), nullable=False),
    sa.Column("writer", _text(KEY_LENGTH), nullable=False),
    sa.Column("token", sa.BigInteger, nullable=False),
)

checkpoints = _table(
    "mw_checkpoints",
    sa.Column("size", _ROW, primary_key=True, autoincrement=False),
    sa.Column("note", _bytes(), nullable=False),
)

# The last token of each writer that was followed by another one: whoever follows files it here. Empty where one process writes alone.
writers = _table(
    "mw_writers",
    sa.Column("id", _text(KEY_LENGTH), primary_key=True),
    sa.Column("token", sa.BigInteger, nullable=False),
)

# The digests of genuine notices, beside them: whoever changes one has to find both.
seals = _table(
    "mw_seals",
    sa.Column("notice", _text(KEY_LENGTH), primary_key=True),
    sa.Column("digest", _text(DIGEST_LENGTH), nullable=False),
)

# ---------------------------------------------------------------- the daily books: append only, each row with its digest

bills = _table(
    "mw_bills",
    sa.Column("key", _text(KEY_LENGTH), primary_key=True),
    sa.Column("shop", _text(SHOP_LENGTH), nullable=False),
    sa.Column("channel", _text(WORD_LENGTH), nullable=False),
    sa.Column("merchant", _text(SHOP_LENGTH), nullable=False),
    sa.Column("day", sa.Integer, nullable=False),
    # Counted up where one was set aside because it no longer fitted its digest.
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("kept_at", sa.BigInteger, nullable=False),
    sa.Column("name", _text(NAME_LENGTH)),
    sa.Column("sha1", _text(DIGEST_LENGTH)),
    sa.Column("parts", sa.Integer, nullable=False),
    sa.Column("digest", _text(DIGEST_LENGTH), nullable=False),
    sa.UniqueConstraint("shop", "channel", "merchant", "day", "version", name="mw_bills_day"),
)

bill_parts = _table(
    "mw_bill_parts",
    sa.Column("bill", _text(KEY_LENGTH), primary_key=True),
    sa.Column("part", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("content", _bytes(), nullable=False),
)

differences = _table(
    "mw_differences",
    sa.Column("id", _text(KEY_LENGTH), primary_key=True),
    sa.Column("shop", _text(SHOP_LENGTH), nullable=False),
    sa.Column("number", _text(NUMBER_LENGTH), nullable=False),
    sa.Column("channel", _text(WORD_LENGTH), nullable=False),
    sa.Column("day", sa.Integer, nullable=False),
    # What the moves say, once more, to be found by: the only column that is ever written again; ASIDE where it was altered.
    sa.Column("over", sa.SmallInteger, nullable=False),
    sa.Column("body", _bytes(), nullable=False),
    sa.Column("digest", _text(DIGEST_LENGTH), nullable=False),
    sa.Index("mw_differences_order", "shop", "number", "over"),
    sa.Index("mw_differences_day", "shop", "channel", "day"),
    sa.Index("mw_differences_over", "shop", "channel", "over"),
)

moves = _table(
    "mw_moves",
    sa.Column("difference", _text(KEY_LENGTH), primary_key=True),
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("body", _bytes(), nullable=False),
    sa.Column("digest", _text(DIGEST_LENGTH), nullable=False),
)

closings = _table(
    "mw_closings",
    sa.Column("shop", _text(SHOP_LENGTH), primary_key=True),
    sa.Column("channel", _text(WORD_LENGTH), primary_key=True),
    sa.Column("day", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("stage", _text(WORD_LENGTH), primary_key=True),
    sa.Column("owner", _text(OWNER_LENGTH), nullable=False),
    sa.Column("lease_until", sa.BigInteger, nullable=False),
    # Empty while somebody is about to close the day.
    sa.Column("body", _bytes()),
    sa.Column("digest", _text(DIGEST_LENGTH)),
)

bank_statements = _table(
    "mw_bank_statements",
    sa.Column("shop", _text(SHOP_LENGTH), primary_key=True),
    # SHA-256 of the file.
    sa.Column("file", _text(DIGEST_LENGTH), primary_key=True),
    sa.Column("kept_at", sa.BigInteger, nullable=False),
    sa.Column("last", sa.Integer, nullable=False),
    sa.Column("body", _bytes(), nullable=False),
    sa.Column("digest", _text(DIGEST_LENGTH), nullable=False),
)
