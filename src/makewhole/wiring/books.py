"""The parts of the daily books put together: attached channels and a store come in, what closes their days goes out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from makewhole import ports, settings
from makewhole.adapters.bills import bank as bank_reading
from makewhole.adapters.bills import drawer
from makewhole.adapters.books import counter
from makewhole.adapters.payments import registry
from makewhole.books import fees
from makewhole.core import ids
from makewhole.model import bank as banks
from makewhole.model import fetched
from makewhole.ports import accounts

_MARKET = fees.Rounding.FEN
"""Marketplaces do not write their fees to the hundred-thousandth of a yuan."""


def books(
    channels: Mapping[ids.ChannelName, ports.Channel],
    ledger: accounts.Ledger,
    ppm: Mapping[str, int] | None = None,
    *,
    markets: Mapping[ids.ChannelName, accounts.AccountSource] | None = None,
    bank: settings.BankSettings | None = None,
) -> accounts.Books:
    """The books of every channel that gives bills and of the marketplaces, compared beside us, remembered in the store's ledger.

    `ppm`: agreed fees.
    """
    sources = {name: channel for name, channel in channels.items() if isinstance(channel, accounts.BillSource)}
    return accounts.Books(
        sources={**sources, **(markets or {})},
        rates=_rates(ppm or {}),
        accountant=counter.Counter(_take, _body),
        ledger=ledger,
        bank=None if bank is None or not bank.folder else drawer.Folder(Path(bank.folder), _words(bank)),
    )


def statement(told: settings.BankSettings, path: Path) -> banks.Statement:
    """A bank's statement that somebody names. Raises `bill.Refused`, and OSError where it cannot be read."""
    with path.open("rb") as opened:
        return bank_reading.read(path.name, opened.read(bank_reading.BYTES_MAX + 1), _words(told))


def _words(told: settings.BankSettings) -> bank_reading.Words:
    return bank_reading.Words(columns=told.columns, payers=told.payers)


def _rates(ppm: Mapping[str, int]) -> dict[ids.ChannelName, fees.Rate]:
    return {ids.ChannelName(n): fees.Rate(ppm=rate, rounding=_rounding(ids.ChannelName(n))) for n, rate in ppm.items() if rate > 0}


def _rounding(name: ids.ChannelName) -> fees.Rounding:
    joined = registry.ENTRIES.get(name)
    return _MARKET if joined is None else joined.rounding


def _take(connection: Any, raw: fetched.RawBill) -> int:
    # Here and not above: the engine of the books costs every command that never compares any two thirds of a second.
    from makewhole.adapters.bills import formats

    return formats.take(connection, raw)


def _body(raw: fetched.RawBill) -> bytes:
    from makewhole.adapters.bills import formats

    return formats.body(raw)
