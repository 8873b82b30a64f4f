"""A defect's report: the error and what we run on come in, a file without secrets goes out, for whoever mends us."""

from __future__ import annotations

import os
import platform
import re
import tempfile
import traceback
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import makewhole
from makewhole.cli import start
from makewhole.core import cards

PARTS = ("click", "cryptography", "httpx2", "msgspec", "pymysql", "rich", "sqlalchemy", "starlette", "structlog", "tantivy", "uvicorn")
MASK = "***"
SECRET_BYTES_MIN = 4
"""A shorter value masks half the report and protects nothing."""
_PASSWORD_IN_URL = re.compile(r"""(://[^/@:\s]*:)[^\s'"]+(@)""")
_PEM = re.compile(r"-----BEGIN [A-Z ]+-----.*?-----END [A-Z ]+-----", re.DOTALL)
_QUOTED = re.compile(r':\s*"([^"\s]+)"')
_SECRET_NAME = re.compile(r"PASSWORD|SECRET|TOKEN|APIV3|PRIVATE|_KEY$", re.IGNORECASE)


def write(error: BaseException, begun: start.Start) -> Path:
    """Write the report where we stand, or among the temporary files where we may not; readable by its owner alone."""
    now = datetime.now(UTC)
    name = f"makewhole-report-{now:%Y%m%dT%H%M%S}-{os.getpid()}.txt"
    text = masked("\n".join(_lines(error, begun, now)), begun)
    for temporary in (False, True):
        try:
            # Where no disk has room, not even that folder is told.
            return _write(Path(tempfile.gettempdir() if temporary else ".").resolve() / name, text)
        except OSError:
            continue
    return Path(os.devnull)


def masked(text: str, begun: start.Start) -> str:
    """The text without any secret that this process could know, by value and by shape, and without any card's number."""
    for secret in sorted(_secrets(begun), key=len, reverse=True):
        text = text.replace(secret, MASK)
    text = _PEM.sub(MASK, text)
    return cards.masked(_PASSWORD_IN_URL.sub(rf"\1{MASK}\2", text))


def _lines(error: BaseException, begun: start.Start, now: datetime) -> list[str]:
    lines = [
        "Makewhole stopped because of a mistake of its own. Passwords and keys are masked; please read it before you pass it on.",
        "",
        f"at         {now.isoformat(timespec='seconds')}",
        f"makewhole  {makewhole.__version__}",
        f"python     {platform.python_version()} on {platform.platform()}",
        f"arguments  {' '.join(begun.arguments)}",
        *(f"{part:<11}{_version(part)}" for part in PARTS),
        "",
        "settings",
        f"  {begun.settings!r}",
        "",
        *traceback.format_exception(error),
    ]
    return [line.rstrip("\n") for line in lines]


def _version(part: str) -> str:
    try:
        return metadata.version(part)
    except metadata.PackageNotFoundError:
        return "not installed"


def _secrets(begun: start.Start) -> set[str]:
    """What the environment names as a secret, and what the files hold that the settings name."""
    named = ((name, value) for name, value in os.environ.items() if name.startswith("MAKEWHOLE_") and not name.endswith("_FILE"))
    found = {value for name, value in named if _SECRET_NAME.search(name)}
    told = begun.settings
    for file in [] if told is None else told.secret_files():
        try:
            text = Path(file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            continue  # what we cannot read we cannot have shown
        # Tokens stand in quotes, several in a file.
        found |= {text, *_QUOTED.findall(text)}
    return {value for value in found if len(value) >= SECRET_BYTES_MIN}


def _write(path: Path, text: str) -> Path:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
        out.write(text + "\n")
    return path
