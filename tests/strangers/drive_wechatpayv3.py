"""Runs in the stranger's environment: JSON lines with calls come in on standard input, what wechatpayv3 makes of them goes out.

Nothing of ours is imported here, so that only the bytes on the wire connect the two.
"""

from __future__ import annotations

import base64
import importlib
import json
import sys
from typing import Any

sdk: Any = importlib.import_module("wechatpayv3")
utils: Any = importlib.import_module("wechatpayv3.utils")


class FrozenTime:
    """Stands in for `time`, so that two parties can sign the same second."""

    def __init__(self, at: int) -> None:
        self._at = at

    def time(self) -> float:
        return float(self._at)


def client(told: dict[str, Any]) -> Any:
    """Public-key mode where a key is given; otherwise certificate mode, with certificates fetched from the address given."""
    made = sdk.WeChatPay(
        wechatpay_type=sdk.WeChatPayType.NATIVE,
        mchid=told["mchid"],
        private_key=told["private_key"],
        cert_serial_no=told["serial_no"],
        appid=told["appid"],
        apiv3_key=told["apiv3_key"],
        notify_url=told["notify_url"],
        # Certificate mode calls the real gateway at once unless a folder holds a certificate; see below.
        cert_dir=told.get("cert_dir"),
        public_key=told.get("public_key"),
        public_key_id=told.get("public_key_id"),
    )
    made._core._gate_way = told["base_url"]
    if "public_key" not in told:
        made._core._cert_dir = None
        made._core._update_certificates()
    return made


def called(on: Any, told: dict[str, Any]) -> Any:
    """The answer of one method, as JSON can hold it."""
    code, content = getattr(on, told["method"])(**told.get("arguments", {}))
    if isinstance(content, bytes):
        return {"status": code, "base64": base64.b64encode(content).decode()}
    return {"status": code, "text": content}


def authorization(told: dict[str, Any]) -> str:
    """The header that the stranger would send at this second with this nonce."""
    utils.time = FrozenTime(told["timestamp"])
    key = utils.load_private_key(told["private_key"])
    header: str = utils.build_authorization(
        told["path"], told["method"], told["mchid"], told["serial_no"], key, data=told["body"], nonce_str=told["nonce"]
    )
    return header


def main() -> None:
    on: Any = None
    for line in sys.stdin:
        told = json.loads(line)
        answer: Any
        try:
            match told["do"]:
                case "client":
                    on, answer = client(told), "ready"
                case "call":
                    answer = called(on, told)
                case "callback":
                    answer = on.callback(told["headers"], base64.b64decode(told["body"]))
                case _:
                    answer = authorization(told)
        except Exception as error:  # noqa: BLE001 - whatever it is, the test wants to see it
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
