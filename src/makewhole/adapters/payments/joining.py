"""What makes a channel one of ours: its name and words, its section of the settings, how it is attached, how callbacks are answered.

A channel's folder has one `Entry`, in `entry.py`, and `registry` has a line for it. An entry is cheap to import: every command reads them
all, to know what a settings file may say, and few attach a channel. What costs time is imported where it is used.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from makewhole import ports, settings
from makewhole.adapters import http
from makewhole.books import fees
from makewhole.core import clock, ids

NONCE_BYTES = 16
"""32 characters, as channels' examples have them."""
Read = Callable[[str, str], bytes]
"""The content of a file that a setting names: path and setting. Raises BadInput, naming the setting, where it cannot be read."""


def fresh_nonce() -> str:
    """A nonce nobody can guess; a simulator hands in a repeatable one instead."""
    return secrets.token_hex(NONCE_BYTES).upper()


@dataclass(frozen=True, kw_only=True)
class Means:
    """What a channel is attached with, beside its settings."""

    client: http.Client
    clock: clock.Clock
    read: Read
    nonce: Callable[[], str] = fresh_nonce


@dataclass(frozen=True, kw_only=True)
class Said:
    """The body of an answer to a callback."""

    media_type: str
    body: bytes


def by_status(status: int, _: bytes) -> bool:
    """Whether a shop took a callback, where its status says it."""
    return status in {200, 204}


def in_json(_status: int, code: str, message: str) -> Said:
    """A callback's answer as most channels read it: `{"code": …, "message": …}`; the status says the rest."""
    return Said(media_type="application/json", body=msgspec.json.encode({"code": code, "message": message}))


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One channel."""

    name: ids.ChannelName
    """As in claims, acts, bills and settings. Letters only: it is the name of a section, and the first word of variables' names."""
    title: tuple[str, str]
    """What people call it, in English and in Chinese."""
    section: type[settings.ChannelSettings]
    attach: Callable[[Any, Means], ports.Channel]
    """Its section -> its connector. Raises BadInput for settings that cannot be meant."""
    address: Callable[[Any], str]
    """Its section -> the address of the server that is asked."""
    taken: Callable[[int, bytes], bool]
    """Which answer of a shop (status and body) says that a callback was taken."""
    answered: Callable[[int, str, str], Said] = in_json
    """A status, a code and a message -> the body of an answer to a callback, in the words that this channel reads."""
    stamp: str = ""
    """The header in which its answers say, under their signature, what time it is in seconds; empty: none does."""
    rounding: fees.Rounding = fees.Rounding.EXACT
    """How its bills write fees."""


Entries = Mapping[ids.ChannelName, Entry]
