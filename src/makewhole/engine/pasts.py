"""The shop's change log goes into the search index: whatever wrote an order's rows is found by its number, its statement, its user.

Nothing personal: fields as far as their privacy class lets them be shown, statements without their values.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import structlog

from makewhole import ports
from makewhole.core import faults, ids
from makewhole.model import change, document, rowchange
from makewhole.ports import trails

BATCH = 5_000
"""Documents in a commit."""
log = structlog.get_logger()


def changes(shop: ids.ShopName, trail: trails.Trail, search: ports.Search) -> Iterator[int]:
    """Each batch of what the log told since the last look. A log that cannot be read is left out; one that was purged is begun again where
    it is cheap: what came before it is in the index already, or nobody has it. Raises Unavailable."""
    name = f"changes/{shop}"
    since = search.mark(name)
    try:
        yield from _from(name, since, trail, search)
    except trails.Purged:
        if since is not None:
            yield from _from(name, None, trail, search)
    except faults.BadInput as unread:
        log.info("changes are not searched", why=unread.what)


def _from(name: str, since: str | None, trail: trails.Trail, search: ports.Search) -> Iterator[int]:
    told: list[document.Document] = []
    place = since
    for step, meant in trail.read(since):
        place = step.place
        if step.transaction is not None and meant is not None:
            told += _documents(step.transaction, meant)
        if len(told) >= BATCH:
            yield search.index(told, {name: place})
            told = []
    if place is not None and place != since:
        yield search.index(told, {name: place})


def _documents(told: change.Transaction, meant: trails.Meant) -> Iterator[document.Document]:
    """One for each order of which the transaction wrote a row."""
    rows = Counter((str(c.table.name), c.kind.value) for c in told.changes)
    written = " ".join(f"{kind} {table}" for table, kind in rows)
    for order in sorted(meant.named):
        yield document.Document(
            key=ids.derive("change", told.id, order),
            what=document.What.HISTORY,
            source=rowchange.SOURCE,
            at=told.committed_at,
            text=" ".join(filter(None, (_moves([c for c in meant.changes if c.order == order]), written, told.user)))[
                : document.TEXT_CHARS_MAX
            ],
            order=order,
            ids=(told.id[: document.ID_CHARS_MAX],),
        )


def _moves(told: Sequence[rowchange.RowChange]) -> str:
    """What became of the order's own row and of its parts'."""
    moved = (f"{c.part} {m.field.value}: {m.before or '–'} → {m.after or '–'}".strip() for c in told for m in c.moved)
    return " ".join([*moved, *dict.fromkeys(c.statement for c in told)])
