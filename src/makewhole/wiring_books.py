"""The parts of the daily books put together: attached channels and a store come in, what closes their days goes out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from makewhole import accounts, ports
from makewhole.adapters.books import counter
from makewhole.core import ids
from makewhole.model import fetched


def books(channels: Mapping[ids.ChannelName, ports.Channel], ledger: accounts.Ledger) -> accounts.Books:
    """The books of every channel that gives bills, compared beside us, remembered in the store's ledger."""
    sources = {name: channel for name, channel in channels.items() if isinstance(channel, accounts.BillSource)}
    return accounts.Books(sources=sources, accountant=counter.Counter(_take), ledger=ledger)


def _take(connection: Any, raw: fetched.RawBill) -> int:
    # Here and not above: the engine of the books costs every command that never compares any two thirds of a second.
    from makewhole.adapters.bills import formats

    return formats.take(connection, raw)
