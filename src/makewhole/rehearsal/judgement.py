"""Judgement: a world at rest goes in with the notes that were taken on its way; the scene that the laws read comes out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from makewhole.core import codec
from makewhole.model import decision, difference
from makewhole.rehearsal import stage, watch
from makewhole.sandbox import laws

TABLES = ("trade_order", "trade_order_item", "pay_attempt", "refund_order", "sku_stock", "stock_flow", "member_coupon", "order_log")
"""The shop's tables that any of us may write."""
DAYS_EVER = 10**6
"""Days since 1970 beyond any rehearsal."""
Shape = dict[str, object]
"""What a finished world must keep: the shop's rows by table, the channel's ledger, our cases and the length of our evidence."""


@dataclass(kw_only=True)
class Roots:
    """The evidence log's roots as time passed: each must be a prefix of the last."""

    on: stage.Stage
    seen: list[tuple[int, bytes]] = field(default_factory=list)

    def note(self) -> None:
        """Keep the root of this moment."""
        head = self.on.store.head()
        if head.size and (not self.seen or self.seen[-1][0] != head.size):
            self.seen.append((head.size, head.root))

    def complaints(self) -> list[str]:
        """What the store's own audit finds, and every root that the log has left."""
        store = self.on.store
        forked = [f"the log of {size} is no prefix" for size, root in self.seen if store.prove_consistency(size).old_root != root]
        return [*store.audit().complaints, *forked]


def scene(on: stage.Stage, book: watch.Notebook, roots: Roots, once_more: Callable[[], None]) -> laws.Scene:
    """The scene of a world that has come to rest; `once_more` sweeps it again, which must change nothing."""
    before = shape(on)
    once_more()
    after = shape(on)
    skus = on.day.shop.rows.all("SELECT sku_code FROM sku_stock")
    cases = on.store.cases()
    return laws.Scene(
        day=on.day,
        entries=[line.entry() for line in on.store.entries()],
        cases=cases,
        runs=[r for order in sorted({c.order for c in cases}, key=str) for r in on.store.runs_of(order)],
        effects=book.effects,
        audit=roots.complaints(),
        unkept=book.unkept,
        decided=_decided(on),
        rerun=[f"{name} changed" for name, was in before.items() if after[name] != was],
        started_with={str(r["sku_code"]): on.day.arrived[r["sku_code"]] for r in skus},
    )


def _decided(on: stage.Stage) -> dict[str, frozenset[int]]:
    """By order, the fen of each payment that was decided never to have come."""
    found: dict[str, set[int]] = {}
    for one in on.store.ledger.of_days(on.world.eyes.shop, stage.CHANNEL, 0, DAYS_EVER):
        said = next((m.said.choice for m in reversed(one.moves) if isinstance(m, difference.Decided)), None)
        if said is decision.Choice.CHANNEL_IS_RIGHT and one.found.ours is not None:
            found.setdefault(str(one.found.order.number), set()).add(one.found.ours.amount_fen)
    return {number: frozenset(fen) for number, fen in found.items()}


def shape(on: stage.Stage) -> Shape:
    """As it is now."""
    rows = on.day.shop.rows
    made: Shape = {t: [tuple(r) for r in rows.all(f"SELECT * FROM {t}")] for t in TABLES}  # noqa: S608 - names of our own
    made["the channel's ledger"] = list(on.day.bank.ledger)
    made["cases"] = [(c.id, c.terminal) for c in on.store.cases()]
    made["evidence"] = on.store.head().size
    return made


def digest(on: stage.Stage) -> str:
    """Of everything durable, to the byte. 64 hex characters."""
    told = shape(on)
    leaves = [line.leaf for line in on.store.entries()]
    return codec.digest_bytes(b"\n".join([repr(sorted(told.items())).encode(), *leaves]))
