"""Pieces of work of many threads come in, few durable commits go out: one commit, one flush to the disk, many callers.

One thread at a time writes for all. Whoever comes while nobody writes becomes that one and carries out what has gathered, its own
first; there is no thread to start, to hand over to and to stop, and a lone caller never waits for one. A piece of work refuses before
it writes (or takes a savepoint), so that its refusal undoes nothing of its neighbours'. Callers return after the commit.

The first statement locks the tree's one row (on SQLite the whole file), in every process: entries of evidence have one order, the tree
cannot fork, two writers cannot deadlock, and what a piece of work reads stays true until the commit.

A commit without an answer: the token that the transaction left in the tree's row tells (or, where another process has written since,
in the row of ours that it filed), and the lock on the tree's row makes sure that the server is done with the old transaction, one way or
the other, before we read it.
"""

from __future__ import annotations

import itertools
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

import msgspec

from makewhole.adapters.store import faults as foreign
from makewhole.adapters.store import links, statements
from makewhole.core import cards, codec, faults, merkle
from makewhole.model import case

Result = TypeVar("Result")
_NUMBERS = frozenset({"number", "subject", "payment", "key", "run", "case", "plan", "basis", "content", "bucket", "evidence"})
"""Of an entry's body: what stands there are numbers and digests of ours, of orders and of channels."""
Work = Callable[[statements.Tx], Result]

BATCH_MAX = 256
"""Pieces of work in one commit: what waits beyond is the next commit's; keeps the lock under a few hundredths of a second."""
TRIES_MAX = 8
"""Repeats after a deadlock, a lock not got or a lost connection; with the waits between them about three seconds."""
GATHER_S = 0.000_1
"""Seconds to wait for one more caller where several write at once: less than a flush takes on any disk. A lone caller never waits."""
PAUSE_S = 0.02
SETTLE_S = 30.0
"""Seconds to find out about a commit without an answer: a server's restart. Beyond it the caller is told that nobody knows."""


class Job(Generic[Result]):
    """A piece of work on its way: its result or its fault, and the gate at which its caller waits."""

    def __init__(self, work: Work[Result]) -> None:
        self.work = work
        self.result: Result | None = None
        self.fault: BaseException | None = None
        self.done = False
        self.leads = False
        self.gate = threading.Lock()
        self.gate.acquire()

    def fail(self, fault: BaseException) -> None:
        """The caller will see this."""
        self.fault = fault


class _ApartError(Exception):
    """A piece of work failed after it wrote: each must be carried out on its own."""


class _RolledBackError(Exception):
    """A commit without an answer turned out not to have happened."""


class Writer:
    """Writes for all threads of this process."""

    def __init__(self, connect: Callable[[], links.Link], texts: statements.Texts) -> None:
        self._connect = connect
        self._texts = texts
        self._mutex = threading.Lock()
        self._waiting: deque[Job[Any]] = deque()
        self._led = False
        self._link: links.Link | None = None
        self._id = secrets.token_hex(16)
        self._token = 0
        self._crowd = 1
        self.commits = 0
        """Durable commits so far, for the bench: pieces of work share them."""

    def write(self, work: Work[Result]) -> Result:
        """The result, durable. Raises what the work raised, or a fault."""
        job = Job(work)
        with self._mutex:
            self._waiting.append(job)
            lead = not self._led
            self._led = True
        if not lead:
            try:
                job.gate.acquire()
            except BaseException:
                self._abandon(job)
                raise
        if not job.done:
            self._lead(job)
        if job.fault is not None:
            raise job.fault
        return cast("Result", job.result)

    def close(self) -> None:
        """Give the connection back."""
        self.write(lambda _: None)  # after everybody else
        if self._link is not None:
            self._link.close()
            self._link = None

    # ------------------------------------------------------------ leading

    def _lead(self, own: Job[Any]) -> None:
        """Carry out one batch that holds our own work, wake its callers, and let the first who waits lead the next."""
        batch = self._gather()
        try:
            self._carry_out(batch)
        except BaseException as fault:  # noqa: BLE001  raised again by `write`
            for job in batch:
                job.fail(fault if job is own else faults.Indeterminate("the thread that was writing for all was interrupted"))
            # Interrupted in the middle: what is open is rolled back with its connection.
            self._drop()
        finally:
            self._hand_on(batch, own)

    def _hand_on(self, batch: list[Job[Any]], own: Job[Any]) -> None:
        with self._mutex:
            following = self._waiting[0] if self._waiting else None
            self._led = following is not None
            if following is not None:
                following.leads = True
        if following is not None:
            following.gate.release()
        for job in batch:
            job.done = True
            if job is not own:
                job.gate.release()

    def _abandon(self, job: Job[Any]) -> None:
        """Its caller was interrupted at the gate: not carried out if it has not begun; but somebody must lead if it was its turn."""
        with self._mutex:
            waits = job in self._waiting
            if waits and not job.leads:
                self._waiting.remove(job)
        if waits and job.leads:
            self._lead(job)

    def _gather(self) -> list[Job[Any]]:
        """Who shared the last commit comes again in a moment: wait while they come, so that the next commit is theirs too."""
        seen = -1
        while seen < len(self._waiting) < self._crowd:
            seen = len(self._waiting)
            time.sleep(GATHER_S)
        with self._mutex:
            # Slowly less, so that a commit that few shared by chance does not end the sharing.
            self._crowd = max(len(self._waiting), self._crowd - 2)
            count = min(len(self._waiting), BATCH_MAX)
            return [self._waiting.popleft() for _ in range(count)]

    def _carry_out(self, batch: list[Job[Any]]) -> None:
        try:
            self._try(batch)
        except _ApartError:
            for job in batch:
                job.fault = job.result = None
                try:
                    self._try([job])
                except _ApartError as wrong:
                    # It wrote and failed; alone it takes nobody with it.
                    job.fail(wrong.__cause__ or wrong)
                except faults.Fault as fault:
                    job.fail(fault)
        except faults.Fault as fault:
            for job in batch:
                # One each: an exception that two threads raise grows two tracebacks.
                own = type(fault)(fault.why, code=fault.code)
                own.__cause__ = fault.__cause__
                job.fail(own)

    def _try(self, batch: list[Job[Any]]) -> None:
        """One transaction, again where the database asks for it. Raises a fault that concerns the whole batch."""
        for tries in itertools.count(1):
            try:
                self._transaction(batch)
            except _RolledBackError as cut:
                if tries >= TRIES_MAX:
                    raise faults.Unavailable(f"writing to the store: the connection is cut in every commit: {cut.__cause__}") from cut
            except foreign.DRIVER_ERRORS as error:
                said = foreign.meaning(error)
                self._undo(said)
                if said is foreign.Meaning.OURS and len(batch) > 1:
                    raise _ApartError from error
                again = said in {foreign.Meaning.AGAIN, foreign.Meaning.LOST}
                if not again or tries >= TRIES_MAX:
                    raise foreign.translated(error, "writing to the store") from error
                time.sleep(PAUSE_S * tries)
            except BaseException:
                self._undo(foreign.Meaning.OURS)
                raise
            else:
                return

    def _transaction(self, batch: list[Job[Any]]) -> None:
        link = self._linked()
        link.begin()
        tx = statements.Tx(link.cursor, self._texts)
        head = _head(tx)
        for job in batch:
            _carry_out_one(tx, job)
        if tx.writes == 0 and not tx.entries:
            link.rollback()
            return
        self._finish(tx, head)
        try:
            link.commit()
        except foreign.DRIVER_ERRORS as error:
            if not self._happened(error):
                raise _RolledBackError from error
        self.commits += 1

    def _finish(self, tx: statements.Tx, head: _Head) -> None:
        """Steps and entries of the whole batch in one go; the tree grows with them; our token says that we were here."""
        if tx.steps:
            tx.many(statements.STEP_INSERT, tx.steps)
        size, frontier = head.size, head.frontier
        if tx.entries:
            tx.many(statements.ENTRY_INSERT, [(size + i, leaf, body) for i, (leaf, body) in enumerate(tx.entries)])
            for leaf, _ in tx.entries:
                frontier = merkle.append(frontier, size, leaf)
                size += 1
        if head.writer not in {"", self._id} and tx.run(statements.WRITER_UPDATE, w_id=head.writer, token=head.token) == 0:
            tx.run(statements.WRITER_INSERT, id=head.writer, token=head.token)
        self._token += 1
        packed = b"".join(frontier)
        if tx.run(statements.TREE_GROW, w_size=head.size, size=size, frontier=packed, writer=self._id, token=self._token) != 1:
            raise faults.Defect(f"the evidence tree grew from {head.size} beside us although we hold its lock")

    # ------------------------------------------------------------ connections and doubt

    def _linked(self) -> links.Link:
        if self._link is None:
            self._link = self._connect()
        return self._link

    def _drop(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            link.drop()

    def _undo(self, said: foreign.Meaning) -> None:
        """Roll back; where even that fails, the connection goes, and the database does it."""
        if self._link is None:
            return
        if said is not foreign.Meaning.LOST:
            try:
                self._link.rollback()
            except foreign.DRIVER_ERRORS:
                self._drop()
            return
        self._drop()

    def _happened(self, error: BaseException) -> bool:
        """Whether the commit took place that gave no answer: looked up, never guessed (law 4)."""
        self._drop()
        give_up = time.monotonic() + SETTLE_S
        while True:
            try:
                return self._find_token()
            except foreign.DRIVER_ERRORS as still:
                self._drop()
                if time.monotonic() > give_up:
                    raise faults.Indeterminate(f"a commit gave no answer, and the database cannot be asked: {still}") from error
                time.sleep(PAUSE_S * 5)

    def _find_token(self) -> bool:
        link = self._linked()
        link.begin()
        tx = statements.Tx(link.cursor, self._texts)
        # The lock first: while the old transaction still holds it, it may yet be committed.
        head = _head(tx)
        filed = tx.one(statements.WRITER_FIND, w_id=self._id)
        link.rollback()
        if head.writer == self._id:
            return head.token == self._token
        return filed is not None and filed[0] == self._token


@dataclass(frozen=True, kw_only=True)
class _Head:
    """The tree's row."""

    size: int
    frontier: tuple[bytes, ...]
    writer: str
    token: int


def _head(tx: statements.Tx) -> _Head:
    """Lock the tree's row and read it."""
    row = tx.one(statements.TREE_LOCK)
    if row is None:
        raise faults.Defect("the store has no evidence tree: it was not set up by `schema`")
    size, packed, last, token = row
    frontier = tuple([packed[i : i + 32] for i in range(0, len(packed), 32)])
    return _Head(size=size, frontier=frontier, writer=last, token=token)


def _carry_out_one(tx: statements.Tx, job: Job[Any]) -> None:
    before = (tx.writes, len(tx.entries), len(tx.steps))
    try:
        job.result = job.work(tx)
        job.fault = None
    except foreign.DRIVER_ERRORS:
        raise
    except Exception as refused:
        if tx.writes != before[0]:
            raise _ApartError from refused
        del tx.entries[before[1] :]
        del tx.steps[before[2] :]
        job.fail(refused)


def leaves_of(bodies: Sequence[bytes]) -> list[tuple[bytes, bytes]]:
    """Entries ready for `Tx.entries`: what would be a payment card's number in them is starred before it is hashed."""
    clean = [cardless(body) for body in bodies]
    return [(merkle.leaf_hash(body), body) for body in clean]


def cardless(body: bytes) -> bytes:
    """An entry's canonical bytes without card numbers; numbers of orders, payments and cases stand under names of their own."""
    if cards.find_card(body.decode()) is None:
        return body
    told = codec.decode(body, case.Entry)
    return codec.canonical(msgspec.structs.replace(told, body=cards.cleaned(told.body, own=_NUMBERS)))
