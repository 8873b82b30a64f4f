"""Keys that a channel signs by: the serial that names one goes in, the key comes out, or None. Shared by connectors.

A channel changes its certificates, so a serial that is not known is looked for at the channel, and then judged.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.asymmetric import rsa

FETCH_PAUSE = timedelta(seconds=10)
"""After a fetch that did not bring the serial asked for: whoever invents serials must not make us call the channel for each of them."""


@dataclass(frozen=True, kw_only=True)
class Known:
    """A key that we believe, and from when to when."""

    key: rsa.RSAPublicKey
    since: datetime | None = None
    until: datetime | None = None

    def holds(self, now: datetime) -> bool:
        """Whether it does at this instant."""
        return (self.since is None or self.since <= now) and (self.until is None or now < self.until)


Fetch = Callable[[str, datetime], Mapping[str, Known]]
"""The serial that is missing, and the time -> what the channel has, proven. Raises a fault where it cannot be asked."""


class Keyring:
    """The keys of one channel account. Safe for several threads."""

    def __init__(self, known: Mapping[str, Known], fetch: Fetch, may_exist: Callable[[str], bool]) -> None:
        """`may_exist`: whether a serial is one that the channel could have; any other is not looked for."""
        self.known = dict(known)
        self._fetch, self._may_exist = fetch, may_exist
        self._fruitless_at: datetime | None = None
        self._lock = threading.Lock()

    def key(self, serial: str, now: datetime) -> rsa.RSAPublicKey | None:
        """The key of a serial, exactly as spelled. Raises what `fetch` raises."""
        if serial not in self.known and self._may_exist(serial):
            with self._lock:
                # Another thread may have fetched while we waited.
                if serial not in self.known and self._due(now):
                    self.known = {**self.known, **self._fetch(serial, now)}
                    # Only a fetch that did not bring the serial makes the next one wait.
                    self._fruitless_at = None if serial in self.known else now
        known = self.known.get(serial)
        return known.key if known is not None and known.holds(now) else None

    def keys(self, now: datetime) -> list[rsa.RSAPublicKey]:
        """All that hold: for what is signed and names no serial."""
        return [known.key for known in self.known.values() if known.holds(now)]

    def until(self) -> datetime | None:
        """When the newest certificate ends; None where none has an end."""
        return max((k.until for k in self.known.values() if k.until is not None), default=None)

    def _due(self, now: datetime) -> bool:
        return self._fruitless_at is None or abs(now - self._fruitless_at) >= FETCH_PAUSE
