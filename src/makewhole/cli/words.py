"""Words: a key or a noun of ours comes in, a sentence in the reader's language goes out. The catalogue is the data."""

from __future__ import annotations

import enum
import re
import string
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any, Protocol

from makewhole.cli.catalogue import facts, guide, meanings, sentences

NOTHING = "–"
_BEIJING = timezone(timedelta(hours=8))
_SPAN = re.compile(r"(?:(\d+) days?, )?(\d+):(\d\d):(\d\d)(?:\.\d+)?")


class Language(enum.Enum):
    """The languages that Makewhole speaks."""

    ENGLISH = "en"
    CHINESE = "zh"


_COLUMN = {Language.ENGLISH: 0, Language.CHINESE: 1}


class Spoken(Protocol):
    """A sentence as flow and engine leave it: a word of ours and its values (`model.fact.Fact`)."""

    @property
    def says(self) -> enum.Enum:
        """Which sentence."""
        ...

    @property
    def values(self) -> tuple[str, ...]:
        """What stands in it."""
        ...


class Say:
    """Speaks one language. `say("scan.whole", n=3)` is a sentence, `say.meaning(Ailment.PAID_TWICE)` a word, `say.fact(f)` evidence."""

    def __init__(self, language: Language, *, exact: bool = False) -> None:
        """`exact` leaves instants as RFC 3339, for texts that end up in JSON."""
        self.language = language
        self.exact = exact
        self._column = _COLUMN[language]
        self._spell = _Spelling(self)

    def __call__(self, key: str, /, **values: object) -> str:
        """A sentence of the program. Raises KeyError for one that nobody wrote: a test holds every key that the code uses."""
        text = guide.GUIDE.get(key) or sentences.SENTENCES[key]
        return self._spell.vformat(text[self._column], (), values)

    def meaning(self, member: enum.Enum) -> str:
        """A noun of ours in plain words."""
        return self.word(type(member).__name__, str(member.value))

    def word(self, kind: str, slug: str) -> str:
        """The plain words of a slug; the slug itself where it is not one of ours (a shop's own code, another channel)."""
        known = in_both(f"{kind}.{slug}")
        return slug if known is None else known[self._column]

    def fact(self, told: Spoken) -> str:
        """One line of evidence or reason."""
        return self._spell.vformat(facts.FACTS[str(told.says.value)][self._column], told.values, {})

    def instant(self, at: datetime | None) -> str:
        """Beijing time to the second, as people read it."""
        return NOTHING if at is None else at.astimezone(_BEIJING).strftime("%Y-%m-%d %H:%M:%S")

    def spelt(self, text: str) -> str:
        """An RFC 3339 instant as people read it; any other text as it is (a parcel's number may stand where a time could)."""
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            return text
        return text if at.tzinfo is None or self.exact else self.instant(at)

    def span(self, lasts: timedelta) -> str:
        """A span of time in its two largest units."""
        seconds = int(lasts.total_seconds())
        parts = ((seconds // 86400, "days"), (seconds // 3600 % 24, "hours"), (seconds // 60 % 60, "minutes"), (seconds % 60, "seconds"))
        told = [f"{n} {self(f'span.{unit}')}" for n, unit in parts if n][:2]
        return " ".join(told) or f"0 {self('span.seconds')}"


def in_both(key: str) -> tuple[str, str] | None:
    """The English and the Chinese of a kind and a slug; None where the slug is not one of ours. A payment channel brings its own words."""
    kind, _, slug = key.partition(".")
    return meanings.MEANINGS.get(key) or (_channel(slug) if kind == "Source" else None)


def _channel(slug: str) -> tuple[str, str] | None:
    # Here and not above: a page of help speaks of no channel.
    from makewhole.adapters.payments import registry
    from makewhole.core import ids

    joined = registry.ENTRIES.get(ids.ChannelName(slug))
    return None if joined is None else joined.title


class _Spelling(string.Formatter):
    """`str.format` with our own placeholders: `{0:OrderState}`, `{0:instant}`, `{1:span}`; a value that is missing is a dash."""

    def __init__(self, say: Say) -> None:
        self._say = say

    def get_value(self, key: int | str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """The value of a placeholder."""
        if isinstance(key, int):
            return args[key] if key < len(args) else NOTHING
        return kwargs[key]

    def format_field(self, value: Any, format_spec: str) -> str:
        """The value, spelt as its placeholder asks."""
        text = str(value)
        if format_spec == "instant":
            return self._say.spelt(text)
        if format_spec == "span":
            return self._span(text)
        if format_spec and format_spec[0].isupper():
            return ", ".join(self._say.word(format_spec, slug) for slug in text.split(", "))
        return format(value, format_spec)

    def _span(self, text: str) -> str:
        told = _SPAN.fullmatch(text)
        if told is None:
            return text
        days, hours, minutes, seconds = (int(n or 0) for n in told.groups())
        return self._say.span(timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds))


def language_of(name: str) -> Language | None:
    """The language that a setting or a locale names (`zh`, `zh_CN.UTF-8`, `en-GB`, `C`); None where it names none of ours."""
    short = name.strip().lower().replace("_", "-").split("-")[0].split(".")[0]
    return next((spoken for spoken in Language if spoken.value == short), None)


def from_locale(environment: Mapping[str, str]) -> Language:
    """The language of LC_ALL, LC_MESSAGES or LANG, the first that is set; English where it is none of ours."""
    named = next((value for name in ("LC_ALL", "LC_MESSAGES", "LANG") if (value := environment.get(name))), "")
    return language_of(named) or Language.ENGLISH
