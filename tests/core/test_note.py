"""Checkpoints as signed notes: what is sealed is checked, keys of other people's logs are understood, and no character can be changed."""

from __future__ import annotations

import base64

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from makewhole.core import merkle, note

KEY = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
NAME = "log.example/mall"
POINT = note.Checkpoint(origin=NAME, size=3, root=merkle.root([merkle.leaf_hash(b"a")] * 3))

# Keys and a note that the Go project published.
GO_KEYS = {
    "PeterNeumann": ("c74f20a3", "ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"),
    "sum.golang.org": ("033de0ae", "Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"),
}
GO_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "\N{EM DASH} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)


def verify_with(public: bytes) -> note.Verify:
    def verify(message: bytes, signature: bytes) -> bool:
        try:
            ed25519.Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
        except InvalidSignature:
            return False
        return True

    return verify


def sealed() -> str:
    return note.seal(POINT, name=NAME, public_key=PUBLIC, sign=KEY.sign)


def check(text: str, name: str = NAME, public: bytes = PUBLIC) -> note.Checkpoint:
    return note.check(text, name=name, public_key=public, verify=verify_with(public))


def test_what_is_sealed_is_checked() -> None:
    """Seal and check are a pair, and the text is the three lines of C2SP's checkpoint."""
    assert check(sealed()) == POINT
    assert sealed().split("\n")[:3] == [NAME, "3", base64.b64encode(POINT.root).decode()]


@pytest.mark.parametrize("name", GO_KEYS)
def test_the_key_ids_of_other_logs(name: str) -> None:
    """The identifier that Go's tools compute for their published keys."""
    printed, encoded = GO_KEYS[name]
    key = base64.b64decode(encoded)
    assert key[:1] == note.ED25519
    assert note.key_id(name, key[1:]).hex() == printed


def test_the_signature_of_a_foreign_note_is_understood() -> None:
    """Go's published note passes the signature and fails only as a checkpoint, which it is not."""
    public = base64.b64decode(GO_KEYS["PeterNeumann"][1])[1:]
    with pytest.raises(ValueError, match="not a checkpoint"):
        check(GO_NOTE, name="PeterNeumann", public=public)
    with pytest.raises(ValueError, match="does not fit"):
        check(GO_NOTE.replace("answer", "ansver"), name="PeterNeumann", public=public)


def test_no_character_of_a_note_can_be_changed() -> None:
    """Every bit of every character, every character left out, and every cut."""
    good = sealed()
    for at, char in enumerate(good):
        for bit in range(8):
            with pytest.raises(ValueError, match=r".+"):
                check(good[:at] + chr(ord(char) ^ (1 << bit)) + good[at + 1 :])
        with pytest.raises(ValueError, match=r".+"):
            check(good[:at] + good[at + 1 :])
        with pytest.raises(ValueError, match=r".+"):
            check(good[:at])


def test_another_key_or_name_is_refused() -> None:
    """A note is worth what its key is worth."""
    other = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    with pytest.raises(ValueError, match="does not fit"):
        check(sealed(), public=other)
    with pytest.raises(ValueError, match="no signature of"):
        check(sealed(), name="log.example/other")


def test_a_witness_beside_the_log_does_no_harm() -> None:
    """Lines of other signers stand before and after ours."""
    text, _, own = sealed().partition("\n\n")
    foreign = GO_NOTE.partition("\n\n")[2]
    assert check(f"{text}\n\n{foreign}{own}") == POINT
    assert check(f"{text}\n\n{own}{foreign}") == POINT


@pytest.mark.parametrize("size", ["-1", "01", "1.0", "٣", "", "1e3"])
def test_a_size_has_one_spelling(size: str) -> None:
    """A validly signed text that is no checkpoint is refused all the same."""
    text = f"{NAME}\n{size}\n{base64.b64encode(POINT.root).decode()}\n"
    line = base64.b64encode(note.key_id(NAME, PUBLIC) + KEY.sign(text.encode())).decode()
    with pytest.raises(ValueError, match=r"not a checkpoint"):
        check(f"{text}\n\N{EM DASH} {NAME} {line}\n")


def test_a_root_is_32_bytes() -> None:
    """Neither shorter nor longer."""
    for length in (0, 31, 33):
        short = note.Checkpoint(origin=NAME, size=1, root=bytes(length))
        with pytest.raises(ValueError, match="not a"):
            check(note.seal(short, name=NAME, public_key=PUBLIC, sign=KEY.sign))
