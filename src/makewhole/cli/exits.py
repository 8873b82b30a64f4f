"""How a command ends: the exit codes that scripts rely on, and which of them wins when several are true."""

from __future__ import annotations

import enum


class Exit(enum.IntEnum):
    """Stable for users and scripts."""

    FINE = 0
    BROKEN = 1
    """Broken orders were found, or are left."""
    WRONG_USE = 2
    INCOMPLETE = 3
    """A source did not answer: some orders could not be judged."""
    REFUSED = 4
    """Refused by policy."""
    DEFECT = 70
    """Our own mistake; there is a report file."""
    INTERRUPTED = 130
    PIPE_CLOSED = 141
    """Whoever read our output has left, as `head` does."""
