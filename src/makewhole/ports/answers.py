"""Codes that channels answered to questions, counted by whoever asks until whoever looks for bursts takes them along."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping

CODES_MAX = 200
"""Codes counted at once: channels document fewer; a stranger's invention must not fill the memory."""


class Answers:
    """Of one process. Orders are asked about on many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._met: Counter[tuple[str, int]] = Counter()

    def add(self, code: str, slot: int, times: int = 1) -> None:
        """A code was answered in this slot of time."""
        with self._lock:
            if (code, slot) in self._met or len(self._met) < CODES_MAX:
                self._met[code, slot] += times

    def take(self) -> Mapping[tuple[str, int], int]:
        """How often each code was met in which slot since the last time; counting begins anew."""
        with self._lock:
            met, self._met = self._met, Counter()
        return met
