"""The sandbox's WeChat Pay in a process of its own, each answer held back for a channel's latency: numbers come in, an address goes out.

One thread and no thread switches: on a small machine a threading server would take from the engine the core that is to be measured.
Signatures are checked and made as in the sandbox, with real RSA keys. Standard input's end stops it.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench import drain_orders  # noqa: E402  the checkout must be on the path first
from makewhole.sandbox.channel import truth  # noqa: E402
from makewhole.sandbox.wechatpay import gateway  # noqa: E402
from makewhole.wiring import clocks  # noqa: E402


def filled(orders: int, begun: datetime) -> gateway.Gateway:
    """A channel that was paid for every one of the orders."""
    made = gateway.Gateway(clocks.SystemClock())
    for n in range(orders):
        sold = drain_orders.sold(n, begun)
        asked = truth.Order(
            kind="native",
            appid=made.merchant.appid,
            mchid=made.merchant.mchid,
            description="tea",
            out_trade_no=sold.number,
            total=sold.amount_fen,
        )
        made.truth.transactions[sold.number] = truth.Transaction(
            order=asked,
            created_at=sold.created_at,
            prepay="",
            state="SUCCESS",
            transaction_id=sold.transaction,
            paid=sold.amount_fen,
            paid_at=sold.created_at + timedelta(minutes=1),
            openid="a-buyer",
        )
    return made


async def serve(channel: gateway.Gateway, latency_s: float) -> None:
    """Answer on a free port until nobody holds our standard input any more."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                due = loop.time() + latency_s
                first, *lines = head.rstrip("\r\n").split("\r\n")
                method, target, _ = first.split(" ")
                headers = {name.lower(): told.strip() for name, _, told in (line.partition(":") for line in lines)}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                status, answered, content = channel.handle(method, target, headers, body)
                channel.asked.clear()
                await asyncio.sleep(due - loop.time())
                told = "".join(f"{name}: {value}\r\n" for name, value in answered.items())
                phrase = HTTPStatus(status).phrase
                writer.write(f"HTTP/1.1 {status} {phrase}\r\n{told}Content-Length: {len(content)}\r\n\r\n".encode() + content)
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0, backlog=256)
    sys.stdout.write(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


def main() -> None:
    """How many orders, since when, how slow."""
    orders, begun, latency_ms = int(sys.argv[1]), datetime.fromtimestamp(float(sys.argv[2]), UTC), float(sys.argv[3])
    asyncio.run(serve(filled(orders, begun), latency_ms / 1e3))


if __name__ == "__main__":
    main()
