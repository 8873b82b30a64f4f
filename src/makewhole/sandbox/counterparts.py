"""Every payment channel that the sandbox has a counterpart of: a line each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from makewhole.sandbox.alipay import gateway as alipay
from makewhole.sandbox.channel import gate
from makewhole.sandbox.douyinpay import gateway as douyinpay
from makewhole.sandbox.wechatpay import gateway as wechatpay

Kind = type[gate.Gate[Any]]
GATES: Mapping[str, Kind] = {
    kind.NAME: kind
    for kind in (
        wechatpay.Gateway,
        alipay.Gateway,
        douyinpay.Gateway,
    )
}
