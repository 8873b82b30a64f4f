"""What the shop's change log shows of orders' rows that nothing explains, while it stands, and the place to read on from: one commit."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol, TypeVar

import sqlalchemy as sa

from makewhole.adapters.store import cases, names, statements, tables
from makewhole.core import codec, ids
from makewhole.model import rowchange
from makewhole.ports import trails

Result = TypeVar("Result")
Work = Callable[[statements.Tx], Result]
_Trail = tuple[rowchange.RowChange, ...]
NOUNS = (_Trail,)
_PLACE, _SINCE = "changelog/{}", "changelog-since/{}"

_TABLE = tables.trails
_OF = sa.select(_TABLE.c.number, _TABLE.c.body).where(_TABLE.c.shop == sa.bindparam("w_shop")).order_by(_TABLE.c.number)
_DELETE = _TABLE.delete().where(_TABLE.c.shop == sa.bindparam("w_shop"), _TABLE.c.number == sa.bindparam("w_number"))
_INSERT = _TABLE.insert()


class Run(Protocol):
    """Carries a piece of work out in a transaction of the store."""

    def __call__(self, work: Work[Result], /) -> Result:
        """What the work gave."""
        ...


class SqlNotebook:
    """`trails.Notebook` in the store's database."""

    def __init__(self, write: Run, read: Run) -> None:
        self._write, self._read = write, read

    def note(self, shop: ids.ShopName, news: trails.Known) -> None:
        """See the port."""
        bodies = [(n, codec.canonical(told) if told else None) for n, told in sorted(news.stands.items())]

        def work(tx: statements.Tx) -> None:
            for number, _ in bodies:
                tx.run(_DELETE, w_shop=shop, w_number=names.number(number))
            rows = [(names.shop(shop), names.number(number), body) for number, body in bodies if body is not None]
            if rows:
                tx.many(_INSERT, rows)
            if news.place is not None:
                cases.set_mark(tx, _PLACE.format(shop), news.place)
            if news.since is not None:
                cases.set_mark(tx, _SINCE.format(shop), news.since.isoformat())

        self._write(work)

    def read(self, shop: ids.ShopName) -> trails.Known:
        """See the port."""

        def work(tx: statements.Tx) -> trails.Known:
            since = cases.mark(tx, _SINCE.format(shop))
            return trails.Known(
                stands={ids.OrderNumber(number): codec.decode(bytes(body), _Trail) for number, body in tx.all(_OF, w_shop=shop)},
                place=cases.mark(tx, _PLACE.format(shop)),
                since=None if since is None else datetime.fromisoformat(since),
            )

        return self._read(work)
