"""The relay's HTTP face: a channel's POST goes to `engine.relay.receive` on a worker thread, its answer goes back within the limit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from makewhole.engine import relay

BODY_MAX = 64 * 1024
"""Bytes. A WeChat Pay callback is under 4 KiB; anything much larger is no callback."""

Receive = Callable[[Sequence[tuple[str, str]], bytes], relay.Answer]
log = structlog.get_logger()


def app(channels: Mapping[str, Receive], *, answer_within_s: float) -> Starlette:
    """The application: POST /notify/<channel> for callbacks, GET /healthz for whoever watches us."""
    routes = [Route("/healthz", _healthy)]
    for name, receive in channels.items():
        endpoint = partial(_notify, receive=receive, channel=name, answer_within_s=answer_within_s)
        routes.append(Route(f"/notify/{name}", endpoint, methods=["POST"]))
    return Starlette(routes=routes)


async def _healthy(_: Request) -> Response:
    return PlainTextResponse("ok\n")


async def _notify(request: Request, *, receive: Receive, channel: str, answer_within_s: float) -> Response:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_MAX:
            return _fail(413, "body too large")
    headers = [(k.decode("latin-1"), v.decode("latin-1")) for k, v in request.headers.raw]
    work = asyncio.to_thread(receive, headers, body)
    try:
        answer = await asyncio.wait_for(work, answer_within_s)
    except TimeoutError:
        # Not known to be kept: the channel must come again.
        log.warning("callback not kept in time", channel=channel, answer_within_s=answer_within_s)
        return _fail(503, "not kept in time")
    log.info("callback answered", channel=channel, status=answer.status, code=answer.code, why=answer.message)
    return JSONResponse({"code": answer.code, "message": answer.message}, status_code=answer.status)


def _fail(status: int, message: str) -> Response:
    return JSONResponse({"code": "FAIL", "message": message}, status_code=status)
