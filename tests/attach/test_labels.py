"""Words that shops have for channels: each leads to the name that our own channels have, or to none."""

from __future__ import annotations

import pytest

from makewhole.attach import labels


@pytest.mark.parametrize(
    "label, name",
    [
        ("微信支付", "wechatpay"),
        ("支付宝", "alipay"),
        ("抖音支付", "douyinpay"),
        ("抖音月付", "douyinpay"),
        ("Douyin Pay", "douyinpay"),
        ("dypay", "douyinpay"),
        ("抖音小店", None),
        ("云闪付", "unionpay"),
        ("未支付", ""),
    ],
)
def test_a_label_leads_to_its_channel(label: str, name: str | None) -> None:
    """A platform's name is no channel's: a shop on Douyin may be paid in any."""
    assert labels.channel(label) == name
