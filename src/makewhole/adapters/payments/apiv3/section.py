"""The settings of a merchant account at a channel of APIv3, as far as all have the same."""

from __future__ import annotations

from makewhole import settings


class Section(settings.ChannelSettings, frozen=True, kw_only=True):
    """One merchant account."""

    mchid: str
    appid: str
    serial_no: str
    """Serial number of the merchant's own certificate."""
    private_key_file: str
    """The merchant's private key, PEM."""
    apiv3_key_file: str
    """The 32-byte APIv3 key. A file, because it opens every callback."""
    base_url: str
    link: str = "native"
    """Kind of payment link for a recalled order: native, jsapi, h5 or app."""

    def merchant(self) -> str:
        return self.mchid

    def secret_files(self) -> tuple[str, ...]:
        return (self.apiv3_key_file,)
