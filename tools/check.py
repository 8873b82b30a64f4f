"""A checkout comes in, a verdict on all of it goes out: environments, servers, lint, types, floors, tests.

What ./test runs, with the Python of .venv. A stage that fails does not stop the next ones: one run shows all there is
to mend; but without its servers no test starts, since each would only repeat that word.
"""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = ROOT / ".venv" / "bin"
PYTHON = str(BIN / "python")
WORKERS = 2  # test workers: what the smallest machine has cores for; each may run a database server


@dataclasses.dataclass(frozen=True, kw_only=True)
class Stage:
    name: str
    command: list[str]
    needed: bool = False  # what comes later makes no sense without it


def strangers() -> list[Stage]:
    """Foreign libraries, each in its own environment: several of them claim the same package names."""
    return [
        Stage(
            name=f"environment of {lock.stem}",
            command=[PYTHON, "tools/environment.py", f".venvs/{lock.stem}", str(lock.relative_to(ROOT))],
            needed=True,
        )
        for lock in sorted((ROOT / "tests" / "strangers").glob("*.lock"))
    ]


def stages(*, quick: bool, pytest_arguments: list[str]) -> list[Stage]:
    servers = [] if quick else [Stage(name="servers", command=[PYTHON, "-m", "tests.servers.packages"], needed=True)]
    # One worker keeps the tests of one file that share a server (tests/conftest.py marks them as a group).
    pytest_command = [PYTHON, "-m", "pytest", "-n", str(WORKERS), "--dist", "loadgroup"]
    if quick:
        pytest_command += ["-m", "not server and not slow"]
    return [
        *strangers(),
        *servers,
        # Without servers the compiler is as optional as it is for users: then the Python reader alone is tested.
        Stage(name="compiled log reader", command=[PYTHON, "tools/native.py", *([] if quick else ["--needed"])]),
        Stage(name="ruff check", command=[str(BIN / "ruff"), "check"]),
        Stage(name="ruff format", command=[str(BIN / "ruff"), "format", "--check"]),
        Stage(name="mypy", command=[str(BIN / "mypy")]),
        Stage(name="lint-imports", command=[str(BIN / "lint-imports")]),
        # The caller's arguments come last, so that they win over ours.
        Stage(name="pytest", command=[*pytest_command, *pytest_arguments]),
    ]


def main(arguments: list[str]) -> int:
    quick = "--quick" in arguments
    pytest_arguments = [argument for argument in arguments if argument != "--quick"]
    environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}"}
    results: list[tuple[str, float, bool]] = []
    for stage in stages(quick=quick, pytest_arguments=pytest_arguments):
        print(f"── {stage.name}", flush=True)
        begun = time.monotonic()
        passed = subprocess.run(stage.command, cwd=ROOT, env=environment, check=False).returncode == 0
        results.append((stage.name, time.monotonic() - begun, passed))
        if stage.needed and not passed:
            break
    print("── summary")
    for name, seconds, passed in results:
        print(f"{'passed' if passed else 'FAILED':8}{seconds:7.1f} s  {name}")
    return 0 if all(passed for _, _, passed in results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
