"""Runs in the stranger's environment: JSON lines with calls come in on standard input, what the package doudian makes of them goes out.

Nothing of ours is imported here, so that only the bytes on the wire connect the two.
"""

from __future__ import annotations

import importlib
import json
import sys
from typing import Any

sdk: Any = importlib.import_module("doudian")


def made(told: dict[str, Any]) -> Any:
    """A client of a merchant's tool; it has its tokens before it is given back."""
    client = sdk.DouDian(app_key=told["app_key"], app_secret=told["app_secret"], app_type=sdk.AppType.TOOL)
    client._gate_way = told["gateway"]
    if told.get("code"):
        client.init_token(told["code"])
    return client


def main() -> None:
    on: Any = None
    for line in sys.stdin:
        told = json.loads(line)
        do = told.pop("do")
        answer: Any
        try:
            match do:
                case "client":
                    on = made(told)
                    answer = on._token
                case "call":
                    answer = on.request(told["path"], told["params"])
                case _:
                    answer = on._sign(method=told["method"], param_json=told["param_json"], timestamp=told["timestamp"])
        except Exception as error:  # noqa: BLE001 - whatever it is, the test wants to see it
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
