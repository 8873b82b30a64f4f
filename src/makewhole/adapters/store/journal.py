"""The store itself: a database address comes in, the port `Store` on it goes out, and beside it a reading side for people and tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Self, TypeVar

from makewhole import ports
from makewhole.adapters.store import cases, evidence, inbox, ledger, limits, links, names, runs, schema, statements, trails, writer
from makewhole.adapters.store import faults as foreign
from makewhole.core import codec, faults, ids, merkle
from makewhole.model import act, case, payment, run, verdict

Result = TypeVar("Result")


class SqlStore:
    """Our memory on SQLite, MariaDB or MySQL.

    Leases run on the instants that callers hand in, so that simulated time works: between machines whose clocks differ, a lease is
    shorter or longer by the difference. Too short costs a take-over, not safety: whoever was taken over has a stale fence, and steps
    are looked at before they are repeated. Keep clocks within a tenth of the lease.
    Not to be used across a fork: open one in each process.
    """

    def __init__(self, address: str) -> None:
        """Open it, and make its tables where there are none. Raises BadInput for a wrong address or another version."""
        self._engine = links.engine(address)
        schema.ensure(self._engine)
        self._texts = statements.Texts(self._engine.dialect)
        self._held = runs.Memory()
        self._memory = links.in_memory(self._engine.url)
        self.writer = writer.Writer(lambda: links.Link(self._engine), self._texts)
        self.ledger = ledger.SqlLedger(self.writer.write, self._read)
        self.notebook = trails.SqlNotebook(self.writer.write, self._read)

    def close(self) -> None:
        """Give every connection back."""
        self.writer.close()
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ------------------------------------------------------------ cases

    def open_case(self, opened: case.Case, entry: case.Entry) -> case.Case:
        leaves = _leaves([entry])
        return self.writer.write(lambda tx: cases.open_or_known(tx, opened, leaves))

    def end_case(self, over: case.Case, entry: case.Entry) -> None:
        if over.terminal is None:
            raise faults.Defect(f"case {over.id} is ended without a terminal")
        leaves = _leaves([entry])
        self.writer.write(lambda tx: cases.end(tx, over, leaves))

    def find_case(self, of: ids.CaseId) -> case.Case | None:
        return self._read(lambda tx: cases.find(tx, of))

    def cases(self, order: ids.OrderKey | None = None, *, open_only: bool = False) -> Sequence[case.Case]:
        return self._read(lambda tx: cases.of_order(tx, order, open_only=open_only))

    # ------------------------------------------------------------ runs

    def begin_run(
        self,
        first: run.Run,
        of: ids.CaseId,
        reservations: Sequence[verdict.Reservation],
        entries: Sequence[case.Entry],
        lease: ports.Lease,
        known: int | None = None,
    ) -> ports.Claimed:
        names.shop(first.plan.order.shop)
        names.number(first.plan.order.number)
        start = runs.Start(
            first=first,
            case=of,
            reservations=reservations,
            leaves=_leaves(entries),
            lease=lease,
            id=first.plan.run_id(),
            begun=codec.canonical(runs.Begun(plan=first.plan, begun_at=first.begun_at)),
            rest=runs.progress(first),
            memory=self._held,
            known=known,
        )
        return self.writer.write(start.carry_out)

    def save_run(self, going: run.Run, fence: int, entries: Sequence[case.Entry], not_before: datetime | None = None) -> None:
        rest = runs.progress(going)
        save = runs.Save(
            going=going,
            fence=fence,
            leaves=_leaves(entries),
            at=entries[-1].at if entries else None,
            not_before=not_before,
            id=going.plan.run_id(),
            rest=rest,
            body=codec.canonical(rest),
            memory=self._held,
        )
        self.writer.write(save.carry_out)

    def find_run(self, of: ids.RunId) -> run.Run | None:
        row = self._read(lambda tx: tx.one(statements.RUN_FIND, w_id=of))
        return None if row is None else runs.whole(row[0], row[1])

    def runs_of(self, order: ids.OrderKey) -> Sequence[run.Run]:
        rows = self._read(lambda tx: tx.all(statements.RUNS_OF, w_shop=order.shop, w_number=order.number))
        return [runs.whole(row[0], row[1]) for row in rows]

    def claim_runs(self, shop: ids.ShopName, lease: ports.Lease, limit: int) -> Sequence[ports.Claimed]:
        return self.writer.write(lambda tx: runs.claim(tx, shop, lease, limit))

    def release_run(self, of: ids.RunId, fence: int) -> None:
        self.writer.write(lambda tx: runs.release(tx, of, fence))

    def exposure(self, buckets: Sequence[str]) -> Mapping[str, tuple[int, int]]:
        return self._read(lambda tx: {bucket: limits.used(tx, bucket) for bucket in buckets})

    # ------------------------------------------------------------ aliases and inbox

    def link(self, shop: ids.ShopName, number: ids.OutTradeNo, order: ids.OrderNumber, source: str) -> None:
        self.writer.write(lambda tx: cases.link(tx, shop, number, order, source))

    def linked(self, shop: ids.ShopName, number: ids.OutTradeNo) -> ids.OrderNumber | None:
        return self._read(lambda tx: cases.linked(tx, shop, number))

    def numbers_of(self, order: ids.OrderKey) -> Sequence[ids.OutTradeNo]:
        rows = self._read(lambda tx: tx.all(statements.ALIASES_OF, w_shop=order.shop, w_order_number=order.number))
        return [ids.OutTradeNo(row[0]) for row in rows]

    def keep_notice(self, notice: ports.Kept) -> bool:
        return self.writer.write(lambda tx: inbox.keep(tx, notice))

    def notices(self, shop: ids.ShopName, number: ids.OutTradeNo) -> Sequence[ports.Kept]:
        return self._read(lambda tx: inbox.of(tx, shop, number))

    def notices_after(self, shop: ids.ShopName, at: datetime, key: str, limit: int) -> Sequence[ports.Kept]:
        return self._read(lambda tx: inbox.after(tx, shop, at, key, limit))

    def due_notices(self, shop: ids.ShopName, now: datetime, limit: int) -> Sequence[ports.Kept]:
        return self._read(lambda tx: inbox.due(tx, shop, now, limit))

    def note_forwarding(
        self, key: ids.Key, answer: payment.ShopAnswer, code: int | None, next_at: datetime | None, *, settled: bool
    ) -> None:
        self.writer.write(lambda tx: inbox.note_forwarding(tx, key, answer, code, next_at, settled=settled))

    def unsettled_payments(self, shop: ids.ShopName, now: datetime) -> Sequence[ids.OutTradeNo]:
        return self._read(lambda tx: inbox.unsettled(tx, shop, now))

    # ------------------------------------------------------------ people, evidence, marks

    def ask(self, order: ids.OrderKey, topic: str, asked: act.AskPerson, at: datetime) -> None:
        body = codec.canonical(asked)
        self.writer.write(lambda tx: cases.put_question(tx, order, topic, body, names.ticks(at)))

    def asked(self, order: ids.OrderKey, topic: str) -> act.AskPerson | None:
        return self._read(lambda tx: cases.question(tx, order, topic))

    def append(self, entries: Sequence[case.Entry], once: str = "") -> None:
        leaves = _leaves(entries)

        def work(tx: statements.Tx) -> None:
            if once and cases.mark(tx, once) is not None:
                return
            if once:
                cases.set_mark(tx, once, leaves[0][0].hex())
            tx.entries.extend(leaves)

        self.writer.write(work)

    def mark(self, name: str) -> str | None:
        return self._read(lambda tx: cases.mark(tx, name))

    def set_mark(self, name: str, value: str) -> None:
        self.writer.write(lambda tx: cases.set_mark(tx, name, value))

    def move_mark(self, name: str, was: str | None, value: str) -> bool:
        def work(tx: statements.Tx) -> bool:
            # Whoever writes is alone: nobody moves it in between.
            if cases.mark(tx, name) != was:
                return False
            cases.set_mark(tx, name, value)
            return True

        moved: bool = self.writer.write(work)
        return moved

    # ------------------------------------------------------------ the reading side, for people and tests

    def counts(self) -> Mapping[str, int]:
        """Rows of each kind."""
        return self._read(lambda tx: {name: (tx.one(asked) or (0,))[0] for name, asked in statements.COUNTS.items()})

    def steps(self, of: ids.RunId) -> Sequence[tuple[int, int, runs.Phase, ids.Key, int, datetime | None]]:
        """What was written of a run's steps, in order: save, position, phase, key, fence, instant."""
        rows = self._read(lambda tx: tx.all(statements.STEPS_OF, w_id=of))
        return [(seq, i, runs.Phase(p), ids.Key(k), f, None if at is None else names.instant(at)) for seq, i, p, k, f, at in rows]

    def entries(self, start: int = 0) -> Iterator[evidence.Line]:
        """The evidence log from entry `start` on."""
        return evidence.lines(lambda at: self._read(lambda tx: evidence.page(tx, at)), start)

    def head(self) -> evidence.Head:
        """Size and root of the log now."""
        return self._read(evidence.head)

    def checkpoint(self, seal: evidence.Seal, origin: str) -> str:
        """A signed note of the log as it is now, kept."""
        return self.writer.write(lambda tx: evidence.checkpoint(tx, seal, origin))

    def checkpoints(self) -> Sequence[tuple[int, str]]:
        """Size and text of every signed note, the oldest first."""
        return self._read(evidence.checkpoints)

    def prove(self, seq: int, size: int | None = None) -> evidence.Proof:
        """That entry `seq` is in the log of `size` (default: now). Raises IndexError outside it."""
        leaves = self._leaves(size)
        path = merkle.prove_inclusion(leaves, seq)
        return evidence.Proof(seq=seq, size=len(leaves), leaf=leaves[seq], path=path, root=merkle.root(leaves))

    def prove_consistency(self, old_size: int, size: int | None = None) -> evidence.Consistency:
        """That the log of `old_size` is a prefix of the log of `size` (default: now). Raises IndexError outside it."""
        leaves = self._leaves(size)
        path = merkle.prove_consistency(leaves, old_size)
        root, old_root = merkle.root(leaves), merkle.root(leaves[:old_size])
        return evidence.Consistency(old_size=old_size, old_root=old_root, size=len(leaves), root=root, path=path)

    def audit(self) -> evidence.Audit:
        """Recompute the whole log from its bytes; complaints for whatever does not fit."""
        sealed = self._read(evidence.checkpoints)
        stored = self._read(lambda tx: tx.one(statements.TREE_HEAD)) or (0, b"")
        return evidence.audit(self.entries(), (stored[0], bytes(stored[1])), sealed)

    def _leaves(self, size: int | None) -> list[bytes]:
        return self._read(lambda tx: evidence.leaves(tx, evidence.head(tx).size if size is None else size))

    def _read(self, work: Callable[[statements.Tx], Result]) -> Result:
        # A database in memory has one connection, and that is the writer's.
        if self._memory:
            return self.writer.write(work)
        try:
            with links.reading(self._engine, self._texts) as tx:
                return work(tx)
        except foreign.DRIVER_ERRORS as error:
            raise foreign.translated(error, "reading the store") from error


def _leaves(entries: Sequence[case.Entry]) -> list[tuple[bytes, bytes]]:
    return writer.leaves_of([codec.canonical(entry) for entry in entries])
