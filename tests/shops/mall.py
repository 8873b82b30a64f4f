"""The mall shop for tests: its shop file, and its dump loaded into a database of its own."""

from __future__ import annotations

from pathlib import Path

import pymysql
from pymysql.constants import CLIENT

from tests.servers import launch

ROOT = Path(__file__).resolve().parents[2]
SHOP_FILE = ROOT / "shops" / "mall.toml"
DUMP = ROOT / "tests" / "data" / "mall" / "mall.sql"


def load(server: launch.Server) -> str:
    """The name of a database that holds the dump as it came."""
    database = server.create_database()
    with (
        pymysql.connect(
            host="127.0.0.1",
            port=server.port,
            user="app",
            password="app",
            database=database,
            charset="utf8mb4",
            client_flag=CLIENT.MULTI_STATEMENTS,
            autocommit=True,
        ) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(DUMP.read_text(encoding="utf-8"))
        while cursor.nextset():
            pass
    return database
