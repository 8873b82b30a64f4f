"""One key, one effect: every plan of the told orders, in a world that dies at any tick, loses answers, refuses and goes away."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from makewhole.core import ids
from makewhole.flow import execute
from makewhole.model import act, plan, run
from makewhole.model.run import End, Mark
from makewhole.sandbox import cases
from tests.flow import told


def _plans() -> dict[str, plan.Plan]:
    """One plan for each remedy and each length, out of the told orders."""
    found: dict[str, plan.Plan] = {}
    for c in cases.load_all():
        made = cases.judge(c, told.BOOK, told.PLAYBOOK).plan
        if made is not None and c.proposal is None:
            found.setdefault(f"{made.remedy.value}-{len(made.steps)}", made)
    return found


PLANS = _plans()
TURNS_MAX = 200
"""More turns than any run may take: a run that does not end within them goes in a circle."""


class Crash(BaseException):
    """The process dies here."""


@dataclass
class World:
    """A shop and channels that do what they are told as often as they are told it, lose answers, refuse, and die at a tick.

    It knows no idempotency: whoever asks twice gets two effects. `done` is what a look finds.
    """

    made: plan.Plan
    crash_at: tuple[int, ...] = ()
    lost_answer: int = -1
    lost_request: int = -1
    away: int = -1
    pending: int = -1
    refuses: act.AnyAct | None = None
    ticks: int = 0
    calls: int = 0
    effects: list[ids.Key] = field(default_factory=list)
    done: dict[ids.Key, act.AnyAct] = field(default_factory=dict)
    intended: set[ids.Key] = field(default_factory=set)

    def tick(self) -> None:
        self.ticks += 1
        if self.ticks in self.crash_at:
            raise Crash

    def saved(self, going: run.Run) -> None:
        """What is durable now: law 2 is checked against it."""
        self.intended |= {plan.key(going.plan.order, s) for s, m in zip(going.steps, going.marks, strict=True) if m is not Mark.PLANNED}

    def do(self, step: plan.Step) -> run.News:
        self.calls += 1
        key = plan.key(self.made.order, step)
        assert key in self.intended, "acted before the intent was saved"
        if self.calls == self.away:
            return run.NotDone(why="connection refused")
        if self.calls == self.lost_request:
            return run.Doubt(why="request lost")
        if step.act == self.refuses:
            return run.Refusal(why="no")
        self.done[key] = step.act
        self.effects.append(key)
        self.tick()
        if self.calls == self.lost_answer:
            return run.Doubt(why="answer lost")
        return run.Pending(why="accepted") if self.calls == self.pending else run.Succeeded()

    def look(self, step: plan.Step) -> run.News:
        return run.Saw(there=plan.key(self.made.order, step) in self.done)


def drive(world: World) -> run.Run:
    """The engine in twenty lines: save, then act; after a crash read what was saved, and wake it."""
    saved, news, now = execute.begin(world.made, told.NOW), run.Woken(), told.NOW
    going: run.Run = saved
    turn: run.News = news
    for _ in range(TURNS_MAX):
        try:
            going, command = execute.advance(going, turn, now)
            world.tick()
            saved = going
            world.saved(saved)
            world.tick()
            match command:
                case run.Do(step=step):
                    turn = world.do(step)
                case run.Look(step=step):
                    turn = world.look(step)
                case run.Wait(until=until):
                    assert until > now
                    now, turn = until, run.Woken()
                case run.Finish():
                    return saved
            world.tick()
        except Crash:
            going, turn = saved, run.Woken()
    raise AssertionError("the run goes in a circle")


def keys(made: plan.Plan) -> list[ids.Key]:
    return [plan.key(made.order, s) for s in made.steps]


@pytest.mark.parametrize("name", PLANS)
def test_every_plan_acts_once_wherever_the_process_dies(name: str) -> None:
    """Every single and double crash, with no answer lost and with each answer lost in turn."""
    made = PLANS[name]
    for lost in range(-1, len(made.steps)):
        calm = World(made, lost_answer=lost + 1 if lost >= 0 else -1)
        assert drive(calm).end is End.DONE
        assert calm.effects == keys(made)
        for crash in range(1, calm.ticks + 1):
            for again in range(crash, calm.ticks + 5):
                world = World(made, crash_at=(crash, again), lost_answer=calm.lost_answer)
                assert drive(world).end is End.DONE
                assert world.effects == keys(made), (lost, crash, again)


@pytest.mark.parametrize("name", PLANS)
@pytest.mark.parametrize("trouble", ["lost_request", "away", "pending"])
def test_every_plan_acts_once_whatever_gets_lost(name: str, trouble: str) -> None:
    """A request that never arrives, a connection that is refused, an answer that says later: at each call, with a crash at each tick."""
    made = PLANS[name]
    for call in range(1, len(made.steps) + 1):
        calm = World(made, **{trouble: call})  # type: ignore[arg-type]
        assert drive(calm).end is End.DONE
        assert calm.effects == keys(made)
        for crash in range(1, calm.ticks + 1):
            world = World(made, crash_at=(crash,), **{trouble: call})  # type: ignore[arg-type]
            assert drive(world).end is End.DONE
            assert world.effects == keys(made), (call, crash)


@pytest.mark.parametrize("name", PLANS)
def test_a_refused_step_undoes_what_was_done_last_first(name: str) -> None:
    """At each step, with a crash at each tick: what can be undone is undone once, in reverse, and then there is another plan."""
    made = PLANS[name]
    for at, refused in enumerate(made.steps):
        undo = [plan.Step(act=s.undo) for s in reversed(made.steps[:at]) if s.undo is not None]
        expected = keys(made)[:at] + [plan.key(made.order, s) for s in undo]
        calm = World(made, refuses=refused.act)
        ended = drive(calm)
        assert (ended.end, ended.gave_up) == (End.PLAN_AGAIN, "no")
        assert calm.effects == expected
        for crash in range(1, calm.ticks + 1):
            world = World(made, refuses=refused.act, crash_at=(crash,))
            assert drive(world).end is End.PLAN_AGAIN
            assert world.effects == expected, (at, crash)


def test_a_recall_undoes_its_reissue_before_it_gives_up() -> None:
    """Where the link cannot be published, the link is closed first and the reissued order cancelled after it."""
    made = PLANS["recall-5"]
    world = World(made, refuses=made.steps[-1].act)
    drive(world)
    assert [type(world.done[k]) for k in world.effects[-2:]] == [act.ClosePayment, act.CancelReissue]


def test_an_undoing_that_is_refused_is_a_persons() -> None:
    """Nothing is left half done in silence."""
    made = PLANS["recall-5"]
    undo = made.steps[-2].undo
    assert undo is not None
    world = World(made, refuses=made.steps[-1].act)
    going, _ = execute.advance(execute.begin(made, told.NOW), run.Woken(), told.NOW)
    for _ in made.steps[:-1]:
        going, _ = execute.advance(going, run.Succeeded(), told.NOW)
    going, command = execute.advance(going, run.Refusal(why="row changed"), told.NOW)
    assert isinstance(command, run.Do)
    assert command.step.act == undo
    going, command = execute.advance(going, run.Refusal(why="closed already"), told.NOW)
    assert isinstance(command, run.Finish)
    assert command.end is End.PERSON
    assert world.effects == []


@pytest.mark.parametrize("name", PLANS)
def test_a_run_that_ended_does_nothing_more(name: str) -> None:
    """Whatever is told to it: same run, same end, no act."""
    ended = drive(World(PLANS[name]))
    doubts: tuple[run.News, ...] = (run.Woken(), run.Succeeded(), run.Doubt(why=""), run.NotDone(why=""), run.Refusal(why=""))
    for news in (*doubts, run.Saw(there=True), run.Saw(there=False), run.Saw(there=None), run.Pending(why="")):
        after, command = execute.advance(ended, news, told.NOW)
        assert after == ended
        assert command == run.Finish(end=End.DONE)


def intended(made: plan.Plan) -> run.Run:
    return execute.advance(execute.begin(made, told.NOW), run.Woken(), told.NOW)[0]


def test_the_first_step_is_intended_before_it_is_done() -> None:
    """A fresh run intends nothing; the run to be saved beside the first Do does."""
    made = PLANS["recall-5"]
    assert execute.begin(made, told.NOW).marks == (Mark.PLANNED,) * 5
    going, command = execute.advance(execute.begin(made, told.NOW), run.Woken(), told.NOW)
    assert going.marks == (Mark.INTENDED,) + (Mark.PLANNED,) * 4
    assert command == run.Do(step=made.steps[0], index=0)


@pytest.mark.parametrize("news", [run.Woken(), run.Doubt(why="lost")])
def test_after_doubt_it_looks(news: run.News) -> None:
    """An intention without an answer is never carried out again blindly (law 4)."""
    going = intended(PLANS["record-payment-1"])
    after, command = execute.advance(going, news, told.NOW)
    assert after == going
    assert isinstance(command, run.Look)


TROUBLES: dict[str, tuple[run.News, ...]] = {
    "cannot tell": (run.Saw(there=None),),
    "accepted": (run.Pending(why="accepted"),),
    "away": (run.NotDone(why="503"),),
    "always lost": (run.Doubt(why="lost"), run.Saw(there=False)),
    "lost or away": (run.Doubt(why="lost"), run.Saw(there=False), run.NotDone(why="503")),
}


@pytest.mark.parametrize("name", TROUBLES)
def test_waiting_has_an_end_and_the_end_is_a_person(name: str) -> None:
    """The same trouble for ever: bounded waits, each later than the last instant, then a person; what is in doubt stays marked so."""
    going, now = intended(PLANS["refund-surplus-1"]), told.NOW
    waits: list[timedelta] = []
    answers = iter(TROUBLES[name] * TURNS_MAX)
    command: run.Command = run.Wait(until=now, why="")
    for _ in range(TURNS_MAX):
        going, command = execute.advance(going, next(answers), now)
        if isinstance(command, run.Wait):
            assert command.until > now
            waits.append(command.until - now)
            now = command.until
            going, command = execute.advance(going, run.Woken(), now)
        if isinstance(command, run.Finish):
            break
    assert isinstance(command, run.Finish), "it never ends"
    assert command.end is End.PERSON
    assert len(waits) in {execute.TRIES_MAX, execute.TRIES_MAX - 1}
    assert waits == sorted(waits)


def test_a_refund_that_takes_days_survives_a_bad_look() -> None:
    """Accepted for two days, then one look that fails: it goes on waiting instead of giving up."""
    going, now = intended(PLANS["refund-surplus-1"]), told.NOW
    for _ in range(len(execute.RETRY_WAITS) + 1):
        going, command = execute.advance(going, run.Pending(why="processing"), now)
        assert isinstance(command, run.Wait)
        now = command.until
    assert now - told.NOW > timedelta(days=1)
    going, command = execute.advance(going, run.Saw(there=None), now)
    assert isinstance(command, run.Wait)
    assert execute.advance(going, run.Succeeded(), now)[1] == run.Finish(end=End.DONE)


def test_a_new_step_starts_with_fresh_patience() -> None:
    """Waits on one step are not held against the next."""
    made = PLANS["recall-5"]
    going, _ = execute.advance(intended(made), run.NotDone(why="503"), told.NOW)
    assert going.tries == 1
    going, _ = execute.advance(going, run.Woken(), told.NOW)
    going, _ = execute.advance(going, run.Succeeded(), told.NOW)
    assert going.tries == 0


def test_a_lost_request_is_sent_again_at_once_and_then_with_waits() -> None:
    """After a crash between intent and act nothing is waited for; the second time in a row it is."""
    going = intended(PLANS["record-payment-1"])
    going, command = execute.advance(going, run.Saw(there=False), told.NOW)
    assert isinstance(command, run.Do)
    assert going.marks == (Mark.INTENDED,)
    going, command = execute.advance(going, run.Saw(there=False), told.NOW)
    assert isinstance(command, run.Wait)
    assert going.marks == (Mark.PLANNED,)


def test_every_remedy_was_driven() -> None:
    """The plans above are of every remedy that there is."""
    assert {made.remedy for made in PLANS.values()} == set(plan.Remedy)


def test_keys_are_of_intentions_not_of_contents() -> None:
    """The same refund asked with another amount has the same key: the other content is refused, never paid beside it."""
    made = PLANS["refund-surplus-1"]
    step = made.steps[0]
    assert isinstance(step.act, act.RefundPayment)
    other = plan.Step(act=act.RefundPayment(**{**{f: getattr(step.act, f) for f in step.act.__struct_fields__}, "amount": told.DUE}))
    assert plan.key(made.order, step) == plan.key(made.order, other)
    assert plan.key(made.order, step) != plan.key(ids.OrderKey(shop=ids.ShopName("x"), number=made.order.number), step)
    all_keys = [k for m in PLANS.values() for k in keys(m)]
    recall = keys(PLANS["recall-5"])
    assert len(set(recall)) == len(recall)
    assert all(len(k) == ids.KEY_LENGTH for k in all_keys)


def test_a_wait_is_measured_from_now() -> None:
    """Not from when the run began."""
    later = told.NOW + timedelta(days=3)
    _, command = execute.advance(intended(PLANS["record-payment-1"]), run.NotDone(why="503"), later)
    assert isinstance(command, run.Wait)
    assert command.until == later + execute.RETRY_WAITS[0]
    assert isinstance(command.until, datetime)
