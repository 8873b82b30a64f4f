"""The machine's clock: instants come out, and waiting is done."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta


class SystemClock:
    """The machine's clock: the only place where the real time comes in."""

    def now(self) -> datetime:
        """The current instant, in UTC."""
        return datetime.now(UTC)

    def sleep(self, span: timedelta) -> None:
        """Wait."""
        time.sleep(max(span.total_seconds(), 0))
