"""PyMySQL's connection, of which all that say nothing about TLS share one context, for whatever speaks to MySQL or MariaDB."""

from __future__ import annotations

import functools
import ssl
from typing import Any, cast

from pymysql import connections


class Connection(connections.Connection):
    """PyMySQL's, which makes a context of TLS anew for every connection: some fifteen milliseconds of reading certificates, each time."""

    def _create_ssl_ctx(self, told: dict[str, Any]) -> ssl.SSLContext:
        """Whoever says nothing about TLS gets the same context as all others of that kind."""
        return self.made(told) if told else _unsaid()

    def made(self, told: dict[str, Any]) -> ssl.SSLContext:
        """PyMySQL's own way."""
        return cast("ssl.SSLContext", super()._create_ssl_ctx(told))  # type: ignore[misc]


@functools.cache
def _unsaid() -> ssl.SSLContext:
    return Connection(defer_connect=True, ssl_disabled=True).made({})
