"""Progress: counts come in, one line that rewrites itself goes to standard error; only on a terminal, only after two seconds."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Self

SHOWN_AFTER_S = 2.0
EVERY_S = 0.1
BAR = 24
"""Characters of a full bar."""
_CLEAR = "\r\x1b[K"


class Progress:
    """A context; `at(text, done, total)` is cheap enough to be called for every order."""

    def __init__(self) -> None:
        self._begun = time.monotonic()
        self._last = 0.0
        self._drawn = False
        self._wanted = sys.stderr.isatty()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.clear()

    def at(self, said: str, done: int = 0, total: int | None = None) -> None:
        """How far we are."""
        now = time.monotonic()
        if not self._wanted or now - self._begun < SHOWN_AFTER_S or now - self._last < EVERY_S:
            return
        self._last = now
        self._drawn = True
        sys.stderr.write(f"{_CLEAR}{_bar(done, total)}{said}")
        sys.stderr.flush()

    def clear(self) -> None:
        """Wipe the line, before something else is printed to the same terminal."""
        if self._drawn:
            sys.stderr.write(_CLEAR)
            sys.stderr.flush()
            self._drawn = False


def _bar(done: int, total: int | None) -> str:
    if not total:
        return ""
    full = min(BAR, BAR * done // total)
    return f"{'━' * full}{'╌' * (BAR - full)} {done}/{total} "
