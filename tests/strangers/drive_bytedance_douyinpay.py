"""Runs in the stranger's environment: JSON lines with calls come in on standard input, what Douyin Pay's own SDK makes of them goes out.

Nothing of ours is imported here, so that only the bytes on the wire connect the two.
"""

from __future__ import annotations

import base64
import importlib
import json
import sys
from typing import Any

sdk: Any = importlib.import_module("bytedance.douyinpay")
signer: Any = importlib.import_module("bytedance.douyinpay.signer")
rsa: Any = importlib.import_module("bytedance.douyinpay.crypto.rsa")


def client(told: dict[str, Any]) -> Any:
    """With one platform certificate where it is given; otherwise with certificates fetched from the address given."""
    if "platform_certificate" in told:
        return sdk.create_rsa_client(**told)
    return sdk.create_auto_rsa_client(refresh_interval_sec=0, **told)


def called(on: Any, told: dict[str, Any]) -> Any:
    """The answer of one request, verified by the SDK; an error's as it came."""
    try:
        answer = on.request(told["method"], told["path"], json=told.get("json"), params=told.get("params"))
    except sdk.DouYinPayAPIError as no:
        return {"status": no.status_code, "text": no.response_body}
    return {"status": answer.status_code, "text": json.dumps(answer.data) if answer.data != "" else ""}


def downloaded(on: Any, url: str) -> Any:
    """A file, asked for with a signature; its answer has none."""
    answer = on.get_client().get(url, skip_verify=True, response_type="content")
    return {"status": answer.status_code, "base64": base64.b64encode(answer.data).decode()}


def heard(on: Any, told: dict[str, Any]) -> Any:
    """A callback's event and content, verified and unsealed."""
    notice = on.parse_callback(told["headers"], base64.b64decode(told["body"]))
    return {"id": notice.id, "event_type": notice.event_type, "content": notice.content}


def authorization(told: dict[str, Any]) -> str:
    """The header that the stranger would send at this second with this nonce."""
    signer.generate_nonce, signer.generate_timestamp = (lambda: told["nonce"]), (lambda: told["timestamp"])
    key = rsa.load_rsa_private_key(told["private_key"])
    made = signer.sign_request(told["method"], told["path"], told["body"], told["mchid"], told["serial"], key)
    header: str = made.headers["Authorization"]
    return header


def main() -> None:
    on: Any = None
    for line in sys.stdin:
        told = json.loads(line)
        do = told.pop("do")
        answer: Any
        try:
            match do:
                case "client":
                    on, answer = client(told), "ready"
                case "call":
                    answer = called(on, told)
                case "download":
                    answer = downloaded(on, told["url"])
                case "callback":
                    answer = heard(on, told)
                case _:
                    answer = authorization(told)
        except Exception as error:  # noqa: BLE001 - whatever it is, the test wants to see it
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
