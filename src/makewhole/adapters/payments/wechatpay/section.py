"""`[wechatpay]`: the settings of one merchant account at WeChat Pay."""

from __future__ import annotations

from makewhole.adapters.payments.apiv3 import section


class Section(section.Section, frozen=True, kw_only=True):
    """In certificate mode or in public-key mode."""

    base_url: str = "https://api.mch.weixin.qq.com"
    public_key_id: str = ""
    """PUB_KEY_ID_…: public-key mode. Empty: certificate mode."""
    public_key_file: str = ""
    """WeChat Pay's public key, PEM, in public-key mode."""
