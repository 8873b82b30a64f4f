"""A day's sheets written to a folder: the page, the workbook, the table and the JSON, in both languages at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from makewhole.cli import bookshapes, session
from makewhole.cli import words as spoken
from makewhole.cli.catalogue import papers
from makewhole.core import faults
from makewhole.model import bill, daysheet


def words(key: str) -> tuple[str, str]:
    """The Chinese and the English of a word of ours. A channel that is not ours is called by its name."""
    told = papers.PAPERS.get(key) or spoken.in_both(key)
    if told is None:
        name = key.partition(".")[2]
        return name, name
    return told[1], told[0]


def write(now: session.Session, sheets: Sequence[daysheet.DaySheet], folder: str) -> None:
    """Four files named by the day; nothing where nothing is closed. Raises BadInput where the folder cannot be written."""
    for path in written(sheets, Path(folder)) if sheets else ():
        now.out.note(now.say("reconcile.written", path=path))


def written(sheets: Sequence[daysheet.DaySheet], folder: Path) -> list[Path]:
    """The files. Each is replaced as a whole: who prints while they are written prints the old ones."""
    # Here and not above: pages and workbooks cost every other command a tenth of a second.
    from makewhole.adapters.reports import page, table, workbook

    stem = str(bill.date_of(sheets[0].day))
    makers: dict[str, Callable[[Path], object]] = {
        "html": lambda path: page.write(path, sheets, words),
        "xlsx": lambda path: workbook.write(path, sheets, words),
        "csv": lambda path: table.write_csv(path, sheets, words),
        "json": lambda path: path.write_bytes(msgspec.json.encode([bookshapes.shape_of(s) for s in sheets])),
    }
    paths = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for kind, make in makers.items():
            path, fresh = folder / f"{stem}.{kind}", folder / f".{stem}.{kind}.new"
            make(fresh)
            fresh.replace(path)
            paths.append(path)
    except OSError as wrong:
        raise faults.BadInput(f"cannot write it: {wrong.strerror}", where=str(folder), todo="Name a folder that can be written.") from wrong
    return paths
