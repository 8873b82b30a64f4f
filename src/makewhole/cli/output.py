"""Output: lines, tables and documents come in; a terminal, a pipe or a script's JSON goes out.

Standard output belongs to the result; progress, hints and warnings go to standard error. Colour only on a terminal, never with NO_COLOR.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import click
import msgspec
from rich import box, console, table, text

PIPE_WIDTH = 240
"""Columns of a table that no terminal limits: wide enough that no value is ever cut."""


class Output:
    """Where a command writes to. With `as_json`, the result is JSON and everything for people goes to standard error."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json

    @functools.cached_property
    def _result(self) -> console.Console:
        return _console(to_error=self.as_json)

    @functools.cached_property
    def _aside(self) -> console.Console:
        return _console(to_error=True)

    def line(self, said: str = "", style: str = "") -> None:
        """One line of the result for people."""
        _print(self._result, said, style)

    def note(self, said: str, style: str = "dim") -> None:
        """A hint or a warning, beside the result."""
        _print(self._aside, said, style)

    def table(self, heads: Sequence[str], rows: Iterable[Sequence[str]], *, title: str = "") -> None:
        """A table of the result."""
        grid = table.Table(*heads, title=title or None, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
        for row in rows:
            grid.add_row(*(text.Text(cell) for cell in row))
        self._result.print(grid)

    def document(self, value: Any) -> None:
        """One JSON document, or one object of a list, on a line of its own."""
        click.echo(msgspec.json.encode(value))


def _print(to: console.Console, said: str, style: str) -> None:
    # Whoever searches a pipe's lines wants whole lines, however long.
    to.print(text.Text(said, style=style), soft_wrap=True)


def _console(*, to_error: bool) -> console.Console:
    stream = sys.stderr if to_error else sys.stdout
    width = None if stream.isatty() else PIPE_WIDTH
    return console.Console(stderr=to_error, width=width, highlight=False, markup=False, emoji=False)
