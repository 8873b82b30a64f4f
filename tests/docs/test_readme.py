"""Both READMEs say the same things, and what they tell people to type is understood."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import click
import pytest

from makewhole import settings
from makewhole.adapters.payments import registry
from makewhole.cli import program, start
from tests.docs import pages

ENGLISH = pages.ROOT / "README.md"
CHINESE = pages.ROOT / "README.zh-CN.md"
BOTH = pytest.mark.parametrize("page", [ENGLISH, CHINESE], ids=["en", "zh"])
SECTIONS = {
    "Try it": "先跑起来",
    "What it finds": "能找出什么",
    "One rung at a time": "一级一级来",
    "Point it at your shop": "接上你的店铺",
    "Look closer": "再看仔细些",
    "Ten laws": "十条定律",
    "What it does not do yet": "现在还不会什么",
    "Read on": "接着读",
    "License": "许可证",
}
PROGRAMS = {"./run", "makewhole"}
OTHERS = {"./test", "export", "cp"}


def commands(page: Path) -> list[list[str]]:
    """What the page tells people to type, in words, without comments."""
    lines = re.findall(r"^```sh\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return [words for block in lines for line in block.splitlines() if (words := shlex.split(line, comments=True))]


def test_both_have_the_same_sections() -> None:
    """In the same order: a reader of one can find their way in the other."""
    assert pages.headings(ENGLISH) == list(SECTIONS)
    assert pages.headings(CHINESE) == list(SECTIONS.values())


def test_both_show_the_same_commands_and_settings() -> None:
    """Only the words around them differ."""
    assert commands(ENGLISH) == commands(CHINESE)
    assert settings_of(ENGLISH) == settings_of(CHINESE)
    assert set(pages.links(ENGLISH)) - {"README.zh-CN.md"} == set(pages.links(CHINESE)) - {"README.md"}


@BOTH
def test_every_command_parses(page: Path) -> None:
    """Names, options and arguments: nothing is carried out."""
    shown = commands(page)
    assert len([words for words in shown if words[0] in PROGRAMS]) >= 8
    for words in shown:
        assert words[0] in PROGRAMS | OTHERS, words
        if words[0] not in PROGRAMS or len(words) == 1:
            continue
        group = click.Context(program.PROGRAM, info_name="makewhole", obj=start.start(words[1:], {}))
        known = program.PROGRAM.get_command(group, words[1])
        assert known is not None, words
        known.make_context(words[1], [word for word in words[2:] if word != "--help"], parent=group, resilient_parsing="--help" in words)


@BOTH
def test_the_settings_that_are_shown_are_settings(page: Path) -> None:
    """A file that somebody copies from here is understood."""
    told = settings_of(page)
    assert "wechatpay" in told.channels
    assert told.shop.file


def settings_of(page: Path) -> settings.Settings:
    """The settings file that the page shows."""
    [block] = re.findall(r"^```toml\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return settings.shaped(tomllib.loads(block), registry.sections())


@BOTH
def test_the_number_of_ailments_is_the_real_one(page: Path) -> None:
    """`Sixteen` is a claim like any other."""
    count = len(settings.load_playbook().remedies)
    words = {17: ("Seventeen", "十七"), 18: ("Eighteen", "十八"), 19: ("Nineteen", "十九")}
    assert count in words, "say the new number in both READMEs and here"
    assert any(word in page.read_text(encoding="utf-8") for word in words[count])


@BOTH
def test_the_laws_are_ten(page: Path) -> None:
    """As many as docs/laws.md has."""
    laws = pages.ROOT / "docs" / "laws.md"
    text = page.read_text(encoding="utf-8").split("\n## ")[6]
    assert len(re.findall(r"^\d+\. ", text, re.MULTILINE)) == len(pages.headings(laws)) == 10
