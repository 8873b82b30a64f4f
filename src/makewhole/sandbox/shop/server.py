"""The shop's notify URL on loopback: one POST route on a thread of its own."""

from __future__ import annotations

import socket
import threading
import time
from types import TracebackType
from typing import Self

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from makewhole.sandbox.shop import notices
from makewhole.sandbox.shop.shop import Shop

PATH = "/pay/notify/wechat"
START_WITHIN_S = 10.0


class NotifyServer:
    """Serves while entered; `url` is where the channel, or Makewhole's replay, posts to."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}{PATH}"
        app = Starlette(routes=[Route(PATH, self._notify, methods=["POST"])])
        self._server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off", access_log=False))
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        patience = time.monotonic() + START_WITHIN_S
        while not self._server.started:
            if time.monotonic() > patience:
                raise TimeoutError("the shop's server did not start")
            time.sleep(0.005)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.should_exit = True
        self._thread.join(START_WITHIN_S)
        self._socket.close()

    async def _notify(self, request: Request) -> Response:
        body = await request.body()
        headers = [(k.decode("latin-1"), v.decode("latin-1")) for k, v in request.headers.raw]
        try:
            status, answer = await run_in_threadpool(notices.receive, self._shop, headers, body)
        except ConnectionError:
            # A shop that is down answers nothing useful: its proxy does.
            status, answer = 502, b""
        return Response(answer, status_code=status, media_type="application/json")
