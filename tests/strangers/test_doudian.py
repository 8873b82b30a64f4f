"""The one open client of Douyin's shop platform, against our counterpart and our connector: none was written with the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from makewhole import settings
from makewhole.adapters import http
from makewhole.core import clock
from makewhole.model import fetched
from makewhole.sandbox.channel import server
from makewhole.sandbox.douyin import gateway, tokens
from makewhole.wiring import markets as wiring_markets
from tests.platforms import market
from tests.strangers import process

pytestmark = pytest.mark.slow

ORDER = "6920190000000000001"


@pytest.fixture
def shop() -> Iterator[gateway.Gateway]:
    """Three orders were settled two days ago, a row a page."""
    made = gateway.Gateway(process.WallClock(), page_rows=1)
    at = datetime.now(clock.BEIJING) - timedelta(days=2)
    for place in range(3):
        made.settle(f"{ORDER}{place}", 10_000 + place, 500, at=at)
    with server.serving(made):
        yield made


@pytest.fixture
def doudian(stranger_python: Callable[[str], Path]) -> Iterator[process.Stranger]:
    # It stamps with the machine's own time, which at its users' is Beijing's.
    made = process.Stranger(stranger_python("doudian"), "drive_doudian.py", TZ="Asia/Shanghai")
    yield made
    made.stop()


def attached(stranger: process.Stranger, shop: gateway.Gateway, **other: str) -> Any:
    told = {"app_key": shop.app_key, "app_secret": shop.secret, "gateway": shop.base_url, **other}
    return stranger.ask("client", **told)


def asked(day: datetime, **more: Any) -> dict[str, Any]:
    return {"size": 100, "start_time": f"{day:%Y-%m-%d} 00:00:00", "end_time": f"{day:%Y-%m-%d} 23:59:59", "time_type": "0", **more}


def test_it_is_let_in_for_a_code_and_reads_a_days_lines(doudian: process.Stranger, shop: gateway.Gateway) -> None:
    """Its own signature, its own stamp, its tokens: page by page to the last. A code is good once, another secret never."""
    code = shop.tokens.authorised()
    assert attached(doudian, shop, code=code)["access_token"] == shop.tokens.access
    orders, index, ended = [], "", False
    while not ended:
        answer = doudian.ask("call", path="/order/getSettleBillDetailV3", params=asked(shop.moved[0].at, start_index=index))
        assert (answer["code"], answer["err_no"]) == (10000, 0)
        page = answer["data"]
        orders += [row["shop_order_id"] for row in page["data"]]
        index, ended = page["next_start_index"], page["is_end"] == 1
    assert orders == [f"{ORDER}{place}" for place in range(3)]
    assert attached(doudian, shop, code=code) is None
    assert attached(doudian, shop, code=shop.tokens.authorised(), app_secret="another") is None


def test_it_exchanges_a_token_near_its_end(doudian: process.Stranger, shop: gateway.Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the last hour, as its author read the documents: a new pair, with which it goes on asking."""
    monkeypatch.setattr(tokens, "LIVES", timedelta(minutes=40))
    first = attached(doudian, shop, code=shop.tokens.authorised())
    assert doudian.ask("call", path="/order/getSettleBillDetailV3", params=asked(shop.moved[0].at))["code"] == 10000
    assert shop.tokens.access != first["access_token"] in shop.tokens.valid


def test_what_our_connector_sends_is_signed_as_it_signs(doudian: process.Stranger, shop: gateway.Gateway, tmp_path: Path) -> None:
    """Every page of a day and the exchange of the token: for the bytes of each body the stranger finds the signature beside it."""
    attached(doudian, shop)
    own = market.told(shop, tmp_path, base_url=shop.base_url)
    (tmp_path / "token").write_text(f'{{"access_token":"{shop.tokens.access}","refresh_token":"{shop.tokens.refresh}"}}', encoding="utf-8")
    sent: list[tuple[str, bytes]] = []
    pool = http.Pool()

    def seen(method: str, url: str, headers: Mapping[str, str], body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        sent.append((url, body))
        return pool(method, url, headers, body)

    source = wiring_markets.markets(settings.Settings(douyin=own), http.Client(seen), process.WallClock())[wiring_markets.DOUYIN_SHOP]
    raw = source.fetch_bill(shop.moved[0].at.date())
    assert isinstance(raw, fetched.RawBill)
    assert len(source.lines(raw)) == 3
    pool.close()
    methods = []
    for url, body in sent:
        told = dict(parse_qsl(urlsplit(url).query))
        methods.append(told["method"])
        signature = doudian.ask("sign", method=told["method"], param_json=body.decode(), timestamp=told["timestamp"])
        assert (told["sign"], told["v"], told["sign_method"]) == (signature, "2", "hmac-sha256")
    assert methods == ["token.refresh", *["order.getSettleBillDetailV3"] * 3]
