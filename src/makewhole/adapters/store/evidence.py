"""The evidence log read back: entries, proofs that a stranger can check, signed checkpoints, and an audit that trusts nothing stored."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from makewhole.adapters.store import statements
from makewhole.core import codec, faults, merkle, note
from makewhole.model import case

PAGE = 1_000
"""Entries read at once."""

Seal = Callable[[note.Checkpoint], str]


@dataclass(frozen=True, kw_only=True)
class Line:
    """An entry in its place."""

    seq: int
    leaf: bytes
    body: bytes

    def entry(self) -> case.Entry:
        """The noun. Raises msgspec.DecodeError where the bytes were changed into something else."""
        return codec.decode(self.body, case.Entry)


@dataclass(frozen=True, kw_only=True)
class Proof:
    """That the entry with this leaf is number `seq` of the tree of `size` with this root."""

    seq: int
    size: int
    leaf: bytes
    path: tuple[bytes, ...]
    root: bytes

    def holds(self) -> bool:
        """Checked with nothing but what is in it."""
        return merkle.check_inclusion(self.leaf, self.seq, self.size, self.path, self.root)


@dataclass(frozen=True, kw_only=True)
class Consistency:
    """That the older tree is a prefix of the newer."""

    old_size: int
    old_root: bytes
    size: int
    root: bytes
    path: tuple[bytes, ...]

    def holds(self) -> bool:
        """Checked with nothing but what is in it."""
        return merkle.check_consistency(self.old_size, self.old_root, self.size, self.root, self.path)


@dataclass(frozen=True, kw_only=True)
class Head:
    """How far the log is."""

    size: int
    root: bytes


@dataclass(frozen=True, kw_only=True)
class Audit:
    """What an audit recomputed, and everything that does not fit."""

    head: Head
    checkpoints: int
    complaints: tuple[str, ...]


def sealing(name: str, key: ed25519.Ed25519PrivateKey) -> Seal:
    """The seal of a named key. The key stays with the caller."""
    public = public_bytes(key.public_key())
    return lambda checkpoint: note.seal(checkpoint, name=name, public_key=public, sign=key.sign)


def public_bytes(key: ed25519.Ed25519PublicKey) -> bytes:
    """The 32 bytes that a note's key id is made from."""
    return key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def head(tx: statements.Tx) -> Head:
    """Size and root now."""
    row = tx.one(statements.TREE_HEAD)
    if row is None:
        raise faults.Defect("the store has no evidence tree: it was not set up by `schema`")
    return Head(size=row[0], root=merkle.frontier_root(_frontier(row[1])))


def lines(page: Callable[[int], list[Line]], start: int = 0) -> Iterator[Line]:
    """Every entry from `start` on, a page at a time, so that no lock is held while the caller thinks."""
    while found := page(start):
        yield from found
        start = found[-1].seq + 1


def page(tx: statements.Tx, start: int) -> list[Line]:
    """Some entries from `start` on."""
    rows = tx.all(statements.ENTRIES_FROM, seq=start, row_limit=PAGE)
    return [Line(seq=seq, leaf=bytes(leaf), body=bytes(body)) for seq, leaf, body in rows]


def leaves(tx: statements.Tx, size: int) -> list[bytes]:
    """The first `size` leaf hashes."""
    found = [bytes(row[0]) for row in tx.all(statements.LEAVES, size=size)]
    if len(found) != size:
        raise faults.Defect(f"the evidence log has {len(found)} of {size} entries")
    return found


def checkpoint(tx: statements.Tx, seal: Seal, origin: str) -> str:
    """The signed note of the tree as it is now, kept; one a size, as two notes of one size are one statement."""
    now = head(tx)
    kept = tx.one(statements.CHECKPOINT_FIND, w_size=now.size)
    if kept is not None:
        return bytes(kept[0]).decode()
    text = seal(note.Checkpoint(origin=origin, size=now.size, root=now.root))
    tx.run(statements.CHECKPOINT_INSERT, size=now.size, note=text.encode())
    return text


def checkpoints(tx: statements.Tx) -> list[tuple[int, str]]:
    """Size and note of each, the oldest first."""
    return [(size, bytes(text).decode()) for size, text in tx.all(statements.CHECKPOINTS)]


def audit(told: Iterator[Line], stored: tuple[int, bytes], sealed: list[tuple[int, str]]) -> Audit:
    """Every leaf from its bytes, every number in its place, the tree from its leaves, every checkpoint's root on the way."""
    size, packed = stored
    wanted = {n: text for n, text in sealed if n <= size}
    complaints = [f"checkpoint of {n} entries: the log has only {size}" for n, _ in sealed if n > size]
    frontier: tuple[bytes, ...] = ()
    count = 0
    _compare(complaints, wanted, 0, frontier)
    for line in told:
        if line.seq >= size:
            break  # came while we read
        if line.seq != count:
            complaints.append(f"entry {count} is missing: the next is {line.seq}")
        if merkle.leaf_hash(line.body) != line.leaf:
            complaints.append(f"entry {line.seq}: its bytes do not give its leaf")
        if not _readable(line):
            complaints.append(f"entry {line.seq}: its bytes are no entry in canonical form")
        frontier = merkle.append(frontier, count, line.leaf)
        count += 1
        _compare(complaints, wanted, count, frontier)
    if count != size:
        complaints.append(f"the tree has {size} entries, the log {count}")
    if b"".join(frontier) != packed:
        complaints.append("the entries do not give the stored tree")
    return Audit(head=Head(size=count, root=merkle.frontier_root(frontier)), checkpoints=len(sealed), complaints=tuple(complaints))


def _compare(complaints: list[str], wanted: dict[int, str], size: int, frontier: tuple[bytes, ...]) -> None:
    text = wanted.get(size)
    if text is None:
        return
    root = base64.b64encode(merkle.frontier_root(frontier)).decode()
    if text.splitlines()[1:3] != [str(size), root]:
        complaints.append(f"checkpoint of {size} entries: its root is not the log's")


def _readable(line: Line) -> bool:
    try:
        return codec.canonical(line.entry()) == line.body
    except msgspec.DecodeError:
        return False


def _frontier(packed: bytes) -> tuple[bytes, ...]:
    return tuple(bytes(packed[i : i + 32]) for i in range(0, len(packed), 32))
