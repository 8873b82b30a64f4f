"""Writes the readable page of all told orders to the file that is named: `python -m makewhole.sandbox.cases docs/cases.md`."""

from __future__ import annotations

import sys
from pathlib import Path

from makewhole import settings
from makewhole.sandbox import cases
from makewhole.sandbox.cases.page import page


def main(arguments: list[str]) -> int:
    """0 when the page is written, 2 for wrong use."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m makewhole.sandbox.cases docs/cases.md\n")
        return 2
    text = page(cases.load_all(), settings.policy_book(), settings.load_playbook())
    Path(arguments[0]).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
