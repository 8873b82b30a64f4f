"""What every room of the wiring begins with: settings go in; the shop's map, addresses with passwords and our secrets come out."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

import sqlalchemy as sa

from makewhole import settings
from makewhole.adapters.shops import engines, language, shopmap, survey
from makewhole.attach import survey as surveys
from makewhole.core import faults
from makewhole.wiring import channels as wiring_channels


def map_of(told: settings.Settings) -> shopmap.ShopMap:
    """The shop file's map. Raises BadInput for one that is missing or broken."""
    return shopmap.compile_map(language.load(language.find(told.shop.file, settings.data_dir("shops"))))


def address(told: settings.Settings) -> sa.URL:
    """Where the shop's rows are read. Raises BadInput for what is no address."""
    return _address(told.shop.database, told.shop, "PASSWORD")


def hands_address(told: settings.Settings) -> sa.URL | None:
    """Where they are written; None where nothing may be. Raises BadInput for what is no address."""
    return _address(told.shop.hands_database, told.shop, "HANDS_PASSWORD") if told.shop.hands_database else None


def schema_of(url: sa.URL) -> str:
    """The schema by which a change log names the shop's tables: the database; inside of it on PostgreSQL, which is asked. SQLite's triggers
    name none."""
    match url.get_backend_name():
        case "sqlite":
            return ""
        case "postgresql" | "postgres":
            reader = engines.for_eyes(url)
            try:
                return engines.schema(reader)
            finally:
                reader.dispose()
        case _:
            return url.database or ""


def hash_secret(told: settings.Settings, *, keep: bool) -> bytes:
    """The secret of keyed hashes: the same buyer is the same word as long as it stays. A passing one where nothing may be written."""
    path = Path(told.keys) / "hash.key"
    fresh = secrets.token_hex(32).encode()
    if not keep and not path.exists():
        return fresh
    return kept(path, fresh)


def kept(path: Path, fresh: bytes) -> bytes:
    """A key file's content, written with `fresh` if it is not there yet; two processes that start at once agree on one."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError), os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as new:
            new.write(fresh)
        return path.read_bytes()
    except OSError as wrong:
        raise faults.BadInput(
            f"cannot keep our own key: {wrong.strerror}", where=str(path), todo="Name a writable folder as `keys` in the settings."
        ) from wrong


def _address(database: str, shop: settings.ShopSettings, secret: str) -> sa.URL:
    """The address with its password, which stands in the environment or a file and never in the address that people type."""
    try:
        url = sa.make_url(database)
    except sa.exc.ArgumentError as wrong:
        todo = "Write mysql://user@host:3306/shop or sqlite:///shop.db."
        raise faults.BadInput("not a database address", where="shop.database", todo=todo) from wrong
    if url.get_backend_name() == "sqlite" or url.password is not None:
        return url
    for name in (secret, "PASSWORD"):
        if password := os.environ.get(f"{settings.PREFIX}SHOP_{name}", ""):
            return url.set(password=password)
    if not shop.password_file:
        return url
    return url.set(password=wiring_channels.read_file(shop.password_file, "shop.password_file").decode().strip())


def survey_shop(told: settings.Settings) -> surveys.Survey:
    """What the shop's database shows of itself, read and not written. Raises as `open_world` does."""
    reader = engines.for_eyes(address(told))
    try:
        return survey.take(reader, "shop.database")
    finally:
        reader.dispose()
