"""The command line: what people type comes in, what they read and scripts parse goes out. Shows and asks, never decides.

Nothing but this file is imported until it is known which command was asked for, so that `--help` answers at once.
"""

from __future__ import annotations

from typing import NoReturn


def main() -> NoReturn:
    """The console script: runs one command and leaves with its exit code."""
    from makewhole.cli import program

    program.PROGRAM.main()
    raise AssertionError("the program leaves with an exit code")
