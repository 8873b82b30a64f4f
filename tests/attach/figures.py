"""Writes the figures of docs/attach.md: every style, the same seeds as the test, what was stated right, wrong, asked and missed."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from tests.attach import grading, making

PAGE = Path(__file__).resolve().parents[2] / "docs" / "attach.md"
BEGIN, END = "<!-- figures: written by python -m tests.attach.figures -->", "<!-- end of figures -->"


@dataclasses.dataclass(frozen=True)
class Figures:
    """Each style's grade over all seeds."""

    styles: tuple[tuple[making.Style, grading.Grade], ...]

    def total(self, *, held_out: bool) -> grading.Grade:
        return sum((g for s, g in self.styles if s.held_out == held_out), grading.Grade())


def measured() -> Figures:
    """Everything graded anew."""
    styles = grading.all_styles()
    return Figures(tuple((s, sum((grading.grade(s, seed) for seed in grading.SEEDS), grading.Grade())) for s in styles))


def table(told: Figures) -> str:
    """The figures as a page's table."""
    lines = [
        "| style | fields | right | wrong | asked | missed | recall | precision |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for held in (False, True):
        lines += [_line(s.name, g) for s, g in told.styles if s.held_out == held]
        lines.append(_line("**seen later**" if held else "**tuned on**", told.total(held_out=held)))
    return "\n".join(lines)


def _line(name: str, told: grading.Grade) -> str:
    fields = told.right + told.asked + told.missed
    return f"| {name} | {fields} | {told.right} | {told.wrong} | {told.asked} | {told.missed} | {told.recall:.1%} | {told.precision:.1%} |"


def between(page: str) -> str:
    """What stands between the marks."""
    return page.partition(BEGIN)[2].partition(END)[0].strip("\n")


if __name__ == "__main__":
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n{table(measured())}\n{END}{rest.partition(END)[2]}", encoding="utf-8")
