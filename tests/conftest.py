"""Fixtures for every test: the real servers, the strangers' environments, and how tests share two workers."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import hypothesis
import pytest

from tests.servers import launch, postgres
from tests.servers import mariadb as mariadb_recipe
from tests.servers import mysql as mysql_recipe
from tests.servers.packages import ServerUnavailableError

ROOT = Path(__file__).resolve().parent.parent
Server = TypeVar("Server")

# No deadline: two cores under load are slow now and then, and a slow example is not a wrong one. The blob repeats it.
hypothesis.settings.register_profile("makewhole", deadline=None, print_blob=True)
hypothesis.settings.load_profile("makewhole")


def pytest_configure() -> None:
    """A run that was started in the background ignores Ctrl-C, and so would the processes that tests start and interrupt."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Iterator[None]:
    """Tests of one file that share a server, which they may kill, stay on one worker; so do those that share what takes long to make."""
    joined = [i for i in items if i.get_closest_marker("server") is not None or i.get_closest_marker("together") is not None]
    for item in joined:
        item.add_marker(pytest.mark.xdist_group(name=str(item.path.relative_to(ROOT))))
    yield
    # xdist tells its groups by the ends of names. Where that failed, tests ran all the same, twice as long and into each other.
    if getattr(config.option, "loadgroup", False) and any("@" not in item.nodeid for item in joined):
        raise pytest.UsageError("this pytest and this pytest-xdist do not keep groups of tests together: see the pins in pyproject.toml")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What tests want read though they passed (`record_property("says", …)`): how many worlds were played, for one."""
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        for name, said in getattr(report, "user_properties", ()):
            if name == "says":
                terminalreporter.write_line(f"{report.nodeid}: {said}")


def _serving(start: Callable[[], contextlib.AbstractContextManager[Server]]) -> Iterator[Server]:
    """A server that cannot be had fails the tests that need it, by name; it never skips them."""
    with contextlib.ExitStack() as stack:
        try:
            server = stack.enter_context(start())
        except ServerUnavailableError as error:
            pytest.fail(str(error), pytrace=False)
        yield server


@pytest.fixture(scope="session")
def mariadb() -> Iterator[launch.Server]:
    """MariaDB 10.11, one per worker. Take a database of your own (`create_database`); after `kill9`, `restart`."""
    yield from _serving(lambda: launch.started(mariadb_recipe.recipe()))


@pytest.fixture(scope="session")
def mysql8() -> Iterator[launch.Server]:
    """MySQL 8.0, one per worker. Take a database of your own (`create_database`); after `kill9`, `restart`."""
    yield from _serving(lambda: launch.started(mysql_recipe.recipe()))


@pytest.fixture(scope="session")
def postgresql() -> Iterator[postgres.Server]:
    """PostgreSQL 15, one per worker. Take a database of your own (`create_database`); after `kill9`, `restart`."""
    yield from _serving(postgres.started)


@pytest.fixture(scope="session")
def mysql8033() -> Iterator[launch.Server]:
    """MySQL 8.0.33: compresses transactions where told to, and has mysqlbinlog beside it. One per worker."""
    yield from _serving(lambda: launch.started(mysql_recipe.full_recipe()))


@pytest.fixture(scope="session")
def stranger_python() -> Callable[[str], Path]:
    """Name of a lock in tests/strangers -> the Python of that environment, to run a foreign library as an oracle."""

    def python_of(name: str) -> Path:
        python = ROOT / ".venvs" / name / "bin" / "python"
        if not python.exists():
            pytest.fail(
                f"the environment .venvs/{name} is missing: ./test makes it from tests/strangers/{name}.lock",
                pytrace=False,
            )
        return python

    return python_of
