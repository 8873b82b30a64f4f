"""`makewhole serve` beside a shop on PostgreSQL: woken by its slot, which it empties into its archive, across a kill -9."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from makewhole.adapters.changelog.postgres import messages
from makewhole.adapters.store import journal
from makewhole.model.finding import Ailment
from tests.changelog.postgres.test_shop import ARCHIVE, Mall, lived, mall
from tests.serve import town

__all__ = ("lived", "mall")
pytestmark = [pytest.mark.server, pytest.mark.slow]
NEVER = 3600
"""Seconds between sweeps: after the first one, only the slot can have told."""


class Watched:
    """A shop, and `serve` processes beside it, one after the other."""

    def __init__(self, shop: Mall) -> None:
        self.shop, self.folder, self.served = shop, shop.folder, list[town.Serving]()
        self.store = f"sqlite:///{self.folder}/makewhole.db"
        (self.folder / "password").write_text("reader")
        server = shop.told.server
        (self.folder / "makewhole.toml").write_text(
            f'store = "{self.store}"\nkeys = "{self.folder}/makewhole-keys"\nsearch = "{self.folder}/search"\n'
            f'[shop]\nfile = "{shop.file}"\ndatabase = "postgresql://reader@127.0.0.1:{server.port}/{shop.told.database}"\n'
            f'password_file = "{self.folder}/password"\n[history]\narchive = "{self.folder}/{ARCHIVE}"\nevery_s = 1\n'
            f"[relay]\nport = 0\n[engine]\nsweep_every_s = {NEVER}\nforward_every_s = 1\n"
            f'[images]\nplace = "{self.folder}/images"\nevery_s = 1\n',
            encoding="utf-8",
        )

    def serve(self) -> town.Serving:
        """One more, its first sweep over."""
        served = town.Serving(self.folder, self.folder / "makewhole.toml", len(self.served)).listening()
        self.served.append(served)
        town.eventually(lambda: '"event": "swept"' in served.told(), "the first sweep is over")
        return served

    def found(self) -> dict[str, Ailment]:
        """Overwritten and deleted rows, by order."""
        with journal.SqlStore(self.store) as store:
            cases = list(store.cases())
        overwritten = {Ailment.ROW_OVERWRITTEN, Ailment.ROW_DELETED}
        return {c.order.number: c.finding.ailment for c in cases if c.finding.ailment in overwritten}

    def forgotten(self) -> bool:
        """Whether the server has been told to forget all that it has."""
        (end,) = self.shop.told.ask("SELECT pg_current_wal_lsn()")[0]
        return messages.place(self.shop.told.confirmed()) >= messages.place(end)


@pytest.fixture
def watched(lived: Mall) -> Iterator[Watched]:
    made = Watched(lived)
    yield made
    for served in made.served:
        if served.process.poll() is None:
            served.kill()


def test_what_is_overwritten_is_found_without_a_sweep_and_after_kill_9(watched: Watched) -> None:
    """What was written while nobody served is found as well; the slot holds nothing back, and what it held is told by the archive, to
    others too while `serve` reads the slot."""
    first = watched.serve()
    watched.shop.write("UPDATE oms_order SET status = 4 WHERE id = 1")
    town.eventually(lambda: set(watched.found()) == {"N1"}, "the first is found")
    # An image is made of the same slot, which one alone can read at a time: what the other reads is in the archive.
    town.eventually(lambda: '"event": "image"' in first.told(), "the first image is made")
    told = watched.shop.history("N1")
    assert [s["state"] for s in told["steps"]][-1] == "closed"
    first.kill()
    watched.shop.write("DELETE FROM oms_order WHERE id = 3")
    again = watched.serve()
    town.eventually(lambda: watched.found().get("N3") is Ailment.ROW_DELETED, "the second as well")
    town.eventually(watched.forgotten, "the server may forget everything")
    assert "does not tell everything" not in again.told()
    assert again.stop() == 0
    watched.shop.told.shop.execute("SELECT pg_drop_replication_slot(%s)", (watched.shop.told.slot,))
    shutil.copytree(watched.folder / ARCHIVE, watched.folder / "copy")
    kept = watched.shop.history("N3", "--archive", "copy")
    assert [c["kind"] for s in kept["steps"] for c in s["changes"]][-1] == "delete"
