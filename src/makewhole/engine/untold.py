"""Batches that an earlier run of a plan committed and did not live to tell: the log knows them by their audit rows, and they are told now.

Between a batch's commit in the shop's database and its entry in ours nothing can be made one: whoever dies there leaves rows that are
written and an entry that is missing. The next run finds the transaction in the log, its rows in the plan, and writes the entry.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from makewhole.model import rollback
from makewhole.model.change import Position, Transaction
from makewhole.model.rollback import Batch, Net


@dataclass(kw_only=True)
class _Missing:
    head: Transaction
    names: frozenset[str]
    rows: list[Net] = field(default_factory=list)


@dataclass(kw_only=True)
class Untold:
    """As many rows are held as a missing batch has (`rollback.ROWS_MAX`), and there is one for each run that died."""

    plan: str
    _missing: list[_Missing] = field(default_factory=list)

    def add(self, head: Transaction, names: Iterable[str]) -> None:
        """A transaction of ours that the evidence does not know, and the names of its rows."""
        self._missing.append(_Missing(head=head, names=frozenset(names)))

    def meet(self, number: int, rows: Iterable[Net]) -> Iterator[Batch]:
        """The plan's rows come by, batch by batch: a missing batch as soon as all of its rows were met."""
        if not self._missing:
            return
        for net in rows:
            for missing in self._missing:
                if net.name() in missing.names:
                    missing.rows.append(net)
        for missing in [m for m in self._missing if len(m.rows) == len(m.names)]:
            self._missing.remove(missing)
            yield self._batch(number, missing)

    def left(self) -> list[Position]:
        """Where batches stand in the log whose rows are not all in the plan."""
        return [m.head.begins for m in self._missing]

    def _batch(self, number: int, missing: _Missing) -> Batch:
        head = missing.head
        return Batch(
            plan=self.plan,
            number=number,
            at=head.committed_at,
            transactions=(head.id,),
            begins=head.begins,
            ends=head.ends,
            rows=tuple(missing.rows),
            # It was written, so it was compared: what stood there is what the plan says.
            before=tuple(rollback.expected(r) if r.how is not rollback.How.REINSERT else {} for r in missing.rows),
            recovered=True,
        )
