"""Every statement of the store as a Core expression: one text for three databases, compiled once a process.

Statements run through the driver with the compiled text: building and compiling the expression each time would cost more than
SQLite needs to carry it out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.sql import ClauseElement

from makewhole.adapters.store import tables

Row = tuple[Any, ...]
Params = dict[str, Any]
_KNOWN: dict[tuple[str, str], dict[ClauseElement, tuple[str, tuple[str, ...], Params]]] = {}
"""By dialect and driver: a process that opens a second store of a kind has its texts."""


class Cursor(Protocol):
    """What sqlite3 and PyMySQL have in common."""

    @property
    def rowcount(self) -> int:
        """Rows that the last statement found."""
        ...

    @property
    def lastrowid(self) -> int | None:
        """The row number that the last insert was given."""
        ...

    def execute(self, sql: str, params: Sequence[Any] = ..., /) -> object:
        """One statement."""
        ...

    def executemany(self, sql: str, params: Sequence[Sequence[Any]], /) -> object:
        """One statement for many rows."""
        ...

    def fetchone(self) -> Row | None:
        """The next row."""
        ...

    def fetchall(self) -> Sequence[Row]:
        """The rest of the rows."""
        ...

    def close(self) -> object:
        """Done with it."""
        ...


class Texts:
    """The compiled text and the order of its parameters, for one dialect."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._known = _KNOWN.setdefault((dialect.name, dialect.driver), {})

    def of(self, statement: ClauseElement, params: Params) -> tuple[str, tuple[Any, ...]]:
        """SQL and positional parameters."""
        sql, names, fixed = self._compiled(statement)
        if fixed:
            params = {**fixed, **params}
        return sql, tuple([params[name] for name in names])

    def sql(self, statement: ClauseElement) -> str:
        """SQL alone, for executemany with rows in the columns' order."""
        return self._compiled(statement)[0]

    def _compiled(self, statement: ClauseElement) -> tuple[str, tuple[str, ...], Params]:
        known = self._known.get(statement)
        if known is None:
            compiled = statement.compile(dialect=self._dialect)
            fixed = {name: value for name, value in (compiled.params or {}).items() if value is not None}
            known = (str(compiled), tuple(getattr(compiled, "positiontup", None) or ()), fixed)
            self._known[statement] = known
        return known


class Tx:
    """What a piece of work sees: the open transaction's cursor, and the rows that the writer adds to it in one go at the end."""

    def __init__(self, cursor: Cursor, texts: Texts) -> None:
        self._cursor = cursor
        self._texts = texts
        self.writes = 0
        self.entries: list[tuple[bytes, bytes]] = []
        """Leaf and canonical bytes; numbered by the writer, in the order in which the pieces of work came."""
        self.steps: list[Row] = []

    def run(self, statement: ClauseElement, **params: Any) -> int:
        """Write; the number of rows found."""
        self.writes += 1
        self._cursor.execute(*self._texts.of(statement, params))
        return self._cursor.rowcount

    def insert(self, statement: ClauseElement, **params: Any) -> int:
        """Write one row; the number that the database gave it."""
        self.run(statement, **params)
        return self._cursor.lastrowid or 0

    def many(self, statement: ClauseElement, rows: Sequence[Row]) -> None:
        """Write many rows, values in the order of the table's columns."""
        self.writes += 1
        self._cursor.executemany(self._texts.sql(statement), rows)

    def one(self, statement: ClauseElement, **params: Any) -> Row | None:
        """The first row."""
        self._cursor.execute(*self._texts.of(statement, params))
        return self._cursor.fetchone()

    def all(self, statement: ClauseElement, **params: Any) -> Sequence[Row]:
        """Every row."""
        self._cursor.execute(*self._texts.of(statement, params))
        return self._cursor.fetchall()

    def savepoint(self) -> None:
        """From here on a refusal may take back what was written."""
        self._cursor.execute("SAVEPOINT own")

    def back(self) -> None:
        """Take back what was written since the savepoint."""
        self._cursor.execute("ROLLBACK TO SAVEPOINT own")
        self._cursor.execute("RELEASE SAVEPOINT own")

    def keep(self) -> None:
        """The savepoint is no longer needed."""
        self._cursor.execute("RELEASE SAVEPOINT own")


def _p(name: str) -> sa.BindParameter[Any]:
    return sa.bindparam(name)


def _where(table: sa.Table, names: Iterable[str]) -> list[sa.ColumnElement[bool]]:
    return [table.c[name] == _p(f"w_{name}") for name in names]


_N, _C, _R, _S = tables.notices, tables.cases, tables.runs, tables.steps
_L, _U, _A, _Q = tables.limits, tables.limit_uses, tables.aliases, tables.questions
_M, _E, _T, _K, _W = tables.marks, tables.entries, tables.tree, tables.checkpoints, tables.writers

# ---------------------------------------------------------------- inbox
_NOTICE = (
    _N.c.key, _N.c.shop, _N.c.channel, _N.c.number, _N.c.check, _N.c.received_at, _N.c.headers, _N.c.body, _N.c.attempt,
    _N.c.answer, _N.c.answer_code, _N.c.forwarded, _N.c.settled,
)  # fmt: skip
NOTICE_INSERT = _N.insert()
SEAL_INSERT = tables.seals.insert()
_SEALED = sa.select(*_NOTICE[:9], tables.seals.c.digest).outerjoin(tables.seals, tables.seals.c.notice == _N.c.key)
NOTICES_SEALED = (
    _SEALED.where(
        *_where(_N, ["shop", "channel", "check"]),
        _N.c.received_at >= _p("since"),
        _N.c.received_at < _p("until"),
        sa.or_(_N.c.received_at > _p("at"), _N.c.key > _p("after")),
    )
    .order_by(_N.c.received_at, _N.c.key)
    .limit(_p("row_limit"))
)
NOTICE_KNOWN = sa.select(_N.c.key).where(*_where(_N, ["key"]))
NOTICES_OF = sa.select(*_NOTICE).where(*_where(_N, ["shop", "number"])).order_by(_N.c.received_at, _N.c.key)
NOTICES_AFTER = (
    sa.select(*_NOTICE)
    .where(
        *_where(_N, ["shop"]),
        _N.c.received_at >= _p("at"),
        sa.or_(_N.c.received_at > _p("at_too"), _N.c.key > _p("after")),
    )
    .order_by(_N.c.received_at, _N.c.key)
    .limit(_p("row_limit"))
)
NOTICES_DUE = (
    sa.select(*_NOTICE)
    .where(*_where(_N, ["shop", "settled", "check"]), _N.c.next_at <= _p("now"))
    .order_by(_N.c.next_at, _N.c.key)
    .limit(_p("row_limit"))
)
NOTICE_ASIDE = _N.update().where(*_where(_N, ["key"])).values(check=_p("check"), settled=_p("settled"))
NOTICE_FORWARDED = (
    _N.update()
    .where(*_where(_N, ["key"]))
    .values(
        answer=_p("answer"),
        answer_code=_p("answer_code"),
        next_at=_p("next_at"),
        settled=_p("settled"),
        forwarded=_N.c.forwarded + _p("times"),
    )
)
UNSETTLED = (
    sa.select(_N.c.number)
    .where(*_where(_N, ["shop", "settled", "check"]), _N.c.received_at <= _p("now"))
    .group_by(_N.c.number)
    .order_by(sa.func.min(_N.c.received_at), _N.c.number)
)

# ---------------------------------------------------------------- cases
CASE_INSERT = _C.insert()
CASE_FIND = sa.select(_C.c.body).where(*_where(_C, ["id"]))
CASE_UPDATE = _C.update().where(*_where(_C, ["id"])).values(opened_at=_p("opened_at"), terminal=_p("terminal"), body=_p("body"))
_CASES = sa.select(_C.c.body).order_by(_C.c.opened_at, _C.c.id)
CASES_ALL = _CASES
CASES_OPEN = _CASES.where(_C.c.terminal.is_(None))
CASES_OF = _CASES.where(*_where(_C, ["shop", "number"]))
CASES_OPEN_OF = CASES_OF.where(_C.c.terminal.is_(None))

# ---------------------------------------------------------------- runs
RUN_INSERT = _R.insert().values({c.name: _p(c.name) for c in _R.c if c.name != "n"})
PLAN_INSERT = tables.plans.insert()
_HELD = (_R.c.n, _R.c.case_id, _R.c.fence, _R.c.lease_until, _R.c.ended, _R.c.saves, _R.c.progress)
RUN_HELD = sa.select(*_HELD).where(*_where(_R, ["id"]))
_RUNS = sa.select(tables.plans.c.body, _R.c.progress, _R.c.case_id, _R.c.fence, _R.c.n, _R.c.not_before).join(
    tables.plans, tables.plans.c.run_n == _R.c.n
)
RUN_FIND = _RUNS.where(*_where(_R, ["id"]))
RUN_UNDER_WAY = _RUNS.where(*_where(_R, ["shop", "number", "ended"])).limit(1)
RUN_COUNT = sa.select(sa.func.count()).select_from(_R).where(*_where(_R, ["shop", "number"]))
RUNS_OF = _RUNS.where(*_where(_R, ["shop", "number"])).order_by(_R.c.n)
RUNS_DUE = (
    _RUNS.where(*_where(_R, ["shop", "ended"]), _R.c.not_before <= _p("now"), _R.c.lease_until < _p("now_too"))
    .order_by(_R.c.not_before, _R.c.n)
    .limit(_p("row_limit"))
)
RUN_LEASE = (
    _R.update()
    .where(*_where(_R, ["n", "fence", "ended"]), _R.c.lease_until < _p("now"))
    .values(owner=_p("owner"), fence=_R.c.fence + 1, lease_until=_p("lease_until"))
)
RUN_RELEASE = _R.update().where(*_where(_R, ["id", "fence"])).values(owner=_p("owner"), lease_until=_p("lease_until"))
RUN_SAVE = (
    _R.update()
    .where(*_where(_R, ["n", "fence", "ended", "saves"]))
    .values(saves=_p("saves"), progress=_p("progress"), not_before=_p("not_before"), ended=_p("ended"))
)
STEP_INSERT = _S.insert()
STEPS_OF = (
    sa.select(_S.c.seq, _S.c.position, _S.c.phase, _S.c.key, _S.c.fence, _S.c.at)
    .join(_R, _R.c.n == _S.c.run_n)
    .where(*_where(_R, ["id"]))
    .order_by(_S.c.seq, _S.c.position)
)

# ---------------------------------------------------------------- limits
LIMIT_FIND = sa.select(_L.c.used, _L.c.used_fen).where(*_where(_L, ["bucket"]))
LIMIT_INSERT = _L.insert()
LIMIT_TAKE = (
    _L.update()
    .where(*_where(_L, ["bucket"]), _L.c.used + _p("count") <= _p("count_max"), _L.c.used_fen + _p("amount_fen") <= _p("amount_max_fen"))
    .values(used=_L.c.used + _p("count_too"), used_fen=_L.c.used_fen + _p("amount_fen_too"))
)
USE_FIND = sa.select(_U.c.used, _U.c.used_fen).where(*_where(_U, ["bucket", "key"]))
USE_INSERT = _U.insert()

# ---------------------------------------------------------------- aliases, questions, marks
ALIAS_FIND = sa.select(_A.c.order_number).where(*_where(_A, ["shop", "number"]))
ALIAS_INSERT = _A.insert()
ALIASES_OF = sa.select(_A.c.number).where(*_where(_A, ["shop", "order_number"])).order_by(_A.c.number)
QUESTION_FIND = sa.select(_Q.c.body).where(*_where(_Q, ["shop", "number", "topic"]))
QUESTION_INSERT = _Q.insert()
MARK_FIND = sa.select(_M.c.value).where(*_where(_M, ["name"]))
MARK_INSERT = _M.insert()
MARK_UPDATE = _M.update().where(*_where(_M, ["name"])).values(value=_p("value"))

# ---------------------------------------------------------------- evidence
TREE_HEAD = sa.select(_T.c.size, _T.c.frontier)
TREE_LOCK = sa.select(_T.c.size, _T.c.frontier, _T.c.writer, _T.c.token).with_for_update()
TREE_INSERT = _T.insert()
TREE_GROW = (
    _T.update().where(*_where(_T, ["size"])).values(size=_p("size"), frontier=_p("frontier"), writer=_p("writer"), token=_p("token"))
)
ENTRY_INSERT = _E.insert()
ENTRIES_FROM = sa.select(_E.c.seq, _E.c.leaf, _E.c.body).where(_E.c.seq >= _p("seq")).order_by(_E.c.seq).limit(_p("row_limit"))
LEAVES = sa.select(_E.c.leaf).where(_E.c.seq < _p("size")).order_by(_E.c.seq)
CHECKPOINT_FIND = sa.select(_K.c.note).where(*_where(_K, ["size"]))
CHECKPOINT_INSERT = _K.insert()
CHECKPOINTS = sa.select(_K.c.size, _K.c.note).order_by(_K.c.size)
WRITER_FIND = sa.select(_W.c.token).where(*_where(_W, ["id"]))
WRITER_INSERT = _W.insert()
WRITER_UPDATE = _W.update().where(*_where(_W, ["id"])).values(token=_p("token"))

# ---------------------------------------------------------------- daily books
_B, _BP, _D, _V, _Y = tables.bills, tables.bill_parts, tables.differences, tables.moves, tables.closings
BILL_INSERT = _B.insert()
BILL_PART_INSERT = _BP.insert()
_BILL = sa.select(_B.c.key, _B.c.version, _B.c.name, _B.c.sha1, _B.c.parts, _B.c.digest, _B.c.channel, _B.c.merchant, _B.c.day)
BILLS_OF = _BILL.where(*_where(_B, ["shop", "channel"])).order_by(_B.c.day, _B.c.merchant, _B.c.version)
BILL_FIND = _BILL.where(*_where(_B, ["shop", "channel", "merchant", "day"])).order_by(_B.c.version.desc()).limit(1)
BILL_PARTS = sa.select(_BP.c.part, _BP.c.content).where(*_where(_BP, ["bill"])).order_by(_BP.c.part)
DIFFERENCE_INSERT = _D.insert()
_DIFFERENCE = sa.select(_D.c.id, _D.c.channel, _D.c.body, _D.c.digest)
_OLDEST = (_D.c.day, _D.c.id)
DIFFERENCE_FIND = _DIFFERENCE.where(*_where(_D, ["id"]))
DIFFERENCES_OF = _DIFFERENCE.where(*_where(_D, ["shop", "number", "over"])).order_by(*_OLDEST)
_READ = _D.c.over != tables.ASIDE
DIFFERENCES_EVER = _DIFFERENCE.where(*_where(_D, ["shop", "number"]), _READ).order_by(*_OLDEST)
DIFFERENCES_OVER = _DIFFERENCE.where(*_where(_D, ["shop", "channel", "over"])).order_by(*_OLDEST)
DIFFERENCES_DAYS = _DIFFERENCE.where(*_where(_D, ["shop", "channel"]), _D.c.day >= _p("first"), _D.c.day <= _p("last"), _READ).order_by(
    *_OLDEST
)
DIFFERENCES_ALL = sa.select(_D.c.id, _D.c.day, _D.c.body, _D.c.digest).where(*_where(_D, ["shop", "channel"]), _READ).order_by(*_OLDEST)
DIFFERENCE_ASIDE = _D.update().where(*_where(_D, ["id"])).values(id=_p("aside"), over=tables.ASIDE)
MOVES_ASIDE = _V.update().where(*_where(_V, ["difference"])).values(difference=_p("aside"))
DIFFERING = sa.select(_D.c.number).where(*_where(_D, ["shop", "channel", "over"])).distinct()
DIFFERENCE_OVER = _D.update().where(*_where(_D, ["id"])).values(over=_p("over"))
MOVE_INSERT = _V.insert()
MOVES_OF = sa.select(_V.c.seq, _V.c.body, _V.c.digest).where(*_where(_V, ["difference"])).order_by(_V.c.seq)
CLOSING_INSERT = _Y.insert()
CLOSING_FIND = sa.select(_Y.c.owner, _Y.c.lease_until, _Y.c.body).where(*_where(_Y, ["shop", "channel", "day", "stage"]))
CLOSING_TAKE = _Y.update().where(*_where(_Y, ["shop", "channel", "day", "stage"])).values(owner=_p("owner"), lease_until=_p("lease_until"))
CLOSING_DONE = _Y.update().where(*_where(_Y, ["shop", "channel", "day", "stage"])).values(body=_p("body"), digest=_p("digest"))
CLOSING_ASIDE = _Y.update().where(*_where(_Y, ["shop", "channel", "day", "stage"])).values(stage=_p("aside"))
CLOSINGS_FROM = (
    sa.select(_Y.c.day, _Y.c.stage, _Y.c.body, _Y.c.digest)
    .where(*_where(_Y, ["shop", "channel"]), _Y.c.day >= _p("first"), _Y.c.body.is_not(None))
    .order_by(_Y.c.day, _Y.c.stage)
)
_BS = tables.bank_statements
STATEMENT_INSERT = _BS.insert()
STATEMENT_FIND = sa.select(_BS.c.file).where(*_where(_BS, ["shop", "file"]))
STATEMENTS_FROM = (
    sa.select(_BS.c.file, _BS.c.body, _BS.c.digest)
    .where(*_where(_BS, ["shop"]), _BS.c["last"] >= _p("first"))
    .order_by(_BS.c.kept_at, _BS.c.file)
)

COUNTS = {
    name: sa.select(sa.func.count()).select_from(table)
    for name, table in {
        "notices": _N, "cases": _C, "runs": _R, "steps": _S, "limit_uses": _U, "aliases": _A, "questions": _Q, "entries": _E,
    }.items()
}  # fmt: skip
