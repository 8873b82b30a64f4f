"""Our own memory on SQLite, MariaDB or MySQL: inbox, cases, runs, leases, limits and provable evidence behind the port `Store`."""
