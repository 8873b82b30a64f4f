"""How fast broken orders are mended at a slow channel, beside the bare calls: a table and `bench/results/drain.json` come out.

    .venv/bin/python bench/drain.py [--orders 50000] [--workers 16 32 64]

Every order was paid at the channel and never recorded in the shop: ask, plan, judge, write the shop, ask again, agree. All parts are the
real ones: the engine with its pool of threads, the store on SQLite with every commit flushed, the shop's tables under the shipped shop
file, the WeChat Pay connector and the HTTP client; the channel is the sandbox in another process, 100 ms away, with RSA both ways.

The yardstick is made in the same minutes: as many threads make the same signed calls through the same client to the same channel, and
nothing else. Ratios are of calls a second, engine to bare, so that neither the machine nor its neighbours decide.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent import futures
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench import drain_orders  # noqa: E402  the checkout must be on the path first
from bench.machine import described  # noqa: E402
from makewhole import ports, settings  # noqa: E402
from makewhole.adapters import http  # noqa: E402
from makewhole.adapters.payments.wechatpay import account, connector  # noqa: E402
from makewhole.adapters.shops import engines, eyes, hands, language, shopmap  # noqa: E402
from makewhole.adapters.store import journal, links  # noqa: E402
from makewhole.core import ids  # noqa: E402
from makewhole.engine import recover, sweep  # noqa: E402
from makewhole.model import policy  # noqa: E402
from makewhole.sandbox.wechatpay import keys  # noqa: E402
from makewhole.wiring import clocks  # noqa: E402

RESULT = ROOT / "bench" / "results" / "drain.json"
TARGET = 0.5
"""Of the bare rate."""
BARE_S = 12.0
"""Seconds of bare calls, before and after the engine."""
SAMPLE = 2_000
"""Orders mended at each size of pool; all of them at the one that is named last."""
SETTLE_S = 120.0
"""Seconds for what had to wait at the end."""
FIRST = 1_000
"""The first so many that were begun are compared with the most urgent so many."""
HEAD = (
    "threads  orders   bare/s engine/s  ratio  orders/s   CPU chan.CPU  waiting  commit. commits  CPU ms RSS MB  urgency    age  limited by"
)


@dataclass(kw_only=True)
class Line:
    """A transport that counts its calls and the seconds that they took, and remembers when a number was first asked for."""

    through: http.Transport
    calls: int = 0
    seconds: float = 0.0
    asked: dict[str, None] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        """One exchange."""
        number = url.rpartition("/")[2].partition("?")[0]
        with self.lock:
            self.asked.setdefault(number)
        begun = time.perf_counter()
        try:
            return self.through(method, url, headers, body)
        finally:
            took = time.perf_counter() - begun
            with self.lock:
                self.calls += 1
                self.seconds += took

    def restart(self) -> None:
        """Forget what was counted."""
        with self.lock:
            self.calls, self.seconds, self.asked = 0, 0.0, {}


@dataclass(kw_only=True)
class Meter:
    """What a stretch of time cost: begun when made, read once."""

    line: Line
    channel_pid: int
    begun: float = field(default_factory=time.perf_counter)
    cpu: float = field(default_factory=time.process_time)
    others: float = 0.0

    def __post_init__(self) -> None:
        self.line.restart()
        self.others = channel_cpu(self.channel_pid)

    def read(self, workers: int, latency_s: float) -> dict[str, float]:
        """Calls a second; shares of the wall clock: our process's CPU, the channel's, and the workers' waiting for answers."""
        wall = time.perf_counter() - self.begun
        return {
            "wall_s": wall,
            "calls": self.line.calls,
            "calls_per_s": self.line.calls / wall,
            "call_ms": self.line.seconds / max(self.line.calls, 1) * 1e3,
            "cpu": (time.process_time() - self.cpu) / wall,
            "channel_cpu": (channel_cpu(self.channel_pid) - self.others) / wall,
            "waiting": self.line.calls * latency_s / (workers * wall),
        }


def channel_cpu(pid: int) -> float:
    """Seconds that another process has used."""
    told = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def channel(orders: int, begun: datetime, latency_ms: float) -> Iterator[tuple[str, int]]:
    """The slow channel: its address and its process."""
    command = [sys.executable, str(ROOT / "bench" / "drain_channel.py"), str(orders), str(begun.timestamp()), str(latency_ms)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip(), process.pid
        finally:
            process.stdin.close()


def connected(address: str, line: Line) -> connector.WeChatPay:
    """The real connector, in public-key mode."""
    merchant = account.Account(
        name=ids.ChannelName("wechatpay"),
        mchid="1900000001",
        appid="wxd678efh567hg6787",
        serial_no=keys.serial("merchant"),
        private_key=keys.private("merchant"),
        apiv3_key=keys.APIV3_KEY.encode(),
        base_url=address,
        notify_url="https://shop.example/notify",
        public_key_id=keys.PUBLIC_KEY_ID,
        public_key=keys.public("public_key_mode"),
    )
    return connector.WeChatPay(merchant, http.Client(line), clocks.SystemClock())


def generous() -> policy.Book:
    """The shipped rules with their daily limits out of the way: fifty thousand repairs in one day are the bench's, not a merchant's."""
    book = settings.policy_book()
    limits = {policy.RuleName.REPAIRS_PER_DAY_MAX: 10**9, policy.RuleName.REPAIR_AMOUNT_PER_DAY_MAX: 10**15}
    house = tuple(msgspec.structs.replace(r, value=limits.get(r.name, r.value)) for r in book.house)
    return msgspec.structs.replace(book, house=house)


@contextlib.contextmanager
def attached(folder: Path, told: connector.WeChatPay) -> Iterator[ports.World]:
    """The engine's world over the shop in a folder, with a store of its own beside it."""
    map_ = shopmap.compile_map(language.load(settings.find_data("shops", "demo")))
    address = f"sqlite:///{folder / 'shop.db'}"
    reader, writer = engines.for_eyes(address), engines.for_hands(address)
    ticking = clocks.SystemClock()
    with journal.SqlStore(f"sqlite:///{folder / 'store.db'}") as store:
        yield ports.World(
            clock=ticking,
            eyes=eyes.attach(map_, reader, ticking, b"bench"),
            hands=hands.attach(map_, writer, reader),
            channels={told.name: told},
            store=store,
            policies=generous(),
            playbook=settings.load_playbook(),
        )
        reader.dispose()
        writer.dispose()


def bare(told: connector.WeChatPay, numbers: Sequence[ids.OrderNumber], workers: int, seconds: float) -> None:
    """Signed queries and nothing else, from as many threads."""
    until, at, lock = time.perf_counter() + seconds, iter(range(10**9)), threading.Lock()

    def work() -> None:
        while time.perf_counter() < until:
            with lock:
                n = next(at)
            claims, silences = told.ask([ids.OutTradeNo(numbers[n % len(numbers)])])
            assert claims, silences

    with futures.ThreadPoolExecutor(workers) as pool:
        for done in [pool.submit(work) for _ in range(workers)]:
            done.result()


@contextlib.contextmanager
def committing() -> Iterator[list[float]]:
    """Seconds of every commit of a store made meanwhile."""
    spans: list[float] = []
    commit = links.Link.commit

    def timed(self: links.Link) -> None:
        begun = time.perf_counter()
        commit(self)
        spans.append(time.perf_counter() - begun)

    links.Link.commit = timed  # type: ignore[method-assign]
    try:
        yield spans
    finally:
        links.Link.commit = commit  # type: ignore[method-assign]


def drained(world: ports.World, tasks: list[sweep.Task], workers: int) -> int:
    """Work on all of them until each is whole; how many had to wait and be taken up again (the shop's database was busy)."""
    with futures.ThreadPoolExecutor(workers, thread_name_prefix="order") as pool:
        states = [result.state for result in sweep.drain(world, tasks, pool)]
    assert set(states) <= {recover.State.WHOLE, recover.State.WAITING}, set(states)
    waited = waiting = states.count(recover.State.WAITING)
    give_up = time.monotonic() + SETTLE_S
    while waiting and time.monotonic() < give_up:
        waiting -= sum(result.state is recover.State.WHOLE for result in sweep.resume_left(world))
        time.sleep(0.2)
    return waited


def in_order(asked: Sequence[str], known: Mapping[ids.OrderNumber, drain_orders.Sold]) -> dict[str, float]:
    """How well the order of work follows urgency, and how little age: 1 is the same order, 0 is none."""
    worked = [ids.OrderNumber(n) for n in asked]
    urgent = {n: i for i, n in enumerate(sorted(worked, key=lambda n: (known[n].urgency(), n)))}
    oldest = {n: i for i, n in enumerate(sorted(worked, key=lambda n: (known[n].created_at, n)))}
    first = min(FIRST, len(worked))
    return {
        "rank_correlation_with_urgency": drain_orders.spearman([urgent[n] for n in worked]),
        "rank_correlation_with_age": drain_orders.spearman([oldest[n] for n in worked]),
        "of_the_first_among_the_most_urgent": sum(urgent[n] < first for n in worked[:first]) / first,
    }


def limited_by(figures: Mapping[str, float]) -> str:
    """The resource that was used up most: nothing else can hold the rate back while it is."""
    shares = {
        "channel latency times threads": figures["waiting"],
        "CPU of our process (one core: Python runs one thread at a time)": figures["cpu"],
        "CPU of the channel's process": figures["channel_cpu"],
        "CPU of the machine": (figures["cpu"] + figures["channel_cpu"]) / (os.cpu_count() or 1),
        "the store's commits": figures["committing"],
    }
    return max(shares, key=lambda name: shares[name])


def one_size(folder: Path, orders: int, begun: datetime, workers: int, latency_s: float, address: str, pid: int) -> dict[str, Any]:
    """Bare calls, the worklist, the drain, bare calls again: with so many threads on so many orders."""
    drain_orders.shop(folder / "shop.db", range(orders), begun)
    known = drain_orders.keys(range(orders), begun)
    pool_ = http.Pool(connections=workers)
    line = Line(through=pool_)
    told, numbers = connected(address, line), list(known)

    def bare_rate() -> dict[str, float]:
        meter = Meter(line=line, channel_pid=pid)
        bare(told, numbers, workers, BARE_S)
        return meter.read(workers, latency_s)

    with attached(folder, told) as world, committing() as commits:
        before = bare_rate()
        meter = Meter(line=line, channel_pid=pid)
        with futures.ThreadPoolExecutor(workers) as looking:
            tasks = sweep.worklist(world, pool=looking)
        listing = meter.read(workers, latency_s)
        assert len(tasks) == orders
        commits.clear()
        meter = Meter(line=line, channel_pid=pid)
        waited = drained(world, tasks, workers)
        draining = meter.read(workers, latency_s)
        draining |= {"committing": sum(commits) / draining["wall_s"], "commits": len(commits) / orders}
        order_of_work = in_order(list(line.asked), known)
        after = bare_rate()
        assert drain_orders.paid(folder / "shop.db") == orders
        assert world.store.cases(open_only=True) == []
    pool_.close()
    bare_per_s = (before["calls"] + after["calls"]) / (before["wall_s"] + after["wall_s"])
    return {
        "workers": workers,
        "orders": orders,
        "bare_calls_per_s": bare_per_s,
        "bare_call_ms": after["call_ms"],
        "bare_cpu": (before["cpu"] + after["cpu"]) / 2,
        "calls_per_s": draining["calls_per_s"],
        "ratio": draining["calls_per_s"] / bare_per_s,
        "target": TARGET,
        "met": draining["calls_per_s"] / bare_per_s >= TARGET,
        "orders_per_s": orders / draining["wall_s"],
        "calls_per_order": draining["calls"] / orders,
        "worklist_calls_per_s": listing["calls_per_s"],
        "worklist_ratio": listing["calls_per_s"] / bare_per_s,
        "limited_by": limited_by(draining),
        **{k: draining[k] for k in ("wall_s", "call_ms", "cpu", "channel_cpu", "waiting", "committing", "commits")},
        "waited": waited,
        "cpu_ms_per_order": draining["cpu"] * draining["wall_s"] / orders * 1e3,
        "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        **order_of_work,
    }


def show(row: Mapping[str, Any]) -> None:
    """One line of the table."""
    print(
        f"{row['workers']:7} {row['orders']:7,} {row['bare_calls_per_s']:8.0f} {row['calls_per_s']:8.0f} {row['ratio']:6.2f} "
        f"{row['orders_per_s']:9.1f} {row['cpu']:5.2f} {row['channel_cpu']:8.2f} {row['waiting']:8.2f} {row['committing']:8.2f} "
        f"{row['commits']:8.2f} {row['cpu_ms_per_order']:7.1f} {row['rss_mb']:6.0f} {row['rank_correlation_with_urgency']:8.3f} "
        f"{row['rank_correlation_with_age']:6.2f}  {row['limited_by']}",
        flush=True,
    )


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--orders", type=int, default=50_000, help="mended in the last measurement")
    parser.add_argument("--workers", type=int, nargs="+", default=[8, 32, 64, 16], help="sizes of pool; all orders at the last")
    parser.add_argument("--latency-ms", type=float, default=100.0)
    parser.add_argument("--folder", default=str(ROOT / ".cache"), help="where shop and store lie")
    parser.add_argument("--keep-result", action="store_true", help="print only")
    wanted = parser.parse_args()
    begun = datetime.now(UTC)
    print(HEAD)
    rows = []
    with channel(wanted.orders, begun, wanted.latency_ms) as (address, pid):
        for i, workers in enumerate(wanted.workers):
            orders = wanted.orders if i == len(wanted.workers) - 1 else min(SAMPLE, wanted.orders)
            with tempfile.TemporaryDirectory(prefix="drain-", dir=wanted.folder) as folder:
                rows.append(one_size(Path(folder), orders, begun, workers, wanted.latency_ms / 1e3, address, pid))
            show(rows[-1])
    if not wanted.keep_result:
        told = {"machine": described(Path(wanted.folder)), "python": platform.python_version(), "latency_ms": wanted.latency_ms}
        rounded = [{k: round(v, 4) if isinstance(v, float) else v for k, v in row.items()} for row in rows]
        RESULT.write_text(json.dumps({**told, "rows": rounded}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
