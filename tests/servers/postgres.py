"""PostgreSQL 15: a small server on a free port of loopback, stopped and swept away at the end."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg

from tests.servers import launch
from tests.servers.packages import ServerUnavailableError, postgres_binaries, run

ACCOUNT = "postgres"
"""The server refuses to run as root; its package makes this account."""
RESTARTS_MAX = 25
SETTINGS = {
    "listen_addresses": "'127.0.0.1'",
    # Commits are handed to the operating system, not flushed: they outlive a kill -9, and most tests ask no more.
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "32MB",
    "wal_level": "logical",
    "max_connections": "64",
    "timezone": "'Asia/Shanghai'",
}


class Server:
    """One server with its own folder, port and data. Made by `started`, which stops it; a test may kill it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = launch.free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, database: str, user: str = "app") -> str:
        """A SQLAlchemy address. Users: `app` owns its databases, `reader` may only look."""
        return f"postgresql+psycopg://{user}:{user}@127.0.0.1:{self.port}/{database}"

    def root_connection(self, database: str = "postgres") -> psycopg.Connection[tuple[object, ...]]:
        """As the superuser, over the server's own socket file."""
        return psycopg.connect(host=str(self.folder), port=self.port, user=ACCOUNT, dbname=database, autocommit=True, connect_timeout=5)

    def create_database(self) -> str:
        """The name of a fresh empty database that no other test knows."""
        name = f"t_{uuid.uuid4().hex[:16]}"
        with self.root_connection() as connection:
            connection.execute(f"CREATE DATABASE {name} OWNER app")
        with self.root_connection(name) as connection:
            connection.execute("ALTER DEFAULT PRIVILEGES FOR ROLE app GRANT SELECT ON TABLES TO reader")
        return name

    def kill9(self) -> None:
        """The postmaster is gone at once; its children follow when they notice."""
        if self._process is None:
            raise AssertionError("PostgreSQL is not running")
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        self._process = None

    def restart(self) -> None:
        """Up again on the same data and the same port; returns when the server answers."""
        self.stop()
        self._start()

    def create(self) -> None:
        """Make its data directory, start it, and make its users."""
        if os.geteuid() == 0:
            account = pwd.getpwnam(ACCOUNT)
            os.chown(self.folder, account.pw_uid, account.pw_gid)
        # C.UTF-8 compares by code point, as the other databases of these tests do.
        options = ["-U", ACCOUNT, "-A", "trust", "--no-sync", "--no-instructions", "-E", "UTF8", "--locale=C.UTF-8"]
        run(_as_account([str(_binary("initdb")), "-D", str(self._data), *options]), "PostgreSQL: making its data directory")
        settings = {**SETTINGS, "port": str(self.port), "unix_socket_directories": f"'{self.folder}'"}
        with (self._data / "postgresql.auto.conf").open("a") as file:
            file.writelines(f"{name} = {value}\n" for name, value in settings.items())
        self._start()
        with self.root_connection() as connection:
            for user in launch.USERS:
                # Both may read the change log, as on the other servers.
                connection.execute(f"CREATE ROLE {user} LOGIN REPLICATION PASSWORD '{user}'")

    def stop(self) -> None:
        """In order: clients are cut off, nothing is lost."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(launch.STOP_S_MAX)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def _start(self) -> None:
        """Children of a server that was killed hold its memory until they notice; the next one must wait for them."""
        for left in reversed(range(RESTARTS_MAX)):
            try:
                self._start_once()
            except ServerUnavailableError:
                if left == 0 or "still in use" not in self._last_words():
                    raise
                time.sleep(launch.POLL_S * 4)
            else:
                return

    def _start_once(self) -> None:
        with (self.folder / "output.log").open("ab") as output:
            self._process = subprocess.Popen(
                _as_account([str(_binary("postgres")), "-D", str(self._data)]),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + launch.READY_S_MAX
        while True:
            if self._process.poll() is not None:
                self._process = None
                raise ServerUnavailableError(f"PostgreSQL ended at its start:\n{self._last_words()}")
            try:
                self.root_connection().close()
            except psycopg.OperationalError as not_yet:
                if time.monotonic() > deadline:
                    self.kill9()
                    raise ServerUnavailableError(f"PostgreSQL did not answer:\n{self._last_words()}") from not_yet
                time.sleep(launch.POLL_S)
            else:
                return

    def _last_words(self) -> str:
        lines = (self.folder / "output.log").read_text(errors="replace").splitlines()[-8:]
        return "\n".join(f"    {line}" for line in lines)


def _binary(name: str) -> Path:
    folder = postgres_binaries()
    if folder is None:
        raise ServerUnavailableError(
            "PostgreSQL is not on this machine. Run ./test, which installs it, or\n  apt-get install --no-install-recommends postgresql-15"
        )
    return folder / name


def _as_account(command: list[str]) -> list[str]:
    return ["setpriv", f"--reuid={ACCOUNT}", f"--regid={ACCOUNT}", "--clear-groups", *command] if os.geteuid() == 0 else command


@contextlib.contextmanager
def started() -> Iterator[Server]:
    """A running server with an empty data directory."""
    folder = Path(tempfile.mkdtemp(prefix="mw-", dir="/tmp"))
    server = Server(folder)
    try:
        server.create()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
