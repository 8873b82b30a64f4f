"""A channel that nobody has joins: three files, and a line for each in a registry. This is the check that it takes no more."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from makewhole import ports, settings
from makewhole.adapters import http
from makewhole.adapters.bills import bank, formats
from makewhole.adapters.payments import registry
from makewhole.books import fees
from makewhole.cli import doctor, sheets, words
from makewhole.core import clock, faults, ids
from makewhole.engine import relay
from makewhole.model import bill
from makewhole.rehearsal import days
from makewhole.sandbox import counterparts
from makewhole.wiring import books as wiring_books
from makewhole.wiring import channels as wiring_channels
from tests.payments import every, fourth_joined
from tests.payments import shop as shops
from tests.payments.fourth import connector
from tests.payments.test_attached import posted

NAME = connector.NAME
SRC = Path(__file__).parents[2] / "src" / "makewhole"
KNOWING = {
    "adapters/payments/apiv3": "says of which channel it was read",
    "attach/": "guesses what a shop's own words for a channel mean; a person corrects it",
    "cli/catalogue": "examples of sections in advice",
    "cli/checks.py": "the same",
    "rehearsal/stage.py": "one world, at one channel",
    "sandbox/cases": "the same",
    "sandbox/day.py": "the same",
    "sandbox/lightkeys.py": "the same",
    "sandbox/shop": "the sandbox's shop is a customer of one",
    "sandbox/stories/unrecorded.py": "the same",
    "sandbox/world.py": "the same",
}
"""Where a channel is named for another reason than that it exists."""


def file_of(folder: Path, **other: str) -> Path:
    """A settings file with this channel in it, and the files that it names."""
    at = counterparts.GATES[NAME](clock.ManualClock(shops.START))
    told = {**at.section(), **other}
    for name in ("merchant_key", "apiv3_key"):
        (folder / name).write_bytes(at.file(name))
    lines = (f'{k} = "{folder / str(v) if k.endswith("_file") else v}"' for k, v in told.items())
    path = folder / "makewhole.toml"
    path.write_text("\n".join([f"[{NAME}]", *lines, ""]), encoding="utf-8")
    return path


def test_its_section_is_as_strict_as_any(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its own setting; from the environment too; an unknown key is refused with its place; its section too, unless it has joined."""
    path = file_of(tmp_path, orchard="north")
    environment = {"MAKEWHOLE_LYCHEEPAY_FEE_PPM": "6000"}
    told = settings.load(path, environment, sections=registry.sections())
    assert list(told.channels) == [NAME]
    own = told.channels[NAME]
    assert isinstance(own, connector.Section)
    assert (own.orchard, own.fee_ppm, told.fees()) == ("north", 6000, {NAME: 6000})
    assert told.secret_files() == [str(tmp_path / "apiv3_key")]
    with pytest.raises(faults.BadInput, match=r"`orchid`.*`\$\.lycheepay`"):
        settings.load(file_of(tmp_path, orchid="x"), {}, sections=registry.sections())
    path = file_of(tmp_path)
    monkeypatch.undo()
    with pytest.raises(faults.BadInput, match=r"`lycheepay`"):
        settings.load(path, {}, sections=registry.sections())


def test_it_is_attached_answered_and_forwarded_as_any(tmp_path: Path) -> None:
    """By wiring that knows no channel: its connector, the reader of its callbacks, its door, its word, its clock, its name."""
    told = settings.load(file_of(tmp_path, shop_notify_url="http://shop.test/lychee"), {}, sections=registry.sections())
    with every.made(f"{NAME}-in-process") as shop:
        shop.paid()
        (delivery,) = shop.deliveries()
        client = http.Client(shop.gate.transport)
        channels = wiring_channels.channels(told, client, shop.clock)
        ((attempt,), silent) = channels[NAME].ask([ids.OutTradeNo("A1")])
        assert (attempt.source, silent) == (NAME, ())
        world = cast("ports.World", SimpleNamespace(channels=channels, eyes=SimpleNamespace(shop=shops.SHOP)))
        readers = wiring_channels.notice_readers(world)
        kept = readers[NAME].read(delivery.headers, delivery.body, shop.clock.now())
        assert kept.number == "A1"
        called: list[tuple[str, str]] = []

        def server(method: str, url: str, headers: Any, body: bytes) -> tuple[int, dict[str, str], bytes]:
            called.append((method, url))
            assert dict(headers).items() >= {k: v for k, v in delivery.headers if k.startswith("Lychee-")}.items()
            return 204, {}, b""

        forwarder = wiring_channels.forwarder(told, http.Client(server))
        assert forwarder is not None
        assert forwarder.forward(kept)[1] == 204
        assert called == [("POST", "http://shop.test/lychee")]
    assert posted(relay.Answer(status=200, code="SUCCESS", message="OK"), NAME) == (200, "text/plain", b"ripe")
    assert doctor._channel(told) == "http://lycheepay.sandbox"
    assert [words.Say(language).word("Source", NAME) for language in words.Language] == ["Lychee Pay", "荔枝支付"]
    assert sheets.words(f"Source.{NAME}") == ("荔枝支付", "Lychee Pay")
    assert wiring_books.books({}, cast("Any", None), {NAME: 6000}).rates == {NAME: fees.Rate(ppm=6000)}
    (line,) = bank.read("a.csv", "日期,收入,对方户名\n2026-11-24,12.50,荔枝支付有限公司\n".encode()).lines
    assert (line.channel, line.fen) == (NAME, 1250)


@pytest.mark.slow
def test_a_trading_day_with_it_is_closed_without_a_flaw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo's world has it by itself: buyers pay and are refunded, its bill is fetched and reconciled, every break in it is found."""
    # Alone: the other three have their own days, and each costs as much again.
    monkeypatch.setattr(counterparts, "GATES", fourth_joined.GATES)
    shown = days.run(seed=4, days=1, orders=20, folder=tmp_path / "days")
    assert shown.grade.flawless(), shown.mistakes
    assert shown.grade.channels == (NAME,)
    (sheet,) = (s for told in shown.sheets.values() for s in told if s.channel == NAME and s.stage is bill.Stage.BILL)
    assert sum(t.lines for t in sheet.sums if t.side is bill.Side.THEIRS) > 0


def test_a_channel_stands_in_all_three_registries_under_one_name() -> None:
    """In one order; and its name is a section's: letters, and no other section's."""
    assert list(registry.ENTRIES) == list(counterparts.GATES) == list(formats.FORMATS)
    assert all(re.fullmatch("[a-z]+", name) for name in registry.ENTRIES)
    assert not {*registry.ENTRIES} & {*settings.Common.__struct_fields__}


def test_it_is_three_files() -> None:
    """A connector, a sandbox, a format of bill."""
    folder = Path(__file__).parent / "fourth"
    assert sorted(f.name for f in folder.glob("*.py")) == ["__init__.py", "bill.py", "connector.py", "sandbox.py"]


def test_a_channel_is_named_by_its_own_files_and_the_registries_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line elsewhere that goes by a channel's name is one that the next channel would have to find."""
    monkeypatch.undo()
    names = "|".join(registry.ENTRIES)
    own = re.compile(
        rf"adapters/payments/({names})/|adapters/payments/registry\.py|adapters/bills/({names}|formats)\.py"
        rf"|sandbox/({names})/|sandbox/counterparts\.py"
    )
    told = {str(f.relative_to(SRC)): f.read_text(encoding="utf-8") for f in SRC.rglob("*.py")}
    naming = {name for name, text in told.items() if re.search(f"{names}|{names.upper()}", text) and not own.match(name)}
    assert {name for name in naming if not name.startswith(tuple(KNOWING))} == set()
    assert [known for known in KNOWING if not any(name.startswith(known) for name in naming)] == []
