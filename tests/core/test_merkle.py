"""Logs without I/O: roots and proofs are those of RFC 6962, each proof has its check, and no bit of it can be changed."""

from __future__ import annotations

import hashlib
import itertools

import pytest

from makewhole.core import merkle

# The leaves, roots and proofs that the reference implementations of Certificate Transparency publish.
PUBLISHED = [bytes.fromhex(h) for h in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
N01 = ROOTS[1]
N03 = ROOTS[3]
N23 = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
N47 = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
N67 = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
L0 = ROOTS[0]
L1 = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
L4 = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
N45 = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"
SIZES = 33


def leaves(size: int) -> list[bytes]:
    return [merkle.leaf_hash(b"entry %d" % i) for i in range(size)]


def layers(nodes: list[bytes]) -> list[list[bytes]]:
    """Another way to the same tree: pair by pair from the bottom, an odd node is carried up."""
    grown = [nodes]
    while len(grown[-1]) > 1:
        below = grown[-1]
        pairs = [hashlib.sha256(b"\x01" + a + b).digest() for a, b in zip(below[::2], below[1::2], strict=False)]
        grown.append(pairs + below[len(pairs) * 2 :])
    return grown


def path(nodes: list[bytes], index: int) -> tuple[bytes, ...]:
    """The siblings on the way up, where there is one."""
    found = []
    for layer in layers(nodes)[:-1]:
        if index ^ 1 < len(layer):
            found.append(layer[index ^ 1])
        index >>= 1
    return tuple(found)


def flips(raw: bytes) -> list[bytes]:
    return [bytes(b ^ (1 << bit) if at == i else b for i, b in enumerate(raw)) for at in range(len(raw)) for bit in range(8)]


def test_the_published_roots() -> None:
    """Eight trees of the reference test data."""
    hashed = [merkle.leaf_hash(e) for e in PUBLISHED]
    assert [merkle.root(hashed[: n + 1]).hex() for n in range(8)] == ROOTS
    assert merkle.root([]).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize(
    "index, size, published",
    [(0, 1, []), (0, 8, [L1, N23, N47]), (5, 8, [L4, N67, N03]), (2, 3, [N01]), (1, 5, [L0, N23, L4])],
)
def test_the_published_audit_paths(index: int, size: int, published: list[str]) -> None:
    """Inclusion proofs of the reference test data."""
    hashed = [merkle.leaf_hash(e) for e in PUBLISHED[:size]]
    assert [h.hex() for h in merkle.prove_inclusion(hashed, index)] == published


@pytest.mark.parametrize("old, size, published", [(1, 1, []), (1, 8, [L1, N23, N47]), (6, 8, [N45, N67, N03]), (2, 5, [N23, L4])])
def test_the_published_consistency_proofs(old: int, size: int, published: list[str]) -> None:
    """Consistency proofs of the reference test data."""
    hashed = [merkle.leaf_hash(e) for e in PUBLISHED[:size]]
    assert [h.hex() for h in merkle.prove_consistency(hashed, old)] == published


def test_an_independent_tree_agrees() -> None:
    """Roots and audit paths of a tree that is built from the bottom, for every size and leaf."""
    for size in range(1, SIZES):
        told = leaves(size)
        assert merkle.root(told) == layers(told)[-1][0]
        for index in range(size):
            assert merkle.prove_inclusion(told, index) == path(told, index)


def test_the_frontier_is_the_tree() -> None:
    """Appending one by one gives the root of the whole, and the frontier holds one hash for each binary digit."""
    frontier: tuple[bytes, ...] = ()
    assert merkle.frontier_root(frontier) == merkle.root([])
    for size in range(SIZES):
        frontier = merkle.append(frontier, size, leaves(SIZES)[size])
        assert merkle.frontier_root(frontier) == merkle.root(leaves(size + 1))
        assert len(frontier) == (size + 1).bit_count()


def test_every_inclusion_proof_checks_for_its_leaf_only() -> None:
    """A proof holds for its leaf at its place in its tree: not at another place, not for another leaf, not under another root."""
    for size in range(1, SIZES):
        told = leaves(size)
        root = merkle.root(told)
        for index in range(size):
            proof = merkle.prove_inclusion(told, index)
            assert merkle.check_inclusion(told[index], index, size, proof, root)
            for other in range(-1, size + 1):
                assert merkle.check_inclusion(told[index], other, size, proof, root) == (other == index)
            assert not merkle.check_inclusion(told[index - 1], index, size, proof, root) or size == 1
            assert not merkle.check_inclusion(told[index], index, size, proof, merkle.root(leaves(size + 1)))
            assert not merkle.check_inclusion(told[index], index, size, (*proof, root), root)
            assert not proof or not merkle.check_inclusion(told[index], index, size, proof[:-1], root)


def test_every_consistency_proof_checks_for_its_trees_only() -> None:
    """An older root is a prefix of the newer, for every pair of sizes; a proof for one pair proves no other."""
    roots = [merkle.root(leaves(n)) for n in range(SIZES)]
    for size in range(1, SIZES):
        for old in range(1, size + 1):
            proof = merkle.prove_consistency(leaves(size), old)
            assert merkle.check_consistency(old, roots[old], size, roots[size], proof)
            assert not merkle.check_consistency(old, roots[old], size, roots[size], (*proof, roots[old]))
            for other in range(size + 1):
                if other != old:
                    assert not merkle.check_consistency(other, roots[other], size, roots[size], proof)
                    assert not merkle.check_consistency(old, roots[other], size, roots[size], proof)
            if proof:
                assert not merkle.check_consistency(old, roots[old], size, roots[size], proof[:-1])


def test_no_bit_of_a_proof_can_be_changed() -> None:
    """Every single bit of an inclusion and of a consistency proof counts."""
    told, size = leaves(13), 13
    root, old_root = merkle.root(told), merkle.root(told[:6])
    proof, grown = merkle.prove_inclusion(told, 9), merkle.prove_consistency(told, 6)
    for at, step in enumerate(proof):
        for flipped in flips(step):
            assert not merkle.check_inclusion(told[9], 9, size, (*proof[:at], flipped, *proof[at + 1 :]), root)
    for at, step in enumerate(grown):
        for flipped in flips(step):
            assert not merkle.check_consistency(6, old_root, size, root, (*grown[:at], flipped, *grown[at + 1 :]))


def test_a_log_that_was_rewritten_is_seen() -> None:
    """A tree whose old entries changed has no proof that it grew from the old one."""
    told = leaves(12)
    old_root = merkle.root(told[:7])
    for at in range(7):
        forged = [*told[:at], merkle.leaf_hash(b"forged"), *told[at + 1 :]]
        proof = merkle.prove_consistency(forged, 7)
        assert not merkle.check_consistency(7, old_root, 12, merkle.root(forged), proof)


def test_places_outside_the_tree_have_no_proof() -> None:
    """Asked for nonsense, a proof is refused rather than made."""
    for index, size in itertools.product((-1, 5, 6), (5,)):
        with pytest.raises(IndexError):
            merkle.prove_inclusion(leaves(size), index)
    for old in (-1, 0, 6):
        with pytest.raises(IndexError):
            merkle.prove_consistency(leaves(5), old)


def test_a_leaf_is_no_node() -> None:
    """An entry that spells two hashes is not their parent: leaves and nodes are hashed apart."""
    left, right = leaves(2)
    assert merkle.leaf_hash(left + right) != merkle.node_hash(left, right)
