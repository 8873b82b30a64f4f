"""The decoder of pgoutput: what is written is read, and what is damaged, cut off or unknown is refused, never read as something else."""

from __future__ import annotations

import hashlib
import struct

import hypothesis
import hypothesis.strategies as st
import pytest

from makewhole.adapters.changelog.postgres import messages, starring, transactions
from makewhole.adapters.changelog.wrong import Unreadable
from makewhole.core import faults
from makewhole.model import change

NAMES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
OIDS = st.integers(0, 2**32 - 1)
PLACES = st.integers(0, 2**64 - 1)
CELLS: st.SearchStrategy[messages.Cell] = st.one_of(st.none(), st.binary(max_size=20), st.just(messages.UNCHANGED))
ROWS = st.lists(CELLS, max_size=6).map(tuple)
US = st.integers(946_684_800_000_000 - 2**60, 2**61)
COLUMNS = st.builds(messages.Column, NAMES, OIDS.map(lambda n: n & 0x7FFFFFFF), st.booleans(), st.integers(-(2**31), 2**31 - 1))
MESSAGES: st.SearchStrategy[messages.Message] = st.one_of(
    st.builds(messages.Begin, PLACES, US, OIDS),
    st.builds(messages.Commit, PLACES, PLACES, US),
    st.builds(messages.Origin, NAMES),
    st.builds(
        messages.Relation, OIDS, NAMES.filter(bool), NAMES, st.sampled_from(messages.Identity), st.lists(COLUMNS, max_size=5).map(tuple)
    ),
    st.builds(messages.Type, OIDS, NAMES.filter(bool), NAMES),
    st.builds(messages.Insert, OIDS, ROWS),
    st.builds(messages.Update, OIDS, st.none(), st.just(False), ROWS),
    st.builds(messages.Update, OIDS, ROWS, st.booleans(), ROWS),
    st.builds(messages.Delete, OIDS, ROWS, st.booleans()),
    st.builds(messages.Truncate, st.lists(OIDS, max_size=4).map(tuple), st.booleans(), st.booleans()),
    st.builds(messages.Said, st.booleans(), NAMES, st.binary(max_size=20)),
)

EXAMPLES = 60


def text(told: str) -> bytes:
    return told.encode() + b"\0"


def row(cells: messages.Row) -> bytes:
    told = [b"n" if c is None else b"u" if isinstance(c, messages.Unchanged) else b"t" + struct.pack(">I", len(c)) + c for c in cells]
    return struct.pack(">H", len(cells)) + b"".join(told)


def write(told: messages.Message) -> bytes:
    """As the manual says that a server does: written from its page, and not from the decoder."""
    since_2000 = 946_684_800_000_000
    match told:
        case messages.Begin(at, us, xid):
            return b"B" + struct.pack(">QqI", at, us - since_2000, xid)
        case messages.Commit(at, ends, us):
            return b"C" + struct.pack(">BQQq", 0, at, ends, us - since_2000)
        case messages.Origin(name):
            return b"O" + struct.pack(">Q", 7) + text(name)
        case messages.Relation(number, schema, name, identity, columns):
            parts = [struct.pack(">B", c.key) + text(c.name) + struct.pack(">Ii", c.type, c.modifier) for c in columns]
            head = b"R" + struct.pack(">I", number) + text(schema) + text(name) + identity.value.encode()
            return head + struct.pack(">H", len(columns)) + b"".join(parts)
        case messages.Type(number, schema, name):
            return b"Y" + struct.pack(">I", number) + text(schema) + text(name)
        case messages.Insert(number, new):
            return b"I" + struct.pack(">I", number) + b"N" + row(new)
        case messages.Update(number, old, whole, new):
            before = b"" if old is None else (b"O" if whole else b"K") + row(old)
            return b"U" + struct.pack(">I", number) + before + b"N" + row(new)
        case messages.Delete(number, old, whole):
            return b"D" + struct.pack(">I", number) + (b"O" if whole else b"K") + row(old)
        case messages.Truncate(numbers, cascade, restart):
            return b"T" + struct.pack(f">IB{len(numbers)}I", len(numbers), cascade | restart << 1, *numbers)
        case messages.Said(within, prefix, content):
            return b"M" + struct.pack(">BQ", within, 9) + text(prefix) + struct.pack(">I", len(content)) + content


@hypothesis.settings(max_examples=EXAMPLES)
@hypothesis.given(MESSAGES)
def test_what_a_server_writes_is_read(told: messages.Message) -> None:
    """Every form, every field."""
    assert messages.read(write(told)) == told


@hypothesis.settings(max_examples=EXAMPLES)
@hypothesis.given(MESSAGES, st.data())
def test_a_message_that_is_cut_off_or_goes_on_too_long_is_refused(told: messages.Message, data: st.DataObject) -> None:
    """At every byte: nothing is made up for what is missing."""
    raw = write(told)
    with pytest.raises(Unreadable):
        messages.read(raw[: data.draw(st.integers(0, len(raw) - 1))])
    with pytest.raises(Unreadable):
        messages.read(raw + b"\0")


@hypothesis.settings(max_examples=EXAMPLES)
@hypothesis.given(st.one_of(st.binary(max_size=60), MESSAGES.map(write)), st.integers(0), st.integers(1, 255))
def test_damaged_bytes_are_a_message_or_an_error_of_ours(raw: bytes, place: int, flip: int) -> None:
    """And no other exception, whatever stands there."""
    damaged = bytearray(raw)
    if damaged:
        damaged[place % len(damaged)] ^= flip
    try:
        told = messages.read(bytes(damaged))
    except Unreadable:
        return
    # What was read is what stands there, but for the two numbers that nobody needs (an origin's place, a type's modifier).
    assert len(write(told)) == len(damaged)


def test_a_message_of_an_unknown_kind_is_never_skipped() -> None:
    """Among them what later versions of the protocol send: streamed and prepared transactions."""
    for kind in {bytes((i,)) for i in range(256)} - {bytes((i,)) for i in b"BCORYIUDTM"}:
        with pytest.raises(Unreadable, match="it may hold rows"):
            transactions.Assembler().feed(kind + b"\0" * 20)


# ---------------------------------------------------------------- put together

ORDERS = messages.Relation(
    5,
    "public",
    "orders",
    messages.Identity.DEFAULT,
    (messages.Column("id", 20, True), messages.Column("note", 25, False), messages.Column("paid", 16, False)),
)
BEGIN, COMMIT = messages.Begin(100, 946_684_800_000_001, 7), messages.Commit(100, 140, 946_684_800_000_001)


def read(*told: messages.Message) -> change.Transaction:
    """Of one transaction's messages."""
    assembler = transactions.Assembler()
    (group,) = [g for m in told if (g := assembler.feed(write(m))) is not None]
    return transactions.Decoder().transaction(group, "slot")


def test_what_the_server_does_not_tell_is_in_no_image() -> None:
    """A large value that was left alone is unknown, and so is all but the key of a row as it was. NULL is something else."""
    told = read(
        BEGIN,
        ORDERS,
        messages.Update(5, None, False, (b"1", messages.UNCHANGED, b"t")),
        messages.Update(5, (b"1", None, None), False, (b"2", b"x", None)),
        messages.Delete(5, (b"2", None, None), False),
        COMMIT,
    )
    assert [(c.before, c.after) for c in told.changes] == [
        ({"id": 1}, {"id": 1, "paid": 1}),
        ({"id": 1}, {"id": 2, "note": "x", "paid": None}),
        ({"id": 2}, None),
    ]
    assert not any(c.whole() for c in told.changes)


def test_where_the_whole_row_is_told_what_was_left_alone_is_known() -> None:
    """It is what it was."""
    full = ORDERS._replace(identity=messages.Identity.FULL)
    told = read(BEGIN, full, messages.Update(5, (b"1", b"long", b"f"), True, (b"1", messages.UNCHANGED, b"t")), COMMIT)
    (changed,) = told.changes
    assert changed.whole()
    assert changed.changed() == {"paid": (0, 1)}


def test_rows_before_and_after_a_table_was_altered_are_read_by_their_own_columns() -> None:
    """Within one transaction, and in the next one, which is read on its own."""
    wider = ORDERS._replace(columns=(*ORDERS.columns, messages.Column("more", 23, False)))
    assembler, decoder = transactions.Assembler(), transactions.Decoder()
    sent: list[messages.Message] = [
        BEGIN, ORDERS, messages.Insert(5, (b"1", None, None)), wider, messages.Insert(5, (b"2", None, None, b"3")), COMMIT,
        BEGIN._replace(commits_at=200), messages.Insert(5, (b"3", None, None, b"4")), COMMIT._replace(at=200, ends=240),
    ]  # fmt: skip
    groups = [g for m in sent if (g := assembler.feed(write(m))) is not None]
    told = [[dict(c.after or {}) for c in decoder.transaction(g, "slot").changes] for g in reversed(groups)]
    assert told == [
        [{"id": 3, "note": None, "paid": None, "more": 4}],
        [{"id": 1, "note": None, "paid": None}, {"id": 2, "note": None, "paid": None, "more": 3}],
    ]


@pytest.mark.parametrize(
    "sent",
    [
        (messages.Insert(5, ()),),
        (BEGIN, messages.Insert(5, ())),
        (BEGIN, messages.Truncate((5,), False, False)),
        (BEGIN, BEGIN),
        (COMMIT,),
        (BEGIN, COMMIT._replace(at=99)),
    ],
)
def test_messages_that_do_not_belong_together_are_refused(sent: tuple[messages.Message, ...]) -> None:
    """A row without its transaction or its table, a transaction without its beginning."""
    assembler = transactions.Assembler()
    for told in sent[:-1]:
        assembler.feed(write(told))
    with pytest.raises(Unreadable):
        assembler.feed(write(sent[-1]))


def test_a_cards_number_is_starred_in_what_is_kept_and_nothing_else_is() -> None:
    """In old rows and new ones, in words and in numbers; a number by which the shop knows its orders is left alone."""
    card, note = b"6222021234567890128", "付款卡 6222021234567890128 谢谢"
    table = ORDERS._replace(
        columns=(messages.Column("sn", 25, True), messages.Column("note", 25, False), messages.Column("seen", 20, False))
    )
    sent = (messages.Insert(5, (card, note.encode(), card)), messages.Update(5, (card, None, card), True, (card, b"x", messages.UNCHANGED)))
    assembler = transactions.Assembler()
    (group,) = [g for m in (BEGIN, table, *sent, COMMIT) if (g := assembler.feed(write(m))) is not None]
    kept, sha256 = starring.starred(group, {("public", "orders"): {"sn"}})
    assert sha256 == hashlib.sha256(b"".join(group.raw)).hexdigest()
    inserted, updated = transactions.Decoder().transaction(kept, "slot").changes
    assert inserted.after == {"sn": card.decode(), "note": "付款卡 ***************0128 谢谢", "seen": "***************0128"}
    assert updated.after == {"sn": card.decode(), "note": "x", "seen": "***************0128"}
    assert starring.starred(kept, {("public", "orders"): {"sn"}}) == (kept, "")


@pytest.mark.parametrize("cells", [(b"1", None), (b"one", None, None), (b"1", None, b"maybe")])
def test_a_row_that_its_table_cannot_hold_names_its_place(cells: messages.Row) -> None:
    """Too few columns, or a value that its type does not have."""
    with pytest.raises(faults.BadInput, match="slot at 0/64"):
        read(BEGIN, ORDERS, messages.Insert(5, cells), COMMIT)
