"""The sources of the compiled log reader go in, its library beside them comes out, if there is a C compiler; else a word, and no harm.

    .venv/bin/python tools/native.py [--needed]

Standard library only: the build of the package runs it too (tools/hatch_native.py), and ./test, which asks for it with `--needed`.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "src" / "makewhole" / "adapters" / "changelog" / "native"
LIBRARY = SOURCES / "scan.so"
FLAGS = ("-std=c11", "-O3", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", "-fvisibility=hidden")
SANITIZED = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer", "-g")
BUILD_S_MAX = 120


class NoCompilerError(Exception):
    """There is none, or it cannot build this: what it said."""


def compiler() -> list[str]:
    """The command of a C compiler: what CC names, cc, gcc, clang, or the one that the package ziglang brings."""
    if os.environ.get("CC"):
        return os.environ["CC"].split()
    for name in ("cc", "gcc", "clang"):
        found = shutil.which(name)
        if found:
            return [found]
    if importlib.util.find_spec("ziglang") is None:
        raise NoCompilerError("no C compiler is on this machine (cc, gcc, clang, or the package ziglang)")
    return [sys.executable, "-m", "ziglang", "cc"]


def digest(folder: Path = SOURCES) -> str:
    """What `compiled.digest` says of the same files: a library that was made from others is not loaded."""
    told = hashlib.sha256()
    for path in sorted([*folder.glob("*.c"), *folder.glob("*.h")]):
        told.update(path.read_bytes())
    return told.hexdigest()


def build(into: Path = LIBRARY, *more: str) -> Path:
    """Make the library. Raises NoCompilerError. Whoever has the old one loaded keeps it: the new one is moved into its place."""
    with tempfile.TemporaryDirectory(dir=into.parent) as folder:
        made = Path(folder) / into.name
        command = [*compiler(), *FLAGS, *more, f'-DMW_SOURCE="{digest()}"', "-o", str(made), str(SOURCES / "scan.c")]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=BUILD_S_MAX)
        except (OSError, subprocess.TimeoutExpired) as wrong:
            raise NoCompilerError(f"the C compiler cannot be started: {wrong}") from wrong
        if done.returncode != 0:
            raise NoCompilerError(f"the C compiler refuses the log reader:\n{done.stderr.strip()[-2000:]}")
        made.replace(into)
    return into


def main(arguments: list[str]) -> int:
    try:
        print(f"makewhole: {build()} is built", file=sys.stderr)
    except NoCompilerError as missing:
        print(f"makewhole: logs are read by Python alone, which is slower: {missing}", file=sys.stderr)
        return 1 if "--needed" in arguments else 0
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
