"""What one channel's APIv3 has of its own (names, paths, codes, what it tells and what it leaves out), as one frozen value.

All that two channels do alike stands once, in the files beside this one, and asks here where they differ.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from makewhole.adapters.payments.apiv3 import errors, wire
from makewhole.adapters.payments.meanings import Meaning


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A platform certificate as a list brings it: still sealed. Without times, the certificate's own hold."""

    serial: str
    sealed: wire.Sealed
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """How one channel speaks."""

    name: str
    """As people say it."""
    scheme: str
    """The first word of the Authorization header."""
    fields: tuple[str, ...]
    """That header's fields in the channel's own order."""
    prefix: str
    """Of the headers that carry a signature."""
    typed: bool
    """Whether a signed answer names its scheme in a header of its own."""
    probe: str | None
    """How signatures begin that the channel sends to see whether they are checked at all; None where it sends none."""
    transactions: str
    refunds: str
    certificates: str
    """Paths, without a slash behind."""
    listed: Callable[[bytes], tuple[Listed, ...]]
    """Reads the list of certificates. Raises ValueError."""
    bill: Callable[[str, str], str]
    """Merchant number and day (yyyy-mm-dd) -> the question for a trade bill packed with gzip."""
    refunds_name_merchant: bool
    """Whether a refund, and the question for one, carry the merchant number."""
    refund_news_name_merchant: bool
    """Whether the callback of a refund does."""
    paid_events: tuple[str, ...]
    """How the names of events begin that tell of a payment."""
    codes: Mapping[str, Meaning]
    """Every error code that the channel is known to answer, spelled as `errors.spelled` does."""

    @property
    def signed(self) -> tuple[str, ...]:
        """The headers of a signed answer: stamp, nonce, signature, serial and, where there is one, the scheme."""
        names = ("Timestamp", "Nonce", "Signature", "Serial", *(("Signature-Type",) if self.typed else ()))
        return tuple(f"{self.prefix}-{name}" for name in names)

    def header(self, name: str) -> str:
        """One of them."""
        return f"{self.prefix}-{name}"

    def service(self, target: str) -> str:
        """Which of the channel's services a call is for: its path without numbers. One may be down while another answers."""
        known = (self.transactions, self.refunds, self.certificates)
        return next((path for path in known if target.startswith(path)), target.partition("?")[0])

    def meaning(self, code: str | None) -> Meaning | None:
        """What a code says in either spelling; None for one that is not known."""
        return self.codes.get(errors.spelled(code))
