"""Serve: settings go in; relay, forwarding, sweeps and left-over runs keep going until told to stop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent import futures
from contextlib import ExitStack
from functools import partial

import structlog
import uvicorn

from makewhole import ports, settings
from makewhole.core import faults
from makewhole.engine import closing, daily, daysheets, feed, gather, payouts, relay, signals, sweep, wake
from makewhole.model import daysheet
from makewhole.ports import accounts
from makewhole.web import histories, images
from makewhole.web import relay as relay_page
from makewhole.wiring import channels as wiring_channels
from makewhole.wiring import search as wiring_search
from makewhole.wiring import worlds

STOP_WITHIN_S = 20
"""Seconds to finish the calls under way after SIGTERM: longer than one call's time-out; then the journal takes over."""
CLOSE_WITHIN_S = 5
"""Seconds for the answers under way after SIGTERM: as long as a channel waits for one."""
CHECKPOINT_EVERY_S = 60
"""Seconds between signed roots of the evidence log: what a thief of the machine could still rewrite."""
FOLLOW_EVERY_S = 600
"""Seconds between looks at orders of which the books differ: most are a person's, and each look asks a channel."""
SIGNALS_EVERY_S = 60
"""Seconds between looks at what is not as usual about the whole shop: a burst of refunds is stopped within a minute."""
ANSWERS_EVERY_S = 1
"""Seconds between two notes of the codes that questions were answered with: what a kill may lose. Nothing is written where none came."""
Publish = Callable[[Sequence[daysheet.DaySheet]], object]
"""Puts the sheets of a day, one for each channel, where people find them."""
log = structlog.get_logger()


def serve(
    told: settings.Settings, stop: threading.Event, ready: Callable[[int], None] | None = None, publish: Publish | None = None
) -> None:
    """Run until `stop` is set. What is under way is finished or left to the journal; kill -9 loses nothing that was acknowledged.

    Raises Credentials before the first callback is taken, where a channel does not know us; and our own mistake, once all has stopped.
    """
    with ExitStack() as stack:
        world = stack.enter_context(worlds.open_world(told))
        _introduce(world)
        pool = futures.ThreadPoolExecutor(told.engine.workers, thread_name_prefix="order")
        # Two hundred orders may stand in its queue: whoever stops begins none of them.
        stack.callback(pool.shutdown, wait=True, cancel_futures=True)
        every = _Rounds(stop)
        threads = [
            every(told.engine.forward_every_s, "forward", partial(relay.forward_due, world, stop.is_set)),
            every(told.engine.sweep_every_s, "sweep", partial(_sweep, world, pool, stop)),
            every(told.engine.forward_every_s, "resume", partial(sweep.resume_left, world)),
            every(CHECKPOINT_EVERY_S, "books", partial(worlds.keep_books, world)),
            every(SIGNALS_EVERY_S, "signals", partial(signals.keep, world)),
            every(ANSWERS_EVERY_S, "answers", partial(signals.keep_answers, world)),
            every(told.images.every_s, "images", images.Rounds(told, world, stop)),
            every(told.engine.search_every_s, "search", partial(_feed, told, world, stop)),
        ]
        threads.append(every(told.history.every_s, "changes", histories.Tidying(told, world)))
        if told.history.archive:
            threads.append(every(told.history.every_s, "history", histories.Rounds(told)))
        else:
            threads.append(every(histories.REMIND_EVERY_S, "history", partial(histories.remind, told)))
        if told.engine.books_every_s > 0:
            threads.append(every(told.engine.books_every_s, "daily", partial(_daily, world, stop, publish)))
            threads.append(every(FOLLOW_EVERY_S, "differences", partial(_follow, world, stop)))
        if world.trail is not None:
            threads.append(
                every(told.engine.forward_every_s, "wake", wake.Wake(world=world, trail=world.trail, pool=pool, stopped=stop.is_set))
            )
        server = _server(told, world)
        web = threading.Thread(target=server.run, name="relay", daemon=True)
        web.start()
        try:
            _wait_until_listening(server, web, stop)
            if server.started:
                port = server.servers[0].sockets[0].getsockname()[1]
                log.info("serving", relay=f"{told.relay.host}:{port}", shop=world.eyes.shop, channels=sorted(world.channels))
                if ready is not None:
                    ready(port)
            while not stop.wait(0.2):
                if not web.is_alive():
                    raise faults.Unavailable(f"the relay stopped: is {told.relay.host}:{told.relay.port} free?")
        finally:
            stop.set()
            server.should_exit = True
            _join([web, *threads])
        if every.failure is not None:
            raise every.failure
        log.info("stopped")


def _introduce(world: ports.World) -> None:
    """Ask each channel for what cannot exist: whoever does not know us must be told of now, and not with the first order of the night.

    Raises Credentials. A channel that is silent is asked again by every sweep: callbacks are taken meanwhile.
    """
    for name in ports.channel_names(world):
        _, silences = world.channels[name].ask([gather.NOBODYS_NUMBER])
        for quiet in silences:
            log.info("channel", channel=name, answers=quiet.why.value, detail=quiet.detail)


def _join(threads: list[threading.Thread]) -> None:
    give_up = time.monotonic() + STOP_WITHIN_S
    for thread in threads:
        thread.join(max(give_up - time.monotonic(), 0))
        if thread.is_alive():
            log.warning("left to the journal", loop=thread.name)


def _server(told: settings.Settings, world: ports.World) -> uvicorn.Server:
    readers = wiring_channels.notice_readers(world)
    says = wiring_channels.answers(readers)
    page = relay_page.app(
        {str(name): (partial(relay.receive, world, reader), says[name]) for name, reader in readers.items()},
        answer_within_s=told.relay.answer_within_ms / 1000,
    )
    config = uvicorn.Config(
        page,
        host=told.relay.host,
        port=told.relay.port,
        log_config=None,
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=CLOSE_WITHIN_S,
    )
    return uvicorn.Server(config)


def _wait_until_listening(server: uvicorn.Server, web: threading.Thread, stop: threading.Event) -> None:
    while not server.started and web.is_alive() and not stop.wait(0.01):
        pass


def _sweep(world: ports.World, pool: futures.Executor, stop: threading.Event) -> None:
    """One sweep of the shop's rows, and work on what it found; cut short by the stop, and begun again next time."""
    seen = sweep.Tally()
    tasks = sweep.worklist(world, seen, pool, stop.is_set)
    for result in sweep.drain(world, tasks, pool):
        log.info("order", order=str(result.order), state=result.state.value)
        if stop.is_set():
            return
    log.info("swept", suspects=seen.suspects, broken=seen.broken, unjudged=seen.unjudged, one_sided=seen.one_sided)


def _daily(world: ports.World, stop: threading.Event, publish: Publish | None) -> None:
    """Close the days that are due, follow what differs, and print the days that were closed or moved on."""
    books = world.books
    if books is None:
        return
    days = {r.of.day for r in daily.keep(world, books, stop.is_set) if r.state in closing.NEWS}
    days |= payouts.keep(world, books)
    for day in sorted(days):
        if publish is not None:
            publish(daysheets.sheets(world, books, day, sorted(books.sources)))


def _follow(world: ports.World, stop: threading.Event) -> None:
    if world.books is not None:
        daily.follow(world, world.books, stop.is_set)


def _feed(told: settings.Settings, world: ports.World, stop: threading.Event) -> None:
    """What happened since the last time goes into the search index; every order again once a day."""
    with wiring_search.open_archive(told) as archive:
        fed = feed.refresh(world, archive, wiring_search.open_search(told), stopped=stop.is_set)
    log.info("search", orders=fed.orders, callbacks=fed.callbacks, cases=fed.cases, changes=fed.changes)


class _Rounds:
    """Threads that work, wait, and work again. A fault ends one round; our own mistake ends the process, and is its `failure`."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self.failure: BaseException | None = None

    def __call__(self, seconds: float, name: str, work: Callable[[], object]) -> threading.Thread:
        """One more thread, under way."""
        thread = threading.Thread(target=self._loop, args=(seconds, name, work), name=name, daemon=True)
        thread.start()
        return thread

    def _loop(self, seconds: float, name: str, work: Callable[[], object]) -> None:
        refused = ""
        while not self._stop.is_set():
            try:
                work()
                refused = ""
            except faults.Credentials as unknown:
                # True until somebody mends it, so said once and not every minute. The relay goes on: callbacks would be lost with it.
                if refused != unknown.code:
                    log.warning("the channel does not accept who we say we are", loop=name, why=unknown.why)
                refused = unknown.code or ""
            except accounts.Altered as altered:
                # Not our code is wrong but a row of our store: what does not need it goes on, and whoever keeps the books wakes a person.
                log.warning("altered", loop=name, record=altered.record)
            except faults.Defect as ours:
                self._fail(name, ours)
            except (faults.Fault, faults.BadInput) as fault:
                log.warning("round failed", loop=name, why=str(fault))
            except BaseException as ours:  # noqa: BLE001 - raised again by `serve`: a thread that dies alone is a service that lies
                self._fail(name, ours)
            self._stop.wait(seconds)

    def _fail(self, name: str, ours: BaseException) -> None:
        # What breaks while everything is being put down broke because of that.
        if self._stop.is_set():
            log.warning("cut off by the stop", loop=name, why=str(ours))
            return
        log.error("defect", loop=name, why=f"{type(ours).__name__}: {ours}")
        self.failure = self.failure or ours
        self._stop.set()
