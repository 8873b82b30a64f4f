"""A session: what every command needs to know of how it was started; opens the settings, the instant and the world for it."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import msgspec

from makewhole import ports
from makewhole import settings as settings_module
from makewhole.adapters.payments import registry
from makewhole.cli import logs, output, start, words
from makewhole.core import clock, faults

_PASSWORD_IN_URL = re.compile(r"://[^/@:]*:[^/]*@")


class Session:
    """One run of one command."""

    def __init__(self, begun: start.Start, *, as_json: bool = False) -> None:
        self.begun = begun
        self.say = begun.say
        self.out = output.Output(as_json=as_json)
        logs.listen(begun)

    def settings(self, *, config: str | None, database: str | None = None, shop: str | None = None) -> settings_module.Settings:
        """The settings in force, with what the command line says on top. Raises BadInput."""
        if database and _PASSWORD_IN_URL.search(database):
            raise faults.BadInput(self.say("bad.password-in-url"), where="--database", todo=self.say("bad.password-in-url-todo"))
        told = settings_module.load(None if config is None else Path(config), sections=registry.sections())
        merchant = told.shop
        if database is not None:
            merchant = msgspec.structs.replace(merchant, database=database)
        if shop is not None:
            merchant = msgspec.structs.replace(merchant, file=shop)
        told = msgspec.structs.replace(told, shop=merchant)
        self.begun.settings = told
        self._speak(told.language)
        return told

    def instant(self, at: str | None) -> datetime | None:
        """`--at` as an instant. Raises BadInput for anything that is not one."""
        if at is None:
            return None
        try:
            return clock.parse(at)
        except ValueError as wrong:
            raise faults.BadInput(
                self.say("bad.instant", given=at), where="--at", todo=self.say("bad.instant-todo", example="2026-11-23T20:00:00+08:00")
            ) from wrong

    @contextlib.contextmanager
    def world(self, told: settings_module.Settings, *, at: datetime | None = None, need_store: bool = True) -> Iterator[ports.World]:
        """The attached world; as of `at`, where the command was asked to judge the past."""
        self.attached(told)
        # Here and not above: adapters and their drivers cost a newcomer's `scan --help` half a second.
        from makewhole.wiring import worlds

        stopped = None if at is None else clock.ManualClock(at)
        with worlds.open_world(told, clock=stopped, need_store=need_store) as world:
            yield world

    def attached(self, told: settings_module.Settings) -> None:
        """Raises BadInput where no shop is named at all."""
        if not told.shop.database:
            raise faults.BadInput(self.say("bad.no-database"), where=self.say("bad.settings"), todo=self.say("bad.no-database-todo"))

    def _speak(self, named: str) -> None:
        """The settings' language, unless the command line chose one."""
        if self.begun.chosen or not named:
            return
        language = words.language_of(named)
        if language is None:
            raise faults.BadInput(self.say("bad.language", given=named), where="language", todo=self.say("bad.language-todo"))
        self.begun.say = self.say = words.Say(language)
