"""The attacks on callbacks, refunds, amounts and bills, by number: a number without a test of its name is a failure here."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
ATTACKS = {
    1: "a forged callback, without or with a garbage signature",
    2: "the channel's own probe (SIGNTEST)",
    3: "a valid signature under a wrong serial or certificate",
    4: "a stamp more than five minutes old, or of the future",
    5: "a valid callback played a thousand times",
    6: "a body that was serialised anew before it was verified",
    7: "a valid callback of less money, or of another currency, than is due",
    8: "a valid callback of another merchant or app for our order",
    9: "success, then a late closing; success after a refund",
    10: "a callback that races the query",
    11: "fifty double clicks on one refund",
    12: "partial refunds that sum to too much; amounts that are none",
    13: "a refund in another currency",
    14: "the same number with other content",
    15: "a retry under a new number after a time-out",
    16: "somebody else's order: another shop's, another merchant's, a guessed number",
    26: "bombs in a bill: zip and gzip bombs, path traversal, endless lines",
    27: "a poisoned bill: truncated, doubled, of another day or merchant, amounts that are none, swapped columns",
}
_NAME = re.compile(r"test_attack_(\d\d)_\w+")


def numbers(texts: Iterable[str]) -> set[int]:
    """Of all test functions that are named after an attack. A name in a comment is no test."""
    found = (node.name for text in texts for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef))
    return {int(m[1]) for name in found if (m := _NAME.fullmatch(name))}


def test_every_attack_has_a_test() -> None:
    """And no test is named after an attack that is not in the list."""
    assert numbers(["# test_attack_01_x\nx = 'test_attack_02_x'\ndef test_attack_03_x(): ...\ndef test_attack_4_x(): ..."]) == {3}
    assert numbers(p.read_text(encoding="utf-8") for p in TESTS.rglob("test_*.py")) == set(ATTACKS)
