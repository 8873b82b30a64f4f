"""The floors of the house hold: the real tree keeps every import contract, and a breach planted for it breaks it."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LINT_IMPORTS = Path(sys.executable).with_name("lint-imports")
CONTRACTS = [contract["name"] for contract in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]]

# A house with the same rooms and nothing in them but imports that are allowed.
SOUND_HOUSE = {
    "core/money": "",
    "model/order": "from makewhole.core import money",
    "books/pairs": "from makewhole.model import order",
    "attach/infer": "from makewhole.model import order",
    "flow/observe": "from makewhole.model import order",
    "flow/diagnose/rules": "from makewhole.model import order",
    "flow/guard": "from makewhole.core import money\nfrom datetime import datetime",
    "settings": "from makewhole.core import money\nimport os",
    "ports": "from makewhole.model import order",
    "engine/drive": "from makewhole import ports, settings\nfrom makewhole.flow import guard, observe\nimport asyncio",
    "adapters/http": "import httpx2",
    "adapters/payments/wechat": "from makewhole import ports\nfrom makewhole.adapters import http",
    "adapters/shops/mall": "import sqlalchemy",
    "adapters/store/runs": "from makewhole import ports, settings\nimport sqlalchemy, sqlite3",
    "sandbox/shop": "from makewhole import ports\nimport httpx2, sqlite3",
    "wiring/channels": "from makewhole.adapters.payments import wechat",
    "wiring/worlds": "from makewhole.adapters.store import runs\nfrom makewhole.engine import drive\nimport sqlalchemy",
    "wiring/images": "from makewhole.wiring import channels",
    "web/console": "from makewhole.wiring import worlds",
    "cli/main": "from makewhole.wiring import worlds\nfrom makewhole.web import console",
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Breach:
    """One import in the wrong place, and the contract that must see it."""

    room: str
    plants: str
    breaks: str


FLOORS = "Imports run one way, from the top floor down"
WIRING = "Rooms of wiring stand on each other one way"
PORTS = "Ports promise the same whatever the settings"
FLOW = "Rooms of flow are strangers"
WINGS = "Wings of adapters are strangers, and share only the HTTP client, PyMySQL's connection and PostgreSQL's values"
PURE = "Deciding is pure: no I/O, clock, chance or concurrency in core, model and flow"
SQL = "SQL lives in the store, the shops and the sandbox"
HTTP = "HTTP goes out through one client"

BREACHES = [
    Breach(room="core/money", plants="from makewhole.model import order", breaks=FLOORS),
    Breach(room="model/order", plants="from makewhole.flow import guard", breaks=FLOORS),
    Breach(room="flow/guard", plants="from makewhole import settings", breaks=FLOORS),
    Breach(room="settings", plants="from makewhole.flow import guard", breaks=FLOORS),
    Breach(room="flow/guard", plants="from makewhole import ports", breaks=FLOORS),
    Breach(room="books/pairs", plants="from makewhole.flow import guard", breaks=FLOORS),
    Breach(room="attach/infer", plants="from makewhole.flow import guard", breaks=FLOORS),
    Breach(room="attach/infer", plants="import sqlite3", breaks=PURE),
    Breach(room="ports", plants="from makewhole.engine import drive", breaks=FLOORS),
    Breach(room="engine/drive", plants="from makewhole.adapters import http", breaks=FLOORS),
    Breach(room="adapters/http", plants="from makewhole.sandbox import shop", breaks=FLOORS),
    Breach(room="sandbox/shop", plants="from makewhole.adapters import http", breaks=FLOORS),
    Breach(room="wiring/worlds", plants="from makewhole.cli import main", breaks=FLOORS),
    Breach(room="web/console", plants="from makewhole.cli import main", breaks=FLOORS),
    Breach(room="attic", plants="", breaks=FLOORS),
    Breach(room="wiring/channels", plants="from makewhole.wiring import worlds", breaks=WIRING),
    Breach(room="wiring/cellar", plants="", breaks=WIRING),
    Breach(room="ports", plants="from makewhole import settings", breaks=PORTS),
    Breach(room="settings", plants="from makewhole import ports", breaks=PORTS),
    Breach(room="flow/observe", plants="from makewhole.flow import guard", breaks=FLOW),
    Breach(room="flow/diagnose/rules", plants="from makewhole.flow import guard", breaks=FLOW),
    Breach(room="adapters/payments/wechat", plants="from makewhole.adapters.store import runs", breaks=WINGS),
    Breach(room="adapters/http", plants="from makewhole.adapters.store import runs", breaks=WINGS),
    Breach(room="core/money", plants="import time", breaks=PURE),
    Breach(room="model/order", plants="from uuid import uuid4", breaks=PURE),
    Breach(room="flow/diagnose/rules", plants="import sqlite3", breaks=PURE),
    Breach(room="flow/guard", plants="def now():\n    import random", breaks=PURE),
    Breach(room="engine/drive", plants="import sqlalchemy", breaks=SQL),
    Breach(room="adapters/payments/wechat", plants="import pymysql", breaks=SQL),
    Breach(room="web/console", plants="from sqlalchemy.engine import Engine", breaks=SQL),
    Breach(room="adapters/payments/wechat", plants="import httpx2", breaks=HTTP),
    Breach(room="cli/main", plants="from http.client import HTTPSConnection", breaks=HTTP),
]


def build(house: Path, rooms: dict[str, str]) -> None:
    package = house / "makewhole"
    for room, text in rooms.items():
        file = package / f"{room}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text + "\n")
    for folder in [package, *(path for path in package.rglob("*") if path.is_dir())]:
        (folder / "__init__.py").touch()


def broken_contracts(house: Path) -> set[str]:
    """The names of the contracts that a house breaks; a checker that fails for another reason is no breach."""
    done = subprocess.run(
        [str(LINT_IMPORTS), "--no-cache", "--no-logo", "--config", str(ROOT / "pyproject.toml")],
        cwd=house,
        env={**os.environ, "PYTHONPATH": str(house), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    lines = done.stdout.splitlines()
    broken = {name for name in CONTRACTS for line in lines if line.startswith(f"{name} BROKEN")}
    kept = {name for name in CONTRACTS for line in lines if line.startswith(f"{name} KEPT")}
    assert broken | kept == set(CONTRACTS), done.stdout + done.stderr
    assert done.returncode == (1 if broken else 0)
    return broken


def test_the_real_tree_keeps_every_contract() -> None:
    assert broken_contracts(ROOT / "src") == set()


def test_a_sound_house_keeps_every_contract(tmp_path: Path) -> None:
    build(tmp_path, SOUND_HOUSE)
    assert broken_contracts(tmp_path) == set()


@pytest.mark.parametrize("breach", BREACHES, ids=lambda breach: f"{breach.room}: {breach.plants.splitlines()[-1:]}")
def test_a_planted_breach_breaks_its_contract(tmp_path: Path, breach: Breach) -> None:
    build(tmp_path, {**SOUND_HOUSE, breach.room: f"{SOUND_HOUSE.get(breach.room, '')}\n{breach.plants}"})
    assert breach.breaks in broken_contracts(tmp_path)


def test_every_contract_has_a_planted_breach() -> None:
    assert {breach.breaks for breach in BREACHES} == set(CONTRACTS)
