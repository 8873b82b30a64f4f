"""Every setting with its default, unit and reason; read from a TOML file and the environment; and the data files that people edit.

Precedence: command line, then `MAKEWHOLE_…` in the environment, then the file, then the default. Secrets come from the environment or
from files named here, never from the command line.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Collection, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from makewhole.core import codec, faults
from makewhole.model import finding, plan, playbook, policy

PREFIX = "MAKEWHOLE_"
FILE = "makewhole.toml"
_SECTIONS = frozenset({"douyin", "shop", "bank", "relay", "engine", "images", "history"})
"""Beside those of channels."""
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


class ChannelSettings(codec.Noun, frozen=True, kw_only=True):
    """One merchant account at a payment channel: what the settings of all have. A channel's connector has the rest beside its code."""

    notify_url: str = ""
    """Where the channel sends callbacks: the relay's public address."""
    shop_notify_url: str = ""
    """The shop's own callback URL for this channel; empty: shop.notify_url."""
    fee_ppm: int = 0
    """The fee that was agreed on, in parts per million of a payment: 0.60 % is 6000. 0: fees are shown and not compared."""

    def merchant(self) -> str:
        """Our number there, as its bills say it."""
        return ""

    def secret_files(self) -> tuple[str, ...]:
        """Files that hold a secret as text."""
        return ()


Sections = Mapping[str, type[ChannelSettings]]
"""The sections of the channels that we have, each with what may stand in it."""


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


class Common(codec.Noun, frozen=True, kw_only=True):
    """All settings but the channels': the same whatever channels there are."""

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
    douyin: DouyinSettings | None = None
    bank: BankSettings = BankSettings()
    relay: RelaySettings = RelaySettings()
    engine: EngineSettings = EngineSettings()
    images: ImagesSettings = ImagesSettings()
    history: HistorySettings = HistorySettings()


class Settings(Common, frozen=True, kw_only=True):
    """All settings."""

    channels: Mapping[str, ChannelSettings] = msgspec.field(default_factory=dict)
    """The payment channels that are attached, by their names: the sections that are there."""

    def relayed(self) -> bool:
        """Whether callbacks come through our relay, so that none kept means none came: the channel must be told of another address than
        the shop's own. Read from the settings and not from the command, so that `scan` and `serve` see the same order."""
        told = [(own.shop_notify_url or self.shop.notify_url, own.notify_url) for own in self.channels.values()]
        return bool(told) and all(shop and shop != channel for shop, channel in told)

    def fees(self) -> dict[str, int]:
        """Agreed fees by channel, in parts per million; only those that are named."""
        agreed = {name: own.fee_ppm for name, own in self.channels.items()}
        if self.douyin is not None:
            agreed["douyin-shop"] = self.douyin.fee_ppm
        return {name: fee for name, fee in agreed.items() if fee > 0}

    def secret_files(self) -> list[str]:
        """Files that hold a secret as text: what stands in them is never shown."""
        own = [self.shop.password_file]
        own += [file for account in self.channels.values() for file in account.secret_files()]
        own += [] if self.douyin is None else [self.douyin.app_secret_file, self.douyin.access_token_file]
        return [file for file in own if file]

    def lease(self) -> timedelta:
        """The lease as a span."""
        return timedelta(seconds=self.engine.lease_s)


def load(config: Path | None = None, environment: Mapping[str, str] | None = None, *, sections: Sections) -> Settings:
    """The settings in force. Without `config`, `makewhole.toml` of the working directory if it is there.

    `sections`: of the channels that we have; any other is a setting that does not exist. Raises BadInput where the file is
    missing, broken or names a setting that does not exist.
    """
    env = os.environ if environment is None else environment
    path = config or Path(FILE)
    told: dict[str, Any] = {}
    if config is not None or path.exists():
        told = read_toml(path)
    _overlay(told, env, sections)
    try:
        return shaped(told, sections)
    except msgspec.ValidationError as wrong:
        raise faults.BadInput(str(wrong), where=str(path), todo="See docs/settings.md for every setting.") from wrong


def shaped(told: Mapping[str, Any], sections: Sections) -> Settings:
    """The settings that a file's content says. Raises msgspec.ValidationError, which names the place."""
    # The accounts in one shape, and not each by itself: what is wrong with one is told with its place in the whole.
    accounts = msgspec.defstruct("Accounts", [(name, kind | None, None) for name, kind in sections.items()], kw_only=True)
    of = msgspec.convert({name: own for name, own in told.items() if name in sections}, accounts, strict=False)
    common = msgspec.convert({name: own for name, own in told.items() if name not in sections}, Common, strict=False)
    attached = {name: own for name in sections if (own := getattr(of, name)) is not None}
    return Settings(**{name: getattr(common, name) for name in Common.__struct_fields__}, channels=attached)


def _overlay(told: dict[str, Any], env: Mapping[str, str], channels: Collection[str]) -> None:
    """MAKEWHOLE_SHOP_DATABASE sets shop.database: the part before the first field name is the section."""
    named = {f.name for f in msgspec.structs.fields(Common)}
    for name, value in env.items():
        if not name.startswith(PREFIX):
            continue
        rest = name.removeprefix(PREFIX).lower()
        if rest in named or rest in channels:
            told[rest] = value
            continue
        section, _, key = rest.partition("_")
        if (section in _SECTIONS or section in channels) and key not in _SECRETS:
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
