"""Runs in the stranger's environment: JSON lines with calls come in on standard input, what Alipay's own SDK makes of them goes out.

Nothing of ours is imported here, so that only the bytes on the wire connect the two.
"""

from __future__ import annotations

import http.client
import importlib
import json
import sys
from typing import Any
from urllib.parse import urlsplit

API = "alipay.aop.api"
web: Any = importlib.import_module(f"{API}.util.WebUtils")
signatures: Any = importlib.import_module(f"{API}.util.SignatureUtils")


def connected(url: str, query: str, timeout: float) -> tuple[str, http.client.HTTPConnection]:
    """As the SDK's own, which knows no ports but 80 and 443: absolute-form targets and all."""
    parts = urlsplit(url)
    return f"{url}?{query}", http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=timeout)


def client(told: dict[str, Any]) -> Any:
    web.get_http_connection = connected
    module: Any = importlib.import_module(f"{API}.DefaultAlipayClient")
    config = importlib.import_module(f"{API}.AlipayClientConfig").AlipayClientConfig()
    for name in ("app_id", "app_private_key", "alipay_public_key", "server_url", "charset"):
        if name in told:
            setattr(config, name, told[name])
    return module.DefaultAlipayClient(config)


def request(told: dict[str, Any]) -> Any:
    name = f"Alipay{told['name']}Request"
    made = getattr(importlib.import_module(f"{API}.request.{name}"), name)()
    made.biz_content = told["content"]
    if "notify_url" in told:
        made.notify_url = told["notify_url"]
    return made


def read(told: dict[str, Any], answer: str) -> Any:
    """What the SDK's own response class understands."""
    name = f"Alipay{told['name']}Response"
    made = getattr(importlib.import_module(f"{API}.response.{name}"), name)()
    made.parse_response_content(answer)
    told_fields = {k.lstrip("_"): v for k, v in vars(made).items() if isinstance(v, str)}
    return told_fields | {"success": made.is_success()}


def main() -> None:
    on: Any = None
    for line in sys.stdin:
        told = json.loads(line)
        answer: Any
        try:
            match told["do"]:
                case "client":
                    on, answer = client(told), "ready"
                case "execute":
                    answer = read(told, on.execute(request(told)))
                case "page":
                    answer = on.page_execute(request(told), http_method="GET")
                case "app":
                    answer = on.sdk_execute(request(told))
                case "sign":
                    content = signatures.get_sign_content(told["parameters"])
                    answer = [content, signatures.sign_with_rsa2(told["key"], content, told["charset"])]
                case _:
                    content = signatures.get_sign_content(told["parameters"])
                    answer = signatures.verify_with_rsa(told["key"], content.encode(told["charset"]), told["sign"])
        except Exception as error:  # noqa: BLE001 - whatever it is, the test wants to see it
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
