"""A channel on loopback: real sockets come in, the gateway's replies go out, header names spelled as documented."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Protocol

from makewhole.sandbox.channel import gate


class Front(Protocol):
    """Whatever answers requests."""

    base_url: str

    def handle(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> gate.Reply:
        """One request. Raises OSError where it is lost."""
        ...


BODY_BYTES_MAX = 1024 * 1024


@contextmanager
def serving(over: Front, port: int = 0) -> Iterator[str]:
    """Serve on a free port until the block ends; gives the base address, which the gateway then also uses in its links."""

    class Handler(_Handler):
        front = over

    httpd = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    httpd.daemon_threads = True
    over.base_url = f"http://127.0.0.1:{httpd.server_address[1]}"
    if isinstance(over, gate.Gate):
        over.pause, over.patience = _sleep, None
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield over.base_url
    finally:
        httpd.shutdown()
        httpd.server_close()
        thread.join(timeout=5)


def _sleep(span: timedelta) -> None:
    time.sleep(span.total_seconds())


class _Handler(BaseHTTPRequestHandler):
    front: Front
    protocol_version = "HTTP/1.1"
    server_version = "nginx"
    sys_version = ""
    timeout = 30
    # Headers and body go out as two writes; without this each answer waits 40 ms for the client's acknowledgement.
    disable_nagle_algorithm = True

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length > BODY_BYTES_MAX:
            self.send_error(413)
            return
        body = self.rfile.read(length)
        try:
            status, headers, answer = self.front.handle(self.command, self.path, dict(self.headers.items()), body)
        except OSError:
            # Lost on the way: the client sees the connection end without an answer.
            self.close_connection = True
            return
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        if self.command != "HEAD" and status != 204:
            self.wfile.write(answer)

    do_GET = do_POST = do_HEAD = _serve  # noqa: N815 - the standard library finds them by these names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the standard library's signature
        """Requests are counted by the gateway; standard error belongs to the tests."""
