"""The sandbox's keys, loaded once per process: the merchant's, two platform certificates, and a forger's.

They are committed and public, and so good for nothing but this.
"""

from __future__ import annotations

from pathlib import Path

from makewhole.sandbox.channel import pems

_FOLDER = pems.Folder(Path(__file__).parent / "pem")
pem, private, public, serial = _FOLDER.pem, _FOLDER.private, _FOLDER.public, _FOLDER.serial
APIV3_KEY = "sandbox-douyinpay-key-0123456789"
"""32 bytes, as the channel wants it."""
PLATFORM_SERIALS = ("5D1F0A6B3C2E4701", "5D1F0A6B3C2E4702")
