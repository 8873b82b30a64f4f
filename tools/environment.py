"""A lock file comes in, a virtual environment with its packages goes out; safe to ask for twice at once.

A lock with a folder of its name beside it has packages of Node's too: its Python packages bring node and npm, the folder says what npm
installs. Runs on any bare Python 3.11: standard library only. What is installed is remembered as a copy of the lock file inside
the environment, written last, so an installation that was cut short is never taken for a finished one.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


class SetupError(Exception):
    """What went wrong, where, and what to do about it: printed as it is."""


@contextlib.contextmanager
def alone(lock_file: Path) -> Iterator[None]:
    """One process at a time; the operating system gives the lock back if we die."""
    try:
        import fcntl
    except ImportError as missing:
        raise SetupError("this system has no file locks (Windows?): use WSL, a container or a Linux machine") from missing
    lock_file.parent.mkdir(parents=True, exist_ok=True)
    with lock_file.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def locks(lock: Path) -> list[Path]:
    """The lock itself, and npm's where there is one."""
    of_npm = lock.with_suffix("") / "package-lock.json"
    return [lock, of_npm] if of_npm.is_file() else [lock]


def holds(environment: Path, lock: Path) -> bool:
    stamps = {told: environment / "installed" / told.name for told in locks(lock)}
    return all(stamp.is_file() and stamp.read_bytes() == told.read_bytes() for told, stamp in stamps.items()) and is_at_home(environment)


def is_at_home(environment: Path) -> bool:
    """An environment keeps absolute paths, and the Python behind its link may have been removed."""
    home = environment / "installed" / "home"
    if not (environment / "bin" / "python").exists() or not home.is_file():
        return False
    return home.read_text().splitlines()[0] == str(environment)


def checked(command: list[str], doing: str, advice: str) -> None:
    done = subprocess.run(
        command,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,  # done below, with the reason
    )
    if done.returncode != 0:
        last_words = "\n".join(f"    {line}" for line in done.stdout.strip().splitlines()[-12:])
        raise SetupError(f"{doing} failed (exit {done.returncode}).\n  command: {' '.join(command)}\n{last_words}\n  what to do: {advice}")


def create(environment: Path) -> None:
    """One that is not at home is made anew, not patched."""
    if is_at_home(environment):
        return
    shutil.rmtree(environment, ignore_errors=True)
    checked(
        [sys.executable, "-m", "venv", str(environment)],
        f"making the virtual environment {environment}",
        "on Debian and Ubuntu the module lives in its own package: apt-get install python3-venv",
    )
    (environment / "installed").mkdir()
    (environment / "installed" / "home").write_text(f"{environment}\n")


def install(environment: Path, lock: Path, *, with_makewhole: bool) -> None:
    pip = [str(environment / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    # Stamps go first: from here until the end the environment is neither the old nor the new one.
    for stamp in [*(environment / "installed").glob("*.lock"), *(environment / "installed").glob("*.json")]:
        stamp.unlink()
    checked(
        [*pip, "--require-hashes", "-r", str(lock)],
        f"installing {lock.relative_to(ROOT)} into {environment}",
        "check that pip reaches a package index (its settings, a proxy) and the disk is not full, then start again",
    )
    if with_makewhole:
        checked(
            [*pip, "--no-deps", "--no-build-isolation", "-e", str(ROOT)],
            f"installing Makewhole itself from {ROOT}",
            "this is most likely a fault in pyproject.toml: the lines above say which",
        )
    for of_npm in locks(lock)[1:]:
        install_modules(environment, of_npm)
    for told in locks(lock):
        shutil.copyfile(told, environment / "installed" / told.name)


def install_modules(environment: Path, lock: Path) -> None:
    """Packages of Node's, with the npm of the environment; none of them may run a script of its own."""
    for name in ("package.json", lock.name):
        shutil.copyfile(lock.parent / name, environment / name)
    checked(
        [str(environment / "bin" / "npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(environment)],
        f"installing {lock.relative_to(ROOT)} into {environment}",
        "check that npm reaches a registry (its settings, a proxy) and the disk is not full, then start again",
    )


def ensure(environment: Path, lock: Path, *, with_makewhole: bool) -> None:
    if holds(environment, lock):
        return
    with alone(ROOT / ".cache" / f"{environment.name}.setup"):
        # Whoever held the lock before us may have done our work.
        if holds(environment, lock):
            return
        names = f"{environment.relative_to(ROOT)} from {lock.relative_to(ROOT)}"
        print(f"makewhole: setting up {names} (once; about half a minute)", file=sys.stderr)
        create(environment)
        install(environment, lock, with_makewhole=with_makewhole)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("environment", help="folder of the environment, from the top of the checkout")
    parser.add_argument("lock", help="lock file, from the top of the checkout")
    parser.add_argument("--with-makewhole", action="store_true", help="install the checkout itself too, editable")
    wanted = parser.parse_args()
    try:
        ensure(ROOT / wanted.environment, ROOT / wanted.lock, with_makewhole=wanted.with_makewhole)
    except SetupError as error:
        print(f"makewhole: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
