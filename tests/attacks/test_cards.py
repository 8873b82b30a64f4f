"""Card numbers at every door: none is stored, indexed, logged or reported; and each door's test fails where its own scan is taken out."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import duckdb
import pytest
import structlog

from makewhole.adapters.bills import reading
from makewhole.adapters.search import embedded, personal
from makewhole.adapters.search import logs as log_files
from makewhole.adapters.shops import rows, traces
from makewhole.adapters.store import journal, writer
from makewhole.cli import history as history_command
from makewhole.cli import logs, report, start
from makewhole.core import clock, faults, ids
from makewhole.engine import cardless, relay
from makewhole.model import case, change, document, intact, payment
from makewhole.model.bill import Refused, Wrong
from makewhole.model.order import Field
from makewhole.sandbox.channel.faults import Fault
from tests.bills import making
from tests.payments import alipay
from tests.payments import shop as shops
from tests.shops import tea

CARD, SPACED = "6212345678901232", "4111 1111 1111 1111"
ORDER = "6217000000000000004"
AT = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
Output = pytest.CaptureFixture[str]


class Blind:
    """What stands where a scan was taken out."""

    SUSPECT = GAP = DIGITS_MIN = None

    @staticmethod
    def masked(text: str, **_: object) -> str:
        return text

    @staticmethod
    def find_card(text: str, **_: object) -> None:
        return None

    @staticmethod
    def cleaned(value: object, **_: object) -> object:
        return value


def told(*things: object) -> str:
    return "\n".join(t.decode("utf-8", "replace") if isinstance(t, bytes) else str(t) for t in things)


def clean(*things: object) -> None:
    text = told(*things)
    assert CARD not in text
    assert SPACED not in text
    assert SPACED.replace(" ", "+") not in text
    assert SPACED.replace(" ", "") not in text


# ---------------------------------------------------------------- doors


def callback_in_the_clear(folder: Path, said: Output) -> None:
    """Alipay's body is no secret: the notice is believed and kept under its key, the body without the card and with its digest."""
    shop = alipay.shop()
    shop.paid(attach=f"card {SPACED}", description="绿茶")
    came = shop.deliveries()[-1]
    with journal.SqlStore("sqlite://") as store:
        world: Any = SimpleNamespace(clock=shop.clock, store=store)
        assert relay.receive(world, shop.reader, came.headers, came.body).status == 200
        (kept,) = store.notices(shops.SHOP, ids.OutTradeNo("A1"))
    clean(kept.body, kept.headers, kept.attempt)
    assert kept.attempt is not None
    assert (kept.check, kept.attempt.state) == (payment.NoticeCheck.GENUINE, payment.AttemptState.PAID)
    assert kept.attempt.transaction is not None
    assert kept.attempt.transaction in kept.body.decode()
    assert dict(kept.headers)[intact.DIGEST] == ids_of(came.body)


def callback_under_seal(folder: Path, said: Output) -> None:
    """WeChat Pay's is sealed, and we have the key: what would bring the number back is not kept."""
    shop = shops.shop()
    shop.paid(attach=CARD)
    came = shop.deliveries()[-1]
    kept = cardless.cardless(shop.reader.read(came.headers, came.body, shop.clock.now()))
    clean(kept.attempt)
    assert (kept.check, kept.body) == (payment.NoticeCheck.GENUINE, b"")
    assert dict(kept.headers)[intact.DIGEST] == ids_of(came.body)


def callback_of_a_stranger(folder: Path, said: Output) -> None:
    """Refused, and kept as a trace of the attempt; not what he wrote."""
    shop = alipay.shop()
    body = f"sign=x&notify_id=1&out_trade_no=A1&body=4111+1111+1111+1111&more=%36%32{CARD[2:]}".encode()
    kept = cardless.cardless(shop.reader.read((), body, shop.clock.now()))
    assert kept.check is not payment.NoticeCheck.GENUINE
    clean(kept.body)


def bill(folder: Path, said: Output) -> None:
    """Refused whole: a bill that is changed is no bill."""
    for made in making.made():
        raw = made.pack(made.text.replace("茶", CARD, 1))
        with duckdb.connect(":memory:", config={"threads": 1}) as desk, pytest.raises(Refused) as refused:
            reading.read(desk, made.form, raw, made.expected(raw))
        assert refused.value.wrong is Wrong.CARD_NUMBER
        clean(refused.value)


def imported_log(folder: Path, said: Output) -> None:
    """The line is found by its other words."""
    path = folder / "app.log"
    path.write_text(f"2026-11-23 12:00:00 INFO order_no=20261123000001 paid with {CARD}\n  at {SPACED}\n", encoding="utf-8")
    (found,) = log_files.documents(path, ids.ShopName("demo"), clock.BEIJING, lambda _: "***")
    clean(found)
    assert found.order == "20261123000001"


def search_index(folder: Path, said: Output) -> None:
    """Whoever feeds it."""
    index = embedded.EmbeddedSearch(folder / "index")
    line = document.Document(key="a", what=document.What.LOG, source="x", at=AT, text=f"tea for {CARD}", ids=(CARD,))
    index.index([line])
    (hit,) = index.find(document.Asked(words=(("tea for",),), limit=10)).hits
    clean(hit.document)
    assert index.find(document.Asked(words=((CARD,),), limit=10)).total == 0


def eyes(folder: Path, said: Output) -> None:
    """A field of words; the buyer stays one and the same; a wrong value's complaint."""
    map_ = tea.shop_map()
    reader = rows.Reader(map_.order, map_.zone, map_.currency, b"secret")
    words = [f for f in (Field.ORDER_BUYER, Field.ORDER_CARRIER, Field.ORDER_CHANNEL) if f in map_.order.fields]
    assert words
    for field in words:
        clean(reader.text({rows.name(field): CARD}, field))
    with pytest.raises(rows.Misread) as wrong:
        reader.money({rows.name(Field.ORDER_AMOUNT_DUE): f"card {CARD}"}, Field.ORDER_AMOUNT_DUE)
    clean(wrong.value)
    assert reader.text({rows.name(Field.ORDER_NUMBER): CARD}, Field.ORDER_NUMBER) == CARD


def change_history(folder: Path, said: Output) -> None:
    """Columns that the map looks at, before they are shown."""
    map_ = tea.shop_map()
    shown = traces.traces(map_, "", b"secret").shown
    columns = {c for f, s in map_.order.fields.items() if f not in rows.NUMBERS for c in s.sql.columns()}
    assert any(shown(map_.order.table, c, SPACED) is not None for c in columns)
    for column in columns:
        clean(shown(map_.order.table, column, SPACED))


def whole_history(folder: Path, said: Output) -> None:
    """`history --all`: every column and every statement, and no card's number all the same."""
    of = change.Table(schema="s", name="t", columns=("note",))
    told = change.Change(table=of, kind=change.Kind.UPDATE, before={"note": SPACED}, after={"note": f"paid by {CARD}"})
    past: Any = None
    clean(history_command._pair(past, told, "note", SPACED, f"paid by {CARD}", everything=True))
    clean(history_command._statement(f"UPDATE t SET note = '{CARD}'", everything=True))


def evidence(folder: Path, said: Output) -> None:
    """Starred before it is hashed, so that the log stays whole."""
    key = ids.OrderKey(shop=ids.ShopName("demo"), number=ids.OrderNumber(CARD[:-1] + "1"))
    entry = case.Entry(
        kind=case.EntryKind.NOTICE, at=AT, order=key, body={"why": f"said {SPACED}", "news": [{"detail": CARD}], "number": "1"}
    )
    with journal.SqlStore(f"sqlite:///{folder / 'store.db'}") as store:
        store.append([entry])
        (line,) = store.entries()
        assert not store.audit().complaints
    clean(line.body, *(p.read_bytes() for p in folder.glob("store.db*")))


def foreign_words(folder: Path, said: Output) -> None:
    """What another system said when it refused: it is kept with the run that was refused."""
    for kind in (faults.Rejected, faults.Unavailable, faults.Indeterminate, faults.Defect):
        fault = kind(f"the channel says: invalid account {CARD}")
        clean(fault, fault.why, repr(fault))
    wrong = faults.BadInput(f"no date: {SPACED}", where="x", todo="y")
    clean(wrong, wrong.what, repr(wrong))


def log_lines(folder: Path, said: Output) -> None:
    """Words, values, trees of values, what is no text at all; ours and a library's; an order's number is one."""
    logs.listen(start.start(()), logs.TALKATIVE)
    log, said_so = structlog.get_logger(), f"said {SPACED}"
    log.warning(said_so, why=CARD, count=int(CARD), tree={"a": [CARD]}, odd=ValueError(CARD), raw=CARD.encode(), order=ORDER)
    logging.getLogger("some.library").warning("said %s", CARD)
    out = said.readouterr()
    clean(out.err, out.out)
    assert out.err.count("***") >= 7
    assert ORDER in out.err


def report_file(folder: Path, said: Output) -> None:
    """Arguments and traceback."""
    begun = start.start(("show", "--note", CARD))
    try:
        raise ValueError(f"cannot read {SPACED}")
    except ValueError as error:
        path = report.write(error, begun)
    clean(path.read_text(encoding="utf-8"))
    assert "cannot read" in path.read_text(encoding="utf-8")


def tracebacks(folder: Path, said: Output) -> None:
    """Of a thread that nobody watches, and of a library that logs its own."""
    logs.listen(start.start(()))

    def dies() -> None:
        raise ValueError(f"thread {CARD}")

    thread = threading.Thread(target=dies)
    thread.start()
    thread.join()
    try:
        raise ValueError(f"library {SPACED}")
    except ValueError:
        logging.getLogger("some.library").exception("broke on %s", CARD)
    out = said.readouterr()
    files = [p.read_text(encoding="utf-8") for p in folder.glob("makewhole-report-*.txt")]
    assert len(files) >= 1
    clean(out.err, out.out, *files)
    assert "thread ***" in out.err
    assert "library ****" in out.err


Door = Callable[[Path, Output], None]
DOORS: dict[Door, ModuleType] = {
    callback_in_the_clear: cardless,
    callback_under_seal: cardless,
    callback_of_a_stranger: cardless,
    bill: reading,
    imported_log: personal,
    search_index: embedded,
    eyes: rows,
    change_history: traces,
    whole_history: history_command,
    evidence: writer,
    foreign_words: faults,
    log_lines: report,
    report_file: report,
    tracebacks: report,
}
"""Each door's test, and where its scan stands."""
EACH = pytest.mark.parametrize("door", DOORS, ids=lambda d: d.__name__)


@pytest.fixture(autouse=True)
def _own_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    was = structlog.get_config()
    yield
    structlog.configure(**was)


@EACH
def test_no_card_number_passes_this_door(door: Door, tmp_path: Path, capsys: Output) -> None:
    """As each door's own words say."""
    door(tmp_path, capsys)


@EACH
def test_it_would_pass_where_the_scan_is_taken_out(door: Door, tmp_path: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the test above is one."""
    monkeypatch.setattr(DOORS[door], "cards", Blind)
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        door(tmp_path, capsys)


def test_what_is_not_whole_is_not_handed_on() -> None:
    """The shop would refuse its signature. It is not settled either: the order itself is looked at."""
    shop = alipay.shop()
    shop.paid(attach=SPACED)
    came = shop.deliveries()[-1]
    kept = cardless.cardless(shop.reader.read(came.headers, came.body, shop.clock.now()))
    assert not intact.intact(kept.headers)
    with journal.SqlStore("sqlite://") as store:
        store.keep_notice(kept)

        class Never:
            def forward(self, notice: object) -> Any:
                raise AssertionError("handed on")

        seeing = SimpleNamespace(shop=shops.SHOP, owner=lambda number: None, read=lambda numbers: dict.fromkeys(numbers, ((), ())))
        world: Any = SimpleNamespace(clock=shop.clock, store=store, forwarder=Never(), eyes=seeing)
        assert relay.forward_due(world) == 0
        assert store.unsettled_payments(shops.SHOP, shop.clock.now()) == ["A1"]
        assert store.due_notices(shops.SHOP, shop.clock.now(), 10) == []


def test_a_genuine_callback_without_a_card_is_kept_as_it_came() -> None:
    """To the byte, and no header of ours beside it: its signature fits for whoever checks it."""
    for shop in (shops.shop(), alipay.shop()):
        shop.paid(number=CARD)
        came = shop.deliveries()[-1]
        kept = shop.reader.read(came.headers, came.body, shop.clock.now())
        assert cardless.cardless(kept) == kept
        assert intact.intact(kept.headers)


def test_no_stranger_writes_our_header() -> None:
    """It says that we left something out; readers keep only the headers that they name."""
    shop = shops.shop()
    shop.faults.next(Fault.NOTICE_TAMPERED)
    shop.paid()
    came = shop.deliveries()[-1]
    kept = shop.reader.read((*came.headers, (intact.DIGEST, "0" * 64)), came.body, shop.clock.now())
    assert intact.intact(kept.headers)


def ids_of(body: bytes) -> str:
    return intact.noted((), body)[0][1]
