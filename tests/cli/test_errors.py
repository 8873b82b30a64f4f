"""Whatever goes wrong: one message that says what, where and what to do, the right exit code, and never a secret."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click
import pytest

from makewhole.cli import exits, mishap, output, report, start, words
from makewhole.core import faults
from tests.cli import fakes
from tests.cli.conftest import Call

MAKEWHOLE = str(Path(sys.executable).with_name("makewhole"))


def begun(language: words.Language = words.Language.ENGLISH) -> start.Start:
    return start.Start(say=words.Say(language), chosen=True, arguments=("scan",))


@pytest.mark.parametrize(
    "error, code, says",
    [
        (faults.BadInput("no such column", where="shop.toml", todo="Name another."), 2, "no such column"),
        (faults.Rejected("read-only", code="1290"), 2, "1290"),
        (faults.Defect("SIGN_ERROR: wrong key", code="SIGN_ERROR"), 2, "certificate serial"),
        (faults.Unavailable("connection refused"), 3, "try again"),
        (faults.Indeterminate("the answer was lost"), 3, "does nothing twice"),
        (OSError(errno.ENOSPC, "No space left on device", "kept"), 2, "Make room"),
        (FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/tmp']"), 2, "Make room"),
        (KeyboardInterrupt(), 130, "Stopped"),
        (click.Abort(), 130, "Stopped"),
        (click.exceptions.Exit(4), 4, ""),
    ],
)
@pytest.mark.parametrize("language", list(words.Language))
def test_each_fault_has_its_code_and_its_words(
    error: BaseException, code: int, says: str, language: words.Language, capsys: pytest.CaptureFixture[str]
) -> None:
    """Rejected, Unavailable, Indeterminate, Defect: what may be done about it is what the reader is told."""
    assert mishap.tell(error, begun(language)) == code
    told = capsys.readouterr()
    assert told.out == ""
    if language is words.Language.ENGLISH:
        assert says in told.err
    if code in {2, 3}:
        assert words.Say(language)("wrong.todo") in told.err


@pytest.mark.parametrize("error", [faults.Defect("an impossible state"), RuntimeError("nobody thought of it")])
def test_our_own_mistake_leaves_a_report(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """70, the path of a file that only its owner may read, and in it traceback and versions."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(type(error)) as raised:
        raise error
    assert mishap.tell(raised.value, begun()) == exits.Exit.DEFECT
    (written,) = tmp_path.glob("makewhole-report-*.txt")
    assert str(written) in capsys.readouterr().err
    assert written.stat().st_mode & 0o777 == 0o600
    told = written.read_text(encoding="utf-8")
    for part in (str(error), "Traceback", "makewhole  ", "python  ", "sqlalchemy", "arguments  scan"):
        assert part in told


def test_a_report_is_written_elsewhere_where_we_stand_is_not_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service's working directory is often the root."""
    nowhere, spare = tmp_path / "gone", tmp_path / "spare"
    nowhere.mkdir()
    spare.mkdir()
    monkeypatch.chdir(nowhere)
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(spare))
    nowhere.rmdir()
    assert report.write(RuntimeError("x"), begun()).parent == spare


def test_no_secret_reaches_a_message_or_a_report(
    house: fakes.FakeWorld, call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By value (environment, files that the settings name) and by shape (addresses, PEM)."""
    key = tmp_path / "apiv3.key"
    key.write_text("k" * 32, encoding="utf-8")
    pem = "-----BEGIN PRIVATE KEY-----\nMIIEvQ\n-----END PRIVATE KEY-----"
    more = f'[wechatpay]\nmchid = "1"\nappid = "a"\nserial_no = "s"\nprivate_key_file = "p"\napiv3_key_file = "{key}"\n'
    pair = tmp_path / "tokens.json"
    pair.write_text('{"access_token": "access-of-a-week", "refresh_token":"refresh-of-two"}', encoding="utf-8")
    more += f'[douyin]\nshop_id = "1"\napp_key = "a"\napp_secret_file = "{key}"\naccess_token_file = "{pair}"\n'
    (tmp_path / "makewhole.toml").write_text((tmp_path / "makewhole.toml").read_text(encoding="utf-8") + more, encoding="utf-8")
    house.shop_down = True
    told = call("scan")
    assert told.exit_code == 3
    assert fakes.SECRET not in told.output
    assert "mysql://reader:***@shop" in told.stderr
    house.shop_down, house.broken_eyes = False, True
    told = call("scan", "--json")
    assert told.exit_code == 70
    (written,) = tmp_path.glob("makewhole-report-*.txt")
    text = told.output + written.read_text(encoding="utf-8")
    assert fakes.SECRET not in text
    assert "the password is ***" in text
    monkeypatch.setenv("MAKEWHOLE_OTHER_TOKEN", "t0ken-value")
    begun_here = start.Start(say=words.Say(words.Language.ENGLISH), chosen=True, settings=house.opened_with[0])
    masked = report.masked(f"{pem} {'k' * 32} t0ken-value mysql://a:b@c/d access-of-a-week refresh-of-two", begun_here)
    assert masked == "*** *** *** mysql://a:***@c/d *** ***"


@pytest.mark.parametrize(
    "arguments, says",
    [
        (["scan", "--at", "yesterday"], "“yesterday” is not an instant"),
        (["scan", "--at", "2026-11-23T20:00:00"], "Write it with its offset"),
        (["scan", "--lang", "fr"], "--lang"),
        (["scan", "--config", "nowhere.toml"], "nowhere.toml"),
        (["scan", "--config", "broken.toml"], "not valid TOML"),
        (["scan", "--config", "unknown.toml"], "$.shop"),
        (["scan", "--database", "mysql://me:hunter22@host/shop"], "seen by everybody"),
        (["scan", "--colour"], "no option --colour"),
        (["scna"], "Did you mean scan?"),
        (["show"], "is missing"),
        (["show", "NOPE"], "neither the shop nor any attached channel knows “NOPE”"),
        (["show", "A" * 200], "cannot be an order number"),
        (["show", "A\x00B"], "cannot be an order number"),
        (["recover"], "which orders?"),
        (["recover", "--all", "A1"], "which orders?"),
        (["recover", "NOPE", "--apply"], "knows “NOPE”"),
        (["policy", "sing"], "show"),
        (["demo", "--orders", "0"], "--orders"),
        (["demo", "--folder", "."], "a demo empties its folder first"),
    ],
)
def test_bad_input_is_told_what_where_and_what_to_do(
    arguments: list[str], says: str, house: fakes.FakeWorld, call: Call, tmp_path: Path
) -> None:
    """Exit 2, nothing on standard output, nothing done; in both languages the same code."""
    (tmp_path / "broken.toml").write_text("[shop\nfile = ", encoding="utf-8")
    (tmp_path / "unknown.toml").write_text("[shop]\nfiel = 'x'\n", encoding="utf-8")
    told = call(*arguments)
    assert told.exit_code == 2, told.output
    assert told.stdout == ""
    assert says in told.stderr
    assert "what to do:" in told.stderr
    assert "hunter22" not in told.output
    assert not list(tmp_path.glob("makewhole-report-*"))
    chinese = call("--lang", "zh", *arguments)
    assert chinese.exit_code == 2
    if "--lang" not in arguments:
        assert "怎么办：" in chinese.stderr
    assert house.acts == []


def test_without_a_shop_the_reader_is_shown_the_way(house: fakes.FakeWorld, call: Call, tmp_path: Path) -> None:
    """The first thing that a newcomer types."""
    (tmp_path / "makewhole.toml").unlink()
    told = call("scan")
    assert told.exit_code == 2
    assert "no shop is attached" in told.stderr
    assert "makewhole demo" in told.stderr


def test_the_settings_language_is_spoken_unless_another_is_asked_for(
    house: fakes.FakeWorld, call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """--lang, then the settings, then the locale."""
    told = (tmp_path / "makewhole.toml").read_text(encoding="utf-8")
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    assert "没有发现问题" in call("scan").stdout
    (tmp_path / "makewhole.toml").write_text('language = "en"\n' + told, encoding="utf-8")
    assert "Nothing is broken" in call("scan").stdout
    assert "没有发现问题" in call("scan", "--lang", "zh").stdout
    (tmp_path / "makewhole.toml").write_text('language = "klingon"\n' + told, encoding="utf-8")
    assert call("scan").exit_code == 2


def run(*arguments: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """The real program in a process of its own."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("MAKEWHOLE_", "LC_", "LANG"))} | {"LANG": "C.UTF-8"} | environment
    return subprocess.run([MAKEWHOLE, *arguments], cwd=folder, env=env, capture_output=True, text=True, timeout=60, check=False)


def test_help_speaks_both_languages(tmp_path: Path) -> None:
    """By option, by setting in the environment, by locale; it names every command and every exit code."""
    english = run("--help", folder=tmp_path)
    assert english.returncode == 0
    assert "list broken orders; changes nothing" in english.stdout
    assert "  70 " in english.stdout
    for chinese in (
        run("--lang", "zh", "--help", folder=tmp_path),
        run("--help", "--lang=zh", folder=tmp_path),
        run("--help", folder=tmp_path, LANG="zh_CN.UTF-8"),
        run("--help", folder=tmp_path, MAKEWHOLE_LANGUAGE="zh"),
        run(folder=tmp_path, MAKEWHOLE_LANGUAGE="zh"),
    ):
        assert "列出问题订单" in chinese.stdout + chinese.stderr
    assert "只读不写" in run("scan", "--help", "--lang", "zh", folder=tmp_path).stdout


def test_help_imports_no_adapter_and_no_engine(tmp_path: Path) -> None:
    """That is why it answers at once."""
    program = (
        "import sys; sys.argv = ['makewhole', '--help']\nfrom makewhole import cli\ntry:\n    cli.main()\nexcept SystemExit:\n    pass\n"
    )
    program += "print([m for m in sys.modules if m.split('.')[0] in ('sqlalchemy', 'httpx2', 'msgspec', 'rich', 'structlog')])"
    told = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True)
    assert told.stdout.splitlines()[-1] == "[]"


def test_version_and_wrong_commands_in_a_process_of_their_own(tmp_path: Path) -> None:
    """Exit codes as a shell sees them."""
    assert run("--version", folder=tmp_path).stdout.startswith("makewhole ")
    wrong = run("scna", folder=tmp_path)
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert run("scan", folder=tmp_path).returncode == 2
    assert "\x1b" not in wrong.stderr


def test_an_address_that_does_not_answer_is_incomplete(tmp_path: Path) -> None:
    """Nobody listens on that port: exit 3, and no traceback."""
    told = run("scan", "--database", "mysql://reader@127.0.0.1:9/shop", "--shop", "mall", folder=tmp_path)
    assert told.returncode == 3, told.stderr
    assert "Traceback" not in told.stderr
    assert "what to do:" in told.stderr


@pytest.mark.parametrize("shop", ["nosuchshop", "nosuchfile.toml", "empty.toml", "torn.toml"])
def test_a_wrong_shop_file_is_named(shop: str, tmp_path: Path) -> None:
    """Missing, empty or torn: exit 2 and its name."""
    (tmp_path / "empty.toml").write_text("", encoding="utf-8")
    (tmp_path / "torn.toml").write_text('name = "x"\n[order', encoding="utf-8")
    told = run("scan", "--database", f"sqlite:///{tmp_path}/shop.db", "--shop", shop, folder=tmp_path)
    assert told.returncode == 2, told.stderr
    assert shop in told.stderr
    assert "Traceback" not in told.stderr


def test_ctrl_c_leaves_cleanly(tmp_path: Path) -> None:
    """130 and one line, whatever was being done."""
    env = os.environ | {"LANG": "C.UTF-8"}
    arguments = [MAKEWHOLE, "demo", "--orders", "50000", "--folder", "world"]
    pipe = subprocess.PIPE
    with subprocess.Popen(arguments, cwd=tmp_path, env=env, stdout=pipe, stderr=pipe, text=True) as going:
        try:
            deadline = time.monotonic() + 30
            while not (tmp_path / "world").exists() and time.monotonic() < deadline:
                time.sleep(0.05)
            time.sleep(0.3)
            going.send_signal(signal.SIGINT)
            _, told = going.communicate(timeout=60)
        finally:
            going.kill()
    assert going.returncode == 130, told
    assert "Traceback" not in told


def test_a_reader_that_leaves_is_no_defect(tmp_path: Path) -> None:
    """`makewhole scan | head -1`: no traceback, no report."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as closed:
        told = subprocess.run(
            [MAKEWHOLE, "--help"], cwd=tmp_path, stdout=closed, stderr=subprocess.PIPE, text=True, timeout=60, check=False
        )
    assert told.returncode == exits.Exit.PIPE_CLOSED
    assert "Traceback" not in told.stderr
    assert not list(tmp_path.iterdir())


def test_a_document_is_utf8_whatever_the_terminal(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """Scripts read bytes."""
    output.Output(as_json=True).document({"name": "订单"})
    assert capfdbinary.readouterr().out == '{"name":"订单"}\n'.encode()
