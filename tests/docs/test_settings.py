"""The settings page lists every setting with the default that the code has, and every rule with the value that is shipped."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from makewhole import settings
from makewhole.adapters.payments import registry
from makewhole.core import codec
from makewhole.model import policy

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "settings.md"


def rows(columns: int) -> list[list[str]]:
    """The cells of every table row of the page that has so many columns and begins with a `name`."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip("|"))] for line in lines if line.startswith("| `")]
    return [row for row in cells if len(row) == columns]


def fields(of: Any, prefix: str = "") -> Iterator[tuple[str, object]]:
    """Every setting's dotted name and default; `required` where it has none."""
    for field in msgspec.structs.fields(of):
        if field.name == "channels":
            for name, kind in registry.sections().items():
                yield from fields(kind, f"{name}.")
            continue
        kinds = (field.type, *getattr(field.type, "__args__", ()))
        section = next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, codec.Noun)), None)
        if section is not None:
            yield from fields(section, f"{field.name}.")
        else:
            made = field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
            yield f"{prefix}{field.name}", "required" if field.required else made


def test_every_setting_is_on_the_page_with_its_default() -> None:
    """And nothing is on the page that is no setting."""
    told = {name.strip("`"): default for name, default, _, _ in rows(4)}
    known = {name: "required" if default == "required" else f"`{json.dumps(default)}`" for name, default in fields(settings.Settings)}
    assert told == known


def test_every_setting_has_a_unit_and_a_reason() -> None:
    """A number without a unit is a guess waiting to happen."""
    assert all(unit and len(reason.split()) >= 3 for _, _, unit, reason in rows(4))


def test_every_policy_rule_is_on_the_page_with_its_shipped_value() -> None:
    """Value, unit, file and row as the shipped files say today."""
    told = {cells[0].strip("`"): tuple(cells[1:5]) for cells in rows(6)}
    shipped = {}
    for file in ("douyin", "house"):
        for rule in tomllib.loads((ROOT / "policies" / f"{file}.toml").read_text(encoding="utf-8"))["rule"]:
            shipped[rule["name"]] = (str(rule["value"]), rule["unit"], file, rule["row"])
    assert told == shipped
    assert set(shipped) == {name.value for name in policy.RuleName}


def test_the_environment_names_that_the_page_promises_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`shop.database` is `MAKEWHOLE_SHOP_DATABASE`, for every setting that has a default and is no table."""
    monkeypatch.chdir(tmp_path)  # no makewhole.toml of somebody's own
    for name, default in fields(settings.Settings):
        if default == "required" or isinstance(default, dict):
            continue
        if name.startswith(tuple(f"{account}." for account in (*registry.sections(), "douyin"))):
            continue
        value = "7" if isinstance(default, int) else "x"
        told = settings.load(environment={"MAKEWHOLE_" + name.upper().replace(".", "_"): value}, sections=registry.sections())
        for part in name.split("."):
            told = getattr(told, part)
        assert str(told) == value, name
