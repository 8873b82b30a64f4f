"""How the program was started: its arguments and environment come in, the language to answer in goes out. Imports next to nothing."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from typing import Any

from makewhole.cli import words


@dataclasses.dataclass(kw_only=True)
class Start:
    """What is known before any command runs; `settings` is filled in once they are read, for a report if we break."""

    say: words.Say
    chosen: bool
    """Whether `--lang` said so: then the settings' language does not count."""
    arguments: tuple[str, ...] = ()
    settings: Any = None


def start(arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> Start:
    """Looks for `--lang` anywhere, because even the help must know it; whether its value is one of ours is checked later."""
    env = os.environ if environment is None else environment
    named = _option(arguments)
    chosen = None if named is None else words.language_of(named)
    language = chosen or words.language_of(env.get("MAKEWHOLE_LANGUAGE", "")) or words.from_locale(env)
    return Start(say=words.Say(language), chosen=chosen is not None, arguments=tuple(arguments))


def _option(arguments: Sequence[str]) -> str | None:
    found = None
    for i, argument in enumerate(arguments):
        if argument == "--":
            break
        if argument == "--lang" and i + 1 < len(arguments):
            found = arguments[i + 1]
        elif argument.startswith("--lang="):
            found = argument.removeprefix("--lang=")
    return found
