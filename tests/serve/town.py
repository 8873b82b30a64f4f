"""A shop, a payment channel and a folder of settings on loopback go up; `makewhole serve` processes stand between them, to be killed."""

from __future__ import annotations

import contextlib
import dataclasses
import enum
import http.client
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from unittest import mock

import sqlalchemy as sa

from makewhole import ports
from makewhole.adapters.store import journal, links
from makewhole.core import ids
from makewhole.sandbox import day, world
from makewhole.sandbox.channel import post, server
from makewhole.sandbox.shop import notices, schema, wechat
from makewhole.sandbox.shop.shop import Shop
from makewhole.sandbox.wechatpay import keys

MAKEWHOLE = str(Path(sys.executable).with_name("makewhole"))
SHOP = ids.ShopName("demo")
PATIENCE_S = 90.0
"""Seconds until what must happen has happened: two cores, shared with others."""

BEHIND = timedelta(minutes=3)


class Wall:
    """The machine's clock: what is signed for a real process is stamped by it."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, span: timedelta) -> None:
        time.sleep(span.total_seconds())


class Mood(enum.Enum):
    """How the shop's notify URL behaves."""

    WELL = "well"
    """As the shop's own handler does, with the defects that are on."""
    CLOSED = "closed"
    """Nobody listens on the port."""
    HANGS = "hangs"
    """Takes the request and never answers."""
    BREAKS_OFF = "breaks-off"
    FAILS = "fails"
    REFUSES = "refuses"
    GATEWAY = "gateway"
    """A proxy speaks for a shop that does not."""
    YES_TO_ALL = "yes-to-all"
    """200 for everything, and nothing is done."""


STATUS = {Mood.FAILS: 500, Mood.REFUSES: 401, Mood.GATEWAY: 502, Mood.YES_TO_ALL: 200}


class Door:
    """The shop's notify URL, on one port for its whole life, whoever listens there."""

    def __init__(self, shop: Shop, turn: threading.RLock) -> None:
        self.mood = Mood.WELL
        self._turn = turn
        self.heard: list[bytes] = []
        self._shop = shop
        self._held = threading.Event()
        self._open: ThreadingHTTPServer | None = None
        self._port = 0
        self.open()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/pay/notify/wechat"

    def open(self) -> None:
        """Listen."""
        if self._open is None:
            self._held.clear()
            self._open = ThreadingHTTPServer(("127.0.0.1", self._port), self._handler())
            self._open.daemon_threads = True
            self._port = self._open.server_address[1]
            threading.Thread(target=self._open.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self) -> None:
        """Let go of everybody who waits, and of the port."""
        if self._open is not None:
            self._held.set()
            self._open.shutdown()
            self._open.server_close()
            self._open = None

    def turn(self, mood: Mood) -> None:
        """From now on like this."""
        self.mood = mood
        if mood is Mood.CLOSED:
            self.close()
        else:
            self.open()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        door = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                door.heard.append(body)
                answer = door.answer(list(self.headers.items()), body)
                if answer is None:
                    self.close_connection = True
                    return
                with contextlib.suppress(OSError):
                    self.send_response(answer[0])
                    self.send_header("Content-Length", str(len(answer[1])))
                    self.end_headers()
                    self.wfile.write(answer[1])

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the standard library's signature
                """Standard error belongs to the tests."""

        return Handler

    def answer(self, headers: list[tuple[str, str]], body: bytes) -> tuple[int, bytes] | None:
        """Status and body; None where the connection ends without."""
        match self.mood:
            case Mood.HANGS:
                self._held.wait(60)
                return None
            case Mood.WELL:
                try:
                    # The sandbox's shop has one connection to its database.
                    with self._turn:
                        return notices.receive(self._shop, headers, body)
                except ConnectionError:
                    return 502, b""
            case mood if mood in STATUS:
                return STATUS[mood], b"{}"
            case _:
                return None


class Serving:
    """One `makewhole serve` process."""

    def __init__(self, folder: Path, config: Path, number: int) -> None:
        env = {k: v for k, v in os.environ.items() if not k.startswith(("MAKEWHOLE_", "LC_", "LANG"))} | {"LANG": "C.UTF-8"}
        self.log = folder / f"serve-{number}.log"
        with self.log.open("wb") as written:
            self.process = subprocess.Popen([MAKEWHOLE, "serve", "--config", str(config)], cwd=folder, env=env, stderr=written)
        self.port = 0

    def listening(self) -> Serving:
        """Once it takes callbacks."""

        def up() -> bool:
            assert self.process.poll() is None, self.told()
            found = re.search(r"Callbacks are taken at [^:]+:(\d+)", self.told())
            self.port = int(found[1]) if found else 0
            return found is not None

        eventually(up, "serve listens")
        return self

    def told(self) -> str:
        """What it wrote on standard error so far."""
        return self.log.read_text(encoding="utf-8")

    def kill(self) -> None:
        """As the machine does it when memory runs out."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(30)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """As a supervisor does it; its exit code."""
        self.process.send_signal(number)
        return self.process.wait(60)

    def post(self, headers: Any, body: bytes, path: str = "/notify/wechatpay") -> tuple[int, bytes]:
        """As a channel does it: five seconds. Raises OSError where nobody answers."""
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            line.request("POST", path, body=body, headers=dict(headers))
            answer = line.getresponse()
            return answer.status, answer.read()
        except http.client.HTTPException as torn:
            raise ConnectionResetError(str(torn)) from torn
        finally:
            line.close()


@dataclasses.dataclass(kw_only=True)
class Town:
    """Everything around the processes, and the processes."""

    folder: Path
    day: day.Day
    door: Door
    base_url: str
    store: str
    told: dict[str, dict[str, object]]
    turn: threading.RLock
    """Whoever makes something happen in this town holds it: buyers and the passing of time are of two threads."""
    processes: list[Serving] = dataclasses.field(default_factory=list)

    def serve(self, **engine: object) -> Serving:
        """Start one more, and wait until it takes callbacks."""
        return self.begin(**engine).listening()

    def begin(self, **engine: object) -> Serving:
        """Start one more."""
        config = self.folder / f"makewhole-{len(self.processes)}.toml"
        config.write_text(self.toml(engine), encoding="utf-8")
        self.processes.append(Serving(self.folder, config, len(self.processes)))
        return self.processes[-1]

    def relay(self, headers: Any, body: bytes) -> int:
        """The channel's way in: to whichever process answers, first the one that was started last."""
        for serving in reversed(self.processes):
            if serving.process.poll() is None and serving.port:
                return serving.post(headers, body)[0]
        raise ConnectionRefusedError("no relay")

    @contextlib.contextmanager
    def time_passing(self, behind: timedelta = BEHIND) -> Iterator[None]:
        """The channel at work: refunds end, callbacks come again by its schedule, which runs faster here than in life.

        It stays behind the machine's clock, so that whatever was paid here was paid longer ago than a callback may be under way.
        """
        over, trouble = threading.Event(), []

        def live() -> None:
            while not over.wait(0.1):
                try:
                    with self.turn:
                        self.day.run_until(min(self.day.clock.now() + timedelta(seconds=3), datetime.now(UTC) - behind))
                except Exception as wrong:  # noqa: BLE001 - raised below
                    trouble.append(wrong)
                    return

        living = threading.Thread(target=live)
        living.start()
        try:
            yield
        finally:
            over.set()
            living.join()
        if trouble:
            raise trouble[0]

    @contextlib.contextmanager
    def remembered(self) -> Iterator[journal.SqlStore]:
        """The store that the processes share, read from outside."""
        with journal.SqlStore(self.store) as opened:
            yield opened

    def sql(self, statement: str, **values: object) -> list[tuple[Any, ...]]:
        """One statement on the store, for what no port tells."""
        engine = links.engine(self.store)
        try:
            with engine.begin() as connection:
                done = connection.execute(sa.text(statement), values)
                return [tuple(row) for row in done] if done.returns_rows else []
        finally:
            engine.dispose()

    def kept(self, number: str) -> list[ports.Kept]:
        """What is in the inbox about one attempt."""
        with self.remembered() as store:
            return list(store.notices(SHOP, ids.OutTradeNo(number)))

    def status(self, sn: str) -> schema.Status:
        """Of the shop's row."""
        return schema.Status(int(self.day.row(sn, "status")))

    def times_paid(self) -> dict[str, int]:
        """How often each order was moved to "paid": its history has a line for each time."""
        rows = self.day.shop.rows.all("SELECT order_sn, COUNT(*) AS n FROM order_log WHERE to_status = 20 GROUP BY order_sn")
        return {row["order_sn"]: row["n"] for row in rows}

    def stock_differences(self) -> list[str]:
        """Goods of which available, locked and sold do not add up to what ever came, or where something stays locked for nobody."""
        rows = self.day.shop.rows.all("SELECT * FROM sku_stock")
        return [r["sku_code"] for r in rows if r["available"] + r["locked"] + r["sold"] != self.day.arrived[r["sku_code"]]]

    def complaints(self) -> tuple[str, ...]:
        """Of an audit of the evidence log that trusts nothing stored."""
        with self.remembered() as store:
            return store.audit().complaints

    def owners(self) -> set[int]:
        """Process ids that held runs last."""
        return {int(row[0].split(":")[1]) for row in self.sql("SELECT owner FROM mw_runs") if row[0]}

    def toml(self, engine: dict[str, object]) -> str:
        """The settings, as a file."""
        sections = {name: dict(values) for name, values in self.told.items()}
        sections.setdefault("engine", {}).update(engine)
        lines = [f'store = "{self.store}"', f'keys = "{self.folder}/keys"']
        for name, values in sections.items():
            lines.append(f"[{name}]")
            lines += [f"{key} = {value}" if isinstance(value, int) else f'{key} = "{value}"' for key, value in values.items()]
        return "\n".join(lines) + "\n"


@contextlib.contextmanager
def raised(folder: Path, *, store: str = "", age: timedelta = timedelta(minutes=20), hands: bool = True) -> Iterator[Town]:
    """A town whose first day begins `age` ago. Nobody serves yet."""
    with mock.patch.object(world, "START", datetime.now(UTC) - age):
        made = world.found(1, folder / "shop.db")
    made.channel.wire_clock = made.channel.notices.wire_clock = Wall()
    made.shop.till = _till(made)
    made.bank.refund_takes = timedelta(seconds=1)
    turn = threading.RLock()
    door = Door(made.shop, turn)
    with server.serving(made.channel) as base_url:
        town = Town(
            folder=folder,
            day=made,
            door=door,
            base_url=base_url,
            store=store or f"sqlite:///{folder}/makewhole.db",
            turn=turn,
            told=_settings(folder, made, base_url, door.url, hands=hands),
        )
        made.relay = town.relay
        try:
            yield town
        finally:
            for serving in town.processes:
                if serving.process.poll() is None:
                    serving.kill()
            door.close()


def _till(made: day.Day) -> wechat.WechatTill:
    """The shop's own client, on the machine's clock, as the channel's side of the wire is."""
    merchant = wechat.Merchant(
        mchid=made.channel.merchant.mchid,
        appid=made.channel.merchant.appid,
        serial=keys.serial("merchant"),
        key=keys.private("merchant"),
        apiv3_key=keys.APIV3_KEY.encode(),
        channel_keys={keys.PUBLIC_KEY_ID: keys.public("public_key_mode")},
        notify_url="https://relay.example/notify/wechatpay",
    )
    return wechat.WechatTill(merchant, made.channel.handle, Wall())


def _settings(folder: Path, made: day.Day, base_url: str, notify_url: str, *, hands: bool) -> dict[str, dict[str, object]]:
    (folder / "key.pem").write_bytes(keys.pem("merchant_key"))
    (folder / "channel.pem").write_bytes(keys.public_pem("public_key_mode"))
    (folder / "apiv3.key").write_text(keys.APIV3_KEY, encoding="utf-8")
    address = f"sqlite:///{folder}/shop.db"
    shop: dict[str, object] = {"file": "demo", "database": address, "notify_url": notify_url}
    merchant = made.channel.merchant
    return {
        "shop": shop | ({"hands_database": address} if hands else {}),
        "wechatpay": {
            "mchid": merchant.mchid,
            "appid": merchant.appid,
            "serial_no": keys.serial("merchant"),
            "private_key_file": f"{folder}/key.pem",
            "apiv3_key_file": f"{folder}/apiv3.key",
            "base_url": base_url,
            "public_key_id": keys.PUBLIC_KEY_ID,
            "public_key_file": f"{folder}/channel.pem",
            "notify_url": "https://relay.example/notify/wechatpay",
        },
        "relay": {"port": 0},
        "engine": {"sweep_every_s": 1, "forward_every_s": 1, "books_every_s": 0, "lease_s": 5},
    }


def eventually(so: Callable[[], bool], what: str, within_s: float = PATIENCE_S) -> None:
    """Wait until it is so. Fails, saying what was waited for."""
    give_up = time.monotonic() + within_s
    while not so():
        assert time.monotonic() < give_up, f"not within {within_s:g} s: {what}"
        time.sleep(0.05)


def callback(town: Town, number: str) -> post.Delivery:
    """The channel's notice of a payment, signed now."""
    made = next(n for n in town.day.channel.notices.all if n.number == number)
    return town.day.channel.notices.dress(made)


def chance(seed: int) -> random.Random:
    """Repeatable moments to kill at."""
    return random.Random(f"kill {seed}")
