"""Serve: settings go in; relay, forwarding, sweeps and left-over runs keep going until told to stop."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent import futures
from contextlib import ExitStack
from functools import partial

import structlog
import uvicorn

from makewhole import ports, settings, wiring
from makewhole.core import faults
from makewhole.engine import relay, sweep
from makewhole.web import relay as relay_page

STOP_WITHIN_S = 20
"""Seconds to finish the calls under way after SIGTERM: longer than one call's time-out; then the journal takes over."""
CHECKPOINT_EVERY_S = 60
"""Seconds between signed roots of the evidence log: what a thief of the machine could still rewrite."""
log = structlog.get_logger()


def serve(told: settings.Settings, stop: threading.Event, ready: Callable[[int], None] | None = None) -> None:
    """Run until `stop` is set. What is under way is finished or left to the journal; kill -9 loses nothing that was acknowledged."""
    with ExitStack() as stack:
        world = stack.enter_context(wiring.open_world(told, relayed=True))
        pool = stack.enter_context(futures.ThreadPoolExecutor(told.engine.workers, thread_name_prefix="order"))
        threads = [
            _every(stop, told.engine.forward_every_s, "forward", partial(relay.forward_due, world)),
            _every(stop, told.engine.sweep_every_s, "sweep", partial(_sweep, world, pool, stop)),
            _every(stop, told.engine.forward_every_s, "resume", partial(sweep.resume_left, world)),
            _every(stop, CHECKPOINT_EVERY_S, "checkpoint", partial(checkpoint, world)),
        ]
        server = _server(told, world)
        web = threading.Thread(target=server.run, name="relay", daemon=True)
        web.start()
        _wait_until_listening(server, web, stop)
        if ready is not None and server.started:
            ready(server.servers[0].sockets[0].getsockname()[1])
        log.info("serving", relay=f"{told.relay.host}:{told.relay.port}", shop=world.eyes.shop, channels=sorted(world.channels))
        while not stop.wait(0.2):
            if not web.is_alive():
                raise faults.Unavailable(f"the relay stopped: is {told.relay.host}:{told.relay.port} free?")
        server.should_exit = True
        for thread in (web, *threads):
            thread.join(STOP_WITHIN_S)
        log.info("stopped")


def checkpoint(world: ports.World) -> None:
    """Sign the evidence log as it is now."""
    if world.seal is not None:
        world.store.checkpoint(world.seal, wiring.ORIGIN)


def _server(told: settings.Settings, world: ports.World) -> uvicorn.Server:
    receivers = {str(name): partial(relay.receive, world, reader) for name, reader in wiring.notice_readers(world).items()}
    page = relay_page.app(receivers, answer_within_s=told.relay.answer_within_ms / 1000)
    config = uvicorn.Config(page, host=told.relay.host, port=told.relay.port, log_config=None, access_log=False, lifespan="off")
    return uvicorn.Server(config)


def _wait_until_listening(server: uvicorn.Server, web: threading.Thread, stop: threading.Event) -> None:
    while not server.started and web.is_alive() and not stop.wait(0.01):
        pass


def _sweep(world: ports.World, pool: futures.Executor, stop: threading.Event) -> None:
    """One sweep of the shop's rows, and work on what it found; cut short by the stop, and begun again next time."""
    seen = sweep.Tally()
    tasks = sweep.worklist(world, seen, pool)
    for result in sweep.drain(world, tasks, pool):
        log.info("order", order=str(result.order), state=result.state.value)
        if stop.is_set():
            return
    log.info("swept", suspects=seen.suspects, broken=seen.broken, unjudged=seen.unjudged)


def _every(stop: threading.Event, seconds: float, name: str, work: Callable[[], object]) -> threading.Thread:
    """A thread that works, waits, and works again. A fault ends one round, a Defect ends the process: it is our mistake."""

    def loop() -> None:
        while not stop.is_set():
            try:
                work()
            except faults.Defect:
                log.exception("defect", loop=name)
                stop.set()
                raise
            except (faults.Fault, faults.BadInput) as fault:
                log.warning("round failed", loop=name, why=str(fault))
            stop.wait(seconds)

    thread = threading.Thread(target=loop, name=name, daemon=True)
    thread.start()
    return thread
