"""Every payment channel that we have: a line each. What is attached the settings say."""

from __future__ import annotations

from makewhole import settings
from makewhole.adapters.payments import joining
from makewhole.adapters.payments.alipay import entry as alipay
from makewhole.adapters.payments.douyinpay import entry as douyinpay
from makewhole.adapters.payments.wechatpay import entry as wechatpay

ENTRIES: joining.Entries = {
    joined.name: joined
    for joined in (
        wechatpay.ENTRY,
        alipay.ENTRY,
        douyinpay.ENTRY,
    )
}


def sections() -> settings.Sections:
    """What a settings file may say of channels."""
    return {joined.name: joined.section for joined in ENTRIES.values()}
