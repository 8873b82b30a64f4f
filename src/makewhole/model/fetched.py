"""What a channel gives that is asked for its bill of a day: the file as it came, or that there is none, or that it is not made yet."""

from __future__ import annotations

from datetime import date

from makewhole.core import codec, ids


class RawBill(codec.Noun, frozen=True, kw_only=True, tag="bill"):
    """The file as the channel gave it, packed as it came. `sha1` is the channel's own word on the plain text; None where it gives none."""

    channel: ids.ChannelName
    merchant: str
    day: date
    """The Beijing day that it is about."""
    name: str
    content: bytes
    sha1: str | None = None

    def digest(self) -> str:
        """Of the bytes as they came: what they are held against whenever they are read again. 64 hex characters."""
        return codec.digest_bytes(self.content)


class NoBill(codec.Noun, frozen=True, kw_only=True, tag="no-bill"):
    """The channel says that there is none: nothing was traded on that day. Never said of a bill that is still being made."""

    channel: ids.ChannelName
    merchant: str
    day: date


class NotMade(codec.Noun, frozen=True, kw_only=True, tag="not-made"):
    """The channel has not made it yet: ask again later. No fault: every day's bill is in this state until the next morning."""

    channel: ids.ChannelName
    merchant: str
    day: date
    why: str = ""


Had = RawBill | NoBill
"""What closes a day."""
Fetched = Had | NotMade
