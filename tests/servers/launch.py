"""A recipe comes in, a running database server on a free port goes out; it can be killed and started again."""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pymysql
from pymysql.connections import Connection

from tests.servers.packages import ServerUnavailableError, run

READY_S_MAX = 60.0  # starts take under a second here; a machine under load gets sixty times that
STOP_S_MAX = 15.0  # then SIGKILL: the data is thrown away anyway
INIT_S_MAX = 120
POLL_S = 0.05
START_TRIES_MAX = 3  # a port that was free a moment ago may be taken when the server wants it

# Password = name, on purpose: the servers listen on loopback only and live for one test run.
USERS = {
    "app": "ALL PRIVILEGES",
    "reader": "SELECT, SHOW VIEW, REPLICATION CLIENT, REPLICATION SLAVE",
}

Settings = dict[str, str]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """What differs between two kinds of server; all that they share is in `Server`."""

    name: str
    section: str  # of the option file
    settings: Settings
    durable_settings: Settings  # laid over `settings` when every commit must reach the disk
    initialise: Callable[[Path], list[str]]  # option file -> command that makes an empty data directory
    serve: Callable[[Path], list[str]]  # option file -> command that serves in the foreground


class Server:
    """One server with its own folder, port and data. Made by `started`, which stops it; a test may kill it."""

    def __init__(self, recipe: Recipe, folder: Path, *, durable: bool) -> None:
        self.recipe = recipe
        self.folder = folder
        self.durable = durable
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None

    # ------------------------------------------------------------ what tests use

    def url(self, database: str, user: str = "app") -> str:
        """A SQLAlchemy address. Users: `app` may do everything, `reader` may only look (and read the change log)."""
        return f"mysql+pymysql://{user}:{user}@127.0.0.1:{self.port}/{database}?charset=utf8mb4"

    def root_connection(self, database: str | None = None) -> Connection:
        """As root over the server's own socket file, so never by mistake to another server on the same port."""
        return pymysql.connect(
            unix_socket=str(self.folder / "s.sock"),
            user="root",
            database=database,
            charset="utf8mb4",
            autocommit=True,
            connect_timeout=5,
        )

    def create_database(self) -> str:
        """The name of a fresh empty database that no other test knows."""
        name = f"t_{uuid.uuid4().hex[:16]}"
        with self.root_connection() as connection, connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        return name

    def kill9(self) -> None:
        """The process is gone at once, mid-write; what it had not handed to the operating system is lost."""
        if self._process is None:
            raise AssertionError(f"{self.recipe.name} is not running")
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        self._process = None

    def restart(self) -> None:
        """Up again on the same data and the same port; returns when the server answers."""
        self.stop()
        self._start()

    # ------------------------------------------------------------ what `started` uses

    def create(self) -> None:
        for name in ("data", "tmp"):
            (self.folder / name).mkdir()
        self._choose_port()
        self._initialise()
        for tries_left in reversed(range(START_TRIES_MAX)):
            try:
                self._start()
                break
            except ServerUnavailableError:
                if tries_left == 0 or "in use" not in self._last_words():
                    raise
                self._choose_port()
        with self.root_connection() as connection, connection.cursor() as cursor:
            for user, privileges in USERS.items():
                cursor.execute(f"CREATE USER {user}@'%' IDENTIFIED BY '{user}'")
                cursor.execute(f"GRANT {privileges} ON *.* TO {user}@'%'")

    def stop(self) -> None:
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_S_MAX)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    @property
    def _options(self) -> Path:
        return self.folder / "my.cnf"

    def _initialise(self) -> None:
        doing = f"{self.recipe.name}: making its data directory"
        try:
            run(self.recipe.initialise(self._options), doing, seconds_max=INIT_S_MAX)
        except ServerUnavailableError as error:
            raise ServerUnavailableError(f"{error}\n{self._last_words()}") from error

    def _choose_port(self) -> None:
        self.port = free_port()
        settings = {
            "datadir": str(self.folder / "data"),
            # Of its own: a starting server deletes what looks like a dead server's temporary tables, also a living one's.
            "tmpdir": str(self.folder / "tmp"),
            "socket": str(self.folder / "s.sock"),
            "pid-file": str(self.folder / "server.pid"),
            "log-error": str(self.folder / "error.log"),
            "port": str(self.port),
            **self.recipe.settings,
            **(self.recipe.durable_settings if self.durable else {}),
        }
        lines = [f"{name}={value}" if value else name for name, value in settings.items()]
        self._options.write_text("\n".join([f"[{self.recipe.section}]", *lines, ""]))

    def _start(self) -> None:
        with (self.folder / "output.log").open("ab") as output:
            self._process = subprocess.Popen(
                self.recipe.serve(self._options),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for pytest, which then stops the server in order
            )
        deadline = time.monotonic() + READY_S_MAX
        while True:
            # Dead comes before not yet ready: a server that refused its options would cost the whole limit otherwise.
            if self._process.poll() is not None:
                code = self._process.returncode
                self._process = None
                raise ServerUnavailableError(f"{self.recipe.name} ended at its start (exit {code}):\n{self._last_words()}")
            try:
                self._knock()
                self.root_connection().close()
            except (OSError, pymysql.err.OperationalError) as not_yet:
                if time.monotonic() > deadline:
                    self.kill9()
                    raise ServerUnavailableError(
                        f"{self.recipe.name} did not answer within {READY_S_MAX:.0f} s:\n{self._last_words()}"
                    ) from not_yet
                time.sleep(POLL_S)
            else:
                return

    def _knock(self) -> None:
        """Before PyMySQL, which leaves its socket open when nobody listens, and a leak is an error in our tests."""
        with socket.socket(socket.AF_UNIX) as probe:
            probe.connect(str(self.folder / "s.sock"))

    def _last_words(self) -> str:
        logs = [self.folder / "output.log", self.folder / "error.log"]
        lines = [line for log in logs if log.exists() for line in log.read_text(errors="replace").splitlines()[-8:]]
        return "\n".join(f"    {line}" for line in lines)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def started(recipe: Recipe, *, durable: bool = False) -> Iterator[Server]:
    """A running server with an empty data directory; stopped and swept away at the end.

    Without `durable` a commit survives the death of the process, as it does with it, but not the death of the machine.
    """
    # Short on purpose: the path of a Unix socket may have 107 bytes, and pytest's own temporary folders are long.
    folder = Path(tempfile.mkdtemp(prefix="mw-", dir="/tmp"))
    server = Server(recipe, folder, durable=durable)
    try:
        server.create()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
