"""Lives: one worker after another looks after a world; where one is killed or gives up, the next one begins. What they did is noted."""

from __future__ import annotations

from collections.abc import Callable

from makewhole import ports
from makewhole.core import faults
from makewhole.model import plan
from makewhole.rehearsal import course, judgement, stage, watch
from makewhole.sandbox import laws
from makewhole.sandbox.shop import till

Refuses = Callable[[plan.Step], bool]
"""Whether the shop refuses this step, for a reason of its own."""


class Lives:
    """The workers of one world: at most one is alive here; a second one beside it is `another`."""

    def __init__(self, on: stage.Stage, hooks: watch.Hooks, refuses: Refuses | None = None) -> None:
        self.on, self.hooks = on, hooks
        self.book = watch.Notebook(on=on, lease=on.world.lease)
        self.roots = judgement.Roots(on=on)
        self.course = course.Course(on=on)
        self._refuses = refuses
        self._count = 0
        self.worker = self.another()
        on.day.relay = self._relay

    def another(self) -> ports.World:
        """One more worker, with the same shop, channel and store, and a name of its own."""
        self._count += 1
        return watch.worker(self.on, self.book, self.hooks, f"worker-{self._count}", self._refuses)

    def alive(self, work: Callable[[ports.World], None]) -> bool:
        """Let the worker work; whether it came to the end of it."""
        try:
            work(self.worker)
        except watch.Crash:
            self.worker = self.another()
            return False
        except faults.Fault as down:
            # As in `serve`: a fault ends the round, a Defect the process.
            self.hooks.trace.append(f"  gave up: {type(down).__name__} {down.why}")
            if isinstance(down, faults.Defect):
                self.worker = self.another()
            return False
        return True

    def judge(self, once_more: Callable[[], None]) -> course.Judged:
        """The laws and the grade, once the world has come to rest."""
        return self.course.judge(laws.breaches(judgement.scene(self.on, self.book, self.roots, once_more)))

    def _relay(self, headers: till.Headers, body: bytes) -> int:
        """Our notify URL. A process that dies here is a connection cut."""
        try:
            status = watch.receive(self.worker, self.book, headers, body)
        except watch.Crash as died:
            self.worker = self.another()
            raise ConnectionResetError("cut") from died
        self.on.day.at(self.on.day.clock.now() + stage.FORWARD_AFTER, self._forward_soon)
        return status

    def _forward_soon(self) -> None:
        self.alive(stage.forward_due)
