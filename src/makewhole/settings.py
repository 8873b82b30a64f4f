"""Every setting with its default, unit and reason; read from a TOML file and the environment; and the data files that people edit.

Precedence: command line, then `MAKEWHOLE_…` in the environment, then the file, then the default. Secrets come from the environment or
from files named here, never from the command line.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from makewhole.core import codec, faults
from makewhole.model import finding, plan, playbook, policy

PREFIX = "MAKEWHOLE_"
FILE = "makewhole.toml"
CHANNELS = ("wechatpay", "alipay", "douyinpay")
"""Sections of payment channels."""
_SECTIONS = frozenset({*CHANNELS, "douyin", "shop", "bank", "relay", "engine", "images", "history"})
_SECRETS = frozenset({"", "password", "hands_password", "token"})
"""Of the environment alone: no settings."""


class ShopSettings(codec.Noun, frozen=True, kw_only=True):
    """The shop that we are attached to."""

    file: str = ""
    """A shop file's path, or the name of one that is shipped (mall, demo)."""
    database: str = ""
    """Address of the shop's database for reading. A read-only account is enough."""
    hands_database: str = ""
    """Address for writing; empty: nothing is ever written, acts become tasks for a person."""
    password_file: str = ""
    """File that holds the database's password; MAKEWHOLE_SHOP_PASSWORD comes first."""
    notify_url: str = ""
    """The shop's own callback URL, to which the relay forwards: says that the relay stands in front. Empty: no forwarding, and that a
    callback is missing proves nothing."""
    admin_url: str = ""
    """Base address of the shop's admin API, for hands that call it; MAKEWHOLE_SHOP_TOKEN is its bearer token. Empty: no such hands."""


class WechatpaySettings(codec.Noun, frozen=True, kw_only=True):
    """One merchant account at WeChat Pay."""

    mchid: str
    appid: str
    serial_no: str
    """Serial number of the merchant's own certificate."""
    private_key_file: str
    """The merchant's private key, PEM."""
    apiv3_key_file: str
    """The 32-byte APIv3 key. A file, because it opens every callback."""
    base_url: str = "https://api.mch.weixin.qq.com"
    public_key_id: str = ""
    """PUB_KEY_ID_…: public-key mode. Empty: certificate mode."""
    public_key_file: str = ""
    """WeChat Pay's public key, PEM, in public-key mode."""
    notify_url: str = ""
    """Where the channel sends callbacks: the relay's public address."""
    shop_notify_url: str = ""
    """The shop's own callback URL for WeChat Pay; empty: shop.notify_url."""
    link: str = "native"
    """Kind of payment link for a recalled order: native, jsapi, h5 or app."""
    fee_ppm: int = 0
    """The fee that was agreed on, in parts per million of a payment: 0.60 % is 6000. 0: fees are shown and not compared."""


class AlipaySettings(codec.Noun, frozen=True, kw_only=True):
    """One merchant account at Alipay. Either `public_key_file`, or the three certificates."""

    app_id: str
    seller_id: str
    """The merchant's user number (PID, 2088…): callbacks of another seller are refused."""
    private_key_file: str
    """The application's private key, PEM or as Alipay's tool writes it."""
    public_key_file: str = ""
    """Alipay's public key, not the application's own: plain-key mode."""
    app_cert_file: str = ""
    """The application's certificate (appCertPublicKey): certificate mode, with the next two."""
    alipay_cert_file: str = ""
    """Alipay's certificate (alipayCertPublicKey_RSA2)."""
    root_cert_file: str = ""
    """Alipay's roots (alipayRootCert)."""
    gateway_url: str = "https://openapi.alipay.com/gateway.do"
    charset: str = "utf-8"
    """utf-8 or gbk: of requests and answers. A callback says its own."""
    notify_url: str = ""
    """Where the channel sends callbacks: the relay's public address."""
    shop_notify_url: str = ""
    """The shop's own callback URL for Alipay; empty: shop.notify_url."""
    link: str = "precreate"
    """Kind of payment link for a recalled order: precreate, page, wap or app."""
    fee_ppm: int = 0
    """The fee that was agreed on, in parts per million of a payment: 0.60 % is 6000. 0: fees are shown and not compared."""


class DouyinpaySettings(codec.Noun, frozen=True, kw_only=True):
    """One merchant account at Douyin Pay."""

    mchid: str
    appid: str
    serial_no: str
    """Serial number of the merchant's own certificate."""
    private_key_file: str
    """The merchant's private key, PEM."""
    apiv3_key_file: str
    """The 32-byte key of the interface (接口加密密钥). A file, because it opens every callback."""
    base_url: str = "https://api.douyinpay.com"
    notify_url: str = ""
    """Where the channel sends callbacks: the relay's public address, https and without a query."""
    shop_notify_url: str = ""
    """The shop's own callback URL for Douyin Pay; empty: shop.notify_url."""
    link: str = "native"
    """Kind of payment link for a recalled order: native, jsapi, h5 or app."""
    codes: dict[str, str] = {}  # noqa: RUF012 - each value has one of its own
    """Error codes that our table lacks or has wrong, each with what it says: not-found, refused, busy, …"""
    fee_ppm: int = 0
    """The fee that was agreed on, in parts per million of a payment: 0.60 % is 6000. 0: fees are shown and not compared."""


ChannelSettings = WechatpaySettings | AlipaySettings | DouyinpaySettings


class DouyinSettings(codec.Noun, frozen=True, kw_only=True):
    """The shop's account with Douyin's shop platform (抖店), whose lines are compared at 20:00."""

    shop_id: str
    app_key: str
    app_secret_file: str
    """The app's secret: it signs every question."""
    access_token_file: str
    """The shop's access token, read anew for every question: it lives seven days. Alone in its file it is renewed by somebody else; with
    its refresh token, as the platform's answer has both, it is exchanged here and the file written anew."""
    base_url: str = "https://openapi-fxg.jinritemai.com"
    method: str = "order.getSettleBillDetailV3"
    """The call that gives the account's lines of a day; `order.getShopAccountItem` is known too."""
    cells: dict[str, str] = {}  # noqa: RUF012 - each value has one of its own
    """Our names of a row's cells, each with the call's: all of them for a call that is not known."""
    fee_ppm: int = 0
    """The commission that was agreed on, in parts per million of what the buyer paid. 0: fees are shown and not compared."""


class BankSettings(codec.Noun, frozen=True, kw_only=True):
    """The bank account into which channels pay out."""

    folder: str = ""
    """Folder into which somebody puts the bank's statements, CSV or .xlsx; `serve` takes what is new. Empty: none are taken."""
    columns: dict[str, str] = msgspec.field(default_factory=dict)
    """What the bank calls its columns, where it is not as most banks do: date, income, amount, direction, payer, memo, serial, balance."""
    payers: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    """By channel, words by which its payer is known in a line, instead of the shipped ones."""


class RelaySettings(codec.Noun, frozen=True, kw_only=True):
    """The callback relay of `serve`."""

    host: str = "127.0.0.1"
    """Loopback: a reverse proxy with TLS stands in front."""
    port: int = 8440
    answer_within_ms: int = 4000
    """Milliseconds. Channels give up after 5 s; the durable write takes a few milliseconds."""


class EngineSettings(codec.Noun, frozen=True, kw_only=True):
    """How hard the engine works."""

    workers: int = 16
    """Orders worked on at once. The channel's answer time (50 to 500 ms) is waited for in parallel; the processor is not."""
    sweep_every_s: int = 60
    """Seconds between sweeps of the shop's rows."""
    forward_every_s: int = 5
    """Seconds between looks at notices that are due to be forwarded."""
    search_every_s: int = 300
    """Seconds between looks at what is new for the search index."""
    books_every_s: int = 60
    """Seconds between looks at what of the daily books is due: a day is closed within a minute of its hour, or of its bill. 0: never."""
    lease_s: int = 60
    """Seconds after which a silent worker's run is taken over: longer than any one call's time-out."""


class ImagesSettings(codec.Noun, frozen=True, kw_only=True):
    """Images of the orders every 15 minutes."""

    place: str = "makewhole-images"
    """A folder, or an address that Delta Lake writes to (s3://bucket/path, az://…, gs://…); its credentials come from the environment."""
    every_s: int = 60
    """Seconds between looks whether an image is due: what a missed one is late at most."""


class HistorySettings(codec.Noun, frozen=True, kw_only=True):
    """What orders were, for longer than the shop's server remembers."""

    archive: str = ""
    """Folder of the archive of the shop's changes: kept up by `serve`, read by `history`. Empty: what the server forgets is gone; of a
    PostgreSQL shop it is `makewhole-changes` then, as its server forgets what was read."""
    every_s: int = 60
    """Seconds between looks at what is new in the server's log: far less than any server keeps it (expire_logs counts in days)."""


class Settings(codec.Noun, frozen=True, kw_only=True):
    """All settings."""

    language: str = ""
    """zh or en; empty: from the locale."""
    store: str = "sqlite:///makewhole.db"
    """Where Makewhole keeps its own memory. A file needs no server; mysql://… for several machines."""
    keys: str = "makewhole-keys"
    """Folder of our own two keys, made at first use: the Ed25519 key that signs the evidence log, the secret of keyed hashes.
    Keep it away from the store's backups: who has both can forge."""
    search: str = "makewhole-search"
    """Folder of the search index. It can be thrown away: orders, callbacks and cases are found again, log files must be imported again."""
    reports: str = "makewhole-reports"
    """Folder into which `serve` writes each closed day's sheet: a page to print, a workbook, CSV, JSON."""
    platform: str = "douyin"
    house: str = "house"
    playbook: str = "default"
    shop: ShopSettings = ShopSettings()
    wechatpay: WechatpaySettings | None = None
    alipay: AlipaySettings | None = None
    douyinpay: DouyinpaySettings | None = None
    douyin: DouyinSettings | None = None
    bank: BankSettings = BankSettings()
    relay: RelaySettings = RelaySettings()
    engine: EngineSettings = EngineSettings()
    images: ImagesSettings = ImagesSettings()
    history: HistorySettings = HistorySettings()

    def relayed(self) -> bool:
        """Whether callbacks come through our relay, so that none kept means none came: the channel must be told of another address than
        the shop's own. Read from the settings and not from the command, so that `scan` and `serve` see the same order."""
        told = [(own.shop_notify_url or self.shop.notify_url, own.notify_url) for own in self.channels().values()]
        return bool(told) and all(shop and shop != channel for shop, channel in told)

    def fees(self) -> dict[str, int]:
        """Agreed fees by channel, in parts per million; only those that are named."""
        agreed = {name: own.fee_ppm for name, own in self.channels().items()}
        if self.douyin is not None:
            agreed["douyin-shop"] = self.douyin.fee_ppm
        return {name: fee for name, fee in agreed.items() if fee > 0}

    def channels(self) -> dict[str, ChannelSettings]:
        """The payment channels that are attached, by their names: the sections that are there."""
        told: dict[str, ChannelSettings | None] = {name: getattr(self, name) for name in CHANNELS}
        return {name: own for name, own in told.items() if own is not None}

    def secret_files(self) -> list[str]:
        """Files that hold a secret as text: what stands in them is never shown."""
        own = [self.shop.password_file]
        own += [sealed.apiv3_key_file for sealed in (self.wechatpay, self.douyinpay) if sealed is not None]
        own += [] if self.douyin is None else [self.douyin.app_secret_file, self.douyin.access_token_file]
        return [file for file in own if file]

    def lease(self) -> timedelta:
        """The lease as a span."""
        return timedelta(seconds=self.engine.lease_s)


def load(config: Path | None = None, environment: Mapping[str, str] | None = None) -> Settings:
    """The settings in force. Without `config`, `makewhole.toml` of the working directory if it is there.

    Raises BadInput where the file is missing, broken or names a setting that does not exist.
    """
    env = os.environ if environment is None else environment
    path = config or Path(FILE)
    told: dict[str, Any] = {}
    if config is not None or path.exists():
        told = read_toml(path)
    _overlay(told, env)
    try:
        return msgspec.convert(told, Settings, strict=False)
    except msgspec.ValidationError as wrong:
        raise faults.BadInput(str(wrong), where=str(path), todo="See docs/settings.md for every setting.") from wrong


def _overlay(told: dict[str, Any], env: Mapping[str, str]) -> None:
    """MAKEWHOLE_SHOP_DATABASE sets shop.database: the part before the first field name is the section."""
    sections = {f.name: f.type for f in msgspec.structs.fields(Settings)}
    for name, value in env.items():
        if not name.startswith(PREFIX):
            continue
        rest = name.removeprefix(PREFIX).lower()
        if rest in sections:
            told[rest] = value
            continue
        section, _, key = rest.partition("_")
        if section in _SECTIONS and key not in _SECRETS:
            told.setdefault(section, {})[key] = value


def read_toml(path: Path) -> dict[str, Any]:
    """A TOML file's content. Raises BadInput, naming file and line, where it cannot be read."""
    try:
        with path.open("rb") as source:
            return tomllib.load(source)
    except OSError as missing:
        raise faults.BadInput(
            f"cannot read it: {missing.strerror}", where=str(path), todo="Check the path and its permissions."
        ) from missing
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as broken:
        raise faults.BadInput(f"not valid TOML: {broken}", where=str(path), todo="Mend the line it names.") from broken


def data_dir(kind: str) -> Path:
    """Where the shipped data of a kind lie (policies, playbooks, shops, cases): in the wheel, or beside `src` in a checkout."""
    packaged = Path(__file__).parent / "data" / kind
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / kind


def find_data(kind: str, name: str) -> Path:
    """A data file by path, or by the name of a shipped one. Raises BadInput, listing what there is."""
    given = Path(name)
    if given.suffix == ".toml":
        return given
    shipped = data_dir(kind) / f"{name}.toml"
    if not shipped.exists():
        there = ", ".join(sorted(p.stem for p in data_dir(kind).glob("*.toml")))
        raise faults.BadInput(f"no {kind} file named {name!r}", where="settings", todo=f"Give a path, or one of: {there}.")
    return shipped


class _RuleFile(codec.Noun, frozen=True, kw_only=True):
    name: str
    rule: tuple[policy.Rule, ...]


class _PlaybookFile(codec.Noun, frozen=True, kw_only=True):
    name: str
    remedies: dict[finding.Ailment, tuple[plan.Remedy, ...]]


Shape = TypeVar("Shape")


def policy_book(platform: str = "douyin", house: str = "house") -> policy.Book:
    """The dated rules of a platform and a house. Raises BadInput for a broken file."""
    ours = _shaped(find_data("policies", house), _RuleFile)
    theirs = _shaped(find_data("policies", platform), _RuleFile)
    return policy.Book(name=f"{theirs.name}+{ours.name}", platform=theirs.rule, house=ours.rule)


def load_playbook(name: str = "default") -> playbook.Playbook:
    """Which remedies are allowed. Raises BadInput for a broken file."""
    told = _shaped(find_data("playbooks", name), _PlaybookFile)
    return playbook.Playbook(name=told.name, remedies=told.remedies)


def _shaped(path: Path, shape: type[Shape]) -> Shape:
    try:
        return msgspec.convert(read_toml(path), shape)
    except (msgspec.ValidationError, ValueError) as wrong:
        raise faults.BadInput(str(wrong), where=str(path), todo="Mend the entry it names.") from wrong


def secret(environment_name: str, file: str, *, what: str) -> str:
    """A secret from the environment or a file. Raises BadInput where neither has it; the secret itself is never in the message."""
    from_env = os.environ.get(environment_name, "")
    if from_env:
        return from_env
    if not file:
        raise faults.BadInput(f"no {what}", where="settings", todo=f"Set {environment_name} or name a file that holds it.")
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except OSError as missing:
        raise faults.BadInput(f"cannot read the {what}: {missing.strerror}", where=file, todo="Check the path.") from missing
