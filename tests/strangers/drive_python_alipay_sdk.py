"""Runs in the stranger's environment: JSON lines with calls come in on standard input, what python-alipay-sdk makes of them goes out.

Nothing of ours is imported here, so that only the bytes on the wire connect the two.
"""

from __future__ import annotations

import importlib
import json
import sys
from typing import Any

sdk: Any = importlib.import_module("alipay")


def client(told: dict[str, Any]) -> Any:
    """With certificates where they are given; plain keys otherwise."""
    gateway = told.pop("gateway")
    made = (sdk.DCAliPay if "alipay_root_cert_string" in told else sdk.AliPay)(**told)
    made._gateway = gateway
    return made


def called(on: Any, told: dict[str, Any]) -> Any:
    """The answer of one call, verified by the SDK."""
    return getattr(on, told["method"])(**told.get("arguments", {}))


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
                case "numbers":
                    answer = [on.app_cert_sn, on.alipay_root_cert_sn]
                case "verify":
                    answer = on.verify(told["parameters"], told["sign"])
                case _:
                    answer = on.sign_data(told["parameters"])
        except Exception as error:  # noqa: BLE001 - whatever it is, the test wants to see it
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
