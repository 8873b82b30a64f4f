"""Runs in the stranger's environment: JSON lines with calls come in on standard input, what the package douyinpay makes of them goes out.

Nothing of ours is imported here, so that only the bytes on the wire connect the two.
"""

from __future__ import annotations

import base64
import importlib
import json
import sys
from typing import Any

sdk: Any = importlib.import_module("douyinpay")
auth: Any = importlib.import_module("douyinpay._auth")
notification: Any = importlib.import_module("douyinpay._notification")
errors: Any = importlib.import_module("douyinpay._errors")


class Frozen:
    """Stands in for `time` and for `secrets`, so that two parties can sign the same second with the same nonce."""

    def __init__(self, at: int, nonce: str) -> None:
        self._at, self._left = at, list(nonce)

    def time(self) -> float:
        return float(self._at)

    def choice(self, _: str) -> str:
        return self._left.pop(0)


def called(on: Any, told: dict[str, Any]) -> Any:
    """The answer of one method, verified by the SDK; a refusal by its code."""
    service, _, method = told["method"].partition(".")
    try:
        answer = getattr(getattr(on, service), method)(**told.get("arguments", {}))
    except errors.ServiceError as no:
        return {"code": no.code, "message": no.message}
    return {"base64": base64.b64encode(answer).decode()} if isinstance(answer, bytes) else answer


def heard(on: Any, told: dict[str, Any]) -> Any:
    """A callback's content, verified and unsealed."""
    names = {name: told["headers"][f"Douyinpay-{name.capitalize()}"] for name in ("signature", "timestamp", "nonce", "serial")}
    parser = notification.NotificationParser(on.config, on.cert_manager)
    return parser.parse(base64.b64decode(told["body"]).decode(), **names)


def authorization(told: dict[str, Any]) -> str:
    """The header that the stranger would send at this second with this nonce."""
    auth.time = auth.secrets = Frozen(told["timestamp"], told["nonce"])
    made = auth.sign_request(told["method"], told["path"], told["body"], told["mchid"], told["serial"], told["private_key"])
    header: str = made.to_header()
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
                    on, answer = sdk.DouyinPayClient(sdk.Config(**told)), "ready"
                case "call":
                    answer = called(on, told)
                case "callback":
                    answer = heard(on, told)
                case _:
                    answer = authorization(told)
        except Exception as error:  # noqa: BLE001 - whatever it is, the test wants to see it
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
