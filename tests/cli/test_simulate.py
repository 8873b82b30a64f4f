"""What `simulate` prints, in which shape, and with which exit code; a world that breaks a law is told with what reproduces it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from makewhole.rehearsal import simulate
from makewhole.sandbox import laws
from tests.cli.conftest import Call

KEYS = ["seed", "worlds", "failed", "orders", "broken", "places", "kills", "laws_broken", "failures"]


@pytest.fixture
def liar(monkeypatch: pytest.MonkeyPatch) -> None:
    """One more law, which no world with an odd seed keeps."""

    def refunded_once(scene: laws.Scene) -> Iterator[str]:
        if scene.day.seed % 2:
            yield "A1: two refunds"

    monkeypatch.setattr(laws, "LAWS", (*laws.LAWS, refunded_once))


@pytest.mark.slow
def test_the_document_has_exactly_these_keys_and_is_the_same_each_time(call: Call) -> None:
    """Same seed, same worlds, same document."""
    told = call("simulate", "--seed", "3", "--worlds", "2", "--json")
    assert told.exit_code == 0, told.output
    document = json.loads(told.stdout)
    assert list(document) == KEYS
    assert (document["seed"], document["worlds"], document["failed"], document["failures"]) == (3, 2, 0, [])
    assert document["laws_broken"] == dict.fromkeys(laws.NAMES, 0)
    assert document["places"] > 0
    assert call("simulate", "--seed", "3", "--worlds", "2", "--json").stdout == told.stdout


@pytest.mark.slow
@pytest.mark.usefixtures("liar")
def test_a_broken_law_is_told_with_its_seed_its_trace_and_its_command(call: Call) -> None:
    """Of two worlds the odd one fails; the other says nothing."""
    told = call("simulate", "--seed", "2", "--worlds", "2", "--json")
    assert told.exit_code == 1
    document = json.loads(told.stdout)
    assert document["failed"] == 1
    assert document["laws_broken"]["refunded_once"] == 1
    [failure] = document["failures"]
    assert failure["seed"] == 3
    assert failure["breaches"] == [{"law": "refunded_once", "says": "A1: two refunds"}]
    assert failure["reproduce"] == "makewhole simulate --seed 3 --worlds 1"
    assert failure["trace"]
    assert failure["reproduce"] in told.stderr
    assert failure["trace"][0] in told.stderr
    again = call(*failure["reproduce"].split()[1:], "--json")
    assert json.loads(again.stdout)["failures"] == [failure]


@pytest.mark.slow
@pytest.mark.usefixtures("liar")
@pytest.mark.parametrize("language, kept, failed", [("en", "Every law was kept", "broke a law"), ("zh", "没有违反任何定律", "违反了定律")])
def test_people_read_law_by_law(call: Call, language: str, kept: str, failed: str) -> None:
    """Every law has its line, in the reader's language."""
    fine = call("simulate", "--seed", "2", "--worlds", "1", "--lang", language)
    assert fine.exit_code == 0
    assert kept in fine.stdout
    assert len([line for line in fine.stdout.splitlines() if line.rstrip().endswith(" 0")]) == len(laws.NAMES)
    assert failed in call("simulate", "--seed", "3", "--worlds", "1", "--lang", language).stdout


def test_worlds_leave_nothing_behind(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their folder is temporary."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert call("simulate", "--worlds", "1").exit_code == 0
    assert list(tmp_path.iterdir()) == []
    assert simulate.swarm(1) == simulate.swarm(1)
