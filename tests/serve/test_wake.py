"""The change log wakes orders while we serve: within a second of the commit, after kill -9, and where the server has purged its log."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from makewhole.adapters.store import journal
from makewhole.core import ids
from makewhole.model import case, plan
from makewhole.model.finding import Ailment
from tests.changelog.test_rowchanges import Shop
from tests.serve import town
from tests.servers import launch

pytestmark = [pytest.mark.server, pytest.mark.slow]
NEVER = 3600
"""Seconds between sweeps: after the first one, only the change log can have told."""


@pytest.fixture(params=["mariadb", "mysql8"])
def server(request: pytest.FixtureRequest) -> launch.Server:
    told: launch.Server = request.getfixturevalue(request.param)
    return told


class Watched:
    """A shop on a real server, and `makewhole serve` processes beside it."""

    def __init__(self, server: launch.Server, folder: Path) -> None:
        self.shop, self.folder, self.store = Shop(server, folder), folder, f"sqlite:///{folder}/makewhole.db"
        self.served: list[town.Serving] = []
        (folder / "password").write_text("reader")
        (folder / "makewhole.toml").write_text(
            f'store = "{self.store}"\nkeys = "{folder}/keys"\nsearch = "{folder}/search"\n'
            f'[shop]\nfile = "{self.shop.place[3]}"\ndatabase = "{self.shop.place[1]}"\npassword_file = "{folder}/password"\n'
            f"[relay]\nport = 0\n[engine]\nsweep_every_s = {NEVER}\nforward_every_s = 1\n"
            f'[images]\nplace = "{folder}/images"\nevery_s = {NEVER}\n',
            encoding="utf-8",
        )

    def serve(self) -> town.Serving:
        """One more, its first sweep over."""
        served = town.Serving(self.folder, self.folder / "makewhole.toml", len(self.served)).listening()
        self.served.append(served)
        over = ('"event": "swept"', '"event": "search"')
        town.eventually(lambda: all(event in served.told() for event in over), "the first rounds are over")
        return served

    def cases(self) -> dict[str, case.Case]:
        """Of overwritten and deleted rows, by order."""
        with journal.SqlStore(self.store) as store:
            found = [c for c in store.cases() if c.finding.ailment in {Ailment.ROW_OVERWRITTEN, Ailment.ROW_DELETED}]
        return {c.order.number: c for c in found}

    def handed(self, number: str) -> bool:
        """Whether an order was found, and what is to be done with it is a person's by now."""
        found = self.cases().get(number)
        return found is not None and found.terminal is plan.Terminal.PERSON

    def stands(self) -> set[str]:
        """Orders of which something stands."""
        with journal.SqlStore(self.store) as store:
            return set(store.notebook.read(ids.ShopName("mall")).stands)

    def place(self) -> str | None:
        """Where the log is read on."""
        with journal.SqlStore(self.store) as store:
            return store.notebook.read(ids.ShopName("mall")).place


@pytest.fixture
def watched(server: launch.Server, tmp_path: Path) -> Iterator[Watched]:
    made = Watched(server, tmp_path)
    yield made
    for served in made.served:
        if served.process.poll() is None:
            served.kill()


def test_an_overwritten_order_is_found_without_a_sweep(watched: Watched, record_property: Callable[[str, object], None]) -> None:
    """By a second connection; and once it is taken back, nothing stands of it any more."""
    watched.serve()
    begun = time.monotonic()
    watched.shop.write("UPDATE oms_order SET status = 4 WHERE id IN (1, 2)")
    town.eventually(lambda: set(watched.cases()) == {"N1", "N2"}, "both are found")
    record_property("says", f"found {time.monotonic() - begun:.2f} s after the statement was sent")
    watched.shop.write("UPDATE oms_order SET status = 3 WHERE id = 1")
    town.eventually(lambda: watched.stands() == {"N2"}, "what was taken back is over")
    assert {c.terminal for c in watched.cases().values()} == {plan.Terminal.PERSON}


def test_what_was_written_while_nobody_served_is_found_after_kill_9(watched: Watched) -> None:
    """The place in the log is durable, and what stood before still stands."""
    first = watched.serve()
    watched.shop.write("UPDATE oms_order SET status = 4 WHERE id = 1")
    town.eventually(lambda: watched.handed("N1"), "the first is found, and a person's")
    first.kill()
    place = watched.place()
    assert place is not None
    watched.shop.write("DELETE FROM oms_order WHERE id = 3")
    again = watched.serve()
    town.eventually(lambda: set(watched.cases()) == {"N1", "N3"}, "the second as well")
    assert watched.cases()["N3"].finding.ailment is Ailment.ROW_DELETED
    assert watched.cases()["N1"].terminal is plan.Terminal.PERSON
    assert "does not tell everything" not in again.told()
    town.eventually(lambda: watched.place() != place, "and the place is a later one")


def purged(server: launch.Server) -> bool:
    """Whether only the newest file of its log is left. A file that a reader still holds is not purged; the next one frees it."""
    with server.root_connection() as connection, connection.cursor() as cursor:
        cursor.execute("FLUSH BINARY LOGS")
        cursor.execute("SHOW BINARY LOGS")
        newest = cursor.fetchall()[-1][0]
        cursor.execute(f"PURGE BINARY LOGS TO '{newest}'")
        cursor.execute("SHOW BINARY LOGS")
        return [row[0] for row in cursor.fetchall()] == [newest]


def test_a_purged_log_is_said_and_what_stood_still_stands(watched: Watched, server: launch.Server) -> None:
    """Nobody can tell what was written in between: the sweep looks at every row, and the log is read on from where it begins now."""
    first = watched.serve()
    watched.shop.write("UPDATE oms_order SET status = 4 WHERE id = 1")
    town.eventually(lambda: watched.handed("N1"), "the first is found, and a person's")
    assert first.stop() == 0
    town.eventually(lambda: purged(server), "its log is gone but for the newest file")
    again = watched.serve()
    town.eventually(lambda: "does not tell everything" in again.told(), "it says so")
    watched.shop.write("UPDATE oms_order SET status = 4 WHERE id = 2")
    town.eventually(lambda: "N2" in watched.cases(), "and goes on")
    assert watched.cases()["N1"].terminal is plan.Terminal.PERSON
