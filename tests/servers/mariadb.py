"""The recipe of MariaDB: small, quick to start, with a row-based change log as production has it."""

from __future__ import annotations

import getpass

from tests.servers.launch import Recipe
from tests.servers.packages import ServerUnavailableError, mariadb_binaries

SETTINGS = {
    "bind-address": "127.0.0.1",
    "user": getpass.getuser(),
    "skip-name-resolve": "",
    "default-time-zone": "+08:00",
    "character-set-server": "utf8mb4",
    "collation-server": "utf8mb4_general_ci",
    "max-connections": "64",
    # The change log, complete: every column of every row, with names.
    "server-id": "1",
    "log-bin": "binlog",
    "binlog-format": "ROW",
    "binlog-row-image": "FULL",
    "binlog-row-metadata": "FULL",
    # Commits are handed to the operating system (2), not flushed: they outlive a kill -9, and most tests ask no more.
    "innodb-flush-log-at-trx-commit": "2",
    "sync-binlog": "0",
    "innodb-flush-method": "nosync",
    "innodb-doublewrite": "0",
    # Small, for a start in a fraction of a second.
    "innodb-buffer-pool-size": "32M",
    "innodb-log-file-size": "16M",
    "innodb-stats-persistent": "0",
    "performance-schema": "OFF",
}
DURABLE_SETTINGS = {
    "innodb-flush-log-at-trx-commit": "1",
    "sync-binlog": "1",
    "innodb-flush-method": "fsync",
    "innodb-doublewrite": "1",
}


def recipe() -> Recipe:
    binaries = mariadb_binaries()
    if binaries is None:
        raise ServerUnavailableError(
            "MariaDB is not on this machine (mariadbd, mariadb-install-db). Run ./test, which installs it, or\n"
            "  apt-get install --no-install-recommends mariadb-server-core mariadb-client-core"
        )
    server, install_db = binaries
    return Recipe(
        name="MariaDB",
        section="mariadbd",
        settings=SETTINGS,
        durable_settings=DURABLE_SETTINGS,
        initialise=lambda options: [
            str(install_db),
            f"--defaults-file={options}",  # must be the first argument
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
        ],
        serve=lambda options: [str(server), f"--defaults-file={options}"],
    )
