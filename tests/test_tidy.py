"""The habits of the house that a program can hold: each test plants a breach that is seen, then finds none in the tree.

A habit is a function from files to complaints. Two of them have a ratchet: a list of what is still too long, with the
length it may not pass; whoever makes one of them shorter must lower its number or strike it out, and nobody adds to the
list lightly.
"""

from __future__ import annotations

import ast
import dataclasses
import functools
import re
import subprocess
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

ROOT = Path(__file__).resolve().parent.parent

FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 400
# path::qualified name -> lines
LONG_FUNCTIONS: dict[str, int] = {}
# path -> lines
LONG_FILES: dict[str, int] = {}


@dataclasses.dataclass(frozen=True)
class File:
    """A file of the tree or a planted one: where it stands, from the top of the checkout, and what is in it."""

    path: str
    text: str

    @functools.cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.path)

    def at(self, node: ast.AST, complaint: str) -> str:
        return f"{self.path}:{getattr(node, 'lineno', 1)}: {complaint}"


Habit = Callable[[list[File]], Iterable[str]]


@functools.cache
def tree_files() -> list[File]:
    """Every text file that is in the repository or would be with the next commit."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\0")
    files = []
    for path in sorted(set(filter(None, listed))):
        try:
            files.append(File(path, (ROOT / path).read_text(encoding="utf-8")))
        except (FileNotFoundError, IsADirectoryError, UnicodeDecodeError):
            continue  # deleted but not committed, a submodule, or not text
    return files


def ours(*folders: str) -> list[File]:
    return [file for file in tree_files() if file.path.endswith(".py") and file.path.startswith(folders)]


def src() -> list[File]:
    return ours("src/")


def planted(text: str, path: str = "src/makewhole/planted.py") -> list[File]:
    return [File(path, text)]


def complaints(habit: Habit, files: list[File]) -> list[str]:
    return sorted(habit(files))


def last_name(node: ast.expr) -> str:
    """`datetime` of `datetime`, of `datetime.datetime` and of `datetime.datetime()`; empty where there is no name."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Call(func=function):
            return last_name(function)
        case _:
            return ""


Node = TypeVar("Node", bound=ast.AST)


def nodes(files: list[File], kind: type[Node]) -> Iterator[tuple[File, Node]]:
    """Every node of a kind, with the file that it stands in."""
    for file in files:
        for node in ast.walk(file.tree):
            if isinstance(node, kind):
                yield file, node


# ---------------------------------------------------------------- length


def functions(files: list[File]) -> Iterator[tuple[File, str, int]]:
    """Every function with its qualified name and its lines, from `def` to its last."""

    def inside(file: File, parent: ast.AST, prefix: str) -> Iterator[tuple[File, str, int]]:
        for node in ast.iter_child_nodes(parent):
            name = prefix
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                name = f"{prefix}.{node.name}".lstrip(".")
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield file, name, (node.end_lineno or node.lineno) - node.lineno + 1
            yield from inside(file, node, name)

    for file in files:
        yield from inside(file, file.tree, "")


def ratchet(lengths: dict[str, int], allowed: dict[str, int], lines_max: int) -> Iterator[str]:
    """Longer than the limit or than the list allows; or shorter than the list says, which must follow it down."""
    for place, lines in lengths.items():
        if lines > allowed.get(place, lines_max):
            yield f"{place}: {lines} lines, allowed are {allowed.get(place, lines_max)}"
    for place, lines in allowed.items():
        if lengths.get(place, 0) < lines:
            yield f"{place}: {lengths.get(place, 0)} lines, the list of exceptions says {lines}: lower or strike it"


def long_functions(files: list[File], allowed: dict[str, int]) -> Iterator[str]:
    return ratchet({f"{file.path}::{name}": n for file, name, n in functions(files)}, allowed, FUNCTION_LINES_MAX)


def long_files(files: list[File], allowed: dict[str, int]) -> Iterator[str]:
    return ratchet({file.path: len(file.text.splitlines()) for file in files}, allowed, FILE_LINES_MAX)


def function_of(lines: int) -> str:
    return "class Run:\n    async def drive(self):\n" + "        x = 1\n" * (lines - 1)


def test_no_function_is_longer_than_one_can_hold_in_mind() -> None:
    """70 lines: beyond that a parent with its branches and straight leaves are hiding in it."""
    place = "src/makewhole/planted.py::Run.drive"
    assert complaints(lambda files: long_functions(files, {}), planted(function_of(70))) == []
    assert complaints(lambda files: long_functions(files, {}), planted(function_of(71))) == [f"{place}: 71 lines, allowed are 70"]
    assert complaints(lambda files: long_functions(files, {place: 80}), planted(function_of(80))) == []
    assert complaints(lambda files: long_functions(files, {place: 80}), planted(function_of(81))) != []
    assert complaints(lambda files: long_functions(files, {place: 80}), planted(function_of(79))) != []
    assert complaints(lambda files: long_functions(files, LONG_FUNCTIONS), src()) == []


def test_no_file_is_longer_than_one_noun_needs() -> None:
    """400 lines: beyond that two nouns are living in it."""
    place = "src/makewhole/planted.py"
    assert complaints(lambda files: long_files(files, {}), planted("x = 1\n" * 400)) == []
    assert complaints(lambda files: long_files(files, {}), planted("x = 1\n" * 401)) != []
    assert complaints(lambda files: long_files(files, {place: 450}), planted("x = 1\n" * 449)) != []
    assert complaints(lambda files: long_files(files, LONG_FILES), src()) == []


# ---------------------------------------------------------------- names and first words

EMPTY_NAMES = {"common", "helper", "helpers", "manager", "managers", "misc", "util", "utils"}


def empty_names(files: list[File]) -> Iterator[str]:
    for file in files:
        parts = file.path.removesuffix(".py").split("/")
        # `order_utils` is as empty as `utils`.
        words = {word for part in parts for word in part.split("_")}
        for word in sorted(words & EMPTY_NAMES):
            yield f"{file.path}: `{word}` says nothing, so nothing can tell when its content is wrong"


def test_no_module_has_a_name_that_says_nothing() -> None:
    """Files carry nouns of the trade; a drawer called `utils` only grows."""
    for path in ("src/makewhole/utils.py", "src/makewhole/core/helpers/text.py", "tests/order_utils.py"):
        assert len(complaints(empty_names, planted("", path))) == 1
    assert complaints(empty_names, planted("", "src/makewhole/core/money.py")) == []
    assert complaints(empty_names, ours("src/", "tests/", "tools/", "bench/")) == []


def wordless_files(files: list[File]) -> Iterator[str]:
    for file in files:
        first = (ast.get_docstring(file.tree) or "").split("\n\n")[0]
        if not file.text.startswith(('"""', 'r"""')):
            yield f"{file.path}: its first words are not a docstring"
        elif len(first.split()) < 4 or not re.search(r"[.!?](\s|$)", first):
            yield f"{file.path}: its docstring does not open with a sentence: {first!r}"


def test_every_file_opens_with_a_sentence() -> None:
    """What comes in, what goes out, why it is here: before any import, and before any licence."""
    for text in ("", "import os", "# Copyright\n'''Nothing.'''", '"""Money."""', '"""Some notes on money"""'):
        assert len(complaints(wordless_files, planted(text))) == 1
    assert complaints(wordless_files, planted('"""Text comes in, exact amounts go out."""')) == []
    assert complaints(wordless_files, src()) == []


# ---------------------------------------------------------------- time and money

PURE = ("src/makewhole/core/", "src/makewhole/model/", "src/makewhole/flow/", "src/makewhole/attach/")
CLOCK_READINGS = {"now", "today", "utcnow", "monotonic", "perf_counter", "time_ns", "localtime", "gmtime"}


def clock_readings(files: list[File]) -> Iterator[str]:
    for file, call in nodes(files, ast.Call):
        if not isinstance(call.func, ast.Attribute):
            continue
        asked, of = call.func.attr, last_name(call.func.value)
        if asked in CLOCK_READINGS or (of, asked) == ("time", "time"):
            yield file.at(call, f"`{of}.{asked}()` reads a clock; take `now` as a parameter")


def test_nothing_that_decides_reads_a_clock() -> None:
    """A decision that needs the time is handed `now`, so that it can be repeated, proved and asked about the past."""
    for text in ("datetime.now(UTC)", "datetime.datetime.utcnow()", "date.today()", "time.time()", "clock.now()"):
        assert len(complaints(clock_readings, planted(text))) == 1
    assert complaints(clock_readings, planted("def now(self): ...\nlater = now + timedelta(hours=48)\nx.time()")) == []
    assert complaints(clock_readings, ours(*PURE)) == []


def is_money(node: ast.expr | None) -> bool:
    return node is not None and re.search(r"(^|_)fen$", last_name(node)) is not None


def is_float(node: ast.expr | None) -> bool:
    return (isinstance(node, ast.Constant) and isinstance(node.value, float)) or (
        isinstance(node, ast.Call) and last_name(node.func) in {"float", "Decimal"}
    )


def inexact_money(files: list[File]) -> Iterator[str]:
    def beside(file: File, node: ast.AST, sides: list[ast.expr | None]) -> Iterator[str]:
        if any(map(is_money, sides)) and any(map(is_float, sides)):
            yield file.at(node, "a float beside money; count in whole fen")

    for file in files:
        for node in ast.walk(file.tree):
            match node:
                case ast.AnnAssign(target=target, annotation=annotation, value=value) if is_money(target):
                    yield from inexact_annotation(file, node, annotation)
                    yield from beside(file, node, [target, value])
                case ast.arg(arg=name, annotation=annotation) if annotation and is_money(ast.Name(name)):
                    yield from inexact_annotation(file, node, annotation)
                case ast.keyword(arg=str(name), value=value):
                    yield from beside(file, node, [ast.Name(name), value])
                case ast.Assign(targets=targets, value=value):
                    yield from beside(file, node, [*targets, value])
                case ast.Compare(left=left, comparators=comparators):
                    yield from beside(file, node, [left, *comparators])
                case ast.BinOp(left=left, op=ast.Div(), right=right) if is_money(left) or is_money(right):
                    yield file.at(node, "`/` makes a float of money; use `//`, `divmod` or a share that keeps the rest")
                case ast.BinOp(left=left, right=right) | ast.AugAssign(target=left, value=right):
                    yield from beside(file, node, [left, right])
                case ast.Call(func=ast.Name("float"), args=[argument]) if is_money(argument):
                    yield file.at(node, "`float()` of money; count in whole fen")


def inexact_annotation(file: File, node: ast.AST, annotation: ast.expr) -> Iterator[str]:
    written = ast.unparse(annotation)
    words = set(re.findall(r"\w+", written))
    if "int" not in words or words & {"float", "Decimal", "str", "Any"}:
        yield file.at(node, f"an amount in fen is an int, not {written}")


@pytest.mark.parametrize(
    "text",
    [
        "amount_fen: float",
        "amount_fen: int | float = 0",
        "def pay(fee_fen: Decimal): ...",
        "amount_fen = 5.5",
        "pay(amount_fen=5.0)",
        "paid.amount_fen > 0.5",
        "rate = order.amount_fen * 0.006",
        "half = amount_fen / 2",
        "amount_fen += 1.0",
        "Money(fen=1.0)",
        "float(money.fen)",
    ],
)
def test_a_float_beside_money_is_seen(text: str) -> None:
    """Each of these loses a fen on some order some day."""
    assert len(complaints(inexact_money, planted(text))) == 1


def test_money_is_whole_fen_everywhere() -> None:
    """`5.5` yuan is a text to be parsed, never a number."""
    kept = "amount_fen: int | None = None\nshares_fen: tuple[int, ...] = ()\nhalf = amount_fen // 2\ntimeout_s = 0.5"
    assert complaints(inexact_money, planted(kept)) == []
    assert complaints(inexact_money, src()) == []


# ---------------------------------------------------------------- values


def struct_classes(files: list[File]) -> Iterator[tuple[File, ast.ClassDef]]:
    """Every subclass of msgspec.Struct, through as many of our own classes as lie between."""
    classes = list(nodes(files, ast.ClassDef))
    known = {"Struct"}
    while True:
        found = [(file, node) for file, node in classes if known & {last_name(strip(base)) for base in node.bases}]
        names = known | {node.name for _, node in found}
        if names == known:
            yield from found
            return
        known = names


def strip(base: ast.expr) -> ast.expr:
    """`Generic` of `Generic[T]`."""
    return base.value if isinstance(base, ast.Subscript) else base


def loose_structs(files: list[File]) -> Iterator[str]:
    for file, node in struct_classes(files):
        said = {keyword.arg for keyword in node.keywords if ast.unparse(keyword.value) == "True"}
        for missing in sorted({"frozen", "kw_only"} - said):
            yield file.at(node, f"class {node.name} does not say {missing}=True")


def test_every_struct_says_frozen_and_kw_only_itself() -> None:
    """msgspec inherits `frozen`, but mypy does not see it; `kw_only` is not inherited. So each class says both."""
    base = "class Noun(msgspec.Struct, frozen=True, kw_only=True): ...\n"
    for text in ("class Money(model.Noun): ...", "class A(Noun, kw_only=True): ...", "class A(Noun, frozen=True): ..."):
        assert complaints(loose_structs, planted(base + text)) != []
    assert complaints(loose_structs, planted("class B(A): ...\nclass A(msgspec.Struct): ...\nclass C(Other): ...")) == [
        f"src/makewhole/planted.py:{line}: class {name} does not say {word}=True"
        for line, name in ((1, "B"), (2, "A"))
        for word in ("frozen", "kw_only")
    ]
    assert complaints(loose_structs, planted(base + "class Money(Noun, frozen=True, kw_only=True, tag=True): ...")) == []
    assert complaints(loose_structs, src()) == []


# ---------------------------------------------------------------- errors, output, circles


def swallowed_errors(files: list[File]) -> Iterator[str]:
    wide = {"Exception", "BaseException"}
    for file, handler in nodes(files, ast.ExceptHandler):
        caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type] if handler.type else []
        nothing_done = all(
            isinstance(step, ast.Pass | ast.Continue) or (isinstance(step, ast.Expr) and isinstance(step.value, ast.Constant))
            for step in handler.body
        )
        if not caught:
            yield file.at(handler, "a bare `except:` catches what nobody thought of")
        elif nothing_done and wide & set(map(last_name, caught)):
            yield file.at(handler, "everything is caught and nothing is done about it")
    for file, call in nodes(files, ast.Call):
        if last_name(call.func) == "suppress" and wide & set(map(last_name, call.args)):
            yield file.at(call, "everything is suppressed")


def test_no_error_is_swallowed() -> None:
    """An error says what may be done about it; a handler that says nothing hides a Defect."""
    for handler in (
        "except: raise",
        "except Exception: pass",
        "except (KeyError, Exception): ...",
        "except BaseException:\n 'ok'",
    ):
        assert len(complaints(swallowed_errors, planted(f"try: f()\n{handler}"))) == 1
    assert len(complaints(swallowed_errors, planted("with contextlib.suppress(Exception): f()"))) == 1
    assert complaints(swallowed_errors, planted("try: f()\nexcept KeyError: pass\nexcept Exception as e: raise X from e")) == []
    assert complaints(swallowed_errors, src()) == []


def prints(files: list[File]) -> Iterator[str]:
    for file, call in nodes(files, ast.Call):
        if isinstance(call.func, ast.Name) and call.func.id == "print":
            yield file.at(call, "only the command line prints; return a noun or write a log line")


def test_only_the_command_line_prints() -> None:
    """Standard output belongs to `--json`."""
    assert len(complaints(prints, planted("print('found')"))) == 1
    assert complaints(prints, planted("rich.print('found')\nfingerprint('x')")) == []
    assert complaints(prints, [file for file in src() if not file.path.startswith("src/makewhole/cli")]) == []


def hidden_circles(files: list[File]) -> Iterator[str]:
    for file in files:
        for number, line in enumerate(file.text.splitlines(), start=1):
            if re.search(r"\bTYPE_CHECKING\b", line):
                yield f"{file.path}:{number}: TYPE_CHECKING hides a circle from the interpreter, not from the reader"


def test_no_circle_hides_under_type_checking() -> None:
    """Two modules that need each other's types have a third one between them that nobody has named yet."""
    assert len(complaints(hidden_circles, planted("from typing import TYPE_CHECKING"))) == 1
    assert len(complaints(hidden_circles, planted("if typing.TYPE_CHECKING: import x"))) == 1
    assert complaints(hidden_circles, src()) == []


# ---------------------------------------------------------------- what must not leave the house

SECRET_OPTION = re.compile(r"^--?[\w-]*(password|passwd|secret|token|credential|api-?key|private-?key|key-value)[\w-]*$")
SECRET_BY_REFERENCE = re.compile(r"-(file|path|env|name)$")


def secrets_on_command_line(files: list[File]) -> Iterator[str]:
    for file, call in nodes(files, ast.Call):
        if last_name(call.func) not in {"option", "Option", "add_argument"}:
            continue
        for argument in call.args:
            name = argument.value if isinstance(argument, ast.Constant) else None
            if isinstance(name, str) and SECRET_OPTION.search(name) and not SECRET_BY_REFERENCE.search(name):
                yield file.at(call, f"{name}: a command line is seen by every user of the machine; name a file or a variable")


def test_no_secret_is_asked_for_on_the_command_line() -> None:
    """Other users see it in the process list, and the shell keeps it in its history."""
    for name in ("--password", "--shop-secret", "--key-value", "--api-key", "--private-key"):
        assert len(complaints(secrets_on_command_line, planted(f"@click.option('{name}', help='x')\ndef f(): ..."))) == 1
    kept = "click.option('--password-file')\nclick.option('--key-file')\nclick.option('--database')"
    assert complaints(secrets_on_command_line, planted(kept)) == []
    assert complaints(secrets_on_command_line, src()) == []


# Put together here, so that this file does not say what it forbids.
WORKPLACE_PATHS = re.compile(r"(?<![\w.~])/" + r"work/|" + r"\.\./" + r"shared\b")
REGISTRY_HOSTS = re.compile(
    r"(?<![\w-])("
    + "|".join(
        re.escape(".".join(parts))
        for parts in (
            ("pypi", "org"),
            ("files", "pythonhosted", "org"),
            ("registry", "npmjs", "org"),
            ("repo1", "maven", "org"),
            ("repo", "maven", "apache", "org"),
            ("deb", "debian", "org"),
            ("crates", "io"),
            ("proxy", "golang", "org"),
        )
    )
    + r")\b|^\s*--?(extra-)?(index-url|find-links)\b"
)


def foreign_places(files: list[File]) -> Iterator[str]:
    for file in files:
        for number, line in enumerate(file.text.splitlines(), start=1):
            if WORKPLACE_PATHS.search(line):
                yield f"{file.path}:{number}: names a folder of somebody's workplace"
            if REGISTRY_HOSTS.search(line):
                yield f"{file.path}:{number}: names a package registry; that is the machine's business"


def test_no_file_names_a_workplace_or_a_registry() -> None:
    """A checkout works wherever it stands and whatever mirror its machine uses."""
    for text in (
        "cd /" + "work/main",
        "see .." + "/shared/x",
        "https://" + "pypi" + ".org/simple",
        "--index" + "-url x",
    ):
        assert len(complaints(foreign_places, planted(text, "docs/notes.md"))) == 1
    kept = "the framework/house\n/home/me/work/x\nmycrates" + ".io\n../shared_ptr is not it: ../sharedness"
    assert complaints(foreign_places, planted(kept, "docs/notes.md")) == []
    assert complaints(foreign_places, tree_files()) == []
