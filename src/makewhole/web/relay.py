"""The relay's HTTP face: a channel's POST goes to `engine.relay.receive` on a worker thread, its answer goes back within the limit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from makewhole.adapters.payments import joining
from makewhole.engine import relay

BODY_MAX = 64 * 1024
"""Bytes. A WeChat Pay callback is under 4 KiB; anything much larger is no callback."""

Receive = Callable[[Sequence[tuple[str, str]], bytes], relay.Answer]
Say = Callable[[int, str, str], joining.Said]
"""A status, a code and a message -> the body of the answer, in the words that a channel reads."""
log = structlog.get_logger()


def app(channels: Mapping[str, tuple[Receive, Say]], *, answer_within_s: float) -> Starlette:
    """The application: POST /notify/<channel> for callbacks, GET /healthz for whoever watches us."""
    routes = [Route("/healthz", _healthy)]
    for name, (receive, say) in channels.items():
        endpoint = partial(_notify, receive=receive, say=say, channel=name, answer_within_s=answer_within_s)
        routes.append(Route(f"/notify/{name}", endpoint, methods=["POST"]))
    return Starlette(routes=routes)


async def _healthy(_: Request) -> Response:
    return PlainTextResponse("ok\n")


async def _notify(request: Request, *, receive: Receive, say: Say, channel: str, answer_within_s: float) -> Response:
    try:
        # One time for all of it: who sends a byte a second must not hold a connection open for ever.
        async with asyncio.timeout(answer_within_s):
            body = await _body(request)
            if body is None:
                return _said(say, 413, "FAIL", "body too large")
            headers = [(k.decode("latin-1"), v.decode("latin-1")) for k, v in request.headers.raw]
            answer = await asyncio.to_thread(receive, headers, body)
    except TimeoutError:
        # Not known to be kept: the channel must come again.
        log.warning("callback not kept in time", channel=channel, answer_within_s=answer_within_s)
        return _said(say, 503, "FAIL", relay.AGAIN)
    log.info("callback answered", channel=channel, status=answer.status, code=answer.code, why=answer.why)
    return _said(say, answer.status, answer.code, answer.message)


async def _body(request: Request) -> bytes | None:
    """The bytes as they came; None where they are too many."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_MAX:
            return None
    return bytes(body)


def _said(say: Say, status: int, code: str, message: str) -> Response:
    """The answer as this channel reads it."""
    told = say(status, code, message)
    return Response(told.body, status_code=status, media_type=told.media_type)
