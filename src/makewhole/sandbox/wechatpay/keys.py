"""The sandbox's keys, loaded once per process: the merchant's, two platform certificates, public-key mode's, and a forger's.

They are committed and public, and so good for nothing but this.
"""

from __future__ import annotations

from pathlib import Path

from makewhole.sandbox.channel import pems

_FOLDER = pems.Folder(Path(__file__).parent / "pem")
pem, private, public, public_pem, serial = _FOLDER.pem, _FOLDER.private, _FOLDER.public, _FOLDER.public_pem, _FOLDER.serial
PUBLIC_KEY_ID = "PUB_KEY_ID_0116000000012026112300000001"
APIV3_KEY = "sandbox-apiv3-key-0123456789abcd"
"""32 bytes, as the documentation wants it."""
PLATFORM_SERIALS = ("3775B6A45ACD588826D15E583A95F5DD00000001", "3775B6A45ACD588826D15E583A95F5DD00000002")
