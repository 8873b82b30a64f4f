"""The platform's signature: a request's words and the app's secret go in, 64 hex characters come out."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping

SCHEME = "hmac-sha256"


def compact(params: Mapping[str, object]) -> str:
    """The parameters as they are signed and sent: keys sorted at every depth, no blanks, every character as itself."""
    return json.dumps(params, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def sign(secret: str, *, app_key: str, method: str, param_json: str, timestamp: str) -> str:
    """Over five words in this order, the secret before and behind them. The access token and the scheme are not signed."""
    words = f"app_key{app_key}method{method}param_json{param_json}timestamp{timestamp}v2"
    return hmac.new(secret.encode(), f"{secret}{words}{secret}".encode(), hashlib.sha256).hexdigest()
