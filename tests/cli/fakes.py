"""Fakes: a world of a few orders in memory, so that the command line can be tested alone. No adapter is tested by these."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import msgspec

from makewhole import ports, settings
from makewhole.core import clock, codec, faults, ids, money
from makewhole.flow import signals
from makewhole.model import act, case, claim, finding, order, payment, plan, run, screen, verdict

NOW = datetime(2026, 11, 23, 20, 0, tzinfo=clock.BEIJING)
SHOP = ids.ShopName("demo")
WECHAT = ids.ChannelName("wechatpay")
SECRET = "s3cret-0f-the-test"


def shop_order(number: str, state: order.OrderState = order.OrderState.AWAITING_PAYMENT, fen: int = 12850, **more: Any) -> order.ShopOrder:
    """An order of 20 minutes ago; ten minutes before its time runs out."""
    values: dict[str, Any] = {
        "source": claim.SHOP,
        "as_of": NOW,
        "number": ids.OrderNumber(number),
        "state": state,
        "raw_state": "0",
        "due": money.Money(fen=fen),
        "version": "v1",
        "speaks_of": (order.Field.ORDER_NUMBER, order.Field.ORDER_STATE),
        "created_at": NOW - timedelta(minutes=20),
        "channel": WECHAT,
        "buyer": "buyer-hash-that-nobody-need-see",
        "items": (order.Item(sku=ids.Sku("tea"), quantity=1),),
    }
    return order.ShopOrder(**(values | more))


def paid(number: str, fen: int = 12850, state: payment.AttemptState = payment.AttemptState.PAID) -> payment.Attempt:
    """A payment of 15 minutes ago."""
    return payment.Attempt(
        source=WECHAT,
        as_of=NOW,
        channel=WECHAT,
        number=ids.OutTradeNo(number),
        state=state,
        amount=money.Money(fen=fen),
        transaction=ids.TransactionId("T" + number),
        paid_at=NOW - timedelta(minutes=15),
        payer="openid-that-nobody-need-see",
    )


class FakeEyes:
    """Reads the dictionary."""

    def __init__(self, of: FakeWorld) -> None:
        self._of = of
        self.shop = SHOP

    def suspects(self, screens: Sequence[tuple[finding.Ailment, screen.Predicate]], changed_since: str | None = None) -> Iterator[Any]:
        if self._of.shop_down:
            raise faults.Unavailable(f"connection to mysql://reader:{SECRET}@shop refused")
        if self._of.broken_eyes:
            raise RuntimeError(f"an impossible row; the password is {SECRET}")
        for told in list(self._of.orders.values()):
            yield _Suspect(told.number, (finding.Ailment.PAID_NOT_RECORDED,), told.created_at)

    def read(self, numbers: Sequence[ids.OrderNumber]) -> Mapping[ids.OrderNumber, ports.Heard]:
        if self._of.shop_down:
            raise faults.Unavailable("connection refused")
        return {n: self._heard(n) for n in numbers}

    def _heard(self, number: ids.OrderNumber) -> ports.Heard:
        if number in self._of.orders:
            return (self._of.orders[number],), ()
        return (), (claim.Silence(source=claim.SHOP, about=claim.About.ORDER, number=number, why=claim.Why.NOT_FOUND),)

    def payment_numbers(self, heard: ports.Heard) -> tuple[tuple[ids.ChannelName, ids.OutTradeNo], ...]:
        return tuple((WECHAT, ids.OutTradeNo("P" + c.number)) for c in heard[0] if isinstance(c, order.ShopOrder))

    def owner(self, number: ids.OutTradeNo) -> ids.OrderNumber | None:
        known = ids.OrderNumber(number.removeprefix("P"))
        return known if number.startswith("P") and known in self._of.orders else None

    def moved(self, since: datetime, until: datetime) -> Iterator[ids.OrderNumber]:
        return (ids.OrderNumber(n) for n in list(self._of.orders))

    def candidates(self, told: payment.Attempt) -> tuple[payment.Candidate, ...]:
        return ()

    def may_write(self) -> bool | None:
        return None

    def mark(self) -> str | None:
        return None


@dataclasses.dataclass(frozen=True)
class _Suspect:
    number: ids.OrderNumber
    ailments: tuple[finding.Ailment, ...]
    created_at: datetime | None


class FakeHands:
    """Records payments, and nothing else."""

    def __init__(self, of: FakeWorld) -> None:
        self._of = of

    def can(self, step: plan.Step) -> bool:
        return isinstance(step.act, act.RecordPayment)

    def do(self, key: ids.OrderKey, step: plan.Step, now: datetime) -> run.News:
        assert isinstance(step.act, act.RecordPayment)
        self._of.acts.append(f"record {key.number}")
        was = self._of.orders[key.number]
        self._of.orders[key.number] = msgspec.structs.replace(
            was, state=order.OrderState.AWAITING_SHIPMENT, paid_at=step.act.paid_at, version="v2"
        )
        return run.Succeeded()

    def look(self, key: ids.OrderKey, step: plan.Step, now: datetime) -> run.News:
        return run.Saw(there=self._of.orders[key.number].state is order.OrderState.AWAITING_SHIPMENT)

    def preview(self, key: ids.OrderKey, step: plan.Step, now: datetime) -> tuple[str, ...]:
        return (f"UPDATE orders SET status = 1 WHERE number = '{key.number}' AND status = 0",)


class FakeChannel:
    """Knows the attempts of the dictionary."""

    name = WECHAT

    def __init__(self, of: FakeWorld) -> None:
        self._of = of

    def ask(self, numbers: Sequence[ids.OutTradeNo]) -> ports.Heard:
        if self._of.channel_down:
            raise faults.Unavailable("no answer")
        found = tuple(self._of.attempts[n] for n in numbers if n in self._of.attempts)
        lacking = tuple(
            claim.Silence(source=WECHAT, about=claim.About.PAYMENT, number=n, why=claim.Why.NOT_FOUND)
            for n in numbers
            if n not in self._of.attempts
        )
        return found, lacking

    def ask_refunds(self, numbers: Sequence[tuple[ids.RefundNo, ids.OutTradeNo]]) -> ports.Heard:
        return (), ()

    def preview(self, key: ids.OrderKey, step: plan.Step, now: datetime) -> tuple[str, ...]:
        return ("POST /v3/refund",)


class FakeStore:
    """Remembers in dictionaries; no leases, no limits."""

    def __init__(self) -> None:
        self.cases_by_id: dict[str, case.Case] = {}
        self.runs: dict[str, run.Run] = {}
        self.questions: dict[tuple[str, str], act.AskPerson] = {}
        self.marks: dict[str, str] = {}

    def open_case(self, opened: case.Case, entry: case.Entry) -> case.Case:
        return self.cases_by_id.setdefault(opened.id, opened)

    def end_case(self, over: case.Case, entry: case.Entry) -> None:
        self.cases_by_id[over.id] = over

    def find_case(self, of: ids.CaseId) -> case.Case | None:
        return self.cases_by_id.get(of)

    def cases(self, key: ids.OrderKey | None = None, *, open_only: bool = False) -> Sequence[case.Case]:
        return [c for c in self.cases_by_id.values() if key in {None, c.order} and not (open_only and c.terminal)]

    def begin_run(
        self,
        first: run.Run,
        of: ids.CaseId,
        limits: Sequence[verdict.Reservation],
        entries: Sequence[case.Entry],
        lease: ports.Lease,
        known: int | None = None,
    ) -> ports.Claimed:
        number = first.plan.run_id()
        joined = self.runs.setdefault(number, first)
        return ports.Claimed(run=joined, case=of, fence=1 if joined is first else None)

    def save_run(self, going: run.Run, fence: int, entries: Sequence[case.Entry], not_before: datetime | None = None) -> None:
        self.runs[going.plan.run_id()] = going

    def runs_of(self, key: ids.OrderKey) -> Sequence[run.Run]:
        return [r for r in self.runs.values() if r.plan.order == key]

    def release_run(self, of: ids.RunId, fence: int) -> None:
        return

    def exposure(self, buckets: Sequence[str]) -> Mapping[str, tuple[int, int]]:
        return {}

    def linked(self, shop: ids.ShopName, number: ids.OutTradeNo) -> ids.OrderNumber | None:
        return None

    def numbers_of(self, key: ids.OrderKey) -> Sequence[ids.OutTradeNo]:
        return ()

    def notices(self, shop: ids.ShopName, number: ids.OutTradeNo) -> Sequence[ports.Kept]:
        return ()

    def notices_after(self, shop: ids.ShopName, at: datetime, key: str, limit: int) -> Sequence[ports.Kept]:
        return ()

    def entries(self, start: int = 0) -> Iterator[ports.Line]:
        return iter(())

    def unsettled_payments(self, shop: ids.ShopName, now: datetime) -> Sequence[ids.OutTradeNo]:
        return ()

    def ask(self, key: ids.OrderKey, topic: str, asked: act.AskPerson, at: datetime) -> None:
        self.questions.setdefault((str(key), topic), asked)

    def asked(self, key: ids.OrderKey, topic: str) -> act.AskPerson | None:
        return self.questions.get((str(key), topic))

    def append(self, entries: Sequence[case.Entry], once: str = "") -> None:
        return

    def set_mark(self, name: str, value: str) -> None:
        self.marks[name] = value

    def mark(self, name: str) -> str | None:
        return self.marks.get(name)


@dataclasses.dataclass(kw_only=True)
class FakeWorld:
    """What the fakes share. Orders and attempts by number; flags that make a source fail."""

    orders: dict[str, order.ShopOrder] = dataclasses.field(default_factory=dict)
    attempts: dict[str, payment.Attempt] = dataclasses.field(default_factory=dict)
    attached: bool = True
    handed: bool = True
    relayed: bool = False
    shop_down: bool = False
    channel_down: bool = False
    broken_eyes: bool = False
    acts: list[str] = dataclasses.field(default_factory=list)
    store: FakeStore = dataclasses.field(default_factory=FakeStore)
    opened_with: list[settings.Settings] = dataclasses.field(default_factory=list)
    at: clock.Clock | None = None

    def add(self, shop: order.ShopOrder, attempt: payment.Attempt | None = None) -> None:
        """One order and, where there is one, its attempt to pay."""
        self.orders[shop.number] = shop
        if attempt is not None:
            self.attempts[attempt.number] = attempt

    def world(self) -> ports.World:
        """All parts put together."""
        told = settings.policy_book()
        channel = cast("ports.Channel", FakeChannel(self))
        return ports.World(
            clock=self.at or clock.ManualClock(NOW),
            eyes=cast("ports.Eyes", FakeEyes(self)),
            hands=cast("ports.Hands", FakeHands(self)) if self.handed else None,
            channels={WECHAT: channel} if self.attached else {},
            store=cast("ports.Store", self.store),
            policies=told,
            playbook=settings.load_playbook(),
            relayed=self.relayed,
        )


def told_settings(folder: Path, **shop: str) -> Path:
    """A settings file that names a shop."""
    path = folder / "makewhole.toml"
    lines = ["[shop]", f'database = "{shop.get("database", "sqlite:///shop.db")}"', f'file = "{shop.get("file", "demo")}"']
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def silent_since(at: datetime) -> str:
    """What `serve` would have counted of a channel that sent a callback a minute for nine days, and none since then."""
    last, day = signals.slot(at), signals.SLOTS_A_DAY
    callbacks = {str(slot): 15 for slot in range(last - 9 * day, last)}
    counted = {"at": at, "key": "", "seq": 0, "rows_at": at, "callbacks": {"wechatpay": callbacks}, "codes": {}, "refunds": {}, "told": {}}
    return codec.canonical(counted).decode()
