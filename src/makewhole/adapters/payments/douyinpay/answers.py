"""What a shop answers to Douyin Pay's callbacks: a status and a body go in, whether the callback was taken comes out."""

from __future__ import annotations

from makewhole.adapters.payments import strictjson

TAKEN = "SUCCESS"
"""The word of `{"code": "SUCCESS", "message": "OK"}`, as Douyin Pay's own SDK has a shop answer."""


def taken(status: int, body: bytes) -> bool:
    """Whether a shop took it: 200 or 204, and no other code in its answer. Many shops answer 200 with a word of failure."""
    if status not in {200, 204}:
        return False
    try:
        told = strictjson.read(strictjson.text(body))
    except ValueError:
        return True
    return not isinstance(told, dict) or told.get("code", TAKEN) == TAKEN
