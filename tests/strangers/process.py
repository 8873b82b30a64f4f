"""A stranger in a process of its own, in its own environment: calls go in as JSON lines, what it makes of them comes back."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any


class WallClock:
    """The real time: the stranger has no other."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, span: timedelta) -> None:
        raise NotImplementedError


def parsed(text: str) -> Any:
    """A body as JSON; None for an empty one."""
    return json.loads(text) if text else None


class Stranger:
    """The SDK in its own process."""

    def __init__(self, runtime: Path, driver: str, **environment: str) -> None:
        apart = ["-I"] if driver.endswith(".py") else []
        self._process = subprocess.Popen(
            [runtime, *apart, Path(__file__).parent / driver],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | environment,
        )

    def ask(self, do: str, **told: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": do} | told) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def call(self, method: str, **arguments: Any) -> tuple[int, Any]:
        """Status and content: parsed where it is JSON, bytes where it is a file."""
        answer = self.ask("call", method=method, arguments=arguments)
        if "base64" in answer:
            return answer["status"], base64.b64decode(answer["base64"])
        return answer["status"], parsed(answer["text"])

    def stop(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=10)
        self._process.stdout.close()
