"""How one counterpart of APIv3 speaks: its keys, names and paths, and what it asks of a merchant, as one frozen value."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from cryptography.hazmat.primitives.asymmetric import rsa

from makewhole.sandbox.channel import truth


class Keyring(Protocol):
    """The counterpart's own keys and its merchant's, by name. A module does; asked each time, so that a world may lend lighter ones."""

    @property
    def PLATFORM_SERIALS(self) -> tuple[str, ...]: ...  # noqa: N802 - a module's constant

    def pem(self, name: str) -> bytes: ...

    def private(self, name: str) -> rsa.RSAPrivateKey: ...

    def public(self, name: str) -> rsa.RSAPublicKey: ...

    def serial(self, name: str) -> str: ...


@dataclass(frozen=True, kw_only=True)
class Merchant:
    """The one account of a sandbox."""

    mchid: str
    appid: str
    apiv3_key: str


@dataclass(frozen=True, kw_only=True)
class Speech:
    """What differs."""

    keys: Keyring
    scheme: str
    prefix: str
    """Of the headers of a signature."""
    typed: bool
    """Whether the scheme stands in a header of its own beside each signature."""
    probe: str
    """How signatures begin that test a merchant; empty: it sends none."""
    public_key_id: str
    """Under which a signature of public-key mode comes; empty: there is no such mode."""
    algorithm: str
    """As a sealed resource names it."""
    transactions: tuple[str, ...]
    refunds: tuple[str, ...]
    certificates: tuple[str, ...]
    bills: frozenset[tuple[str, ...]]
    download: tuple[str, ...]
    """Paths, split at their slashes."""
    download_signed: bool
    """Whether the request for a file must be signed, as every other; otherwise its token is enough."""
    closed: int
    """The status of a close that was carried out. Its body is empty."""
    out_trade_no: re.Pattern[str]
    notify_url: re.Pattern[str]
    merchant_everywhere: bool
    """Whether refunds, and the questions for them and for bills, must name the merchant number."""
    code_urls: Callable[[str], Mapping[str, str]]
    """The end of a prepay number -> what a native payment is answered with."""
    transaction: Callable[[truth.Transaction], dict[str, Any]]
    """An attempt as a query and a callback tell it."""
    silent: frozenset[str]
    """Events of which no callback is sent."""
    certificate_data: str
    """What a certificate's seal is associated with."""
    prefixes: Mapping[str, str]
    """How its own numbers begin."""
