"""The shop's access token: a file goes in, the token of now comes out; where it holds a refresh token too, the file is written anew.

The platform gives both for one code, once. Whoever loses a refresh token must have the shop authorise the app again: so the room for a
new pair is had before it is asked for, one process asks at a time, and the file is replaced in one step.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO

import msgspec

from makewhole.core import faults

RENEW_BEFORE = timedelta(minutes=50)
"""In its last hour a token is exchanged for a new one, and works on; before that the platform gives the same one back."""
ROOM_BYTES = 4096
"""A pair has three hundred."""
WHERE = "douyin.access_token_file"


@dataclass(frozen=True, kw_only=True)
class Token:
    """What may ask for the shop."""

    access: str = field(repr=False)
    refresh: str = field(repr=False, default="")
    """Exchanges it for the next one; empty: somebody else does."""
    until: datetime | None = None
    """When it ends, where we know."""

    def due(self, now: datetime) -> bool:
        """Whether to exchange it now: near its end, or where nobody said when that is."""
        return bool(self.refresh) and (self.until is None or now >= self.until - RENEW_BEFORE)

    def over(self, now: datetime) -> bool:
        """Whether it has ended, as far as we know."""
        return self.until is not None and now >= self.until


class Pair(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The file as we write it. The platform's own answer reads as one whose end nobody knows."""

    access_token: str
    refresh_token: str = ""
    expires_at: datetime | None = None


class TokenFile:
    """One token in one file: alone on a line, or with its refresh token as JSON."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> Token:
        """The token of now. Raises Credentials where there is none."""
        try:
            told = self._path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as missing:
            raise _none(f"cannot read {str(self._path)!r}: {getattr(missing, 'strerror', None) or 'no text'}") from missing
        if not told.startswith("{"):
            if not told:
                raise _none("the file is empty")
            return Token(access=told)
        try:
            pair = msgspec.json.decode(told, type=Pair)
        except msgspec.DecodeError as wrong:
            raise _none(f"no token in it: {wrong}") from wrong
        if not pair.access_token or (pair.expires_at is not None and pair.expires_at.tzinfo is None):
            raise _none("no token in it, or a time without a zone")
        return Token(access=pair.access_token, refresh=pair.refresh_token, until=pair.expires_at)

    def renew(self, known: Token, exchange: Callable[[str], Token]) -> Token:
        """The token that follows `known`, kept; what `exchange` raises, and Credentials where a new one could not be kept, unasked."""
        with self._alone():
            current = self.read()
            if current != known:
                # Whoever had the file before us has done it.
                return current
            with self._room() as room:
                told = exchange(known.refresh)
                pair = Pair(access_token=told.access, refresh_token=told.refresh, expires_at=told.until)
                room.write(msgspec.json.encode(pair) + b"\n")
                room.truncate()
                room.flush()
                os.fsync(room.fileno())
            return told

    def unkept(self) -> str:
        """Why this account could not keep a new token; empty where it could. The room for it is had, and given back."""
        try:
            with contextlib.suppress(FileNotFoundError):
                # Not made here: it would be the doctor's, and whoever renews might not be let in.
                os.close(os.open(self._lock(), os.O_WRONLY | os.O_APPEND))
            with self._spare():
                return ""
        except faults.Credentials as no:
            return no.why
        except OSError as refused:
            return _unkept(refused).why

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """No other process of this machine exchanges this token meanwhile."""
        try:
            lock = self._lock().open("ab")
        except OSError as refused:
            raise _unkept(refused) from refused
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _lock(self) -> Path:
        return self._path.with_name(f"{self._path.name}.lock")

    @contextlib.contextmanager
    def _room(self) -> Iterator[IO[bytes]]:
        """What is written there takes our file's place at the end."""
        with self._spare() as (room, name):
            yield room
            name.replace(self._path.resolve())

    @contextlib.contextmanager
    def _spare(self) -> Iterator[tuple[IO[bytes], Path]]:
        """A file beside ours with the same owner and rights, that has its bytes on the disk already; it is gone at the end."""
        target = self._path.resolve()
        with contextlib.ExitStack() as undo:
            try:
                handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
                undo.callback(Path(name).unlink, missing_ok=True)
                room = undo.enter_context(os.fdopen(handle, "w+b"))
                owner = target.stat()
                if (owner.st_uid, owner.st_gid) != (os.getuid(), os.getgid()):
                    os.chown(handle, owner.st_uid, owner.st_gid)
                os.fchmod(handle, owner.st_mode & 0o777)
                room.write(bytes(ROOM_BYTES))
                room.flush()
                os.fsync(handle)
                room.seek(0)
            except OSError as refused:
                raise _unkept(refused) from refused
            yield room, Path(name)


def _none(what: str) -> faults.Credentials:
    return faults.Credentials(f"{WHERE}: {what}. Put the shop's access token there, or the platform's whole answer with both tokens")


def _unkept(refused: OSError) -> faults.Credentials:
    return faults.Credentials(
        f"{WHERE}: a new token could not be kept ({refused.strerror}). Let this process write the file and its folder"
    )
