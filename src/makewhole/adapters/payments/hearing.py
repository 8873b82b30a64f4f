"""What a channel said of a number, or why not: a question goes wrong inside, the silence that it is comes out. Shared by connectors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from makewhole.core import faults, ids
from makewhole.model import claim


class Hearing:
    """Collects the silences of one call."""

    def __init__(self, source: ids.ChannelName, about: claim.About, unknown: Callable[[str | None], bool]) -> None:
        """`unknown` is whether a code says that there is no such number."""
        self.silent: list[claim.Silence] = []
        self._source, self._about, self._unknown = source, about, unknown

    @contextmanager
    def of(self, number: str) -> Iterator[None]:
        """Ask inside. A Defect goes on as it is."""
        code: str | None = None
        try:
            yield
        except faults.Rejected as no:
            why, detail, code = (claim.Why.NOT_FOUND if self._unknown(no.code) else claim.Why.REFUSED), no.why, no.code
        except (faults.Unavailable, faults.Indeterminate) as down:
            why, detail, code = claim.Why.UNREACHABLE, down.why, down.code
        except ValueError as wrong:
            why, detail = claim.Why.NOT_UNDERSTOOD, str(wrong)
        else:
            return
        told = claim.Silence(source=self._source, about=self._about, number=number, why=why, detail=detail, code=code or "")
        self.silent.append(told)
