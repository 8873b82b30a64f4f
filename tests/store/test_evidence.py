"""The evidence log: every entry is provable, every older root is a prefix of the newer, and one changed byte is found."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ed25519

from makewhole.adapters.store import evidence, journal, tables
from makewhole.core import merkle, note
from tests.store import scenes
from tests.store.conftest import FILES

NAME = "lamp.example/log"
KEY = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = evidence.public_bytes(KEY.public_key())
on_every_database = pytest.mark.parametrize("address", [pytest.param("memory"), *FILES], indirect=True)
on_a_file = pytest.mark.parametrize("address", ["sqlite"], indirect=True)


def verify(message: bytes, signature: bytes) -> bool:
    try:
        KEY.public_key().verify(signature, message)
    except InvalidSignature:
        return False
    return True


def sealed(store: journal.SqlStore) -> note.Checkpoint:
    text = store.checkpoint(evidence.sealing(NAME, KEY), NAME)
    return note.check(text, name=NAME, public_key=PUBLIC, verify=verify)


@on_every_database
def test_every_entry_is_proved_against_a_signed_root_and_every_root_is_a_prefix(store: journal.SqlStore) -> None:
    assert sealed(store).root == merkle.EMPTY_ROOT
    roots = []
    for i in range(3):
        scenes.drive(store, scenes.made(str(i)))
        told = sealed(store)
        assert sealed(store) == told
        roots.append(told)
    assert [told.size for told in roots] == [10, 20, 30]
    assert [size for size, _ in store.checkpoints()] == [0, 10, 20, 30]
    for line in store.entries():
        for told in roots:
            if line.seq < told.size:
                proof = store.prove(line.seq, told.size)
                assert proof.holds()
                assert (proof.root, proof.leaf) == (told.root, merkle.leaf_hash(line.body))
    for older in roots:
        for newer in roots[roots.index(older) :]:
            shown = store.prove_consistency(older.size, newer.size)
            assert shown.holds()
            assert (shown.old_root, shown.root) == (older.root, newer.root)
    assert store.audit() == evidence.Audit(head=evidence.Head(size=30, root=roots[-1].root), checkpoints=4, complaints=())


@on_a_file
def test_no_proof_of_what_is_not_there(store: journal.SqlStore) -> None:
    scenes.drive(store, scenes.made("1"))
    for seq in (-1, 10):
        with pytest.raises(IndexError):
            store.prove(seq)
    for old_size in (0, 11):
        with pytest.raises(IndexError):
            store.prove_consistency(old_size)


def changed(address: str, column: sa.Column[bytes], seq: int, at: int) -> None:
    """Flip one bit behind the store's back."""
    engine = sa.create_engine(address)
    with engine.begin() as connection:
        where = tables.entries.c.seq == seq
        was = connection.scalar(sa.select(column).where(where))
        assert was is not None
        now = was[:at] + bytes([was[at] ^ 1]) + was[at + 1 :]
        connection.execute(tables.entries.update().where(where).values({column: now}))
    engine.dispose()


@pytest.mark.slow
@on_a_file
@pytest.mark.parametrize("column", [tables.entries.c.body, tables.entries.c.leaf], ids=["body", "leaf"])
def test_every_changed_byte_is_found(address: str, store: journal.SqlStore, column: sa.Column[bytes]) -> None:
    scenes.drive(store, scenes.made("1"))
    sealed(store)
    line = next(line for line in store.entries() if line.seq == 3)
    length = len(line.body if column.key == "body" else line.leaf)
    for at in range(length):
        changed(address, column, 3, at)
        complaints = store.audit().complaints
        assert "entry 3: its bytes do not give its leaf" in complaints
        changed(address, column, 3, at)
    assert store.audit().complaints == ()


@on_every_database
def test_an_entry_rewritten_with_its_leaf_and_tree_is_found_by_the_checkpoint(address: str, store: journal.SqlStore) -> None:
    """Whoever may write the tables can make them agree with each other, but cannot sign."""
    if address == "sqlite://":
        return  # nobody else reaches a database in memory
    scenes.drive(store, scenes.made("1"))
    sealed(store)
    lines = list(store.entries())
    body = lines[4].body.replace(b"2026", b"2025")
    assert body != lines[4].body
    leaves = [line.leaf for line in lines]
    leaves[4] = merkle.leaf_hash(body)
    frontier: tuple[bytes, ...] = ()
    for i, leaf in enumerate(leaves):
        frontier = merkle.append(frontier, i, leaf)
    engine = sa.create_engine(address)
    with engine.begin() as connection:
        connection.execute(tables.entries.update().where(tables.entries.c.seq == 4).values(body=body, leaf=leaves[4]))
        connection.execute(tables.tree.update().values(frontier=b"".join(frontier)))
    engine.dispose()
    assert store.audit().complaints == ("checkpoint of 10 entries: its root is not the log's",)


@on_a_file
@pytest.mark.parametrize("seq", [0, 4, 9])
def test_a_removed_entry_is_found(address: str, store: journal.SqlStore, seq: int) -> None:
    scenes.drive(store, scenes.made("1"))
    engine = sa.create_engine(address)
    with engine.begin() as connection:
        connection.execute(tables.entries.delete().where(tables.entries.c.seq == seq))
    engine.dispose()
    complaints = store.audit().complaints
    assert "the tree has 10 entries, the log 9" in complaints
    assert "the entries do not give the stored tree" in complaints


@on_a_file
def test_a_log_rolled_back_behind_its_checkpoint_is_found(address: str, store: journal.SqlStore, tmp_path: Path) -> None:
    scenes.drive(store, scenes.made("1"))
    sealed(store)
    engine = sa.create_engine(address)
    with engine.begin() as connection:
        connection.execute(tables.entries.delete())
        connection.execute(tables.tree.update().values(size=0, frontier=b""))
    engine.dispose()
    assert store.audit().complaints == ("checkpoint of 10 entries: the log has only 0",)
