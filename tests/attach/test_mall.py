"""mall's database, seen for the first time with a read-only account, against the map that was written by hand from mall's own code."""

from __future__ import annotations

import pymysql
import pytest

from makewhole.adapters.shops import engines, language, schema, shopmap, survey
from makewhole.attach import proposal, shopfile
from tests.attach import asking
from tests.servers import launch
from tests.shops import mall

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def database(mariadb: launch.Server) -> str:
    return mall.load(mariadb)


@pytest.fixture(scope="module")
def proposed(mariadb: launch.Server, database: str) -> proposal.Proposal:
    return asking.proposed(mariadb.url(database, "reader"))


def file_of(told: proposal.Proposal) -> language.ShopFile:
    return language.parse(shopfile.text(told, "mall", lambda _: "", ()), "proposed")


def _said(told: language.FieldSpec) -> tuple[object, ...]:
    return told.sql, told.unit, told.values


def test_it_says_what_the_hand_written_map_says_wherever_both_speak(proposed: proposal.Proposal) -> None:
    """Tables, keys, links, fields with units and codes, states: not one of them differs."""
    ours, theirs = file_of(proposed), language.load(mall.SHOP_FILE)
    differences: list[tuple[object, ...]] = []
    for name, by_hand in theirs.tables.items():
        told = ours.tables.get(name)
        if told is None:
            continue
        parts = [(part, getattr(told, part), getattr(by_hand, part)) for part in ("table", "key", "link")]
        both = sorted(set(told.fields) & set(by_hand.fields))
        parts += [(f, _said(told.fields[f]), _said(by_hand.fields[f])) for f in both]
        parts += [(sql, told.states[sql], by_hand.states[sql]) for sql in sorted(set(told.states) & set(by_hand.states))]
        differences += [(name, *p) for p in parts if p[1] != p[2]]
    assert differences == []
    assert ours.tables["order"].states == theirs.tables["order"].states
    assert (ours.time_zone, ours.payment_numbers) == (theirs.time_zone, theirs.payment_numbers)


def test_it_leaves_little_of_the_hand_written_map_unsaid(proposed: proposal.Proposal) -> None:
    """What it does not state it asks, or it needs mall's code to know: how a finished return is numbered."""
    ours, theirs = file_of(proposed), language.load(mall.SHOP_FILE)
    told = {f"{n}.{f}" for n, t in ours.tables.items() for f in t.fields}
    by_hand = {f"{n}.{f}" for n, t in theirs.tables.items() for f in t.fields}
    asked = {q.field for q in proposed.questions}
    assert by_hand - told == {"refund.number", "stock.available", "stock.sku", "stock.locked", "stock.price"}
    assert asked == {"stock.available"}


def test_answering_what_can_be_sold_maps_the_stock(proposed: proposal.Proposal) -> None:
    """One answer, and the map of the stock is the hand-written one."""
    question = next(q for q in proposed.questions if q.field == "stock.available")
    ours = file_of(proposal.answered(proposed, question, question.choices[0]))
    assert ours.tables["stock"].fields == language.load(mall.SHOP_FILE).tables["stock"].fields


def test_the_proposed_file_fits_the_live_schema(mariadb: launch.Server, database: str, proposed: proposal.Proposal) -> None:
    """It compiles, and every column that it names is there."""
    engine = engines.for_eyes(mariadb.url(database, "reader"))
    with engine.connect() as connection:
        schema.reflect(connection, shopmap.compile_map(file_of(proposed)))
    engine.dispose()


def test_looking_writes_nothing(mariadb: launch.Server, database: str) -> None:
    """By the server's own counters: no row was changed or deleted, nothing went to the log, and no statement that could write was sent."""
    counters = (
        "Handler_update",
        "Handler_delete",
        "Com_insert",
        "Com_update",
        "Com_delete",
        "Com_replace",
        "Com_create_table",
        "Binlog_commits",
    )

    def read() -> dict[str, int]:
        with (
            pymysql.connect(host="127.0.0.1", port=mariadb.port, user="app", password="app", database=database) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute("SELECT variable_name, variable_value FROM information_schema.global_status")
            told = {str(k).lower(): int(v) for k, v in cursor.fetchall() if str(v).isdigit()}
            return {c: told[c.lower()] for c in counters}

    before = read()
    engine = engines.for_eyes(mariadb.url(database, "reader"))
    survey.take(engine, "test")
    engine.dispose()
    assert read() == before
