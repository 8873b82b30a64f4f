"""Every page is true about the tree: links lead somewhere, files that are named exist, rows and laws are complete."""

from __future__ import annotations

import re
import tomllib

from tests.docs import pages

TREE = re.compile(r"(src|tests|docs|policies|playbooks|shops|cases|tools|bench)/[\w./-]*\w")
TEST = re.compile(r"(tests/[\w/]+\.py)::(\w+)")
STATES = ("done", "part", "later")


def test_every_link_leads_somewhere() -> None:
    """Inside the tree: the file is there, and so is the heading. Outside it: an https address."""
    dead = []
    for page in pages.pages():
        for link in pages.links(page):
            path, _, anchor = link.partition("#")
            target = page if not path else (page.parent / path).resolve()
            if link.startswith("https://"):
                continue
            if not target.exists() or (anchor and anchor not in pages.anchors(target)):
                dead.append(f"{page.relative_to(pages.ROOT)}: {link}")
    assert dead == []


def test_every_file_that_is_named_exists() -> None:
    """A page that names a file which moved sends its reader into the dark."""
    gone = []
    for page in pages.pages():
        for told in pages.code(page):
            path = told.partition("::")[0]
            if TREE.fullmatch(path) and not (pages.ROOT / path).exists():
                gone.append(f"{page.relative_to(pages.ROOT)}: {path}")
    assert gone == []


def test_every_test_that_is_named_exists() -> None:
    """The laws are worth the tests that hold them."""
    gone = []
    for page in pages.pages():
        for path, name in (told.groups() for code in pages.code(page) if (told := TEST.fullmatch(code))):
            file = pages.ROOT / path
            if not file.exists() or f"def {name}(" not in file.read_text(encoding="utf-8"):
                gone.append(f"{page.relative_to(pages.ROOT)}: {path}::{name}")
    assert gone == []


def test_every_row_says_how_far_it_is() -> None:
    """R1 to R27, in order, each with one of three words; and policies name no other."""
    page = pages.ROOT / "docs" / "rows.md"
    parts = re.split(r"^## (R\d+) .*$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    rows = dict(zip(parts[1::2], parts[2::2], strict=True))
    assert list(rows) == [f"R{n}" for n in range(1, 28)]
    for row, text in rows.items():
        assert len(re.findall(rf"^\*\*({'|'.join(STATES)})\b", text, re.MULTILINE)) == 1, row
    for policy in (pages.ROOT / "policies").glob("*.toml"):
        assert {rule["row"] for rule in tomllib.loads(policy.read_text(encoding="utf-8"))["rule"]} <= set(rows)


def test_every_law_names_its_reason_its_code_and_its_tests() -> None:
    """Ten laws; a law that nothing holds is a wish."""
    page = pages.ROOT / "docs" / "laws.md"
    parts = re.split(r"^## (\d+)\. .*$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    laws = dict(zip(parts[1::2], parts[2::2], strict=True))
    assert list(laws) == [str(n) for n in range(1, 11)]
    for law, text in laws.items():
        for word in ("**Why.**", "**Held by**", "**Checked by**"):
            assert text.count(word) == 1, (law, word)
        assert "`src/makewhole/" in text, law
        assert "::test_" in text, law


def test_the_list_of_decisions_is_complete() -> None:
    """Numbered without a gap, each on the list under its own title."""
    folder = pages.ROOT / "docs" / "decisions"
    files = sorted(p for p in folder.glob("*.md") if p.name != "README.md")
    listed = (folder / "README.md").read_text(encoding="utf-8")
    for number, file in enumerate(files, start=1):
        title = file.read_text(encoding="utf-8").splitlines()[0]
        assert file.name.startswith(f"{number:04d}-")
        assert title.startswith(f"# {number}. ")
        assert f"{number}. [{title.removeprefix(f'# {number}. ')}]({file.name})" in listed
