"""What is wrong with settings, keys, codes or our own code: one message, the right way out, no traceback; and what is right goes on."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from makewhole import ports, settings
from makewhole.adapters.payments import registry
from makewhole.adapters.payments.wechatpay import section
from makewhole.core import faults, ids
from makewhole.engine import look, recover, sweep
from makewhole.model import claim, finding, run
from makewhole.rehearsal import stage
from makewhole.sandbox import day
from makewhole.sandbox.shop.defects import Defect
from makewhole.sandbox.shop.schema import Status
from makewhole.sandbox.wechatpay import keys
from makewhole.web import serve
from makewhole.wiring import worlds
from tests.attacks import test_orders as orders
from tests.serve import town as towns

pytestmark = pytest.mark.slow


def makewhole(town: towns.Town, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Another command on the settings that the processes have."""
    config = town.folder / "makewhole.toml"
    config.write_text(town.toml({}), encoding="utf-8")
    env = {k: v for k, v in os.environ.items() if not k.startswith(("MAKEWHOLE_", "LC_", "LANG"))} | {"LANG": "C.UTF-8"}
    command = [towns.MAKEWHOLE, *arguments, "--config", str(config)]
    return subprocess.run(command, cwd=town.folder, env=env, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("wrong", ["a stranger's key", "a port that is taken", "a key without its number"])
def test_serve_says_once_what_is_wrong_and_does_not_listen(wrong: str, tmp_path: Path) -> None:
    """What, where, what to do; nothing was taken that could not be kept."""
    with towns.raised(tmp_path) as town:
        match wrong:
            case "a stranger's key":
                (tmp_path / "key.pem").write_bytes(keys.pem("stranger_key"))
                code, says = 2, "certificate serial"
            case "a port that is taken":
                town.told["relay"]["port"] = int(town.base_url.rsplit(":", 1)[1])
                code, says = 3, "free?"
            case _:
                town.told["wechatpay"]["public_key_id"] = ""
                code, says = 2, "wechatpay.public_key_id"
        told = makewhole(town, "serve")
        assert told.returncode == code, told.stderr
        assert told.stderr.count("what to do:") == 1, told.stderr
        assert says in told.stderr
        assert "Traceback" not in told.stderr
        assert "Callbacks are taken" not in told.stderr
        assert told.stderr.count("SIGN_ERROR") <= 2
        assert not list(tmp_path.glob("makewhole-report-*"))


def test_a_channel_that_is_silent_does_not_keep_callbacks_away(tmp_path: Path) -> None:
    """In public-key mode a callback can be checked without it."""
    with towns.raised(tmp_path) as town:
        sn = town.day.order()
        town.day.pays(sn, day.Fate.RELAY)
        town.told["wechatpay"]["base_url"] = "http://127.0.0.1:9"
        serving = town.serve()
        told = towns.callback(town, sn)
        assert serving.post(told.headers, told.body)[0] == 200
        towns.eventually(lambda: town.status(sn) is Status.PAID, "handed on to the shop")
        assert serving.stop() == 0, serving.told()


def test_an_unknown_status_code_is_counted_and_never_whole(tmp_path: Path) -> None:
    """Code 77 on one order: it is listed as not judged, scan is incomplete, the doctor names the code, and the other order is repaired."""
    with towns.raised(tmp_path) as town:
        odd, broken = town.day.order(), town.day.order()
        town.day.pays(odd, day.Fate.LOST)
        town.day.pays(broken, day.Fate.LOST)
        town.day.shop.edit(odd, status=77)
        told = makewhole(town, "scan", "--json")
        assert told.returncode == 3, told.stderr
        lines = {line["order"]: line for line in map(json.loads, told.stdout.splitlines())}
        assert (lines[odd]["ailment"], lines[broken]["ailment"]) == (None, "paid-not-recorded")
        assert [s["detail"] for s in lines[odd]["silences"]] == ["77"] or "77" in json.dumps(lines[odd]["silences"])
        assert "Could not be judged: 1. Whole: 0." in makewhole(town, "scan").stdout
        checked = makewhole(town, "doctor", "--json")
        codes = [c for c in json.loads(checked.stdout)["checks"] if c["check"] == "codes"]
        assert sum("code 77 is on 1 orders" in c["what"] for c in codes) == 1
        applied = makewhole(town, "recover", "--all", "--apply", "--json")
        assert applied.returncode == 3, applied.stderr
        assert (town.status(broken), int(town.day.row(odd, "status"))) == (Status.PAID, 77)
        # What was done by hand is signed for as what a service does.
        with town.remembered() as store:
            audit = store.audit()
        assert (audit.complaints, audit.checkpoints > 0) == ((), True)
        (newest,) = town.sql("SELECT MAX(size) FROM mw_checkpoints")
        assert newest[0] == audit.head.size


@pytest.mark.parametrize("key, light", [("public_key_mode", "ok"), ("stranger", "fail")])
def test_the_doctor_tells_whether_the_channels_key_is_the_right_one(key: str, light: str, tmp_path: Path) -> None:
    """ "No such payment" is an error answer, and it is signed too: a wrong public key shows before the first order does."""
    with towns.raised(tmp_path) as town:
        (tmp_path / "channel.pem").write_bytes(keys.public_pem(key))
        told = makewhole(town, "doctor", "--json")
        found = {c["check"]: c for c in json.loads(told.stdout)["checks"]}
        assert (found["key"]["state"], told.returncode) == (light, 0 if light == "ok" else 2), told.stdout
        assert bool(found["key"]["todo"]) is (light != "ok")


def test_scan_and_serve_see_the_same_order(tmp_path: Path) -> None:
    """Whether a missing callback means anything is read from the settings: a plan that one of them made is good for the other."""
    with towns.raised(tmp_path) as town:
        makewhole(town, "policy", "check")
        told = settings.load(tmp_path / "makewhole.toml", sections=registry.sections())
        assert told.relayed()
        with worlds.open_world(told, need_store=False) as scan, worlds.open_world(told) as served:
            assert scan.relayed is served.relayed is True
    shop = settings.ShopSettings(notify_url="https://shop.example/notify")
    channel = section.Section(mchid="1", appid="a", serial_no="s", private_key_file="p", apiv3_key_file="k")
    own = section.Section(
        mchid="1", appid="a", serial_no="s", private_key_file="p", apiv3_key_file="k", notify_url="https://shop.example/notify"
    )
    assert settings.Settings(shop=shop, channels={"wechatpay": channel}).relayed()
    assert not settings.Settings(shop=shop, channels={"wechatpay": own}).relayed()
    assert not settings.Settings(channels={"wechatpay": channel}).relayed()
    assert not settings.Settings(shop=shop).relayed()


# ---------------------------------------------------------------- one order's trouble, and everybody's


class Answering:
    """A channel that raises for some numbers what it is told to, and speaks for the others."""

    def __init__(self, of: ports.Channel, raised: faults.Fault, numbers: set[str]) -> None:
        self._of, self._raised, self._numbers = of, raised, numbers
        self.asked = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._of, name)

    def ask(self, numbers: Sequence[ids.OutTradeNo]) -> ports.Heard:
        self.asked += 1
        if self._numbers & set(numbers):
            raise self._raised
        return self._of.ask(numbers)


def troubled(on: stage.Stage, raised: faults.Fault) -> tuple[ports.World, Answering, list[str]]:
    """Six orders that were paid and not recorded; the channel raises for the first of them."""
    numbers = [on.day.order() for _ in range(6)]
    orders.wait(on, orders.MINUTE)
    for sn in numbers:
        on.day.pays(sn, day.Fate.LOST)
    orders.wait(on, orders.GRACE)
    odd = Answering(on.world.channels[stage.CHANNEL], raised, {numbers[0]})
    return dataclasses.replace(on.world, channels={stage.CHANNEL: cast("ports.Channel", odd)}), odd, numbers


@pytest.fixture
def on(tmp_path: Path) -> Iterator[stage.Stage]:
    made = stage.stage(1, tmp_path, store=f"sqlite:///{tmp_path}/store.db")
    yield made
    made.close()


def test_one_orders_odd_answer_leaves_the_others_their_repair(on: stage.Stage) -> None:
    """Of that one nothing is known, so it is not judged; five are whole."""
    world, _, numbers = troubled(on, faults.Defect("an answer that nobody thought of"))
    tally = sweep.Tally()
    found = {seen.order.number: seen for seen in sweep.scan(world, tally)}
    assert (tally.broken, tally.unjudged, tally.whole) == (5, 1, 0)
    diagnosis = found[ids.OrderNumber(numbers[0])].diagnosis
    assert isinstance(diagnosis, finding.Unjudged)
    assert {s.why for s in diagnosis.missing} == {claim.Why.NOT_UNDERSTOOD}
    results = [sweep.work(world, ids.OrderNumber(sn)).state for sn in numbers]
    assert results == [recover.State.UNJUDGED] + [recover.State.WHOLE] * 5


def test_a_wrong_key_ends_the_sweep_with_the_first_question(on: stage.Stage) -> None:
    """It is true of every order: said once, asked once."""
    world, odd, numbers = troubled(on, faults.Credentials("SIGN_ERROR", code="SIGN_ERROR"))
    odd._numbers.update(numbers)
    with pytest.raises(faults.Credentials):
        list(sweep.scan(world))
    assert odd.asked == 1
    with pytest.raises(faults.Credentials):
        sweep.work(world, ids.OrderNumber(numbers[0]))
    assert on.store.cases() == []


def test_a_key_that_goes_bad_in_the_act_costs_time_and_no_repair(on: stage.Stage) -> None:
    """The refund is refused for who we are: the run waits, and sends it once, under its number, when somebody has mended the key."""
    sn = on.day.order(Defect.NEW_NUMBER_ON_RETRY)
    second = on.day.shop.pay(sn)
    orders.wait(on, orders.MINUTE)
    on.day.pays(sn, day.Fate.SHOP)
    on.day.pays(second, day.Fate.LOST)
    orders.wait(on, orders.GRACE)

    class Unknown:
        def __getattr__(self, name: str) -> Any:
            return getattr(on.world.channels[stage.CHANNEL], name)

        def do(self, *_: object) -> run.News:
            raise faults.Credentials("SIGN_ERROR", code="SIGN_ERROR")

    locked_out = dataclasses.replace(on.world, channels={stage.CHANNEL: cast("ports.Channel", Unknown())})
    assert sweep.work(locked_out, ids.OrderNumber(sn)).state is recover.State.WAITING
    assert on.day.bank.refunds == {}
    for _ in range(6):
        orders.wait(on, 2 * orders.MINUTE)
        sweep.resume_left(on.world)
    key = ids.OrderKey(shop=on.world.eyes.shop, number=ids.OrderNumber(sn))
    (number,) = on.day.bank.refunds
    assert number == ids.refund_no(key.shop, ids.TransactionId(on.day.bank.transactions[second].transaction_id))
    assert [r.end for r in on.store.runs_of(key)] == [run.End.DONE]


@pytest.mark.parametrize("of", [faults.Defect("ours"), RuntimeError("nobody thought of it")])
def test_our_own_mistake_ends_the_service_and_is_told(of: Exception) -> None:
    """A thread that dies alone is a service that lies: the stop is set, and the failure is there to be raised."""
    stop = threading.Event()
    every = serve._Rounds(stop)

    def work() -> None:
        raise of

    every(0.01, "round", work).join(10)
    assert stop.is_set()
    assert every.failure is of


@pytest.mark.parametrize("of", [faults.Unavailable("down"), faults.Rejected("no"), faults.Credentials("who?", code="SIGN_ERROR")])
def test_what_others_say_ends_one_round_only(of: faults.Fault) -> None:
    """The next round comes, and ours is not the failure."""
    stop, rounds = threading.Event(), 0
    every = serve._Rounds(stop)

    def work() -> None:
        nonlocal rounds
        rounds += 1
        if rounds == 3:
            stop.set()
        raise of

    every(0.01, "round", work).join(10)
    assert (rounds, every.failure) == (3, None)


def test_an_order_of_an_unattached_channel_is_counted_apart(on: stage.Stage) -> None:
    """An order of a channel that is not attached is counted as what it is: nothing wrong seen, and its money not asked for."""
    sn = on.day.order()
    orders.wait(on, orders.MINUTE)
    on.day.pays(sn, day.Fate.SHOP)
    orders.wait(on, orders.GRACE)
    tally = sweep.Tally()
    tally.add(look.look(on.world, ids.OrderNumber(sn)))
    assert (tally.whole, tally.one_sided) == (1, 0)
    tally.add(look.look(dataclasses.replace(on.world, channels={}), ids.OrderNumber(sn)))
    assert (tally.whole, tally.one_sided) == (1, 1)
